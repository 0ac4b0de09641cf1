//! What `setup git` would make of git's global file, and of ghtok's own.

use std::fs;
use std::path::{Path, PathBuf};

use super::{GitSetup, failed, read, unreadable};
use crate::error::{Error, Result};
use crate::formats::git_config::include::{self, WithoutBlock};
use crate::formats::git_config::{
    self, Before, CredentialSetting, HostSection, Setting, bytes_of, listing, others, path_of,
};
use crate::plain_file;
use crate::private_file;
use crate::system::public_file;

pub(super) struct GitChanges {
    /// The global file as it is.
    pub(super) present: Option<Vec<u8>>,
    /// The global file as it will be.
    pub(super) after: Vec<u8>,
    pub(super) own: PathBuf,
    /// What will be in it.
    pub(super) content: Vec<u8>,
    /// What it says about each host.
    pub(super) hosts: Vec<HostSection>,
    /// How many folders are created for it.
    pub(super) folders: usize,
    /// Lines of others in the block of an earlier ghtok.
    pub(super) foreign: usize,
}

/// The user's file without any line of ghtok's.
struct Clean {
    text: Vec<u8>,
    /// Where ghtok's lines stood.
    at: Option<usize>,
    block: Option<WithoutBlock>,
    has_include: bool,
}

/// The SHA-256 digest of a file, in hexadecimal digits.
pub(super) fn digest(text: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, text);
    digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// What ghtok's file says of the global one; `None` if there is none.
fn told_by(own: &Path) -> Result<Option<Before>> {
    let Some(content) = read(own)? else {
        return Ok(None);
    };
    let told = git_config::before(&content);
    if told.is_none() && !content.is_empty() {
        return Err(Error::GitConfig {
            doing: "replace",
            path: own.to_owned(),
            cause: "ghtok did not write it".into(),
        });
    }
    Ok(told)
}

impl GitSetup<'_> {
    pub(super) fn changes(&self) -> Result<GitChanges> {
        let file = &self.places.global;
        let present = read(file)?;
        let text = present.as_deref().unwrap_or_default();
        let own = self.own_file();
        let told = told_by(&own)?;
        let folders = match &told {
            Some(told) => told.folders,
            None => public_file::missing_folders(&own),
        };
        let told = told.unwrap_or_default();
        let clean = self.clean(file, text, told.line_ends)?;
        let (entries, is_overruled) = self.entries_of(&clean, text)?;
        let hosts = self.with_others(&entries);
        let spelled = bytes_of(&self.places.spelled(&own));
        let (after, before) = match (&clean.block, clean.at) {
            (None, Some(_)) if !is_overruled && self.names_once(text, &spelled)? => {
                (text.to_vec(), Before { folders, ..told })
            }
            (Some(block), _) if !is_overruled && !clean.has_include => {
                let (mut after, line_ends) = include::added(&block.before, &spelled)
                    .map_err(|line| unreadable(file, line))?;
                after.extend(&block.after);
                let before = Before {
                    was_new: block.was_new,
                    line_ends: line_ends + usize::from(block.was_unended),
                    digest: None,
                    folders,
                };
                (after, before)
            }
            (block, at) => {
                let (after, line_ends) =
                    include::added(&clean.text, &spelled).map_err(|line| unreadable(file, line))?;
                let was_new = match (block, at) {
                    (Some(block), _) => block.was_new,
                    (None, Some(_)) => told.was_new,
                    (None, None) => present.is_none(),
                };
                let before = Before {
                    was_new,
                    line_ends,
                    digest: block.is_none().then(|| digest(&clean.text)),
                    folders,
                };
                (after, before)
            }
        };
        Ok(GitChanges {
            content: git_config::own_file(&git_config::sections(&hosts), &before),
            foreign: clean.block.map_or(0, |block| block.foreign),
            folders,
            present,
            after,
            own,
            hosts,
        })
    }

    /// The sections alone, for a person who edits by hand.
    pub(super) fn printed(&self) -> Vec<u8> {
        let file = &self.places.global;
        let entries = read(file).and_then(|present| {
            let text = present.unwrap_or_default();
            let clean = self.clean(file, &text, 0)?;
            Ok(self.entries_of(&clean, &text)?.0)
        });
        // Where git cannot be asked, ghtok's own lines are all that is known.
        git_config::sections(&self.with_others(&entries.unwrap_or_default()))
    }

    fn clean(&self, file: &Path, text: &[u8], line_ends: usize) -> Result<Clean> {
        let unreadable = |line| unreadable(file, line);
        let block = include::without_block(text).map_err(unreadable)?;
        let without_block = block.as_ref().map(WithoutBlock::text);
        let text = without_block.as_deref().unwrap_or(text);
        let is_own = |path: &[u8]| self.is_own(path, file);
        let without = include::removed(text, is_own, line_ends).map_err(unreadable)?;
        let of_block = block.as_ref().map(|block| block.before.len());
        Ok(Clean {
            has_include: without.at.is_some(),
            at: without.at.or(of_block),
            text: without.text,
            block,
        })
    }

    /// True if the file includes ghtok's once, by this path.
    fn names_once(&self, text: &[u8], spelled: &[u8]) -> Result<bool> {
        let paths = self.own_includes(&self.places.global, text)?;
        Ok(paths == [spelled])
    }

    /// What git is told about credentials without ghtok, in its order; and whether a line after ghtok's
    /// place names helpers for one of the hosts.
    fn entries_of(&self, clean: &Clean, present: &[u8]) -> Result<(Vec<CredentialSetting>, bool)> {
        let file = &self.places.global;
        let unreadable = |cause| Error::GitConfig {
            doing: "have git read",
            path: file.clone(),
            cause,
        };
        let system = self.git()?.without_users_files().map_err(unreadable)?;
        let mut entries = listing(&system);
        entries.retain(|entry| entry.scope == "system");
        if let Some(earlier) = self.places.earlier.as_ref().filter(|file| file.exists()) {
            let printed = self.git()?.of_file(earlier).map_err(unreadable)?;
            entries.extend(listing(&printed));
        }
        let own = self.listed(&clean.text, present)?;
        let is_overruled = match clean.at {
            None => false,
            Some(at) => {
                let before = self.listed(&clean.text[..at.min(clean.text.len())], present)?;
                let sections = self.sections();
                own.len() > before.len()
                    && own[before.len()..]
                        .iter()
                        .any(|entry| sections.iter().any(|host| entry.is_helper_for(&host.url)))
            }
        };
        entries.extend(own);
        Ok((entries, is_overruled))
    }

    /// What a text in the place of the global file would tell git.
    fn listed(&self, text: &[u8], present: &[u8]) -> Result<Vec<CredentialSetting>> {
        let file = &self.places.global;
        if text.is_empty() {
            return Ok(Vec::new());
        }
        let printed = if text == present {
            self.git()?.of_file(file)
        } else {
            // Beside it, because it may include others by their path from there.
            private_file::with_temporary(file, text, |path| self.git().map(|git| git.of_file(path)))
                .map_err(|error| failed("change", file, &error))??
        };
        let printed = printed.map_err(|cause| Error::GitConfig {
            doing: "have git read",
            path: file.clone(),
            cause,
        })?;
        Ok(listing(&printed))
    }

    fn with_others(&self, entries: &[CredentialSetting]) -> Vec<HostSection> {
        let own = read(&self.own_file()).ok().flatten();
        let keeps_ssh = own.is_some_and(|own| git_config::replaces_ssh(&own));
        let mut hosts = self.sections();
        for host in &mut hosts {
            host.others = others(&host.url, entries, &self.ghtok, &host.helper);
            host.replaces_ssh |= keeps_ssh;
        }
        hosts
    }

    /// True if git, asked as it is now, comes to ghtok first for each host.
    pub(super) fn is_seen(&self, changes: &GitChanges) -> Result<bool> {
        let printed = self
            .git()?
            .of_everything()
            .map_err(|cause| Error::GitConfig {
                doing: "have git read",
                path: self.places.global.clone(),
                cause,
            })?;
        let mut entries = listing(&printed);
        entries.retain(|entry| entry.scope == "system" || entry.scope == "global");
        let real = fs::canonicalize(&changes.own).unwrap_or_else(|_| changes.own.clone());
        let is_from_own = |entry: &CredentialSetting| {
            let path = entry.origin.strip_prefix(b"file:").map(path_of);
            path.and_then(|path| fs::canonicalize(path).ok())
                .is_some_and(|path| path == real)
        };
        Ok(changes.hosts.iter().all(|host| {
            let helper = Setting::Helper(host.helper.clone());
            let at = entries.iter().position(|entry| {
                entry.setting == helper
                    && entry.pattern.as_deref() == Some(host.url.as_bytes())
                    && is_from_own(entry)
            });
            at.is_some_and(|at| {
                let mut later = entries[at..].iter().filter(|entry| !is_from_own(entry));
                !later.any(|entry| entry.is_helper_for(&host.url))
            })
        }))
    }

    /// True for a path to a file of ghtok's, as the file `named_in` has it.
    pub(super) fn is_own(&self, path: &[u8], named_in: &Path) -> bool {
        let path = self.places.expanded(&path_of(path), named_in);
        let name = path.file_name().unwrap_or_default();
        if path == self.places.own || path == self.places.beside {
            return true;
        }
        let is_named_so = name == "ghtok.gitconfig" || name == ".ghtok.gitconfig";
        // One that is missing was left behind by another home, or another XDG_CONFIG_HOME.
        is_named_so
            && match plain_file::read(&path) {
                Ok(Some(content)) => git_config::before(&content).is_some(),
                Ok(None) => true,
                Err(_) => false,
            }
    }

    /// Where ghtok's file goes: others who can read the global file must be able to enter its folder,
    /// or git fails for them.
    pub(super) fn own_file(&self) -> PathBuf {
        let places = &self.places;
        if public_file::is_open_to_readers_of(&places.own, &places.global) {
            places.own.clone()
        } else {
            places.beside.clone()
        }
    }
}
