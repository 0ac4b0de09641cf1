//! The flags that say what a sandbox may have.

use std::time::Duration;

use clap::Args;

use crate::app::App;
use crate::auth::scope::TokenScope;
use crate::commands::ScopeFlags;
use crate::error::{Error, Result};
use crate::formats::durations::parse_duration;
use crate::formats::plain_text::one_line;

/// What a sandbox may have, and for how long.
#[derive(Debug, Args)]
pub(super) struct PolicyFlags {
    #[command(flatten)]
    scope: ScopeFlags,
    /// Give the user access token itself: it can do all that the App may do, and be revoked
    #[arg(long, conflicts_with = "repositories")]
    full_token: bool,
    /// Revoke everything after this time, for example 30m or 8h [default: when it ends]
    #[arg(long = "for", value_name = "TIME", value_parser = parse_duration)]
    pub(super) lifetime: Option<Duration>,
}

impl PolicyFlags {
    /// What the tokens may do; `None` for the user access token itself.
    pub(super) fn scope(&self, app: &App) -> Result<Option<TokenScope>> {
        let scope = self.scope.scope(&app.host)?;
        if scope.is_none() && !self.full_token {
            return Err(Error::Usage {
                message: "sandbox: nothing says what its token may do".into(),
                hint: "name the repositories, for example: --repo octocat/hello; or give it all that the App may do: --full-token".into(),
            });
        }
        Ok(scope)
    }
}

/// Reads a sandbox's name.
///
/// # Errors
/// What is wrong with it.
pub(super) fn parse_name(text: &str) -> Result<String, String> {
    const LONGEST: usize = 32;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if text.is_empty()
        || text.len() > LONGEST
        || !text.bytes().all(fits)
        || text.starts_with(['.', '-'])
    {
        return Err(format!(
            "\"{}\" is not a name (1 to {LONGEST} letters, digits, dots, underscores and hyphens, not beginning with a dot or a hyphen)",
            one_line(text, 60)
        ));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::parse_name;

    #[test]
    fn a_name_is_a_plain_file_name() {
        for good in ["a", "build-1", "A_b.c", &"x".repeat(32)] {
            assert_eq!(parse_name(good).as_deref(), Ok(good));
        }
        for bad in [
            "",
            ".",
            "..",
            ".a",
            "-a",
            "a/b",
            "a b",
            "é",
            "a\n",
            &"x".repeat(33),
        ] {
            assert!(parse_name(bad).is_err(), "{bad}");
        }
    }
}
