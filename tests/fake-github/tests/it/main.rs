//! The fake, tried over the wire with a client that is nothing but a socket.

mod binary;
mod broken;
mod broken_answers;
mod client;
mod clients;
mod device_flow;
mod faults;
mod git;
mod ledger;
mod page;
mod rest;
mod scoped;
mod strictness;
mod tls;
mod tokens;
