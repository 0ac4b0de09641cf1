//! Who else sees the token, and who keeps an old one.

use std::path::{Path, PathBuf};

use super::GitSetup;
use super::changes::GitChanges;
use crate::formats::git_config::{
    CredentialSetting, HostSection, PatternMatch, Setting, include, is_ghtok, listing, path_of,
};
use crate::formats::git_credential::has_password_for;
use crate::formats::plain_text::one_line;
use crate::plain_file;

impl GitSetup<'_> {
    /// Names who else sees the token, and who keeps an old one.
    pub(super) fn warn(&self, changes: &GitChanges) {
        let sections = &changes.hosts[..];
        let entries = self.helpers_here().unwrap_or_default();
        for HostSection { url, .. } in sections {
            let last_own = entries.iter().rposition(|entry| {
                entry.scope == "global"
                    && helper_of(entry).is_some_and(is_ghtok)
                    && entry.matches(url) == PatternMatch::Whole
            });
            let after = last_own.map_or(0, |at| at + 1);
            let others = |entry: &&CredentialSetting| {
                entry.is_helper_for(url) && !helper_of(entry).is_some_and(is_ghtok)
            };
            for entry in entries[after..].iter().filter(others) {
                self.terminal.note(&seen_by(entry, url));
            }
        }
        for file in self.lost(changes) {
            self.terminal.note(&format!(
                "{} names helpers and is included with includeIf: git asks them about ghtok's hosts only if that section is after ghtok's",
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
            if has_password_for(url, &text) {
                let host = url.split("://").nth(1).unwrap_or_default();
                let store = store.display();
                self.terminal.note(&format!(
                    "{store} still has an old token for {host} in plain text: delete that line"
                ));
            }
        }
    }

    /// git's helpers in their order here; `None` where git does not say.
    fn helpers_here(&self) -> Option<Vec<CredentialSetting>> {
        let printed = self.git.as_ref()?.of_current_folder()?;
        Some(listing(&printed))
    }

    /// Files that are included on a condition before ghtok's, and name helpers for its hosts: those are
    /// reset with all others.
    fn lost(&self, changes: &GitChanges) -> Vec<PathBuf> {
        let file = &self.places.global;
        let found = include::removed(&changes.after, |path| self.is_own(path, file), 0);
        let at = found.ok().and_then(|found| found.at);
        let before = &changes.after[..at.unwrap_or(changes.after.len())];
        let mut paths: Vec<PathBuf> = Vec::new();
        for path in include::conditional(before).unwrap_or_default() {
            let path = self.places.expanded(&path_of(&path), file);
            let printed = self.git.as_ref().and_then(|git| git.of_file(&path).ok());
            let names_helpers = listing(&printed.unwrap_or_default()).iter().any(|entry| {
                changes
                    .hosts
                    .iter()
                    .any(|host| entry.is_helper_for(&host.url))
            });
            if names_helpers && !paths.contains(&path) {
                paths.push(path);
            }
        }
        paths
    }
}

/// The helper that a line names.
fn helper_of(entry: &CredentialSetting) -> Option<&[u8]> {
    match &entry.setting {
        Setting::Helper(helper) => Some(helper),
        Setting::UseHttpPath(_) => None,
    }
}

/// What is said of a helper, or of a reset, that git reads after ghtok's lines.
fn seen_by(entry: &CredentialSetting, url: &str) -> String {
    let place = one_line(&String::from_utf8_lossy(&entry.origin), 200);
    let helper = String::from_utf8_lossy(helper_of(entry).unwrap_or_default());
    if helper.is_empty() {
        return format!(
            "{place} resets the list of helpers: where it applies, git does not ask ghtok about {url}"
        );
    }
    let helper = one_line(&helper, 80);
    format!(
        "the helper \"{helper}\" ({place}) comes after ghtok: git before 2.46 gives it the token for {url}"
    )
}

/// The name of a helper that keeps what it is given.
fn keeper(helper: &[u8]) -> Option<&'static str> {
    const KEEPERS: [&str; 5] = ["osxkeychain", "wincred", "manager", "libsecret", "cache"];
    if is_ghtok(helper) {
        return None;
    }
    let helper = String::from_utf8_lossy(helper);
    let mut words = helper.split([' ', '/', '\\', '-', '.']);
    words.find_map(|word| KEEPERS.into_iter().find(|known| word == *known))
}

/// How a helper is told to drop what it keeps.
fn forget(name: &str, sections: &[HostSection]) -> String {
    let url = sections.first().map_or("", |section| section.url.as_str());
    format!(
        "the helper \"{name}\" may still have an old token; remove it with:\n  echo url={url} | git credential-{name} erase"
    )
}
