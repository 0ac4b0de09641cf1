//! The `gh` of a sandbox (hidden `sandbox-gh`): answers what gh itself would look up in the keychain, and runs the
//! real gh, if there is one, with a token that is valid now.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::Args;

use crate::commands::Subcommand;
use crate::config::{Environment, Flags};
use crate::error::{Error, Result};
use crate::formats::plain_text::one_line;
use crate::host::Host;
use crate::sandbox::client::SandboxClient;
use crate::session::{IssuedToken, Session, TokenSource, this_program};
use crate::system::process::{self, Change, find_program};
use crate::system::terminal::Terminal;

/// Answer as gh in a sandbox
#[derive(Debug, Args)]
#[command(hide = true)]
pub(crate) struct SandboxGh {
    /// The folder in PATH that is not the real gh's
    #[arg(long, value_name = "DIR")]
    folder: PathBuf,
    /// The arguments of gh
    #[arg(last = true, value_name = "ARGUMENT")]
    arguments: Vec<OsString>,
}

/// The account that `gh auth token` is asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    hostname: Option<String>,
    user: Option<String>,
}

impl Subcommand for SandboxGh {
    fn flags(&self) -> Flags {
        Flags::default()
    }

    fn run(&self, _: &Session<'_>) -> Result<u8> {
        Err(Error::Usage {
            message: "gh: this is not a sandbox (GHTOK_SOCKET is not set, or ignored)".into(),
            hint: "run gh with a token:\n  ghtok exec -- gh auth status".into(),
        })
    }

    fn run_in_sandbox(&self, sandbox: &SandboxClient<'_>) -> Result<u8> {
        let words = self.arguments.iter().filter_map(|word| word.to_str());
        let words: Vec<&str> = words.collect();
        if let ["auth", "git-credential", ..] = words.as_slice() {
            return self.as_git_helper();
        }
        let tokens = sandbox.tokens(&Flags::default())?;
        let issued = tokens.access_token(None)?;
        match words.as_slice() {
            ["auth", "token", rest @ ..] if !asks_for_help(rest) => {
                print_token(&issued, &asked(rest))
            }
            ["auth", "status", rest @ ..] if !asks_for_help(rest) => print_status(&issued),
            _ => self.real_gh(&issued),
        }
    }
}

impl SandboxGh {
    /// gh's helper speaks git's protocol, as ours does.
    fn as_git_helper(&self) -> Result<u8> {
        let program = this_program().unwrap_or_else(|| "ghtok".into());
        let mut arguments = vec!["git-credential".into()];
        arguments.extend(self.arguments.iter().skip(2).cloned());
        process::exec(program.as_os_str(), &arguments, &[])
            .map_err(|error| process::not_started(program.as_os_str(), &error))
    }

    fn real_gh(&self, issued: &IssuedToken<'_>) -> Result<u8> {
        let mut folders = Environment::from_process().path_or_usual();
        folders.retain(|folder| *folder != self.folder);
        let Some(gh) = find_program("gh", &folders) else {
            Terminal.note(
                "gh is not installed here; in a sandbox, ghtok answers gh auth token, gh auth status and gh auth git-credential",
            );
            return Err(Error::CommandNotFound {
                command: "gh".into(),
            });
        };
        let token: &OsStr = issued.token.expose().as_ref();
        let names = issued.host.variables().token_names.iter();
        let changes: Vec<Change<'_>> = names.map(|name| Change::Set(name, token)).collect();
        process::exec(gh.as_os_str(), &self.arguments, &changes)
            .map_err(|error| process::not_started(gh.as_os_str(), &error))
    }
}

fn print_token(issued: &IssuedToken<'_>, asked: &Asked) -> Result<u8> {
    let host = issued.host.to_string();
    let is_other_host = asked
        .hostname
        .as_ref()
        .is_some_and(|asked| Host::parse(asked).as_ref() != Ok(&*issued.host));
    let is_other_user = match (&asked.user, &issued.login) {
        (Some(asked), Some(login)) => !asked.eq_ignore_ascii_case(login),
        (Some(_), None) | (None, _) => false,
    };
    if is_other_host || is_other_user {
        // In gh's words, for programs that look for them.
        let named = one_line(asked.hostname.as_deref().unwrap_or(&host), 100);
        let user = asked
            .user
            .as_deref()
            .map(|user| format!(" account {}", one_line(user, 100)));
        Terminal.say(&format!(
            "no oauth token found for {named}{}",
            user.unwrap_or_default()
        ));
        return Ok(1);
    }
    Terminal.line(issued.token.expose())?;
    Ok(0)
}

fn print_status(issued: &IssuedToken<'_>) -> Result<u8> {
    let host = &issued.host;
    let login = issued.login.as_deref().unwrap_or("unknown");
    let shown: String = issued.token.expose().chars().take(4).collect();
    let hidden = "*".repeat(36);
    Terminal.line(&format!(
        "{host}\n  ✓ Logged in to {host} account {login} (GHTOK_SOCKET)\n  - Active account: true\n  - Git operations protocol: https\n  - Token: {shown}{hidden}"
    ))?;
    Ok(0)
}

fn asks_for_help(words: &[&str]) -> bool {
    words.contains(&"--help")
}

/// `-h HOST`, `--hostname HOST`, `--hostname=HOST`, `-u USER`, `--user …`; `--secure-storage` says nothing here.
fn asked(words: &[&str]) -> Asked {
    let mut asked = Asked::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let (flag, value) = match word.split_once('=') {
            Some((flag, value)) => (flag, Some(value)),
            None => (*word, None),
        };
        let mut value = || value.or_else(|| words.next().copied()).map(str::to_owned);
        match flag {
            "-h" | "--hostname" => asked.hostname = value(),
            "-u" | "--user" => asked.user = value(),
            _ => {}
        }
    }
    asked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flags_of_gh_auth_token_are_read() {
        let of = |hostname: Option<&str>, user: Option<&str>| Asked {
            hostname: hostname.map(str::to_owned),
            user: user.map(str::to_owned),
        };
        for (line, expected) in [
            ("", of(None, None)),
            ("--secure-storage", of(None, None)),
            ("-h github.com", of(Some("github.com"), None)),
            (
                "--hostname=ghes.example -u octocat",
                of(Some("ghes.example"), Some("octocat")),
            ),
            (
                "--user octocat --hostname x",
                of(Some("x"), Some("octocat")),
            ),
        ] {
            let words: Vec<&str> = line.split_whitespace().collect();
            assert_eq!(asked(&words), expected, "{line}");
        }
    }
}
