//! `ghtok doctor`: looks at everything between a program and its token, and names the fix of what is
//! wrong. It changes nothing and unlocks nothing.

#[cfg(target_os = "linux")]
mod bus;
mod configuration;
mod environment;
mod finding;
mod folders;
mod git;
mod mcp;
mod network;
mod online;
mod printing;
mod privacy;
mod program;
mod sign_in;
mod store;
mod timer;

use std::mem::ManuallyDrop;

use clap::Args;
use clap_complete::ArgValueCandidates;

use self::finding::{Findings, Level};
use self::privacy::Privacy;
use crate::app::App;
use crate::commands::Described;
use crate::config::{Environment, Flags};
use crate::error::Result;
use crate::github::RepositoryName;
use crate::session::Session;
use crate::system::terminal::Terminal;

/// Find out what keeps ghtok from working, and what to do about it
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ghtok doctor                 look at everything on this machine
  ghtok doctor octocat/hello   ask GitHub why a repository cannot be used
  ghtok doctor --json          the same for programs and bug reports
  ghtok doctor --write-test    also write and delete an item in the store

Exit code 1 if there is a problem, 0 if there are warnings at most. The output is fit for a public \
bug report: logins, hosts other than github.com and paths below your home are shortened unless \
--full is given.")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct Doctor {
    /// A repository: what the token can do with it, and why; implies --online
    #[arg(value_name = "OWNER/NAME")]
    repository: Option<RepositoryName>,
    /// Name of the App in the configuration [default: all Apps]
    #[arg(long, value_name = "APP", add = ArgValueCandidates::new(Described::app_names))]
    app: Option<String>,
    #[command(flatten)]
    described: Described,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Also ask GitHub: network, clock, token, where the App is installed
    #[arg(long)]
    online: bool,
    /// Show logins, hosts and paths in full
    #[arg(long)]
    full: bool,
    /// Write one item to the store and delete it again, if the store is not locked
    #[arg(long)]
    write_test: bool,
}

impl Doctor {
    pub(crate) fn flags(&self) -> Flags {
        Flags {
            app: self.app.clone(),
            ..self.described.flags()
        }
    }

    /// Prints what was found; the exit code is 1 if there is a problem. A configuration that cannot be
    /// used is a finding like any other.
    ///
    /// # Errors
    /// If standard output cannot be written.
    pub(crate) fn run<'m>(
        &self,
        load: impl FnOnce() -> Result<ManuallyDrop<Session<'m>>>,
    ) -> Result<u8> {
        let environment = Environment::from_process();
        let mut found = Findings::default();
        program::check(&environment, &mut found);
        let loaded = load();
        configuration::check(loaded.as_deref(), &mut found);
        if let Ok(session) = &loaded {
            self.check_with(session, &mut found);
        }
        let apps: Vec<&App> = match &loaded {
            Ok(session) => session.config.all_apps().collect(),
            Err(_) => Vec::new(),
        };
        environment::check(&environment, &apps, &mut found);
        git::check(&environment, &apps, &mut found);
        mcp::check(&environment, &mut found);
        let worst = found.worst();
        let privacy = Privacy::new(self.full, &environment, &found);
        let findings = privacy.shown(found);
        if self.json {
            Terminal.line(&printing::json(&findings))?;
        } else {
            let columns = Terminal.output_columns().unwrap_or(usize::MAX);
            let text = printing::text(&findings, columns);
            Terminal.coloured_line(&text)?;
        }
        Ok(u8::from(worst == Level::Problem))
    }

    /// What needs the configuration.
    fn check_with(&self, session: &Session<'_>, found: &mut Findings) {
        folders::check(session, found);
        #[cfg(target_os = "linux")]
        bus::check(session, found);
        let apps = self.apps(session);
        for app in &apps {
            found.begin((apps.len() > 1).then(|| app.label()));
            let checked = session.with_call(app, |call| {
                let read = call.broker.load();
                store::check(call, read.as_ref(), found);
                sign_in::check(call, read.as_ref(), found);
                if self.online || self.repository.is_some() {
                    let record = read.as_ref().ok();
                    online::check(call, record, self.repository.as_ref(), found);
                }
                Ok(())
            });
            if let Err(error) = checked {
                found.error("store", Level::Problem, &error);
            }
            if self.write_test {
                store::write_test(session, app, found);
            }
        }
        found.begin(None);
        store::check_others(session, found);
        network::check(session, &apps, found);
        timer::check(session, found);
    }

    /// The one App that was named, or every known one.
    fn apps<'a>(&self, session: &'a Session<'_>) -> Vec<&'a App> {
        let flags = self.flags();
        if flags.app.is_none() && flags.client_id.is_none() && flags.host.is_none() {
            return session.config.all_apps().collect();
        }
        // If there is no such App, that is a finding about the configuration.
        session.config.app(None).into_iter().collect()
    }
}
