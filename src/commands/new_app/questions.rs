//! What a person is asked about a new App, and what they are told before.

use crate::app::{AccountName, ClientId};
use crate::error::{Error, Result};
use crate::formats::app_form::Preset;
use crate::host::Host;
use crate::system::terminal::Terminal;
use crate::system::terminal::keys::forget_typed;
use crate::system::terminal::screen::Screen;

/// The person's answer.
pub(super) enum Answer {
    /// They have an App.
    HasApp,
    /// It has to be registered.
    Register {
        /// The organization that will own it.
        organization: Option<String>,
        /// Whether other accounts can install it.
        is_public: bool,
        /// What its tokens may do.
        preset: Preset,
    },
}

pub(super) struct Questions<'a> {
    pub(super) screen: &'a Screen,
    pub(super) host: &'a Host,
}

impl Questions<'_> {
    /// What a GitHub App is, and what its tokens reach.
    pub(super) fn explain(&self) {
        // Nothing that was typed before this was an answer to it.
        forget_typed();
        self.screen.say(
            "A GitHub App is an entry at GitHub, your own, from which ghtok gets its tokens; it needs no server and \
             costs nothing. Its tokens reach only the repositories on which you install the App: other public \
             repositories can be read, but a fork's upstream, other people's issues and gists cannot be written.",
        );
    }

    /// The usual question, which Enter answers.
    pub(super) fn what_for(&self) -> Result<Answer> {
        self.screen.say(
            "\nWhat is the App for?\n\n  \
             1  my repositories, to contribute: write code, issues, pull requests and workflows; read checks\n  \
             2  my repositories, read only, for example for an agent\n  \
             3  my repositories, to maintain: also write Actions, checks, statuses and deployments\n  \
             4  an organization's repositories\n  \
             5  I have an App already\n",
        );
        Ok(
            match self.choice("Enter opens the form for 1, or type 2 to 5:", 5)? {
                1 => mine(Preset::Contributor),
                2 => mine(Preset::ReadOnly),
                3 => mine(Preset::Maintainer),
                4 => self.of_an_organization()?,
                _ => Answer::HasApp,
            },
        )
    }

    fn of_an_organization(&self) -> Result<Answer> {
        let name = self.organization()?;
        let host = self.host;
        self.screen.say(&format!(
            "\nWho owns the App?\n\n  \
             1  {name}: register it there; you must be an owner or App manager of {name}, and only {name} can \
             install it\n  \
             2  you, and it is public: every account on {host} can see and install it. That gives nobody access to \
             your repositories; but {name} must trust you, because an App's owner can use it where it is installed\n",
        ));
        let is_public = self.choice("Enter for 1, or type 2:", 2)? == 2;
        Ok(Answer::Register {
            organization: (!is_public).then_some(name),
            is_public,
            preset: self.preset()?,
        })
    }

    fn organization(&self) -> Result<String> {
        loop {
            let typed = line("Which organization?")?;
            match AccountName::parse(&typed) {
                Ok(name) => return Ok(name.to_string()),
                Err(_) => self
                    .screen
                    .say("Type its name as in the address of its page."),
            }
        }
    }

    pub(super) fn preset(&self) -> Result<Preset> {
        self.screen.say(
            "\nWhat may its tokens do?\n\n  \
             1  contribute: write code, issues, pull requests and workflows; read checks\n  \
             2  read only, for example for an agent\n  \
             3  maintain: also write Actions, checks, statuses and deployments\n",
        );
        Ok(
            match self.choice("Enter opens the form for 1, or type 2 or 3:", 3)? {
                1 => Preset::Contributor,
                2 => Preset::ReadOnly,
                _ => Preset::Maintainer,
            },
        )
    }

    /// Reads the client ID. What is easily copied in its place is refused here, before anything is sent.
    pub(super) fn client_id(&self) -> Result<ClientId> {
        loop {
            let typed = line("Client ID:")?;
            match ClientId::parse(&typed) {
                Ok(id) => return Ok(id),
                Err(_) if typed.is_empty() => {}
                // What was typed may be a secret; it is not repeated.
                Err(reason) => self.screen.say(&format!("This {reason}.")),
            }
        }
    }

    /// A number from 1 to `last`; Enter is 1.
    fn choice(&self, question: &str, last: usize) -> Result<usize> {
        loop {
            let typed = line(question)?;
            match typed.parse() {
                Ok(number @ 1..) if number <= last => return Ok(number),
                Err(_) if typed.is_empty() => return Ok(1),
                Ok(_) | Err(_) => self.screen.say(&format!("Type a number from 1 to {last}.")),
            }
        }
    }
}

/// Waits until the person has done what they were told.
pub(super) fn wait_for_enter() -> Result<()> {
    line("Then press Enter:").map(|_| ())
}

fn line(question: &str) -> Result<String> {
    match Terminal.ask_line(question) {
        Some(typed) => Ok(typed.trim().to_owned()),
        None => Err(Error::Cancelled {
            left: "nothing was changed".into(),
            next: "start again with:\n  ghtok app new".into(),
        }),
    }
}

fn mine(preset: Preset) -> Answer {
    Answer::Register {
        organization: None,
        is_public: false,
        preset,
    }
}
