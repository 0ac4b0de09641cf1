//! Shows the lines of `setup git`, asks, and writes them.

use super::changes::GitChanges;
use super::{Consent, GitSetup, changed_meanwhile, failed, lines_of_others, read};
use crate::error::{Error, Result, system_reason};
use crate::formats::git_config::{self, bytes_of};
use crate::formats::plain_text::one_line;
use crate::system::public_file;
use std::fs;

impl GitSetup<'_> {
    pub(super) fn set_up(&self, consent: Consent) -> Result<()> {
        let changes = self.changes()?;
        let file = &self.places.global;
        let own_before = read(&changes.own)?;
        if changes.present.as_ref() == Some(&changes.after)
            && own_before.as_ref() == Some(&changes.content)
            && self.is_seen(&changes)?
        {
            self.terminal
                .note(&format!("{} already has these lines", file.display()));
            self.warn(&changes);
            return Ok(());
        }
        self.show(&changes);
        if consent == Consent::Ask && !self.agreed()? {
            self.terminal.note("nothing was changed");
            return Ok(());
        }
        self.write(&changes, own_before.as_deref())?;
        if changes.foreign > 0 {
            self.terminal.note(&format!(
                "{} found among ghtok's lines in {}: kept",
                lines_of_others(changes.foreign),
                file.display()
            ));
        }
        self.terminal
            .note("done; undo with:\n  ghtok setup git --undo");
        if self.wants_ssh {
            self.terminal.note(
                "where your App is not installed, git now needs another helper instead of your SSH key",
            );
        }
        self.warn(&changes);
        Ok(())
    }

    fn show(&self, changes: &GitChanges) {
        let lossy = |text: &[u8]| String::from_utf8_lossy(text).into_owned();
        if changes.present.as_ref() != Some(&changes.after) {
            let include = bytes_of(&self.places.spelled(&changes.own));
            self.terminal.say(&format!(
                "In {}:\n\n[include]\n\tpath = {}\n",
                self.places.global.display(),
                one_line(&lossy(&include), 300)
            ));
        }
        self.terminal.say(&format!(
            "In {}:\n\n{}",
            changes.own.display(),
            lossy(&git_config::sections(&changes.hosts))
        ));
    }

    fn agreed(&self) -> Result<bool> {
        if self.terminal.has_person() {
            return Ok(self.terminal.ask("Write them?"));
        }
        Err(Error::Usage {
            message: "setup git: cannot ask for confirmation (no terminal)".into(),
            hint:
                "confirm with:\n  ghtok setup git --yes\nor see the lines with:\n  ghtok setup git --print"
                    .into(),
        })
    }

    /// Writes both files, or none: what git does not read afterwards is taken back.
    fn write(&self, changes: &GitChanges, own_before: Option<&[u8]>) -> Result<()> {
        let file = &self.places.global;
        let locked = self.lock(file)?;
        if locked.content() != changes.present.as_deref() {
            return Err(changed_meanwhile(file));
        }
        let own_failed = |error: std::io::Error| Error::GitConfig {
            doing: "write",
            path: changes.own.clone(),
            cause: system_reason(&error),
        };
        if let Err(error) = public_file::replace(&changes.own, &changes.content) {
            if own_before.is_none() {
                public_file::remove_empty_folders(&changes.own, changes.folders);
            }
            return Err(own_failed(error));
        }
        let written = if changes.present.as_ref() == Some(&changes.after) {
            drop(locked);
            Ok(())
        } else {
            locked.replace(&changes.after)
        };
        let written = written.map_err(|error| failed("change", file, &error));
        let seen = written.and_then(|()| self.is_seen(changes));
        if matches!(seen, Ok(true)) {
            return Ok(());
        }
        match own_before {
            Some(content) => public_file::replace(&changes.own, content),
            None => fs::remove_file(&changes.own)
                .map(|()| public_file::remove_empty_folders(&changes.own, changes.folders)),
        }
        .map_err(own_failed)?;
        self.put_back(changes)?;
        seen?;
        let cause = if self.places.is_hidden {
            "git does not read it, because GIT_CONFIG_GLOBAL is empty or /dev/null".into()
        } else {
            "git does not list ghtok's helper afterwards".into()
        };
        Err(Error::GitConfig {
            doing: "use",
            path: file.clone(),
            cause,
        })
    }

    fn put_back(&self, changes: &GitChanges) -> Result<()> {
        let file = &self.places.global;
        let locked = self.lock(file)?;
        if locked.content() == changes.present.as_deref() {
            return Ok(());
        }
        if locked.content() != Some(&changes.after) {
            return Err(changed_meanwhile(file));
        }
        match &changes.present {
            Some(present) => locked.replace(present),
            None => locked.remove(),
        }
        .map_err(|error| failed("change", file, &error))
    }
}
