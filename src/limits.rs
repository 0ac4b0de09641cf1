//! How long a call waits for the network, the store, another ghtok and a person. The composition root makes
//! the struct; tests scale it. Elsewhere, beside the code that they belong to, are GitHub's own numbers
//! (`auth/device_flow.rs`, `github/token_response.rs`), the timers of an MCP conversation
//! (`mcp/conversation/settings.rs`) and of its processes (`mcp/child.rs`), the limits of schedulers'
//! programs (`schedule/installer.rs`), the timer's rules (`schedule/rules.rs`), and pauses between two looks.

use std::time::Duration;

/// How long each wait may last.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Name look-up, proxy, TCP and TLS of one request together.
    pub connect: Duration,
    /// From the first byte sent to the last byte received.
    pub answer: Duration,
    /// The whole of a check (`GET /user`) that decides about one token.
    pub check: Duration,
    /// All questions about where an App is installed together. A sign-in waits for them.
    pub reach: Duration,
    /// How long a refresher goes on trying to store a new pair.
    pub save: Duration,
    /// How long a newer pair of another process is waited for, where the lock may keep nobody out, before
    /// a refused refresh token counts as a loss.
    pub overtaken: Duration,
    /// How long a caller waits in all for a refresh, whoever does it.
    pub caller: Duration,
    /// When a waiting caller says that it waits.
    pub note_after: Duration,
    /// How long a person has to unlock the store at a sign-in.
    pub unlock: Duration,
    /// One whole read or write of the store, all its calls together.
    pub store: Duration,
    /// How long a sign-in waits for a keychain that has no collection yet.
    pub collection: Duration,
    /// How long one failure answers for everybody.
    pub failure_shared: Duration,
    /// How long another program may hold the lock of git's configuration.
    pub git_lock: Duration,
    /// The longest `Retry-After` that is believed.
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
