//! `ghtok refresh`: refreshes what is due, or, with `--force`, what is not.

use std::time::Duration;

use serde::Serialize;

use crate::commands::Call;
use crate::error::Result;
use crate::formats::durations::human_duration;
use crate::formats::timestamps::rfc3339;
use crate::token::{MinTtl, TokenSet};

/// What `refresh` is asked.
#[derive(Clone, Copy, Debug)]
pub struct Input {
    /// When to refresh.
    pub when: When,
    /// How to tell what came of it.
    pub output: Output,
}

/// When to refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// If the token is due.
    Due,
    /// Now: the present token dies, whoever holds it.
    Now,
}

/// How to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// A line for people.
    Text,
    /// An object a line.
    Json,
}

#[derive(Serialize)]
struct Document<'a> {
    schema_version: u32,
    app: &'a str,
    host: String,
    login: Option<&'a str>,
    refreshed: bool,
    replaced_token_had_left_seconds: Option<u64>,
    expires_at: Option<String>,
    expires_at_unix: Option<i64>,
}

/// Refreshes one App's token and tells what came of it.
///
/// # Errors
/// Whatever keeps a token from being had.
pub fn run(input: Input, usual: MinTtl, call: &Call<'_>) -> Result<()> {
    let before = call.broker.load()?;
    let served = match input.when {
        When::Due => call.broker.access_token(usual)?,
        When::Now => call.broker.newer_than(before.generation)?,
    };
    let refreshed = served.generation != before.generation;
    let now = call.clock.now();
    let had_left = match &before.tokens {
        TokenSet::Expiring { access, .. } if refreshed => Some(now.until(access.expires_at)),
        TokenSet::Expiring { .. } | TokenSet::Permanent(_) => None,
    };
    let app = call.app.label();
    match input.output {
        Output::Json => {
            let document = Document {
                schema_version: 1,
                app,
                host: call.app.host.to_string(),
                login: served
                    .account
                    .as_ref()
                    .map(|account| account.login.as_str()),
                refreshed,
                replaced_token_had_left_seconds: had_left.map(|left| left.as_secs()),
                expires_at: served.expires_at.map(rfc3339),
                expires_at_unix: served.expires_at.map(|at| at.0),
            };
            let text = serde_json::to_string(&document).expect("a plain struct becomes JSON");
            call.terminal.line(&text)
        }
        Output::Text => {
            let until = served.expires_at.map_or_else(
                || "it never expires by the clock".to_owned(),
                |at| {
                    format!(
                        "good until {} ({})",
                        call.clock.local_time(at),
                        human_duration(now.until(at))
                    )
                },
            );
            let what = match (input.when, refreshed) {
                (_, true) => format!("refreshed, {until}{}", killed(had_left)),
                (When::Due, false) => format!("not due, {until}"),
                (When::Now, false) => format!("has no refresh token to use, {until}"),
            };
            call.terminal.line(&format!("{app}: {what}"))
        }
    }
}

/// A refresh kills the old token at once, so it says what that cost.
fn killed(had_left: Option<Duration>) -> String {
    match had_left {
        Some(left) if !left.is_zero() => {
            format!(
                "; the token that this killed would have lived {} more",
                human_duration(left)
            )
        }
        Some(_) | None => String::new(),
    }
}
