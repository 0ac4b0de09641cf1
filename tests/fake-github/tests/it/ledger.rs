//! The ledger, the waits, gates and delays, whole connections, and the end.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use fake_github::{Endpoint, Failure, FakeGitHub, Fault, Reception, Stage};

use crate::client::{
    DEVICE_GRANT, PATIENCE, Reply, ask_code, connect, exchange, get, poll, refresh,
    refresh_request, signed_in,
};

#[test]
fn the_ledger_has_the_whole_request_and_what_became_of_it() {
    let fake = FakeGitHub::start().expect("a fake");
    let start = Instant::now();
    poll(&fake, "c0de");
    get(&fake, "/api/v3/user?x=y", "ghu_x");
    let [poll, user] = &fake.ledger()[..] else {
        panic!("two requests")
    };
    assert_eq!((poll.sequence, poll.endpoint), (0, Endpoint::Poll));
    assert_eq!(
        (poll.method.as_str(), poll.path.as_str()),
        ("POST", "/login/oauth/access_token")
    );
    assert_eq!(
        (poll.param("device_code"), poll.param("scope")),
        (Some("c0de"), None)
    );
    assert_eq!(poll.grant_type.as_deref(), Some(DEVICE_GRANT));
    assert_eq!(poll.header("ACCEPT"), Some("application/json"));
    assert!(poll.body.starts_with(b"client_id="));
    assert!(poll.peer.ip().is_loopback());
    assert_eq!(
        (poll.status, poll.oauth_error.as_deref()),
        (Some(200), Some("incorrect_device_code"))
    );
    let moments = [
        poll.arrived,
        poll.processed.expect("done"),
        poll.answered.expect("done"),
    ];
    assert!(start <= moments[0].instant && moments.is_sorted_by_key(|moment| moment.instant));
    assert_eq!(
        (user.sequence, user.endpoint, user.query.as_str()),
        (1, Endpoint::User, "x=y")
    );
    assert_eq!(
        (user.status, user.oauth_error.as_deref()),
        (Some(401), None)
    );
    assert_eq!(
        (fake.count(Endpoint::Poll), fake.count(Endpoint::Refresh)),
        (1, 0)
    );
}

#[test]
fn connections_without_a_request_are_counted() {
    let fake = FakeGitHub::start().expect("a fake");
    let silent = connect(&fake);
    ask_code(&fake);
    assert_eq!((fake.connections(), fake.ledger().len()), (2, 1));
    drop(silent);
}

#[test]
fn waiting_ends_with_what_is_waited_for_or_says_what_was_seen() {
    let fake = FakeGitHub::start().expect("a fake");
    let brief = Duration::from_millis(20);
    assert!(fake.wait_for_code(brief).is_err());
    thread::scope(|scope| {
        let code = scope.spawn(|| fake.wait_for_code(PATIENCE).expect("a code"));
        let arrival = scope.spawn(|| fake.wait_for(Endpoint::DeviceCode, 1, PATIENCE));
        let user_code = ask_code(&fake).get("user_code");
        assert_eq!(code.join().expect("no panic"), user_code);
        arrival.join().expect("no panic").expect("it arrived");
    });
    let error = fake
        .wait_for(Endpoint::DeviceCode, 2, brief)
        .expect_err("only one came");
    assert!(
        error.to_string().contains("not 2 arrived at DeviceCode"),
        "{error}"
    );
    assert!(
        error.to_string().contains("0 DeviceCode status Some(200)"),
        "{error}"
    );
}

#[test]
fn a_gate_holds_before_or_after_the_rotation() {
    for (stage, rotated) in [(Stage::BeforeProcessing, 0), (Stage::AfterProcessing, 1)] {
        let fake = FakeGitHub::start().expect("a fake");
        let (access, refresh_token) = signed_in(&fake);
        fake.fail_next(
            Endpoint::Refresh,
            Fault {
                stage,
                failure: Failure::Gate,
            },
        );
        assert_eq!(
            fake.release(Endpoint::Refresh),
            0,
            "no one stands there yet"
        );
        thread::scope(|scope| {
            let client = scope.spawn(|| refresh(&fake, &refresh_token));
            fake.wait_for_held(Endpoint::Refresh, 1, PATIENCE)
                .expect("it is held");
            assert_eq!(fake.generation(), rotated);
            assert_eq!(fake.is_alive(&access), rotated == 0);
            let held = &fake.requests(Endpoint::Refresh)[0];
            assert!(held.held && held.answered.is_none());
            assert_eq!(fake.release(Endpoint::User), 0);
            assert_eq!(fake.release(Endpoint::Refresh), 1);
            let reply = client.join().expect("no panic");
            assert!(fake.is_alive(&reply.get("access_token")));
        });
        assert_eq!(fake.generation(), 1);
        assert!(!fake.requests(Endpoint::Refresh)[0].held);
    }
}

#[test]
fn a_held_request_ends_with_the_fake() {
    let fake = FakeGitHub::start().expect("a fake");
    let (_, refresh_token) = signed_in(&fake);
    fake.fail_always(Endpoint::Refresh, Fault::after(Failure::Gate));
    let mut stream = connect(&fake);
    stream
        .write_all(refresh_request(&refresh_token).as_bytes())
        .expect("sent");
    fake.wait_for_held(Endpoint::Refresh, 1, PATIENCE)
        .expect("it is held");
    drop(fake);
    assert!(matches!(stream.read(&mut [0]), Ok(0) | Err(_)));
}

#[test]
fn delays_stand_before_or_after_the_processing() {
    let delay = Duration::from_millis(30);
    for stage in [Stage::BeforeProcessing, Stage::AfterProcessing] {
        let fake = FakeGitHub::start().expect("a fake");
        fake.delay(Endpoint::DeviceCode, stage, delay);
        ask_code(&fake);
        let [request] = &fake.ledger()[..] else {
            panic!("one request")
        };
        let processed = request.processed.expect("done").instant - request.arrived.instant;
        let answered = request.answered.expect("done").instant - request.arrived.instant;
        assert!(answered >= delay);
        assert_eq!(processed >= delay, stage == Stage::BeforeProcessing);
        fake.heal(Endpoint::DeviceCode);
        ask_code(&fake);
        let healed = &fake.ledger()[1];
        assert!(healed.answered.expect("done").instant - healed.arrived.instant < delay);
    }
}

#[test]
fn connections_can_be_met_by_silence_or_a_reset() {
    let fake = FakeGitHub::start().expect("a fake");
    fake.receive(Reception::Reset);
    let error = exchange(&fake, "GET / HTTP/1.1\r\n\r\n").expect_err("a reset");
    assert!(
        matches!(
            error.kind(),
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe
        ),
        "{error}"
    );
    fake.receive(Reception::Silent);
    let mut stream = connect(&fake);
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").expect("sent");
    stream
        .set_read_timeout(Some(Duration::from_millis(30)))
        .expect("a socket option");
    assert!(stream.read(&mut [0]).is_err());
    assert!(fake.ledger().is_empty());
    fake.receive(Reception::Serve);
    assert_eq!(ask_code(&fake).status, 200);
}

#[test]
fn offline_means_refused_and_nothing_is_forgotten() {
    let fake = FakeGitHub::start().expect("a fake");
    let (access, _) = signed_in(&fake);
    let (host, connections) = (fake.host(), fake.connections());
    fake.go_offline().expect("the port stays ours");
    let refused = TcpStream::connect(&host).expect_err("no one listens");
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    fake.go_online().expect("the same port");
    assert_eq!((fake.host(), fake.connections()), (host, connections));
    assert_eq!(get(&fake, "/api/v3/user", &access).status, 200);
}

#[test]
fn three_hundred_connections_at_once_are_all_served() {
    const CROWD: usize = 300;
    let fake = FakeGitHub::start().expect("a fake");
    fake.fail_always(Endpoint::User, Fault::before(Failure::Gate));
    let (access, _) = signed_in(&fake);
    let request = format!(
        "GET /api/v3/user HTTP/1.1\r\nUser-Agent: t\r\nAuthorization: Bearer {access}\r\n\r\n"
    );
    let mut crowd: Vec<TcpStream> = (0..CROWD).map(|_| connect(&fake)).collect();
    for stream in &mut crowd {
        stream.write_all(request.as_bytes()).expect("sent");
    }
    // All stand at the gate together, so all are open together.
    fake.wait_for_held(Endpoint::User, CROWD, PATIENCE)
        .expect("all are served");
    assert_eq!(fake.release(Endpoint::User), CROWD);
    for mut stream in crowd {
        let mut raw = Vec::new();
        stream.read_to_end(&mut raw).expect("an answer");
        assert_eq!(Reply::parse(&raw).status, 200);
    }
    assert_eq!(fake.connections(), CROWD);
}

#[test]
fn idle_connections_do_not_delay_the_end() {
    let fake = FakeGitHub::start().expect("a fake");
    let _idle: Vec<TcpStream> = (0..5).map(|_| connect(&fake)).collect();
    ask_code(&fake);
    let start = Instant::now();
    drop(fake);
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_fake_can_start_on_the_port_of_one_that_went() {
    // In between, another test may be given the port.
    let taken = (0..20).filter(|_| {
        let fake = FakeGitHub::start().expect("a fake");
        let port = fake
            .host()
            .rsplit(':')
            .next()
            .expect("a port")
            .parse()
            .expect("a number");
        ask_code(&fake);
        drop(fake);
        FakeGitHub::builder().port(port).start().is_err()
    });
    assert!(taken.count() < 20);
}
