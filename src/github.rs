//! GitHub's authorization server and the REST calls that sign-in and scoped tokens need, over HTTPS.
//! Owns what is asked, how answers are judged, and whether a failed request can have had an effect.
//! Decides nothing about storing, retrying or waiting; logs nothing; follows no redirect.

mod app_info;
mod connection;
mod device_code;
mod error_code;
mod http_error;
mod installations;
mod network;
mod no_proxy;
mod poll;
mod proxy;
mod refresh_token;
mod repository;
mod request;
mod request_failure;
mod response;
mod revocation;
mod scoped_token;
mod server_text;
mod server_time;
mod token_response;
mod user;

pub(crate) use app_info::AppInfo;
pub(crate) use connection::{Interrupt, KeptConnection, StreamRequest, StreamResponse};
pub use device_code::DeviceAuthorization;
pub(crate) use device_code::is_page_of;
pub use error_code::ErrorCode;
pub use http_error::{ConnectStage, HttpError};
pub use installations::{Installation, Installations, Selection};
pub use network::Network;
pub use poll::Poll;
pub(crate) use proxy::Proxy;
pub use proxy::ProxySetting;
pub use refresh_token::{RefreshConnection, Refreshed};
pub(crate) use repository::RepositoryAnswer;
pub use repository::RepositoryName;
pub use request_failure::RequestFailure;
pub use scoped_token::{ScopedGrant, ScopedTokenAnswer, ScopedTokenRequest, TokenDeletion};
pub(crate) use server_text::shown as shown_text;
pub use token_response::GrantedTokens;
pub use user::UserAnswer;

use std::time::Duration;

use crate::app::ClientId;
use crate::error::Error;
use crate::host::Host;
use crate::limits::Limits;

use connection::Link;
use request::HttpRequest;
use response::HttpResponse;

/// The tokens that the token endpoint's answer brings, if it does: what is fuzzed.
#[cfg(fuzzing)]
pub fn granted(content_type: &'static str, body: &[u8]) -> Option<crate::token::TokenSet> {
    match token_response::TokenResponse::of(&HttpResponse::whole(200, content_type, body)) {
        token_response::TokenResponse::Granted(grant) => {
            Some(grant.into_token_set(crate::token::Timestamp(1_000_000)))
        }
        token_response::TokenResponse::Error(_) | token_response::TokenResponse::Neither => None,
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

    /// The proxy on the way to the App's host, if there is one.
    pub(crate) fn proxy(&self) -> Option<Proxy> {
        let target = self.host.web_url().parse().ok()?;
        self.network.proxy_for(&target).ok()?
    }

    /// Connects and asks once, within the usual limits of the two phases.
    fn ask(&self, request: HttpRequest) -> Result<HttpResponse, RequestFailure> {
        let link = self.link(&request.url, self.limits.connect)?;
        link.send(request, self.limits.answer)
    }

    /// Connects and asks once, both within one limit.
    fn ask_within(
        &self,
        request: HttpRequest,
        whole: Duration,
    ) -> Result<HttpResponse, RequestFailure> {
        let link = self.link(&request.url, self.limits.connect.min(whole))?;
        let left = whole.saturating_sub(link.took());
        link.send(request, left)
    }

    fn link(&self, url: &str, limit: Duration) -> Result<Link, RequestFailure> {
        Link::open(url, &self.network, limit).map_err(|cause| {
            log::info!("no connection: {cause}");
            RequestFailure::NotSent(cause)
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

/// True for an App's name as the addresses of its pages spell it.
fn is_slug(text: &str) -> bool {
    (1..=100).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b))
}
