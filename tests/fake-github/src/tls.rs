//! A certificate authority and a server certificate, made anew for each fake that
//! speaks TLS.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

const DAY: Duration = Duration::from_secs(86_400);

/// How good the server's certificate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsIdentity {
    /// For 127.0.0.1 and localhost, signed by the authority of `ca_pem`.
    Valid,
    /// As `Valid`, but its time was over yesterday.
    Expired,
    /// As `Valid`, but for `wrong.example`.
    WrongName,
    /// For the right names, but not signed by that authority.
    SelfSigned,
    /// As `Valid`, but the authority's own time was over yesterday.
    ExpiredAuthority,
}

/// The server's side of TLS, and the authority's certificate.
pub(crate) fn certify(identity: TlsIdentity) -> io::Result<(Arc<ServerConfig>, String)> {
    let authority = authority(identity).map_err(io::Error::other)?;
    let (chain, key) = leaf(identity, &authority).map_err(io::Error::other)?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(io::Error::other)?;
    Ok((Arc::new(config), authority.pem()))
}

fn authority(identity: TlsIdentity) -> Result<CertifiedIssuer<'static, KeyPair>, rcgen::Error> {
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, "Fake GitHub test authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    if identity == TlsIdentity::ExpiredAuthority {
        params.not_after = (SystemTime::now() - DAY).into();
    }
    CertifiedIssuer::self_signed(params, KeyPair::generate()?)
}

fn leaf(
    identity: TlsIdentity,
    authority: &CertifiedIssuer<'static, KeyPair>,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), rcgen::Error> {
    let names = match identity {
        TlsIdentity::WrongName => vec!["wrong.example".to_owned()],
        _ => vec!["127.0.0.1".to_owned(), "localhost".to_owned()],
    };
    let mut params = CertificateParams::new(names)?;
    params
        .distinguished_name
        .push(DnType::CommonName, "Fake GitHub");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let now = SystemTime::now();
    (params.not_before, params.not_after) = match identity {
        TlsIdentity::Expired => ((now - DAY * 30).into(), (now - DAY).into()),
        // Verifiers of some systems refuse certificates that live for years.
        _ => ((now - DAY).into(), (now + DAY * 30).into()),
    };
    let key = KeyPair::generate()?;
    let certificate = match identity {
        TlsIdentity::SelfSigned => params.self_signed(&key)?,
        _ => params.signed_by(&key, authority)?,
    };
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    Ok((vec![certificate.der().clone()], key))
}
