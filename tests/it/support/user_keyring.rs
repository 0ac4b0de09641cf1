//! A user keyring of one test's own. The kernel has one for each user and user namespace, so that what a
//! test lists or removes there is neither another test's nor the developer's.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::Arc;

/// Lasts as long as this value and the processes in it.
#[derive(Clone, Debug)]
pub struct UserKeyring {
    namespace: Arc<File>,
}

impl UserKeyring {
    /// An empty one. `None`, with a line that says why, where there can be none.
    pub fn new() -> Option<Self> {
        if let Err(error) = ghtok::testing::store::kernel::is_available() {
            skip!("no kernel keyring here: {error}");
            return None;
        }
        let keyring = namespace().map(|namespace| Self {
            namespace: Arc::new(namespace),
        });
        if keyring.is_none() {
            skip!("no user namespace can be made here");
        }
        keyring
    }

    /// Has a command run with this keyring.
    #[expect(
        unsafe_code,
        reason = "a process can be moved by a step of its own only"
    )]
    pub fn use_in(&self, command: &mut Command) {
        let namespace = Arc::clone(&self.namespace);
        // SAFETY: one system call, which takes no lock and allocates nothing.
        unsafe {
            command.pre_exec(move || {
                match libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWUSER) {
                    0 => Ok(()),
                    _ => Err(std::io::Error::last_os_error()),
                }
            });
        }
    }

    /// Whether a key of this description is on it.
    pub fn has(&self, description: &str) -> bool {
        self.keyctl(&["search", "@u", "user", description])
    }

    /// What a reboot does to it.
    pub fn clear(&self) {
        assert!(self.keyctl(&["clear", "@u"]), "not cleared");
    }

    fn keyctl(&self, arguments: &[&str]) -> bool {
        let mut keyctl = Command::new("keyctl");
        keyctl
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.use_in(&mut keyctl);
        keyctl.status().expect("keyctl runs").success()
    }
}

/// A user namespace of the same user. `None` where none can be made.
fn namespace() -> Option<File> {
    let mut keeper = Command::new("unshare")
        .args(["--user", "--map-current-user", "cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    // An echo comes from inside only.
    let mut input = keeper.stdin.take().expect("a pipe");
    let _ = input.write_all(b"inside\n");
    let mut echo = String::new();
    let _ = BufReader::new(keeper.stdout.take().expect("a pipe")).read_line(&mut echo);
    let namespace = (echo == "inside\n")
        .then(|| File::open(format!("/proc/{}/ns/user", keeper.id())).expect("its namespace"));
    drop(input);
    let _ = keeper.wait();
    namespace
}

#[test]
fn each_user_keyring_is_apart_from_the_others() {
    let (Some(one), Some(other)) = (UserKeyring::new(), UserKeyring::new()) else {
        return;
    };
    for keyring in [&one, &other] {
        assert!(keyring.keyctl(&["add", "user", "ghtok:of/one", "text", "@u"]));
    }
    one.clear();
    assert!(!one.has("ghtok:of/one") && other.has("ghtok:of/one"));
}
