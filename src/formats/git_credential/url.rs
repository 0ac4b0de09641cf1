//! The parts of a `url=` attribute, cut as git cuts them (credential.c, `credential_from_url`).

use std::mem;

use zeroize::Zeroizing;

use super::Malformed;
use crate::formats::percent_encoding;

/// A URL's parts, percent-decoded.
pub(super) struct Parts {
    pub(super) protocol: String,
    pub(super) host: String,
    pub(super) path: Option<String>,
    pub(super) username: Option<String>,
    pub(super) password: Option<Zeroizing<String>>,
}

/// Cuts `PROTOCOL://[USER[:PASSWORD]@]HOST[/PATH]`.
pub(super) fn split(url: &str) -> Result<Parts, Malformed> {
    let (protocol, rest) = url.split_once("://").ok_or(NO_URL)?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (user, host) = match authority.split_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    if protocol.is_empty() || host.is_empty() {
        return Err(NO_URL);
    }
    let (username, password) = match user.map(|user| user.split_once(':').ok_or(user)) {
        None => (None, None),
        Some(Err(user)) => (Some(decode(user)?), None),
        Some(Ok((user, password))) => {
            let password = Zeroizing::new(decode(password)?);
            (Some(decode(user)?), Some(password))
        }
    };
    let path = path.trim_matches('/');
    Ok(Parts {
        protocol: protocol.to_owned(),
        host: decode(host)?,
        path: (!path.is_empty()).then(|| decode(path)).transpose()?,
        username,
        password,
    })
}

const NO_URL: Malformed = Malformed("has an invalid url");

/// RFC 3986 section 2.1. What the lines may not hold comes in by no escape either (CVE-2020-5260).
fn decode(text: &str) -> Result<String, Malformed> {
    let mut bytes = percent_encoding::decode(text.as_bytes()).ok_or(NO_URL)?;
    if bytes.iter().any(u8::is_ascii_control) {
        return Err(Malformed("has a control character in its url"));
    }
    String::from_utf8(mem::take(&mut *bytes)).map_err(|_| Malformed("is not UTF-8 text"))
}
