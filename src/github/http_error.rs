//! Why a request came to nothing, as a short code for programs and a sentence for people.
//! Holds no body, no token, no password; text of a server only as `server_text` leaves it.

mod from_ureq;

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use crate::error;
use crate::formats::shell::word;

/// Why a request came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HttpError {
    /// The name has no address, or DNS does not answer.
    #[error("cannot find the host {host}")]
    HostNotFound {
        /// The name, without a port.
        host: String,
    },
    /// The connection was not ready in time.
    #[error("no connection to {host} within {} s ({stage})", limit.as_secs())]
    ConnectTimeout {
        /// Who was to be reached.
        host: String,
        /// How far it got.
        stage: ConnectStage,
        /// How long it had.
        limit: Duration,
    },
    /// A name of this machine, where plain http is legal, leads to another one.
    #[error(
        "{host} resolves to {address}, which is not this machine; plain http is allowed for loopback only"
    )]
    NotLoopback {
        /// The name.
        host: String,
        /// Where it leads.
        address: IpAddr,
    },
    /// Nothing listens there.
    #[error("{host} refuses connections")]
    ConnectionRefused {
        /// Who refused.
        host: String,
    },
    /// The network did not carry the connection.
    #[error("cannot reach {host}: {reason}")]
    ConnectFailed {
        /// Who was to be reached.
        host: String,
        /// The system's reason.
        reason: String,
    },
    /// This process, or this machine, could not begin: it may start no more threads, open no more files,
    /// or use no network.
    #[error("a limit of this process or machine: it cannot {doing} ({reason})")]
    Limit {
        /// What it could not do.
        doing: &'static str,
        /// The system's reason.
        reason: String,
    },
    /// The proxy did not lead to the host.
    #[error("the proxy {proxy} {reason}")]
    Proxy {
        /// The proxy, without user and password.
        proxy: String,
        /// What it said, or the system's reason.
        reason: String,
    },
    /// The server's certificate is not one to trust for this host.
    #[error("the TLS certificate of {host} is not trusted: {reason}")]
    Certificate {
        /// Whose certificate.
        host: String,
        /// What is wrong with it.
        reason: String,
    },
    /// This machine has none, so no certificate can be checked.
    #[error("this system has no CA certificates, with which TLS certificates are checked")]
    NoCaCertificates,
    /// TLS could not be agreed on.
    #[error("TLS with {host} failed: {reason}")]
    Tls {
        /// With whom.
        host: String,
        /// What went wrong.
        reason: String,
    },
    /// The configured `ca_file` cannot be used.
    #[error("the ca_file {} {reason}", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Others could have written the configured `ca_file`.
    #[error("other users may write the ca_file {} (mode {mode:04o})", path.display())]
    CaFileExposed {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// A variable or a key of the configuration cannot be used.
    #[error("{origin}: {problem}")]
    Setting {
        /// Which.
        origin: String,
        /// What is wrong with it; no part of its text, which may hold a password.
        problem: String,
    },
    /// The request itself could not be written as HTTP.
    #[error("the stored token cannot be sent in a request (a new sign-in replaces it)")]
    BadRequest,
    /// The answer was not complete in time.
    #[error("{host} did not answer in time")]
    AnswerTimeout {
        /// Who did not answer.
        host: String,
    },
    /// The connection ended before the answer did.
    #[error("the connection to {host} broke before the response was complete")]
    CutOff {
        /// Who was to answer.
        host: String,
    },
    /// The answer is longer than anything GitHub sends.
    #[error("the response from {host} is too long")]
    TooLarge {
        /// Who answered.
        host: String,
    },
    /// The answer is not what the question asks for.
    #[error("the response from {host} {problem}")]
    Malformed {
        /// Who answered.
        host: String,
        /// What is odd about it; no part of its body.
        problem: &'static str,
    },
    /// A page for people instead of an answer.
    #[error(
        "{host} answered HTTP {status} with an HTML page (a proxy or sign-in page may sit in between)"
    )]
    Html {
        /// Who answered.
        host: String,
        /// Its HTTP status.
        status: u16,
    },
    /// An HTTP status that says it all.
    #[error("{host} answered HTTP {status}{}", said(message.as_deref()))]
    HttpStatus {
        /// Who answered.
        host: String,
        /// The status.
        status: u16,
        /// The server's own words.
        message: Option<String>,
    },
    /// Too many requests.
    #[error("{host} answered: too many requests{}", said(message.as_deref()))]
    RateLimited {
        /// Who answered.
        host: String,
        /// The server's own words.
        message: Option<String>,
    },
    /// The server points elsewhere. A redirect could carry the token to another host.
    #[error("{host} redirected to {}, which ghtok does not follow", to.as_deref().unwrap_or("another address"))]
    Redirect {
        /// Who answered.
        host: String,
        /// The host that it points to, if it names one.
        to: Option<String>,
    },
}

/// How far a connection got before its time was up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ConnectStage {
    /// The name was not looked up yet.
    #[error("DNS does not answer")]
    Lookup,
    /// No address had answered.
    #[error("no address answers")]
    Tcp,
    /// The proxy had not made the way free, or TLS behind it was not agreed on.
    #[error("no connection through the proxy")]
    Proxy,
    /// TLS was not agreed on.
    #[error("the TLS handshake did not finish")]
    Tls,
}

impl HttpError {
    /// The error that names a setting at fault, in the configuration or the environment of this
    /// process; `None` for what the network or the server did.
    pub fn setting_error(&self) -> Option<error::Error> {
        match self {
            Self::Setting { origin, problem } => Some(error::Error::Config {
                origin: origin.clone(),
                problem: problem.clone(),
            }),
            Self::NotLoopback { .. } => Some(error::Error::Config {
                origin: "host".into(),
                problem: self.to_string(),
            }),
            Self::NoCaCertificates => Some(error::Error::NoCaCertificates),
            Self::CaFile { path, reason } => Some(error::Error::Config {
                origin: "ca_file".into(),
                problem: format!("{} {reason}", path.display()),
            }),
            Self::CaFileExposed { path, mode } => Some(error::Error::Exposed {
                path: path.clone(),
                rights: "write",
                mode: *mode,
                fix: format!("chmod go-w {}", word(&path.to_string_lossy())),
            }),
            _ => None,
        }
    }

    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::HostNotFound { .. } => "dns",
            Self::ConnectTimeout { .. } => "connect_timeout",
            Self::NotLoopback { .. } => "not_loopback",
            Self::ConnectionRefused { .. } => "connection_refused",
            Self::ConnectFailed { .. } => "connect_failed",
            Self::Limit { .. } => "process_limit",
            Self::Proxy { .. } => "proxy",
            Self::Certificate { .. } => "tls_certificate",
            Self::NoCaCertificates => "no_ca_certificates",
            Self::Tls { .. } => "tls",
            Self::CaFile { .. } | Self::CaFileExposed { .. } => "ca_file",
            Self::Setting { .. } => "config_invalid",
            Self::BadRequest => "bad_request",
            Self::AnswerTimeout { .. } => "answer_timeout",
            Self::CutOff { .. } => "cut_off",
            Self::TooLarge { .. } => "too_large",
            Self::Malformed { .. } => "malformed",
            Self::Html { .. } => "html",
            Self::HttpStatus { .. } => "http_status",
            Self::RateLimited { .. } => "rate_limited",
            Self::Redirect { .. } => "redirect",
        }
    }
}

/// The server's own words behind ours.
fn said(message: Option<&str>) -> String {
    message.map_or_else(String::new, |message| format!(": {message}"))
}
