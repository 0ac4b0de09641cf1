//! A GitHub host: its URLs, its class, and the variables in which tools look for its token. Pure.

mod app_pages;
mod inherited;
pub(crate) mod token_env;
mod variables;

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

pub(crate) use self::inherited::HOST_VARIABLES;
pub use self::inherited::Inherited;
pub(crate) use self::variables::{HostClass, TOKEN_VARIABLES};

/// A host as configured, in lower case: `github.com`, `SUB.ghe.com`, a GitHub Enterprise Server, or
/// a loopback address for tests.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Host {
    name: String,
    port: Option<u16>,
    scheme: Scheme,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Scheme {
    Https,
    /// Legal for loopback only.
    Http,
}

/// GitHub's products; each has its own URLs and variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostKind {
    /// github.com itself.
    GitHubCom,
    /// GitHub Enterprise Cloud with data residency.
    GheCom,
    /// GitHub Enterprise Server.
    Server,
}

impl Host {
    /// The name of the default host.
    pub const DEFAULT: &'static str = "github.com";

    /// The default host.
    pub(crate) fn github_com() -> Self {
        Self {
            name: Self::DEFAULT.into(),
            port: None,
            scheme: Scheme::Https,
        }
    }

    /// Reads `HOST`, `HOST:PORT`, `https://HOST` or, for loopback, `http://HOST:PORT`. A loopback
    /// host without a scheme is plain http.
    ///
    /// # Errors
    /// What is wrong with the text; the message follows the quoted text.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let (given, rest) = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => {
                (Some(Scheme::Https), rest)
            }
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => {
                (Some(Scheme::Http), rest)
            }
            Some(_) => return Err("has a scheme that is neither https nor http"),
            None => (None, text),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains('/') {
            return Err("has a path (give only the host, for example ghes.example)");
        }
        let (name, port) = split_port(rest)?;
        check_name(&name)?;
        let loopback = is_loopback(&name);
        let scheme = match given {
            Some(Scheme::Http) if !loopback => {
                return Err("uses plain http, which is allowed for loopback only");
            }
            Some(scheme) => scheme,
            None if loopback => Scheme::Http,
            None => Scheme::Https,
        };
        let port = port.filter(|port| *port != scheme.default_port());
        Ok(Self { name, port, scheme })
    }

    /// Which product this is.
    pub fn kind(&self) -> HostKind {
        if self.name == Self::DEFAULT {
            HostKind::GitHubCom
        } else if self.name.ends_with(".ghe.com") {
            HostKind::GheCom
        } else {
            HostKind::Server
        }
    }

    /// The name without a port.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The port, where it is not the scheme's own.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// True for a host on this machine, where plain http is legal and no proxy is ever asked.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.name)
    }

    /// True where requests travel over TLS.
    pub fn is_https(&self) -> bool {
        self.scheme == Scheme::Https
    }

    /// The host as flags, variables and the configuration name it: [`Self::parse`] reads the same one.
    /// Only https on loopback needs its scheme.
    pub fn spelling(&self) -> String {
        if self.is_loopback() && self.is_https() {
            self.web_url()
        } else {
            self.to_string()
        }
    }

    /// A name for an App that is registered there and has none.
    pub fn short_name(&self) -> &str {
        match self.kind() {
            HostKind::GitHubCom => "github",
            // An address has no name; it is an Enterprise Server's.
            _ if self.name.parse::<IpAddr>().is_ok() => "ghes",
            HostKind::GheCom | HostKind::Server => {
                self.name.split('.').next().unwrap_or(&self.name)
            }
        }
    }

    /// The web host's address, where OAuth and the device page live: `https://github.com`.
    pub fn web_url(&self) -> String {
        format!("{}://{self}", self.scheme.as_str())
    }

    /// The REST API's address (docs.github.com, "About the REST API"; GHES: `/api/v3`).
    pub fn api_url(&self) -> String {
        match self.kind() {
            HostKind::GitHubCom | HostKind::GheCom => format!("https://api.{self}"),
            HostKind::Server => format!("{}/api/v3", self.web_url()),
        }
    }

    /// The host of [`Self::api_url`], without scheme, port and path.
    pub fn api_name(&self) -> String {
        match self.kind() {
            HostKind::GitHubCom | HostKind::GheCom => format!("api.{}", self.name),
            HostKind::Server => self.name.clone(),
        }
    }

    /// The page where a person types the user code (RFC 8628 section 3.3).
    pub fn device_page(&self) -> String {
        format!("{}/login/device", self.web_url())
    }

    /// The variables in which tools look for a token of this host, and for the host itself.
    pub fn variables(&self) -> Variables {
        let (token_names, host): (&'static [&'static str], _) = match self.kind() {
            HostKind::GitHubCom => (
                &["GH_TOKEN", "GITHUB_TOKEN", "GITHUB_PERSONAL_ACCESS_TOKEN"],
                None,
            ),
            HostKind::GheCom => (&["GH_TOKEN"], Some(self.to_string())),
            HostKind::Server => (
                &["GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"],
                Some(self.to_string()),
            ),
        };
        Variables { token_names, host }
    }

    /// True if a tool that finds this value in a variable of [`HOST_VARIABLES`] sends its token to this
    /// host.
    pub(crate) fn is_led_to_by(&self, name: &str, value: &str) -> bool {
        inherited::leads_to(self, name, value)
    }

    /// True if the value of `GH_HOST` or `GITHUB_HOST` is this host with the same port.
    pub fn is_meant_by(&self, value: &str) -> bool {
        Self::parse(value).is_ok_and(|host| host.name == self.name && host.port == self.port)
    }
}

/// What a child is told about a token (design: variables by host).
#[derive(Debug, PartialEq, Eq)]
pub struct Variables {
    /// Each is set to the token.
    pub token_names: &'static [&'static str],
    /// The value of `GH_HOST`, where tools need one.
    pub host: Option<String>,
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.contains(':') {
            write!(f, "[{}]", self.name)?;
        } else {
            f.write_str(&self.name)?;
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

impl Scheme {
    fn as_str(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
        }
    }

    fn default_port(self) -> u16 {
        match self {
            Self::Https => 443,
            Self::Http => 80,
        }
    }
}

fn split_port(text: &str) -> Result<(String, Option<u16>), &'static str> {
    let bracketed = text.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    if bracketed.is_some_and(|(name, _)| name.parse::<Ipv6Addr>().is_err()) {
        return Err("has brackets, but no IPv6 address in them");
    }
    let (name, port) = match bracketed {
        Some((name, "")) => (name, None),
        Some((name, rest)) => match rest.strip_prefix(':') {
            Some(port) => (name, Some(port)),
            None => return Err("is not a host name"),
        },
        None => match text.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (text, None),
        },
    };
    let port = match port {
        None => None,
        Some(port) if port.bytes().all(|b| b.is_ascii_digit()) => match port.parse() {
            Ok(0) | Err(_) => return Err("has a port that is not a number from 1 to 65535"),
            Ok(port) => Some(port),
        },
        Some(_) => return Err("has a port that is not a number from 1 to 65535"),
    };
    Ok((name.to_ascii_lowercase(), port))
}

fn check_name(name: &str) -> Result<(), &'static str> {
    if name.parse::<IpAddr>().is_ok() {
        return Ok(());
    }
    let labels_fit = name.split('.').all(|label| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    });
    if labels_fit && name.len() <= 253 {
        Ok(())
    } else {
        Err("is not a host name (letters, digits, hyphens and dots; no user)")
    }
}

fn is_loopback(name: &str) -> bool {
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> Host {
        Host::parse(text).expect(text)
    }

    #[test]
    fn each_kind_has_its_addresses() {
        let com = host("GitHub.com");
        assert_eq!(com.web_url(), "https://github.com");
        assert_eq!(com.api_url(), "https://api.github.com");
        let cloud = host("octo.ghe.com");
        assert_eq!(cloud.api_url(), "https://api.octo.ghe.com");
        let server = host("ghes.example:8443");
        assert_eq!(server.api_url(), "https://ghes.example:8443/api/v3");
        assert_eq!(
            server.device_page(),
            "https://ghes.example:8443/login/device"
        );
        assert_eq!(host("127.0.0.1:3000").web_url(), "http://127.0.0.1:3000");
        assert_eq!(
            host("https://localhost:3000").web_url(),
            "https://localhost:3000"
        );
        assert_eq!(host("http://[::1]:3000").web_url(), "http://[::1]:3000");
    }

    #[test]
    fn a_hosts_spelling_is_read_back_and_its_short_name_needs_no_quotes() {
        for (text, spelling, short) in [
            ("github.com", "github.com", "github"),
            ("octo.ghe.com", "octo.ghe.com", "octo"),
            ("git.example.com:8443", "git.example.com:8443", "git"),
            ("http://127.0.0.1:443", "127.0.0.1:443", "ghes"),
            ("https://127.0.0.1:3000", "https://127.0.0.1:3000", "ghes"),
            ("https://localhost", "https://localhost", "localhost"),
            ("[::1]:3000", "[::1]:3000", "ghes"),
            ("[2001:db8::1]", "[2001:db8::1]", "ghes"),
        ] {
            assert_eq!(host(text).spelling(), spelling);
            assert_eq!(host(spelling), host(text));
            assert_eq!(host(text).short_name(), short);
        }
    }

    #[test]
    fn the_schemes_own_port_is_no_part_of_a_host() {
        assert_eq!(host("github.com:443"), host("github.com"));
        assert_eq!(host("https://GHES.example/"), host("ghes.example"));
        assert_eq!(host("[::1]:8080").to_string(), "[::1]:8080");
        assert_eq!(
            Host::parse("http://127.0.0.1:3000/login"),
            Err("has a path (give only the host, for example ghes.example)")
        );
    }

    #[test]
    fn bad_hosts_are_refused() {
        for bad in [
            "",
            "http://github.com",
            "ftp://github.com",
            "github.com/login",
            "a b",
            "user@github.com",
            "github.com:0",
            "github.com:99999",
            "github.com:+1",
            "-a.com",
            "a..b",
            "github.com.",
            "gïthub.com",
            "[::1",
            "[::1]x",
            "[github.com]",
            "[github.com]:443",
            "[127.0.0.1]:3000",
            "http://127.0.0.1:3000/login",
            "a\u{0}b",
            "https://",
            "github.com:",
            "gh\nost",
            " github.com",
            "github.com\r",
            "github.com\n",
        ] {
            assert!(Host::parse(bad).is_err(), "{bad:?} was taken for a host");
        }
    }

    #[test]
    fn variables_never_cross_host_classes() {
        assert_eq!(host("github.com").variables().host, None);
        let server = host("ghes.example").variables();
        assert_eq!(
            server.token_names,
            ["GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"]
        );
        assert_eq!(server.host.as_deref(), Some("ghes.example"));
        assert_eq!(host("octo.ghe.com").variables().token_names, ["GH_TOKEN"]);
    }

    #[test]
    fn an_inherited_host_variable_is_compared_as_a_host() {
        assert!(host("github.com").is_meant_by("https://GitHub.com"));
        assert!(!host("github.com").is_meant_by("ghes.example"));
        assert!(!host("github.com").is_meant_by(""));
    }

    #[test]
    fn p6_an_inherited_host_with_another_port_is_another_host() {
        let server = host("ghes.example:8443");
        assert!(server.is_meant_by("GHES.example:8443"));
        for other in ["ghes.example", "ghes.example:8444", "https://ghes.example"] {
            assert!(!server.is_meant_by(other), "{other}");
        }
        assert!(!host("ghes.example").is_meant_by("ghes.example:8443"));
        assert!(host("ghes.example").is_meant_by("ghes.example:443"));
    }
}
