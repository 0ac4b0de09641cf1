//! The hourly timer: whether it is as it was installed, whether its scheduler runs, and when it ran last.

use std::time::Duration;

use super::finding::{Findings, Level};
use crate::error::Result;
use crate::formats::durations::human_duration;
use crate::session::{InstalledTimer, Session, Timers};
use crate::token::Timestamp;

const SUBJECT: &str = "timer";

const INSTALL: &str = "ghtok schedule install";

/// An hourly timer that did nothing for so long does not run. A laptop may sleep over a long weekend.
const LONG: Duration = Duration::from_secs(5 * 24 * 3600);

/// Looks at the installed timer, and asks its scheduler.
pub(super) fn check(session: &Session<'_>, found: &mut Findings) {
    if let Err(error) = look(session, found) {
        found.error(SUBJECT, Level::Problem, &error);
    }
}

fn look(session: &Session<'_>, found: &mut Findings) -> Result<()> {
    let timers = Timers::of(session)?;
    let timer = timers.look()?;
    let Some(installed) = &timer.installed else {
        let message = "none: a sign-in that is not used for six months ends".into();
        let finding = found.add(SUBJECT, "timer_missing", Level::Ok, message);
        if session.config.all_apps().next().is_some() {
            finding.run("to keep it alive:", INSTALL);
        }
        return Ok(());
    };
    let scheduler = installed.scheduler;
    if let Some(stopped) = &timer.stopped {
        let message = format!("the timer does not run: {}", stopped.cause);
        found
            .add(SUBJECT, "timer_stopped", Level::Problem, message)
            .hint(&stopped.fix);
    } else if !timer.drift.is_empty() {
        let message = timer.drift.join("; ");
        found
            .add(SUBJECT, "timer_changed", Level::Problem, message)
            .run("install it again:", INSTALL);
    } else if let Some(idle) = idle(&timer, session) {
        let idle = human_duration(idle);
        let message = format!("it is installed in {scheduler}, and did not run for {idle}");
        found
            .add(SUBJECT, "timer_idle", Level::Warning, message)
            .run(
                "unless the machine was off, its scheduler does not run it; run it now:",
                "ghtok schedule run",
            );
    } else {
        let ran = match &timer.last_run {
            Some(run) => format!("last run {}", timers.clock.local_time(Timestamp(run.at))),
            None => "did not run yet".into(),
        };
        let message = format!("{scheduler}, {ran}");
        let finding = found.add(SUBJECT, "timer_installed", Level::Ok, message);
        if let Some(condition) = timers.installer(scheduler).condition() {
            finding.hint(&condition);
        }
    }
    Ok(())
}

/// How long ago the last run was, if that is too long.
fn idle(timer: &InstalledTimer, session: &Session<'_>) -> Option<Duration> {
    let last = timer.last_run.as_ref()?;
    let idle = Timestamp(last.at).until(session.machine.clock.now());
    (idle > LONG).then_some(idle)
}
