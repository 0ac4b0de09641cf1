//! The record of one sign-in (tokens, account, marks), and the decision what to do with it. Pure;
//! `store/record.rs` has the stored format.

use std::fmt;

use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use crate::formats::durations::human_duration;
use crate::token::{AccessToken, MinTtl, Timestamp, TokenSet, Validity};

/// One sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The number of the token set; each sign-in and each refresh increases it by one.
    pub generation: u64,
    /// The tokens of the last sign-in or refresh.
    pub tokens: TokenSet,
    /// When they arrived, by the local clock.
    pub obtained_at: Timestamp,
    /// Who signed in; `None` until GitHub has said it.
    pub account: Option<Account>,
    /// Set while a refresh is in progress, or was interrupted.
    pub intent: Option<Intent>,
    /// Set if the access token was answered with 401.
    pub rejected: Option<Rejected>,
    /// The refresh token was rejected; it is never sent again.
    pub refresh_rejected: Option<RefreshRejected>,
}

/// Who signed in (GitHub REST API, "Get the authenticated user").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The login at that time.
    pub login: String,
    /// The account's number, which stays the same when the login changes.
    pub id: u64,
}

/// Written before a refresh is sent. If nobody holds the lock, an intent means that the refresh was
/// interrupted and that the tokens may be invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The generation of the new tokens.
    pub generation: u64,
    /// Decrypts the rescue file of this refresh.
    pub key: RescueKey,
    /// When it was written.
    pub started_at: Timestamp,
    /// When an earlier refresh was sent with the same refresh token and got no response.
    pub interrupted_at: Option<Timestamp>,
}

/// A 401 on the access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejected {
    /// A tool reported it; ghtok asks GitHub before it refreshes.
    Reported(Timestamp),
    /// GitHub has confirmed it to ghtok.
    Confirmed(Timestamp),
}

/// GitHub answered `bad_refresh_token`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshRejected {
    /// When it answered.
    pub at: Timestamp,
    /// Set if an earlier refresh was sent and got no response: then the new pair was lost.
    pub interrupted_at: Option<Timestamp>,
    /// When GitHub last accepted the access token after that. It must be asked, because a revocation
    /// usually covers both tokens.
    pub access_checked_at: Option<Timestamp>,
}

/// The key that seals one rescue file.
#[derive(Clone, PartialEq, Eq)]
pub struct RescueKey(Zeroizing<[u8; 32]>);

impl RescueKey {
    /// A new random key; `None` if the system returns no random numbers.
    pub fn random() -> Option<Self> {
        let mut bytes = Zeroizing::new([0; 32]);
        SystemRandom::new().fill(bytes.as_mut()).ok()?;
        Some(Self(bytes))
    }

    /// A key read back from its record.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The key itself.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for RescueKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RescueKey(…)")
    }
}

/// The token that a caller needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// A token with at least this min TTL left.
    Valid(MinTtl),
    /// A token set newer than this generation, even if the current one is valid.
    NewerThan(u64),
}

impl fmt::Display for Want {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Valid(MinTtl::Usual(left)) => {
                write!(f, "{}, or a tenth of the lifetime", human_duration(*left))
            }
            Self::Valid(MinTtl::Explicit(left)) => write!(f, "at least {}", human_duration(*left)),
            Self::NewerThan(generation) => write!(f, "a generation after {generation}"),
        }
    }
}

/// What to do for a caller.
#[derive(Debug, PartialEq, Eq)]
pub enum Decision<'a> {
    /// Return this token.
    Serve(&'a AccessToken),
    /// Take the lock, read the record again, and refresh it or ask GitHub about it.
    Refresh,
    /// Only a new sign-in helps.
    SignIn(DeadEnd),
}

/// Why only a new sign-in helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeadEnd {
    /// No refresh token, and the access token has expired.
    Expired,
    /// The refresh token was rejected at this time.
    RefreshRejected(Timestamp),
    /// The new pair was lost in a refresh sent at this time.
    Lost(Timestamp),
    /// No refresh token, and GitHub answers the access token with 401.
    AccessRejected,
}

impl Record {
    /// A record of newly granted tokens, without marks.
    pub fn granted(
        generation: u64,
        tokens: TokenSet,
        obtained_at: Timestamp,
        account: Option<Account>,
    ) -> Self {
        Self {
            generation,
            tokens,
            obtained_at,
            account,
            intent: None,
            rejected: None,
            refresh_rejected: None,
        }
    }

    /// Decides whether to serve, refresh or sign in again. The only place that decides this.
    pub fn decide(&self, now: Timestamp, want: Want) -> Decision<'_> {
        if let Some(dead_end) = self.dead_end(now) {
            return Decision::SignIn(dead_end);
        }
        if self.intent.is_some() || matches!(self.rejected, Some(Rejected::Reported(_))) {
            return Decision::Refresh;
        }
        let refreshable = self.tokens.refresh_token().is_some() && self.refresh_rejected.is_none();
        if !refreshable {
            return match (want, self.refresh_rejected) {
                // A caller that needs a newer set does not get the old one.
                (Want::NewerThan(generation), Some(rejected)) if self.generation <= generation => {
                    Decision::SignIn(DeadEnd::RefreshRejected(rejected.at))
                }
                (_, Some(rejected)) if rejected.access_checked_at.is_none() => Decision::Refresh,
                _ => Decision::Serve(self.tokens.access_token()),
            };
        }
        if self.rejected.is_some() {
            return Decision::Refresh;
        }
        match want {
            Want::NewerThan(generation) if self.generation <= generation => Decision::Refresh,
            Want::NewerThan(_) => Decision::Serve(self.tokens.access_token()),
            Want::Valid(min_ttl) => match self.tokens.validity(now, self.obtained_at, min_ttl) {
                Validity::Fresh(token) => Decision::Serve(token),
                Validity::Refreshable(_) | Validity::Expired => Decision::Refresh,
            },
        }
    }

    /// Why only a sign-in helps; `None` if the record can be served or refreshed.
    fn dead_end(&self, now: Timestamp) -> Option<DeadEnd> {
        if let Some(RefreshRejected {
            interrupted_at: Some(sent),
            ..
        }) = self.refresh_rejected
        {
            return Some(DeadEnd::Lost(sent));
        }
        let alive = self.tokens.unexpired(now).is_some()
            && !matches!(self.rejected, Some(Rejected::Confirmed(_)));
        if alive {
            return None;
        }
        match (self.refresh_rejected, self.tokens.refresh_token()) {
            (Some(rejected), _) => Some(DeadEnd::RefreshRejected(rejected.at)),
            (None, Some(_)) => None,
            (None, None) if self.rejected.is_some() => Some(DeadEnd::AccessRejected),
            (None, None) => Some(DeadEnd::Expired),
        }
    }

    /// True if GitHub must be asked about the access token before it is served: a tool reported it as
    /// rejected, or its refresh token was rejected.
    pub fn must_be_checked(&self, now: Timestamp) -> bool {
        let after_refusal = self
            .refresh_rejected
            .is_some_and(|rejected| rejected.access_checked_at.is_none());
        matches!(self.rejected, Some(Rejected::Reported(_)))
            || (after_refusal && self.dead_end(now).is_none())
    }

    /// When a refresh was sent that got no response, if there is one.
    pub fn interrupted_at(&self) -> Option<Timestamp> {
        self.intent.as_ref()?.interrupted_at
    }

    /// The access token that may be served if a refresh fails: not expired, not known to be invalid, and
    /// certainly not replaced.
    pub fn still_valid(&self, now: Timestamp) -> Option<&AccessToken> {
        let known_dead = matches!(self.rejected, Some(Rejected::Confirmed(_)))
            || self
                .refresh_rejected
                .is_some_and(|rejected| rejected.interrupted_at.is_some());
        if self.intent.is_some() || known_dead {
            return None;
        }
        self.tokens.unexpired(now)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::token::{Expiring, RefreshToken};

    const T0: Timestamp = Timestamp(1_000_000);
    const USUAL: Want = Want::Valid(MinTtl::DEFAULT);

    fn record() -> Record {
        Record {
            generation: 3,
            tokens: TokenSet::Expiring {
                access: Expiring {
                    token: AccessToken::new("ghu_a"),
                    expires_at: T0.after(Duration::from_secs(28_800)),
                    lifetime: Duration::from_secs(28_800),
                },
                refresh: Some(Expiring {
                    token: RefreshToken::new("ghr_r"),
                    expires_at: T0.after(Duration::from_secs(15_897_600)),
                    lifetime: Duration::from_secs(15_897_600),
                }),
            },
            obtained_at: T0,
            account: None,
            intent: None,
            rejected: None,
            refresh_rejected: None,
        }
    }

    fn without_refresh_token() -> Record {
        let mut record = record();
        if let TokenSet::Expiring { refresh, .. } = &mut record.tokens {
            *refresh = None;
        }
        record
    }

    const DUE: Timestamp = Timestamp(T0.0 + 28_700);
    const OVER: Timestamp = Timestamp(T0.0 + 28_800);

    fn serves(record: &Record, now: Timestamp) -> bool {
        matches!(record.decide(now, USUAL), Decision::Serve(_))
    }

    #[test]
    fn a_plain_record_is_served_until_it_is_due() {
        assert!(serves(&record(), T0));
        assert_eq!(record().decide(DUE, USUAL), Decision::Refresh);
        assert_eq!(record().decide(OVER, USUAL), Decision::Refresh);
        assert!(record().still_valid(DUE).is_some());
        assert!(record().still_valid(OVER).is_none());
    }

    #[test]
    fn an_intent_holds_back_even_a_fresh_token() {
        let mut record = record();
        record.intent = Some(Intent {
            generation: 4,
            key: RescueKey::from_bytes([7; 32]),
            started_at: T0,
            interrupted_at: None,
        });
        assert_eq!(record.decide(T0, USUAL), Decision::Refresh);
        assert!(record.still_valid(T0).is_none());
    }

    #[test]
    fn a_reported_401_is_checked_and_a_confirmed_one_is_never_served() {
        let mut record = record();
        record.rejected = Some(Rejected::Reported(T0));
        assert_eq!(record.decide(T0, USUAL), Decision::Refresh);
        assert!(record.still_valid(T0).is_some());
        record.rejected = Some(Rejected::Confirmed(T0));
        assert_eq!(record.decide(T0, USUAL), Decision::Refresh);
        assert!(record.still_valid(T0).is_none());
        let mut alone = without_refresh_token();
        alone.rejected = Some(Rejected::Confirmed(T0));
        assert_eq!(
            alone.decide(T0, USUAL),
            Decision::SignIn(DeadEnd::AccessRejected)
        );
    }

    #[test]
    fn after_a_refused_refresh_token_the_access_token_is_used_up() {
        let mut record = record();
        record.refresh_rejected = Some(RefreshRejected {
            at: T0,
            interrupted_at: None,
            access_checked_at: None,
        });
        assert_eq!(record.decide(T0, USUAL), Decision::Refresh, "check it once");
        assert!(record.must_be_checked(T0) && !record.must_be_checked(OVER));
        assert!(record.still_valid(T0).is_some());
        assert_eq!(
            record.decide(T0, Want::NewerThan(3)),
            Decision::SignIn(DeadEnd::RefreshRejected(T0))
        );
        record.refresh_rejected = Some(RefreshRejected {
            at: T0,
            interrupted_at: None,
            access_checked_at: Some(T0),
        });
        assert!(!record.must_be_checked(T0));
        assert!(serves(&record, T0));
        assert!(serves(&record, DUE));
        assert_eq!(
            record.decide(OVER, USUAL),
            Decision::SignIn(DeadEnd::RefreshRejected(T0))
        );
        record.rejected = Some(Rejected::Confirmed(T0));
        assert_eq!(
            record.decide(T0, USUAL),
            Decision::SignIn(DeadEnd::RefreshRejected(T0))
        );
    }

    #[test]
    fn a_lost_pair_is_never_served() {
        let mut record = record();
        record.refresh_rejected = Some(RefreshRejected {
            at: DUE,
            interrupted_at: Some(T0),
            access_checked_at: None,
        });
        assert_eq!(
            record.decide(T0, USUAL),
            Decision::SignIn(DeadEnd::Lost(T0))
        );
        assert!(record.still_valid(T0).is_none());
    }

    #[test]
    fn a_newer_set_can_be_asked_for_and_is_adopted_when_it_is_there() {
        assert_eq!(record().decide(T0, Want::NewerThan(3)), Decision::Refresh);
        assert!(matches!(
            record().decide(T0, Want::NewerThan(2)),
            Decision::Serve(_)
        ));
    }

    #[test]
    fn without_a_refresh_token_there_is_nothing_to_rotate() {
        let alone = without_refresh_token();
        assert!(serves(&alone, DUE));
        assert!(matches!(
            alone.decide(T0, Want::NewerThan(3)),
            Decision::Serve(_)
        ));
        assert_eq!(
            alone.decide(OVER, USUAL),
            Decision::SignIn(DeadEnd::Expired)
        );
    }
}
