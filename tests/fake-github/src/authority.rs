//! The authorization server as a state machine without I/O: who may sign in,
//! which codes wait for a person, which tokens live. Time comes from its clock.

mod apps;
mod device;
mod reach;
mod scoped;
mod tokens;

pub(crate) use apps::NewApp;
pub(crate) use device::Decision;
pub(crate) use reach::{Access, Repository};
pub(crate) use scoped::{ScopedDenial, ScopedLives, ScopedPool, ScopedRequest, ScopedToken};
pub(crate) use tokens::Bearer;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::app::{App, User};
use crate::http::Params;
use device::DeviceAuthorization;
use tokens::{Family, Issued};

/// Tells the time since any fixed moment.
#[derive(Clone)]
pub(crate) struct Clock(pub(crate) Arc<dyn Fn() -> Duration + Send + Sync>);

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "Clock({:?})", (self.0)())
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum TokenForm {
    /// `ghu_` and 36 characters, `ghr_` and 76.
    Opaque,
    /// About 520 characters with dots, `-` and `_`, as installation tokens have
    /// become; user tokens are announced to follow.
    Stateless,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Numbers {
    Plain,
    Quoted,
}

/// What happens to the live pair when a spent refresh token is sent again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Reuse {
    /// As GitHub was seen to do.
    Refused,
    /// As RFC 9700 section 4.14.2 allows.
    RevokesFamily,
}

#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) access_lifetime: Duration,
    pub(crate) refresh_lifetime: Duration,
    pub(crate) code_lifetime: Duration,
    pub(crate) interval: u64,
    pub(crate) clock: Clock,
    pub(crate) time_scale: u32,
    pub(crate) token_form: TokenForm,
    pub(crate) numbers: Numbers,
    pub(crate) reuse: Reuse,
    pub(crate) replica_lag: Duration,
    pub(crate) bad_credentials_limit: Option<u32>,
    /// `OWNER/NAME`
    pub(crate) public: Vec<String>,
    pub(crate) open: bool,
    pub(crate) scoped_pool: ScopedPool,
    pub(crate) scoped_lives: ScopedLives,
    pub(crate) scoped_lifetime: Option<Duration>,
    /// How many seconds the server's wall clock is ahead.
    pub(crate) skew: i64,
    /// The form does not heed `device_flow_enabled`.
    pub(crate) device_flow_parameter_ignored: bool,
    /// The organizations of every user.
    pub(crate) organizations: Vec<String>,
}

/// An OAuth error, and the interval that `slow_down` demands from now on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) code: &'static str,
    pub(crate) interval: Option<u64>,
}

impl Refusal {
    pub(crate) fn new(code: &'static str) -> Self {
        Self {
            code,
            interval: None,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Authority {
    pub(crate) rules: Rules,
    apps: Vec<App>,
    users: Vec<User>,
    codes: Vec<DeviceAuthorization>,
    pairs: Vec<Issued>,
    spent: HashMap<String, Family>,
    /// Approved polls that are still to be answered `incorrect_device_code`.
    transient_errors: u32,
    families: u64,
    rotations: u64,
    bad_credentials: u32,
    /// Every scoped token that was created.
    scoped: Vec<String>,
    most_live_scoped: usize,
}

impl Authority {
    pub(crate) fn new(rules: Rules, apps: Vec<App>, users: Vec<User>) -> Self {
        Self {
            rules,
            apps,
            users,
            codes: Vec::new(),
            pairs: Vec::new(),
            spent: HashMap::new(),
            transient_errors: 0,
            families: 0,
            rotations: 0,
            bad_credentials: 0,
            scoped: Vec::new(),
            most_live_scoped: 0,
        }
    }

    pub(crate) fn app(&self, client_id: &str) -> Option<&App> {
        self.apps.iter().find(|app| app.client_id == client_id)
    }

    /// The person who sits at the keyboard unless a test says otherwise.
    pub(crate) fn default_login(&self) -> String {
        self.users[0].login.clone()
    }

    pub(crate) fn user(&self, login: &str) -> Option<&User> {
        self.users.iter().find(|user| user.login == login)
    }

    /// Counts a wrong token; after too many GitHub answers 403 even to good ones.
    /// <https://docs.github.com/en/rest/authentication/authenticating-to-the-rest-api>
    pub(crate) fn count_bad_credentials(&mut self) {
        self.bad_credentials += 1;
    }

    pub(crate) fn is_locked_out(&self) -> bool {
        let limit = self.rules.bad_credentials_limit;
        limit.is_some_and(|limit| self.bad_credentials >= limit)
    }

    pub(crate) fn number(&self, number: u64) -> Value {
        match self.rules.numbers {
            Numbers::Plain => json!(number),
            Numbers::Quoted => json!(number.to_string()),
        }
    }

    /// The body of an error answer at the OAuth endpoints.
    pub(crate) fn refusal_params(&self, refusal: &Refusal) -> Params {
        let mut params = error_params(refusal.code);
        if let Some(interval) = refusal.interval {
            params.push(("interval", self.number(interval)));
        }
        params
    }

    fn now(&self) -> Duration {
        (self.rules.clock.0)()
    }

    /// The time by which polls and codes are judged.
    fn hurried_now(&self) -> Duration {
        self.now() * self.rules.time_scale
    }
}

/// `error`, `error_description` and `error_uri` as GitHub words them, where its
/// words are known.
pub(crate) fn error_params(code: &str) -> Params {
    let description = match code {
        "authorization_pending" => "The authorization request is still pending.",
        "slow_down" => "Too many requests have been made in the same timeframe.",
        "expired_token" => "The device code has expired.",
        "access_denied" => "The authorization request was denied.",
        "incorrect_device_code" => "The device_code provided is not valid.",
        "bad_verification_code" => "The code passed is incorrect or expired.",
        "incorrect_client_credentials" => {
            "The client_id and/or client_secret passed are incorrect."
        }
        "unsupported_grant_type" => "The grant_type is missing or not supported.",
        "device_flow_disabled" => "Device Flow must be explicitly enabled for this App",
        "bad_refresh_token" => "The refresh token passed is incorrect or expired.",
        "unverified_user_email" => "The primary email address of the user is not verified.",
        _ => "The request was refused.",
    };
    vec![
        ("error", json!(code)),
        ("error_description", json!(description)),
        ("error_uri", json!("https://docs.github.com")),
    ]
}
