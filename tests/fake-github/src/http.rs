//! As much of HTTP/1.1 (RFC 9112) as this server needs: one request per
//! connection, read with limits, and one answer.

pub(crate) mod answer;
pub(crate) mod date;
pub(crate) mod form;
pub(crate) mod request;

pub(crate) use answer::{Answer, Format, Params};
pub(crate) use request::{Incoming, Unreadable, read_request};
