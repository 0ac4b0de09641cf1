//! The arguments of `setup`.

use clap::{Args, Subcommand};

use super::Described;
use crate::commands::setup_git;
use crate::config::Flags;

/// Arguments of `setup`.
#[derive(Debug, Args)]
pub struct Setup {
    /// Which program.
    #[command(subcommand)]
    pub program: Program,
}

/// The programs that can be set up.
#[derive(Debug, Subcommand)]
pub enum Program {
    /// Have git ask ghtok about the hosts of your Apps
    #[command(before_help = "Examples:
  ghtok setup git           show the lines, ask, and write them
  ghtok setup git --print   for who edits by hand
  ghtok setup git --undo    as it was, to the byte")]
    Git(SetupGit),
}

/// Arguments of `setup git`.
#[derive(Debug, Args)]
pub struct SetupGit {
    #[command(flatten)]
    described: Described,
    /// Take the lines out again
    #[arg(long)]
    undo: bool,
    /// Print the lines and change nothing
    #[arg(long, conflicts_with = "undo")]
    print: bool,
    /// Write them without asking
    #[arg(long, conflicts_with_all = ["undo", "print"])]
    yes: bool,
}

impl SetupGit {
    /// The command's input.
    pub fn input(&self) -> setup_git::Input {
        match (self.undo, self.print, self.yes) {
            (true, _, _) => setup_git::Input::Undo,
            (_, true, _) => setup_git::Input::Print,
            (_, _, true) => setup_git::Input::Agreed,
            (false, false, false) => setup_git::Input::Ask,
        }
    }
}

impl Setup {
    pub(super) fn flags(&self) -> Flags {
        let Program::Git(git) = &self.program;
        git.described.flags()
    }
}
