//! What other processes of the same, unprivileged user can read out of a running ghtok: nothing.
//! Needs root to become somebody else; elsewhere it says so.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fake_github::{Endpoint, Failure, FakeGitHub, Fault};

use crate::support::processes::{Caller, IN_TIME, Watch};
use crate::support::sandbox::{Program, Sandbox, path_of};

const NOBODY: u32 = 65_534;

/// A ghtok of an unprivileged user that waits for a held refresh, and its refresher.
struct Victim {
    fake: FakeGitHub,
    caller: Caller,
    refresher: u32,
    sandbox: Sandbox,
}

impl Victim {
    fn start() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            skip!("only root can become an unprivileged user");
            return None;
        }
        let fake = FakeGitHub::start().expect("a fake");
        let sandbox = Sandbox::new(&fake);
        sandbox.seed(&fake, std::time::Duration::from_secs(60));
        let program = sandbox.home().join("ghtok");
        // Not by us: a descriptor that is open for writing while another test starts a process would
        // be inherited, and keep the copy from being run.
        let copied = Command::new("cp")
            .arg(path_of(Program::Real))
            .arg(&program)
            .status();
        assert!(copied.expect("cp").success());
        fs::create_dir(sandbox.home().join("output")).expect("a folder");
        give_away(sandbox.home());
        fake.fail_next(Endpoint::Refresh, Fault::before(Failure::Gate));
        let model = sandbox.command(Program::Real, ["get"]);
        let mut command = Command::new("sh");
        // As a person who wants core files has it.
        command
            .args(["-c", "ulimit -c unlimited; exec \"$0\" get"])
            .arg(&program);
        for (name, value) in model.get_envs() {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        command
            .uid(NOBODY)
            .gid(NOBODY)
            .stdin(Stdio::null())
            .current_dir(sandbox.home());
        let caller = Caller::start(&sandbox, &mut command);
        fake.wait_for_held(Endpoint::Refresh, 1, IN_TIME)
            .expect("held");
        let refresher = number(Watch::over(&sandbox).refresher());
        Some(Self {
            fake,
            caller,
            refresher,
            sandbox,
        })
    }

    fn pids(&self) -> [u32; 2] {
        [number(self.caller.pid()), self.refresher]
    }
}

fn number(pid: rustix::process::Pid) -> u32 {
    u32::try_from(pid.as_raw_nonzero().get()).expect("a process")
}

fn give_away(folder: &Path) {
    chown(folder, Some(NOBODY), Some(NOBODY)).expect("chown");
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            give_away(&path);
        } else {
            chown(&path, Some(NOBODY), Some(NOBODY)).expect("chown");
        }
    }
}

/// A program that hides nothing, to see that the ways in are open.
fn open_process(folder: &Path) -> std::process::Child {
    Command::new("sleep")
        .arg("60")
        .uid(NOBODY)
        .gid(NOBODY)
        .current_dir(folder)
        .spawn()
        .expect("sleep")
}

fn as_nobody(program: &str, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(program)
        .args(arguments)
        .uid(NOBODY)
        .gid(NOBODY)
        .stdin(Stdio::null())
        .output()
        .expect("started");
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

fn can_read(pid: u32, file: &str) -> bool {
    // Some of these files open for everybody and are empty for strangers.
    let (opened, content) = as_nobody("cat", &[&format!("/proc/{pid}/{file}")]);
    opened && !content.is_empty()
}

fn can_attach(pid: u32) -> bool {
    let pid = pid.to_string();
    let (_, said) = as_nobody(
        "gdb",
        &["-nx", "-batch", "-p", &pid, "-ex", "info inferiors"],
    );
    said.lines()
        .any(|line| line.starts_with("* 1") && line.contains(&format!("process {pid}")))
}

#[test]
fn nothing_is_read_through_proc_or_a_debugger() {
    let Some(victim) = Victim::start() else {
        return;
    };
    let mut open = open_process(victim.sandbox.home());
    assert!(can_read(open.id(), "environ"), "the way in is open");
    for pid in victim.pids() {
        for file in ["environ", "maps", "auxv"] {
            assert!(!can_read(pid, file), "{file} of {pid}");
        }
    }
    if Command::new("gdb").arg("--version").output().is_ok() {
        assert!(can_attach(open.id()), "the way in is open");
        for pid in victim.pids() {
            assert!(!can_attach(pid), "attached to {pid}");
        }
    } else {
        skip!("gdb is not installed");
    }
    open.kill().and_then(|()| open.wait()).expect("ended");
    victim.fake.release(Endpoint::Refresh);
    let token = victim.caller.finish();
    assert!(victim.fake.is_alive(token.token()), "it went on");
}

#[test]
fn no_core_file_is_written() {
    let Some(victim) = Victim::start() else {
        return;
    };
    let folder = victim.sandbox.home().join("cores");
    fs::create_dir(&folder).expect("a folder");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).expect("mode");
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "ulimit -c unlimited; exec sleep 60"])
        .current_dir(&folder);
    let mut open = shell.uid(NOBODY).gid(NOBODY).spawn().expect("sleep");
    for pid in [open.id(), number(victim.caller.pid())] {
        let quit = ["-QUIT", &pid.to_string()];
        // The shell needs a moment to become `sleep`; until then it is the shell that dumps.
        assert!(as_nobody("kill", &quit).0);
    }
    let dumps = open.wait().expect("ended").core_dumped();
    if !dumps {
        println!("this machine writes no core files at all");
    }
    let mut caller = victim.caller;
    let by_signal = caller.ended_by();
    let dumped = caller.dumped_core();
    assert_eq!(by_signal, Some(3), "{:?}", caller.finish());
    assert!(!dumped, "a core file of ghtok");
    assert_eq!(cores(victim.sandbox.home()), Vec::<PathBuf>::new());
    victim.fake.release(Endpoint::Refresh);
}

fn cores(home: &Path) -> Vec<PathBuf> {
    let names = fs::read_dir(home)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path());
    names
        .filter(|path| path.to_string_lossy().contains("/core"))
        .filter(|path| path.is_file())
        .collect()
}
