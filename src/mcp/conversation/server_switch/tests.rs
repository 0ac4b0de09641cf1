use super::super::{Asking, Settings};
use super::*;
use crate::token::Timestamp;

fn at(second: u32) -> Now {
    Now {
        mono: Duration::from_secs(second.into()),
        wall: Timestamp(1000 + i64::from(second)),
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Expires after this many seconds.
fn token(generation: u64, life: i64) -> TokenInfo {
    TokenInfo {
        generation,
        due_at: Some(Timestamp(1000 + life / 2)),
        expires_at: Some(Timestamp(1000 + life)),
    }
}

fn switch(restarts: Restarts) -> ServerSwitch {
    let settings = Settings {
        app: "main".into(),
        login_command: "ghtok login".into(),
        asking: Asking::Never,
        restarts,
        wait: seconds(900),
        max_drain: seconds(30),
        start_timeout: seconds(60),
        timing: Timing::STANDARD,
    };
    ServerSwitch::new(&settings, at(0))
}

/// Server 1 is in use with this token.
fn serving(token: Option<TokenInfo>) -> ServerSwitch {
    let mut servers = switch(Restarts::Allowed);
    assert!(matches!(servers.start(token, at(0)), Start::Now(_)));
    assert_eq!(servers.take_over(at(0)), None);
    servers.responded(at(1));
    servers
}

/// Server 2 goes through its handshake, in the place of server 1.
fn replacing() -> ServerSwitch {
    let mut servers = serving(Some(token(1, 28_800)));
    servers.drain(AfterDrain::Start, at(10));
    assert!(matches!(
        servers.start(Some(token(2, 28_800)), at(10)),
        Start::Now(_)
    ));
    servers
}

type Move<'a> = &'a dyn Fn(&mut ServerSwitch);

#[test]
fn each_phase_has_its_flow_and_its_next_step() {
    let awaiting = |servers: &mut ServerSwitch| servers.await_token(false);
    let draining = |servers: &mut ServerSwitch| servers.drain(AfterDrain::FetchToken, at(0));
    let before_start = |servers: &mut ServerSwitch| servers.drain(AfterDrain::Start, at(0));
    let starting = |servers: &mut ServerSwitch| {
        servers.start(Some(token(2, 28_800)), at(0));
    };
    let ended = ServerSwitch::end;
    let cases: [(Move<'_>, Flow, Option<NextStep>, Option<NextStep>); 6] = [
        (&|_| {}, Flow::Open, None, None),
        (&awaiting, Flow::Held, None, None),
        (
            &draining,
            Flow::Draining(AfterDrain::FetchToken),
            Some(NextStep::FetchToken),
            None,
        ),
        (
            &before_start,
            Flow::Draining(AfterDrain::Start),
            Some(NextStep::Start),
            None,
        ),
        (&starting, Flow::Held, None, None),
        (&ended, Flow::Ended, None, None),
    ];
    for (number, (change, flow, idle, busy)) in cases.into_iter().enumerate() {
        let mut servers = serving(Some(token(1, 28_800)));
        change(&mut servers);
        assert_eq!(servers.flow(), flow, "case {number}");
        assert_eq!(servers.next_step(false, at(1)), idle, "case {number}");
        assert_eq!(servers.next_step(true, at(1)), busy, "case {number}");
        let is_open = flow == Flow::Open;
        servers.used();
        assert_eq!(servers.is_used(), is_open, "case {number}");
    }
}

#[test]
fn running_requests_delay_a_replacement_within_the_old_tokens_life() {
    for (life, limit) in [(28_800, 30), (60, 30), (50, 25), (40, 20), (10, 5)] {
        let mut servers = serving(Some(token(1, life)));
        servers.drain(AfterDrain::FetchToken, at(0));
        assert_eq!(servers.next_step(true, at(limit - 1)), None, "{life}");
        let next = servers.next_step(true, at(limit));
        assert_eq!(next, Some(NextStep::FetchToken), "{life}");
        // The drain before the start is the same one.
        servers.await_token(false);
        servers.drain(AfterDrain::Start, at(limit));
        assert_eq!(
            servers.next_step(true, at(limit)),
            Some(NextStep::Start),
            "{life}"
        );
    }
}

#[test]
fn the_first_server_starts_without_a_token_after_a_while() {
    let servers = switch(Restarts::Allowed);
    let first = Timing::STANDARD.first_token;
    assert_eq!(servers.next_timer(at(0)), Some(first));
    assert_eq!(servers.next_step(false, at(4)), None);
    assert_eq!(servers.next_step(false, at(5)), Some(NextStep::Start));
}

#[test]
fn a_new_server_has_three_times_as_long_as_the_slowest_start() {
    for (slowest, limit) in [(0, 60), (20, 60), (21, 63), (200, 600)] {
        let mut servers = switch(Restarts::Allowed);
        servers.start(Some(token(1, 28_800)), at(0));
        servers.take_over(at(0));
        servers.responded(at(slowest));
        servers.responded(at(5000));
        servers.start(Some(token(2, 28_800)), at(0));
        assert_eq!(servers.next_step(false, at(limit - 1)), None, "{slowest}");
        let timed_out = NextStep::StartTimedOut(seconds(limit.into()));
        assert_eq!(servers.next_step(false, at(limit)), Some(timed_out));
    }
}

#[test]
fn what_follows_a_failed_start() {
    let timeout = StartFailure::Timeout(seconds(60));
    for (failure, has_old, expected) in [
        (StartFailure::Exited(3), true, "stop 1"),
        (timeout.clone(), true, "stop 1"),
        (StartFailure::OtherRevision, true, "keep"),
        (StartFailure::NotStarted("no process".into()), true, "keep"),
        (
            StartFailure::NotStarted("no process".into()),
            false,
            "crash",
        ),
        (StartFailure::Exited(3), false, "crash"),
        (timeout, false, "crash"),
        (StartFailure::OtherRevision, false, "crash"),
    ] {
        let mut servers = replacing();
        if !has_old {
            assert!(matches!(servers.exited(1), Exited::InUse(_)));
        }
        let found = match servers.start_failed(failure.clone(), at(20)) {
            Some(AfterFailure::StopOldFirst(old)) => format!("stop {old}"),
            Some(AfterFailure::KeepOld) => "keep".to_owned(),
            Some(AfterFailure::Crash(server)) => {
                assert_eq!(server.number, 2);
                "crash".to_owned()
            }
            None => "nothing".to_owned(),
        };
        assert_eq!(found, expected, "{failure:?} {has_old}");
        assert_eq!(servers.start_failed(failure, at(20)), None, "once");
    }
}

#[test]
fn where_only_one_can_run_the_next_starts_when_all_others_are_gone() {
    let mut servers = replacing();
    servers.start_failed(StartFailure::Exited(1), at(11));
    for (number, is_next) in [(2, false), (1, true)] {
        assert_eq!(servers.next_step(false, at(12)), None);
        servers.exited(number);
        servers.gone(number);
        let next = servers.next_step(false, at(12));
        assert_eq!(next, is_next.then_some(NextStep::Start), "{number}");
    }
    let Start::Now(third) = servers.start(Some(token(2, 28_800)), at(12)) else {
        panic!("nothing runs");
    };
    assert_eq!(servers.take_over(at(13)), None, "the old one is gone");
    // That is remembered.
    servers.drain(AfterDrain::Start, at(20));
    let next = servers.start(Some(token(3, 28_800)), at(20));
    assert_eq!(next, Start::AfterStopping(Some(third.number)));
    assert_eq!(servers.exited(third.number), Exited::Other, "no crash");
    assert_eq!(servers.next_step(false, at(20)), None);
    servers.gone(third.number);
    assert_eq!(servers.next_step(false, at(20)), Some(NextStep::Start));
}

#[test]
fn a_server_of_another_revision_is_not_tried_again_at_once() {
    let mut servers = replacing();
    servers.start_failed(StartFailure::OtherRevision, at(10));
    assert_eq!((servers.number(), servers.flow()), (Some(1), Flow::Open));
    assert!(
        servers.lacks_token(at(10)),
        "the newer token has ended its own"
    );
    for (second, is_blocked) in [(14, true), (15, false)] {
        assert!(!servers.may_replace(), "not without a call that needs it");
        assert_eq!(
            servers.blocked(at(second)).is_some(),
            is_blocked,
            "{second}"
        );
    }
    assert!(servers.may_replace());
}

#[test]
fn a_token_is_missing_or_over_unless_its_server_is_never_replaced() {
    for (restarts, token, second, lacks, may_replace) in [
        (Restarts::Allowed, None, 0, true, true),
        (Restarts::Allowed, Some(token(1, 60)), 59, false, true),
        (Restarts::Allowed, Some(token(1, 60)), 60, true, true),
        (Restarts::Never, None, 0, true, true),
        (Restarts::Never, Some(token(1, 60)), 60, false, false),
    ] {
        let mut servers = switch(restarts);
        assert!(servers.lacks_token(at(0)) && !servers.may_replace());
        servers.start(token, at(0));
        servers.take_over(at(0));
        let found = (servers.lacks_token(at(second)), servers.may_replace());
        assert_eq!(
            found,
            (lacks, may_replace),
            "{restarts:?} {token:?} {second}"
        );
    }
}

#[test]
fn an_exit_counts_only_for_a_server_that_was_needed() {
    let mut servers = replacing();
    assert_eq!(servers.exited(2), Exited::New);
    let mut servers = replacing();
    assert_eq!(servers.take_over(at(11)), Some(1));
    assert_eq!(servers.exited(1), Exited::Other);
    assert!(matches!(servers.exited(2), Exited::InUse(server) if server.number == 2));
    assert!(servers.is_awaiting_token() && servers.in_use().is_none());
    let mut servers = replacing();
    assert!(matches!(servers.exited(1), Exited::InUse(server) if server.number == 1));
    assert_eq!(servers.starting(), Some(2), "the new one goes on");
}

#[test]
fn three_crashes_in_a_minute_are_borne() {
    let mut servers = serving(None);
    for (second, too_often) in [
        (0, false),
        (10, false),
        (20, false),
        (61, false),
        (62, true),
    ] {
        assert_eq!(servers.crashed_too_often(at(second)), too_often, "{second}");
    }
}

#[test]
fn a_new_servers_list_changes_are_passed_on_once_for_each_kind() {
    let (tools, prompts) = (
        "notifications/tools/list_changed",
        "notifications/prompts/list_changed",
    );
    let mut servers = serving(None);
    assert!(!servers.is_repeated_list_change(tools, at(0)));
    assert!(
        !servers.is_repeated_list_change(tools, at(0)),
        "the first server's own"
    );
    let mut servers = replacing();
    servers.take_over(at(20));
    for (method, second, is_repeated) in [
        (tools, 20, false),
        (tools, 21, true),
        (prompts, 21, false),
        ("notifications/message", 21, false),
        ("notifications/message", 21, false),
        (tools, 22, false),
    ] {
        let found = servers.is_repeated_list_change(method, at(second));
        assert_eq!(found, is_repeated, "{method} {second}");
    }
}
