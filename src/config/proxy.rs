//! The address of a proxy, which may hold a password: checked here, shown nowhere. Pure.

use std::fmt;
use std::net::Ipv6Addr;

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

const SCHEMES: [&str; 6] = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];

const BAD_SCHEME: &str =
    "has a scheme that is none of http, https, socks4, socks4a, socks5, socks5h";
const NO_HOST: &str = "has no usable host (an address is [SCHEME://][USER:PASSWORD@]HOST[:PORT])";
const NO_PORT: &str = "has a port that is not a number from 1 to 65535";
const NOT_ENCODED: &str = "has a user or password that is not percent-encoded";

/// A proxy. `Debug` and `Display` leave out its user and password.
#[derive(Clone)]
pub struct Proxy {
    url: SecretString,
    shown: String,
    variable: Option<&'static str>,
}

impl Proxy {
    /// Reads `[SCHEME://][USER[:PASSWORD]@]HOST[:PORT][/]`; no scheme means http, no text no proxy.
    /// `variable` is the one that holds the text, `None` for the configuration file.
    ///
    /// # Errors
    /// What is wrong with the text, in words that follow the name of its key or variable.
    pub(super) fn parse(
        text: &str,
        variable: Option<&'static str>,
    ) -> Result<Option<Self>, &'static str> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let scheme = scheme.to_ascii_lowercase();
        if !SCHEMES.contains(&scheme.as_str()) {
            return Err(BAD_SCHEME);
        }
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let (login, place) = match authority.rsplit_once('@') {
            Some((login, place)) => (Some(login), place),
            None => (None, authority),
        };
        check_place(place)?;
        let shown = format!("{scheme}://{place}");
        let url = match login {
            Some(login) => {
                check_login(login)?;
                format!("{scheme}://{login}@{place}")
            }
            None => shown.clone(),
        };
        Ok(Some(Self {
            url: url.into(),
            shown,
            variable,
        }))
    }

    /// The whole address, `SCHEME://[USER[:PASSWORD]@]HOST[:PORT]`, user and password
    /// percent-encoded. Every use is a place where the password could leak.
    pub fn expose(&self) -> &str {
        self.url.expose_secret()
    }

    /// The variable that names this proxy; `None` if the configuration file does.
    pub fn variable(&self) -> Option<&'static str> {
        self.variable
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({})", self.shown)
    }
}

fn check_place(place: &str) -> Result<(), &'static str> {
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
    let mut decoded = Zeroizing::new(Vec::with_capacity(login.len()));
    let mut bytes = login.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => hex_pair(bytes.next(), bytes.next()).ok_or(NOT_ENCODED)?,
            b if b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:".contains(&b) => b,
            _ => return Err(NOT_ENCODED),
        });
    }
    match std::str::from_utf8(&decoded) {
        Ok(_) => Ok(()),
        Err(_) => Err(NOT_ENCODED),
    }
}

fn hex_pair(high: Option<u8>, low: Option<u8>) -> Option<u8> {
    let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(text: &str) -> Proxy {
        Proxy::parse(text, None).expect(text).expect(text)
    }

    #[test]
    fn addresses_are_read_and_shown_without_their_password() {
        for (text, url, shown) in [
            (
                "proxy.example:3128",
                "http://proxy.example:3128",
                "http://proxy.example:3128",
            ),
            (" HTTP://proxy/ ", "http://proxy", "http://proxy"),
            (
                "https://u:p%40ss@proxy:443",
                "https://u:p%40ss@proxy:443",
                "https://proxy:443",
            ),
            (
                "u:hunter2@proxy_1:80",
                "http://u:hunter2@proxy_1:80",
                "http://proxy_1:80",
            ),
            (
                "socks5h://[::1]:1080",
                "socks5h://[::1]:1080",
                "socks5h://[::1]:1080",
            ),
            (
                "socks4://10.0.0.1",
                "socks4://10.0.0.1",
                "socks4://10.0.0.1",
            ),
        ] {
            assert_eq!(proxy(text).expose(), url);
            assert_eq!(proxy(text).to_string(), shown);
            assert_eq!(format!("{:?}", proxy(text)), format!("Proxy({shown})"));
        }
    }

    #[test]
    fn nothing_is_no_proxy() {
        assert!(Proxy::parse("", None).expect("none").is_none());
        assert!(Proxy::parse(" \n", None).expect("none").is_none());
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
            ("http://proxy/path", NO_HOST),
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
            assert_eq!(Proxy::parse(bad, None).err(), Some(reason), "{bad:?}");
        }
    }
}
