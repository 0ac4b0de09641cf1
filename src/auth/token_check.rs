//! One question to GitHub about an access token (`GET /user`): whether it accepts it, and whose it is.

use std::time::Duration;

use crate::auth::ports::Clock;
use crate::auth::record::{Account, Record, Rejected};
use crate::github::{GitHub, RequestFailure, UserAnswer};
use crate::token::AccessToken;

/// A new token may be answered 401 for some seconds, until every replica knows it.
const REPLICA_LAG_PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(2)];

/// After so long every replica knows a token.
const REPLICA_LAG: Duration = Duration::from_secs(10);

/// What is known of an access token.
#[derive(Debug)]
pub(crate) enum AccessState {
    /// GitHub accepts it, and says whose it is.
    Alive(Account),
    /// GitHub does not accept it, or did not before.
    Dead,
    /// The clock says that it has expired: GitHub is not asked.
    Expired,
    /// GitHub could not be asked.
    Unknown(RequestFailure),
}

/// Asks once about the record's access token, if it can still be alive.
pub(crate) fn ask_about(record: &Record, github: &GitHub, clock: &dyn Clock) -> AccessState {
    if matches!(record.rejected, Some(Rejected::Confirmed(_))) {
        return AccessState::Dead;
    }
    match record.tokens.unexpired(clock.now()) {
        Some(token) => state(github.user(token)),
        None => AccessState::Expired,
    }
}

/// Asks whose the record's access token is. That a new one is answered 401 says nothing yet.
pub(crate) fn ask_account(record: &Record, github: &GitHub, clock: &dyn Clock) -> AccessState {
    let age = record.obtained_at.until(clock.now());
    let mut pauses = REPLICA_LAG_PAUSES.iter().filter(|_| age < REPLICA_LAG);
    loop {
        match (ask_about(record, github, clock), pauses.next()) {
            (AccessState::Dead, Some(pause)) if record.rejected.is_none() => clock.sleep(*pause),
            (state, _) => return state,
        }
    }
}

/// Whose the token of a new sign-in is, asked again while GitHub does not say.
pub(crate) fn account_of_new(
    token: &AccessToken,
    github: &GitHub,
    clock: &dyn Clock,
) -> Option<Account> {
    let mut pauses = REPLICA_LAG_PAUSES.into_iter();
    loop {
        if let Ok(UserAnswer::Account { login, id }) = github.user(token) {
            return Some(Account { login, id });
        }
        clock.sleep(pauses.next()?);
    }
}

fn state(answer: Result<UserAnswer, RequestFailure>) -> AccessState {
    match answer {
        Ok(UserAnswer::Account { login, id }) => AccessState::Alive(Account { login, id }),
        Ok(UserAnswer::Unauthorized) => AccessState::Dead,
        Err(failure) => AccessState::Unknown(failure),
    }
}
