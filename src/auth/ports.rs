//! What the decisions in this folder need of the machine, and what a test replaces.

use std::fs::File;
use std::time::{Duration, SystemTime};

use crate::auth::outcome::Outcome;
use crate::auth::record::{Record, RescueKey, Want};
pub use crate::auth::store_error::StoreError;
use crate::error::Result;
use crate::github::DeviceAuthorization;
use crate::permits::{HeldLock, WillingPerson};
use crate::token::Timestamp;

/// Time, and the passing of it.
pub trait Clock {
    /// The wall clock. It may be wrong and it may jump.
    fn now(&self) -> Timestamp;
    /// Time since some fixed moment; it never goes back.
    fn monotonic(&self) -> Duration;
    /// Lets time pass.
    fn sleep(&self, duration: Duration);
    /// Lets time pass until `wait` sees what it waits for, which is told for how long it may.
    fn sleep_unless(&self, duration: Duration, wait: &dyn Fn(Duration)) {
        let _ = wait;
        self.sleep(duration);
    }
    /// A moment as people read it: local time with its offset.
    fn local_time(&self, at: Timestamp) -> String;
    /// How many seconds local time is ahead of UTC.
    fn utc_offset(&self) -> i32 {
        0
    }
}

/// One App's record, wherever it is kept.
pub trait TokenStore {
    /// Reads the record: one read of the underlying store, no lock.
    fn load(&self) -> Result<Option<Record>, StoreError>;
    /// Takes the record's lock if nobody holds it.
    fn try_lock(&self) -> Result<Option<Box<dyn LockedStore + '_>>, StoreError>;
    /// Has a person unlock the store, if it is locked. Only for who may ask (P5).
    fn unlock(&self, limit: Duration) -> Result<(), StoreError>;
    /// What happened last; `None` if nothing is known.
    fn outcome(&self) -> Option<Outcome>;
    /// Tells whether [`Self::outcome`] would give something new, without reading it.
    fn outcome_version(&self) -> OutcomeVersion;
    /// When the last sign-in was stored, by the file system's clock; refreshes do not count.
    fn last_sign_in(&self) -> Option<SystemTime> {
        None
    }
    /// Where the record is, for messages.
    fn place(&self) -> String;
    /// True if the last sign-in went here and nobody signed out since.
    fn has_sign_in(&self) -> bool {
        false
    }
    /// The store that a sign-in can name instead of this one.
    fn other_store(&self) -> &'static str {
        "file"
    }
    /// True if a sign-in that names no store goes elsewhere by itself if this one is not there.
    fn is_chosen_at_sign_in(&self) -> bool {
        true
    }
}

/// What one `stat` of the outcome shows. It differs after each report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutcomeVersion {
    /// When the file was written; `None` if there is none.
    pub written: Option<SystemTime>,
    /// Its size.
    pub size: u64,
    /// The system's number of the file.
    pub file: u64,
}

/// The right to change a record. Dropping it gives the lock back.
pub trait LockedStore {
    /// Reads the record.
    fn load(&self) -> Result<Option<Record>, StoreError>;
    /// Shows that a record could be stored now, before somebody is asked for one.
    fn prove_writable(&mut self) -> Result<(), StoreError>;
    /// Notes that this store has the record, so that later calls look nowhere else.
    fn remember_store(&mut self) -> Result<(), StoreError>;
    /// Stores the record, whole or not at all, durably.
    fn save(&mut self, record: &Record) -> Result<(), StoreError>;
    /// Deletes the record, a damaged one too.
    fn delete(&mut self) -> Result<(), StoreError>;
    /// What happened last.
    fn outcome(&self) -> Option<Outcome>;
    /// Tells everybody what happened.
    fn report(&mut self, outcome: &Outcome) -> Result<(), StoreError>;
    /// Makes room for a rescue that then cannot fail for lack of space.
    fn prepare_rescue(&mut self) -> Result<(), StoreError>;
    /// Seals the record that a refresh brought into that room, durably.
    fn seal_rescue(&mut self, record: &Record, key: &RescueKey) -> Result<(), StoreError>;
    /// The record that a refresh to `generation` left in the rescue file, if it did. A file that
    /// cannot be read is an error: the only pair there is may be in it.
    fn rescued(&self, generation: u64, key: &RescueKey) -> Result<Option<Record>, StoreError>;
    /// Removes the rescue file, if there is one.
    fn wipe_rescue(&mut self);
    /// Removes what is kept beside a record that was deleted: the rescue file, the note of its store, the
    /// code of an MCP dialog, the log. The lock stays, and so does the outcome: its generation tells the
    /// next sign-in from this one.
    fn forget_rest(&mut self) -> Result<(), StoreError>;
    /// True if the lock may keep nobody out, as on some network file systems.
    fn may_be_shared(&self) -> bool {
        false
    }
    /// The open, locked file, for a process that takes over the lock; `None` where locks cannot be
    /// handed on. The lock ends when both are closed.
    fn lock_file(&self) -> Option<File>;
}

impl<T: LockedStore + ?Sized> HeldLock for T {}

/// Runs one refresh where its caller cannot cut it in half.
pub trait Refresher {
    /// Says whether this process's own settings let it reach the network. What is wrong with them
    /// is told to its caller alone, never to those who wait.
    ///
    /// # Errors
    /// The setting at fault.
    fn check_settings(&self) -> Result<()> {
        Ok(())
    }
    /// Starts it with the lock already taken. What comes of it is read from the outcome.
    fn start(&self, locked: Box<dyn LockedStore + '_>, want: Want);
    /// Lets time pass, at most until a refresh that was started here has ended.
    fn pause(&self, pause: Duration, clock: &dyn Clock) {
        clock.sleep(pause);
    }
}

/// A person who may be asked. Code that is handed none cannot start a device flow (P5).
pub trait Prompt {
    /// Shows the page and the code (RFC 8628 section 3.3).
    ///
    /// # Errors
    /// If it cannot be shown, nobody can approve it.
    fn show(&mut self, authorization: &DeviceAuthorization) -> Result<()>;
    /// Says that GitHub cannot be asked just now, and that asking goes on.
    fn trouble(&mut self, cause: &str);
    /// Says that the person has approved: nothing more is asked of them.
    fn approved(&mut self) {}
    /// True once nobody wants the sign-in any more: polling ends as if it had been denied.
    fn given_up(&self) -> bool {
        false
    }
}

impl<T: Prompt + ?Sized> WillingPerson for T {}

/// Is told what happens; the terminal, or a test that stops time at a step.
pub trait Observer {
    /// Something happened.
    fn observe(&self, event: &Event);
}

/// What an observer is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A caller has been waiting for a refresh long enough to say so.
    Waiting,
    /// A refresh could not be had; a token that is still valid was served instead.
    ServedAnyway {
        /// Why there was no refresh.
        cause: String,
        /// How long the served token has left; `None` if it never expires.
        left: Option<Duration>,
    },
    /// A token was served whose refresh token was refused: the sign-in ends with it.
    SignInBefore {
        /// What people call the App.
        app: String,
        /// When the token ends, in local time.
        end: String,
        /// The command that signs in.
        login: String,
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
    /// The rescue file has its room.
    RescuePrepared,
    /// `sent` is reported; the request goes out next.
    SentReported,
    /// GitHub answered.
    Answered,
    /// The new pair is sealed in the rescue file.
    Sealed,
    /// The new pair is stored.
    Saved,
    /// Everybody was told.
    Reported,
    /// The rescue file is gone.
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
            Self::IntentWritten => "intent stored",
            Self::RescuePrepared => "space for the rescue file reserved",
            Self::SentReported => "about to send",
            Self::Answered => "answered",
            Self::Sealed => "new pair sealed",
            Self::Saved => "new pair saved",
            Self::Reported => "outcome told",
            Self::RescueWiped => "rescue file removed",
        }
    }
}
