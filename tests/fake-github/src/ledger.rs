//! What the server was asked, by whom, when, and what it answered.

use std::net::SocketAddr;
use std::time::{Instant, SystemTime};

use crate::faults::Fault;
use crate::http::{Answer, Incoming};

/// Bodies are kept for people and tests to read, but not a pushed pack.
const BODY_KEPT: usize = 1024 * 1024;

/// Where an App's own calls are; its client ID follows.
pub(crate) const APPLICATIONS: &str = "/api/v3/applications/";

/// What a request is for; faults and counts are kept apart by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// `POST /login/device/code`
    DeviceCode,
    /// `POST /login/oauth/access_token`, any grant but a refresh
    Poll,
    /// `POST /login/oauth/access_token` with `grant_type=refresh_token`
    Refresh,
    /// `/login/device`, where a person types the code
    Page,
    /// `/settings/apps/new` and `/organizations/ORG/settings/apps/new`, where a person registers an App
    AppForm,
    /// `GET /api/v3/user`
    User,
    /// `POST /api/v3/credentials/revoke`
    Revoke,
    /// `GET /api/v3/user/installations` and what is below it
    Installations,
    /// `POST /api/v3/applications/{client_id}/token/scoped`
    CreateScoped,
    /// `DELETE /api/v3/applications/{client_id}/token`
    DeleteToken,
    /// everything else below `/api/v3`
    Api,
    /// `/{owner}/{repo}.git/…`
    Git,
    /// any other path, and what is not HTTP
    Other,
}

impl Endpoint {
    pub(crate) fn of(request: &Incoming) -> Self {
        let is_refresh =
            |(name, value): &(String, String)| name == "grant_type" && value == "refresh_token";
        match request.path.as_str() {
            "/login/device/code" => Self::DeviceCode,
            "/login/device" => Self::Page,
            path if path.ends_with("/settings/apps/new") => Self::AppForm,
            "/login/oauth/access_token" if request.params().iter().any(is_refresh) => Self::Refresh,
            "/login/oauth/access_token" => Self::Poll,
            "/api/v3/user" => Self::User,
            "/api/v3/credentials/revoke" => Self::Revoke,
            path if path.starts_with("/api/v3/user/installations") => Self::Installations,
            path if path.starts_with(APPLICATIONS) && path.ends_with("/token/scoped") => {
                Self::CreateScoped
            }
            path if path.starts_with(APPLICATIONS) && path.ends_with("/token") => Self::DeleteToken,
            path if path.starts_with("/api/v3") => Self::Api,
            path if path.contains(".git/") => Self::Git,
            _ => Self::Other,
        }
    }
}

/// One moment on both of this machine's clocks.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    pub instant: Instant,
    pub time: SystemTime,
}

impl Moment {
    pub(crate) fn now() -> Self {
        Self {
            instant: Instant::now(),
            time: SystemTime::now(),
        }
    }
}

/// One successful refresh. The old tokens are dead from then on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// Counts all rotations of this server, from 1.
    pub generation: u64,
    pub client_id: String,
    pub old_access: String,
    pub new_access: String,
    pub old_refresh: String,
    pub new_refresh: String,
}

/// One request and what became of it.
#[derive(Clone, Debug)]
pub struct Request {
    /// The request's number, from 0.
    pub sequence: usize,
    pub endpoint: Endpoint,
    pub peer: SocketAddr,
    pub method: String,
    pub path: String,
    pub query: String,
    pub headers: Vec<(String, String)>,
    /// Empty for git, whose bodies are packs.
    pub body: Vec<u8>,
    /// The parameters of the query string, then of a form or JSON body.
    pub params: Vec<(String, String)>,
    pub grant_type: Option<String>,
    /// When the whole request had been read.
    pub arrived: Moment,
    /// When the server had acted on it; `None` when a fault forestalled that.
    pub processed: Option<Moment>,
    /// When the answer had been written, as far as it was going to be.
    pub answered: Option<Moment>,
    /// The status on the wire; `None` when none was sent.
    pub status: Option<u16>,
    /// The OAuth `error` that the server decided on.
    pub oauth_error: Option<String>,
    /// Set as soon as the rotation happened, even if its answer is never sent.
    pub rotated: Option<Rotation>,
    /// The fault that met this request.
    pub fault: Option<Fault>,
    /// It stands at a gate, waiting for `release`.
    pub held: bool,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        let same = |(have, _): &&(String, String)| have.eq_ignore_ascii_case(name);
        self.headers
            .iter()
            .find(same)
            .map(|(_, value)| value.as_str())
    }

    pub fn param(&self, name: &str) -> Option<&str> {
        let same = |(have, _): &&(String, String)| have == name;
        self.params
            .iter()
            .find(same)
            .map(|(_, value)| value.as_str())
    }
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) requests: Vec<Request>,
    pub(crate) connections: usize,
}

impl Ledger {
    pub(crate) fn arrive(
        &mut self,
        endpoint: Endpoint,
        peer: SocketAddr,
        request: &Incoming,
        fault: Option<Fault>,
    ) -> usize {
        let params = request.params();
        let grant_type = params.iter().find(|(name, _)| name == "grant_type");
        let kept = endpoint != Endpoint::Git && request.body.len() <= BODY_KEPT;
        let sequence = self.requests.len();
        self.requests.push(Request {
            sequence,
            endpoint,
            peer,
            method: request.method.clone(),
            path: request.path.clone(),
            query: request.query.clone(),
            headers: request.headers.clone(),
            body: if kept {
                request.body.clone()
            } else {
                Vec::new()
            },
            grant_type: grant_type.map(|(_, value)| value.clone()),
            params,
            arrived: Moment::now(),
            processed: None,
            answered: None,
            status: None,
            oauth_error: None,
            rotated: None,
            fault,
            held: false,
        });
        sequence
    }

    pub(crate) fn process(&mut self, sequence: usize, answer: &Answer) {
        let request = &mut self.requests[sequence];
        request.processed = Some(Moment::now());
        request.oauth_error.clone_from(&answer.oauth_error);
        request.rotated.clone_from(&answer.rotated);
    }

    pub(crate) fn answer(&mut self, sequence: usize, status: Option<u16>) {
        let request = &mut self.requests[sequence];
        request.answered = Some(Moment::now());
        request.status = status;
    }
}
