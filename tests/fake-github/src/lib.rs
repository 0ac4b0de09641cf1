//! A strict fake of GitHub's authorization server, for tests: device flow (RFC
//! 8628), refresh with rotation (RFC 6749), the REST calls around a sign-in, and a
//! git remote. It knows only the protocol, and speaks on 127.0.0.1 only.
//!
//! ```
//! use fake_github::{CLIENT_ID, Cut, Endpoint, Failure, Fault, FakeGitHub};
//!
//! # fn main() -> std::io::Result<()> {
//! let fake = FakeGitHub::start()?;
//! let pair = fake.mint(CLIENT_ID);
//! assert!(fake.is_alive(&pair.access_token));
//! // The next refresh rotates, and half of its answer is lost:
//! fake.fail_next(Endpoint::Refresh, Fault::after(Failure::Cut(Cut::Half)));
//! # Ok(())
//! # }
//! ```
//!
//! **Make one**: [`FakeGitHub::builder`] sets Apps and users, lifetimes, the clock,
//! the form of tokens, TLS ([`TlsIdentity`]), a git root, where an App is installed
//! ([`Installation`]); `start` runs it, drop stops
//! it and joins all its threads. `host`, `base_url` and `ca_pem` say where it is. The
//! REST API is at `{base_url}/api/v3`, as on GitHub Enterprise Server.
//!
//! **Be the people**: `wait_for_code`, then `approve`, `approve_as`, `deny` or
//! `expire`; or type the code at `{base_url}/login/device`. `mint` signs in directly,
//! `revoke` kills one token, `revoke_authorization` all of an App.
//!
//! **Break it**: `fail_next`, `fail_times`, `fail_always` plan a [`Fault`] for an
//! [`Endpoint`]: a [`Failure`] before the request is processed ([`Fault::before`]) or
//! after ([`Fault::after`]). `delay` makes it late, `heal` forgets both. A
//! [`Failure::Gate`] holds the request: `wait_for_held`, do what the test is about,
//! `release`. `receive` ([`Reception`]) and `go_offline` fail whole connections.
//!
//! **Ask it**: `ledger`, `requests`, `count` ([`Request`]), `refreshes` ([`Rotation`]),
//! `connections`, `is_alive`, and `violations` ([`Violation`]): what a strict server
//! minds, answered or not. `wait_for` (arrived), `wait_for_processed`, `wait_until`
//! wait without polling. A request is in the ledger before its answer is sent, with
//! the answer's status, so whoever has read an answer finds it there.

mod app;
mod authority;
mod builder;
mod chance;
mod connection;
mod control;
mod door;
mod endpoints;
mod faults;
mod http;
mod inquiry;
mod ledger;
mod server;
mod shared;
mod tls;
mod violation;
mod wire;

pub use app::{App, DeviceFlow, Installation, Installed, Level, Permissions, Tokens};
pub use builder::{Builder, CLIENT_ID, DateHeader};
pub use control::Pair;
pub use faults::{Cut, Failure, Fault, RateHeaders, RetryAfter, Stage, WrongType};
pub use inquiry::TimedOut;
pub use ledger::{Endpoint, Moment, Request, Rotation};
pub use server::FakeGitHub;
pub use shared::Reception;
pub use tls::TlsIdentity;
pub use violation::{Violation, ViolationKind};
