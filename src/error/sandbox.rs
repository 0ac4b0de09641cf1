//! What fails in a sandbox, which gets its tokens through a socket.

use std::path::PathBuf;

use thiserror::Error;

/// What failed in a sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SandboxProblem {
    /// The subcommand needs a sign-in, and a sandbox has none.
    #[error("this is a sandbox (GHTOK_SOCKET is set), where this command does not work")]
    HostOnly {
        /// The same command, for a shell on the host.
        command: String,
    },
    /// The socket is not used, because it may be somebody else's.
    #[error("the socket {} is not used: {reason}", socket.display())]
    Untrusted {
        /// The socket.
        socket: PathBuf,
        /// Why not.
        reason: String,
        /// What to do about it.
        fix: String,
    },
    /// Nobody answers at the socket.
    #[error("cannot connect to the socket {}: {cause}", socket.display())]
    Unreachable {
        /// The socket.
        socket: PathBuf,
        /// The system's reason.
        cause: String,
    },
    /// The host's answer did not come, or was none.
    #[error("no answer through the socket {}: {cause}", socket.display())]
    NoAnswer {
        /// The socket.
        socket: PathBuf,
        /// What came of it.
        cause: String,
    },
    /// The sandbox gets no tokens any more, says the host.
    #[error("the sandbox {name} has ended: {why}")]
    Ended {
        /// Its name.
        name: String,
        /// Why it has ended.
        why: &'static str,
    },
    /// The host has no token for this sandbox.
    #[error("{}", .0.message)]
    Refused(HostError),
}

/// An error of the ghtok on the host, fit for a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostError {
    /// Its stable name.
    pub code: String,
    /// What failed.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Its exit code, from 1 to 7.
    pub exit_code: u8,
}

impl SandboxProblem {
    /// A stable name for programs.
    pub(super) fn code(&self) -> &str {
        match self {
            Self::HostOnly { .. } => "sandbox_host_only",
            Self::Untrusted { .. } => "sandbox_socket_untrusted",
            Self::Unreachable { .. } => "sandbox_socket_unreachable",
            Self::NoAnswer { .. } => "sandbox_no_answer",
            Self::Ended { .. } => "sandbox_ended",
            Self::Refused(error) => &error.code,
        }
    }

    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Ended { .. } => 1,
            Self::HostOnly { .. } => 2,
            Self::NoAnswer { .. } => 5,
            Self::Untrusted { .. } | Self::Unreachable { .. } => 6,
            Self::Refused(error) => error.exit_code,
        }
    }

    pub(super) fn hint(&self) -> String {
        match self {
            Self::HostOnly { command } => format!("run it on the host:\n  {command}"),
            Self::Untrusted { fix, .. } => fix.clone(),
            Self::Unreachable { .. } => {
                "the sandbox may have ended on the host, which lists those that run:\n  ghtok sandbox list"
                    .into()
            }
            Self::NoAnswer { .. } => {
                "try again; if that does not help, start the sandbox again on the host".into()
            }
            Self::Ended { name, .. } => {
                format!("start it again; this shows what it was given:\n  ghtok sandbox log {name}")
            }
            Self::Refused(error) => match &error.hint {
                Some(hint) => format!("on the host: {hint}"),
                None => "look on the host:\n  ghtok status".into(),
            },
        }
    }
}
