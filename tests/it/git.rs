//! ghtok as git's credential helper, with real git against the fake's smart-HTTP remote.

mod chain;
mod helper;
mod hostile;
mod reach;
mod refusals;
mod remote;
mod tasks;
mod via;
