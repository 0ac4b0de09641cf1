//! GitHub's authorization server and the two REST calls that sign-in needs, over HTTPS.
//! Owns what is asked, how answers are judged, and whether a failed request can have had an effect.
//! Decides nothing about storing, retrying or waiting; logs nothing; follows no redirect.

mod answer;
mod cause;
mod connection;
mod device_code;
mod diagnosis;
mod error_code;
mod failure;
mod fields;
mod grant;
mod installations;
mod network;
mod no_proxy;
mod poll;
mod proxy;
mod refresh_token;
mod request;
mod retry_after;
mod revocation;
mod server_text;
mod user;

pub use cause::{Cause, Stage};
pub use device_code::{DeviceAuthorization, is_page_of};
pub use error_code::ErrorCode;
pub use failure::Failure;
pub use grant::Grant;
pub use installations::{Installations, Installed, Selection};
pub use network::Network;
pub use poll::Poll;
pub use proxy::{Proxy, ProxySetting};
pub use refresh_token::{Connection, Refreshed};
pub use user::UserAnswer;

use std::time::Duration;

use crate::app::ClientId;
use crate::error::Error;
use crate::host::Host;
use crate::limits::Limits;

use answer::Answer;
use connection::Link;
use request::Request;

/// The tokens that the token endpoint's answer brings, if it does: what is fuzzed.
#[cfg(fuzzing)]
pub fn granted(content_type: &'static str, body: &[u8]) -> Option<crate::token::TokenSet> {
    match grant::TokenAnswer::of(&Answer::whole(200, content_type, body)) {
        grant::TokenAnswer::Granted(grant) => {
            Some(grant.into_token_set(crate::token::Timestamp(1_000_000)))
        }
        grant::TokenAnswer::Error(_) | grant::TokenAnswer::Neither => None,
    }
}

/// One App at one host.
#[derive(Clone, Debug)]
pub struct GitHub {
    host: Host,
    client_id: ClientId,
    network: Network,
    limits: Limits,
}

impl GitHub {
    /// Takes note of where to ask; nothing is looked up, read or connected before the first request.
    pub fn new(host: &Host, client_id: &ClientId, network: Network, limits: Limits) -> Self {
        Self {
            host: host.clone(),
            client_id: client_id.clone(),
            network,
            limits,
        }
    }

    /// Says whether the settings of the network can be used, without connecting: what is wrong with
    /// them is this process's own trouble.
    ///
    /// # Errors
    /// The setting, and what is wrong with it.
    pub fn check_settings(&self) -> Result<(), Error> {
        match self.network.check(&self.host.web_url()) {
            Ok(()) => Ok(()),
            Err(cause) => cause.setting_error().map_or(Ok(()), Err),
        }
    }

    /// Connects and asks once, within the usual limits of the two phases.
    fn ask(&self, request: Request) -> Result<Answer, Failure> {
        let link = self.link(&request.url, self.limits.connect)?;
        link.send(request, self.limits.answer)
    }

    /// Connects and asks once, both within one limit.
    fn ask_within(&self, request: Request, whole: Duration) -> Result<Answer, Failure> {
        let link = self.link(&request.url, self.limits.connect.min(whole))?;
        let left = whole.saturating_sub(link.took());
        link.send(request, left)
    }

    fn link(&self, url: &str, limit: Duration) -> Result<Link, Failure> {
        Link::open(url, &self.network, limit).map_err(|cause| {
            log::info!("no connection: {cause}");
            Failure::NotSent(cause)
        })
    }

    /// An OAuth address of the web host, as `/login/oauth/access_token`.
    fn web(&self, path: &str) -> String {
        format!("{}{path}", self.host.web_url())
    }

    /// An address of the REST API, as `/user`.
    fn api(&self, path: &str) -> String {
        format!("{}{path}", self.host.api_url())
    }
}
