//! `ghtok reject`: takes note of a token that was answered 401, so that the next call checks it (P7).

use std::io::Read;
use std::time::Duration;

use clap::Args;
use zeroize::Zeroizing;

use crate::commands::{Subcommand, Target};
use crate::config::Flags;
use crate::error::{Error, Result};
use crate::sandbox::client::SandboxClient;
use crate::session::{Session, TokenSource};
use crate::system::terminal::Terminal;
use crate::token::AccessToken;

/// Longer than any token.
const LONGEST: usize = 16 * 1024;

/// Report a token that was answered 401; the next use checks it
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  printf %s \"$TOKEN\" | ghtok reject
  printf %s \"$TOKEN\" | ghtok reject work && ghtok get work")]
pub(crate) struct Reject {
    #[command(flatten)]
    target: Target,
    /// Print errors as JSON
    #[arg(long)]
    json: bool,
}

impl Subcommand for Reject {
    fn flags(&self) -> Flags {
        self.target.flags()
    }

    fn wants_json(&self) -> bool {
        self.json
    }

    /// A token that was replaced meanwhile, or is none of ghtok's, needs no note: that is no failure.
    fn run(&self, session: &Session<'_>) -> Result<u8> {
        let token = read()?;
        session.for_app(|call| call.tokens(None, None).reject(&token, Duration::ZERO))?;
        Ok(0)
    }

    fn run_in_sandbox(&self, sandbox: &SandboxClient<'_>) -> Result<u8> {
        let tokens = sandbox.tokens(&self.flags())?;
        tokens.reject(&read()?, Duration::ZERO)?;
        Ok(0)
    }
}

fn read() -> Result<AccessToken> {
    if Terminal.reads_from_person() {
        return Err(not_a_token(
            "is read from standard input, which is a terminal",
        ));
    }
    let mut text = Zeroizing::new(String::with_capacity(LONGEST));
    let mut input = Terminal.input().take(LONGEST as u64);
    input
        .read_to_string(&mut text)
        .map_err(|_| not_a_token("on standard input could not be read"))?;
    match text.trim() {
        "" => Err(not_a_token("on standard input is empty")),
        token if token.contains(char::is_whitespace) || text.len() == LONGEST => {
            Err(not_a_token("on standard input is more than one"))
        }
        token => Ok(AccessToken::new(token)),
    }
}

fn not_a_token(problem: &str) -> Error {
    Error::Usage {
        message: format!("reject: the token {problem}"),
        hint: "give it on standard input, as the only line".into(),
    }
}
