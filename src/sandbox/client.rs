//! The side of the socket that is in the sandbox: ghtok itself, with `GHTOK_SOCKET` set. It reads no
//! configuration, no state folder and no keychain; whatever it gets is from the host.

mod exchange;
mod host_error;
mod tokens;
mod trust;

use std::path::PathBuf;
use std::time::Duration;

use ring::digest::{SHA256, digest};
use zeroize::Zeroizing;

use self::exchange::{Failure, HostAnswer, HostRequest, SocketExchange};
use self::host_error::{host_error, is_busy};
pub(crate) use self::tokens::{not_in_a_sandbox, other};
use crate::auth::ports::Clock;
use crate::config::SocketVariables;
use crate::error::{Error, Result, SandboxProblem};
use crate::formats::git_credential::{Attributes, CredentialRequest, Malformed};
use crate::formats::plain_text::one_line;
use crate::formats::sandbox_protocol::{GIT_PATH, REJECT_PATH, STATUS_PATH, SandboxStatus};
use crate::host::Host;
use crate::limits::Limits;
use crate::system::terminal::Terminal;
use crate::token::AccessToken;

/// The host's ghtok may wait as long as any caller; its answer to that has to come through.
const TRANSPORT: Duration = Duration::from_secs(3);

/// The pause before another attempt, at first.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// The longest pause before another attempt.
const LONGEST_PAUSE: Duration = Duration::from_millis(320);

/// How often a connection may end without an answer.
const MOST_CUT_OFF: u32 = 40;

/// git's keys that an answer may have; others could lead git elsewhere.
const ANSWER_KEYS: [&[u8]; 8] = [
    b"capability[]",
    b"username",
    b"password",
    b"password_expiry_utc",
    b"authtype",
    b"credential",
    b"ephemeral",
    b"quit",
];

/// The host's ghtok, behind a socket that is trusted.
pub(crate) struct SandboxClient<'a> {
    socket: PathBuf,
    clock: &'a (dyn Clock + Sync),
    limits: Limits,
    /// The App that the environment names.
    app: Option<String>,
    /// The host that the environment names.
    host: Option<String>,
    /// This call, for a shell on the host.
    command: String,
}

impl<'a> SandboxClient<'a> {
    /// The client of the socket that the environment names; `None` if it is not used, which a note says.
    ///
    /// # Errors
    /// If the socket is not to be trusted.
    pub(crate) fn open(
        variables: SocketVariables,
        clock: &'a (dyn Clock + Sync),
        limits: Limits,
        command: String,
    ) -> Result<Option<Self>> {
        if let Some(why) = trust::reason_to_ignore(&variables) {
            Terminal.note(&format!("GHTOK_SOCKET is ignored: {why}"));
            return Ok(None);
        }
        trust::check(&variables).map_err(Error::Sandbox)?;
        Ok(Some(Self {
            socket: variables.socket,
            clock,
            limits,
            app: variables.app,
            host: variables.host,
            command,
        }))
    }

    /// The wall clock and the monotonic clock.
    pub(crate) fn clock(&self) -> &'a (dyn Clock + Sync) {
        self.clock
    }

    /// The error of a command that belongs to the host.
    pub(crate) fn host_only(&self) -> Error {
        Error::Sandbox(SandboxProblem::HostOnly {
            command: self.command.clone(),
        })
    }

    /// The App of the sandbox and its host.
    ///
    /// # Errors
    /// Whatever keeps the host from answering.
    pub(crate) fn app_and_host(&self) -> Result<(String, Host)> {
        let answer = self.ask(&HostRequest::get(STATUS_PATH))?;
        let status: SandboxStatus = serde_json::from_slice(&answer.body)
            .map_err(|_| self.no_answer("the status cannot be read"))?;
        let host = Host::parse(&status.host)
            .map_err(|_| self.no_answer("the status names no valid host"))?;
        Ok((one_line(&status.app, 100), host))
    }

    /// Asks what git asks; the answer may be empty.
    ///
    /// # Errors
    /// Whatever keeps the host from answering.
    pub(crate) fn ask_for_git(&self, request: &CredentialRequest) -> Result<Attributes> {
        let malformed = |Malformed(why)| self.no_answer(&format!("the credential {why}"));
        let mut question = Zeroizing::new(Vec::with_capacity(1024));
        let lines = request.question().map_err(malformed)?;
        // A vector takes everything.
        let _ = lines.write_to(&mut *question);
        let answer = self.ask(&HostRequest::post(GIT_PATH, &question))?;
        let mut known = Attributes::default();
        for (key, value) in Attributes::read_from(&answer.body[..])
            .map_err(malformed)?
            .iter()
        {
            if ANSWER_KEYS.contains(&key) {
                known.push(key, value).map_err(malformed)?;
            }
        }
        Ok(known)
    }

    /// Reports a token that was answered 401. The host ignores those that it did not give to this sandbox.
    ///
    /// # Errors
    /// Whatever keeps the host from answering.
    pub(crate) fn report(&self, token: &AccessToken) -> Result<()> {
        let hash = digest(&SHA256, token.expose().as_bytes());
        let hash: String = hash.as_ref().iter().map(|b| format!("{b:02x}")).collect();
        self.ask(&HostRequest::post(REJECT_PATH, hash.as_bytes()))
            .map(drop)
    }

    /// Asks until there is an answer: the host takes only so many connections at once.
    fn ask(&self, request: &HostRequest<'_>) -> Result<HostAnswer> {
        let deadline = self.clock.monotonic() + self.limits.caller + TRANSPORT;
        let (mut pause, mut cut_off) = (FIRST_PAUSE, 0);
        loop {
            let exchange = SocketExchange {
                socket: &self.socket,
                clock: self.clock,
                deadline,
            };
            let failure = match exchange.ask(request) {
                Ok(answer) if answer.is_success() => return Ok(answer),
                Ok(answer) if is_busy(&answer) => Failure::Busy,
                Ok(answer) => return Err(host_error(&answer)),
                Err(failure) => failure,
            };
            match &failure {
                Failure::CutOff if cut_off < MOST_CUT_OFF => cut_off += 1,
                Failure::Busy => {}
                _ => return Err(self.failed(failure)),
            }
            if self.clock.monotonic() + pause >= deadline {
                return Err(self.failed(failure));
            }
            self.clock.sleep(self.jittered(pause));
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Callers that were turned away together do not come back together.
    fn jittered(&self, pause: Duration) -> Duration {
        let share = (self.clock.monotonic().subsec_nanos() ^ std::process::id()) % 64;
        pause / 2 + pause * share / 64
    }

    fn failed(&self, failure: Failure) -> Error {
        match failure {
            Failure::Unreachable(cause) => Error::Sandbox(SandboxProblem::Unreachable {
                socket: self.socket.clone(),
                cause,
            }),
            Failure::Busy => self.no_answer("the host has too many requests"),
            Failure::CutOff => self.no_answer("the connection ended before the answer"),
            Failure::TimedOut => self.no_answer(&format!(
                "none within {} s",
                (self.limits.caller + TRANSPORT).as_secs()
            )),
            Failure::Broken(cause) => self.no_answer(&cause),
            Failure::Malformed(why) => self.no_answer(&format!("the answer {why}")),
        }
    }

    fn no_answer(&self, cause: &str) -> Error {
        Error::Sandbox(SandboxProblem::NoAnswer {
            socket: self.socket.clone(),
            cause: cause.to_owned(),
        })
    }
}
