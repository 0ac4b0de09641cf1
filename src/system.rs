//! Whatever touches this machine and is no store: the clock, the terminal, processes, signals,
//! the log, notices.

pub(crate) mod browser;
pub(crate) mod clipboard;
pub(crate) mod clock;
pub(crate) mod git_file;
pub(crate) mod git_program;
pub(crate) mod logger;
pub(crate) mod network;
pub(crate) mod notes;
pub(crate) mod notification;
pub(crate) mod process;
pub(crate) mod public_file;
pub(crate) mod refresher;
pub(crate) mod signals;
pub(crate) mod terminal;
