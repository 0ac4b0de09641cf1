//! The tokens of a sandbox.

use std::borrow::Cow;
use std::time::Duration;

use super::SandboxClient;
use super::exchange::HostRequest;
use crate::config::{Flags, host_named};
use crate::error::{Error, Result};
use crate::formats::durations::{flag_duration, human_duration};
use crate::formats::plain_text::one_line;
use crate::formats::sandbox_protocol::TOKEN_PATH;
use crate::formats::token_json::ParsedToken;
use crate::host::Host;
use crate::session::{IssuedToken, TokenSource};
use crate::system::terminal::Terminal;
use crate::token::{AccessToken, Timestamp};

/// A sandbox does not know how long its tokens live: the host replaces them this long before their end, or
/// when a tenth of their life is left.
const DUE_BEFORE_END: Duration = Duration::from_secs(5 * 60);

/// Longer names are cut, in characters.
const LONGEST_NAME: usize = 100;

/// The tokens that the host gives to this sandbox.
pub(crate) struct SocketTokens<'a> {
    client: &'a SandboxClient<'a>,
    /// The App that it must be.
    app: Option<String>,
    /// The host that it must be.
    host: Option<Host>,
}

impl<'a> SandboxClient<'a> {
    /// The tokens that these flags ask for. A sandbox has one App, so that flags and variables can only agree
    /// with it.
    ///
    /// # Errors
    /// `Usage` for a flag about what a sandbox does not have.
    pub(crate) fn tokens(&'a self, flags: &Flags) -> Result<SocketTokens<'a>> {
        for (flag, is_given) in [
            ("--client-id", flags.client_id.is_some()),
            ("--store", flags.store.is_some()),
        ] {
            if is_given {
                return Err(not_in_a_sandbox(flag));
            }
        }
        let host = match (&flags.host, &self.host) {
            (Some(flag), _) => Some(host_named("--host", flag)?),
            (None, Some(variable)) => Some(host_named("GHTOK_HOST", variable)?),
            (None, None) => None,
        };
        Ok(SocketTokens {
            client: self,
            app: flags.app.as_ref().or(self.app.as_ref()).cloned(),
            host,
        })
    }
}

/// The error of a flag about what was decided on the host.
pub(crate) fn not_in_a_sandbox(flag: &str) -> Error {
    Error::Usage {
        message: format!("{flag} is not available in a sandbox (GHTOK_SOCKET is set)"),
        hint: "leave it out: what a sandbox's tokens are was decided where it was started".into(),
    }
}

impl TokenSource for SocketTokens<'_> {
    fn access_token(&self, min_ttl: Option<Duration>) -> Result<IssuedToken<'_>> {
        let path = match &self.host {
            Some(host) => Cow::Owned(format!("{TOKEN_PATH}?host={}", in_query(&host.to_string()))),
            None => Cow::Borrowed(TOKEN_PATH),
        };
        let answer = self.client.ask(&HostRequest::get(&path))?;
        let parsed = ParsedToken::parse(&answer.body)
            .ok_or_else(|| self.client.no_answer("the token cannot be read"))?;
        let issued = self.checked(parsed)?;
        let left = issued
            .expires_at
            .map(|end| self.client.clock.now().until(end));
        if let (Some(least), Some(left)) = (min_ttl, left)
            && left < least
        {
            Terminal.note(&format!(
                "the token is valid for {}, less than --min-ttl {}: only the host renews it",
                human_duration(left),
                flag_duration(least)
            ));
        }
        Ok(issued)
    }

    /// The host has a rule of its own in place of `min_age`: it believes one report a minute.
    fn reject(&self, token: &AccessToken, _min_age: Duration) -> Result<()> {
        self.client.report(token)
    }
}

impl SocketTokens<'_> {
    fn checked(&self, parsed: ParsedToken) -> Result<IssuedToken<'static>> {
        let host = Host::parse(&parsed.host)
            .map_err(|_| self.client.no_answer("the token's host is not valid"))?;
        let app = one_line(&parsed.app, LONGEST_NAME);
        if let Some(wanted) = self.app.as_ref().filter(|wanted| **wanted != app) {
            return Err(other("App", wanted, &app));
        }
        if let Some(wanted) = self.host.as_ref().filter(|wanted| **wanted != host) {
            return Err(other("host", &wanted.to_string(), &host.to_string()));
        }
        let is_token =
            |token: &str| !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic());
        if !is_token(&parsed.token) {
            return Err(self
                .client
                .no_answer("the token has characters that no token has"));
        }
        let expires_at = parsed.expires_at_unix.map(Timestamp);
        let now = self.client.clock.now();
        let due_at = expires_at.map(|end| {
            let early = DUE_BEFORE_END.min(now.until(end) / 10);
            Timestamp(end.0.saturating_sub_unsigned(early.as_secs()))
        });
        Ok(IssuedToken {
            app: Cow::Owned(app),
            host: Cow::Owned(host),
            login: parsed.login.map(|login| one_line(&login, LONGEST_NAME)),
            token: AccessToken::new(parsed.token.as_str()),
            expires_at,
            due_at,
            generation: 0,
        })
    }
}

/// The error of a sandbox that is for something else.
pub(crate) fn other(kind: &str, wanted: &str, actual: &str) -> Error {
    Error::Usage {
        message: format!(
            "the {kind} of this sandbox (GHTOK_SOCKET) is {actual}, not {}",
            one_line(wanted, LONGEST_NAME)
        ),
        hint: format!("leave the {kind} out, or start a sandbox for it on the host"),
    }
}

/// A host as the value of a query (RFC 3986 section 3.4).
fn in_query(host: &str) -> String {
    host.replace('[', "%5B").replace(']', "%5D")
}
