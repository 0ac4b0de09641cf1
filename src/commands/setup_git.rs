//! `ghtok setup git`: has git ask ghtok about the configured hosts, with consent, and takes it back.

mod other_helpers;
mod plan;

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use self::other_helpers::{forget, helper_of, keeper, seen_by};
use self::plan::{Plan, unreadable};
use crate::app::App;
use crate::config::GitPlaces;
use crate::error::{Error, Result, system_reason};
use crate::formats::git_config::include::{self, WithoutBlock};
use crate::formats::git_config::{
    self, Before, Coverage, CredentialSetting, GhtokCommand, HostSection, is_ghtok,
};
use crate::formats::plain_text::one_line;
use crate::host::HostKind;
use crate::plain_file;
use crate::system::git_file::LockedFile;
use crate::system::git_program::GitProgram;
use crate::system::public_file;
use crate::system::terminal::Terminal;

/// What `setup git` is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// To write the lines, once a person agrees.
    Ask,
    /// To write the lines; the caller has agreed (`--yes`).
    Agreed,
    /// To print the lines, for editing by hand.
    Print,
    /// To take the lines out.
    Undo,
}

/// What it works with.
pub struct Desk<'a> {
    /// Every known App, with the arguments by which the helper finds it.
    pub apps: Vec<(&'a App, Vec<String>)>,
    /// How git calls this program: by a path that stays the same.
    pub caller: GhtokCommand,
    /// Where git keeps what it is told.
    pub places: GitPlaces,
    /// How long another program may hold git's lock of the global file.
    pub limit: Duration,
    /// git itself, if it is on this machine.
    pub git: Option<GitProgram>,
    /// git's helpers in their order here, as git lists them; `None` where git does not say.
    pub helpers: &'a dyn Fn() -> Option<Vec<CredentialSetting>>,
    /// The standard streams.
    pub terminal: Terminal,
}

/// Does what is asked.
///
/// # Errors
/// If nobody agrees, a file cannot be read or changed, or git does not read what was written.
pub fn run(input: Input, desk: &Desk<'_>) -> Result<()> {
    match input {
        Input::Print => desk.terminal.data(&desk.printed()),
        Input::Undo => again_if_changed(|| desk.undo()),
        Input::Ask => desk.set_up(input),
        Input::Agreed => again_if_changed(|| desk.set_up(input)),
    }
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

const CHANGED: &str = "another program changed it at the same moment";

/// One file without ghtok's lines.
#[derive(PartialEq, Eq)]
struct Undone {
    text: Vec<u8>,
    was_new: bool,
    /// The digest of what was there before.
    digest: Option<String>,
    foreign: usize,
    included: Vec<PathBuf>,
}

impl Desk<'_> {
    /// One section for each host, and one for the gists of github.com, which are a host of their own.
    fn sections(&self) -> Vec<HostSection> {
        let mut sections: Vec<HostSection> = Vec::new();
        for (app, arguments) in &self.apps {
            let mut urls = vec![app.host.web_url()];
            if app.host.kind() == HostKind::GitHubCom {
                urls.push(format!("https://gist.{}", app.host));
            }
            for url in urls {
                if !sections.iter().any(|section| section.url == url) {
                    sections.push(HostSection {
                        url,
                        helper: self.caller.helper(arguments),
                        others: Vec::new(),
                    });
                }
            }
        }
        sections
    }

    fn set_up(&self, input: Input) -> Result<()> {
        let plan = self.plan()?;
        let file = &self.places.global;
        let own_before = read(&plan.own)?;
        if plan.present.as_ref() == Some(&plan.after)
            && own_before.as_ref() == Some(&plan.content)
            && self.is_seen(&plan)?
        {
            self.terminal
                .note(&format!("{} has these lines already", file.display()));
            self.warn(&plan);
            return Ok(());
        }
        self.show(&plan);
        if input == Input::Ask && !self.agreed()? {
            self.terminal.note("nothing was changed");
            return Ok(());
        }
        self.write(&plan, own_before.as_deref())?;
        if plan.foreign > 0 {
            self.terminal.note(&format!(
                "{} stood among ghtok's in {}; kept",
                lines_of_others(plan.foreign),
                file.display()
            ));
        }
        self.terminal
            .note("done; take it back with: ghtok setup git --undo");
        self.warn(&plan);
        Ok(())
    }

    fn show(&self, plan: &Plan) {
        let lossy = |text: &[u8]| String::from_utf8_lossy(text).into_owned();
        if plan.present.as_ref() != Some(&plan.after) {
            let include = bytes_of(&self.places.spelled(&plan.own));
            self.terminal.say(&format!(
                "In {}:\n\n[include]\n\tpath = {}\n",
                self.places.global.display(),
                one_line(&lossy(&include), 300)
            ));
        }
        self.terminal.say(&format!(
            "In {}:\n\n{}",
            plan.own.display(),
            lossy(&git_config::sections(&plan.hosts))
        ));
    }

    fn agreed(&self) -> Result<bool> {
        if self.terminal.has_person() {
            return Ok(self.terminal.ask("Write them?"));
        }
        Err(Error::Usage {
            message: "setup git: cannot ask for confirmation (no terminal)".into(),
            hint:
                "confirm with: ghtok setup git --yes, or see the lines with: ghtok setup git --print"
                    .into(),
        })
    }

    /// Writes both files, or none: what git does not read afterwards is taken back.
    fn write(&self, plan: &Plan, own_before: Option<&[u8]>) -> Result<()> {
        let file = &self.places.global;
        let locked = self.lock(file)?;
        if locked.content() != plan.present.as_deref() {
            return Err(changed_meanwhile(file));
        }
        let own_failed = |error: std::io::Error| Error::GitConfig {
            doing: "write",
            path: plan.own.clone(),
            cause: system_reason(&error),
        };
        if let Err(error) = public_file::replace(&plan.own, &plan.content) {
            if own_before.is_none() {
                public_file::remove_empty_folders(&plan.own, plan.folders);
            }
            return Err(own_failed(error));
        }
        let written = if plan.present.as_ref() == Some(&plan.after) {
            drop(locked);
            Ok(())
        } else {
            locked.replace(&plan.after)
        };
        let written = written.map_err(|error| failed("change", file, &error));
        let seen = written.and_then(|()| self.is_seen(plan));
        if matches!(seen, Ok(true)) {
            return Ok(());
        }
        match own_before {
            Some(content) => public_file::replace(&plan.own, content),
            None => fs::remove_file(&plan.own)
                .map(|()| public_file::remove_empty_folders(&plan.own, plan.folders)),
        }
        .map_err(own_failed)?;
        self.put_back(plan)?;
        seen?;
        let cause = if self.places.is_hidden {
            "git does not read it, because GIT_CONFIG_GLOBAL is set to nothing (empty, or /dev/null)"
                .into()
        } else {
            "git does not list ghtok's helper afterwards".into()
        };
        Err(Error::GitConfig {
            doing: "use",
            path: file.clone(),
            cause,
        })
    }

    fn put_back(&self, plan: &Plan) -> Result<()> {
        let file = &self.places.global;
        let locked = self.lock(file)?;
        if locked.content() == plan.present.as_deref() {
            return Ok(());
        }
        if locked.content() != Some(&plan.after) {
            return Err(changed_meanwhile(file));
        }
        match &plan.present {
            Some(present) => locked.replace(present),
            None => locked.remove(),
        }
        .map_err(|error| failed("change", file, &error))
    }

    fn undo(&self) -> Result<()> {
        let mut own = vec![self.places.own.clone(), self.places.beside.clone()];
        let mut is_done = false;
        let mut real: Vec<PathBuf> = Vec::new();
        for file in &self.places.all {
            // One that is there under two names is looked at once.
            let target = fs::canonicalize(file).unwrap_or_else(|_| file.clone());
            if !real.contains(&target) {
                real.push(target);
                is_done |= self.undo_in(file, &mut own)?;
            }
        }
        for file in own {
            let content = read(&file)?.unwrap_or_default();
            if let Some(before) = git_config::before(&content) {
                match fs::remove_file(&file) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                        return Err(failed("remove", &file, &error));
                    }
                    // Another undo may have been faster.
                    _ => {}
                }
                public_file::remove_empty_folders(&file, before.folders);
                self.terminal.note(&format!("removed {}", file.display()));
                is_done = true;
            }
        }
        if !is_done {
            let file = self.places.global.display();
            self.terminal
                .note(&format!("{file} has no lines of ghtok's"));
        }
        Ok(())
    }

    /// Takes ghtok's lines out of one file; true if there were any. Files that they include are added
    /// to `own`.
    fn undo_in(&self, file: &Path, own: &mut Vec<PathBuf>) -> Result<bool> {
        let Some(undone) = self.undone(file, &read(file)?.unwrap_or_default())? else {
            return Ok(false);
        };
        let locked = self.lock(file)?;
        let now = locked.content().unwrap_or_default();
        if self.undone(file, now)?.as_ref() != Some(&undone) {
            return Err(changed_meanwhile(file));
        }
        let shown = file.display();
        let removes = undone.was_new && undone.text.is_empty();
        let done = if removes {
            locked.remove()
        } else {
            locked.replace(&undone.text)
        };
        done.map_err(|error| failed("change", file, &error))?;
        self.terminal.note(&if removes {
            format!("removed {shown}, which setup git had created: all is as it was")
        } else if undone.digest == Some(plan::digest(&undone.text)) {
            format!("removed ghtok's lines from {shown}, which is as it was")
        } else {
            format!("removed ghtok's lines from {shown}")
        });
        if undone.foreign > 0 {
            let lines = lines_of_others(undone.foreign);
            self.terminal
                .note(&format!("{lines} stood among them; kept"));
        }
        for path in undone.included {
            if !own.contains(&path) {
                own.push(path);
            }
        }
        Ok(true)
    }

    fn undone(&self, file: &Path, text: &[u8]) -> Result<Option<Undone>> {
        let unreadable = |line| unreadable(file, line);
        let block = include::without_block(text).map_err(unreadable)?;
        let of_block = block.as_ref().map(WithoutBlock::text);
        let text = of_block.as_deref().unwrap_or(text);
        let included = self.included(file, text)?;
        let mut before = Before::default();
        for path in &included {
            let content = read(path).ok().flatten().unwrap_or_default();
            before = git_config::before(&content).unwrap_or(before);
        }
        let is_own = |path: &[u8]| self.is_own(path, file);
        let without = include::removed(text, is_own, before.line_ends).map_err(unreadable)?;
        if block.is_none() && included.is_empty() {
            return Ok(None);
        }
        Ok(Some(Undone {
            text: without.text,
            was_new: before.was_new || block.as_ref().is_some_and(|block| block.was_new),
            digest: before.digest.filter(|_| block.is_none()),
            foreign: block.map_or(0, |block| block.foreign),
            included,
        }))
    }

    /// The files of ghtok's that a text includes.
    fn included(&self, file: &Path, text: &[u8]) -> Result<Vec<PathBuf>> {
        let found = RefCell::new(Vec::new());
        let note = |path: &[u8]| {
            let is_own = self.is_own(path, file);
            if is_own {
                let path = self.places.expanded(&path_of(path), file);
                found.borrow_mut().push(path);
            }
            is_own
        };
        include::removed(text, note, 0).map_err(|line| unreadable(file, line))?;
        Ok(found.into_inner())
    }

    fn git(&self) -> Result<&GitProgram> {
        self.git.as_ref().ok_or_else(|| Error::GitConfig {
            doing: "ask",
            path: "git".into(),
            cause: "there is no git in the PATH".into(),
        })
    }

    fn lock(&self, file: &Path) -> Result<LockedFile> {
        LockedFile::lock(file, self.limit).map_err(|error| failed("change", file, &error))
    }

    /// Names who else sees the token, and who keeps an old one.
    fn warn(&self, plan: &Plan) {
        let sections = &plan.hosts[..];
        let entries = (self.helpers)().unwrap_or_default();
        for HostSection { url, .. } in sections {
            let last_own = entries.iter().rposition(|entry| {
                entry.scope == "global"
                    && helper_of(entry).is_some_and(is_ghtok)
                    && entry.matches(url) == Coverage::Whole
            });
            let after = last_own.map_or(0, |at| at + 1);
            let others = |entry: &&CredentialSetting| {
                entry.is_helper_for(url) && !helper_of(entry).is_some_and(is_ghtok)
            };
            for entry in entries[after..].iter().filter(others) {
                self.terminal.note(&seen_by(entry, url));
            }
        }
        for file in self.lost(plan) {
            self.terminal.note(&format!(
                "{} names helpers and is included on a condition: git asks them about ghtok's hosts only if that includeIf section stands after ghtok's",
                file.display()
            ));
        }
        for store in &self.places.plain_stores {
            self.warn_of_plain_text(store, sections);
        }
        let mut named: Vec<&str> = Vec::new();
        for name in entries.iter().filter_map(helper_of).filter_map(keeper) {
            if !named.contains(&name) {
                named.push(name);
                self.terminal.note(&forget(name, sections));
            }
        }
    }

    fn warn_of_plain_text(&self, store: &Path, sections: &[HostSection]) {
        let text = plain_file::read(store).ok().flatten().unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        for HostSection { url, .. } in sections {
            let host = url.split("://").nth(1).unwrap_or_default();
            let keeps = |line: &str| {
                line.rsplit('@')
                    .next()
                    .is_some_and(|rest| rest.trim_end_matches('/') == host)
            };
            if text.lines().any(keeps) {
                let store = store.display();
                self.terminal.note(&format!(
                    "an old token for {host} is left in {store}, in plain text: delete its line there"
                ));
            }
        }
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

/// A path's bytes, as git writes it.
pub fn bytes_of(path: &Path) -> Vec<u8> {
    #[cfg(unix)]
    return std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()).to_vec();
    #[cfg(not(unix))]
    path.to_string_lossy().replace('\\', "/").into_bytes()
}

/// The path that git wrote so.
fn path_of(bytes: &[u8]) -> PathBuf {
    #[cfg(unix)]
    return PathBuf::from(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(bytes));
    #[cfg(not(unix))]
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
}
