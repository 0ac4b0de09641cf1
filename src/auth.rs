//! How a token is obtained. Everything here works through ports, so that a test can replace the
//! machine; the authorization server is the one concrete thing.

pub mod account;
pub mod broker;
pub mod device_flow;
pub mod outcome;
pub mod ports;
pub mod reach;
pub mod record;
pub mod refresh;
pub(crate) mod rejection;
pub(crate) mod saving;
mod store_error;
pub(crate) mod token_check;
