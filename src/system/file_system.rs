//! Which kind of file system a folder is on, as far as it matters for locks.

use std::path::Path;

/// The kind of network file system that holds a folder, such as `nfs4`; `None` for a local one, and where
/// the system does not tell. Locks there may not reach the other machines.
pub fn network_kind(folder: &Path) -> Option<String> {
    let folder = folder.ancestors().find(|folder| folder.exists())?;
    platform::network_kind(&std::fs::canonicalize(folder).ok()?)
}

#[cfg(any(target_os = "linux", test))]
mod mounts {
    use std::path::Path;

    /// File systems of other machines, as mount(8) names them.
    const NETWORK: [&str; 17] = [
        "9p",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "coda",
        "fuse.ceph",
        "fuse.glusterfs",
        "fuse.rclone",
        "fuse.s3fs",
        "fuse.sshfs",
        "gpfs",
        "lustre",
        "nfs",
        "nfs4",
        "smb3",
        "smbfs",
    ];

    /// Finds the mount that holds a path, in the text of `/proc/self/mountinfo` (proc(5)).
    pub(super) fn network_kind(mounts: &str, path: &Path) -> Option<String> {
        let fields = mounts.lines().filter_map(|line| {
            let (before, after) = line.split_once(" - ")?;
            Some((before.split(' ').nth(4)?, after.split(' ').next()?))
        });
        let holding = fields.filter(|(point, _)| path.starts_with(unescaped(point)));
        // Of several at one place, the last hides the others.
        let (_, kind) = holding.max_by_key(|(point, _)| Path::new(point).components().count())?;
        NETWORK.contains(&kind).then(|| kind.to_owned())
    }

    /// Blanks and backslashes stand as octal numbers.
    fn unescaped(point: &str) -> String {
        [
            (r"\040", " "),
            (r"\011", "\t"),
            (r"\012", "\n"),
            (r"\134", r"\"),
        ]
        .into_iter()
        .fold(point.to_owned(), |text, (code, plain)| {
            text.replace(code, plain)
        })
    }
}

#[cfg(target_os = "linux")]
mod platform {
    use std::path::Path;

    pub(super) fn network_kind(folder: &Path) -> Option<String> {
        let mounts = std::fs::read("/proc/self/mountinfo").ok()?;
        super::mounts::network_kind(&String::from_utf8_lossy(&mounts), folder)
    }
}

#[cfg(target_vendor = "apple")]
mod platform {
    use std::ffi::CStr;
    use std::path::Path;

    pub(super) fn network_kind(folder: &Path) -> Option<String> {
        let told = rustix::fs::statfs(folder).ok()?;
        let is_local = told.f_flags & u32::try_from(libc::MNT_LOCAL).ok()? != 0;
        let name = told.f_fstypename.map(i8::cast_unsigned);
        let name = CStr::from_bytes_until_nul(&name).ok()?;
        (!is_local).then(|| name.to_string_lossy().into_owned())
    }
}

#[cfg(windows)]
mod platform {
    use std::path::{Component, Path, Prefix};

    /// A mapped drive has become its share's name here.
    pub(super) fn network_kind(folder: &Path) -> Option<String> {
        match folder.components().next() {
            Some(Component::Prefix(prefix)) => match prefix.kind() {
                Prefix::UNC(..) | Prefix::VerbatimUNC(..) => Some("a share".into()),
                _ => None,
            },
            _ => None,
        }
    }
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple", windows)))]
mod platform {
    use std::path::Path;

    pub(super) fn network_kind(_: &Path) -> Option<String> {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::mounts;

    const MOUNTS: &str = "22 1 259:1 / / rw,relatime shared:1 - ext4 /dev/root rw\n\
        30 22 0:40 / /home rw shared:2 - nfs4 server:/home rw,vers=4.2,local_lock=all\n\
        31 30 0:41 / /home/me/local\\040disk rw - xfs /dev/sdb rw\n\
        32 22 0:42 / /mnt/ssh rw - fuse.sshfs me@host: rw\n\
        33 22 0:43 / /srv rw - nfs server:/srv rw\n\
        34 33 0:44 / /srv rw master:3 - tmpfs tmpfs rw\n";

    #[test]
    fn a_state_folder_on_a_network_file_system_is_seen() {
        for (path, kind) in [
            ("/home/me/.local/state/ghtok", Some("nfs4")),
            ("/home", Some("nfs4")),
            ("/homes/me", None),
            ("/home/me/local disk/x", None),
            ("/mnt/ssh/x", Some("fuse.sshfs")),
            ("/srv/x", None),
            ("/", None),
        ] {
            let found = mounts::network_kind(MOUNTS, Path::new(path));
            assert_eq!(found.as_deref(), kind, "{path}");
        }
        assert_eq!(mounts::network_kind("nonsense", Path::new("/")), None);
    }

    #[test]
    fn this_machines_temporary_folder_is_looked_up() {
        let folder = std::env::temp_dir().join("not/there");
        assert_eq!(super::network_kind(&folder), None);
    }
}
