//! `ghtok setup git`: configures git to use ghtok for the configured hosts, with consent and with undo.

mod changes;
mod report;
mod undo;
mod warnings;
mod write;

use std::path::Path;
use std::time::Duration;

use clap::Args;

pub(super) use self::report::{GitReport, HostReport, report};
use crate::app::App;
use crate::commands::Described;
use crate::config::{Environment, Flags, GitPlaces};
use crate::error::{Error, Result, system_reason};
use crate::formats::git_config::{BadLine, GhtokCommand, HostSection, bytes_of, include};
use crate::formats::git_credential::credential_urls;
use crate::plain_file;
use crate::session::{Session, stable_program};
use crate::system::git_file::LockedFile;
use crate::system::git_program::GitProgram;
use crate::system::terminal::Terminal;

/// Configure git to use ghtok for the hosts of your Apps
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ghtok setup git           show the lines, ask, and write them
  ghtok setup git --ssh     also use https for git@github.com: addresses
  ghtok setup git --print   print the lines, if you edit the file yourself
  ghtok setup git --undo    remove what setup git wrote")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(super) struct SetupGit {
    #[command(flatten)]
    described: Described,
    /// Remove the lines again
    #[arg(long)]
    undo: bool,
    /// Print the lines without writing them
    #[arg(long, conflicts_with = "undo")]
    print: bool,
    /// Also use https where an address says SSH (git@HOST: and ssh://git@HOST/), until --undo
    #[arg(long, conflicts_with = "undo")]
    ssh: bool,
    /// Write the lines without asking
    #[arg(long, conflicts_with_all = ["undo", "print"])]
    yes: bool,
}

/// Whether a person agrees to the change.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Consent {
    Ask,
    Given,
}

/// git's files, and what is written into them.
struct GitSetup<'a> {
    /// Every known App, with the arguments by which the helper finds it.
    apps: Vec<(&'a App, Vec<String>)>,
    /// How git calls this program: by a path that stays the same.
    ghtok: GhtokCommand,
    places: GitPlaces,
    /// Whether a person wants https in place of SSH.
    wants_ssh: bool,
    /// How long another program may hold git's lock of the global file.
    limit: Duration,
    /// git itself, if it is on this machine.
    git: Option<GitProgram>,
    terminal: Terminal,
}

impl SetupGit {
    pub(super) fn flags(&self) -> Flags {
        self.described.flags()
    }

    pub(super) fn run(&self, session: &Session<'_>) -> Result<()> {
        let apps = apps_of(session);
        if apps.is_empty() && !self.undo {
            session.config.app(None)?;
        }
        let setup = GitSetup::new(apps, self.ssh, session)?;
        if self.print {
            setup.terminal.data(&setup.printed())
        } else if self.undo {
            again_if_changed(|| setup.undo())
        } else if self.yes {
            again_if_changed(|| setup.set_up(Consent::Given))
        } else {
            setup.set_up(Consent::Ask)
        }
    }
}

/// Every known App, with the arguments by which the helper finds it.
fn apps_of<'a>(session: &'a Session<'_>) -> Vec<(&'a App, Vec<String>)> {
    let apps = session.config.all_apps();
    apps.map(|app| (app, session.flags_of(app))).collect()
}

/// Removes what `setup git` wrote.
///
/// # Errors
/// What git's files, or the system, say.
pub(super) fn undo(session: &Session<'_>) -> Result<()> {
    let setup = GitSetup::new(apps_of(session), false, session)?;
    again_if_changed(|| setup.undo())
}

/// Two of these at once, in a script that sets up a machine, both succeed.
fn again_if_changed(mut change: impl FnMut() -> Result<()>) -> Result<()> {
    const MOST: usize = 10;
    let was_changed =
        |done: &Result<()>| matches!(done, Err(Error::GitConfig { cause, .. }) if cause == CHANGED);
    let mut done = change();
    for _ in 1..MOST {
        if !was_changed(&done) {
            break;
        }
        done = change();
    }
    done
}

const CHANGED: &str = "another program changed it at the same time";

impl<'a> GitSetup<'a> {
    fn new(
        apps: Vec<(&'a App, Vec<String>)>,
        wants_ssh: bool,
        session: &Session<'_>,
    ) -> Result<Self> {
        let environment = Environment::from_process();
        // What flags or variables describe is found without the configuration.
        let is_named = apps.iter().any(|(app, _)| app.name.is_some());
        let config_dir = environment.unusual_config_dir()?.filter(|_| is_named);
        Ok(Self {
            apps,
            ghtok: GhtokCommand {
                program: bytes_of(&stable_program(&environment)),
                config_dir: config_dir.as_deref().map(bytes_of),
            },
            places: environment.git_places()?,
            wants_ssh,
            limit: session.machine.limits.git_lock,
            git: GitProgram::find(&environment.path_or_usual()),
            terminal: Terminal,
        })
    }

    /// One section for each host.
    fn sections(&self) -> Vec<HostSection> {
        let mut sections: Vec<HostSection> = Vec::new();
        for (app, arguments) in &self.apps {
            for url in credential_urls(&app.host) {
                if !sections.iter().any(|section| section.url == url) {
                    sections.push(HostSection {
                        url,
                        helper: self.ghtok.helper(arguments),
                        others: Vec::new(),
                        replaces_ssh: self.wants_ssh,
                    });
                }
            }
        }
        sections
    }

    /// The files of ghtok's that a text includes, as they are named there.
    fn own_includes(&self, file: &Path, text: &[u8]) -> Result<Vec<Vec<u8>>> {
        let mut paths = include::unconditional(text).map_err(|line| unreadable(file, line))?;
        paths.retain(|path| self.is_own(path, file));
        Ok(paths)
    }

    fn git(&self) -> Result<&GitProgram> {
        self.git.as_ref().ok_or_else(|| Error::GitConfig {
            doing: "ask",
            path: "git".into(),
            cause: "git is not in the PATH".into(),
        })
    }

    fn lock(&self, file: &Path) -> Result<LockedFile> {
        LockedFile::lock(file, self.limit).map_err(|error| failed("change", file, &error))
    }
}

fn unreadable(file: &Path, BadLine(line): BadLine) -> Error {
    Error::GitConfig {
        doing: "read",
        path: file.to_owned(),
        cause: format!("bad config line {line}"),
    }
}

fn lines_of_others(count: usize) -> String {
    match count {
        1 => "1 line that is not ghtok's".into(),
        _ => format!("{count} lines that are not ghtok's"),
    }
}

fn changed_meanwhile(file: &Path) -> Error {
    Error::GitConfig {
        doing: "change",
        path: file.to_owned(),
        cause: CHANGED.into(),
    }
}

fn failed(doing: &'static str, file: &Path, error: &std::io::Error) -> Error {
    Error::GitConfig {
        doing,
        path: file.to_owned(),
        cause: system_reason(error),
    }
}

fn read(file: &Path) -> Result<Option<Vec<u8>>> {
    plain_file::read(file).map_err(|error| failed("read", file, &error))
}
