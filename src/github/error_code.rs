//! The OAuth errors that end a request for good, what they mean, and what a person can click.
//! Sources: docs.github.com, "Generating a user access token for a GitHub App" and
//! "Troubleshooting OAuth app access token request errors"; RFC 8628 section 3.5.

use crate::app::ClientId;
use crate::host::{Host, HostKind};

use super::server_text;

/// The most characters that are kept of an error code nobody knows.
const LONGEST_UNKNOWN: usize = 64;

/// An OAuth error that asking again does not change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// The App's box "Enable Device Flow" is not ticked.
    DeviceFlowDisabled,
    /// GitHub does not accept the client ID.
    IncorrectClientCredentials,
    /// The App may not use this kind of sign-in (older GitHub Enterprise Servers).
    UnauthorizedClient,
    /// GitHub does not know this kind of request: a server without the device flow, or our bug.
    UnsupportedGrantType,
    /// The device code is wrong, expired, or another App's.
    BadVerificationCode,
    /// GitHub does not know the device code, and went on saying so after an approval.
    IncorrectDeviceCode,
    /// The account's primary e-mail address is not verified.
    UnverifiedUserEmail,
    /// A "no" where nobody was asked.
    AccessDenied,
    /// HTTP 404 at an OAuth address: no such App, or no GitHub.
    NotFound,
    /// A code that ghtok does not know.
    Unknown(String),
}

/// The codes that ghtok knows.
const KNOWN: [ErrorCode; 9] = [
    ErrorCode::DeviceFlowDisabled,
    ErrorCode::IncorrectClientCredentials,
    ErrorCode::UnauthorizedClient,
    ErrorCode::UnsupportedGrantType,
    ErrorCode::BadVerificationCode,
    ErrorCode::IncorrectDeviceCode,
    ErrorCode::UnverifiedUserEmail,
    ErrorCode::AccessDenied,
    ErrorCode::NotFound,
];

impl ErrorCode {
    /// Takes a code as GitHub spells it, or as [`Self::as_str`] gave it.
    pub fn parse(code: &str) -> Self {
        // What the REST API says instead.
        let spelling = if code == "Not Found" {
            "not_found"
        } else {
            code
        };
        let known = KNOWN.into_iter().find(|known| known.as_str() == spelling);
        known.unwrap_or_else(|| {
            let shown = server_text::shown(code);
            Self::Unknown(shown.chars().take(LONGEST_UNKNOWN).collect())
        })
    }

    /// GitHub's own word.
    pub fn as_str(&self) -> &str {
        self.word_and_meaning().0
    }

    /// What that word means.
    pub fn meaning(&self) -> &'static str {
        self.word_and_meaning().1
    }

    fn word_and_meaning(&self) -> (&str, &'static str) {
        match self {
            Self::DeviceFlowDisabled => (
                "device_flow_disabled",
                "the App does not allow the device flow",
            ),
            Self::IncorrectClientCredentials => (
                "incorrect_client_credentials",
                "GitHub does not accept the client ID",
            ),
            Self::UnauthorizedClient => {
                ("unauthorized_client", "the App may not use the device flow")
            }
            Self::UnsupportedGrantType => (
                "unsupported_grant_type",
                "the server does not support the device flow",
            ),
            Self::BadVerificationCode => {
                ("bad_verification_code", "the code is wrong or has expired")
            }
            Self::IncorrectDeviceCode => ("incorrect_device_code", "GitHub does not know the code"),
            Self::UnverifiedUserEmail => (
                "unverified_user_email",
                "the account's primary e-mail address is not verified",
            ),
            Self::AccessDenied => ("access_denied", "access was denied"),
            Self::NotFound => (
                "not_found",
                "no App has this client ID, or the host is not a GitHub server",
            ),
            Self::Unknown(code) => (code, "an error unknown to ghtok"),
        }
    }

    /// What a person can do about it; `login` is the command that signs in to the App.
    pub fn fix(&self, host: &Host, client_id: &ClientId, login: &str) -> String {
        let apps = format!("{}/settings/apps", host.web_url());
        match self {
            Self::DeviceFlowDisabled => format!(
                "tick \"Enable Device Flow\" in the settings of the App {client_id} at {apps}, save, and try again"
            ),
            Self::IncorrectClientCredentials | Self::NotFound => format!(
                "compare the client ID {client_id} and the host {host} with the App's page at {apps}"
            ),
            Self::UnauthorizedClient => format!(
                "tick \"Enable Device Flow\" in the settings of the App {client_id} at {apps}{}",
                server_age(host)
            ),
            Self::UnsupportedGrantType => match host.kind() {
                HostKind::Server => {
                    format!("ask the administrators of {host} for a version with the device flow")
                }
                HostKind::GitHubCom | HostKind::GheCom => {
                    "update ghtok; if it is up to date, report this".into()
                }
            },
            Self::BadVerificationCode | Self::IncorrectDeviceCode | Self::AccessDenied => {
                format!("start again with a new code:\n  {login}")
            }
            Self::UnverifiedUserEmail => {
                format!(
                    "verify the address at {}/settings/emails, then try again",
                    host.web_url()
                )
            }
            Self::Unknown(_) => {
                "try again later; if the error persists, update ghtok or report this code".into()
            }
        }
    }
}

fn server_age(host: &Host) -> &'static str {
    match host.kind() {
        HostKind::Server => "; a server without this setting is too old",
        HostKind::GitHubCom | HostKind::GheCom => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_known_code_keeps_its_spelling_and_has_a_meaning_and_a_cure() {
        let host = Host::parse("ghes.example").expect("a host");
        let id = ClientId::parse("Iv23liABC").expect("an id");
        for code in KNOWN {
            assert_eq!(ErrorCode::parse(code.as_str()), code);
            assert!(!code.meaning().is_empty() && !code.fix(&host, &id, "ghtok login").is_empty());
        }
        let fix = ErrorCode::DeviceFlowDisabled.fix(&host, &id, "ghtok login");
        assert!(fix.contains("https://ghes.example/settings/apps"), "{fix}");
        assert_eq!(ErrorCode::parse("Not Found"), ErrorCode::NotFound);
    }

    #[test]
    fn an_unknown_code_is_shown_short_and_tame() {
        let code = ErrorCode::parse(&format!("\u{1b}]0;x\u{7}bad {}", "y z ".repeat(99)));
        assert!(code.as_str().chars().count() <= 64);
        assert!(!code.as_str().contains('\u{1b}'));
        assert_eq!(ErrorCode::parse("ghu_secret").as_str(), "…");
    }
}
