//! `ghtok schedule install`: configures the machine's scheduler to run ghtok every hour.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use super::Timers;
use super::program_path::ProgramPath;
use crate::commands::Described;
use crate::error::{Error, Result};
use crate::github::ProxySetting;
use crate::schedule::installer::{Installer, Stopped, remove_empty_folders};
use crate::schedule::notes::Installed;
use crate::schedule::{Scheduler, Timer};
use crate::session::{Session, clear_timer};
use crate::system::terminal::Terminal;

/// Install a timer that runs ghtok every hour
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ghtok schedule install                    with the first that works
  ghtok schedule install --scheduler cron
  ghtok schedule install --print            print the files, write none")]
pub(super) struct Install {
    #[command(flatten)]
    pub(super) described: Described,
    /// Scheduler to use [default: the first that works]
    #[arg(long, value_enum, value_name = "NAME")]
    scheduler: Option<Scheduler>,
    /// Print the files without writing them
    #[arg(long)]
    print: bool,
}

impl Install {
    /// Installs the timer, or prints it.
    ///
    /// # Errors
    /// If the program's path would not last, no scheduler works here, the chosen one refuses, or it has
    /// the timer now but is not running.
    pub(super) fn run(&self, session: &Session<'_>) -> Result<()> {
        session.config.check_store()?;
        // Without an App there is nothing to look after.
        if session.config.all_apps().next().is_none() {
            session.config.app(None)?;
        }
        let timers = Timers::of(session)?;
        let known = timers.notes.installed()?;
        let known = known.as_ref();
        // The minute stays from one installation to the next.
        let minute = known.map_or(timers.timer.minute, |known| known.timer.minute);
        let timer = Timer {
            minute,
            ..timers.timer.clone()
        };
        check_words(&timer)?;
        let path_kind = check_program(&timer)?;
        let (scheduler, adapter) = match self.scheduler {
            // What is only shown need not work here.
            Some(named) if self.print => (named, timers.installer(named)),
            named => choose(named, known, &timers)?,
        };
        let adapter = adapter.as_ref();
        if self.print {
            return print(adapter, &timer);
        }
        let was_there = is_there(scheduler, &timer, known, adapter);
        if !was_there {
            replace(scheduler, &timer, known, adapter, &timers)?;
        }
        let stopped = adapter.stopped();
        tell(was_there, stopped.is_some(), scheduler, &timer);
        if scheduler == Scheduler::TaskScheduler {
            warn_of_folders(&timers.environment.folder_variables());
        }
        if let Some(condition) = adapter.condition() {
            Terminal.note(&condition);
        }
        warn_of_program(path_kind);
        warn_of_proxy(session);
        match stopped {
            None => Ok(()),
            Some(Stopped { cause, fix }) => Err(Error::Timer {
                doing: "run the timer",
                cause: format!("{scheduler}: {cause}"),
                fix,
            }),
        }
    }
}

/// Takes the timer away from where it was, and installs it with this scheduler.
fn replace(
    scheduler: Scheduler,
    timer: &Timer,
    known: Option<&Installed>,
    adapter: &dyn Installer,
    timers: &Timers<'_>,
) -> Result<()> {
    check_place(scheduler, adapter, known)?;
    if let Some(known) = known {
        // Before anything is taken away it is seen that notes can be written.
        timers.notes.remember(known)?;
    }
    clear_timer(
        &timers.paths,
        known.map(|known| known.scheduler),
        Some(scheduler),
    )?;
    let mut made = known.map_or_else(Vec::new, |known| known.made.clone());
    made.extend(missing(adapter, &timers.session.config.state_dir));
    let installed = Installed {
        scheduler,
        timer: timer.clone(),
        made,
    };
    put(&installed, known, adapter, timers)
}

fn tell(was_there: bool, is_stopped: bool, scheduler: Scheduler, timer: &Timer) {
    let what = if was_there {
        "already installed"
    } else {
        "installed"
    };
    let command = timer.command().collect::<Vec<_>>().join(" ");
    let minute = timer.minute;
    if is_stopped {
        Terminal.note(&format!(
            "{what}, but {scheduler} is not running: \"{command}\" at minute {minute} of every hour"
        ));
    } else {
        Terminal.note(&format!(
            "{what}: {scheduler} runs \"{command}\" at minute {minute} of every hour; see:\n  ghtok schedule status"
        ));
    }
}

fn check_words(timer: &Timer) -> Result<()> {
    if timer.is_writable() {
        return Ok(());
    }
    Err(Error::Usage {
        message: "schedule: a path has a control character or is not UTF-8, so it cannot be written into a scheduler's file".into(),
        hint: "rename it, and run again:\n  ghtok schedule install".into(),
    })
}

fn check_program(timer: &Timer) -> Result<ProgramPath> {
    let tagged = |folder: &Path| folder.join("CACHEDIR.TAG").is_file();
    let program = &timer.program;
    let (what, fix) = match ProgramPath::of(Path::new(program), &tagged) {
        ProgramPath::BuildFolder => (
            "is in a build folder, which may be emptied",
            "install ghtok first, for example:\n  cargo install --locked --path .",
        ),
        ProgramPath::Shim => (
            "is a version manager's shim, which does not work in a timer",
            "run ghtok by its real path, or install it outside the version manager, for example:\n  cargo install ghtok",
        ),
        kind => return Ok(kind),
    };
    Err(Error::Usage {
        message: format!("schedule: {program} {what}"),
        hint: format!("{fix}\nthen:\n  ghtok schedule install"),
    })
}

/// The scheduler that is named, or that has the timer already and still works, or the first that does;
/// one that is not running only if no other is.
fn choose(
    named: Option<Scheduler>,
    known: Option<&Installed>,
    timers: &Timers<'_>,
) -> Result<(Scheduler, Box<dyn Installer>)> {
    let known = known.map(|known| known.scheduler);
    let mut problems = Vec::new();
    let mut idle = None;
    let candidates: Vec<_> = match named {
        Some(scheduler) => vec![scheduler],
        None => {
            let others = Scheduler::ALL.into_iter().filter(|it| known != Some(*it));
            known.into_iter().chain(others).collect()
        }
    };
    for scheduler in candidates {
        let adapter = timers.installer(scheduler);
        match adapter.probe() {
            Ok(()) if adapter.stopped().is_none() => return Ok((scheduler, adapter)),
            Ok(()) => idle = idle.or(Some((scheduler, adapter))),
            Err(cause) => problems.push(format!("{scheduler}: {cause}")),
        }
    }
    idle.ok_or_else(|| Error::Timer {
        doing: match named {
            Some(_) => "use that scheduler",
            None => "find a scheduler that works here",
        },
        cause: problems.join("; "),
        fix: "run this every hour with another scheduler:\n  ghtok schedule run".into(),
    })
}

fn print(adapter: &dyn Installer, timer: &Timer) -> Result<()> {
    let files: Vec<String> = adapter
        .files(timer)
        .into_iter()
        .map(|file| format!("# {}\n{}", file.place, file.text.replace("\r\n", "\n")))
        .collect();
    Terminal.data(files.join("\n").as_bytes())
}

fn is_there(
    scheduler: Scheduler,
    timer: &Timer,
    known: Option<&Installed>,
    adapter: &dyn Installer,
) -> bool {
    let is_known = known.is_some_and(|known| known.scheduler == scheduler && known.timer == *timer);
    is_known && adapter.inspect(timer).drift.is_empty()
}

/// What somebody else wrote is not replaced.
fn check_place(
    scheduler: Scheduler,
    adapter: &dyn Installer,
    known: Option<&Installed>,
) -> Result<()> {
    let is_ours = known.is_some_and(|known| known.scheduler == scheduler);
    match adapter.foreign() {
        Some(path) if !is_ours => Err(Error::Timer {
            doing: "install the timer",
            cause: format!("{} was not written by ghtok", path.display()),
            fix: "rename that file, or select another scheduler with --scheduler".into(),
        }),
        Some(_) | None => Ok(()),
    }
}

/// Remembered first, so that whatever is left by an installation that was cut off can be removed.
fn put(
    installed: &Installed,
    before: Option<&Installed>,
    adapter: &dyn Installer,
    timers: &Timers<'_>,
) -> Result<()> {
    timers.notes.remember(installed)?;
    adapter.install(&installed.timer).map_err(|cause| {
        let left = take_back(installed, before, adapter, timers);
        Error::Timer {
            doing: "install the timer",
            cause: format!("{}: {cause}", installed.scheduler),
            fix: format!("{left}\nselect another with --scheduler, or run this every hour in another way:\n  ghtok schedule run"),
        }
    })
}

/// Whole or not at all: what was there before is put back. Says how things are then.
fn take_back(
    installed: &Installed,
    before: Option<&Installed>,
    adapter: &dyn Installer,
    timers: &Timers<'_>,
) -> &'static str {
    let removed = adapter.remove();
    remove_empty_folders(&installed.made);
    let Some(before) = before else {
        if removed.is_err() {
            return "some changes could not be undone, remove them with:\n  ghtok schedule remove";
        }
        let _ = timers.notes.forget();
        remove_empty_folders(&installed.made);
        return "nothing was changed";
    };
    let put_back = timers.installer(before.scheduler).install(&before.timer);
    if timers.notes.remember(before).is_ok() && put_back.is_ok() {
        "the previous timer stays"
    } else {
        "the previous timer could not be restored, see:\n  ghtok schedule status"
    }
}

/// The folders that this is going to make, each after those below it.
fn missing(adapter: &dyn Installer, state_dir: &Path) -> Vec<String> {
    let mut folders = adapter.folders();
    folders.extend(state_dir.ancestors().take(3).map(PathBuf::from));
    let is_missing = |folder: &&PathBuf| fs::symlink_metadata(folder).is_err();
    let missing = folders.iter().filter(is_missing);
    missing.map(|folder| folder.display().to_string()).collect()
}

/// A task has no place for variables.
fn warn_of_folders(variables: &[&str]) {
    for name in variables {
        Terminal.note(&format!(
            "{name} is set only here; set it for the user so that the task sees it:\n  setx {name} \"…\""
        ));
    }
}

fn warn_of_program(kind: ProgramPath) {
    let about_program = match kind {
        ProgramPath::TemporaryFolder => "this ghtok is in a temporary folder, which may be emptied",
        ProgramPath::VersionFolder => {
            "this ghtok is in a folder for one version, which an upgrade may remove"
        }
        ProgramPath::Lasting | ProgramPath::BuildFolder | ProgramPath::Shim => return,
    };
    Terminal.note(&format!(
        "{about_program}; after moving it, run again:\n  ghtok schedule install"
    ));
}

/// A proxy that only this shell's environment names.
fn warn_of_proxy(session: &Session<'_>) {
    let proxy = session.config.network.proxy.as_ref();
    if let Some(variable) = proxy.and_then(ProxySetting::variable) {
        Terminal.note(&format!(
            "the timer does not see {variable}; if it needs that proxy, write it into {}:\n  proxy = \"…\"",
            session.config.file.display()
        ));
    }
}
