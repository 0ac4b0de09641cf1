//! Text in, text out. Pure: nothing here reads, writes or asks.

pub mod moments;
pub mod plain_text;
pub mod shell;
