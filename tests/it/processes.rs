//! Many processes at once, and processes that are killed: one refresh serves them all (P2), and no
//! end of a caller loses a sign-in (P3). All of them are the product's own binary.

mod arrivals;
mod herd;
mod killed_callers;
mod signals;
