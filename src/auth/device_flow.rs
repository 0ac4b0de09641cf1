//! The device authorization grant (RFC 8628). The only code that starts one. It never holds a
//! record's lock.

use std::time::Duration;

use crate::app::App;
use crate::auth::broker::github_error;
use crate::auth::ports::{Clock, Prompt};
use crate::auth::record::Account;
use crate::auth::token_check::account_of_new;
use crate::error::{Error, Result, StoredTokens};
use crate::github::{DeviceAuthorization, ErrorCode, GitHub, GrantedTokens, Poll, RequestFailure};
use crate::permits::DeviceFlowPermit;
use crate::token::AccessToken;

/// The shortest polling interval, whatever the server says (the default of RFC 8628 section 3.2).
const SHORTEST_INTERVAL: Duration = Duration::from_secs(5);

/// What one `slow_down` adds (RFC 8628 section 3.5).
const SLOW_DOWN_STEP: Duration = Duration::from_secs(5);

/// Some clocks (WSL, virtual machines) run fast: an exact wait would be early, and GitHub answers early
/// polls with a longer interval. After a `slow_down`, the margin is larger.
const MARGIN_PERCENT: u32 = 120;
const MARGIN_PERCENT_AFTER_SLOW_DOWN: u32 = 140;

/// A code of GitHub is valid for 15 minutes; the longest time that ghtok accepts from a server.
const LONGEST_CODE_LIFETIME: Duration = Duration::from_secs(3600);

/// The longest pause after network errors.
const LONGEST_BACKOFF: Duration = Duration::from_secs(60);

/// GitHub answers `incorrect_device_code` now and then right after the approval.
const INCORRECT_CODE_GRACE: u32 = 2;

/// Signs in to one App.
pub struct DeviceFlow<'a> {
    permit: DeviceFlowPermit,
    app: &'a App,
    login_command: &'a str,
    github: &'a GitHub,
    clock: &'a dyn Clock,
}

/// The polling interval, which changes with the server's answers.
struct PollPace {
    interval: Duration,
    margin_percent: u32,
    backoff: Option<Duration>,
    incorrect_codes: u32,
}

impl<'a> DeviceFlow<'a> {
    /// Asks nothing yet. `login_command` is the command that signs in, for messages.
    pub fn new(
        permit: DeviceFlowPermit,
        app: &'a App,
        login_command: &'a str,
        github: &'a GitHub,
        clock: &'a dyn Clock,
    ) -> Self {
        Self {
            permit,
            app,
            login_command,
            github,
            clock,
        }
    }

    /// Asks for a code, shows it, and polls until it is approved, denied or expired.
    ///
    /// # Errors
    /// `Denied`, `CodeExpired`, `Refused` (an answer that a retry does not change), or `Temporary` if
    /// GitHub gave no code.
    pub fn run(&self, prompt: &mut dyn Prompt) -> Result<GrantedTokens> {
        let authorization = self
            .github
            .request_device_code(&self.permit)
            .map_err(|failure| self.no_code(&failure))?;
        let expires_at =
            self.clock.monotonic() + authorization.expires_in.min(LONGEST_CODE_LIFETIME);
        prompt.show(&authorization)?;
        self.poll(&authorization, expires_at, prompt)
    }

    fn poll(
        &self,
        authorization: &DeviceAuthorization,
        expires_at: Duration,
        prompt: &mut dyn Prompt,
    ) -> Result<GrantedTokens> {
        let mut pace = PollPace::new(authorization.interval);
        loop {
            // Counted from the end of the last answer; the first poll waits too.
            let left = expires_at.saturating_sub(self.clock.monotonic());
            self.clock.sleep(pace.wait().min(left));
            if prompt.given_up() {
                return Err(self.denied());
            }
            if self.clock.monotonic() >= expires_at {
                return Err(self.expired());
            }
            match self.github.poll(&authorization.device_code) {
                Ok(Poll::Granted(grant)) => {
                    prompt.approved();
                    return Ok(grant);
                }
                Ok(Poll::Pending) => pace.answered(),
                Ok(Poll::SlowDown(interval)) => pace.slow_down(interval),
                Ok(Poll::Denied) => return Err(self.denied()),
                Ok(Poll::Expired) => return Err(self.expired()),
                Ok(Poll::IncorrectDeviceCode) => {
                    if !pace.forgives_incorrect_code() {
                        return Err(self.github_error(&ErrorCode::IncorrectDeviceCode));
                    }
                }
                Err(RequestFailure::Refused { code }) => return Err(self.github_error(&code)),
                Err(RequestFailure::Answered {
                    cause, retry_after, ..
                }) => {
                    prompt.trouble(&cause.to_string());
                    pace.back_off(retry_after);
                }
                Err(RequestFailure::NotSent(cause) | RequestFailure::Unknown(cause)) => {
                    prompt.trouble(&cause.to_string());
                    pace.back_off(None);
                }
            }
        }
    }

    /// The account of this token; `None` if GitHub does not answer.
    pub fn account(&self, token: &AccessToken) -> Option<Account> {
        account_of_new(token, self.github, self.clock)
    }

    fn no_code(&self, failure: &RequestFailure) -> Error {
        let (cause, retry_after) = match failure {
            RequestFailure::Refused { code } => return self.github_error(code),
            RequestFailure::Answered {
                cause, retry_after, ..
            } => (cause, *retry_after),
            RequestFailure::NotSent(cause) | RequestFailure::Unknown(cause) => (cause, None),
        };
        if let Some(error) = cause.setting_error() {
            return error;
        }
        Error::Temporary {
            app: self.app.label().to_owned(),
            what: "could not request a sign-in code",
            cause: cause.to_string(),
            retry_after,
            tokens: StoredTokens::Kept,
        }
    }

    fn github_error(&self, code: &ErrorCode) -> Error {
        github_error(self.app, code, self.login_command)
    }

    fn denied(&self) -> Error {
        Error::Denied {
            app: self.app.label().to_owned(),
            login: self.login_command.to_owned(),
        }
    }

    fn expired(&self) -> Error {
        Error::CodeExpired {
            app: self.app.label().to_owned(),
            login: self.login_command.to_owned(),
        }
    }
}

/// How long the flow waits before each question to GitHub, unless GitHub asks for more.
pub(crate) fn poll_wait(authorization: &DeviceAuthorization) -> Duration {
    PollPace::new(authorization.interval).wait()
}

impl PollPace {
    fn new(interval: Duration) -> Self {
        Self {
            interval: interval.max(SHORTEST_INTERVAL),
            margin_percent: MARGIN_PERCENT,
            backoff: None,
            incorrect_codes: 0,
        }
    }

    fn wait(&self) -> Duration {
        let usual = self.interval * self.margin_percent / 100;
        self.backoff.map_or(usual, |backoff| backoff.max(usual))
    }

    fn answered(&mut self) {
        self.backoff = None;
    }

    fn slow_down(&mut self, asked: Option<Duration>) {
        self.backoff = None;
        self.interval = (self.interval + SLOW_DOWN_STEP).max(asked.unwrap_or_default());
        self.margin_percent = MARGIN_PERCENT_AFTER_SLOW_DOWN;
    }

    /// RFC 8628 section 3.5: on a time-out the client must poll less often; doubling is advised.
    fn back_off(&mut self, asked: Option<Duration>) {
        let doubled = (self.wait() * 2).min(LONGEST_BACKOFF);
        self.backoff = Some(doubled.max(asked.unwrap_or_default()));
    }

    fn forgives_incorrect_code(&mut self) -> bool {
        self.backoff = None;
        self.incorrect_codes += 1;
        self.incorrect_codes <= INCORRECT_CODE_GRACE
    }
}
