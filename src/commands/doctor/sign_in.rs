//! The stored sign-in: how long it lives, and whether only a person can go on.

use super::finding::{Findings, Level};
use crate::auth::record::{Record, Rejected};
use crate::error::{Error, Result};
use crate::formats::durations::human_duration;
use crate::session::Call;
use crate::token::TokenSet;

const SUBJECT: &str = "sign-in";

/// Looks at the App's record.
pub(super) fn check(call: &Call<'_>, read: Result<&Record, &Error>, found: &mut Findings) {
    match read {
        Ok(record) => check_record(record, call, found),
        Err(error @ Error::SignInNeeded { .. }) => found.error(SUBJECT, Level::Problem, error),
        // A finding about the store.
        Err(_) => {}
    }
}

fn check_record(record: &Record, call: &Call<'_>, found: &mut Findings) {
    let now = call.clock.now();
    let login = record
        .account
        .as_ref()
        .map(|account| account.login.as_str());
    if let Some(login) = login {
        found.keep_login_private(login);
    }
    if now < record.obtained_at {
        found
            .add(
                "clock",
                "clock_behind",
                Level::Problem,
                format!(
                    "the clock says {}, which is before the tokens were obtained ({})",
                    call.clock.local_time(now),
                    call.clock.local_time(record.obtained_at)
                ),
            )
            .fix("set this machine's clock; until then each call may refresh the token");
    }
    if let Some(error) = call.broker.sign_in_reason(record) {
        let level = match call.broker.dead_end(record) {
            Some(_) => Level::Problem,
            // It is served until it expires.
            None => Level::Warning,
        };
        found.error(SUBJECT, level, &error);
        return;
    }
    let refresh = call.login_command().replacen("login", "refresh", 1);
    if record.intent.is_some() {
        found
            .add(
                SUBJECT,
                "refresh_unfinished",
                Level::Warning,
                "a refresh is running or was interrupted".into(),
            )
            .run("let ghtok find out what came of it:", refresh);
        return;
    }
    if matches!(record.rejected, Some(Rejected::Reported(_))) {
        found
            .add(
                SUBJECT,
                "token_reported",
                Level::Warning,
                "a program reported that GitHub rejected the token; the next use checks it".into(),
            )
            .run("check it now:", refresh);
        return;
    }
    let account = login.unwrap_or("an account that is not known yet");
    let message = format!("{account}, {}", lifetime(record, call));
    found.ok(SUBJECT, "signed_in", message);
}

fn lifetime(record: &Record, call: &Call<'_>) -> String {
    let now = call.clock.now();
    match &record.tokens {
        TokenSet::Permanent(_) => "a token that never expires: the App opted out of expiry".into(),
        TokenSet::Expiring { access, refresh } => {
            let left = now.until(access.expires_at);
            let access = if left.is_zero() {
                "the next use refreshes the token".to_owned()
            } else {
                format!("the token has {} left", human_duration(left))
            };
            match refresh {
                Some(refresh) => format!(
                    "{access}; without use the sign-in ends in {}",
                    human_duration(now.until(refresh.expires_at))
                ),
                None => format!("{access}; there is no refresh token"),
            }
        }
    }
}
