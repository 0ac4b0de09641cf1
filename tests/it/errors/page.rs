//! The page itself: errors under headings, for people and then for programs.

use std::collections::BTreeSet;
use std::fmt;

use ghtok::testing::auth::ports::StoreError;
use ghtok::testing::error::{Error, SandboxProblem, ScopedTokenProblem, SignInReason};
use ghtok::testing::github::{ErrorCode, HttpError};

/// Names the variants of an enum. One that is not listed does not compile: it wants its place on
/// the page.
macro_rules! variants {
    ($list:ident, $name:ident, $kind:ident: $($variant:ident)+) => {
        pub const $list: &[&str] = &[$(stringify!($variant)),+];

        pub fn $name(value: &$kind) -> &'static str {
            match value {
                $($kind::$variant { .. } => stringify!($variant)),+
            }
        }
    };
}

variants!(ERRORS, error, Error:
    Usage Config NoApp WhichApp UnknownApp SignInNeeded Temporary Refused ScopedToken Sandbox Denied CodeExpired
    OtherAccount AccountSwitch AccountUnknown Cancelled Interrupted StoreLocked StoreStayedLocked
    NoCaCertificates StoreConfirmsAccess StoreUnreachable StoreTimedOut
    StoreFailed NotListed StoreNotAvailable File ReadOnly Limit Exposed Damaged Newer GaveUpWaiting RefresherDied GitConfig
    ClientFailed Timer CommandNotFound CommandNotRun Output OutputClosed);
variants!(SIGN_IN_REASONS, sign_in_reason, SignInReason:
    SignedOut Expired NoRefreshToken Vanished RefreshRejected Lost AccessRejected OtherAccount);
variants!(SCOPED_PROBLEMS, scoped_problem, ScopedTokenProblem:
    NoSecret WrongSecret Invalid TokenRejected InUse TooMany);
variants!(SANDBOX_PROBLEMS, sandbox_problem, SandboxProblem:
    Ended HostOnly Untrusted Unreachable NoAnswer Refused);
variants!(CAUSES, cause, HttpError:
    HostNotFound ConnectTimeout NotLoopback ConnectionRefused ConnectFailed Limit Proxy Certificate NoCaCertificates Tls CaFile
    CaFileExposed Setting BadRequest AnswerTimeout CutOff TooLarge Malformed Html HttpStatus RateLimited Redirect);
variants!(ERROR_CODES, error_code, ErrorCode:
    DeviceFlowDisabled IncorrectClientCredentials UnauthorizedClient UnsupportedGrantType
    BadVerificationCode IncorrectDeviceCode UnverifiedUserEmail AccessDenied NotFound Unknown);
variants!(STORE_ERRORS, store_error, StoreError:
    Locked ConfirmsAccess Unreachable Absent TimedOut Failed Damaged Newer File ReadOnly Limit Exposed);

/// What people call the App of all these errors.
pub const APP: &str = "work";
/// The command that signs in to it.
pub const LOGIN: &str = "ghtok login work";

/// Errors under headings.
#[derive(Default)]
pub struct Page(Vec<(String, Vec<Entry>)>);

/// One error.
pub struct Entry {
    pub error: Error,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "[{} {}]", self.error.exit_code(), self.error.code())?;
        writeln!(f, "{}", self.error.to_text())
    }
}

impl Page {
    pub fn section(&mut self, heading: &str) -> &mut Self {
        self.0.push((heading.to_owned(), Vec::new()));
        self
    }

    pub fn add(&mut self, error: Error) -> &mut Self {
        let (_, entries) = self.0.last_mut().expect("a heading first");
        entries.push(Entry { error });
        self
    }

    pub fn entries(&self) -> Vec<&Entry> {
        self.0.iter().flat_map(|(_, entries)| entries).collect()
    }

    /// As people see it, then as programs do.
    pub fn text(&self) -> String {
        let mut text = String::from(
            "Every error of ghtok: [exit code, stable code], and what a person reads.\n",
        );
        for (heading, entries) in &self.0 {
            text += &format!("\n\n{heading}\n{}\n", "=".repeat(heading.chars().count()));
            for entry in entries {
                text += &format!("\n{entry}");
            }
        }
        text += "\n\nThe same for programs\n=====================\n\n";
        for entry in self.entries() {
            text += &entry.error.to_json();
            text.push('\n');
        }
        text
    }

    #[track_caller]
    pub fn has_every(&self, kind: &str, all: &[&str], name: impl Fn(&Entry) -> &'static str) {
        let shown: BTreeSet<&str> = self.entries().into_iter().map(name).collect();
        for variant in all {
            assert!(
                shown.contains(variant),
                "{kind}::{variant} is not on the page"
            );
        }
    }
}
