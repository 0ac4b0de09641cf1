//! Through a proxy, past it, and what is made of one that fails.

use super::*;

/// The one name but loopback for which the fake GitHub has a certificate.
const BEHIND: &str = "wrong.example";

fn carry(mut from: TcpStream, mut to: TcpStream) {
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

#[test]
fn a_tunnel_leads_to_the_host_and_the_proxy_sees_no_request() {
    let (fake, ca) = with_tls(TlsIdentity::WrongName);
    let token = fake.mint(CLIENT_ID).refresh_token.expect("a refresh token");
    let (sender, asked) = mpsc::channel();
    let to = fake.host();
    let proxy = Scripted::start(move |mut stream| {
        let _ = sender.send(read_request(&mut stream));
        let server = TcpStream::connect(&to).expect("the fake GitHub");
        let _ = stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n");
        let back = (
            server.try_clone().expect("it"),
            stream.try_clone().expect("it"),
        );
        thread::spawn(move || carry(back.0, back.1));
        carry(stream, server);
    });
    let network = Network {
        ca_file: Some(ca.0.clone()),
        ..proxy.proxy("http")
    };
    let connection = patient(BEHIND, network).connect().expect("a connection");
    assert_eq!(fake.ledger().len(), 0);
    let refreshed = connection.refresh(&RefreshToken::new(token), permit());
    assert!(
        matches!(refreshed, Ok(Refreshed::Granted(_))),
        "{refreshed:?}"
    );
    let asked = asked.recv().expect("what the proxy was asked");
    assert!(
        asked.starts_with("CONNECT wrong.example:443 HTTP/1.1\r\n"),
        "{asked}"
    );
    assert!(
        asked.contains("Proxy-Authorization: Basic dXNlcjpodW50ZXIy\r\n"),
        "{asked}"
    );
    assert!(!asked.contains("ghr_"), "{asked}");
}

/// What a SOCKS 5 proxy reads: the greeting, the password (RFC 1929), where to, and by which name.
fn socks5(stream: &mut TcpStream) -> Vec<u8> {
    let take = |stream: &mut TcpStream, length: usize| {
        let mut bytes = vec![0; length];
        let _ = stream.read_exact(&mut bytes);
        bytes
    };
    let head = take(stream, 2);
    let methods = take(stream, usize::from(head[1]));
    assert!(head[0] == 5 && methods.contains(&2), "{head:?} {methods:?}");
    let _ = stream.write_all(&[5, 2]);
    let user = take(stream, 2);
    let _ = take(stream, usize::from(user[1]));
    let length = take(stream, 1);
    let password = take(stream, usize::from(length[0]));
    assert_eq!(password, b"hunter2");
    let _ = stream.write_all(&[1, 0]);
    let asked = take(stream, 5);
    let name = take(stream, usize::from(asked[4]));
    let port = take(stream, 2);
    let _ = stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    [&asked[..4], &name, &port].concat()
}

/// GNOME writes `socks://HOST:PORT/` and means SOCKS 5.
#[test]
fn gnomes_socks_address_leads_through_socks_5_and_the_proxy_looks_the_name_up() {
    let (fake, ca) = with_tls(TlsIdentity::WrongName);
    let (sender, asked) = mpsc::channel();
    let to = fake.host();
    let proxy = Scripted::start(move |mut stream| {
        let _ = sender.send(socks5(&mut stream));
        let server = TcpStream::connect(&to).expect("the fake GitHub");
        let back = (
            server.try_clone().expect("it"),
            stream.try_clone().expect("it"),
        );
        thread::spawn(move || carry(back.0, back.1));
        carry(stream, server);
    });
    for scheme in ["socks", "SOCKS", "socks5h"] {
        let network = Network {
            ca_file: Some(ca.0.clone()),
            ..proxy.proxy(scheme)
        };
        let connected = patient(BEHIND, network).connect();
        assert!(connected.is_ok(), "{scheme}: {connected:?}");
        let asked = asked.recv().expect("what the proxy was asked");
        assert_eq!(
            asked,
            [&[5, 1, 0, 3], BEHIND.as_bytes(), &[1, 187]].concat()
        );
    }
}

#[test]
fn a_setting_at_fault_is_named_and_nothing_is_connected() {
    let (fake, _ca) = with_tls(TlsIdentity::Valid);
    let network = Network {
        proxy: Some(ProxySetting::of_file("proxy".into(), "ftp://u:hunter2@x")),
        ..Network::default()
    };
    let failure = connect(client(BEHIND, network.clone()));
    assert_eq!(failure.code(), "config_invalid", "{failure:?}");
    assert!(!format!("{failure:?} {failure}").contains("hunter2"));
    assert!(client(BEHIND, network.clone()).check_settings().is_err());
    // Loopback has no proxy, so a bad one does not matter there.
    assert!(client(fake.base_url(), network).check_settings().is_ok());
    assert_eq!(fake.connections(), 0);
}

#[test]
fn a_proxy_that_says_no_is_named_without_its_password() {
    for (answer, says) in [
        (
            "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
            "user name",
        ),
        (
            "HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\n<html>no!",
            "403",
        ),
        ("HTTP/1.1 302 Found\r\nLocation: http://x\r\n\r\n", "302"),
        ("", "without a response"),
        ("garbage\r\n\r\n", "sent an invalid response"),
    ] {
        let proxy = Scripted::answering(answer);
        let failure = connect(client(BEHIND, proxy.proxy("http")));
        assert_eq!(failure.code(), "proxy", "{failure:?}");
        let shown = format!("{failure:?} {failure}");
        assert!(
            shown.contains(says) && shown.contains(&proxy.address.to_string()),
            "{shown}"
        );
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    let closed = TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr();
    let closed = Scripted {
        address: closed.expect("its address"),
    };
    for scheme in ["http", "socks5h"] {
        let failure = patient(BEHIND, closed.proxy(scheme))
            .connect()
            .expect_err("no proxy");
        assert_eq!(failure.code(), "proxy");
    }
}

#[test]
fn a_proxy_that_does_not_end_is_left_in_time() {
    let hanging = Scripted::start(hang);
    let dripping = Scripted::start(|stream| drip(stream, b"HTTP/1.1 200 OK\r\nX: y"));
    let endless = Scripted::start(|mut stream| {
        read_request(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
        while stream
            .write_all(b"X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n")
            .is_ok()
        {}
    });
    let behind = Scripted::start(|mut stream| {
        read_request(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        hang(stream);
    });
    for (server, scheme) in [
        (&hanging, "http"),
        (&hanging, "https"),
        (&hanging, "socks5h"),
        (&hanging, "socks4a"),
        (&dripping, "http"),
        (&dripping, "socks5h"),
        (&endless, "http"),
        (&behind, "http"),
    ] {
        let failure = connect(client(BEHIND, server.proxy(scheme)));
        assert!(
            ["connect_timeout", "proxy"].contains(&failure.code()),
            "{scheme}: {failure:?}"
        );
        assert!(!format!("{failure:?} {failure}").contains("hunter2"));
    }
}

#[test]
fn a_host_that_is_looked_up_here_and_not_known_is_not_taken_for_the_proxy() {
    let proxy = Scripted::start(drop);
    for scheme in ["socks4", "socks5"] {
        let failure = connect(patient("nowhere.invalid", proxy.proxy(scheme)));
        assert_eq!(failure.code(), "dns", "{scheme}: {failure:?}");
        assert!(failure.to_string().contains("nowhere.invalid"), "{failure}");
    }
    let network = Network {
        proxy: Some(ProxySetting::of_file(
            "proxy".into(),
            "socks4://nowhere.invalid",
        )),
        ..Network::default()
    };
    let failure = connect(patient("192.0.2.1", network));
    assert_eq!(failure.code(), "proxy", "{failure:?}");
}

#[test]
fn an_attempt_that_was_given_up_ends() {
    let (sender, ended) = mpsc::channel();
    let proxy = Scripted::start(move |stream| {
        drip(stream, b"HTTP/1.1 200 OK\r\nX: y");
        let _ = sender.send(());
    });
    let failure = connect(client(BEHIND, proxy.proxy("http")));
    assert_eq!(failure.code(), "connect_timeout");
    ended
        .recv_timeout(Duration::from_secs(5))
        .expect("a closed connection");
}

#[test]
fn loopback_and_exceptions_go_past_the_proxy() {
    let (sender, asked) = mpsc::channel();
    let proxy = Scripted::start(move |_| {
        let _ = sender.send(());
    });
    let fake = FakeGitHub::start().expect("a fake GitHub");
    let network = proxy.proxy("http");
    assert!(patient(fake.base_url(), network.clone()).connect().is_ok());
    let network = Network {
        no_proxy: Some("invalid".into()),
        ..network
    };
    let failure = connect(client("no-such-host.invalid", network));
    assert!(
        ["dns", "connect_timeout"].contains(&failure.code()),
        "{failure:?}"
    );
    assert!(asked.try_recv().is_err(), "the proxy was not asked");
}
