//! `ghtok doctor`: a fixture for everything that it can name. Where the fix is a command, it is run as
//! printed, and then the finding is gone. Nothing that doctor does changes a file.

mod accounts;
mod codes;
mod git;
mod online;
mod passed_on;
mod patient;
mod places;
mod privacy;
mod programs;
mod untouched;
