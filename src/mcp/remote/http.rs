//! Requests to a remote server, and the bodies of its answers.

use std::time::Duration;

use super::event_stream::wait_unless;
use crate::github::{HttpError, KeptConnection, RequestFailure, StreamRequest, StreamResponse};
use crate::mcp::conversation::Unanswered;
use crate::mcp::line::MAX_BYTES;

/// How often a connection that is refused is tried again, and the first pause: servers are restarted.
const REFUSED_TRIES: u32 = 3;
const REFUSED_PAUSE: Duration = Duration::from_millis(250);

/// What is read of the body of an error.
const LONGEST_ERROR: usize = 64 * 1024;

/// Sends a request; where nobody listens, a few times.
pub(super) fn connect(
    connection: &KeptConnection,
    request: &StreamRequest<'_>,
    idle: Option<Duration>,
) -> Result<StreamResponse, RequestFailure> {
    let stop = connection.stop();
    let mut wait = REFUSED_PAUSE;
    for _ in 0..REFUSED_TRIES {
        match connection.send(request, idle) {
            Err(RequestFailure::NotSent(HttpError::ConnectionRefused { .. })) => {
                wait_unless(|| stop.is_stopped(), wait);
                wait *= 2;
            }
            other => return other,
        }
    }
    connection.send(request, idle)
}

pub(super) fn failure_of(failure: &RequestFailure) -> Unanswered {
    match failure {
        RequestFailure::NotSent(cause) => Unanswered::NotDone(cause.to_string()),
        other => Unanswered::Unknown(other.to_string()),
    }
}

/// The beginning of a body, which explains an error.
pub(super) fn beginning(response: &mut StreamResponse) -> Vec<u8> {
    read_up_to(response, LONGEST_ERROR).unwrap_or_else(|(body, _)| body)
}

pub(super) fn whole(response: &mut StreamResponse) -> Result<Vec<u8>, HttpError> {
    let body = read_up_to(response, MAX_BYTES).map_err(|(_, error)| error)?;
    if body.len() > MAX_BYTES {
        return Err(response.too_long());
    }
    Ok(body)
}

/// Reads to the end, or until there are more bytes than that.
fn read_up_to(response: &mut StreamResponse, most: usize) -> Result<Vec<u8>, (Vec<u8>, HttpError)> {
    let mut body = Vec::new();
    let mut buffer = [0; 16 * 1024];
    while body.len() <= most {
        match response.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => body.extend_from_slice(&buffer[..read]),
            Err(error) => return Err((body, error)),
        }
    }
    Ok(body)
}
