//! Asking a server for its time, for a person who wants to know whether this machine's clock is right
//! (docs.github.com, "REST API endpoints for rate limits": `GET /rate_limit`, which counts for no limit).

use crate::token::Timestamp;

use super::request::HttpRequest;
use super::{GitHub, RequestFailure};

impl GitHub {
    /// The server's time; `None` if its answer has none. No token is sent, so that this works, and finds
    /// out what is wrong with the network, without a sign-in.
    ///
    /// # Errors
    /// If the server cannot be reached.
    pub(crate) fn server_time(&self) -> Result<Option<Timestamp>, RequestFailure> {
        let request = HttpRequest::rest_get_public(self.api("/rate_limit"));
        let answer = self.ask_within(request, self.limits.check)?;
        Ok(answer.date())
    }
}
