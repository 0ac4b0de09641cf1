//! The address of a proxy, which may hold a password: as it was set, and once it is judged. A setting
//! is judged where a connection is made, so that it stops no command that makes none. Shown without
//! its password.

use std::ffi::OsStr;
use std::fmt;
use std::net::Ipv6Addr;

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::HttpError;
use crate::formats::percent_encoding;

const SCHEMES: [&str; 7] = [
    "http", "https", "socks", "socks4", "socks4a", "socks5", "socks5h",
];

const NOT_TEXT: &str = "is not UTF-8 text";
const BAD_SCHEME: &str =
    "has an unknown scheme (expected http, https, socks, socks4, socks4a, socks5 or socks5h)";
const NO_HOST: &str = "has no valid host (expected [SCHEME://][USER:PASSWORD@]HOST[:PORT])";
const HAS_PATH: &str = "has a path (expected [SCHEME://][USER:PASSWORD@]HOST[:PORT])";
const NO_PORT: &str = "has a port that is not a number from 1 to 65535";
const NOT_ENCODED: &str = "has a user or password that is not percent-encoded";

/// The address of a proxy as the configuration or the environment has it, not judged yet.
#[derive(Clone)]
pub struct ProxySetting {
    origin: String,
    subject: &'static str,
    /// `None` for what is not UTF-8.
    text: Option<SecretString>,
    variable: Option<&'static str>,
}

impl ProxySetting {
    /// The value of an environment variable.
    pub fn of_variable(name: &'static str, value: &OsStr) -> Self {
        Self {
            origin: name.into(),
            subject: "the address",
            text: value.to_str().map(SecretString::from),
            variable: Some(name),
        }
    }

    /// A text of the configuration file; `origin` is its place there.
    pub fn of_file(origin: String, text: &str) -> Self {
        Self {
            origin,
            subject: "proxy",
            text: Some(text.into()),
            variable: None,
        }
    }

    /// The variable that names this proxy; `None` if the configuration file does.
    pub fn variable(&self) -> Option<&'static str> {
        self.variable
    }

    /// The proxy, or what is wrong with the setting.
    ///
    /// # Errors
    /// `HttpError::Setting`.
    pub fn judge(&self) -> Result<Option<Proxy>, HttpError> {
        let text = self.text.as_ref().ok_or(NOT_TEXT);
        text.and_then(|text| Proxy::parse(text.expose_secret()))
            .map_err(|reason| HttpError::Setting {
                origin: self.origin.clone(),
                problem: format!("{} {reason}", self.subject),
            })
    }
}

impl fmt::Debug for ProxySetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProxySetting({})", self.origin)
    }
}

/// A proxy. `Debug` and `Display` leave out its user and password.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy(ureq::Proxy);

impl Proxy {
    /// Reads `[SCHEME://][USER[:PASSWORD]@]HOST[:PORT][/]`; no scheme means http, no text no proxy.
    /// `socks` is what GNOME writes for SOCKS 5, with names looked up by the proxy.
    ///
    /// # Errors
    /// What is wrong with the text, in words that follow the name of its key or variable.
    pub fn parse(text: &str) -> Result<Option<Self>, &'static str> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let scheme = scheme.to_ascii_lowercase();
        if !SCHEMES.contains(&scheme.as_str()) {
            return Err(BAD_SCHEME);
        }
        let scheme = if scheme == "socks" {
            "socks5h"
        } else {
            &scheme
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let (login, place) = match authority.rsplit_once('@') {
            Some((login, place)) => (Some(login), place),
            None => (None, authority),
        };
        check_place(place)?;
        let url = Zeroizing::new(match login {
            Some(login) => {
                check_login(login)?;
                format!("{scheme}://{login}@{place}")
            }
            None => format!("{scheme}://{place}"),
        });
        let proxy = ureq::Proxy::new(&url).map_err(|_| NO_HOST)?;
        Ok(Some(Self(proxy)))
    }

    /// Its host, without port.
    pub(crate) fn host(&self) -> &str {
        self.0.host()
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

fn check_place(place: &str) -> Result<(), &'static str> {
    if place.contains(['/', '?', '#']) {
        return Err(HAS_PATH);
    }
    let (host, port) = split_port(place).ok_or(NO_HOST)?;
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    if host.is_empty() || (host.parse::<Ipv6Addr>().is_err() && !host.bytes().all(fits)) {
        return Err(NO_HOST);
    }
    match port {
        None => Ok(()),
        Some(port) if port.bytes().all(|b| b.is_ascii_digit()) => match port.parse::<u16>() {
            Ok(1..) => Ok(()),
            Ok(0) | Err(_) => Err(NO_PORT),
        },
        Some(_) => Err(NO_PORT),
    }
}

fn split_port(place: &str) -> Option<(&str, Option<&str>)> {
    let Some(bracketed) = place.strip_prefix('[') else {
        return Some(match place.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (place, None),
        });
    };
    let (host, tail) = bracketed.split_once(']')?;
    host.parse::<Ipv6Addr>().ok()?;
    match tail {
        "" => Some((host, None)),
        tail => Some((host, Some(tail.strip_prefix(':')?))),
    }
}

/// The characters of a user or password in an address, and UTF-8 once they are decoded
/// (RFC 3986 section 3.2.1): anything else would be cut or read differently further on.
fn check_login(login: &str) -> Result<(), &'static str> {
    let is_allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || b"%-._~!$&'()*+,;=:".contains(&byte);
    match percent_encoding::decode(login.as_bytes()) {
        Some(decoded) if login.bytes().all(is_allowed) && str::from_utf8(&decoded).is_ok() => {
            Ok(())
        }
        Some(_) | None => Err(NOT_ENCODED),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn proxy(text: &str) -> Proxy {
        Proxy::parse(text).expect(text).expect(text)
    }

    #[test]
    fn addresses_are_read_and_shown_without_their_password() {
        for (text, shown) in [
            ("proxy.example:3128", "http://proxy.example:3128"),
            (" HTTP://proxy/ ", "http://proxy:80"),
            ("https://u:p%40ss@proxy:443", "https://proxy:443"),
            ("u:hunter2@proxy_1:80", "http://proxy_1:80"),
            ("socks5h://[::1]:1080", "socks5h://[::1]:1080"),
            ("SOCKS5://proxy", "socks5://proxy:1080"),
            ("socks4://10.0.0.1", "socks4://10.0.0.1:1080"),
            ("socks4a://u@10.0.0.1/", "socks4a://10.0.0.1:1080"),
        ] {
            assert_eq!(proxy(text).to_string(), shown);
            assert_eq!(format!("{:?}", proxy(text)), format!("Proxy({shown})"));
        }
        let encoded = proxy("https://u:p%40ss@proxy").to_ureq();
        assert_eq!(encoded.password(), Some("p@ss"));
    }

    #[test]
    fn gnomes_socks_is_socks_5_and_the_proxy_looks_names_up() {
        for text in ["socks://127.0.0.1:7890/", "Socks://127.0.0.1:7890"] {
            assert_eq!(proxy(text).to_string(), "socks5h://127.0.0.1:7890");
            assert!(!proxy(text).to_ureq().resolve_target());
        }
    }

    #[test]
    fn nothing_is_no_proxy() {
        assert!(Proxy::parse("").expect("none").is_none());
        assert!(Proxy::parse(" \n").expect("none").is_none());
    }

    #[cfg(unix)]
    fn not_unicode(text: &str) -> OsString {
        use std::os::unix::ffi::OsStringExt;
        OsString::from_vec([text.as_bytes(), b"\xff"].concat())
    }

    #[cfg(windows)]
    fn not_unicode(text: &str) -> OsString {
        use std::os::windows::ffi::OsStringExt;
        let units: Vec<u16> = text.encode_utf16().chain([0xd800]).collect();
        OsString::from_wide(&units)
    }

    #[test]
    fn an_unusable_setting_is_named_without_its_text() {
        let of = |value: &OsStr| {
            let setting = ProxySetting::of_variable("ALL_PROXY", value);
            assert!(!format!("{setting:?}").contains("hunter2"));
            setting.judge().expect_err("unusable").to_string()
        };
        assert_eq!(
            of(OsStr::new("ftp://me:hunter2@proxy")),
            format!("ALL_PROXY: the address {BAD_SCHEME}")
        );
        assert_eq!(
            of(&not_unicode("me:hunter2@")),
            "ALL_PROXY: the address is not UTF-8 text"
        );
        let file = ProxySetting::of_file("c.toml, line 1".into(), "http://me:hunter2@");
        assert_eq!(
            file.judge().expect_err("unusable").to_string(),
            format!("c.toml, line 1: proxy {NO_HOST}")
        );
    }

    #[test]
    fn unusable_addresses_are_refused_with_a_fixed_reason() {
        for (bad, reason) in [
            ("ftp://proxy", BAD_SCHEME),
            ("hunter2://", BAD_SCHEME),
            ("http://", NO_HOST),
            ("http://:3128", NO_HOST),
            ("http://u:p@", NO_HOST),
            ("http://pro xy", NO_HOST),
            ("http://pröxy", NO_HOST),
            ("http://proxy/path", HAS_PATH),
            ("http://proxy:3128/path", HAS_PATH),
            ("http://proxy:3128?x", HAS_PATH),
            ("http://[::1", NO_HOST),
            ("http://[::1]80", NO_HOST),
            ("http://[proxy]:80", NO_HOST),
            ("a\nb", NO_HOST),
            ("http://proxy:", NO_PORT),
            ("http://proxy:0", NO_PORT),
            ("http://proxy:65536", NO_PORT),
            ("http://proxy:+80", NO_PORT),
            ("http://::1:80", NO_HOST),
            ("http://u:a@b@proxy", NOT_ENCODED),
            ("http://u:a/b@proxy", NOT_ENCODED),
            ("http://u:a#b@proxy", NOT_ENCODED),
            ("http://u:100%@proxy", NOT_ENCODED),
            ("http://u:%E9@proxy", NOT_ENCODED),
            ("http://u:pä@proxy", NOT_ENCODED),
        ] {
            assert_eq!(Proxy::parse(bad).err(), Some(reason), "{bad:?}");
        }
    }
}
