//! What every test stands on.

#[macro_use]
pub mod skip;

pub mod bench;
pub mod canned;
pub mod chance;
pub mod cron;
pub mod deadline;
pub mod fake_clock;
pub mod git;
pub mod herd;
pub mod leaks;
pub mod mount;
pub mod namespace;
pub mod overtaken;
pub mod processes;
#[cfg(target_os = "linux")]
pub mod pty;
pub mod records;
pub mod registration_form;
pub mod sandbox;
pub mod signing_in;
pub mod snapshot;
#[cfg(target_os = "linux")]
pub mod user_keyring;
pub mod words;
