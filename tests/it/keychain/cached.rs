//! What a `get` costs whose token is not due.

use std::fs;
use std::process::Command;

use super::{HOUR, Keychain};
use crate::support::deadline::{ends, run_command};
use crate::support::sandbox::Program;

/// System calls by which a process could lock, write, talk to others, or start processes.
const TRACED: &str = "trace=connect,sendto,sendmsg,write,writev,flock,fcntl,fsync,fdatasync,rename,\
                      renameat2,unlink,clone,clone3,fork,vfork,execve";

#[test]
fn p10_a_cached_get_is_one_conversation_with_the_keychain_and_nothing_else() {
    let Some(keychain) = Keychain::new() else {
        return;
    };
    let token = keychain.seed(2 * HOUR);
    let log = keychain.sandbox.home().join("calls");
    let plain = keychain.command(Program::Real, &["get"]);
    let mut traced = Command::new("strace");
    traced
        .args(["-f", "-s", "4096", "-e", TRACED, "-o"])
        .arg(&log)
        .arg(plain.get_program())
        .args(plain.get_args())
        .env_clear();
    for (name, value) in plain.get_envs() {
        traced.env(name, value.unwrap_or_default());
    }
    traced.env_remove("GHTOK_STORE");
    traced.stdout(std::process::Stdio::piped());
    traced.stderr(std::process::Stdio::piped());
    assert_eq!(run_command(&mut traced).token(), token);

    let calls = fs::read_to_string(&log).expect("the system calls");
    let count = |text: &str| calls.matches(text).count();
    assert_eq!(count("connect("), 1, "one connection, to the bus: {calls}");
    for (member, times) in [
        ("SearchItems", 1),
        ("OpenSession", 1),
        ("GetSecret", 1),
        ("Unlock", 0),
        ("StartServiceByName", 0),
    ] {
        let lines = calls.lines().filter(|line| line.contains(member));
        assert_eq!(lines.count(), times, "{member}: {calls}");
    }
    assert_eq!(count("execve("), 1, "no child process: {calls}");
    for absent in [
        "clone",
        "fork(",
        "flock(",
        "F_SETLK",
        "F_OFD_SETLK",
        "fsync(",
        "rename",
        "unlink(",
    ] {
        assert_eq!(count(absent), 0, "{absent}: {calls}");
    }
    assert_eq!(keychain.fake.connections(), 0, "no network");
}

#[test]
fn p10_many_cached_gets_at_once_leave_the_keychain_alive() {
    let Some(mut keychain) = Keychain::new() else {
        return;
    };
    let token = keychain.seed(2 * HOUR);
    let daemon = keychain.bus.keyring_pid();
    for _ in 0..3 {
        let callers: Vec<_> = (0..40)
            .map(|_| {
                let mut command = keychain.command(Program::Real, &["get"]);
                command.spawn().expect("a process")
            })
            .collect();
        for caller in callers {
            let run = ends(caller, std::time::Duration::from_secs(60));
            assert_eq!(run.token(), token);
        }
    }
    assert_eq!(keychain.bus.keyring_pid(), daemon, "the same daemon");
    assert_eq!(keychain.run(&["get"]).token(), token);
    assert_eq!(keychain.fake.connections(), 0);
}
