//! Asks where an App is installed and stores the answer: after a sign-in, after `refresh --force`, and at
//! most once a day after other refreshes. A failure changes nothing. `status --online` and `doctor` ask too,
//! together with what the token is worth.

use std::time::Duration;

use super::{Call, RefreshOrder, Session, this_program};
use crate::app::App;
use crate::auth::outcome::Happened;
use crate::auth::ports::TokenStore;
use crate::auth::reach::Reach;
use crate::auth::record::{Record, Want};
use crate::auth::repository_access::{Explanation, explain};
use crate::auth::token_check::{AccessState, ask_about};
use crate::error::Result;
use crate::github::{RepositoryName, RequestFailure};
use crate::store::reach;
use crate::system::process;
use crate::token::Timestamp;

/// Two `refresh --force` within this time ask once.
const JUST_ASKED: Duration = Duration::from_secs(30);

/// What GitHub says now about a stored sign-in. Nothing is refreshed for it.
pub(crate) struct OnlineCheck {
    /// What the access token is worth.
    pub(crate) token: AccessState,
    /// Where the App is installed, and with which permissions; `None` without a valid token.
    pub(crate) reach: Option<Result<Reach, RequestFailure>>,
    /// What the token can do with the repository that was asked about, and why.
    pub(crate) repository: Option<Result<Explanation, RequestFailure>>,
}

impl Session<'_> {
    /// Where an App is installed, according to the last answer.
    pub(crate) fn reach(&self, app: &App) -> Option<Reach> {
        reach::read(&self.reach_file(app))
    }

    /// After a sign-in that began at this time, which may be another person's: the answer, if there is one.
    pub(crate) fn ask_reach_after_login(&self, began: Timestamp, call: &Call<'_>) -> Option<Reach> {
        let record = obtained_since(began, call)?;
        let asked = self.ask_reach(&record, call);
        let before = self.reach(call.app).and_then(|reach| reach.user_id);
        if asked.is_err() && before != user_id(&record) {
            // Another account's reach is worse than none.
            let _ = reach::remove(&self.reach_file(call.app));
        }
        asked.ok()
    }

    /// After a refresh that a person asked for, often because they installed the App somewhere.
    pub(crate) fn ask_reach_after_refresh(&self, began: Timestamp, call: &Call<'_>) {
        let now = call.clock.now();
        let is_new = |reach: &Reach| !reach.is_empty() && reach.asked_at.until(now) < JUST_ASKED;
        if self.reach(call.app).as_ref().is_some_and(is_new) {
            return;
        }
        if let Some(record) = obtained_since(began, call) {
            let _ = self.ask_reach(&record, call);
        }
    }

    /// At the end of a refresher: starts a process that asks, if it is due. Nobody waits for it, and it
    /// holds no lock.
    pub(crate) fn start_asking_reach(
        &self,
        began: Timestamp,
        order: RefreshOrder,
        app: &App,
    ) -> Result<()> {
        let choice = self.store_of(app)?;
        let outcome = self.open_store(app, choice)?.outcome();
        let has_saved = outcome
            .is_some_and(|outcome| outcome.what == Happened::Saved && outcome.at.0 >= began.0);
        let now = self.machine.clock.now();
        let is_due = self.reach(app).is_none_or(|reach| reach.is_due(now));
        // If a person asked for the refresh, the calling process asks.
        if has_saved && is_due && matches!(order.0, Want::Valid(_)) {
            let arguments = self.background_arguments("ask-reach", app, choice);
            if let Some(program) = this_program() {
                // After a failure the next refresh tries again.
                let _ = process::spawn_detached(&program, &arguments, None);
            }
        }
        Ok(())
    }

    /// The body of that process; false if GitHub gave no answer.
    pub(crate) fn ask_reach_here(&self, call: &Call<'_>) -> bool {
        match call.store.load() {
            Ok(Some(record)) => self.ask_reach(&record, call).is_ok(),
            Ok(None) | Err(_) => false,
        }
    }

    /// Asks once and stores the answer.
    fn ask_reach(&self, record: &Record, call: &Call<'_>) -> Result<Reach, RequestFailure> {
        let known = current_reach(record, call)?;
        self.keep_reach(&known, call.app);
        Ok(known)
    }

    /// Stores where the App is installed.
    pub(crate) fn keep_reach(&self, known: &Reach, app: &App) {
        let kept = reach::write(&self.reach_file(app), known);
        log::info!(
            "installations: of {} accounts; {}",
            known.installations.installed.len(),
            kept.map_or_else(|error| error.to_string(), |()| "kept".into())
        );
    }

    fn reach_file(&self, app: &App) -> std::path::PathBuf {
        self.stores.folder.reach(&app.key())
    }
}

/// Asks GitHub about a record's access token, where the App is installed, and why a repository answers as
/// it does. Stores nothing.
pub(crate) fn ask_github(
    record: &Record,
    repository: Option<&RepositoryName>,
    call: &Call<'_>,
) -> OnlineCheck {
    let token = ask_about(record, &call.github(), call.clock);
    if !matches!(token, AccessState::Alive(_)) {
        return OnlineCheck {
            token,
            reach: None,
            repository: None,
        };
    }
    let reach = current_reach(record, call);
    let repository = match (&reach, repository) {
        (Ok(reach), Some(repository)) => Some(explained(record, repository, reach, call)),
        _ => None,
    };
    OnlineCheck {
        token,
        reach: Some(reach),
        repository,
    }
}

/// Asks once where the App is installed.
fn current_reach(record: &Record, call: &Call<'_>) -> Result<Reach, RequestFailure> {
    let began = call.clock.monotonic();
    let elapsed = || call.clock.monotonic().saturating_sub(began);
    let (token, whole) = (record.tokens.access_token(), call.limits.reach);
    let installations = call.github().installations(token, whole, &elapsed)?;
    Ok(Reach {
        user_id: user_id(record),
        asked_at: call.clock.now(),
        installations,
    })
}

fn explained(
    record: &Record,
    repository: &RepositoryName,
    reach: &Reach,
    call: &Call<'_>,
) -> Result<Explanation, RequestFailure> {
    let token = record.tokens.access_token();
    let answer = call.github().repository(token, repository)?;
    let refresh = call.login_command().replacen("login", "refresh", 1);
    let host = &call.app.host;
    Ok(explain(&answer, repository, reach, host, &refresh))
}

/// The record, if its tokens are not older than this call.
fn obtained_since(began: Timestamp, call: &Call<'_>) -> Option<Record> {
    let record = call.store.load().ok()??;
    (record.obtained_at.0 >= began.0).then_some(record)
}

fn user_id(record: &Record) -> Option<u64> {
    record.account.as_ref().map(|account| account.id)
}
