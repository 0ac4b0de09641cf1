//! The certificates, judged by a rustls client that trusts the fake's authority.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use fake_github::{CLIENT_ID, Cut, Endpoint, Failure, FakeGitHub, Fault, TlsIdentity};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::client::{PATIENCE, Reply, form_request};

fn fake(identity: TlsIdentity) -> FakeGitHub {
    FakeGitHub::builder().tls(identity).start().expect("a fake")
}

fn exchange(fake: &FakeGitHub, name: &'static str) -> io::Result<Vec<u8>> {
    let pem = fake.ca_pem().expect("TLS is on");
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate");
    roots.add(authority).expect("a good certificate");
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has them")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(name).expect("a name");
    let connection = ClientConnection::new(Arc::new(config), name).expect("a client");
    let socket = TcpStream::connect(fake.host())?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let mut stream = StreamOwned::new(connection, socket);
    let request = form_request("/login/device/code", &[("client_id", CLIENT_ID)]);
    stream.write_all(request.as_bytes())?;
    let mut raw = Vec::new();
    stream.read_to_end(&mut raw)?;
    Ok(raw)
}

#[test]
fn a_valid_identity_serves_both_its_names() {
    let fake = fake(TlsIdentity::Valid);
    assert_eq!(fake.base_url(), format!("https://{}", fake.host()));
    for name in ["127.0.0.1", "localhost"] {
        let reply = Reply::parse(&exchange(&fake, name).expect("an answer that ends well"));
        assert_eq!(
            reply.get("verification_uri"),
            format!("{}/login/device", fake.base_url())
        );
    }
}

#[test]
fn bad_identities_are_refused_for_the_right_reason() {
    let reasons = [
        (TlsIdentity::Expired, "Expired"),
        (TlsIdentity::WrongName, "NotValidForName"),
        (TlsIdentity::SelfSigned, "UnknownIssuer"),
    ];
    for (identity, reason) in reasons {
        let fake = fake(identity);
        let error = exchange(&fake, "127.0.0.1").expect_err("a bad certificate");
        let text = format!("{error:?}");
        assert!(text.contains(reason), "{identity:?}: {text}");
        assert!(fake.ledger().is_empty() && fake.connections() == 1);
    }
}

#[test]
fn a_cut_under_tls_has_no_close_notify() {
    let fake = fake(TlsIdentity::Valid);
    fake.fail_next(
        Endpoint::DeviceCode,
        Fault::after(Failure::Cut(Cut::AllButOne)),
    );
    let error = exchange(&fake, "localhost").expect_err("a truncated stream");
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}

#[test]
fn plain_http_has_no_authority() {
    assert_eq!(FakeGitHub::start().expect("a fake").ca_pem(), None);
}
