//! Why a token can be had only by signing in.

use std::fmt;

/// Why a token can be had only by signing in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignInReason {
    /// Nothing is stored for this App.
    SignedOut,
    /// The access token is at its end, and there is no refresh token.
    Expired,
    /// There is no refresh token: the sign-in ends with its access token.
    NoRefreshToken,
    /// It was stored there, nobody signed out, and it is gone.
    Vanished {
        /// From which store.
        place: String,
    },
    /// GitHub refused the refresh token.
    RefreshRejected {
        /// When, in local time.
        when: String,
    },
    /// The pair was lost between GitHub's rotation and our first write.
    Lost {
        /// When the interrupted refresh was sent, in local time.
        when: String,
    },
    /// GitHub answers the access token with 401, and there is no refresh token.
    AccessRejected,
    /// The stored sign-in belongs to another account than the configured one.
    OtherAccount {
        /// The configured login.
        expected: String,
        /// Whose sign-in is stored.
        actual: String,
    },
}

impl fmt::Display for SignInReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SignedOut => write!(f, "not signed in"),
            Self::Expired => write!(f, "the token has expired and came without a refresh token"),
            Self::NoRefreshToken => {
                write!(
                    f,
                    "the token came without a refresh token, so the sign-in expires with it"
                )
            }
            Self::Vanished { place } => {
                write!(
                    f,
                    "the sign-in is missing from {place}, but nobody signed out"
                )
            }
            Self::RefreshRejected { when } => write!(
                f,
                "GitHub refused the refresh token on {when}: it was revoked, used elsewhere, idle for six months, or displaced by newer sign-ins (GitHub keeps ten)"
            ),
            Self::Lost { when } => write!(
                f,
                "the sign-in was lost in an interrupted refresh on {when}: GitHub replaced the tokens, and the new ones did not arrive or could not be stored (this is not a sign of theft)"
            ),
            Self::AccessRejected => {
                write!(
                    f,
                    "GitHub no longer accepts the token, and it came without a refresh token"
                )
            }
            Self::OtherAccount { expected, actual } => write!(
                f,
                "signed in as {actual}, but the configuration says {expected}"
            ),
        }
    }
}
