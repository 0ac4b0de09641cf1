//! Whatever touches this machine and is no store: the clock, the terminal, processes, signals,
//! the log, notices.

pub mod browser;
pub mod clipboard;
pub mod clock;
pub mod git_file;
pub mod git_program;
pub mod logger;
pub mod network;
pub mod notes;
pub mod notification;
pub mod process;
pub mod public_file;
pub mod refresher;
pub mod signals;
pub mod terminal;
