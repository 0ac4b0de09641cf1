//! Why a request came to nothing, as a short code for programs and a sentence for people.
//! Holds no body, no token, no password; text of a server only as `server_text` leaves it.

mod from_ureq;

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::error::Error;
use crate::formats::shell::word;

/// Why a request came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HttpError {
    /// The name has no address, or the name service does not answer.
    HostNotFound {
        /// The name, without a port.
        host: String,
    },
    /// The connection was not ready in time.
    ConnectTimeout {
        /// Who was to be reached.
        host: String,
        /// How far it got.
        stage: ConnectStage,
        /// How long it had.
        limit: Duration,
    },
    /// A name of this machine, where plain http is legal, leads to another one.
    NotLoopback {
        /// The name.
        host: String,
        /// Where it leads.
        address: IpAddr,
    },
    /// Nothing listens there.
    ConnectionRefused {
        /// Who refused.
        host: String,
    },
    /// The network did not carry the connection.
    ConnectFailed {
        /// Who was to be reached.
        host: String,
        /// The system's reason.
        reason: String,
    },
    /// This process, or this machine, could not begin: it may start no more threads, open no more files,
    /// or use no network.
    Limit {
        /// What it could not do.
        doing: &'static str,
        /// The system's reason.
        reason: String,
    },
    /// The proxy did not lead to the host.
    Proxy {
        /// The proxy, without user and password.
        proxy: String,
        /// What it said, or the system's reason.
        reason: String,
    },
    /// The server's certificate is not one to trust for this host.
    Certificate {
        /// Whose certificate.
        host: String,
        /// What is wrong with it.
        reason: String,
    },
    /// TLS could not be agreed on.
    Tls {
        /// With whom.
        host: String,
        /// What went wrong.
        reason: String,
    },
    /// The configured `ca_file` cannot be used.
    CaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Others could have written the configured `ca_file`.
    CaFileExposed {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// A variable or a key of the configuration cannot be used.
    Setting {
        /// Which.
        origin: String,
        /// What is wrong with it; no part of its text, which may hold a password.
        problem: String,
    },
    /// The request itself could not be written as HTTP.
    BadRequest,
    /// The answer was not complete in time.
    AnswerTimeout {
        /// Who did not answer.
        host: String,
    },
    /// The connection ended before the answer did.
    CutOff {
        /// Who was to answer.
        host: String,
    },
    /// The answer is longer than anything GitHub sends.
    TooLarge {
        /// Who answered.
        host: String,
    },
    /// The answer is not what the question asks for.
    Malformed {
        /// Who answered.
        host: String,
        /// What is odd about it; no part of its body.
        problem: &'static str,
    },
    /// A page for people instead of an answer.
    Html {
        /// Who answered.
        host: String,
        /// Its HTTP status.
        status: u16,
    },
    /// An HTTP status that says it all.
    HttpStatus {
        /// Who answered.
        host: String,
        /// The status.
        status: u16,
        /// The server's own words.
        message: Option<String>,
    },
    /// Too many requests.
    RateLimited {
        /// Who answered.
        host: String,
        /// The server's own words.
        message: Option<String>,
    },
    /// The server points elsewhere. A redirect could carry the token to another host.
    Redirect {
        /// Who answered.
        host: String,
        /// The host that it points to, if it names one.
        to: Option<String>,
    },
}

/// How far a connection got before its time was up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectStage {
    /// The name was not looked up yet.
    Lookup,
    /// No address had answered.
    Tcp,
    /// The proxy had not made the way free, or TLS behind it was not agreed on.
    Proxy,
    /// TLS was not agreed on.
    Tls,
}

impl HttpError {
    /// The error that names a setting at fault, in the configuration or the environment of this
    /// process; `None` for what the network or the server did.
    pub fn setting_error(&self) -> Option<Error> {
        match self {
            Self::Setting { origin, problem } => Some(Error::Config {
                origin: origin.clone(),
                problem: problem.clone(),
            }),
            Self::CaFile { path, reason } => Some(Error::Config {
                origin: "ca_file".into(),
                problem: format!("{} {reason}", path.display()),
            }),
            Self::CaFileExposed { path, mode } => Some(Error::Exposed {
                path: path.clone(),
                rights: "write",
                mode: *mode,
                cure: format!("chmod go-w {}", word(&path.to_string_lossy())),
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

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HostNotFound { host } => write!(f, "cannot find the host {host}"),
            Self::ConnectTimeout { host, stage, limit } => {
                let seconds = limit.as_secs();
                write!(f, "no connection to {host} within {seconds} s ({stage})")
            }
            Self::NotLoopback { host, address } => write!(
                f,
                "{host} leads to {address}, which is not this machine; plain http stays on it"
            ),
            Self::ConnectionRefused { host } => write!(f, "{host} refuses connections"),
            Self::ConnectFailed { host, reason } => write!(f, "cannot reach {host}: {reason}"),
            Self::Limit { doing, reason } => write!(
                f,
                "a limit of this process or machine: it cannot {doing} ({reason})"
            ),
            Self::Proxy { proxy, reason } => write!(f, "the proxy {proxy} {reason}"),
            Self::Certificate { host, reason } => {
                write!(f, "the TLS certificate of {host} is not trusted: {reason}")
            }
            Self::Tls { host, reason } => write!(f, "TLS with {host} failed: {reason}"),
            Self::CaFile { path, reason } => write!(f, "the ca_file {} {reason}", path.display()),
            Self::CaFileExposed { path, mode } => write!(
                f,
                "others may write the ca_file {} (mode {mode:04o})",
                path.display()
            ),
            Self::Setting { origin, problem } => write!(f, "{origin}: {problem}"),
            Self::BadRequest => write!(
                f,
                "the stored token cannot be sent in a request (a new sign-in replaces it)"
            ),
            Self::AnswerTimeout { host } => write!(f, "{host} did not answer in time"),
            Self::CutOff { host } => {
                write!(
                    f,
                    "the connection to {host} broke before the answer was complete"
                )
            }
            Self::TooLarge { host } => write!(f, "the answer of {host} is too long to be one"),
            Self::Malformed { host, problem } => write!(f, "the answer of {host} {problem}"),
            Self::Html { host, status } => write!(
                f,
                "{host} answered HTTP {status} with an HTML page (a proxy or sign-in page may sit in between)"
            ),
            Self::HttpStatus {
                host,
                status,
                message,
            } => {
                write!(f, "{host} answered HTTP {status}")?;
                said(f, message.as_deref())
            }
            Self::RateLimited { host, message } => {
                write!(f, "{host} answered that there were too many requests")?;
                said(f, message.as_deref())
            }
            Self::Redirect { host, to: Some(to) } => {
                write!(f, "{host} redirected to {to}, which ghtok does not follow")
            }
            Self::Redirect { host, to: None } => write!(
                f,
                "{host} redirected to another address, which ghtok does not follow"
            ),
        }
    }
}

fn said(f: &mut fmt::Formatter<'_>, message: Option<&str>) -> fmt::Result {
    match message {
        Some(message) => write!(f, ": {message}"),
        None => Ok(()),
    }
}

impl fmt::Display for ConnectStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lookup => "the name service does not answer",
            Self::Tcp => "no address answers",
            Self::Proxy => "the proxy leads nowhere",
            Self::Tls => "the TLS handshake does not end",
        })
    }
}
