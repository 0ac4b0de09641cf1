//! Opening a page in the person's browser: a page of the App's own host, and no other.

use std::io;
use std::path::PathBuf;

use super::process::{BackgroundProcess, CommandLine};
use crate::github::is_page_of;
use crate::host::Host;

/// A browser that is there.
#[derive(Clone, Debug)]
pub struct Browser {
    line: CommandLine,
}

impl Browser {
    /// The first of these commands that is there ([`CommandLine::first_available`]).
    pub fn find(commands: &[String], folders: &[PathBuf]) -> Option<Self> {
        CommandLine::first_available(commands, folders).map(|line| Self { line })
    }

    /// Its program's name.
    pub fn name(&self) -> String {
        self.line.name()
    }

    /// Opens a page. It may take as long as it likes; nobody waits for it.
    ///
    /// # Errors
    /// If the page is not one of this host, over https (http for loopback only, as the host itself), or
    /// the browser cannot be started.
    pub fn open(&self, page: &str, host: &Host) -> io::Result<BackgroundProcess> {
        if !is_page_of(host, page) {
            return Err(io::Error::other(format!("it is no page of {host}")));
        }
        self.line.spawn_with_argument(page)
    }
}
