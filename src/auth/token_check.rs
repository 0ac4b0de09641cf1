//! Asks GitHub (`GET /user`) whether an access token is valid, and for its account.

use std::time::Duration;

use crate::auth::ports::{AuthorizationServer, Clock};
use crate::auth::record::{Account, Record, Rejected};
use crate::github::{RequestFailure, UserAnswer};
use crate::token::AccessToken;

/// A new token may get a 401 for some seconds, until every replica knows it.
const REPLICA_LAG_PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(2)];

/// After this time every replica knows a token.
const REPLICA_LAG: Duration = Duration::from_secs(10);

/// The state of an access token.
#[derive(Debug)]
pub(crate) enum AccessState {
    /// GitHub accepts it; this is its account.
    Alive(Account),
    /// GitHub does not accept it, or did not before.
    Dead,
    /// Expired by the clock; GitHub was not asked.
    Expired,
    /// GitHub could not be asked.
    Unknown(RequestFailure),
}

/// Asks once about the record's access token, unless it is known to be invalid.
pub(crate) fn ask_about(
    record: &Record,
    github: &dyn AuthorizationServer,
    clock: &dyn Clock,
) -> AccessState {
    if matches!(record.rejected, Some(Rejected::Confirmed(_))) {
        return AccessState::Dead;
    }
    match record.tokens.unexpired(clock.now()) {
        Some(token) => state(github.user(token)),
        None => AccessState::Expired,
    }
}

/// Asks for the account of the record's access token. A 401 on a new token proves nothing yet.
pub(crate) fn ask_account(
    record: &Record,
    github: &dyn AuthorizationServer,
    clock: &dyn Clock,
) -> AccessState {
    let age = record.obtained_at.until(clock.now());
    let mut pauses = REPLICA_LAG_PAUSES.iter().filter(|_| age < REPLICA_LAG);
    loop {
        match (ask_about(record, github, clock), pauses.next()) {
            (AccessState::Dead, Some(pause)) if record.rejected.is_none() => clock.sleep(*pause),
            (state, _) => return state,
        }
    }
}

/// The account of a new sign-in's token. Retries while GitHub does not answer.
pub(crate) fn account_of_new(
    token: &AccessToken,
    github: &dyn AuthorizationServer,
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
