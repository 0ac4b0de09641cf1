//! What a failure means for tokens, stored ones and new ones.

use std::fmt;

use super::Error;

/// What a failure means for the stored tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoredTokens {
    /// They are as good as before.
    Kept,
    /// A refresh was sent, and it is not known whether GitHub replaced them.
    PerhapsReplaced,
    /// GitHub was asked to revoke them, and it is not known whether it did.
    PerhapsRevoked,
}

impl fmt::Display for StoredTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kept => "nothing was lost",
            Self::PerhapsReplaced => {
                "GitHub may have replaced the tokens, and the next call finds out"
            }
            Self::PerhapsRevoked => "GitHub may have revoked the tokens",
        })
    }
}

impl Error {
    /// The same error where a refresh was sent whose outcome is not known.
    #[must_use]
    pub fn with_an_open_refresh(mut self) -> Self {
        if let Self::Temporary { tokens, .. }
        | Self::StoreFailed { tokens, .. }
        | Self::ReadOnly { tokens, .. }
        | Self::Limit { tokens, .. } = &mut self
        {
            *tokens = StoredTokens::PerhapsReplaced;
        }
        self
    }
}

/// What became of new tokens that were not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Discarded {
    /// GitHub revoked them.
    Revoked,
    /// They live on: why, and where a person can revoke them.
    NotRevoked(Box<str>),
}

impl fmt::Display for Discarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Revoked => write!(f, "the new tokens were revoked at GitHub"),
            Self::NotRevoked(why) => {
                write!(f, "the new tokens could not be revoked at GitHub ({why})")
            }
        }
    }
}
