//! What the timer does for one App. It reads what is stored, and asks the network only where
//! a rule fires. It never starts a browser or a device flow (P5).

use std::time::Duration;

use crate::app::App;
use crate::auth::broker::Broker;
use crate::auth::outcome::Happened;
use crate::auth::record::Record;
use crate::config::ScheduleRules;
use crate::error::{Error, SignInReason};
use crate::formats::durations::human_duration;
use crate::schedule::notes::{AppRun, RunResult};
use crate::schedule::rules::{Action, SignIn, action};
use crate::session::Call;
use crate::system::notification::Notice;
use crate::token::{Timestamp, TokenSet};

/// Shows a notice; what it says where it cannot is why.
pub(crate) type Notify<'a> = dyn Fn(&Notice) -> Result<(), String> + 'a;

/// What is the same for each App.
#[derive(Clone, Copy)]
pub struct CheckSettings<'a> {
    /// Which rules hold.
    pub rules: ScheduleRules,
    /// Shows a desktop notification.
    pub notify: &'a Notify<'a>,
}

/// What came of it for one App.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppOutcome {
    /// For the notes.
    pub run: AppRun,
    /// For the exit code.
    pub exit_code: u8,
    /// Whether a log is to have it: something was done, or a person is needed. Anything else may be
    /// over at the next run.
    pub is_news: bool,
}

/// One sign-in as it is now, and why it has ended, if it has.
struct StoredSignIn {
    sign_in: SignIn,
    ended: Option<Error>,
    words: String,
}

/// Checks one App's sign-in, and refreshes it or warns where a rule says so.
pub fn check(
    warned_at: Option<Timestamp>,
    settings: CheckSettings<'_>,
    call: &Call<'_>,
) -> AppOutcome {
    let mut found = match look(call) {
        Ok(found) => found,
        Err(error) => return failed(&error, warned_at, call.app),
    };
    let now = call.clock.now();
    let mut failure = None;
    let mut due = action(found.sign_in, settings.rules, warned_at, now);
    if due == Action::Refresh {
        match call.broker.access_token(call.min_ttl) {
            Ok(_) => return refreshed(call),
            Err(error) => failure = Some(error),
        }
        // What came of it may be a reason to warn.
        found = match look(call) {
            Ok(found) => found,
            Err(error) => return failed(&error, warned_at, call.app),
        };
        let rules = ScheduleRules {
            keep_alive: false,
            ..settings.rules
        };
        due = action(found.sign_in, rules, warned_at, now);
    }
    let notice = match due {
        Action::WarnOfItsEnd => Some(sign_in_again(&found, call)),
        Action::WarnThatItEndsIn(left) => Some(ends_soon(left, call)),
        Action::Nothing | Action::Refresh => None,
    };
    if let Some(notice) = notice {
        return warned(&notice, &found, settings.notify, call);
    }
    match failure {
        Some(error) if found.ended.is_none() => failed(&error, warned_at, call.app),
        Some(_) | None => nothing(found, warned_at, call),
    }
}

/// What is stored, without a request.
fn look(call: &Call<'_>) -> Result<StoredSignIn, Error> {
    match call.broker.load() {
        Ok(record) => Ok(of_record(&record, &call.broker, call)),
        Err(Error::SignInNeeded { .. }) => Ok(of_no_record(call)),
        // Nobody can read it; a new sign-in replaces it. (A later ghtok's record is no such case.)
        Err(error @ Error::Damaged { .. }) => Ok(ended(error)),
        Err(error) => Err(error),
    }
}

fn of_record(record: &Record, broker: &Broker<'_>, call: &Call<'_>) -> StoredSignIn {
    if let Some(error) = broker.sign_in_reason(record) {
        return ended(error);
    }
    match &record.tokens {
        TokenSet::Permanent(_) => StoredSignIn {
            sign_in: SignIn::Permanent,
            ended: None,
            words: "the token never expires".into(),
        },
        TokenSet::Expiring { refresh: None, .. } => {
            ended(needed(SignInReason::NoRefreshToken, call))
        }
        TokenSet::Expiring {
            access,
            refresh: Some(refresh),
        } => StoredSignIn {
            sign_in: SignIn::Renewable {
                access_expires_at: access.expires_at,
                refresh_expires_at: refresh.expires_at,
                refresh_lifetime: refresh.lifetime,
            },
            ended: None,
            words: format!(
                "the sign-in is valid for {}, longer if it is used",
                human_duration(call.clock.now().until(refresh.expires_at))
            ),
        },
    }
}

/// Where something was stored and nobody signed out, it is gone: a kernel keyring after a reboot, a
/// keychain that was created again.
fn of_no_record(call: &Call<'_>) -> StoredSignIn {
    let is_missing = call
        .store
        .outcome()
        .is_some_and(|outcome| outcome.what != Happened::Deleted);
    if is_missing {
        return ended(needed(
            SignInReason::Vanished {
                place: call.store.place(),
            },
            call,
        ));
    }
    StoredSignIn {
        sign_in: SignIn::Nobody,
        ended: None,
        words: "not signed in".into(),
    }
}

fn needed(why: SignInReason, call: &Call<'_>) -> Error {
    Error::SignInNeeded {
        app: call.app.label().to_owned(),
        why,
        login: call.login_command(),
    }
}

fn ended(error: Error) -> StoredSignIn {
    StoredSignIn {
        sign_in: SignIn::Ended,
        words: error.to_string(),
        ended: Some(error),
    }
}

fn sign_in_again(found: &StoredSignIn, call: &Call<'_>) -> Notice {
    let command = match &found.ended {
        Some(Error::Damaged { .. }) => {
            format!("{} --force", call.login_command())
        }
        Some(_) | None => call.login_command(),
    };
    Notice {
        title: "ghtok: sign in again".into(),
        body: format!("{}. Run: {command}", found.words),
    }
}

fn ends_soon(left: Duration, call: &Call<'_>) -> Notice {
    let when = if left.is_zero() {
        "has expired (by this machine's clock)".to_owned()
    } else {
        format!("ends in {}", human_duration(left))
    };
    Notice {
        title: "ghtok: a sign-in expires soon".into(),
        body: format!(
            "{}: the sign-in to {} {when}. Run: {}",
            call.app.label(),
            call.app.host,
            call.login_command()
        ),
    }
}

fn warned(
    notice: &Notice,
    found: &StoredSignIn,
    notify: &Notify<'_>,
    call: &Call<'_>,
) -> AppOutcome {
    let shown = notify(notice);
    let words = match shown {
        Ok(()) => notice.body.clone(),
        Err(cause) => format!("{} (no desktop notification: {cause})", notice.body),
    };
    AppOutcome {
        exit_code: code_of(found),
        is_news: true,
        run: app_run(RunResult::Warned, words, Some(call.clock.now()), call.app),
    }
}

fn refreshed(call: &Call<'_>) -> AppOutcome {
    let words = look(call).map_or_else(|error| error.to_string(), |found| found.words);
    AppOutcome {
        exit_code: 0,
        is_news: true,
        run: app_run(
            RunResult::Refreshed,
            format!("refreshed: {words}"),
            None,
            call.app,
        ),
    }
}

fn nothing(found: StoredSignIn, warned_at: Option<Timestamp>, call: &Call<'_>) -> AppOutcome {
    let exit_code = code_of(&found);
    let result = match found.sign_in {
        SignIn::Ended => RunResult::SignInNeeded,
        SignIn::Nobody | SignIn::Permanent | SignIn::Renewable { .. } => RunResult::Nothing,
    };
    AppOutcome {
        exit_code,
        is_news: false,
        run: app_run(result, found.words, warned_at, call.app),
    }
}

/// What came of an App that could not be looked at, or not be refreshed.
pub(crate) fn failed(error: &Error, warned_at: Option<Timestamp>, app: &App) -> AppOutcome {
    // Offline, locked, or another ghtok at work: the next run finds out.
    let is_news = !matches!(error.exit_code(), 5..=7);
    AppOutcome {
        exit_code: error.exit_code(),
        is_news,
        run: app_run(RunResult::Failed, error.to_string(), warned_at, app),
    }
}

fn code_of(found: &StoredSignIn) -> u8 {
    found.ended.as_ref().map_or(0, Error::exit_code)
}

fn app_run(result: RunResult, words: String, warned_at: Option<Timestamp>, app: &App) -> AppRun {
    AppRun {
        app: app.label().to_owned(),
        record: app.key().as_str().to_owned(),
        result,
        words,
        warned_at: warned_at.map(|at| at.0),
    }
}
