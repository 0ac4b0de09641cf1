//! The stored form of a record: compact, versioned JSON, as bytes. What cannot be read back whole is
//! damaged; what a later ghtok wrote is newer; neither is ever overwritten by a refresh.

mod text;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::auth::ports::StoreError;
use crate::auth::record::{Account, Intent, Record, RefreshRejected, Rejected, RescueKey};
use crate::token::{AccessToken, Expiring, RefreshToken, Timestamp, TokenSet};

use self::text::Text;

const VERSION: u64 = 1;

/// Enough for any record, so that the buffer never grows and leaves a copy behind.
const CAPACITY: usize = 4096;

/// Times are seconds since 1970, lifetimes seconds.
#[derive(Serialize, Deserialize)]
struct StoredRecord<'a> {
    v: u64,
    generation: u64,
    obtained_at: i64,
    #[serde(borrow)]
    access_token: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_expires: Option<Expiry>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    refresh_token: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_expires: Option<Expiry>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    login: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    intent: Option<StoredIntent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<StoredRefused>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_refused: Option<StoredRefreshRefused>,
}

#[derive(Serialize, Deserialize)]
struct Expiry {
    at: i64,
    lifetime: u64,
}

#[derive(Serialize, Deserialize)]
struct StoredIntent {
    generation: u64,
    /// Hexadecimal.
    key: Zeroizing<String>,
    at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    interrupted_at: Option<i64>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredRefused {
    Reported(i64),
    Confirmed(i64),
}

#[derive(Serialize, Deserialize)]
struct StoredRefreshRefused {
    at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    interrupted_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_checked_at: Option<i64>,
}

/// Only what tells a newer record from a damaged one.
#[derive(Deserialize)]
struct VersionOnly {
    v: u64,
}

/// Writes a record in its stored form.
pub fn encode(record: &Record) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(CAPACITY));
    serde_json::to_writer(&mut *bytes, &StoredRecord::from_record(record))
        .expect("plain structs with text keys always become JSON, and memory takes them");
    bytes
}

/// Reads a record back.
///
/// # Errors
/// `Newer` for a later format, `Damaged` for anything that is not whole. Neither says what is in it.
pub fn decode(bytes: &[u8]) -> Result<Record, StoreError> {
    let stored = serde_json::from_slice::<StoredRecord<'_>>(bytes);
    let version = match &stored {
        Ok(stored) => Ok(stored.v),
        Err(_) => serde_json::from_slice(bytes).map(|versioned: VersionOnly| versioned.v),
    };
    match (version, stored) {
        (Ok(version), _) if version > VERSION => Err(StoreError::Newer(version)),
        (Ok(VERSION), Ok(stored)) => stored.into_record().map_err(damaged),
        (_, Err(error)) => Err(StoreError::Damaged(format!(
            "it is not a record (line {}, column {})",
            error.line(),
            error.column()
        ))),
        (_, Ok(_)) => Err(damaged("its format number is unknown")),
    }
}

fn damaged(problem: &'static str) -> StoreError {
    StoreError::Damaged(problem.into())
}

impl<'a> StoredRecord<'a> {
    fn from_record(record: &'a Record) -> Self {
        let (access, refresh) = match &record.tokens {
            TokenSet::Permanent(_) => (None, None),
            TokenSet::Expiring { access, refresh } => (Some(access), refresh.as_ref()),
        };
        let account = record.account.as_ref();
        Self {
            v: VERSION,
            generation: record.generation,
            obtained_at: record.obtained_at.0,
            access_token: record.tokens.access_token().expose().into(),
            access_expires: access.map(Expiry::of),
            refresh_token: refresh.map(|refresh| refresh.token.expose().into()),
            refresh_expires: refresh.map(Expiry::of),
            login: account.map(|account| account.login.as_str().into()),
            user_id: account.map(|account| account.id),
            intent: record.intent.as_ref().map(StoredIntent::of),
            refused: record.rejected.map(|refused| match refused {
                Rejected::Reported(at) => StoredRefused::Reported(at.0),
                Rejected::Confirmed(at) => StoredRefused::Confirmed(at.0),
            }),
            refresh_refused: record.refresh_rejected.map(|refused| StoredRefreshRefused {
                at: refused.at.0,
                interrupted_at: refused.interrupted_at.map(|at| at.0),
                access_checked_at: refused.access_checked_at.map(|at| at.0),
            }),
        }
    }

    fn into_record(self) -> Result<Record, &'static str> {
        if self.generation == 0 {
            return Err("its generation is zero");
        }
        Ok(Record {
            generation: self.generation,
            tokens: self.token_set()?,
            obtained_at: Timestamp(self.obtained_at),
            account: match (self.login, self.user_id) {
                (Some(login), Some(id)) => Some(Account {
                    login: login.to_string(),
                    id,
                }),
                (None, None) => None,
                (Some(_), None) | (None, Some(_)) => return Err("half of its account is missing"),
            },
            intent: self.intent.map(StoredIntent::into_intent).transpose()?,
            rejected: self.refused.map(|refused| match refused {
                StoredRefused::Reported(at) => Rejected::Reported(Timestamp(at)),
                StoredRefused::Confirmed(at) => Rejected::Confirmed(Timestamp(at)),
            }),
            refresh_rejected: self.refresh_refused.map(|refused| RefreshRejected {
                at: Timestamp(refused.at),
                interrupted_at: refused.interrupted_at.map(Timestamp),
                access_checked_at: refused.access_checked_at.map(Timestamp),
            }),
        })
    }

    fn token_set(&self) -> Result<TokenSet, &'static str> {
        // A line break in a token would forge a line in the output of `get`.
        if !is_token(&self.access_token) || !self.refresh_token.as_deref().is_none_or(is_token) {
            return Err("a token in it has invalid characters");
        }
        let access = AccessToken::new(&*self.access_token);
        match (
            &self.access_expires,
            &self.refresh_token,
            &self.refresh_expires,
        ) {
            (None, None, None) => Ok(TokenSet::Permanent(access)),
            (Some(expiry), None, None) => Ok(TokenSet::Expiring {
                access: expiry.end(access),
                refresh: None,
            }),
            (Some(expiry), Some(refresh), Some(refresh_expiry)) => Ok(TokenSet::Expiring {
                access: expiry.end(access),
                refresh: Some(refresh_expiry.end(RefreshToken::new(&**refresh))),
            }),
            _ => Err("an expiry in it is missing"),
        }
    }
}

impl Expiry {
    fn of<T>(expiring: &Expiring<T>) -> Self {
        Self {
            at: expiring.expires_at.0,
            lifetime: expiring.lifetime.as_secs(),
        }
    }

    fn end<T>(&self, token: T) -> Expiring<T> {
        Expiring {
            token,
            expires_at: Timestamp(self.at),
            lifetime: Duration::from_secs(self.lifetime),
        }
    }
}

impl StoredIntent {
    fn of(intent: &Intent) -> Self {
        let mut key = Zeroizing::new(String::with_capacity(64));
        for byte in intent.key.expose() {
            key.push_str(&format!("{byte:02x}"));
        }
        Self {
            generation: intent.generation,
            key,
            at: intent.started_at.0,
            interrupted_at: intent.interrupted_at.map(|at| at.0),
        }
    }

    fn into_intent(self) -> Result<Intent, &'static str> {
        let mut key = [0; 32];
        let pairs = self.key.as_bytes().chunks_exact(2);
        if self.key.len() != 2 * key.len() {
            return Err("the key of its intent is cut short");
        }
        for (byte, pair) in key.iter_mut().zip(pairs) {
            let digits = std::str::from_utf8(pair).unwrap_or_default();
            *byte =
                u8::from_str_radix(digits, 16).map_err(|_| "the key of its intent is garbled")?;
        }
        Ok(Intent {
            generation: self.generation,
            key: RescueKey::from_bytes(key),
            started_at: Timestamp(self.at),
            interrupted_at: self.interrupted_at.map(Timestamp),
        })
    }
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Record {
        let expiring = |at: i64, lifetime| (Timestamp(at), Duration::from_secs(lifetime));
        let (access_end, access_life) = expiring(1_028_800, 28_800);
        let (refresh_end, refresh_life) = expiring(16_897_600, 15_897_600);
        Record {
            generation: 3,
            tokens: TokenSet::Expiring {
                access: Expiring {
                    token: AccessToken::new("ghu_aaaa"),
                    expires_at: access_end,
                    lifetime: access_life,
                },
                refresh: Some(Expiring {
                    token: RefreshToken::new("ghr_rrrr"),
                    expires_at: refresh_end,
                    lifetime: refresh_life,
                }),
            },
            obtained_at: Timestamp(1_000_000),
            account: Some(Account {
                login: "octocat".into(),
                id: 583_231,
            }),
            intent: Some(Intent {
                generation: 4,
                key: RescueKey::from_bytes([0xa7; 32]),
                started_at: Timestamp(1_028_000),
                interrupted_at: Some(Timestamp(1_027_000)),
            }),
            rejected: Some(Rejected::Reported(Timestamp(1_027_900))),
            refresh_rejected: Some(RefreshRejected {
                at: Timestamp(1_028_001),
                interrupted_at: Some(Timestamp(1_027_000)),
                access_checked_at: Some(Timestamp(1_028_002)),
            }),
        }
    }

    #[test]
    fn a_full_record_reads_back_as_it_was() {
        assert_eq!(decode(&encode(&full())).expect("whole"), full());
    }

    #[test]
    fn a_permanent_token_reads_back_as_it_was() {
        let record = Record {
            tokens: TokenSet::Permanent(AccessToken::new("ghu_p")),
            account: None,
            intent: None,
            rejected: Some(Rejected::Confirmed(Timestamp(5))),
            refresh_rejected: None,
            ..full()
        };
        assert_eq!(decode(&encode(&record)).expect("whole"), record);
    }

    #[test]
    fn the_stored_form_does_not_change_unnoticed() {
        let record = Record {
            intent: None,
            rejected: None,
            refresh_rejected: None,
            ..full()
        };
        assert_eq!(
            String::from_utf8_lossy(&encode(&record)),
            r#"{"v":1,"generation":3,"obtained_at":1000000,"access_token":"ghu_aaaa","access_expires":{"at":1028800,"lifetime":28800},"refresh_token":"ghr_rrrr","refresh_expires":{"at":16897600,"lifetime":15897600},"login":"octocat","user_id":583231}"#
        );
    }

    #[test]
    fn with_announced_token_lengths_a_record_fits_the_smallest_keychain() {
        let mut record = full();
        if let TokenSet::Expiring {
            access,
            refresh: Some(refresh),
        } = &mut record.tokens
        {
            access.token = AccessToken::new("g".repeat(520));
            refresh.token = RefreshToken::new("g".repeat(520));
        }
        assert!(encode(&record).len() < 2_560);
    }

    #[test]
    fn every_cut_of_a_record_is_damaged_and_never_a_panic() {
        let whole = encode(&full());
        for end in 0..whole.len() {
            assert!(
                matches!(decode(&whole[..end]), Err(StoreError::Damaged(_))),
                "cut at {end}"
            );
        }
    }

    #[test]
    fn a_record_of_generation_zero_is_damage() {
        let record = Record {
            generation: 0,
            ..full()
        };
        assert!(matches!(
            decode(&encode(&record)),
            Err(StoreError::Damaged(_))
        ));
    }

    #[test]
    fn a_newer_format_is_told_from_damage() {
        assert_eq!(
            decode(br#"{"v":2,"sealed":"x"}"#),
            Err(StoreError::Newer(2))
        );
        assert!(matches!(decode(br#"{"v":0}"#), Err(StoreError::Damaged(_))));
        assert!(matches!(decode(b"[]"), Err(StoreError::Damaged(_))));
    }

    #[test]
    fn a_token_with_a_line_break_is_damage() {
        let record = Record {
            tokens: TokenSet::Permanent(AccessToken::new("ghu_p\nmachine evil")),
            ..full()
        };
        assert!(matches!(
            decode(&encode(&record)),
            Err(StoreError::Damaged(_))
        ));
    }
}
