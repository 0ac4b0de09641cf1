//! `ghtok headers`: the request headers that carry a valid token, for programs that ask a command for
//! headers. Never prompts.

use std::time::Duration;

use clap::Args;

use crate::commands::Subcommand;
use crate::commands::Target;
use crate::config::Flags;
use crate::error::Result;
use crate::formats::durations::parse_duration;
use crate::sandbox::client::SandboxClient;
use crate::session::{Session, TokenSource};
use crate::system::terminal::Terminal;
use crate::token::{AccessToken, SecretBuffer};

/// Print request headers with a valid token as JSON; never prompts
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ghtok headers
  ghtok headers work")]
pub(crate) struct Headers {
    #[command(flatten)]
    target: Target,
    /// Minimum remaining lifetime, for example 90s, 30m or 1h30m
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    min_ttl: Option<Duration>,
}

impl Subcommand for Headers {
    fn flags(&self) -> Flags {
        self.target.flags()
    }

    fn run(&self, session: &Session<'_>) -> Result<u8> {
        session.for_app(|call| self.print(&call.tokens(None, None)))?;
        Ok(0)
    }

    fn run_in_sandbox(&self, sandbox: &SandboxClient<'_>) -> Result<u8> {
        self.print(&sandbox.tokens(&self.flags())?)?;
        Ok(0)
    }
}

impl Headers {
    fn print(&self, source: &dyn TokenSource) -> Result<()> {
        let issued = source.access_token(self.min_ttl)?;
        Terminal.data(render(&issued.token).as_bytes())
    }
}

fn render(token: &AccessToken) -> SecretBuffer {
    let token = token.expose();
    let mut bearer = SecretBuffer::with_capacity(token.len() + 16);
    bearer.push_str("Bearer ");
    bearer.push_str(token);
    let mut line = SecretBuffer::with_capacity(token.len() + 64);
    line.push_str("{\"Authorization\":");
    let bearer = std::str::from_utf8(bearer.as_bytes()).expect("two texts");
    serde_json::to_writer(&mut line, bearer).expect("a text becomes JSON");
    line.push_str("}\n");
    line
}

#[cfg(test)]
mod tests {
    use super::{AccessToken, render};

    #[test]
    fn it_is_one_line_of_json() {
        for (token, line) in [
            ("ghu_x", "{\"Authorization\":\"Bearer ghu_x\"}\n"),
            ("a\"b\\", "{\"Authorization\":\"Bearer a\\\"b\\\\\"}\n"),
        ] {
            assert_eq!(render(&AccessToken::new(token)).as_bytes(), line.as_bytes());
        }
    }
}
