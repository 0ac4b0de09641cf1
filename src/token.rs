//! GitHub's tokens, and how long they are valid. Pure: no clock, no I/O.
//! Secrets have no `Display`, a redacting `Debug`, and are wiped when dropped.

mod buffer;

use std::fmt;
use std::time::Duration;

use ring::digest::{SHA256, digest};
use secrecy::{ExposeSecret, SecretString};

pub(crate) use self::buffer::SecretBuffer;

/// Declares a secret whose text leaves only through `expose`.
macro_rules! secret {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(SecretString);

        impl $name {
            /// Wraps a secret. Tokens are opaque: their length and alphabet are up to GitHub.
            pub fn new(secret: impl Into<String>) -> Self {
                Self(SecretString::from(secret.into()))
            }

            /// The secret itself. Every use is a place where it could leak.
            pub fn expose(&self) -> &str {
                self.0.expose_secret()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.expose() == other.expose()
            }
        }

        impl Eq for $name {}
    };
}

secret! {
    /// A user access token (`ghu_…`): what tools send to GitHub (RFC 6749 section 1.4).
    AccessToken
}
secret! {
    /// A refresh token (`ghr_…`): used once, for the next pair (RFC 6749 section 1.5).
    RefreshToken
}
secret! {
    /// A GitHub App's client secret (RFC 6749 section 2.3.1): with it the App itself can be asked for.
    ClientSecret
}
secret! {
    /// The device's half of a device authorization (RFC 8628 section 3.2); the person sees the user code.
    DeviceCode
}

/// The prefixes of GitHub's tokens, and their kinds (docs.github.com, "About authentication to GitHub").
pub(crate) const TOKEN_KINDS: [(&str, &str); 6] = [
    ("github_pat_", "a fine-grained personal access token"),
    ("ghp_", "a personal access token"),
    ("gho_", "an OAuth App's token"),
    ("ghu_", "a GitHub App's user token"),
    ("ghs_", "an installation token"),
    ("ghr_", "a refresh token"),
];

/// The prefix of a text that begins as one of GitHub's tokens does.
pub(crate) fn token_prefix(text: &str) -> Option<&'static str> {
    let mut prefixes = TOKEN_KINDS.into_iter().map(|(prefix, _)| prefix);
    prefixes.find(|prefix| text.starts_with(prefix))
}

/// True if one of GitHub's tokens may begin anywhere in a text, in whatever case it is written.
pub(crate) fn has_token_prefix(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    TOKEN_KINDS.iter().any(|(prefix, _)| text.contains(prefix))
}

/// True for 40 hexadecimal digits: an App's client secret, or a token from before there were prefixes.
pub(crate) fn is_like_a_client_secret(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The hexadecimal SHA-256 of a token, by which it is known without being told. No token can be made of it.
pub(crate) fn fingerprint(token: &str) -> String {
    let hash = digest(&SHA256, token.as_bytes());
    hash.as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Whole seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The time after a duration, at most the last representable second.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add_unsigned(duration.as_secs()))
    }

    /// The time until `later`; zero if that is in the past.
    #[must_use]
    pub fn until(self, later: Self) -> Duration {
        Duration::from_secs(u64::try_from(later.0.saturating_sub(self.0)).unwrap_or(0))
    }
}

/// A token with its expiry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiring<T> {
    /// The token.
    pub token: T,
    /// The time of the response, by the local clock, plus the server's lifetime.
    pub expires_at: Timestamp,
    /// The lifetime as the server gave it.
    pub lifetime: Duration,
}

/// The tokens of one grant or refresh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenSet {
    /// The App opted out of expiring tokens: GitHub sends no expiry and no refresh token
    /// (docs.github.com, "Refreshing user access tokens").
    Permanent(AccessToken),
    /// The usual pair: an access token for about 8 hours, and a refresh token for about 6 months.
    Expiring {
        /// The user access token.
        access: Expiring<AccessToken>,
        /// The refresh token; a server may leave it out (RFC 6749 section 5.1).
        refresh: Option<Expiring<RefreshToken>>,
    },
}

/// The lifetime that an access token must have left to be served without a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MinTtl {
    /// Nobody asked: the configured duration, but never more than a tenth of the token's lifetime.
    /// A refresh invalidates the token that other processes use, so it happens late.
    Usual(Duration),
    /// Asked for by the caller.
    Explicit(Duration),
}

impl MinTtl {
    /// The value without configuration.
    pub const DEFAULT: Self = Self::Usual(Duration::from_secs(5 * 60));

    fn for_lifetime(self, lifetime: Duration) -> Duration {
        match self {
            Self::Usual(configured) => configured.min(lifetime / 10),
            Self::Explicit(asked) => asked,
        }
    }
}

/// What can be done with a token set now.
#[derive(Debug, PartialEq, Eq)]
pub enum Validity<'a> {
    /// Serve it.
    Fresh(&'a AccessToken),
    /// Due; this refresh token gets the next pair.
    Refreshable(&'a RefreshToken),
    /// Expired, without a refresh token.
    Expired,
}

impl TokenSet {
    /// The access token, whatever its age.
    pub fn access_token(&self) -> &AccessToken {
        match self {
            Self::Permanent(token) => token,
            Self::Expiring { access, .. } => &access.token,
        }
    }

    /// The refresh token, whatever its age: the local clock alone never makes it invalid.
    pub fn refresh_token(&self) -> Option<&RefreshToken> {
        match self {
            Self::Permanent(_) => None,
            Self::Expiring { refresh, .. } => refresh.as_ref().map(|refresh| &refresh.token),
        }
    }

    /// When the access token is due; `None` if it never expires.
    pub fn due_at(&self, min_ttl: MinTtl) -> Option<Timestamp> {
        let Self::Expiring { access, .. } = self else {
            return None;
        };
        let least = min_ttl
            .for_lifetime(access.lifetime)
            .max(Duration::from_secs(1));
        let seconds = i64::try_from(least.as_secs()).unwrap_or(i64::MAX);
        // Due is what has less left than that.
        Some(Timestamp(
            access
                .expires_at
                .0
                .saturating_sub(seconds)
                .saturating_add(1),
        ))
    }

    /// When the access token expires; `None` if it never does.
    pub fn expires_at(&self) -> Option<Timestamp> {
        match self {
            Self::Permanent(_) => None,
            Self::Expiring { access, .. } => Some(access.expires_at),
        }
    }

    /// Judges the set at `now`. A clock before `obtained_at` cannot be trusted, so the token is due.
    pub fn validity(
        &self,
        now: Timestamp,
        obtained_at: Timestamp,
        min_ttl: MinTtl,
    ) -> Validity<'_> {
        let Self::Expiring { access, refresh } = self else {
            return Validity::Fresh(self.access_token());
        };
        let left = now.until(access.expires_at);
        let due = left
            < min_ttl
                .for_lifetime(access.lifetime)
                .max(Duration::from_secs(1))
            || now < obtained_at;
        match refresh {
            _ if !due => Validity::Fresh(&access.token),
            Some(refresh) => Validity::Refreshable(&refresh.token),
            None if left > Duration::ZERO => Validity::Fresh(&access.token),
            None => Validity::Expired,
        }
    }

    /// The access token, unless it has expired by the clock. It may be served if a refresh fails.
    pub fn unexpired(&self, now: Timestamp) -> Option<&AccessToken> {
        match self {
            Self::Permanent(token) => Some(token),
            Self::Expiring { access, .. } => (now < access.expires_at).then_some(&access.token),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OBTAINED: Timestamp = Timestamp(1_000_000);

    fn pair() -> TokenSet {
        TokenSet::Expiring {
            access: Expiring {
                token: AccessToken::new("ghu_a"),
                expires_at: OBTAINED.after(Duration::from_secs(28_800)),
                lifetime: Duration::from_secs(28_800),
            },
            refresh: Some(Expiring {
                token: RefreshToken::new("ghr_r"),
                expires_at: OBTAINED.after(Duration::from_secs(15_897_600)),
                lifetime: Duration::from_secs(15_897_600),
            }),
        }
    }

    fn is_fresh(set: &TokenSet, seconds: i64, min_ttl: MinTtl) -> bool {
        matches!(
            set.validity(Timestamp(OBTAINED.0 + seconds), OBTAINED, min_ttl),
            Validity::Fresh(_)
        )
    }

    #[test]
    fn a_token_is_due_five_minutes_before_its_end() {
        assert!(is_fresh(&pair(), 28_800 - 300, MinTtl::DEFAULT));
        assert!(!is_fresh(&pair(), 28_800 - 299, MinTtl::DEFAULT));
    }

    #[test]
    fn a_configured_min_ttl_never_eats_more_than_a_tenth_of_the_lifetime() {
        let greedy = MinTtl::Usual(Duration::from_secs(7 * 3600));
        assert!(is_fresh(&pair(), 28_800 - 2_880, greedy));
        assert!(!is_fresh(&pair(), 28_800 - 2_879, greedy));
    }

    #[test]
    fn an_explicit_min_ttl_is_taken_at_its_word() {
        let hour = MinTtl::Explicit(Duration::from_secs(3600));
        assert!(is_fresh(&pair(), 28_800 - 3600, hour));
        assert!(!is_fresh(&pair(), 28_800 - 3599, hour));
        assert!(!is_fresh(&pair(), 28_800, MinTtl::Explicit(Duration::ZERO)));
    }

    #[test]
    fn a_clock_before_the_grant_makes_a_token_due_and_one_far_ahead_condemns_nothing() {
        assert!(!is_fresh(&pair(), -86_400, MinTtl::DEFAULT));
        let ten_years = Timestamp(OBTAINED.0 + 10 * 365 * 86_400);
        let set = pair();
        assert!(matches!(
            set.validity(ten_years, OBTAINED, MinTtl::DEFAULT),
            Validity::Refreshable(_)
        ));
        assert!(set.unexpired(ten_years).is_none());
    }

    #[test]
    fn a_permanent_token_is_always_fresh() {
        let set = TokenSet::Permanent(AccessToken::new("ghu_p"));
        assert!(is_fresh(
            &set,
            i64::from(i32::MAX),
            MinTtl::Explicit(Duration::from_secs(60))
        ));
    }

    #[test]
    fn without_a_refresh_token_the_rest_of_the_life_is_used_up() {
        let TokenSet::Expiring { access, .. } = pair() else {
            unreachable!()
        };
        let set = TokenSet::Expiring {
            access,
            refresh: None,
        };
        assert!(is_fresh(&set, 28_799, MinTtl::DEFAULT));
        assert_eq!(
            set.validity(Timestamp(OBTAINED.0 + 28_800), OBTAINED, MinTtl::DEFAULT),
            Validity::Expired
        );
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?} {:?}", pair(), DeviceCode::new("dead"));
        assert!(!shown.contains("ghu_a") && !shown.contains("ghr_r") && !shown.contains("dead"));
    }
}
