//! The traits that this folder needs from the machine; tests replace them.

use std::collections::hash_map::RandomState;
use std::fs::File;
use std::hash::{BuildHasher, Hasher};
use std::time::{Duration, SystemTime};

pub use crate::auth::authorization_server::{AuthorizationServer, Exchange};
use crate::auth::outcome::Outcome;
use crate::auth::record::{Record, RescueKey, Want};
pub use crate::auth::store_error::StoreError;
use crate::error::Result;
use crate::github::DeviceAuthorization;
use crate::permits::{RefreshPermit, UnlockPermit};
use crate::token::Timestamp;

/// The wall clock, the monotonic clock, sleeping, and chance.
pub trait Clock {
    /// The wall clock. It may be wrong, and it may jump.
    fn now(&self) -> Timestamp;
    /// Time since some fixed moment; it never goes back.
    fn monotonic(&self) -> Duration;
    /// Sleeps.
    fn sleep(&self, duration: Duration);
    /// Calls `wait` with the time that it may wait; it may return earlier.
    fn sleep_unless(&self, duration: Duration, wait: &dyn Fn(Duration)) {
        let _ = wait;
        self.sleep(duration);
    }
    /// A random number, so that callers that wait for the same thing do not all keep the same pace.
    fn chance(&self) -> u64 {
        RandomState::new().build_hasher().finish()
    }
    /// Local time with its offset, for messages.
    fn local_time(&self, at: Timestamp) -> String;
    /// How many seconds local time is ahead of UTC.
    fn utc_offset(&self) -> i32 {
        0
    }
}

/// The store of one App's record.
pub trait TokenStore {
    /// Reads the record: one read of the underlying store, no lock.
    fn load(&self) -> Result<Option<Record>, StoreError>;
    /// Takes the record's lock; `None` if another process holds it.
    fn try_lock(&self) -> Result<Option<Box<dyn LockedStore + '_>>, StoreError>;
    /// Unlocks the store if it is locked; may show a prompt (P5).
    fn unlock(&self, permit: &UnlockPermit, limit: Duration) -> Result<(), StoreError>;
    /// The last outcome; `None` if nothing is known.
    fn outcome(&self) -> Option<Outcome>;
    /// Changes whenever [`Self::outcome`] changes; costs one `stat`.
    fn outcome_version(&self) -> OutcomeVersion;
    /// When the last sign-in (not refresh) was stored, by the file system's clock.
    fn last_sign_in(&self) -> Option<SystemTime> {
        None
    }
    /// The store's name in messages.
    fn place(&self) -> String;
    /// True if the last sign-in was stored here and there was no sign-out since.
    fn has_sign_in(&self) -> bool {
        false
    }
    /// The store that a sign-in can name instead of this one.
    fn other_store(&self) -> &'static str {
        "file"
    }
    /// True if a sign-in without `--store` chooses another store when this one does not exist.
    fn is_chosen_at_sign_in(&self) -> bool {
        true
    }
}

/// What `stat` shows of the outcome file. It differs after each report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutcomeVersion {
    /// When the file was written; `None` if there is none.
    pub written: Option<SystemTime>,
    /// Its size.
    pub size: u64,
    /// Its inode number.
    pub file: u64,
}

/// A record whose lock is held, and which may therefore be changed. Dropping it releases the lock.
pub trait LockedStore {
    /// Permits to refresh the record.
    fn refresh_permit(&self) -> RefreshPermit<'_>;
    /// Reads the record.
    fn load(&self) -> Result<Option<Record>, StoreError>;
    /// Checks that a record could be stored, before a person is asked to sign in.
    fn prove_writable(&mut self) -> Result<(), StoreError>;
    /// Notes that the sign-in is in this store, so that later calls read only this store.
    fn remember_store(&mut self) -> Result<(), StoreError>;
    /// Stores the record atomically and durably.
    fn save(&mut self, record: &Record) -> Result<(), StoreError>;
    /// Deletes the record, a damaged one too.
    fn delete(&mut self) -> Result<(), StoreError>;
    /// The last outcome.
    fn outcome(&self) -> Option<Outcome>;
    /// Writes the outcome for all waiting processes.
    fn report(&mut self, outcome: &Outcome) -> Result<(), StoreError>;
    /// Reserves space for the rescue file, so that sealing cannot fail on a full disk.
    fn prepare_rescue(&mut self) -> Result<(), StoreError>;
    /// Encrypts the new record into the reserved file, durably.
    fn seal_rescue(&mut self, record: &Record, key: &RescueKey) -> Result<(), StoreError>;
    /// The record that a refresh to `generation` left in the rescue file, if any. A file that cannot be
    /// read is an error, because it may hold the only valid pair.
    fn rescued(&self, generation: u64, key: &RescueKey) -> Result<Option<Record>, StoreError>;
    /// Removes the rescue file, if there is one.
    fn wipe_rescue(&mut self);
    /// Removes the other files of a deleted record. The lock stays, and so does the outcome: its generation
    /// distinguishes the next sign-in from this one.
    fn forget_rest(&mut self) -> Result<(), StoreError>;
    /// True if the lock may not exclude others, as on some network file systems.
    fn may_be_shared(&self) -> bool {
        false
    }
    /// The open, locked file, for a child that takes over the lock; `None` on systems where a lock cannot
    /// be inherited. The lock is released when both processes have closed the file.
    fn lock_file(&self) -> Option<File>;
}

/// Starts a refresh that its caller's end does not interrupt.
pub trait Refresher {
    /// Checks this process's own network settings. An error concerns this caller only and is not shared
    /// with waiting processes.
    ///
    /// # Errors
    /// The invalid setting.
    fn check_settings(&self) -> Result<()> {
        Ok(())
    }
    /// Starts a refresh, which takes over the lock. The result is in the outcome.
    fn start(&self, locked: Box<dyn LockedStore + '_>, want: Want);
    /// Sleeps, at most until the refresh that was started here has ended.
    fn pause(&self, pause: Duration, clock: &dyn Clock) {
        clock.sleep(pause);
    }
}

/// Shows a device flow to a person.
pub trait Prompt {
    /// Shows the page and the code (RFC 8628 section 3.3).
    ///
    /// # Errors
    /// If they cannot be shown; the device flow then ends.
    fn show(&mut self, authorization: &DeviceAuthorization) -> Result<()>;
    /// A poll failed temporarily; polling goes on.
    fn trouble(&mut self, cause: &str);
    /// The person has approved.
    fn approved(&mut self) {}
    /// True if the sign-in is no longer wanted: polling ends as if it had been denied.
    fn given_up(&self) -> bool {
        false
    }
}

/// Receives events: prints notes to the terminal, or stops a test at a step.
pub trait Observer {
    /// Handles an event.
    fn observe(&self, event: &Event);
}

/// An event for the observer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A caller has waited long enough for a refresh to print a note.
    Waiting,
    /// A refresh failed; a token that is still valid was served instead.
    ServedAnyway {
        /// Why there was no refresh.
        cause: String,
        /// How long the served token has left; `None` if it never expires.
        left: Option<Duration>,
    },
    /// A token was served whose refresh token was rejected: the sign-in ends when it expires.
    SignInBefore {
        /// The App's name in messages.
        app: String,
        /// When the token expires, in local time.
        end: String,
        /// The command that signs in.
        login: String,
    },
    /// Nearly as many scoped tokens were created within an hour as GitHub allows.
    ManyScopedTokens {
        /// The App's name in messages.
        app: String,
        /// How many, with the one that is created now.
        count: usize,
    },
    /// A refresh reached this step.
    Refresh(Step),
}

/// The steps of a refresh, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The lock is held and the record was read again.
    Begun,
    /// The TLS handshake is done, nothing was written.
    Connected,
    /// `intent` is stored.
    IntentWritten,
    /// Space for the rescue file is reserved.
    RescuePrepared,
    /// `sent` is reported; the request goes out next.
    SentReported,
    /// GitHub answered.
    Answered,
    /// The new pair is sealed in the rescue file.
    Sealed,
    /// The new pair is stored.
    Saved,
    /// The outcome `saved` is written.
    Reported,
    /// The rescue file is removed.
    RescueWiped,
}

impl Step {
    /// All steps, in their order.
    pub const ALL: [Self; 10] = [
        Self::Begun,
        Self::Connected,
        Self::IntentWritten,
        Self::RescuePrepared,
        Self::SentReported,
        Self::Answered,
        Self::Sealed,
        Self::Saved,
        Self::Reported,
        Self::RescueWiped,
    ];

    /// The step in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Connected => "connected",
            Self::IntentWritten => "intent stored: the tokens will be replaced",
            Self::RescuePrepared => "space for the rescue file reserved",
            Self::SentReported => "about to send",
            Self::Answered => "answered",
            Self::Sealed => "new tokens sealed in the rescue file",
            Self::Saved => "new tokens saved",
            Self::Reported => "outcome written",
            Self::RescueWiped => "rescue file removed",
        }
    }
}
