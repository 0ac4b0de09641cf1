//! What is written to the log. A sandbox that asks all the time must not push its first token out of the log, so
//! there are only so many lines in a minute; a token that is handed out for the first time always has one.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::SandboxServer;
use super::peer::Peer;
use crate::error::Result;
use crate::formats::timestamps::rfc3339;
use crate::session::LogEntry;
use crate::token::{AccessToken, fingerprint};

const MOST_IN_A_MINUTE: u32 = 60;
const MINUTE: Duration = Duration::from_secs(60);

/// How many digits of a token's SHA-256 are shown.
const SHOWN_DIGITS: usize = 8;

/// How many refused users are told of.
const MOST_USERS: usize = 16;

/// What was written so far.
#[derive(Default)]
pub(super) struct RequestLog {
    minute: Mutex<Minute>,
    refused_users: Mutex<Vec<u32>>,
}

/// The lines of the current minute.
#[derive(Default)]
struct Minute {
    began: Duration,
    lines: u32,
    /// Requests without a line.
    omitted: u32,
}

impl RequestLog {
    /// Whether a person is to be told that this user was refused.
    pub(super) fn is_first_of(&self, user: u32) -> bool {
        let mut users = self
            .refused_users
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let is_first = users.len() < MOST_USERS && !users.contains(&user);
        if is_first {
            users.push(user);
        }
        is_first
    }
}

impl SandboxServer<'_> {
    /// Enters the start or the end of the sandbox.
    ///
    /// # Errors
    /// If the log cannot be written.
    pub(crate) fn log_event(&self, verb: &'static str, outcome: &str) -> Result<()> {
        self.write(verb, None, outcome, None)
    }

    /// Enters a token that is handed out.
    ///
    /// # Errors
    /// If the log cannot be written and does not have this token yet: then it must not be handed out.
    pub(super) fn log_token(
        &self,
        verb: &'static str,
        peer: &Peer,
        token: &AccessToken,
    ) -> Result<()> {
        let fingerprint = fingerprint(token.expose());
        if self.is_handed_out(token) {
            self.note_request(verb, peer, "handed out", Some(&fingerprint));
            return Ok(());
        }
        self.write(verb, Some(peer), "handed out", Some(&fingerprint))?;
        self.remember(token);
        Ok(())
    }

    /// Enters a token that is handed out in the environment of a command.
    ///
    /// # Errors
    /// As [`Self::log_token`].
    pub(super) fn log_first_token(&self, token: &AccessToken) -> Result<()> {
        let fingerprint = fingerprint(token.expose());
        self.write("environment", None, "handed out", Some(&fingerprint))?;
        self.remember(token);
        Ok(())
    }

    /// Enters a request that hands out nothing new.
    pub(super) fn note_request(
        &self,
        verb: &'static str,
        peer: &Peer,
        outcome: &str,
        token: Option<&str>,
    ) {
        let Some(omitted) = self.takes_line() else {
            return;
        };
        let mut written = Ok(());
        if omitted > 0 {
            let text = format!("{omitted} requests are not in the log");
            written = self.write("request", None, &text, None);
        }
        written = written.and(self.write(verb, Some(peer), outcome, token));
        if let Err(error) = written {
            log::info!("sandbox: the log cannot be written: {error}");
        }
    }

    /// How many requests had no line before this one; `None` if this one has none either.
    fn takes_line(&self) -> Option<u32> {
        let now = self.clock().monotonic();
        let mut minute = self
            .log
            .minute
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if now.saturating_sub(minute.began) >= MINUTE {
            minute.began = now;
            minute.lines = 0;
        }
        if minute.lines >= MOST_IN_A_MINUTE {
            minute.omitted += 1;
            return None;
        }
        minute.lines += 1;
        Some(std::mem::take(&mut minute.omitted))
    }

    fn write(
        &self,
        verb: &'static str,
        peer: Option<&Peer>,
        outcome: &str,
        token: Option<&str>,
    ) -> Result<()> {
        self.session.log_sandbox(&LogEntry {
            time: rfc3339(self.clock().now()),
            sandbox: &self.policy.name,
            verb,
            app: self.app.label(),
            host: self.app.host.to_string(),
            repositories: &self.status.repositories,
            peer: peer.map(Peer::for_log),
            outcome,
            token: token.map(|token| token.chars().take(SHOWN_DIGITS).collect()),
        })
    }
}
