//! Why there is no scoped token.

use thiserror::Error;

/// Why there is no scoped token.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ScopedTokenProblem {
    /// The App's client secret is not stored.
    #[error("no client secret is stored for this App, and scoped tokens need one")]
    NoSecret,
    /// GitHub refused the client secret.
    #[error("GitHub refused the stored client secret")]
    WrongSecret,
    /// GitHub refused an owner, a repository or a permission.
    #[error("GitHub refused a scoped token for {scope}: {reason}")]
    Invalid {
        /// What was asked for.
        scope: String,
        /// GitHub's words.
        reason: String,
    },
    /// GitHub does not know the user access token under this App.
    #[error("GitHub does not accept the sign-in's token for a scoped token (HTTP 404)")]
    TokenRejected,
    /// As many tokens as there may be are held.
    #[error("the App's 4 scoped tokens are in use{}", held_by(holders))]
    InUse {
        /// The processes that hold them.
        holders: Vec<String>,
    },
    /// Too many were created within an hour.
    #[error("9 scoped tokens were created within an hour, and GitHub allows about ten")]
    TooMany {
        /// When the next one can be created, in local time.
        until: String,
    },
}

/// There is no scoped token.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{app}: {why}")]
pub struct NoScopedToken {
    /// The App's name in messages.
    pub app: String,
    /// Why not.
    pub why: ScopedTokenProblem,
    /// The command that signs in.
    pub login: String,
}

impl NoScopedToken {
    /// A stable name for programs.
    pub(super) fn code(&self) -> &'static str {
        self.why.code()
    }

    pub(super) fn exit_code(&self) -> u8 {
        self.why.exit_code()
    }

    pub(super) fn hint(&self) -> String {
        self.why.hint(&self.login)
    }
}

impl ScopedTokenProblem {
    /// A stable name for programs.
    fn code(&self) -> &'static str {
        match self {
            Self::NoSecret => "app_secret_missing",
            Self::WrongSecret => "app_secret_refused",
            Self::Invalid { .. } => "scope_refused",
            Self::TokenRejected => "scope_token_refused",
            Self::InUse { .. } => "scoped_tokens_in_use",
            Self::TooMany { .. } => "scoped_token_limit",
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::TooMany { .. } => 5,
            Self::NoSecret
            | Self::WrongSecret
            | Self::Invalid { .. }
            | Self::TokenRejected
            | Self::InUse { .. } => 1,
        }
    }

    /// What to do; `login` is the command that signs in.
    fn hint(&self, login: &str) -> String {
        let set_secret = login.replacen("login", "app secret set", 1);
        let status = login.replacen("login", "status", 1);
        match self {
            Self::NoSecret => format!(
                "generate one on the App's page at GitHub and store it (only for an App of your own):\n  {set_secret}"
            ),
            Self::WrongSecret => format!(
                "generate a new one on the App's page at GitHub and store it:\n  {set_secret}"
            ),
            Self::Invalid { .. } => format!(
                "check the names, and what the App is installed on and may do:\n  {status} --online"
            ),
            Self::TokenRejected => {
                format!(
                    "check that the stored secret belongs to this App, and the token:\n  {status} --online"
                )
            }
            Self::InUse { holders } => match holders.first().filter(|_| cfg!(unix)) {
                Some(first) => format!(
                    "end one of them:\n  ghtok sandbox revoke {first}\nor wait until a token expires; this shows them:\n  ghtok status"
                ),
                None => "wait until a token expires; this shows them:\n  ghtok status".into(),
            },
            Self::TooMany { until } => {
                format!(
                    "wait until {until}, or use a scope that has a token already; this shows them:\n  ghtok status"
                )
            }
        }
    }
}

fn held_by(holders: &[String]) -> String {
    if holders.is_empty() {
        return String::new();
    }
    format!(" by {}", holders.join(", "))
}
