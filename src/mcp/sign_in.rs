//! A sign-in by MCP dialog. Of all the processes that ask for one, a single one runs the device flow and
//! publishes its code; the others show that code too, and wait for the sign-in.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::auth::device_flow::poll_wait;
use crate::auth::ports::{Clock, Prompt};
use crate::error::{Error, Result};
use crate::github::DeviceAuthorization;
use crate::mcp::conversation::{Remedy, TokenError};
use crate::mcp::messages::UserCode;
use crate::mcp::tokens::{Fetched, OwnTokens, Tokens, token_error};
use crate::permits::DeviceFlowPermit;
use crate::session::Call;
use crate::session::sign_in::sign_in;
use crate::system::terminal::Terminal;
use crate::token::Timestamp;

/// How often another process's sign-in is looked at.
const FOLLOW_INTERVAL: Duration = Duration::from_millis(300);

/// How often a waiting device flow looks whether it is cancelled.
const CANCEL_INTERVAL: Duration = Duration::from_millis(100);

impl Tokens<'_> {
    /// Signs a person in, who is shown the code; ends soon after `cancelled` is set. A sandbox asks nobody.
    pub(super) fn sign_in(&self, show: &dyn Fn(UserCode), cancelled: &AtomicBool) -> Fetched {
        match self {
            Self::SignIn(own) => own.sign_in(show, cancelled),
            Self::Sandbox(_) => self.fetch(),
        }
    }
}

impl OwnTokens<'_> {
    fn sign_in(&self, show: &dyn Fn(UserCode), cancelled: &AtomicBool) -> Fetched {
        let dialog = self.session.sign_in_dialog(self.app);
        let before = self.sign_in_outcome();
        let mut shown: Option<UserCode> = None;
        while !cancelled.load(Ordering::SeqCst) {
            match dialog.try_lock() {
                Ok(Some(lock)) => {
                    let publish = |code: UserCode| {
                        lock.publish(&serde_json::to_vec(&code).unwrap_or_default());
                        self.open_page(&code.url);
                        show(code);
                    };
                    return self.run_device_flow(&publish, cancelled);
                }
                Ok(None) => {}
                Err(error) => {
                    return Err(TokenError {
                        text: format!("cannot use the state folder: {error}"),
                        remedy: Remedy::Other,
                    });
                }
            }
            let code = dialog
                .code()
                .and_then(|bytes| serde_json::from_slice(&bytes).ok());
            if code.is_some() && code != shown {
                shown.clone_from(&code);
                code.into_iter().for_each(show);
            }
            let outcome = self.sign_in_outcome();
            if outcome != before && outcome.is_some_and(|outcome| outcome.is_stored) {
                return self.fetch();
            }
            self.session.machine.clock.sleep(FOLLOW_INTERVAL);
        }
        Err(token_error(&Error::Denied {
            app: self.app.label().to_owned(),
            login: format!("ghtok login {}", self.app.label()),
        }))
    }

    /// With the dialog's lock held.
    fn run_device_flow(&self, show: &dyn Fn(UserCode), cancelled: &AtomicBool) -> Fetched {
        // Another process may have signed in before this one got the lock.
        if let Ok(fetched) = self.fetch() {
            return Ok(fetched);
        }
        let session = self.session.reopened();
        let before = session.remembered_store(self.app).unwrap_or(None);
        session.decide_store_for_login(self.app, None);
        let elsewhere = session.signed_in_elsewhere(self.app, before);
        let signed_in = session.with_call(self.app, |call| {
            let clock = CancellableClock {
                clock: call.clock,
                cancelled,
            };
            let call = Call {
                clock: &clock,
                ..*call
            };
            let mut prompt = DialogPrompt {
                show,
                cancelled,
                clock: call.clock,
            };
            let permit = DeviceFlowPermit::asked_for();
            sign_in(permit, &mut prompt, elsewhere.as_ref(), &call)?;
            self.valid_token(&call)
        });
        signed_in
            .and_then(|fetched| session.move_sign_in(self.app, before).map(|()| fetched))
            .map_err(|error| token_error(&error))
    }

    fn open_page(&self, page: &str) {
        if let Some(browser) = &self.browser
            && let Err(error) = browser.open(page, &self.app.host)
        {
            Terminal.note(&format!("mcp: the browser was not opened: {error}"));
        }
    }
}

/// Shows the code in a dialog of the MCP client.
struct DialogPrompt<'a> {
    show: &'a dyn Fn(UserCode),
    cancelled: &'a AtomicBool,
    clock: &'a dyn Clock,
}

impl Prompt for DialogPrompt<'_> {
    fn show(&mut self, authorization: &DeviceAuthorization) -> Result<()> {
        let end = self.clock.now().after(authorization.expires_in);
        (self.show)(UserCode {
            url: authorization.verification_uri.clone(),
            user_code: authorization.user_code.clone(),
            until: self.clock.local_time(end),
            expires_at: end.0,
            poll_wait: poll_wait(authorization).as_secs(),
        });
        Ok(())
    }

    fn trouble(&mut self, _: &str) {}

    fn given_up(&self) -> bool {
        self.cancelled.load(Ordering::SeqCst)
    }
}

/// A clock whose `sleep` ends soon after `cancelled` is set.
struct CancellableClock<'a> {
    clock: &'a dyn Clock,
    cancelled: &'a AtomicBool,
}

impl Clock for CancellableClock<'_> {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    fn sleep(&self, duration: Duration) {
        let end = self.monotonic() + duration;
        while !self.cancelled.load(Ordering::SeqCst) {
            let left = end.saturating_sub(self.monotonic());
            if left.is_zero() {
                return;
            }
            self.clock.sleep(left.min(CANCEL_INTERVAL));
        }
    }

    fn local_time(&self, at: Timestamp) -> String {
        self.clock.local_time(at)
    }
}
