//! Access to this machine, except for stores: clock, terminal, processes, signals, log, notifications.

pub(crate) mod browser;
pub(crate) mod clipboard;
pub(crate) mod clock;
pub(crate) mod git_file;
pub(crate) mod git_program;
pub(crate) mod logger;
pub(crate) mod network;
pub(crate) mod notes;
pub(crate) mod notification;
pub(crate) mod pipes;
pub(crate) mod process;
pub(crate) mod public_file;
pub(crate) mod refresher;
pub(crate) mod signals;
pub(crate) mod terminal;
