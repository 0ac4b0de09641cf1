//! `ghtok login`: signs a person in.

use clap::Args;

use crate::commands::{
    NewApp, NewAppFlags, PageFlags, RegisteredApp, SignInOptions, SignInRun, Subcommand, Target,
};
use crate::config::Flags;
use crate::error::{Error, Result};
use crate::session::Session;
use crate::session::sign_in::Present;
use crate::system::terminal::Terminal;

/// Sign in through a GitHub App and OAuth's device flow
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ghtok login                            the default App
  ghtok login work                       the configured App \"work\"
  ghtok login --client-id Iv23liAbCdEf   a new App; adds it to config.toml
  ghtok login play --client-id Iv23liX   the same, with the name \"play\"
  ghtok login --json                     events for a program, one per line

Enter opens the page with GHTOK_BROWSER, BROWSER (not over SSH without a display, and not in CI) or \
the system's browser, whichever is found first. Both variables are lists separated by \":\" (on \
Windows by \";\"). The command is split at spaces, unless it is the path of a file; no quoting, no \
shell. \"%s\" stands for the page; without it the page is the last argument.")]
pub(crate) struct Login {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    replace: Replace,
    /// Do not add a new App to config.toml
    #[arg(long)]
    no_save: bool,
    #[command(flatten)]
    page: PageFlags,
    /// Print events as JSON, one per line; errors are JSON on stderr
    #[arg(long)]
    json: bool,
}

/// Which stored sign-in may be replaced.
#[derive(Debug, Args)]
struct Replace {
    /// Sign in again even if the stored sign-in is valid
    #[arg(long)]
    force: bool,
    /// Allow another account to replace the one that is signed in
    #[arg(long)]
    switch_account: bool,
}

impl Subcommand for Login {
    fn flags(&self) -> Flags {
        self.target.flags()
    }

    fn wants_json(&self) -> bool {
        self.json
    }

    fn run(&self, session: &Session<'_>) -> Result<u8> {
        session.config.check_store()?;
        let (app, new_name) = match session.config.app_to_sign_in() {
            Err(Error::NoApp { .. }) if Terminal.has_person() && !self.json => {
                let flags = NewAppFlags::for_login(&self.flags(), &self.page);
                return NewApp::new(&flags, session)?.run();
            }
            found => found?,
        };
        SignInRun::new(&self.options(), session, app, new_name)
            .run()
            .map(|()| 0)
    }
}

impl Login {
    fn options(&self) -> SignInOptions {
        SignInOptions {
            present: if self.replace.force {
                Present::Replace
            } else {
                Present::Keep
            },
            switch_account: self.replace.switch_account,
            no_save: self.no_save,
            json: self.json,
            page: self.page.clone(),
            registered: RegisteredApp::default(),
        }
    }
}
