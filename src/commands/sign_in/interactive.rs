//! A sign-in at a terminal: the page and the code, then a countdown line and Enter to open the browser
//! until the person has approved. Polling does not wait for any of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Scope};

use anstyle::{AnsiColor, Style};

use super::countdown::Countdown;
use super::{BrowserOffer, SignInRun};
use crate::auth::ports::Prompt;
use crate::error::Result;
use crate::formats::drawing::frame::framed;
use crate::formats::drawing::qr::qr_code;
use crate::formats::durations::human_duration;
use crate::github::DeviceAuthorization;
use crate::session::Call;
use crate::system::browser::Browser;
use crate::system::clipboard::{self, Copied};
use crate::system::terminal::keys::{Keys, StopHandle, forget_typed};

const PAGE: Style = AnsiColor::Cyan.on_default().underline();
const CODE: Style = AnsiColor::Green.on_default().bold();

/// Does the work beside a person, and leaves their terminal in order.
pub(super) fn beside_person<T>(
    run: &SignInRun<'_>,
    call: &Call<'_>,
    work: impl FnOnce(&mut dyn Prompt) -> T,
) -> T {
    let is_approved = AtomicBool::new(false);
    thread::scope(|scope| {
        let mut person = Person {
            scope,
            run,
            call,
            is_approved: &is_approved,
            ending: None,
        };
        let done = work(&mut person);
        run.screen.close();
        done
    })
}

/// The person, as the device flow sees them.
struct Person<'scope, 'env, 'call> {
    scope: &'scope Scope<'scope, 'env>,
    run: &'env SignInRun<'env>,
    call: &'call Call<'call>,
    is_approved: &'env AtomicBool,
    /// Ends the countdown.
    ending: Option<StopHandle>,
}

impl Prompt for Person<'_, '_, '_> {
    fn show(&mut self, authorization: &DeviceAuthorization) -> Result<()> {
        // Nothing that was typed before this was an answer to it.
        forget_typed();
        let screen = &self.run.screen;
        if self.run.options.page.qr {
            self.draw_code_of(&authorization.verification_uri);
        }
        screen.say(&self.invitation(authorization));
        if self.run.options.page.copy {
            self.copy(&authorization.user_code);
        }
        let browser = self.offer();
        if !screen.supports_ansi() {
            let life = human_duration(authorization.expires_in);
            screen.say(&format!(
                "Waiting for the approval, for {life} at most (Ctrl-C cancels) …"
            ));
        }
        self.count_down(authorization, browser);
        Ok(())
    }

    fn trouble(&mut self, cause: &str) {
        self.run.screen.note(&format!("{cause}; still trying"));
    }

    fn approved(&mut self) {
        self.is_approved.store(true, Ordering::SeqCst);
    }
}

impl<'env> Person<'_, 'env, '_> {
    fn invitation(&self, authorization: &DeviceAuthorization) -> String {
        let app = self.call.app;
        format!(
            "Sign in to {host} as a user of the App \"{label}\":\n\n{steps}\n\n\
             Go on only if you started this yourself. If somebody sent you here or gave you\n\
             a code, stop: they would get access to your account.\n",
            host = app.host,
            label = app.label(),
            steps = self.steps(authorization),
        )
    }

    /// What is to be done, in a frame where one fits; an address that a frame would break is not framed.
    fn steps(&self, authorization: &DeviceAuthorization) -> String {
        let (page, code) = (&authorization.verification_uri, &authorization.user_code);
        let lines = [
            format!("1. Open   {PAGE}{page}{PAGE:#}"),
            format!("2. Enter  {CODE}{code}{CODE:#}"),
        ];
        let screen = &self.run.screen;
        let frame = screen
            .supports_ansi()
            .then(|| framed(&lines, screen.columns(), screen.looks().charset));
        frame
            .flatten()
            .unwrap_or_else(|| format!("  {}\n  {}", lines[0], lines[1]))
    }

    fn draw_code_of(&self, page: &str) {
        let screen = &self.run.screen;
        if !screen.is_terminal() {
            screen.note("no QR code: standard error is not a terminal");
            return;
        }
        match qr_code(page, screen.columns(), screen.looks()) {
            Some(drawn) => screen.show(&format!("{drawn}\n")),
            None => screen.note("no QR code: the terminal is too narrow"),
        }
    }

    fn copy(&self, code: &str) {
        let SignInRun {
            screen,
            clipboards,
            folders,
            ..
        } = self.run;
        screen.tell(&clipboard::by_terminal(code));
        match clipboard::copy(code, clipboards, folders) {
            Copied::Taken => screen.say("The code is in the clipboard."),
            Copied::NoProgram if screen.supports_ansi() => {
                screen.say("The terminal was asked to copy the code to the clipboard.");
            }
            Copied::NoProgram => screen.note("not copied: no clipboard program was found"),
            Copied::Failed { program, cause } => {
                screen.note(&format!("not copied: {program} failed ({cause})"));
            }
        }
    }

    /// The browser, if a person is here who can press Enter.
    fn offer(&self) -> Option<&'env Browser> {
        if self.run.options.page.no_browser || !self.call.terminal.has_person() {
            return None;
        }
        let screen = &self.run.screen;
        match &self.run.browser {
            BrowserOffer::Opens(browser) => {
                screen.say("Press Enter to open the page in your browser, or open it anywhere.");
                Some(browser)
            }
            BrowserOffer::None(why) => {
                screen.say(&format!("Open the page in any browser: {why}."));
                None
            }
        }
    }

    fn count_down(&mut self, authorization: &DeviceAuthorization, browser: Option<&'env Browser>) {
        let screen = &self.run.screen;
        if browser.is_none() && !screen.supports_ansi() {
            return;
        }
        let listening = match browser {
            Some(_) => Keys::listen(),
            None => Keys::deaf(),
        };
        // Without it the sign-in is as good, only less comfortable.
        let Ok((keys, ending)) = listening else {
            return;
        };
        let countdown = Countdown {
            run: self.run,
            until: self.run.clock.monotonic() + authorization.expires_in,
            is_approved: self.is_approved,
            page: authorization.verification_uri.clone(),
            host: &self.run.app.host,
            browser,
            opened: None,
        };
        let thread = thread::Builder::new();
        let started = thread.spawn_scoped(self.scope, move || countdown.run(keys));
        self.ending = started.ok().map(|_| ending);
    }
}
