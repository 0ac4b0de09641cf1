//! `ghtok schedule run`: what the timer runs every hour.

use std::collections::HashMap;

use clap::Args;

use super::check::{AppOutcome, CheckSettings, check, failed};
use crate::app::App;
use crate::commands::Described;
use crate::error::{Result, most_serious};
use crate::schedule::notes::{AppRun, LastRun, Notes};
use crate::session::Session;
use crate::system::notification::Notice;
use crate::system::terminal::Terminal;
use crate::token::Timestamp;

/// Check every App's sign-in once, as the timer does; never prompts
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ghtok schedule run    now, or from another scheduler

Settings in config.toml, with their defaults:
  [schedule]
  warn = true         notify, once a day at most, if a sign-in has expired
                      or expires within 14 days
  keep_alive = true   refresh an unused sign-in in the last quarter of its
                      six months")]
pub(super) struct Run {
    #[command(flatten)]
    pub(super) described: Described,
}

pub(super) fn run(session: &Session<'_>) -> Result<u8> {
    session.config.check_store()?;
    let notes = session.timer_notes();
    let Some(turn) = notes.turn()? else {
        Terminal.note("another run of the timer is in progress");
        return Ok(0);
    };
    let apps: Vec<&App> = session.config.all_apps().collect();
    if apps.is_empty() {
        session.config.app(None)?;
    }
    session.read_ahead();
    let before = notes.last_run();
    let warned: HashMap<&str, Timestamp> = before.iter().flat_map(LastRun::warnings).collect();
    let at = session.machine.clock.now();
    let outcomes: Vec<AppOutcome> = apps
        .into_iter()
        .map(|app| check_app(app, &warned, session))
        .collect();
    let run = LastRun {
        at: at.0,
        apps: outcomes.iter().map(|outcome| outcome.run.clone()).collect(),
    };
    // Neither keeps the other from its work: a full log, or a full disk.
    let remembered = if turn.stands() {
        notes.tell_run(&run)
    } else {
        Ok(())
    };
    outcomes.iter().try_for_each(tell)?;
    remembered?;
    Ok(most_serious(
        outcomes.iter().map(|outcome| outcome.exit_code),
    ))
}

fn check_app(app: &App, warned: &HashMap<&str, Timestamp>, session: &Session<'_>) -> AppOutcome {
    let warned_at = warned.get(app.key().as_str()).copied();
    let notify = |notice: &Notice| session.notify(notice);
    let settings = CheckSettings {
        rules: session.config.schedule,
        notify: &notify,
    };
    let checked = session.with_call(app, |call| Ok(check(warned_at, settings, call)));
    checked.unwrap_or_else(|error| failed(&error, warned_at, app))
}

/// A person at a terminal reads of everything, a log of what is news.
fn tell(outcome: &AppOutcome) -> Result<()> {
    let AppRun { app, words, .. } = &outcome.run;
    if !outcome.is_news && !Terminal.shows_notes() {
        return Ok(());
    }
    let named = words.starts_with(&format!("{app}: "));
    Terminal.line(&if named {
        words.clone()
    } else {
        format!("{app}: {words}")
    })
}
