//! Whatever touches this machine and is no store: the clock, the terminal, processes, signals.

pub mod clock;
pub mod notes;
pub mod process;
pub mod refresher;
pub mod signals;
pub mod steps;
pub mod terminal;
pub mod text_file;
