//! `ghtok sandbox`: tokens for a sandbox, a container or a remote machine, through a socket.

mod command_env;
mod ending;
pub(crate) mod gh;
mod list;
mod log;
mod policy;
mod revoke;
mod run;
mod serve;

use clap::Args;

use self::list::List;
use self::log::Log;
use self::policy::PolicyFlags;
use self::revoke::Revoke;
use self::run::SandboxRun;
use self::serve::Serve;
use crate::commands::Subcommand;
use crate::config::Flags;
use crate::error::{Error, Result};
use crate::session::Session;

/// Give a sandbox, a container or a remote machine tokens through a socket
#[derive(Debug, Args)]
#[command(
    disable_help_subcommand = true,
    after_help = "A sandbox gets no refresh token and no client secret. Its tokens are scoped, which needs the
client secret of the App (ghtok app secret set); --full-token gives it the user access token
itself.

Examples:
  ghtok sandbox run --repo octocat/hello --read-only -- ./agent.sh
  ghtok sandbox serve build --repo octocat/hello --read-only
  ghtok sandbox list
  ghtok sandbox revoke build"
)]
pub(crate) struct Sandbox {
    #[command(subcommand)]
    action: SandboxAction,
}

#[derive(Debug, clap::Subcommand)]
enum SandboxAction {
    Run(SandboxRun),
    Serve(Serve),
    List(List),
    Revoke(Revoke),
    Log(Log),
}

impl Subcommand for Sandbox {
    fn flags(&self) -> Flags {
        match &self.action {
            SandboxAction::Run(run) => run.flags(),
            SandboxAction::Serve(serve) => serve.flags(),
            SandboxAction::Revoke(revoke) => revoke.flags(),
            SandboxAction::List(_) | SandboxAction::Log(_) => Flags::default(),
        }
    }

    fn wants_json(&self) -> bool {
        matches!(&self.action, SandboxAction::List(list) if list.json)
    }

    fn run(&self, session: &Session<'_>) -> Result<u8> {
        match &self.action {
            SandboxAction::Run(run) => run.run(session),
            SandboxAction::Serve(serve) => serve.run(session),
            SandboxAction::List(list) => list.run(session).map(|()| 0),
            SandboxAction::Revoke(revoke) => revoke.run(session).map(|()| 0),
            SandboxAction::Log(log) => log.run(session).map(|()| 0),
        }
    }

    fn exit_code(&self, error: &Error) -> u8 {
        match &self.action {
            SandboxAction::Run(_) => error.wrapper_exit_code(),
            _ => error.exit_code(),
        }
    }
}
