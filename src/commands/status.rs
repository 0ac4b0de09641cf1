//! `ghtok status`: the stored sign-ins and how long they are valid. No secret, no change, and no network
//! without `--online`.

mod online;
mod report;
mod scoped;
mod timer;

use clap::Args;

use self::report::Report;
use self::timer::TimerReport;
use crate::app::App;
use crate::commands::{Subcommand, Target};
use crate::config::Flags;
use crate::error::{Error, Result, most_serious};
use crate::github::RepositoryName;
use crate::schedule::notes::Notes as _;
use crate::session::{Call, OtherSignIns, Reading, Session};
use crate::system::terminal::Terminal;

/// Show stored sign-ins and when they expire
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ghtok status
  ghtok status --online --repo acme/app   where the App is installed
  ghtok status --json
  ghtok status work --check && echo signed in")]
pub(crate) struct Status {
    #[command(flatten)]
    target: Target,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Exit with the error code of a sign-in that cannot be used
    #[arg(long)]
    check: bool,
    /// Ask GitHub too: whether it accepts the token, and where the App is installed
    #[arg(long)]
    online: bool,
    /// What the token can do with this repository, and why
    #[arg(long, value_name = "OWNER/NAME", requires = "online")]
    repo: Option<RepositoryName>,
}

impl Subcommand for Status {
    fn flags(&self) -> Flags {
        self.target.flags()
    }

    fn wants_json(&self) -> bool {
        self.json
    }

    fn run(&self, session: &Session<'_>) -> Result<u8> {
        session.config.check_store()?;
        let others = if self.names_an_app() {
            OtherSignIns::default()
        } else {
            session.other_sign_ins(Reading::Ahead)
        };
        let found = reports_of(&others, session);
        let (apps, missing) = match self.apps(session) {
            Ok(apps) => (apps, None),
            Err(Error::NoApp { .. }) if found.is_empty() && self.is_start(&others) => {
                return self.show_start_page();
            }
            Err(error) if found.is_empty() => return Err(error),
            Err(error) => (Vec::new(), Some(error)),
        };
        let mut reports: Vec<Report> = apps
            .into_iter()
            .map(|app| {
                session
                    .with_call(app, |call| Ok(self.look(session, call)))
                    .unwrap_or_else(|error| report::without_store(app, &error))
            })
            .collect();
        let code = most_serious(reports.iter().map(Report::exit_code));
        reports.extend(found);
        let timer = timer(session);
        if self.json {
            Terminal.line(&report::json(&reports, &others.unseen, timer.as_ref()))?;
        } else {
            Terminal.report(&report::text(&reports, &others.unseen, timer.as_ref()))?;
        }
        // Only what a command would use decides; others are no command's.
        match (self.check, missing) {
            (true, Some(error)) => Err(error),
            (true, None) => Ok(code),
            (false, _) => Ok(0),
        }
    }
}

impl Status {
    /// Whether nothing is asked for in particular, and nothing can be stored out of sight.
    fn is_start(&self, others: &OtherSignIns) -> bool {
        !self.check && !self.names_an_app() && others.unseen.is_empty()
    }

    fn show_start_page(&self) -> Result<u8> {
        if self.json {
            Terminal.line(&report::json(&[], &[], None))?;
        } else {
            Terminal.report(&report::start_page())?;
        }
        Ok(0)
    }

    fn look(&self, session: &Session<'_>, call: &Call<'_>) -> Report {
        let report = report::look(call);
        if self.online {
            report.with_online(online::ask(session, self.repo.as_ref(), call))
        } else {
            report
        }
    }

    fn names_an_app(&self) -> bool {
        let flags = self.flags();
        flags.app.is_some() || flags.client_id.is_some() || flags.host.is_some()
    }

    /// The one App that was named, or every known one.
    fn apps<'a>(&self, session: &'a Session<'_>) -> Result<Vec<&'a App>> {
        let all: Vec<&App> = session.config.all_apps().collect();
        if self.names_an_app() || all.len() < 2 {
            Ok(vec![session.config.app(None)?])
        } else {
            Ok(all)
        }
    }
}

fn reports_of(others: &OtherSignIns, session: &Session<'_>) -> Vec<Report> {
    let look = |(app, store)| {
        let logout = session.logout_command(app, store);
        session
            .with_call_in(app, store, |call| Ok(report::look_at_other(logout, call)))
            .ok()
            .flatten()
    };
    let records = others.records.iter().map(|(app, store)| (app, *store));
    records.filter_map(look).collect()
}

/// What cannot be read of the timer hides nothing of the sign-ins.
fn timer(session: &Session<'_>) -> Option<TimerReport> {
    let notes = session.timer_notes();
    let installed = notes.installed().unwrap_or_else(|error| {
        Terminal.note(&error.to_string());
        None
    })?;
    let last_run = notes.last_run();
    Some(TimerReport::of(
        &installed,
        last_run.as_ref(),
        session.machine.clock,
    ))
}
