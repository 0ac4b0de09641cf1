//! `ghtok schedule install`: has the machine's scheduler run ghtok every hour.

use std::fs;
use std::path::{Path, PathBuf};

use super::Desk;
use super::program::{Lasting, lasting};
use crate::error::{Error, Result};
use crate::schedule::installer::{Installer, Stopped};
use crate::schedule::notes::Installed;
use crate::schedule::{Scheduler, Timer};

/// What `install` is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input {
    /// The scheduler, if one is named.
    pub scheduler: Option<Scheduler>,
    /// What to do with the files.
    pub deed: Deed,
}

/// What to do with the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Put them there.
    Install,
    /// Print them and change nothing.
    Print,
}

/// What is known of the timer before there is one.
pub struct Draft<'a> {
    /// It, with a minute that a first installation takes.
    pub timer: Timer,
    /// The variables of this shell that name ghtok's own folders.
    pub moved_by: Vec<&'static str>,
    /// The variable of this shell that names a proxy, if the configuration names none.
    pub proxy_variable: Option<&'static str>,
    /// Where the configuration is.
    pub config_file: &'a Path,
    /// Where it is remembered what was installed.
    pub state_dir: &'a Path,
}

/// Installs the timer, or prints it.
///
/// # Errors
/// If the program's path would not last, no scheduler works here, the chosen one refuses, or it has the
/// timer now but is not running.
pub fn run(input: Input, draft: Draft<'_>, desk: &Desk<'_>) -> Result<()> {
    let known = desk.notes.installed()?;
    // The minute stays from one installation to the next.
    let minute = known
        .as_ref()
        .map_or(draft.timer.minute, |known| known.timer.minute);
    let timer = Timer {
        minute,
        ..draft.timer
    };
    check_words(&timer)?;
    let lasts = check_program(&timer)?;
    let (scheduler, adapter) = match (input.deed, input.scheduler) {
        // What is only shown need not work here.
        (Deed::Print, Some(named)) => (named, (desk.scheduler)(named)),
        (_, named) => choose(named, known.as_ref(), desk)?,
    };
    if input.deed == Deed::Print {
        return print(adapter.as_ref(), &timer, desk);
    }
    let was_there = is_there(scheduler, &timer, known.as_ref(), adapter.as_ref());
    if !was_there {
        check_place(scheduler, adapter.as_ref(), known.as_ref())?;
        if let Some(known) = &known {
            // Before anything is taken away it is seen that notes can be written.
            desk.notes.remember(known)?;
        }
        desk.clear(known.as_ref().map(|known| known.scheduler), Some(scheduler))?;
        let mut made = known
            .as_ref()
            .map_or_else(Vec::new, |known| known.made.clone());
        made.extend(missing(adapter.as_ref(), draft.state_dir));
        let installed = Installed {
            scheduler,
            timer: timer.clone(),
            made,
        };
        put(&installed, known.as_ref(), adapter.as_ref(), desk)?;
    }
    let what = if was_there {
        "already installed"
    } else {
        "installed"
    };
    let command = timer.command().collect::<Vec<_>>().join(" ");
    let stopped = adapter.stopped();
    if stopped.is_none() {
        desk.terminal.note(&format!(
            "{what}: {scheduler} runs \"{command}\" at minute {minute} of every hour; see: ghtok schedule status"
        ));
    } else {
        desk.terminal.note(&format!(
            "{what}, but {scheduler} is not running: \"{command}\" at minute {minute} of every hour"
        ));
    }
    if scheduler == Scheduler::TaskScheduler {
        warn_of_folders(&draft.moved_by, desk);
    }
    if let Some(condition) = adapter.condition() {
        desk.terminal.note(&condition);
    }
    warn(lasts, draft.proxy_variable, draft.config_file, desk);
    match stopped {
        None => Ok(()),
        Some(Stopped { cause, cure }) => Err(Error::Timer {
            doing: "run the timer",
            cause: format!("{scheduler}: {cause}"),
            cure,
        }),
    }
}

fn check_words(timer: &Timer) -> Result<()> {
    if timer.is_writable() {
        return Ok(());
    }
    Err(Error::Usage {
        message: "schedule: a path has a control character in it, or is not in UTF-8: no scheduler's file can hold it".into(),
        hint: "rename it, and run again: ghtok schedule install".into(),
    })
}

fn check_program(timer: &Timer) -> Result<Lasting> {
    let tagged = |folder: &Path| folder.join("CACHEDIR.TAG").is_file();
    let program = &timer.program;
    let (what, cure) = match lasting(Path::new(program), &tagged) {
        Lasting::BuildFolder => (
            "is in a build folder, which the next cleaning empties",
            "install ghtok first, as in: cargo install --locked --path .",
        ),
        Lasting::Shim => (
            "is a version manager's stand-in, which finds nothing when a timer runs it",
            "run ghtok once by its own path, or install it outside the version manager, as in: cargo install ghtok",
        ),
        lasts => return Ok(lasts),
    };
    Err(Error::Usage {
        message: format!("schedule: {program} {what}"),
        hint: format!("{cure}; then: ghtok schedule install"),
    })
}

/// The scheduler that is named, or that has the timer already and still works, or the first that does;
/// one that is not running only if no other is.
fn choose(
    named: Option<Scheduler>,
    known: Option<&Installed>,
    desk: &Desk<'_>,
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
        let adapter = (desk.scheduler)(scheduler);
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
        cure: "have any scheduler of yours run this every hour: ghtok schedule run".into(),
    })
}

fn print(adapter: &dyn Installer, timer: &Timer, desk: &Desk<'_>) -> Result<()> {
    let files: Vec<String> = adapter
        .files(timer)
        .into_iter()
        .map(|file| format!("# {}\n{}", file.place, file.text.replace("\r\n", "\n")))
        .collect();
    desk.terminal.data(files.join("\n").as_bytes())
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
            cure: "give it another name, or name another scheduler with --scheduler".into(),
        }),
        Some(_) | None => Ok(()),
    }
}

/// Remembered first, so that whatever is left by an installation that was cut off can be removed.
fn put(
    installed: &Installed,
    before: Option<&Installed>,
    adapter: &dyn Installer,
    desk: &Desk<'_>,
) -> Result<()> {
    desk.notes.remember(installed)?;
    adapter.install(&installed.timer).map_err(|cause| {
        let left = take_back(installed, before, adapter, desk);
        Error::Timer {
            doing: "install the timer",
            cause: format!("{}: {cause}", installed.scheduler),
            cure: format!("{left}; name another with --scheduler, or have anything run this every hour: ghtok schedule run"),
        }
    })
}

/// Whole or not at all: what was there before is put back. Says how things are then.
fn take_back(
    installed: &Installed,
    before: Option<&Installed>,
    adapter: &dyn Installer,
    desk: &Desk<'_>,
) -> &'static str {
    let removed = adapter.remove();
    super::remove::tidy(&installed.made);
    let Some(before) = before else {
        if removed.is_err() {
            return "not all of it could be taken back: ghtok schedule remove";
        }
        let _ = desk.notes.forget();
        super::remove::tidy(&installed.made);
        return "nothing was changed";
    };
    let put_back = (desk.scheduler)(before.scheduler).install(&before.timer);
    if desk.notes.remember(before).is_ok() && put_back.is_ok() {
        "the previous timer stays"
    } else {
        "the previous timer could not be restored: ghtok schedule status"
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
fn warn_of_folders(moved_by: &[&str], desk: &Desk<'_>) {
    for name in moved_by {
        desk.terminal.note(&format!(
            "{name} is set here: the task sees it only if it is set for the user: setx {name} \"…\""
        ));
    }
}

fn warn(lasts: Lasting, proxy: Option<&'static str>, config_file: &Path, desk: &Desk<'_>) {
    let about_program = match lasts {
        Lasting::TemporaryFolder => {
            Some("this ghtok is in a temporary folder, which may be emptied")
        }
        Lasting::VersionFolder => {
            Some("this ghtok is in a folder of its version, which an upgrade may remove")
        }
        Lasting::Yes | Lasting::BuildFolder | Lasting::Shim => None,
    };
    if let Some(words) = about_program {
        desk.terminal.note(&format!(
            "{words}; from its new place run again: ghtok schedule install"
        ));
    }
    if let Some(variable) = proxy {
        desk.terminal.note(&format!(
            "the timer does not see {variable}; if it needs that proxy, write it into {}: proxy = \"…\"",
            config_file.display()
        ));
    }
}
