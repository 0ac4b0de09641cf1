//! Permits: values without which an action cannot be called. Their field is private and they have no
//! `Default`, `Clone` or `Copy`, so that code gets one only by naming its type, and
//! `tests/it/architecture.rs` lists the files that may.

use std::marker::PhantomData;

/// A record's lock, held.
pub trait HeldLock {}

/// Permits to send a refresh token (P3). Cannot outlive the lock.
#[derive(Debug)]
pub struct RefreshPermit<'lock>(PhantomData<&'lock ()>);

impl<'lock> RefreshPermit<'lock> {
    /// While this lock is held.
    pub fn of(_: &'lock impl HeldLock) -> Self {
        Self(PhantomData)
    }
}

/// Permits to start a device flow (P5).
#[derive(Debug)]
pub struct DeviceFlowPermit(());

impl DeviceFlowPermit {
    /// For a subcommand that was asked to sign a person in.
    pub fn asked_for() -> Self {
        Self(())
    }
}

/// Permits to ask a person to unlock or create the keychain (P5).
#[derive(Debug)]
pub struct UnlockPermit(());

impl UnlockPermit {
    /// For a subcommand that was asked to sign in, before its device flow.
    pub fn asked_for() -> Self {
        Self(())
    }
}
