//! Connecting first, sending later.

use super::*;

#[test]
fn connecting_writes_no_byte() {
    let (sender, seen) = mpsc::channel();
    let server = Scripted::start(move |mut stream| {
        let limit = short().connect * 2;
        stream.set_read_timeout(Some(limit)).expect("a limit");
        let early = stream.read(&mut [0]).map_err(|error| error.kind());
        let _ = sender.send(early);
        hang(stream);
    });
    let _connection = plain(&server.host()).connect().expect("a connection");
    let early = seen.recv().expect("what the server saw");
    assert!(
        matches!(early, Err(ErrorKind::WouldBlock | ErrorKind::TimedOut)),
        "{early:?}"
    );
}

#[test]
fn the_request_may_come_long_after_the_connection() {
    for tls in [false, true] {
        let (fake, ca) = if tls {
            with_tls(TlsIdentity::Valid)
        } else {
            (
                FakeGitHub::start().expect("a fake GitHub"),
                TempFile::new(""),
            )
        };
        let network = if tls {
            trusting(&ca.0)
        } else {
            Network::default()
        };
        let pair = fake.mint(CLIENT_ID);
        let connection = client(fake.base_url(), network)
            .connect()
            .expect("a connection");
        // Longer than a connection may take: its limit must not act on what comes after.
        let pause = short().connect * 2;
        assert!(
            fake.wait_for(Endpoint::Refresh, 1, pause).is_err(),
            "nothing was sent"
        );
        assert_eq!((fake.connections(), fake.ledger().len()), (1, 0));

        let token = RefreshToken::new(pair.refresh_token.expect("a refresh token"));
        let Ok(Refreshed::Granted(grant)) = connection.refresh(&token, permit()) else {
            panic!("the next pair")
        };
        assert!(fake.is_alive(grant.access_token.expose()));
        assert_eq!((fake.connections(), fake.ledger().len()), (1, 1));
        assert_eq!(fake.violations(), []);
    }
}

#[test]
fn a_connection_that_is_not_used_is_closed() {
    let (sender, seen) = mpsc::channel();
    let server = Scripted::start(move |mut stream| {
        let _ = sender.send(stream.read(&mut [0]).map_err(|error| error.kind()));
    });
    drop(plain(&server.host()).connect().expect("a connection"));
    assert_eq!(seen.recv().expect("what the server saw"), Ok(0));
}

#[test]
fn a_second_refresh_needs_a_second_connection_and_the_old_token_is_refused() {
    let fake = FakeGitHub::start().expect("a fake GitHub");
    let pair = fake.mint(CLIENT_ID);
    let github = patient(fake.base_url(), Network::default());
    let token = RefreshToken::new(pair.refresh_token.expect("a refresh token"));
    let again = || {
        github
            .connect()
            .expect("a connection")
            .refresh(&token, permit())
    };
    assert!(matches!(again(), Ok(Refreshed::Granted(_))));
    assert_eq!(again(), Ok(Refreshed::BadRefreshToken));
}
