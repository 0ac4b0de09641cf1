//! A thread beside the polling: the countdown line, the key that opens the browser, and the browser's
//! result.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::SignInRun;
use crate::formats::drawing::wait::{approved, countdown};
use crate::host::Host;
use crate::system::browser::Browser;
use crate::system::process::BackgroundProcess;
use crate::system::terminal::keys::{Heard, Keys};

/// How often the line is written again.
const TICK: Duration = Duration::from_secs(1);

pub(super) struct Countdown<'a> {
    pub(super) run: &'a SignInRun<'a>,
    pub(super) until: Duration,
    pub(super) is_approved: &'a AtomicBool,
    pub(super) page: String,
    pub(super) host: &'a Host,
    pub(super) browser: Option<&'a Browser>,
    /// A browser that has not ended yet.
    pub(super) opened: Option<BackgroundProcess>,
}

impl Countdown<'_> {
    /// Runs until the keys say that it is over.
    pub(super) fn run(mut self, mut keys: Keys) {
        loop {
            self.count_down();
            match keys.wait(TICK) {
                Heard::End => return,
                Heard::Enter => {
                    self.run.screen.entered();
                    self.open();
                }
                Heard::Nothing => {}
            }
            self.check_browser();
        }
    }

    fn count_down(&self) {
        let screen = &self.run.screen;
        let columns = screen.columns();
        screen.rewrite(&if self.is_approved.load(Ordering::SeqCst) {
            approved(columns)
        } else {
            countdown(
                self.until.saturating_sub(self.run.clock.monotonic()),
                columns,
            )
        });
    }

    /// One at a time: a key that is held down opens one window, not fifty.
    fn open(&mut self) {
        let Some(browser) = self.browser else {
            return;
        };
        if self.opened.is_some() || self.is_approved.load(Ordering::SeqCst) {
            return;
        }
        match browser.open(&self.page, self.host) {
            Ok(aside) => {
                self.opened = Some(aside);
                let name = browser.name();
                self.run
                    .screen
                    .say(&format!("Opening the page with {name} …"));
            }
            Err(error) => self.not_opened(browser, &error.to_string()),
        }
    }

    fn check_browser(&mut self) {
        let (Some(browser), Some(opened)) = (self.browser, &mut self.opened) else {
            return;
        };
        if let Some(status) = opened.try_wait() {
            self.opened = None;
            if !status.success() {
                self.not_opened(browser, &status.to_string());
            }
        }
    }

    fn not_opened(&self, browser: &Browser, cause: &str) {
        self.run.screen.note(&format!(
            "{} could not open the page ({cause}): open it yourself",
            browser.name()
        ));
    }
}
