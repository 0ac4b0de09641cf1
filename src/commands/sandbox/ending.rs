//! The end of a sandbox: its tokens are revoked, and its socket and its note removed.

use std::io;

use crate::error::{Error, system_reason};
use crate::sandbox::server::{EndReason, SandboxServer, Socket};
use crate::system::terminal::Terminal;

/// Ends a sandbox. `why` is for the log.
pub(super) fn finish(server: &SandboxServer<'_>, socket: Option<&Socket>, why: &str) {
    revoke(server, why);
    if let Some(socket) = socket {
        socket.remove();
    }
    server.unregister();
}

/// Revokes the tokens of a sandbox, which gets no more. What cannot be revoked now is revoked by a later ghtok.
pub(super) fn revoke(server: &SandboxServer<'_>, why: &str) {
    let outcome = match server.close() {
        Ok(()) => why.to_owned(),
        Err(error) => {
            Terminal.note(&format!(
                "sandbox {}: {error}; the next ghtok that is online revokes its token",
                server.name()
            ));
            format!("{why}; not revoked yet: {}", error.code())
        }
    };
    if let Err(error) = server.log_event("end", &outcome) {
        Terminal.note(&error.to_string());
    }
}

/// Why a sandbox has ended, in words.
pub(super) fn why(ended: EndReason) -> &'static str {
    match ended {
        EndReason::TimeOver => "its time is over",
        EndReason::Revoked => "it was revoked",
    }
}

/// There is no thread to wait for signals.
pub(super) fn no_thread(error: &io::Error) -> Error {
    let reason = format!("cannot start a thread: {}", system_reason(error));
    Error::Output(io::Error::new(error.kind(), reason))
}
