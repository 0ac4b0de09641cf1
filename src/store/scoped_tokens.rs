//! The list of scoped tokens and the App's client secret, each an item of its own beside the record.

use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::app::{App, RecordKey};
use crate::auth::ports::StoreError;
use crate::auth::record::Account;
use crate::auth::scoped_tokens::list::{HandedOut, ScopedList, Use};
use crate::auth::scoped_tokens::{LockedScopedStore, ScopedStore};
use crate::store::lock::Lock;
use crate::store::state_folder::StateFolder;
use crate::store::{Slot, fingerprints};
use crate::token::{AccessToken, ClientSecret, Expiring, Timestamp, TokenSet};

const VERSION: u64 = 1;

/// Enough for most lists, so that the buffer does not grow and leave a copy behind.
const CAPACITY: usize = 4096;

/// The scoped tokens of one record.
pub struct ScopedItems {
    list: Box<dyn Slot>,
    /// The secret's places; the first that has one counts.
    secrets: Vec<Box<dyn Slot>>,
    folder: StateFolder,
    key: RecordKey,
}

/// The stored form. Times are seconds since 1970, lifetimes seconds.
#[derive(Serialize, Deserialize)]
struct StoredList {
    v: u64,
    created: Vec<i64>,
    tokens: Vec<StoredToken>,
}

#[derive(Serialize, Deserialize)]
struct StoredToken {
    scope: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    holder: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token: Option<Zeroizing<String>>,
    created_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lifetime: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    login: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user_id: Option<u64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    rejected: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    ending: bool,
}

/// Only what tells a newer list from a damaged one.
#[derive(Deserialize)]
struct ListVersion {
    v: u64,
}

impl ScopedItems {
    /// Does no I/O.
    pub fn new(
        list: Box<dyn Slot>,
        secrets: Vec<Box<dyn Slot>>,
        folder: StateFolder,
        key: RecordKey,
    ) -> Self {
        Self {
            list,
            secrets,
            folder,
            key,
        }
    }

    /// The keys of the list and of the secret.
    pub(super) fn keys(app: &App) -> (RecordKey, RecordKey) {
        (app.key().of_scoped_tokens(), RecordKey::of_secret(app))
    }

    /// Holds the name of a process that holds a token, until the lock is dropped; `None` if another process
    /// has that name.
    ///
    /// # Errors
    /// If the state folder cannot be used.
    pub fn hold(&self, holder: &str) -> Result<Option<Lock>, StoreError> {
        self.folder.create()?;
        let path = self.holder(holder);
        loop {
            match Lock::try_take(&path)? {
                // Somebody removed the file after it was opened here.
                Some(lock) if !lock.is_at(&path) => {}
                taken => return Ok(taken),
            }
        }
    }

    /// Removes the file of a name whose lock this process holds, and which nobody needs any more.
    pub(crate) fn release(&self, holder: &str) {
        // What cannot be removed is removed with those of killed processes.
        let _ = fs::remove_file(self.holder(holder));
    }

    fn holder(&self, holder: &str) -> PathBuf {
        self.folder.scoped_holder(&self.key, holder)
    }

    fn lock(&self) -> PathBuf {
        self.folder.scoped_lock(&self.key)
    }
}

impl ScopedStore for ScopedItems {
    fn load(&self) -> Result<ScopedList, StoreError> {
        match self.list.read()? {
            Some(bytes) => decode(&bytes),
            None => Ok(ScopedList::default()),
        }
    }

    fn try_lock(&self) -> Result<Option<Box<dyn LockedScopedStore + '_>>, StoreError> {
        self.folder.create()?;
        let lock = Lock::try_take(&self.lock())?;
        Ok(lock.map(|lock| {
            Box::new(LockedItems {
                items: self,
                _lock: lock,
            }) as Box<dyn LockedScopedStore>
        }))
    }

    fn is_running(&self, holder: &str) -> bool {
        Lock::is_held(&self.holder(holder))
    }

    fn secret(&self) -> Result<Option<ClientSecret>, StoreError> {
        for slot in &self.secrets {
            let Some(bytes) = slot.read()? else {
                continue;
            };
            let text = str::from_utf8(&bytes)
                .map_err(|_| StoreError::Damaged("the client secret is no text".into()))?;
            return Ok(Some(ClientSecret::new(text)));
        }
        Ok(None)
    }

    fn was_used(&self) -> bool {
        self.lock().exists()
    }
}

struct LockedItems<'a> {
    items: &'a ScopedItems,
    _lock: Lock,
}

impl LockedScopedStore for LockedItems<'_> {
    fn forget_ended_holders(&mut self) {
        let ScopedItems { folder, key, .. } = self.items;
        // They cost nothing but their names, so errors do not matter.
        for path in folder.scoped_holders(key).unwrap_or_default() {
            let _ = Lock::remove_unheld(&path);
        }
    }

    fn load(&self) -> Result<ScopedList, StoreError> {
        self.items.load()
    }

    fn save(&mut self, list: &ScopedList) -> Result<(), StoreError> {
        if list.entries.is_empty() && list.created.is_empty() {
            return self.items.list.delete();
        }
        self.items.list.write(&encode(list))?;
        let known = self.items.folder.fingerprints(&self.items.key);
        for token in list.entries.iter().filter_map(HandedOut::token) {
            // Without the fingerprint, git's other helpers may store the token.
            let _ = fingerprints::add(&known, token);
        }
        Ok(())
    }
}

fn encode(list: &ScopedList) -> Zeroizing<Vec<u8>> {
    let stored = StoredList {
        v: VERSION,
        created: list.created.iter().map(|at| at.0).collect(),
        tokens: list.entries.iter().map(StoredToken::of).collect(),
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(CAPACITY));
    serde_json::to_writer(&mut *bytes, &stored)
        .expect("plain structs with text keys always become JSON, and memory takes them");
    bytes
}

fn decode(bytes: &[u8]) -> Result<ScopedList, StoreError> {
    let damaged = || StoreError::Damaged("the list of scoped tokens cannot be read".into());
    let version: ListVersion = serde_json::from_slice(bytes).map_err(|_| damaged())?;
    if version.v > VERSION {
        return Err(StoreError::Newer(version.v));
    }
    let stored: StoredList = serde_json::from_slice(bytes).map_err(|_| damaged())?;
    Ok(ScopedList {
        created: stored.created.into_iter().map(Timestamp).collect(),
        entries: stored
            .tokens
            .into_iter()
            .map(StoredToken::into_entry)
            .collect(),
    })
}

impl StoredToken {
    fn of(entry: &HandedOut) -> Self {
        let (expires_at, lifetime) = match &entry.tokens {
            Some(TokenSet::Expiring { access, .. }) => {
                (Some(access.expires_at.0), Some(access.lifetime.as_secs()))
            }
            Some(TokenSet::Permanent(_)) | None => (None, None),
        };
        Self {
            scope: entry.used.scope.clone(),
            holder: entry.used.holder.clone(),
            token: entry
                .token()
                .map(|token| Zeroizing::new(token.expose().to_owned())),
            created_at: entry.created_at.0,
            expires_at,
            lifetime,
            login: entry.account.as_ref().map(|account| account.login.clone()),
            user_id: entry.account.as_ref().map(|account| account.id),
            rejected: entry.rejected,
            ending: entry.ending,
        }
    }

    fn into_entry(self) -> HandedOut {
        let tokens = self.token.map(|token| {
            let token = AccessToken::new(token.as_str());
            match (self.expires_at, self.lifetime) {
                (Some(at), Some(lifetime)) => TokenSet::Expiring {
                    access: Expiring {
                        token,
                        expires_at: Timestamp(at),
                        lifetime: std::time::Duration::from_secs(lifetime),
                    },
                    refresh: None,
                },
                _ => TokenSet::Permanent(token),
            }
        });
        HandedOut {
            used: Use {
                scope: self.scope,
                holder: self.holder,
            },
            tokens,
            created_at: Timestamp(self.created_at),
            account: self
                .login
                .zip(self.user_id)
                .map(|(login, id)| Account { login, id }),
            rejected: self.rejected,
            ending: self.ending,
        }
    }
}
