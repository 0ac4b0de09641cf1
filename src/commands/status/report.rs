//! The report of `status` for one App, for stores that could not be listed, and for the timer.

use anstyle::AnsiColor;
use serde::Serialize;

use super::online::Online;
use super::scoped::{self, ScopedReport};
use super::timer::TimerReport;
use crate::app::App;
use crate::auth::account::{AccountCheck, check_account};
use crate::auth::record::{Decision, Record, Rejected, Want};
use crate::error::Error;
use crate::formats::durations::human_duration;
use crate::formats::timestamps::rfc3339;
use crate::session::Call;
use crate::token::{Timestamp, TokenSet};

/// One App's status.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    app: String,
    client_id: String,
    host: String,
    store: String,
    state: State,
    login: Option<String>,
    user_id: Option<u64>,
    generation: Option<u64>,
    obtained_at: Option<String>,
    obtained_at_unix: Option<i64>,
    expires_at: Option<String>,
    expires_at_unix: Option<i64>,
    refresh_token_expires_at: Option<String>,
    refresh_token_expires_at_unix: Option<i64>,
    problem: Option<Problem>,
    /// Whether a configured App uses it.
    configured: bool,
    /// The command that removes it, where it is no configured App's.
    logout: Option<String>,
    /// The scoped tokens that were handed out and not revoked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scoped_tokens: Vec<ScopedReport>,
    /// What GitHub says, if it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    online: Option<Online>,
    #[serde(skip)]
    lines: Vec<(&'static str, String)>,
}

/// In one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// The token is good.
    Valid,
    /// The token is good and never expires by the clock.
    Permanent,
    /// The next use refreshes it.
    Due,
    /// A refresh goes on, or was interrupted; the next use finds out.
    Refreshing,
    /// Somebody saw the token refused; the next use checks it.
    Reported,
    /// GitHub refused the refresh token: the sign-in ends with the access token. See `problem`.
    SignInAgain,
    /// See `problem`.
    Problem,
}

#[derive(Debug, Serialize)]
struct Problem {
    code: String,
    message: String,
    hint: Option<String>,
    exit_code: u8,
    /// The hint for people, its commands on lines of their own.
    #[serde(skip)]
    next: Option<String>,
}

/// The whole answer.
#[derive(Serialize)]
struct StatusJson<'a> {
    schema_version: u32,
    apps: &'a [Report],
    /// Stores that may hold more.
    unseen: Vec<Problem>,
    timer: Option<&'a TimerReport>,
}

/// Looks at one App.
pub(super) fn look(call: &Call<'_>) -> Report {
    match call.broker.load() {
        Ok(record) => of_record(&record, call),
        Err(error) => without_record(&error, call.app, call.store.place()),
    }
}

/// Looks at a record that no configured App uses; `None` if there is none.
pub(super) fn look_at_other(logout: String, call: &Call<'_>) -> Option<Report> {
    let mut report = match call.broker.load() {
        Ok(record) => of_record(&record, call),
        Err(Error::SignInNeeded { .. }) => return None,
        Err(error) => without_record(&error, call.app, call.store.place()),
    };
    let why = match call.app.name {
        Some(_) => "no: commands use another store",
        None => "no: no configured App uses it",
    };
    report.lines.push(("in use", why.into()));
    report.lines.push(("remove with", logout.clone()));
    report.configured = false;
    report.logout = Some(logout);
    Some(report)
}

/// Tells of an App whose store cannot even be named.
pub(super) fn without_store(app: &App, error: &Error) -> Report {
    without_record(error, app, "unknown".into())
}

/// All reports as one JSON object.
pub(super) fn json(reports: &[Report], unseen: &[Error], timer: Option<&TimerReport>) -> String {
    let document = StatusJson {
        schema_version: 1,
        apps: reports,
        unseen: unseen.iter().map(Problem::of).collect(),
        timer,
    };
    serde_json::to_string(&document).expect("plain structs become JSON")
}

/// All reports for people.
pub(super) fn text(reports: &[Report], unseen: &[Error], timer: Option<&TimerReport>) -> String {
    let mut blocks: Vec<String> = reports.iter().map(Report::block).collect();
    blocks.extend(unseen.iter().map(|error| {
        let problem = row("problem", &error.to_string());
        let next = error.hint().map(|hint| row("next", &hint));
        format!("other sign-ins{problem}{}", next.unwrap_or_default())
    }));
    blocks.push(match timer {
        Some(timer) => format!("timer: {}", timer.line),
        None => "timer: none; keep unused sign-ins alive with:\n  ghtok schedule install".into(),
    });
    blocks.join("\n\n")
}

/// What a person sees where nothing is configured and nothing is stored.
pub(super) fn start_page() -> String {
    "Nothing is set up yet: no GitHub App is configured, and no sign-in is stored.
  ghtok app new   (registers your own GitHub App, or takes the one you have, and signs in)
  ghtok --help    (all commands)"
        .into()
}

/// A name and what stands beside it; its commands get rows of their own.
fn row(name: &str, value: &str) -> String {
    let mut lines = value.lines();
    let first = lines.next().unwrap_or_default();
    let more: String = lines.map(|line| format!("\n  {:<14} {line}", "")).collect();
    format!("\n  {name:<14} {first}{more}")
}

impl Report {
    /// The exit code that a caller with `--check` gets for this App.
    pub(super) fn exit_code(&self) -> u8 {
        self.problem.as_ref().map_or(0, |problem| problem.exit_code)
    }

    /// The report with what GitHub says.
    pub(super) fn with_online(mut self, online: Option<Online>) -> Self {
        self.online = online;
        self
    }

    fn block(&self) -> String {
        let (word, colour) = self.word();
        let style = colour.on_default().bold();
        let mut block = format!("{}: {style}{word}{style:#}", self.app);
        let online = self.online.iter().flat_map(|online| &online.lines);
        for (name, value) in self.lines.iter().chain(online) {
            block.push_str(&row(name, value));
        }
        block
    }

    /// The sign-in in a word or two.
    fn word(&self) -> (&'static str, AnsiColor) {
        match (self.state, &self.problem) {
            (State::Valid | State::Permanent | State::Due, _) => ("signed in", AnsiColor::Green),
            (State::Refreshing, _) => ("refreshing", AnsiColor::Yellow),
            (State::Reported, _) => ("to be checked", AnsiColor::Yellow),
            (State::SignInAgain, _) => ("sign in again", AnsiColor::Yellow),
            (State::Problem, Some(problem)) => match (problem.code.as_str(), problem.exit_code) {
                ("signed_out", _) => ("signed out", AnsiColor::Red),
                (_, 4) => ("sign in again", AnsiColor::Red),
                ("store_locked", _) => ("locked", AnsiColor::Yellow),
                (_, 6) => ("out of reach", AnsiColor::Yellow),
                _ => ("problem", AnsiColor::Red),
            },
            (State::Problem, None) => ("problem", AnsiColor::Red),
        }
    }
}

fn of_record(record: &Record, call: &Call<'_>) -> Report {
    let now = call.clock.now();
    let dead_end = call.broker.dead_end(record);
    let state = match (&dead_end, record.refresh_rejected) {
        (Some(_), _) => State::Problem,
        (None, Some(_)) => State::SignInAgain,
        (None, None) => state(record, now, call),
    };
    let problem = dead_end
        .or_else(|| call.broker.sign_in_reason(record))
        .map(|error| Problem::of(&error))
        .map(|problem| match (state, record.tokens.expires_at()) {
            (State::SignInAgain, Some(end)) => problem.until(&call.clock.local_time(end), call),
            (_, _) => problem,
        });
    let mut report = blank(call.app, call.store.place(), state, problem);
    report.login = record.account.as_ref().map(|account| account.login.clone());
    report.user_id = record.account.as_ref().map(|account| account.id);
    report.generation = Some(record.generation);
    report.obtained_at = Some(rfc3339(record.obtained_at));
    report.obtained_at_unix = Some(record.obtained_at.0);
    report.lines.push((
        "account",
        match &report.login {
            Some(login) => login.clone(),
            None if call.app.account.is_some() => "not known yet; the next use asks".into(),
            None => "not known yet; the next refresh asks".into(),
        },
    ));
    report.tell_tokens(record, now, call);
    report.tell_scoped(scoped::reports(call));
    report.tell_problem();
    report
}

fn without_record(error: &Error, app: &App, store: String) -> Report {
    let mut report = blank(app, store, State::Problem, Some(Problem::of(error)));
    report.tell_problem();
    report
}

fn state(record: &Record, now: Timestamp, call: &Call<'_>) -> State {
    if record.intent.is_some() {
        return State::Refreshing;
    }
    if matches!(record.rejected, Some(Rejected::Reported(_))) {
        return State::Reported;
    }
    let account = check_account(call.app.account.as_ref(), record.account.as_ref());
    if account == AccountCheck::Unknown {
        return State::Due;
    }
    match (
        &record.tokens,
        record.decide(now, Want::Valid(call.min_ttl)),
    ) {
        (TokenSet::Permanent(_), _) => State::Permanent,
        (TokenSet::Expiring { .. }, Decision::Serve(_)) => State::Valid,
        (TokenSet::Expiring { .. }, Decision::Refresh | Decision::SignIn(_)) => State::Due,
    }
}

fn blank(app: &App, store: String, state: State, problem: Option<Problem>) -> Report {
    let host = app.host.to_string();
    let client_id = app.client_id.to_string();
    Report {
        app: app.label().to_owned(),
        lines: vec![
            ("host", host.clone()),
            ("client ID", client_id.clone()),
            ("store", store.clone()),
        ],
        client_id,
        host,
        store,
        state,
        login: None,
        user_id: None,
        generation: None,
        obtained_at: None,
        obtained_at_unix: None,
        expires_at: None,
        expires_at_unix: None,
        refresh_token_expires_at: None,
        refresh_token_expires_at_unix: None,
        problem,
        configured: true,
        logout: None,
        scoped_tokens: Vec::new(),
        online: None,
    }
}

impl Report {
    fn tell_scoped(&mut self, scoped: Vec<ScopedReport>) {
        let lines = scoped
            .iter()
            .map(|token| ("scoped token", token.line.clone()));
        self.lines.extend(lines);
        self.scoped_tokens = scoped;
    }

    fn tell_tokens(&mut self, record: &Record, now: Timestamp, call: &Call<'_>) {
        let until = |at: Timestamp| {
            let left = now.until(at);
            let left = if left.is_zero() {
                "over".into()
            } else {
                format!("{} left", human_duration(left))
            };
            format!("{} ({left})", call.clock.local_time(at))
        };
        match &record.tokens {
            TokenSet::Permanent(_) => {
                self.lines.push((
                    "access token",
                    "never expires: the App opted out of expiry".into(),
                ));
                self.lines.push(("refresh token", "none".into()));
            }
            TokenSet::Expiring { access, refresh } => {
                self.expires_at = Some(rfc3339(access.expires_at));
                self.expires_at_unix = Some(access.expires_at.0);
                let unchecked = record.must_be_checked(now);
                let more = match self.state {
                    State::Due if record.account.is_none() && call.app.account.is_some() => {
                        "; the next use asks GitHub for its account"
                    }
                    State::Due => "; the next use refreshes it",
                    State::Refreshing => "; a refresh is running or was interrupted",
                    State::Reported => "; reported as rejected, the next use checks it",
                    State::SignInAgain if unchecked => "; the next use checks it",
                    State::SignInAgain | State::Valid | State::Permanent | State::Problem => "",
                };
                self.lines.push((
                    "access token",
                    format!("{}{more}", until(access.expires_at)),
                ));
                let refused = record.refresh_rejected.map(|refused| refused.at);
                // What GitHub refused does not live until its time.
                let refresh = refresh.as_ref().filter(|_| refused.is_none());
                let refresh = refresh.map(|refresh| refresh.expires_at);
                self.refresh_token_expires_at = refresh.map(rfc3339);
                self.refresh_token_expires_at_unix = refresh.map(|at| at.0);
                let line = match (refused, refresh) {
                    (Some(at), _) => format!("refused by GitHub on {}", call.clock.local_time(at)),
                    (None, Some(at)) => until(at),
                    (None, None) => "none".into(),
                };
                self.lines.push(("refresh token", line));
            }
        }
    }

    fn tell_problem(&mut self) {
        if let Some(problem) = &self.problem {
            self.lines.push(("problem", problem.message.clone()));
            if let Some(next) = &problem.next {
                self.lines.push(("next", next.clone()));
            }
        }
    }
}

impl Problem {
    /// The sign-in still lives until then.
    fn until(self, end: &str, call: &Call<'_>) -> Self {
        Self {
            hint: Some(format!(
                "sign in again before {end} with: {}",
                call.login_command()
            )),
            next: Some(format!(
                "sign in again before {end} with:\n  {}",
                call.login_command()
            )),
            ..self
        }
    }

    fn of(error: &Error) -> Self {
        Self {
            code: error.code().to_owned(),
            message: error.to_string(),
            hint: error.one_line_hint(),
            exit_code: error.exit_code(),
            next: error.hint(),
        }
    }
}
