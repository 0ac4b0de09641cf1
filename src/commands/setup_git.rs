//! `ghtok setup git`: has git ask ghtok about the configured hosts, with consent, and takes it back.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::app::App;
use crate::error::{Error, Result, system_reason};
use crate::formats::git_config::{self, Entry, Rest, Section};
use crate::formats::plain_text::one_line;
use crate::host::HostKind;
use crate::system::git_file::LockedFile;
use crate::system::terminal::Terminal;
use crate::system::text_file;

/// What `setup git` is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// To write the lines, once a person agrees.
    Ask,
    /// To write the lines; the caller has agreed (`--yes`).
    Agreed,
    /// To print the lines for who edits by hand.
    Print,
    /// To take the lines out.
    Undo,
}

/// What it works with.
pub struct Desk<'a> {
    /// Every known App, with the arguments by which the helper finds it.
    pub apps: Vec<(&'a App, Vec<String>)>,
    /// This program, by a path that stays the same.
    pub program: String,
    /// git's global configuration.
    pub file: PathBuf,
    /// How long another program may hold git's lock of that file.
    pub limit: Duration,
    /// Where git keeps passwords in plain text, if it does.
    pub plain_stores: Vec<PathBuf>,
    /// git's helpers in their order, as git lists them; `None` where git does not say.
    pub helpers: &'a dyn Fn() -> Option<Vec<Entry>>,
    /// The standard streams.
    pub terminal: Terminal,
}

/// Does what is asked.
///
/// # Errors
/// If nobody agrees, or the file cannot be read or changed.
pub fn run(input: Input, desk: &Desk<'_>) -> Result<()> {
    let sections = desk.sections();
    let lines = git_config::lines(&sections);
    match input {
        Input::Print => desk.terminal.data(lines.as_bytes()),
        Input::Undo => desk.undo(),
        Input::Ask | Input::Agreed => {
            if desk.write(input, &lines)? {
                desk.warn(&sections);
            }
            Ok(())
        }
    }
}

impl Desk<'_> {
    /// One section for each host, and one for the gists of github.com, which are a host of their own.
    fn sections(&self) -> Vec<Section> {
        let mut sections: Vec<Section> = Vec::new();
        for (app, arguments) in &self.apps {
            let mut urls = vec![app.host.web_url()];
            if app.host.kind() == HostKind::GitHubCom {
                urls.push(format!("https://gist.{}", app.host));
            }
            let path = if self.needs_path(app) {
                git_config::Path::Sent
            } else {
                git_config::Path::Unsaid
            };
            for url in urls {
                if !sections.iter().any(|section| section.url == url) {
                    sections.push(Section {
                        url,
                        helper: git_config::helper(&self.program, arguments),
                        path,
                    });
                }
            }
        }
        sections
    }

    fn needs_path(&self, app: &App) -> bool {
        let mut here = self.apps.iter().filter(|(other, _)| other.host == app.host);
        here.any(|(other, _)| !other.owners.is_empty())
    }

    /// True if the lines are there now.
    fn write(&self, input: Input, lines: &str) -> Result<bool> {
        let present = self.read()?;
        let before = match &present {
            None => None,
            Some(text) => match self.without_ours(text)? {
                Rest::NotThere => Some(text.clone()),
                Rest::File(rest) => Some(rest),
                Rest::NoFile => None,
            },
        };
        let after = git_config::added(before.as_deref(), lines);
        if present.as_ref() == Some(&after) {
            self.terminal
                .note(&format!("{} has these lines already", self.file.display()));
            return Ok(true);
        }
        self.terminal.say(&format!(
            "To the end of {}:\n\n{lines}",
            self.file.display()
        ));
        if input == Input::Ask && !self.agreed()? {
            self.terminal.note("nothing was changed");
            return Ok(false);
        }
        let locked = self.lock()?;
        if locked.content() != present.as_deref() {
            return Err(Error::GitConfig {
                doing: "change",
                path: self.file.clone(),
                cause: "another program changed it at the same moment".into(),
            });
        }
        locked
            .replace(&after)
            .map_err(|error| self.failed("change", &error))?;
        self.terminal
            .note("done; take it back with: ghtok setup git --undo");
        Ok(true)
    }

    fn agreed(&self) -> Result<bool> {
        if self.terminal.has_person() {
            return Ok(self.terminal.ask("Write them?"));
        }
        Err(Error::Usage {
            message: "setup git: nobody is here to agree to the change".into(),
            hint:
                "agree with: ghtok setup git --yes, or see the lines with: ghtok setup git --print"
                    .into(),
        })
    }

    fn undo(&self) -> Result<()> {
        let ours = |text: &[u8]| self.without_ours(text).map(|rest| rest != Rest::NotThere);
        if !self.read()?.as_deref().map_or(Ok(false), ours)? {
            let file = self.file.display();
            self.terminal
                .note(&format!("{file} has no lines of ghtok's"));
            return Ok(());
        }
        let locked = self.lock()?;
        let rest = self.without_ours(locked.content().unwrap_or_default())?;
        let done = match rest {
            Rest::NotThere => Ok(()),
            Rest::File(rest) => locked.replace(&rest),
            Rest::NoFile => locked.remove(),
        };
        done.map_err(|error| self.failed("change", &error))?;
        self.terminal
            .note(&format!("{} is as it was", self.file.display()));
        Ok(())
    }

    fn read(&self) -> Result<Option<Vec<u8>>> {
        text_file::read(&self.file).map_err(|error| self.failed("read", &error))
    }

    fn lock(&self) -> Result<LockedFile> {
        LockedFile::lock(&self.file, self.limit).map_err(|error| self.failed("change", &error))
    }

    fn without_ours(&self, text: &[u8]) -> Result<Rest> {
        git_config::removed(text).map_err(|line| Error::GitConfig {
            doing: "take ghtok's lines out of",
            path: self.file.clone(),
            cause: format!(
                "a line among them is new or missing: {}",
                one_line(&line, 80)
            ),
        })
    }

    fn failed(&self, doing: &'static str, error: &std::io::Error) -> Error {
        Error::GitConfig {
            doing,
            path: self.file.clone(),
            cause: system_reason(error),
        }
    }

    /// Names who else sees the token, and who keeps an old one.
    fn warn(&self, sections: &[Section]) {
        let entries = (self.helpers)().unwrap_or_default();
        for Section { url, helper, .. } in sections {
            let ours =
                |entry: &Entry| entry.helper == *helper && entry.pattern.as_deref() == Some(url);
            let after = entries.iter().rposition(ours).map_or(0, |at| at + 1);
            for entry in entries[after..].iter().filter(|entry| entry.concerns(url)) {
                self.terminal.note(&seen_by(entry, url));
            }
        }
        for store in &self.plain_stores {
            self.warn_of_plain_text(store, sections);
        }
        let mut named: Vec<&str> = Vec::new();
        for name in entries.iter().filter_map(|entry| keeper(&entry.helper)) {
            if !named.contains(&name) {
                named.push(name);
                self.terminal.note(&forget(name, sections));
            }
        }
    }

    fn warn_of_plain_text(&self, store: &Path, sections: &[Section]) {
        let text = text_file::read(store).ok().flatten().unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        for Section { url, .. } in sections {
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

fn seen_by(entry: &Entry, url: &str) -> String {
    let place = one_line(&entry.origin, 200);
    if entry.helper.is_empty() {
        return format!(
            "{place} begins the list of helpers anew: where it counts, git does not ask ghtok about {url}"
        );
    }
    let helper = one_line(&entry.helper, 80);
    format!(
        "the helper \"{helper}\" ({place}) comes after ghtok: git before 2.46 hands it the token for {url}"
    )
}

/// The name of a helper that keeps what it is given.
fn keeper(helper: &str) -> Option<&'static str> {
    const KEEPERS: [&str; 5] = ["osxkeychain", "wincred", "manager", "libsecret", "cache"];
    let mut words = helper.split([' ', '/', '\\', '-', '.']);
    words.find_map(|word| KEEPERS.into_iter().find(|known| word == *known))
}

fn forget(name: &str, sections: &[Section]) -> String {
    let url = sections.first().map_or("", |section| section.url.as_str());
    format!(
        "the helper \"{name}\" may still keep an old token; have it forget with: echo url={url} | git credential-{name} erase"
    )
}
