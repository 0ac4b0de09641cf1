//! One connection: a request and its answer, each within a limit.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;

use super::SandboxServer;
use super::peer::{self, Peer};
use crate::error::Error;
use crate::formats::sandbox_protocol::{
    ARRIVES_WITHIN, Refusal, RequestReader, Response, SandboxRequest,
};
use crate::system::terminal::Terminal;

/// Why there is no request.
enum NoRequest {
    /// The other side is gone.
    Gone,
    Refused(Refusal),
}

impl SandboxServer<'_> {
    /// Serves a connection to its end.
    pub(super) fn serve(&self, mut stream: UnixStream) {
        let Ok(peer) = peer::of(&stream) else {
            return;
        };
        let response = if self.allows(&peer) {
            match self.read_request(&mut stream) {
                Ok(request) => self.answer(request, &peer),
                Err(NoRequest::Refused(refusal)) => self.refuse(refusal, &peer),
                Err(NoRequest::Gone) => return,
            }
        } else {
            self.refuse_user(&peer)
        };
        // It fits into the socket's buffer, so a client that does not read holds nothing up.
        let _ = stream.set_write_timeout(Some(ARRIVES_WITHIN));
        let _ = stream.write_all(response.to_bytes().as_bytes());
    }

    fn allows(&self, peer: &Peer) -> bool {
        peer.user == peer::own_user() || self.policy.allowed_users.contains(&peer.user)
    }

    /// Says on the host which flag would allow this user.
    fn refuse_user(&self, peer: &Peer) -> Response {
        let user = peer.user;
        let message = format!(
            "user {user} may not use the socket of the sandbox {}",
            self.policy.name
        );
        if self.log.is_first_of(user) {
            Terminal.note(&format!(
                "sandbox: {message}; to allow it, start the sandbox with --allow-uid {user}"
            ));
        }
        self.note_request("connect", peer, "refused: another user", None);
        let error = Error::Usage {
            message,
            hint: format!("on the host, start the sandbox with --allow-uid {user}"),
        };
        Response::failed(403, &error)
    }

    fn read_request(&self, stream: &mut UnixStream) -> Result<SandboxRequest, NoRequest> {
        const TOO_SLOW: NoRequest = NoRequest::Refused(Refusal {
            status: 408,
            why: "the request did not arrive within 5 s",
        });
        let end = self.clock().monotonic() + ARRIVES_WITHIN;
        let mut reader = RequestReader::default();
        let mut bytes = zeroize::Zeroizing::new([0; 4096]);
        loop {
            let left = end.saturating_sub(self.clock().monotonic());
            if left.is_zero() || stream.set_read_timeout(Some(left)).is_err() {
                return Err(TOO_SLOW);
            }
            match stream.read(&mut *bytes) {
                Ok(0) => return Err(NoRequest::Gone),
                Ok(count) => {
                    let taken = reader.take(&bytes[..count]);
                    if let Some(request) = taken.map_err(NoRequest::Refused)? {
                        return Ok(request);
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    return Err(TOO_SLOW);
                }
                Err(_) => return Err(NoRequest::Gone),
            }
        }
    }
}
