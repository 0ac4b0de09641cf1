//! How long a call waits for the network, the store, another ghtok and a person. `lib.rs` passes the
//! limits; tests scale them. Limits of one subject are beside its code: GitHub's own numbers
//! (`auth/device_flow.rs`, `github/token_response.rs`), MCP conversations (`mcp/conversation/settings.rs`)
//! and their processes (`mcp/server_process.rs`, `mcp/watchdog.rs`), schedulers (`schedule/installer.rs`),
//! the timer's rules (`schedule/rules.rs`), and pauses while polling.

use std::time::Duration;

/// The time limits of a call.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// DNS, proxy, TCP and TLS of one request together.
    pub connect: Duration,
    /// From the first byte sent to the last byte received.
    pub answer: Duration,
    /// One check of an access token (`GET /user`), in all.
    pub check: Duration,
    /// All requests for the places where an App is installed, together. A sign-in waits for them.
    pub reach: Duration,
    /// How long a refresher retries to store a new pair.
    pub save: Duration,
    /// How long to wait for a newer pair of another process, if the lock may not exclude others, before a
    /// rejected refresh token counts as a lost sign-in.
    pub overtaken: Duration,
    /// How long a caller waits for a refresh, in all.
    pub caller: Duration,
    /// When a waiting caller prints a note.
    pub note_after: Duration,
    /// How long a person has to unlock the store at a sign-in.
    pub unlock: Duration,
    /// One read or write of the store, with all its calls.
    pub store: Duration,
    /// How long a sign-in waits for a keychain without a collection.
    pub collection: Duration,
    /// How long other callers adopt a failure.
    pub failure_shared: Duration,
    /// How long another program may hold the lock of git's configuration.
    pub git_lock: Duration,
    /// The longest `Retry-After` that ghtok accepts.
    pub retry_after: Duration,
}

impl Limits {
    /// The limits of the product. A refresher's connect and answer end before its callers give up,
    /// so that an outcome exists by then.
    pub const STANDARD: Self = Self {
        connect: Duration::from_secs(10),
        answer: Duration::from_secs(30),
        check: Duration::from_secs(4),
        reach: Duration::from_secs(10),
        save: Duration::from_secs(30),
        overtaken: Duration::from_secs(5),
        caller: Duration::from_secs(45),
        note_after: Duration::from_secs(1),
        unlock: Duration::from_secs(60),
        store: Duration::from_secs(5),
        collection: Duration::from_secs(2),
        failure_shared: Duration::from_secs(10),
        git_lock: Duration::from_secs(1),
        retry_after: Duration::from_secs(300),
    };

    /// The same limits, `divisor` times as short.
    #[must_use]
    pub fn divided_by(self, divisor: u32) -> Self {
        Self {
            connect: self.connect / divisor,
            answer: self.answer / divisor,
            check: self.check / divisor,
            reach: self.reach / divisor,
            save: self.save / divisor,
            overtaken: self.overtaken / divisor,
            caller: self.caller / divisor,
            note_after: self.note_after / divisor,
            unlock: self.unlock / divisor,
            store: self.store / divisor,
            collection: self.collection / divisor,
            failure_shared: self.failure_shared / divisor,
            git_lock: self.git_lock / divisor,
            retry_after: self.retry_after / divisor,
        }
    }
}
