//! The notes that say why git gets no answer.

use std::path::Path;

use super::{Choice, print};
use crate::app::{AccountName, App};
use crate::config::Git;
use crate::error::Error;
use crate::formats::git_credential::{CredentialAnswer, CredentialRequest};
use crate::formats::plain_text::{one_line, without_tricks};
use crate::session::Call;
use crate::system::terminal::Terminal;

pub(super) fn tell_other_account(wanted: &str, login: Option<&str>, call: &Call<'_>) {
    let host = &call.app.host;
    let (wanted, why) = (
        name_shown(wanted),
        match login {
            Some(login) => format!(
                "ghtok is signed in to {host} as {login} (remove the user name from the URL to use {login})"
            ),
            None => format!("GitHub has not yet said which account is signed in to {host}"),
        },
    );
    call.terminal.note(&format!(
        "git-credential: not answered: git asks for {wanted}, and {why}"
    ));
}

/// A user name from a URL, if it can be one of GitHub's: a token has more characters.
fn name_shown(name: &str) -> String {
    const LONGEST_LOGIN: usize = 39;
    match AccountName::parse(name) {
        Ok(_) if name.len() <= LONGEST_LOGIN => format!("\"{name}\""),
        Ok(_) | Err(_) => "a user name that is not a GitHub login".into(),
    }
}

/// Says why git is not answered although there is an App of the host. Where none reaches the repository
/// nothing is said: other helpers are asked.
pub(super) fn tell_choice(
    choice: &Choice<'_>,
    request: &CredentialRequest,
    file: &Path,
    terminal: Terminal,
) {
    let labels = |apps: &[&App]| {
        let labels: Vec<&str> = apps.iter().map(|app| app.label()).collect();
        labels.join(", ")
    };
    let why = match choice {
        Choice::App(_) | Choice::Nobody => return,
        Choice::OtherAccounts(apps) => format!(
            "git asks for {}, and the Apps of this host ({}) are configured for other accounts",
            name_shown(request.account().unwrap_or_default()),
            labels(apps)
        ),
        Choice::Several(apps) => format!(
            "several Apps match ({}); set default_app or owners in {}",
            labels(apps),
            without_tricks(&file.to_string_lossy())
        ),
    };
    terminal.note(&format!("git-credential: not answered: {why}"));
}

/// Says that there is no App at all: most often git runs without the variable that leads to the
/// configuration.
pub(super) fn tell_no_app(file: &Path, terminal: Terminal) {
    terminal.note(&format!(
        "git-credential: not answered: no App is configured in {}; if the configuration is in another folder, run this where ghtok finds it:\n  ghtok setup git",
        without_tricks(&file.to_string_lossy())
    ));
}

/// Says why there is no token, and goes on: git asks its next helper, or the person.
pub(super) fn give_up(error: &Error, git: Git, terminal: Terminal) {
    const LONGEST: usize = 2000;
    if matches!(error, Error::OutputClosed | Error::Output(_)) {
        return;
    }
    let mut words = one_line(&error.to_string(), LONGEST);
    if let Some(hint) = error.hint() {
        let lines: Vec<String> = hint.lines().map(without_tricks).collect();
        words = format!("{words}; {}", lines.join("\n"));
    }
    terminal.note(&words);
    if git.quit {
        // git that no longer listens needs no answer.
        let _ = print(&CredentialAnswer::Quit, terminal);
    }
}
