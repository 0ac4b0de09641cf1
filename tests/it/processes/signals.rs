//! P3: whatever ends a caller in mid-refresh (Ctrl-C, a closed terminal, `timeout`, a killed group),
//! the refresh completes and is stored.

use std::os::unix::process::CommandExt;
use std::time::Instant;

use fake_github::{Endpoint, Failure, FakeGitHub, Fault};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::support::processes::{Caller, IN_TIME, Watch, eventually, is_gone, shell};
use crate::support::records::{DUE, sign_in};
use crate::support::sandbox::{Program, Sandbox, path_of};

const SIGHUP: i32 = 1;
const SIGINT: i32 = 2;
const SIGKILL: i32 = 9;

/// Runs a caller until GitHub has replaced the tokens and holds its answer back, ends it with
/// `end`, lets the answer go, and checks that nothing was lost.
fn ended_in_mid_refresh(
    start: impl FnOnce(&Sandbox) -> Caller,
    end: impl FnOnce(&mut Caller, Pid),
) {
    let fake = FakeGitHub::start().expect("a fake");
    fake.fail_next(Endpoint::Refresh, Fault::after(Failure::Gate));
    let sandbox = Sandbox::new(&fake);
    let watch = Watch::over(&sandbox);
    let old = sign_in(&sandbox, &fake, DUE).access_token;

    let mut started = start(&sandbox);
    fake.wait_for_held(Endpoint::Refresh, 1, IN_TIME)
        .expect("a refresh on the wire");
    assert!(!fake.is_alive(&old));
    let [caller] = watch.running("get").try_into().expect("one caller");
    let refresher = watch.refresher();
    end(&mut started, caller);
    eventually("the end of the caller", || is_gone(caller).then_some(()));
    assert!(!is_gone(refresher), "the refresher lives on");

    assert_eq!(fake.release(Endpoint::Refresh), 1);
    watch.no_refresher();
    let stored = sandbox.record();
    assert_eq!(stored.generation, 2, "stored, although nobody waited");
    assert_eq!(stored.intent, None);
    let next = sandbox.run(["get"]);
    assert!(fake.is_alive(next.token()));
    assert_eq!(fake.count(Endpoint::Refresh), 1);
}

/// A caller that leads a process group, as a shell's job does. Like every caller here it names its
/// host, by which it is found among all processes.
fn job(sandbox: &Sandbox) -> Caller {
    let host = sandbox.app().host.to_string();
    let mut command = sandbox.command(Program::Real, ["get", "--host", &host]);
    Caller::start(sandbox, command.process_group(0))
}

#[test]
fn p3_ctrl_c_ends_the_caller_and_not_the_refresh() {
    ended_in_mid_refresh(job, |caller, _| {
        kill_process_group(caller.pid(), Signal::INT).expect("a group");
        assert_eq!(caller.ended_by(), Some(SIGINT));
    });
}

#[test]
fn p3_a_killed_process_group_does_not_take_the_refresh_with_it() {
    ended_in_mid_refresh(job, |caller, _| {
        kill_process_group(caller.pid(), Signal::KILL).expect("a group");
        assert_eq!(caller.ended_by(), Some(SIGKILL));
    });
}

#[test]
fn p3_timeout_kills_the_caller_and_not_the_refresh() {
    let start = |sandbox: &Sandbox| {
        let mut command = shell(
            sandbox,
            r#"exec timeout -s KILL 600 "$1" get --host "$GHTOK_HOST""#,
        );
        Caller::start(
            sandbox,
            command.arg(path_of(Program::Real)).process_group(0),
        )
    };
    ended_in_mid_refresh(start, |timeout, _| {
        // Its time is up: timeout(1) sets itself an alarm.
        kill_process(timeout.pid(), Signal::ALARM).expect("it waits");
        timeout.end();
    });
}

#[test]
fn p3_a_closed_terminal_ends_the_caller_and_not_the_refresh() {
    let start = |sandbox: &Sandbox| {
        let mut command = shell(
            sandbox,
            r#"exec script --quiet --command "exec '$1' get --host '$GHTOK_HOST'" /dev/null"#,
        );
        Caller::start(sandbox, command.arg(path_of(Program::Real)))
    };
    ended_in_mid_refresh(start, |terminal, caller| {
        assert!(!is_gone(caller));
        // With script(1) its end of the terminal is closed: the kernel hangs up.
        assert!(terminal.signal(Signal::KILL));
        terminal.end();
    });
}

/// The same without a terminal: `nohup`'s reason to be.
#[test]
fn p3_a_hang_up_ends_the_caller_and_not_the_refresh() {
    ended_in_mid_refresh(job, |caller, _| {
        kill_process_group(caller.pid(), Signal::HUP).expect("a group");
        assert_eq!(caller.ended_by(), Some(SIGHUP));
    });
}

/// Signals that reach the refresher itself, as at a shutdown, wait until the pair is stored.
#[test]
fn p3_the_refresher_holds_off_what_asks_it_to_end() {
    let fake = FakeGitHub::start().expect("a fake");
    fake.fail_next(Endpoint::Refresh, Fault::after(Failure::Gate));
    let sandbox = Sandbox::new(&fake);
    let watch = Watch::over(&sandbox);
    sign_in(&sandbox, &fake, DUE);
    let caller = Caller::ghtok(&sandbox, Program::Real, &["get"]);
    fake.wait_for_held(Endpoint::Refresh, 1, IN_TIME)
        .expect("a refresh on the wire");
    for signal in [Signal::INT, Signal::HUP, Signal::TERM] {
        kill_process(watch.refresher(), signal).expect("it lives");
    }
    fake.release(Endpoint::Refresh);
    assert!(fake.is_alive(caller.finish().token()));
    assert_eq!(sandbox.record().generation, 2);
}

/// Where no refresher can be started, the caller refreshes itself, and Ctrl-C waits until the pair
/// is stored.
#[test]
fn p3_a_caller_that_refreshes_itself_holds_off_ctrl_c() {
    let fake = FakeGitHub::start().expect("a fake");
    fake.fail_next(Endpoint::Refresh, Fault::after(Failure::Gate));
    let sandbox = Sandbox::new(&fake);
    sign_in(&sandbox, &fake, DUE);
    // A program whose file is gone cannot be started a second time.
    let script = r#"cp "$1" "$2" && exec 8<"$2" && rm "$2" && exec /proc/self/fd/8 get"#;
    let mut command = shell(&sandbox, script);
    command
        .arg(path_of(Program::Real))
        .arg(sandbox.home().join("ghtok"));
    let mut caller = Caller::start(&sandbox, &mut command);
    fake.wait_for_held(Endpoint::Refresh, 1, IN_TIME)
        .expect("a refresh on the wire");
    assert!(caller.signal(Signal::INT), "it refreshes itself");
    fake.release(Endpoint::Refresh);
    assert_eq!(caller.ended_by(), Some(SIGINT), "afterwards");
    let stored = sandbox.record();
    assert_eq!((stored.generation, stored.intent), (2, None));
    assert!(fake.is_alive(sandbox.run(["get"]).token()));
    assert_eq!(fake.count(Endpoint::Refresh), 1);
}

#[test]
fn p3_a_command_substitution_does_not_wait_for_the_refresher() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let watch = Watch::over(&sandbox);
    sign_in(&sandbox, &fake, DUE);
    let mut command = shell(&sandbox, r#"token=$("$1" get) && echo "$token""#);
    command
        .arg(path_of(Program::Hurried))
        .env("GHTOK_TEST_AT", "reported:stop");
    let asked = Instant::now();
    let run = Caller::start(&sandbox, &mut command).finish();
    println!(
        "the shell had its token after {} ms",
        asked.elapsed().as_millis()
    );
    assert!(fake.is_alive(run.token()));
    // It is still there, in the middle of its work: nobody waited for it.
    let refresher = watch.stopped_refresher();
    kill_process(refresher, Signal::CONT).expect("it lives");
    watch.no_refresher();
    assert!(!sandbox.rescue_file().exists());
}
