//! Detects folders on a network file system, where a lock may not exclude other machines.

use std::fs;
use std::path::Path;

/// What is known of the file system that holds a folder.
struct FileSystem {
    name: String,
    is_network: bool,
}

/// The kind of network file system that holds a folder, such as `nfs4`; `None` for a local one, and where
/// the system does not tell. The folder need not exist yet.
pub(crate) fn network_kind(folder: &Path) -> Option<String> {
    let folder = folder.ancestors().find(|folder| folder.exists())?;
    let found = file_system(folder)?;
    found.is_network.then_some(found.name)
}

/// True if locks of this file may not hold between machines. Whether FUSE file systems lock is up to each:
/// sshfs and most mounts of cloud storage are made with it. On Windows the server enforces that a file is
/// opened by one alone.
pub(crate) fn may_grant_every_lock(path: &Path) -> bool {
    let found = file_system(path).filter(|_| !cfg!(windows));
    found.is_some_and(|found| found.is_network || found.name.contains("fuse"))
}

fn file_system(path: &Path) -> Option<FileSystem> {
    platform::file_system(&fs::canonicalize(path).ok()?)
}

#[cfg(target_os = "linux")]
mod platform {
    use super::{FileSystem, Path, fs};

    /// As mount(8) names them.
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

    pub(super) fn file_system(path: &Path) -> Option<FileSystem> {
        let mounts = fs::read("/proc/self/mountinfo").ok()?;
        find(&String::from_utf8_lossy(&mounts), path)
    }

    /// Finds the mount that holds a path, in the text of `/proc/self/mountinfo` (proc(5)).
    pub(super) fn find(mounts: &str, path: &Path) -> Option<FileSystem> {
        let fields = mounts.lines().filter_map(|line| {
            let (before, after) = line.split_once(" - ")?;
            Some((before.split(' ').nth(4)?, after.split(' ').next()?))
        });
        let holding = fields.filter(|(point, _)| path.starts_with(unescaped(point)));
        // Of several at one place, the last hides the others.
        let (_, name) = holding.max_by_key(|(point, _)| Path::new(point).components().count())?;
        Some(FileSystem {
            name: name.to_owned(),
            is_network: NETWORK.contains(&name),
        })
    }

    /// Blanks and backslashes are octal numbers there.
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

#[cfg(target_vendor = "apple")]
mod platform {
    use std::ffi::CStr;

    use super::{FileSystem, Path};

    pub(super) fn file_system(path: &Path) -> Option<FileSystem> {
        let found = rustix::fs::statfs(path).ok()?;
        let is_local = found.f_flags & u32::try_from(libc::MNT_LOCAL).ok()? != 0;
        let name = found.f_fstypename.map(i8::cast_unsigned);
        let name = CStr::from_bytes_until_nul(&name).ok()?;
        Some(FileSystem {
            name: name.to_string_lossy().into_owned(),
            is_network: !is_local,
        })
    }
}

#[cfg(windows)]
mod platform {
    use std::path::{Component, Prefix};

    use super::{FileSystem, Path};

    /// A mapped drive has become its share's name here.
    pub(super) fn file_system(path: &Path) -> Option<FileSystem> {
        match path.components().next() {
            Some(Component::Prefix(prefix)) => match prefix.kind() {
                Prefix::UNC(..) | Prefix::VerbatimUNC(..) => Some(FileSystem {
                    name: "a share".into(),
                    is_network: true,
                }),
                _ => None,
            },
            _ => None,
        }
    }
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple", windows)))]
mod platform {
    use super::{FileSystem, Path};

    pub(super) fn file_system(_: &Path) -> Option<FileSystem> {
        None
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

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
            let found = platform::find(MOUNTS, Path::new(path)).expect("a mount");
            let found = found.is_network.then_some(found.name);
            assert_eq!(found.as_deref(), kind, "{path}");
        }
        assert!(platform::find("nonsense", Path::new("/")).is_none());
    }

    #[test]
    fn a_local_folder_is_none_of_a_network_and_neither_is_what_is_not_there() {
        let folder = std::env::temp_dir();
        assert_eq!(network_kind(&folder.join("not/there")), None);
        assert!(!may_grant_every_lock(&folder));
        assert!(!may_grant_every_lock(Path::new("/proc")));
        assert!(!may_grant_every_lock(Path::new("/nonexistent")));
    }
}
