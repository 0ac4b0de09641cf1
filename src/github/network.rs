//! How this machine reaches the network, as the configuration says it. Nothing here asks the
//! environment, and nothing is opened before a connection is made.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use ureq::tls::{Certificate, PemItem, RootCerts, parse_pem};

use crate::error::system_reason;
use crate::host::Host;
use crate::plain_file;

use super::Cause;

/// The most bytes that are read of a `ca_file`; the largest bundles in use have some 300 KiB.
const LARGEST_CA_FILE: u64 = 4 * 1024 * 1024;

/// How this machine reaches the network. Filled by the configuration.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// The proxy for every host but loopback and those of `no_proxy`.
    pub proxy: Option<Proxy>,
    /// Hosts that are reached without the proxy: `a.example,.b.example,10.0.0.1`, or `*`. A name
    /// covers the names below it, as with curl.
    pub no_proxy: Option<String>,
    /// PEM certificates that replace the system's roots.
    pub ca_file: Option<PathBuf>,
}

impl Network {
    /// The proxy that leads to this host (as it stands in an address), if one does.
    pub(super) fn proxy_for(&self, host: &str) -> Option<&Proxy> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let loopback = Host::parse(host).is_ok_and(|host| host.is_loopback());
        let excepted = self
            .no_proxy
            .as_deref()
            .is_some_and(|list| covers(list, bare));
        self.proxy.as_ref().filter(|_| !loopback && !excepted)
    }

    /// The certificates to trust: those of `ca_file` alone, else the system's.
    pub(super) fn roots(&self) -> Result<RootCerts, Cause> {
        match &self.ca_file {
            None => Ok(RootCerts::PlatformVerifier),
            Some(path) => read_ca_file(path)
                .map(|certificates| RootCerts::from(certificates.into_iter()))
                .map_err(|reason| Cause::CaFile {
                    path: path.clone(),
                    reason,
                }),
        }
    }
}

fn read_ca_file(path: &Path) -> Result<Vec<Certificate<'static>>, String> {
    let mut pem = Vec::new();
    plain_file::open(path)
        .and_then(|(file, _)| file.take(LARGEST_CA_FILE).read_to_end(&mut pem))
        .map_err(|error| format!("cannot be read: {}", system_reason(&error)))?;
    // Windows' editors mark text with these bytes; they would hide the first certificate.
    let pem = pem.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&pem);
    let mut certificates = Vec::new();
    for item in parse_pem(pem) {
        if let PemItem::Certificate(certificate) = item.map_err(|_| "is not a PEM file")? {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        return Err("has no certificate in it (PEM is expected)".into());
    }
    Ok(certificates)
}

/// True if an entry of a `no_proxy` list is this host or a domain above it.
fn covers(list: &str, host: &str) -> bool {
    list.split([',', ' '])
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .any(|entry| {
            let entry = entry
                .trim_start_matches("*.")
                .trim_start_matches('.')
                .to_ascii_lowercase();
            entry == "*"
                || host.eq_ignore_ascii_case(entry.trim_start_matches('[').trim_end_matches(']'))
                || host.to_ascii_lowercase().ends_with(&format!(".{entry}"))
        })
}

/// A proxy's address, with the password that it may ask for. `Debug` and `Display` show neither
/// user nor password.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy(ureq::Proxy);

impl Proxy {
    /// Reads `[http|https|socks4|socks4a|socks5|socks5h]://[USER[:PASSWORD]@]HOST[:PORT]`; without
    /// a scheme it is `http`.
    ///
    /// # Errors
    /// What is wrong with the text, in words that follow the name of its origin; no part of it,
    /// for it may hold a password.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let proxy = ureq::Proxy::new(text)
            .map_err(|_| "is not a proxy's address (http://HOST:PORT or socks5h://HOST:PORT)")?;
        if proxy.host().is_empty() {
            return Err("names no proxy");
        }
        Ok(Self(proxy))
    }

    pub(super) fn to_ureq(&self) -> ureq::Proxy {
        self.0.clone()
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.0.protocol().to_string().to_ascii_lowercase();
        write!(f, "{scheme}://{}:{}", self.0.host(), self.0.port())
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(no_proxy: &str) -> Network {
        Network {
            proxy: Some(Proxy::parse("http://user:hunter2@proxy.example:3128").expect("a proxy")),
            no_proxy: Some(no_proxy.into()),
            ca_file: None,
        }
    }

    #[test]
    fn loopback_never_goes_through_a_proxy() {
        for host in ["localhost", "127.0.0.1", "127.9.9.9", "[::1]"] {
            assert!(network("").proxy_for(host).is_none(), "{host}");
        }
        assert!(network("").proxy_for("github.com").is_some());
    }

    #[test]
    fn no_proxy_covers_a_name_and_what_is_below_it() {
        for list in [
            "github.com",
            ".github.com",
            "*.GitHub.com",
            "x, github.com",
            "*",
            "a github.com",
        ] {
            assert!(
                network(list).proxy_for("api.github.com").is_none(),
                "{list}"
            );
        }
        for list in ["", "hub.com", "github.com.evil", "api.github.co", ","] {
            assert!(
                network(list).proxy_for("api.github.com").is_some(),
                "{list}"
            );
        }
        assert!(network("2001:db8::1").proxy_for("[2001:db8::1]").is_none());
    }

    #[test]
    fn a_proxys_password_is_never_shown() {
        let shown = format!("{:?}", network(""));
        assert!(shown.contains("http://proxy.example:3128"), "{shown}");
        assert!(
            !shown.contains("hunter2") && !shown.contains("user"),
            "{shown}"
        );
        for bad in ["", "ftp://x", "http://", "http://[::1", "hunter2@"] {
            let error = Proxy::parse(bad).expect_err(bad);
            assert!(!error.contains("hunter2"));
        }
    }
}
