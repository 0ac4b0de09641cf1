//! `ghtok sandbox revoke`: ends sandboxes, and revokes what killed ones left.

use clap::Args;

use super::policy::parse_name;
use crate::app::App;
use crate::auth::scoped_tokens::list::HandedOut;
use crate::commands::Described;
use crate::config::Flags;
use crate::error::{Error, Result};
use crate::sandbox::server::wake;
use crate::session::{SandboxNote, Session};
use crate::system::terminal::Terminal;

/// Revoke the tokens of a sandbox, which gets no more
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ghtok sandbox revoke build
  ghtok sandbox revoke --all")]
pub(super) struct Revoke {
    /// The sandbox, or another holder of a scoped token, as `ghtok status` names it
    #[arg(value_name = "NAME", value_parser = parse_name, required_unless_present = "all")]
    name: Option<String>,
    /// All sandboxes and all scoped tokens
    #[arg(long, conflicts_with = "name")]
    all: bool,
    #[command(flatten)]
    described: Described,
}

impl Revoke {
    pub(super) fn flags(&self) -> Flags {
        self.described.flags()
    }

    pub(super) fn run(&self, session: &Session<'_>) -> Result<()> {
        session.config.check_store()?;
        let mut notes = session.sandboxes()?;
        notes.retain(|note| self.is_meant(&note.status.name));
        for note in &notes {
            // From now on it gets nothing.
            session.forget_sandbox(&note.status.name)?;
        }
        let revoked = self.revoke_tokens(&notes, session);
        for note in &notes {
            // Its process notices when somebody connects.
            wake(note.socket.as_ref());
        }
        let count = revoked?;
        if notes.is_empty() && count == 0 {
            return self.tell_nothing();
        }
        for note in &notes {
            tell(note);
        }
        match count {
            0 => {}
            1 => Terminal.note("1 scoped token was revoked"),
            count => Terminal.note(&format!("{count} scoped tokens were revoked")),
        }
        Ok(())
    }

    /// Revokes the scoped tokens of all Apps that are meant; returns their number.
    fn revoke_tokens(&self, notes: &[SandboxNote], session: &Session<'_>) -> Result<usize> {
        let is_meant = |entry: &HandedOut| match &entry.used.holder {
            Some(holder) => self.is_meant(holder),
            None => self.all,
        };
        let mut count = Ok(0);
        for app in apps(notes, session) {
            match session.with_call(&app, |call| call.revoke_scoped(&is_meant)) {
                Ok(revoked) => count = count.map(|count| count + revoked),
                // Those of the other Apps are revoked all the same.
                Err(error) => count = Err(error),
            }
        }
        count
    }

    fn is_meant(&self, name: &str) -> bool {
        self.name.as_deref().is_none_or(|meant| meant == name)
    }

    fn tell_nothing(&self) -> Result<()> {
        match &self.name {
            Some(name) => Err(Error::Usage {
                message: format!("there is no sandbox {name}, and no scoped token of it"),
                hint: "this lists the sandboxes:\n  ghtok sandbox list".into(),
            }),
            None => {
                Terminal.note("there is no sandbox, and no scoped token");
                Ok(())
            }
        }
    }
}

fn tell(note: &SandboxNote) {
    let name = &note.status.name;
    if note.status.full_token {
        Terminal.note(&format!(
            "sandbox {name}: gets no more tokens; the user access token that it was given stays valid until it is replaced:\n  ghtok refresh --force"
        ));
    } else {
        Terminal.note(&format!("sandbox {name}: gets no more tokens"));
    }
}

/// The configured Apps, and those of the sandboxes.
fn apps(notes: &[SandboxNote], session: &Session<'_>) -> Vec<App> {
    let mut apps: Vec<App> = session.config.all_apps().cloned().collect();
    for app in notes.iter().filter_map(SandboxNote::app) {
        if apps.iter().all(|known| known.key() != app.key()) {
            apps.push(app);
        }
    }
    apps
}
