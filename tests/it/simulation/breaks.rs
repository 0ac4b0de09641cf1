//! Deliberate errors of the protocol. The simulator must find each of them.

/// One error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Break {
    // In the ten steps of a refresh, in their order.
    /// Begun: the record is not read again under the lock.
    NoSecondRead,
    /// Connected: the connection is made only when the request is sent.
    ConnectedLate,
    /// Intent written: only after the request.
    IntentAfterSend,
    /// Rescue prepared: no space is reserved.
    RescueNotReserved,
    /// Sent reported: it is not.
    SentNotReported,
    /// Answered: after a failure the request is repeated at once.
    SentAgain,
    /// Sealed: it is not.
    NotSealed,
    /// Saved: it is not, although the store says so.
    NewPairNotSaved,
    /// Reported: it is not.
    SavedNotReported,
    /// Rescue wiped: it is not.
    RescueNotWiped,

    // Around them.
    /// The outcome is written before the record.
    ReportedBeforeSaved,
    /// The rescue file is removed before the record is written.
    WipedBeforeSaved,
    /// Nobody looks into the rescue file.
    RescueIgnored,
    /// A caller serves the token of a record with an intent.
    IntentIgnored,
    /// The lock excludes nobody, and says that it does.
    LockExcludesNobody,
    /// The refresher does not take over the lock.
    LockNotInherited,
    /// A lock that stays when its process is killed, as a marker file does.
    LockOutlivesItsProcess,
    /// A process without network fails the others.
    LocalFailureShared,
    /// A lost answer counts as a refusal to connect.
    LostAnswerTakenForNone,
    /// A temporary failure of GitHub counts as a refused refresh token.
    BusyTakenForRefused,
    /// A sign-out does not wait for the lock.
    SignOutWithoutLock,
    /// A rejected access token deletes the sign-in.
    ErasedAtOnce,
    /// A caller waits for ever.
    WaitsForEver,
    /// A scoped token is used before it is in the list.
    ScopedTokenNotListed,
}

impl Break {
    /// All of them.
    pub const ALL: [Self; 24] = [
        Self::NoSecondRead,
        Self::ConnectedLate,
        Self::IntentAfterSend,
        Self::RescueNotReserved,
        Self::SentNotReported,
        Self::SentAgain,
        Self::NotSealed,
        Self::NewPairNotSaved,
        Self::SavedNotReported,
        Self::RescueNotWiped,
        Self::ReportedBeforeSaved,
        Self::WipedBeforeSaved,
        Self::RescueIgnored,
        Self::IntentIgnored,
        Self::LockExcludesNobody,
        Self::LockNotInherited,
        Self::LockOutlivesItsProcess,
        Self::LocalFailureShared,
        Self::LostAnswerTakenForNone,
        Self::BusyTakenForRefused,
        Self::SignOutWithoutLock,
        Self::ErasedAtOnce,
        Self::WaitsForEver,
        Self::ScopedTokenNotListed,
    ];
}
