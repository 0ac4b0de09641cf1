//! How this machine reaches the network, as the configuration says it. Nothing here asks the
//! environment, and nothing is judged or opened before a connection is made.

use std::io::Read;
use std::path::{Path, PathBuf};

use ureq::http::Uri;
use ureq::tls::{Certificate, PemItem, RootCerts, parse_pem};

use crate::error::system_reason;
use crate::host::Host;
use crate::plain_file::{self, Distrust};

use super::no_proxy;
use super::{HttpError, Proxy, ProxySetting};

/// The most bytes that are read of a `ca_file`; the largest bundles in use have some 300 KiB.
const LARGEST_CA_FILE: u64 = 4 * 1024 * 1024;

/// How this machine reaches the network. Filled by the configuration.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// The proxy for every host but loopback and those of `no_proxy`.
    pub proxy: Option<ProxySetting>,
    /// Hosts that are reached without the proxy, in the syntax of `NO_PROXY`.
    pub no_proxy: Option<String>,
    /// PEM certificates that replace the system's roots: an absolute path, or one that begins with
    /// `~/` where no home folder is known.
    pub ca_file: Option<PathBuf>,
}

impl Network {
    /// Says whether these settings can be used to connect to `url`, without connecting.
    ///
    /// # Errors
    /// A cause for which [`HttpError::setting_error`] has an error.
    pub(super) fn check(&self, url: &str) -> Result<(), HttpError> {
        let target: Uri = url.parse().map_err(|_| HttpError::BadRequest)?;
        self.proxy_for(&target)?;
        if target.scheme_str() == Some("https") {
            self.roots()?;
        }
        Ok(())
    }

    /// The proxy that leads to this address, if one does.
    pub(super) fn proxy_for(&self, target: &Uri) -> Result<Option<Proxy>, HttpError> {
        if self.leads_past_proxy(target) {
            return Ok(None);
        }
        match &self.proxy {
            Some(setting) => setting.judge(),
            None => Ok(None),
        }
    }

    fn leads_past_proxy(&self, target: &Uri) -> bool {
        let host = target.host().unwrap_or_default();
        let port = target.port_u16().unwrap_or(match target.scheme_str() {
            Some("http") => 80,
            _ => 443,
        });
        let listed = |list: &str| no_proxy::covers(list, host, port);
        Host::parse(host).is_ok_and(|host| host.is_loopback())
            || self.no_proxy.as_deref().is_some_and(listed)
    }

    /// The certificates to trust: those of `ca_file` alone, otherwise the system's.
    pub(super) fn roots(&self) -> Result<RootCerts, HttpError> {
        match &self.ca_file {
            None => Ok(RootCerts::PlatformVerifier),
            Some(path) => {
                read_ca_file(path).map(|certificates| RootCerts::from(certificates.into_iter()))
            }
        }
    }
}

fn read_ca_file(path: &Path) -> Result<Vec<Certificate<'static>>, HttpError> {
    let unusable = |problem: &str| HttpError::Setting {
        origin: "ca_file".into(),
        problem: problem.into(),
    };
    if path.as_os_str().is_empty() {
        return Err(unusable("the path is empty"));
    }
    if path.starts_with("~") {
        return Err(unusable(
            "the path begins with ~/, but there is no home folder",
        ));
    }
    let bad = |reason: String| HttpError::CaFile {
        path: path.to_owned(),
        reason,
    };
    let unreadable = |error: std::io::Error| {
        HttpError::of_exhaustion("read ca_file", &error)
            .unwrap_or_else(|| bad(format!("cannot be read: {}", system_reason(&error))))
    };
    let (file, metadata) = plain_file::open(path).map_err(unreadable)?;
    plain_file::trust(&metadata).map_err(|distrust| match distrust {
        Distrust::Owner => bad("belongs to another user".into()),
        Distrust::Writable { mode } => HttpError::CaFileExposed {
            path: path.to_owned(),
            mode,
        },
    })?;
    let mut pem = Vec::new();
    file.take(LARGEST_CA_FILE)
        .read_to_end(&mut pem)
        .map_err(unreadable)?;
    certificates(&pem).map_err(bad)
}

fn certificates(pem: &[u8]) -> Result<Vec<Certificate<'static>>, String> {
    // Windows' editors mark text with these bytes; they would hide the first certificate.
    let pem = pem.strip_prefix(b"\xef\xbb\xbf").unwrap_or(pem);
    let mut certificates = Vec::new();
    for item in parse_pem(pem) {
        if let PemItem::Certificate(certificate) = item.map_err(|_| "is not a PEM file")? {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        return Err("contains no certificate (expected PEM)".into());
    }
    Ok(certificates)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: &str = "http://user:hunter2@proxy.example:3128";

    fn network(proxy: &str, no_proxy: &str) -> Network {
        Network {
            proxy: Some(ProxySetting::of_file("proxy".into(), proxy)),
            no_proxy: Some(no_proxy.into()),
            ca_file: None,
        }
    }

    fn shown(network: &Network, url: &str) -> Result<Option<String>, String> {
        let target = url.parse().expect(url);
        let proxy = network.proxy_for(&target);
        proxy
            .map(|proxy| proxy.map(|proxy| proxy.to_string()))
            .map_err(|cause| cause.to_string())
    }

    #[test]
    fn loopback_never_goes_through_a_proxy() {
        for url in [
            "http://localhost:3000",
            "http://127.0.0.1",
            "https://127.9.9.9",
            "http://[::1]:80/x",
        ] {
            assert_eq!(shown(&network(ADDRESS, ""), url), Ok(None), "{url}");
        }
        assert_eq!(
            shown(&network(ADDRESS, ""), "https://github.com/x"),
            Ok(Some("http://proxy.example:3128".into()))
        );
    }

    #[test]
    fn a_proxy_that_is_not_used_is_not_judged() {
        let network = network("ftp://me:hunter2@proxy", "ghes.example:8443");
        assert_eq!(shown(&network, "http://127.0.0.1"), Ok(None));
        assert_eq!(shown(&network, "https://ghes.example:8443"), Ok(None));
        let error = shown(&network, "https://ghes.example").expect_err("a bad setting");
        assert!(
            error.starts_with("proxy: proxy has an unknown scheme"),
            "{error}"
        );
        assert!(!format!("{network:?}").contains("hunter2"));
    }
}
