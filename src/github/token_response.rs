//! What the token endpoint grants, as the server says it and as ghtok keeps it.
//! Sources: RFC 6749 section 5.1; docs.github.com, "Refreshing user access tokens".

use std::time::Duration;

use crate::token::{AccessToken, Expiring, RefreshToken, Timestamp, TokenSet};

use super::response::Fields;
use super::response::HttpResponse;

/// How long a user access token lives when the server gives it a partner but no lifetime: 8 hours
/// (docs.github.com, "Refreshing user access tokens").
const ACCESS_LIFETIME: Duration = Duration::from_secs(28_800);

/// How long a refresh token lives when the server does not say it: 184 days (same page).
const REFRESH_LIFETIME: Duration = Duration::from_secs(15_897_600);

/// What stands in a good answer; used where the answer as a whole cannot be read.
const FIELDS: [&str; 4] = [
    "access_token",
    "expires_in",
    "refresh_token",
    "refresh_token_expires_in",
];

/// A token answer. Lifetimes that are missing, zero, negative or unreadable are `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantedTokens {
    /// The user access token.
    pub access_token: AccessToken,
    /// How long it lives.
    pub expires_in: Option<Duration>,
    /// What brings the next pair.
    pub refresh_token: Option<RefreshToken>,
    /// How long the refresh token lives.
    pub refresh_token_expires_in: Option<Duration>,
}

impl GrantedTokens {
    /// The tokens with their ends, counted from the moment the answer arrived. Neither a lifetime
    /// nor a refresh token means a token without an end: an App that opted out of expiry.
    pub fn into_token_set(self, now: Timestamp) -> TokenSet {
        if self.expires_in.is_none() && self.refresh_token.is_none() {
            return TokenSet::Permanent(self.access_token);
        }
        let access = expiring(
            self.access_token,
            self.expires_in.unwrap_or(ACCESS_LIFETIME),
            now,
        );
        let lifetime = self.refresh_token_expires_in.unwrap_or(REFRESH_LIFETIME);
        let refresh = self
            .refresh_token
            .map(|token| expiring(token, lifetime, now));
        TokenSet::Expiring { access, refresh }
    }

    /// `None` without an access token, or with a token that is none.
    fn from_fields(fields: &Fields) -> Option<Self> {
        let refresh_token = fields.text("refresh_token");
        Some(Self {
            access_token: AccessToken::new(fields.text("access_token").filter(is_token)?),
            expires_in: fields.lifetime("expires_in"),
            refresh_token: match refresh_token {
                Some(token) => Some(RefreshToken::new(is_token(&token).then_some(token)?)),
                None => None,
            },
            refresh_token_expires_in: fields.lifetime("refresh_token_expires_in"),
        })
    }
}

/// Visible ASCII (RFC 6749 appendix A.12): a line break in a token would forge lines for whoever
/// reads it.
fn is_token(text: &&str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn expiring<T>(token: T, lifetime: Duration, now: Timestamp) -> Expiring<T> {
    Expiring {
        token,
        expires_at: now.after(lifetime),
        lifetime,
    }
}

/// What the token endpoint says.
pub(super) enum TokenResponse {
    /// Tokens, whatever else it says.
    Granted(GrantedTokens),
    /// An OAuth error code.
    Error(String),
    Neither,
}

impl TokenResponse {
    /// Judges an answer by its body. A pair that can be read is never thrown away: once GitHub sent
    /// it, the pair before it is dead.
    pub(super) fn of(answer: &HttpResponse) -> Self {
        let Some(fields) = answer.fields() else {
            // Without both tokens nobody can tell what is missing.
            return match GrantedTokens::from_fields(&answer.salvaged(&FIELDS)) {
                Some(grant) if grant.refresh_token.is_some() => Self::Granted(grant),
                Some(_) | None => Self::Neither,
            };
        };
        match (GrantedTokens::from_fields(&fields), fields.text("error")) {
            (Some(grant), _) => Self::Granted(grant),
            (None, Some(error)) => Self::Error(error.to_owned()),
            (None, None) => Self::Neither,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn grant(expires_in: Option<u64>, refresh: Option<&str>, next: Option<u64>) -> TokenSet {
        let grant = GrantedTokens {
            access_token: AccessToken::new("ghu_a"),
            expires_in: expires_in.map(Duration::from_secs),
            refresh_token: refresh.map(RefreshToken::new),
            refresh_token_expires_in: next.map(Duration::from_secs),
        };
        assert!(!format!("{grant:?}").contains("ghu_a"));
        grant.into_token_set(NOW)
    }

    fn ends(set: &TokenSet) -> (i64, Option<i64>) {
        let TokenSet::Expiring { access, refresh } = set else {
            panic!("{set:?} expires")
        };
        let since = |end: Timestamp| end.0.saturating_sub(NOW.0);
        (
            since(access.expires_at),
            refresh.as_ref().map(|refresh| since(refresh.expires_at)),
        )
    }

    #[test]
    fn lifetimes_are_githubs_own_else_the_documented_ones() {
        assert_eq!(ends(&grant(Some(7), Some("ghr_r"), Some(9))), (7, Some(9)));
        assert_eq!(
            ends(&grant(None, Some("ghr_r"), None)),
            (28_800, Some(15_897_600))
        );
        assert_eq!(
            ends(&grant(Some(7), Some("ghr_r"), None)),
            (7, Some(15_897_600))
        );
        assert_eq!(ends(&grant(Some(7), None, Some(9))), (7, None));
        assert_eq!(ends(&grant(Some(u64::MAX), None, None)).0, i64::MAX - NOW.0);
    }

    #[test]
    fn an_app_without_expiry_grants_for_good() {
        let permanent = TokenSet::Permanent(AccessToken::new("ghu_a"));
        assert_eq!(grant(None, None, None), permanent);
        assert_eq!(grant(None, None, Some(9)), permanent);
    }

    /// A short run of what `tests/fuzz` does at length.
    #[test]
    fn no_damage_to_an_answer_brings_a_token_that_forges_lines() {
        let json =
            r#"{"access_token":"ghu_a","expires_in":28800,"refresh_token":"ghr_r","scope":""}"#;
        let form = "access_token=ghu_a&expires_in=28800&refresh_token=ghr_r&scope=";
        let mut state = 7_u64;
        let mut below = |end: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            usize::try_from(state >> 33).unwrap_or(0) % end
        };
        let mut granted = 0;
        for turn in 0..50_000 {
            let (kind, seed) = [
                ("application/json", json),
                ("application/x-www-form-urlencoded", form),
            ][turn % 2];
            let mut body = seed.as_bytes().to_vec();
            for _ in 0..=below(3) {
                let at = below(body.len());
                match below(3) {
                    0 => drop(body.drain(at..(at + below(6)).min(seed.len() / 2).max(at))),
                    1 => body.insert(at, b"\n\r\0%\\\"&= "[below(9)]),
                    _ => body[at] = u8::try_from(below(256)).unwrap_or(0),
                }
            }
            if let TokenResponse::Granted(grant) =
                TokenResponse::of(&HttpResponse::whole(200, kind, &body))
            {
                let token = grant.access_token.expose();
                assert!(!token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()));
                granted += 1;
            }
        }
        assert!(granted > 1000, "{granted}");
    }
}
