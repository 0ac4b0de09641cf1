//! Takes out of git's files what `setup git` wrote.

use std::fs;
use std::path::{Path, PathBuf};

use super::changes::digest;
use super::{GitSetup, changed_meanwhile, failed, lines_of_others, read, unreadable};
use crate::error::Result;
use crate::formats::git_config::include::{self, WithoutBlock};
use crate::formats::git_config::{self, Before, path_of};
use crate::system::public_file;

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

impl GitSetup<'_> {
    pub(super) fn undo(&self) -> Result<()> {
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
            self.terminal.note(&format!("{file} has no ghtok lines"));
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
        } else if undone.digest == Some(digest(&undone.text)) {
            format!("removed ghtok's lines from {shown}, which is as it was")
        } else {
            format!("removed ghtok's lines from {shown}")
        });
        if undone.foreign > 0 {
            let lines = lines_of_others(undone.foreign);
            self.terminal
                .note(&format!("{lines} found among them: kept"));
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
        let included: Vec<PathBuf> = self
            .own_includes(file, text)?
            .iter()
            .map(|path| self.places.expanded(&path_of(path), file))
            .collect();
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
}
