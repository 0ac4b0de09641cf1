//! Connections that never come about: nothing was sent, and nobody waits longer than the limit.

#[cfg(target_os = "linux")]
use std::net::ToSocketAddrs;

use super::*;

#[test]
fn a_closed_port_refuses() {
    let port = TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr();
    let host = format!("http://{}", port.expect("its address"));
    // Windows knocks for two seconds before it believes this.
    let failure = patient(&host, Network::default())
        .connect()
        .expect_err("a closed port");
    assert!(matches!(failure, RequestFailure::NotSent(_)), "{failure:?}");
    assert_eq!(failure.code(), "connection_refused");
}

#[test]
fn an_unknown_host_is_not_found_or_its_look_up_does_not_end() {
    let failure = connect(plain("no-such-host.invalid"));
    assert!(
        ["dns", "connect_timeout"].contains(&failure.code()),
        "{failure:?}"
    );
    assert!(
        failure.to_string().contains("no-such-host.invalid"),
        "{failure}"
    );
}

#[test]
fn a_server_that_shakes_no_hands_is_left_in_time() {
    let (fake, ca) = with_tls(TlsIdentity::Valid);
    fake.receive(Reception::Silent);
    let failure = connect(client(fake.base_url(), trusting(&ca.0)));
    assert_eq!(failure.code(), "connect_timeout");
    assert!(
        failure.to_string().contains(&ConnectStage::Tls.to_string()),
        "{failure}"
    );
    fake.receive(Reception::Reset);
    let failure = connect(client(fake.base_url(), trusting(&ca.0)));
    assert!(
        ["tls", "connect_failed"].contains(&failure.code()),
        "{failure:?}"
    );

    let dripping = Scripted::start(|stream| drip(stream, &[22, 3, 3, 64, 0]));
    let host = format!("https://{}", dripping.address);
    assert_eq!(connect(plain(&host)).code(), "connect_timeout");
}

/// Fills the queue of a server that accepts nothing, so that Linux drops whoever comes next:
/// what an address that leads nowhere looks like.
#[cfg(target_os = "linux")]
fn fill(listener: &TcpListener) -> Vec<TcpStream> {
    let address = listener.local_addr().expect("its address");
    let soon = Duration::from_millis(50);
    let queue = (0..500).map_while(|_| TcpStream::connect_timeout(&address, soon).ok());
    let queue: Vec<_> = queue.collect();
    assert!(queue.len() < 500, "the queue is full");
    queue
}

#[cfg(target_os = "linux")]
#[test]
fn an_address_that_leads_nowhere_is_left_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let _queue = fill(&listener);
    let address = listener.local_addr().expect("its address");
    let failure = connect(plain(&format!("http://{address}")));
    assert_eq!(failure.code(), "connect_timeout", "{failure:?}");
    assert!(
        failure.to_string().contains(&ConnectStage::Tcp.to_string()),
        "{failure}"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_family_that_leads_nowhere_leaves_time_for_the_other() {
    let v4 = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = v4.local_addr().expect("its address").port();
    let Ok(v6) = TcpListener::bind(("::1", port)) else {
        return;
    };
    let found = ("localhost", port)
        .to_socket_addrs()
        .map(Vec::from_iter)
        .unwrap_or_default();
    let first_is_v6 = found.first().is_some_and(SocketAddr::is_ipv6);
    let _queue = if first_is_v6 { fill(&v6) } else { fill(&v4) };
    if found.iter().any(SocketAddr::is_ipv4) && found.iter().any(SocketAddr::is_ipv6) {
        let github = plain(&format!("http://localhost:{port}"));
        within(short().connect, move || github.connect()).expect("the other family");
    }
}

#[test]
fn only_a_certificate_of_the_right_authority_for_the_right_name_will_do() {
    for identity in [
        TlsIdentity::Expired,
        TlsIdentity::WrongName,
        TlsIdentity::SelfSigned,
    ] {
        let (fake, ca) = with_tls(identity);
        let failure = connect(patient(fake.base_url(), trusting(&ca.0)));
        assert_eq!(
            failure.code(),
            "tls_certificate",
            "{identity:?}: {failure:?}"
        );
        let says = match identity {
            TlsIdentity::Expired => "expired",
            TlsIdentity::WrongName => "wrong.example",
            _ => "issuer",
        };
        assert!(failure.to_string().contains(says), "{failure}");
        assert!(fake.ledger().is_empty());
    }
    let (fake, _ca) = with_tls(TlsIdentity::Valid);
    let failure = connect(patient(fake.base_url(), Network::default()));
    assert_eq!(
        failure.code(),
        "tls_certificate",
        "the system's roots: {failure:?}"
    );
    let other = with_tls(TlsIdentity::Valid);
    let failure = connect(client(fake.base_url(), trusting(&other.1.0)));
    assert_eq!(
        failure.code(),
        "tls_certificate",
        "another authority: {failure:?}"
    );
    assert!(fake.ledger().is_empty());
}

#[test]
fn a_server_without_tls_gets_no_request() {
    let fake = FakeGitHub::start().expect("a fake GitHub");
    let failure = connect(plain(&format!("https://{}", fake.host())));
    assert!(
        ["tls", "connect_timeout"].contains(&failure.code()),
        "{failure:?}"
    );
    let pair = [Endpoint::Refresh, Endpoint::User].map(|endpoint| fake.count(endpoint));
    assert_eq!(pair, [0, 0]);
}

#[test]
fn a_ca_file_that_is_none_is_named() {
    let (fake, _ca) = with_tls(TlsIdentity::Valid);
    let garbage = "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n";
    for file in [
        TempFile::new(""),
        TempFile::new("hello"),
        TempFile::new(garbage),
    ] {
        let failure = connect(client(fake.base_url(), trusting(&file.0)));
        assert_eq!(failure.code(), "ca_file", "{failure:?}");
        assert!(
            failure.to_string().contains(&file.0.display().to_string()),
            "{failure}"
        );
    }
    let missing = Path::new("/no/such/ca.pem");
    let failure = connect(client(fake.base_url(), trusting(missing)));
    assert!(failure.to_string().contains("/no/such/ca.pem"), "{failure}");
    assert_eq!(fake.connections(), 0);
}
