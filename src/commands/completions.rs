//! `ghtok completions`: what a shell needs to complete ghtok's command lines. The script asks ghtok itself
//! for each word, so that Apps of the configuration are completed too.

use std::ffi::OsString;
use std::io;

use clap::{Args, ValueEnum};
use clap_complete::env::{Bash, Elvish, EnvCompleter, Fish, Powershell, Zsh};

use crate::config::Environment;
use crate::error::{Error, Result};
use crate::system::terminal::Terminal;

/// The variable by which the script tells for which shell it asks.
const ASKED_BY: &str = "GHTOK_COMPLETE";

/// The script as the file `_ghtok` of a folder in `fpath`: zsh loads it at the first completion, and runs it in
/// place of the function that it defines.
const ZSH_AUTOLOADED: &str = r#"
[[ "$funcstack[1]" != _ghtok ]] || _clap_dynamic_completer_ghtok "$@"
"#;

/// Print a shell script that completes ghtok's commands
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  source <(ghtok completions bash)              in ~/.bashrc
  source <(ghtok completions zsh)               in ~/.zshrc, after compinit
  ghtok completions zsh > ~/.zfunc/_ghtok       for a folder in zsh's fpath
  ghtok completions fish | source               in config.fish
  ghtok completions powershell | Out-String | Invoke-Expression
  eval (ghtok completions elvish | slurp)       in rc.elv")]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    shell: CompletionShell,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum CompletionShell {
    Bash,
    Zsh,
    Fish,
    Powershell,
    Elvish,
}

impl CompletionShell {
    fn completer(self) -> &'static dyn EnvCompleter {
        match self {
            Self::Bash => &Bash,
            Self::Zsh => &Zsh,
            Self::Fish => &Fish,
            Self::Powershell => &Powershell,
            Self::Elvish => &Elvish,
        }
    }
}

impl Completions {
    /// Prints the script.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn run(&self) -> Result<u8> {
        let mut script = Vec::new();
        let completer = self.shell.completer();
        completer
            .write_registration(ASKED_BY, "ghtok", "ghtok", "ghtok", &mut script)
            .map_err(Error::of_output)?;
        if self.shell == CompletionShell::Zsh {
            script.extend_from_slice(ZSH_AUTOLOADED.as_bytes());
        }
        Terminal.data(&script)?;
        Ok(0)
    }
}

/// Answers the script (`ghtok -- WORD…` with [`ASKED_BY`] set); `None` for any other call.
pub(crate) fn answer(
    arguments: &[OsString],
    environment: &Environment,
    command: impl FnOnce() -> clap::Command,
) -> Option<Result<()>> {
    let (separator, words) = arguments.get(1..)?.split_first()?;
    if separator != "--" || words.is_empty() {
        return None;
    }
    let shell = environment.completing_shell()?;
    let shell = CompletionShell::from_str(&shell, false).ok()?;
    Some(candidates(shell, words, command()).and_then(|text| Terminal.data(&text)))
}

fn candidates(
    shell: CompletionShell,
    words: &[OsString],
    mut command: clap::Command,
) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    command.build();
    let done: io::Result<()> =
        shell
            .completer()
            .write_complete(&mut command, words.to_vec(), None, &mut text);
    done.map(|()| text).map_err(Error::of_output)
}
