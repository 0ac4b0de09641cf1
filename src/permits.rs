//! Markers for actions that only some code may take. A function that takes such an action has one of
//! these traits as a parameter.

/// A record's lock, held: no refresh token is sent without it (P3). Every `LockedStore` is one.
pub trait HeldLock {}

/// A person who may be prompted: no device flow starts without one (P5). Every `Prompt` is one.
pub trait WillingPerson {}
