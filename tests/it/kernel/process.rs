//! Other processes on the kernel keyring: this test binary once more, told what to do by its
//! environment.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use ghtok::testing::auth::ports::StoreError;
use ghtok::testing::store::Slot;
use ghtok::testing::store::kernel::{KernelSlot, is_available};
use tempfile::TempDir;

use super::kept::slot_of;

const DEED: &str = "GHTOK_TEST_KERNEL_DEED";
const ID: &str = "GHTOK_TEST_KERNEL_ID";
/// Marks the answer among what the test harness prints.
const ANSWER: &str = "kernel-answer: ";

/// What a copy of this program is called.
const COPY: &str = "it";

/// How another process is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// As any child.
    Plain,
    /// With an empty environment, in a session of its own.
    LikeCron,
    /// With a new session keyring that leads nowhere, so that it possesses nothing.
    EmptySession,
}

/// A process that can be asked to do something on the keyring.
pub(super) struct Process {
    start: Start,
    user: Option<u32>,
    /// The error that a stand-in for a sandbox answers every key call with.
    blocked_by: Option<&'static str>,
    /// Holds a copy of this program that everybody may run.
    copy: Option<TempDir>,
}

impl Process {
    pub(super) fn new(start: Start) -> Self {
        Self {
            start,
            user: None,
            blocked_by: None,
            copy: None,
        }
    }

    /// Of a user who has no other process; `None` for who may not start one.
    pub(super) fn of_an_unprivileged_user() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let open = fs::Permissions::from_mode(0o755);
        fs::set_permissions(folder.path(), open.clone()).expect("rights");
        let mut process = Self::new(Start::EmptySession);
        let copy = folder.path().join(COPY);
        // Written by another process: a child forked here meanwhile would inherit the open file, and
        // a program that is open for writing cannot be run (ETXTBSY).
        let copied = Command::new("cp")
            .arg(process.program())
            .arg(&copy)
            .status();
        assert!(copied.expect("cp").success());
        fs::set_permissions(&copy, open).expect("rights");
        process.user = Some(50_000 + std::process::id() % 10_000);
        process.copy = Some(folder);
        Some(process)
    }

    /// Where every call about keys fails with this error; `None` without strace.
    pub(super) fn in_a_sandbox(error: &'static str) -> Option<Self> {
        Command::new("strace").arg("-V").output().ok()?;
        let mut process = Self::new(Start::Plain);
        process.blocked_by = Some(error);
        Some(process)
    }

    /// Has the process do one thing with the record of an App; its answer in words.
    pub(super) fn run(&self, deed: &str, id: &str) -> String {
        let mut command = self.command();
        command
            .args(["--exact", "--ignored", "--nocapture"])
            .arg("kernel::process::another_process")
            .env_clear()
            .env(DEED, deed)
            .env(ID, id)
            .stdin(Stdio::null());
        let output = command.output().expect("another process");
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        told.lines()
            .find_map(|line| Some(line.split_once(ANSWER)?.1.to_owned()))
            .unwrap_or_else(|| panic!("no answer: {output:?}"))
    }

    fn program(&self) -> PathBuf {
        self.copy.as_ref().map_or_else(
            || env::current_exe().expect("this program"),
            |folder| folder.path().join(COPY),
        )
    }

    fn command(&self) -> Command {
        let mut command = match self.blocked_by {
            None => Command::new(self.program()),
            Some(error) => {
                let mut strace = Command::new("strace");
                strace
                    .args(["-f", "-qq", "-o", "/dev/null", "-e"])
                    .arg(format!("inject=keyctl,add_key,request_key:error={error}"))
                    .arg(self.program());
                strace
            }
        };
        if let Some(user) = self.user {
            command.uid(user).gid(user).current_dir("/");
        }
        match self.start {
            Start::Plain => {}
            Start::LikeCron => before(&mut command, leave_session),
            Start::EmptySession => before(&mut command, join_an_empty_session),
        }
        command
    }
}

#[expect(
    unsafe_code,
    reason = "a child's keyrings can be set in the child alone"
)]
fn before(command: &mut Command, step: fn() -> std::io::Result<()>) {
    // SAFETY: the steps below are one system call each; they take no lock and allocate nothing.
    unsafe { command.pre_exec(step) };
}

fn leave_session() -> std::io::Result<()> {
    rustix::process::setsid()?;
    Ok(())
}

#[expect(unsafe_code, reason = "no safe call joins a session keyring")]
fn join_an_empty_session() -> std::io::Result<()> {
    const JOIN_SESSION_KEYRING: libc::c_long = 1;
    let anonymous = std::ptr::null::<libc::c_char>();
    // SAFETY: keyctl(2) takes a null name for a new anonymous keyring.
    match unsafe { libc::syscall(libc::SYS_keyctl, JOIN_SESSION_KEYRING, anonymous) } {
        -1 => Err(std::io::Error::last_os_error()),
        _ => Ok(()),
    }
}

#[test]
#[ignore = "no test: what the processes that other tests start run"]
fn another_process() {
    let (Ok(deed), Ok(id)) = (env::var(DEED), env::var(ID)) else {
        return;
    };
    let answer = act(&deed, &slot_of(&id), &id).unwrap_or_else(|error| format!("failed {error:?}"));
    println!("\n{ANSWER}{answer}");
}

fn act(deed: &str, slot: &KernelSlot, id: &str) -> Result<String, StoreError> {
    Ok(match deed {
        "available" => is_available().map(|()| "available".into())?,
        "read" => match slot.read()? {
            Some(bytes) => format!("some {}", String::from_utf8_lossy(&bytes)),
            None => "none".into(),
        },
        "write" => slot.write(b"from-there").map(|()| "written".into())?,
        "delete" => slot.delete().map(|()| "deleted".into())?,
        "prove" => slot.prove_writable().map(|()| "proven".into())?,
        "fill" => fill(id),
        other => panic!("no such deed: {other}"),
    })
}

/// Fills this user's quota, and removes again what it was filled with.
fn fill(id: &str) -> String {
    let slots: Vec<_> = (0..40).map(|n| slot_of(&format!("{id}-{n}"))).collect();
    let told = slots
        .iter()
        .find_map(|slot| slot.write(&[1; 1_000]).err())
        .map_or("never full".into(), |error| format!("full {error:?}"));
    let proof = slots[39]
        .prove_writable()
        .expect_err("no room for a record");
    for slot in &slots {
        slot.delete().expect("deleted");
    }
    assert!(matches!(proof, StoreError::Failed(_)), "{proof:?}");
    told
}
