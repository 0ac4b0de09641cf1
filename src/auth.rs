//! How a token is obtained. Everything here works through ports, so that a test can replace the
//! machine; the authorization server is the one concrete thing.

pub(crate) mod account;
pub(crate) mod broker;
pub(crate) mod device_flow;
pub(crate) mod outcome;
pub(crate) mod ports;
pub(crate) mod reach;
pub(crate) mod record;
pub(crate) mod refresh;
pub(crate) mod rejection;
pub(crate) mod saving;
mod store_error;
pub(crate) mod token_check;
