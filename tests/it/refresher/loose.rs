//! How the refresher cuts itself loose: its own session, the lock as its standard input, and nothing
//! else of its caller's, so that nobody waits for it or takes it along.

use std::fs;
use std::io::{Read, pipe};
use std::os::unix::fs::MetadataExt;
use std::sync::mpsc;
use std::thread;

use fake_github::FakeGitHub;
use rustix::process::{Pid, getpgid, getsid};

use super::{expect_requests, go_on};
use crate::support::processes::{Caller, IN_TIME, Watch, proc_of, shell};
use crate::support::records::{DUE, sign_in};
use crate::support::sandbox::{Program, Sandbox, path_of};

#[test]
fn p3_the_refresher_keeps_nothing_of_its_caller_but_the_lock() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let watch = Watch::over(&sandbox);
    sign_in(&sandbox, &fake, DUE);
    let (inherited, end) = pipe().expect("a pipe");
    // The pipe comes in as standard input and stays open as descriptor 9.
    let script = r#"exec 9<&0 0</dev/null; exec "$1" get"#;
    let mut command = shell(&sandbox, script);
    command
        .arg(path_of(Program::Hurried))
        .env("GHTOK_TEST_AT", "begun:stop")
        .stdin(end);
    let caller = Caller::start(&sandbox, &mut command);
    drop(command);
    let refresher = watch.stopped_refresher();

    assert_eq!(
        getsid(Some(refresher)),
        Ok(refresher),
        "a session of its own"
    );
    assert_eq!(
        getpgid(Some(refresher)),
        Ok(refresher),
        "a process group of its own"
    );
    let lock = fs::metadata(sandbox.state_folder().lock(&sandbox.app().key())).expect("a lock");
    let stdin = fs::metadata(proc_of(refresher).join("fd/0")).expect("a standard input");
    assert_eq!(
        (stdin.dev(), stdin.ino()),
        (lock.dev(), lock.ino()),
        "the lock"
    );
    assert_eq!(open_files(refresher, 1..=2), ["/dev/null", "/dev/null"]);
    assert!(open_files(refresher, 9..=9).is_empty());

    // With its caller gone, nobody has the pipe any more, although the refresher lives on.
    drop(caller);
    let (sender, at_end) = mpsc::channel();
    let read = move |mut pipe: std::io::PipeReader| sender.send(pipe.read(&mut [0]));
    thread::spawn(move || read(inherited));
    let bytes = at_end.recv_timeout(IN_TIME).expect("an end in time");
    assert_eq!(bytes.expect("readable"), 0);

    go_on(refresher);
    expect_requests(&fake, &watch, 1, 1);
    assert_eq!(sandbox.record().generation, 2);
}

/// What a process has open under these numbers.
fn open_files(pid: Pid, numbers: std::ops::RangeInclusive<u32>) -> Vec<String> {
    let folder = proc_of(pid).join("fd");
    let target = |number: u32| fs::read_link(folder.join(number.to_string())).ok();
    numbers
        .filter_map(target)
        .map(|path| path.display().to_string())
        .collect()
}
