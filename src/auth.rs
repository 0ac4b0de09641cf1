//! How a token is obtained. All code here works through ports, so that tests can replace the machine
//! and GitHub; only the device flow's server is concrete.

pub(crate) mod account;
mod authorization_server;
pub(crate) mod broker;
pub(crate) mod device_flow;
pub(crate) mod outcome;
pub(crate) mod ports;
pub(crate) mod reach;
pub(crate) mod record;
pub(crate) mod refresh;
pub(crate) mod rejection;
pub(crate) mod repository_access;
pub(crate) mod saving;
pub(crate) mod scope;
pub(crate) mod scoped_tokens;
pub(crate) mod sign_in_record;
mod store_error;
pub(crate) mod token_check;
