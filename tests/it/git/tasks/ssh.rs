//! A real sshd, started by the real ssh for each connection, so that it needs no port.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

const SSHD: &str = "/usr/sbin/sshd";

/// Keys and configuration of a server of git repositories.
pub struct SshServer {
    /// What git runs in place of `ssh`.
    pub command: String,
    /// Whose account it serves.
    pub user: String,
    _folder: TempDir,
}

impl SshServer {
    /// Serves what is below this folder. `None` where this machine lacks a program of it.
    pub fn new(root: &Path) -> Option<Self> {
        let folder = TempDir::new().expect("a folder");
        let at = |name: &str| folder.path().join(name).display().to_string();
        if !Path::new(SSHD).exists() || ![at("host"), at("key")].iter().all(|file| make_key(file)) {
            skip!("openssh-server is not installed");
            return None;
        }
        if rustix::process::geteuid().is_root() {
            // As the system's service makes it.
            fs::create_dir_all("/run/sshd").expect("sshd's folder");
        }
        fs::copy(at("key.pub"), at("authorized")).expect("a key");
        let config = format!(
            "HostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nPermitRootLogin yes\nUsePAM no\nPidFile none\n\
             ForceCommand cd '{}' && eval \"$SSH_ORIGINAL_COMMAND\"\n",
            at("host"),
            at("authorized"),
            root.display()
        );
        fs::write(at("config"), config).expect("a configuration");
        let command = format!(
            "ssh -F none -i {} -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=no \
             -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o ProxyCommand='{SSHD} -i -f {}'",
            at("key"),
            at("config")
        );
        let user = Command::new("id").arg("-un").output().expect("id").stdout;
        Some(Self {
            command,
            user: String::from_utf8_lossy(&user).trim().to_owned(),
            _folder: folder,
        })
    }
}

fn make_key(file: &str) -> bool {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f", file])
        .output();
    made.is_ok_and(|output| output.status.success())
}
