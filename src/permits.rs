//! What only some code may do. A function that does it asks for one of these, and only that code has one.

/// A record's lock that is held: no refresh token is sent without it (P3). Each `LockedStore` is one.
pub trait HeldLock {}

/// A person who may be asked: no device flow is started without one (P5). Each `Prompt` is one.
pub trait WillingPerson {}
