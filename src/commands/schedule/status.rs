//! `ghtok schedule status`: what is installed, whether it still is as it was, what it did last and when
//! it runs next.

use clap::Args;
use serde::Serialize;

use super::Timers;
use crate::auth::ports::Clock;
use crate::commands::Described;
use crate::config::ScheduleRules;
use crate::error::{Result, joined};
use crate::formats::timestamps::rfc3339;
use crate::schedule::Scheduler;
use crate::schedule::notes::{Installed, RunResult};
use crate::session::{InstalledTimer, Session};
use crate::system::terminal::Terminal;
use crate::token::Timestamp;

/// Show the installed timer, its last run and its next run
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ghtok schedule status
  ghtok schedule status --json")]
pub(super) struct TimerStatus {
    #[command(flatten)]
    pub(super) described: Described,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

impl TimerStatus {
    /// Exit code 1 where what is installed is not as it was.
    ///
    /// # Errors
    /// If the notes cannot be read, or standard output cannot be written.
    pub(super) fn run(&self, session: &Session<'_>) -> Result<u8> {
        let timers = Timers::of(session)?;
        let rules = session.config.schedule;
        let found = timers.look()?;
        if self.json {
            Terminal.line(&json(&found, rules))?;
        } else {
            Terminal.report(&words(&found, rules, timers.clock))?;
        }
        Ok(u8::from(!found.drift.is_empty()))
    }
}

/// The JSON form; docs/exit-codes.md and the tests hold its shape.
#[derive(Serialize)]
struct StatusDocument<'a> {
    schema_version: u32,
    installed: bool,
    scheduler: Option<Scheduler>,
    command: Option<Vec<&'a str>>,
    minute: Option<u8>,
    drift: &'a [String],
    last_run: Option<LastRunJson<'a>>,
    next_run_at: Option<String>,
    next_run_at_unix: Option<i64>,
    warn: bool,
    keep_alive: bool,
}

#[derive(Serialize)]
struct LastRunJson<'a> {
    at: String,
    at_unix: i64,
    apps: Vec<AppJson<'a>>,
}

#[derive(Serialize)]
struct AppJson<'a> {
    app: &'a str,
    result: RunResult,
    message: &'a str,
}

fn words(found: &InstalledTimer, rules: ScheduleRules, clock: &dyn Clock) -> String {
    let time = |at: Timestamp| clock.local_time(at);
    let mut lines: Vec<(&str, String)> = Vec::new();
    match &found.installed {
        None => lines.push((
            "scheduler",
            "none; install the timer with: ghtok schedule install".into(),
        )),
        Some(Installed {
            scheduler, timer, ..
        }) => {
            let minute = timer.minute;
            lines.push((
                "scheduler",
                format!("{scheduler}, at minute {minute} of every hour"),
            ));
            let command: Vec<&str> = timer.command().collect();
            lines.push(("command", command.join(" ")));
            if found.drift.is_empty() {
                lines.push(("files", "as installed".into()));
            }
            for drift in &found.drift {
                lines.push(("drift", drift.clone()));
            }
            if let Some(stopped) = &found.stopped {
                lines.push(("next", joined(&stopped.fix)));
            } else if !found.drift.is_empty() {
                lines.push(("next", "repair it with: ghtok schedule install".into()));
            }
        }
    }
    match &found.last_run {
        None => lines.push(("last run", "none yet".into())),
        Some(run) => {
            lines.push(("last run", time(Timestamp(run.at))));
            for app in &run.apps {
                lines.push(("", format!("{}: {}", app.app, app.words)));
            }
        }
    }
    if found.installed.is_some() {
        let next = found.next_run.map_or_else(|| "unknown".into(), time);
        lines.push(("next run", next));
    }
    let switch = |on| if on { "on" } else { "off" };
    let (warn, keep_alive) = (switch(rules.warn), switch(rules.keep_alive));
    lines.push(("rules", format!("warn {warn}, keep_alive {keep_alive}")));
    let lines = lines
        .iter()
        .map(|(name, value)| format!("{name:<11}{value}"));
    lines.collect::<Vec<_>>().join("\n")
}

fn json(found: &InstalledTimer, rules: ScheduleRules) -> String {
    let installed = found.installed.as_ref();
    let document = StatusDocument {
        schema_version: 1,
        installed: installed.is_some(),
        scheduler: installed.map(|installed| installed.scheduler),
        command: installed.map(|installed| installed.timer.command().collect()),
        minute: installed.map(|installed| installed.timer.minute),
        drift: &found.drift,
        last_run: found.last_run.as_ref().map(|run| LastRunJson {
            at: rfc3339(Timestamp(run.at)),
            at_unix: run.at,
            apps: run
                .apps
                .iter()
                .map(|app| AppJson {
                    app: &app.app,
                    result: app.result,
                    message: &app.words,
                })
                .collect(),
        }),
        next_run_at: found.next_run.map(rfc3339),
        next_run_at_unix: found.next_run.map(|at| at.0),
        warn: rules.warn,
        keep_alive: rules.keep_alive,
    };
    serde_json::to_string(&document).expect("plain structs become JSON")
}
