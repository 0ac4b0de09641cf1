//! Whether a folder is on a network file system, where a lock may keep out nobody on other machines.

use std::path::Path;

/// Names of such file systems on macOS and the BSDs.
#[cfg(any(target_vendor = "apple", target_os = "freebsd"))]
const NAMES: [&str; 5] = ["nfs", "smbfs", "afpfs", "webdav", "fusefs"];

/// Magic numbers of such file systems on Linux (statfs(2)). FUSE is one of them: sshfs and most mounts of
/// cloud storage are made with it, and whether they lock is up to each.
#[cfg(target_os = "linux")]
const MAGIC_NUMBERS: [u32; 11] = [
    0x6969,      // NFS
    0x517B,      // SMB
    0xFE53_4D42, // SMB2
    0xFF53_4D42, // CIFS
    0x0102_1997, // 9p (folders of a virtual machine's host, WSL)
    0x6573_5546, // FUSE
    0x00C3_6400, // Ceph
    0x5346_414F, // AFS
    0x0BD0_0BD0, // Lustre
    0x4750_4653, // GPFS
    0x7375_7245, // Coda
];

/// True if the file system of this file or folder is known to be a network's; false where nothing is
/// known, and on Windows, whose servers enforce that a file is opened by one alone.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::unnecessary_cast,
    reason = "the fields have other types on other machines; the numbers have 32 bits"
)]
pub fn is_on_network(path: &Path) -> bool {
    #[cfg(target_os = "linux")]
    return rustix::fs::statfs(path)
        .is_ok_and(|found| MAGIC_NUMBERS.contains(&(found.f_type as u32)));
    #[cfg(any(target_vendor = "apple", target_os = "freebsd"))]
    return rustix::fs::statfs(path).is_ok_and(|found| {
        let name: Vec<u8> = found
            .f_fstypename
            .iter()
            .map(|unit| *unit as u8)
            .take_while(|byte| *byte != 0)
            .collect();
        NAMES.iter().any(|known| known.as_bytes() == name)
    });
    #[cfg(not(any(target_os = "linux", target_vendor = "apple", target_os = "freebsd")))]
    {
        let _ = path;
        false
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_local_folder_is_none_of_a_network_and_neither_is_what_is_not_there() {
        assert!(!is_on_network(Path::new("/proc")));
        assert!(!is_on_network(Path::new("/nonexistent")));
    }
}
