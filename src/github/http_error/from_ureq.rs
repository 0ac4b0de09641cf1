//! From ureq's errors to causes. No text of an error is passed on that could hold a secret.

use std::io;
use std::time::Duration;

use ureq::Error;

use crate::error::{is_exhausted, is_limit, system_reason};
use crate::formats::plain_text::spelled_out;
use crate::github::{Proxy, server_text};

use super::{ConnectStage, HttpError};

/// How rustls begins every complaint about a certificate.
const CERTIFICATE: &str = "invalid peer certificate: ";
/// How rustls-platform-verifier says that there is nothing to check with.
const NO_CA_CERTIFICATES: &str = "No CA certificates were loaded";

impl HttpError {
    /// Why a direct connection to `host` was not made.
    pub(in crate::github) fn of_connect(
        error: Error,
        host: &str,
        stage: ConnectStage,
        limit: Duration,
    ) -> Self {
        let host = host.to_owned();
        match error {
            Error::HostNotFound => Self::HostNotFound { host },
            Error::Timeout(_) => Self::ConnectTimeout { host, stage, limit },
            Error::Io(error) if stage != ConnectStage::Tls => Self::of_tcp(&error, host),
            error => Self::of_tls(error, host),
        }
    }

    /// Why a connection to `host` through a proxy was not made.
    pub(in crate::github) fn of_proxied_connect(
        error: Error,
        host: &str,
        proxy: &Proxy,
        limit: Duration,
    ) -> Self {
        let failed = |reason: String| Self::Proxy {
            proxy: proxy.to_string(),
            reason,
        };
        match error {
            Error::HostNotFound => failed("cannot be found".into()),
            Error::ConnectProxyFailed(reason) => failed(refusal(&reason)),
            Error::Protocol(_) => failed("sent an invalid response".into()),
            Error::Timeout(_) => Self::ConnectTimeout {
                host: host.to_owned(),
                stage: ConnectStage::Proxy,
                limit,
            },
            // TLS runs with the host behind the proxy; what else fails is the proxy's.
            Error::Io(error) if is_limit(&error) => Self::Limit {
                doing: "open a connection",
                reason: reason_of(&error),
            },
            Error::Io(error) if !is_of(Error::Rustls, &error) => {
                failed(format!("cannot be reached: {}", reason_of(&error)))
            }
            error => Self::of_tls(error, host.to_owned()),
        }
    }

    /// Why an exchange on a ready connection broke off.
    pub(in crate::github) fn of_exchange(error: &Error, host: &str) -> Self {
        let host = host.to_owned();
        match error {
            Error::Timeout(_) => Self::AnswerTimeout { host },
            Error::LargeResponseHeader(..) => Self::TooLarge { host },
            Error::Protocol(_) => Self::Malformed {
                host,
                problem: "is not HTTP",
            },
            Error::Http(_) | Error::BadUri(_) => Self::BadRequest,
            _ => Self::CutOff { host },
        }
    }

    /// What no other process need meet: a limit of this one.
    pub(in crate::github) fn of_limit(doing: &'static str, error: &io::Error) -> Option<Self> {
        is_limit(error).then(|| Self::Limit {
            doing,
            reason: reason_of(error),
        })
    }

    /// The same, where what is forbidden has another name.
    pub(in crate::github) fn of_exhaustion(doing: &'static str, error: &io::Error) -> Option<Self> {
        is_exhausted(error).then(|| Self::Limit {
            doing,
            reason: reason_of(error),
        })
    }

    fn of_tcp(error: &io::Error, host: String) -> Self {
        if let Some(limit) = Self::of_limit("open a connection", error) {
            return limit;
        }
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::ConnectionRefused { host },
            _ => Self::ConnectFailed {
                host,
                reason: reason_of(error),
            },
        }
    }

    fn of_tls(error: Error, host: String) -> Self {
        let reason = match error {
            Error::Io(error) if is_of(Error::Rustls, &error) => error.to_string(),
            Error::Io(_) => "the connection broke during the handshake".into(),
            Error::Rustls(error) => error.to_string(),
            Error::Tls(reason) => reason.to_owned(),
            _ => "it could not be set up".into(),
        };
        if reason.contains(NO_CA_CERTIFICATES) {
            return Self::NoCaCertificates;
        }
        match reason.strip_prefix(CERTIFICATE) {
            Some(reason) => Self::Certificate {
                host,
                reason: distrust(reason),
            },
            None => Self::Tls {
                host,
                reason: server_text::shown(&spelled_out(&reason)),
            },
        }
    }
}

/// True if the error within is of the kind that this variant holds: ureq does not export the type.
fn is_of<T: std::error::Error + 'static>(_: fn(T) -> Error, error: &io::Error) -> bool {
    matches!(error.get_ref(), Some(inner) if inner.is::<T>())
}

/// What is wrong with a certificate, from rustls' words for it.
fn distrust(reason: &str) -> String {
    if reason.starts_with("UnknownIssuer") {
        "its issuer is unknown (behind a company proxy: set ca_file to its certificates)".into()
    } else if reason.starts_with("BadSignature") {
        "its signature is not from its issuer (is ca_file out of date?)".into()
    } else if reason.starts_with("certificate expired") {
        "it has expired, or this machine's clock is ahead".into()
    } else if reason.starts_with("certificate not valid yet") {
        "it is not valid yet, or this machine's clock is behind".into()
    } else if reason.contains("CaUsedAsEndEntity") {
        "it is a certificate authority's own, not a server's".into()
    } else {
        server_text::shown(&spelled_out(reason))
    }
}

/// What a proxy's answer to `CONNECT` means, from ureq's words for it.
fn refusal(reason: &str) -> String {
    let status = reason
        .strip_prefix("proxy server responded ")
        .and_then(|rest| rest.get(..3));
    match status {
        Some("407") => "rejected the user name or password".into(),
        Some(status) => format!("answers HTTP {}", server_text::shown(status)),
        None => "closed the connection without a response".into(),
    }
}

fn reason_of(error: &io::Error) -> String {
    server_text::shown(&system_reason(error))
}

#[cfg(test)]
mod tests {
    use super::distrust;

    #[test]
    fn what_is_wrong_with_a_certificate_is_said_without_names_of_rust() {
        for (reason, words) in [
            (
                "Other(OtherError(CaUsedAsEndEntity))",
                "it is a certificate authority's own, not a server's",
            ),
            (
                "Other(OtherError(ExtensionValueInvalid))",
                "extension value invalid",
            ),
            ("InvalidPurpose", "invalid purpose"),
        ] {
            assert_eq!(distrust(reason), words);
        }
    }
}
