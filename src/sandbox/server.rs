//! The side of the socket that is on the host: gives a sandbox tokens within its policy, and nothing else.

mod answers;
mod connection;
mod listener;
mod peer;
mod request_log;
mod socket;
mod tokens;

use std::time::Duration;

use crate::app::App;
use crate::auth::ports::Clock;
use crate::auth::scope::{Permissions, TokenScope};
use crate::error::{Error, Result, SandboxProblem};
use crate::formats::sandbox_protocol::SandboxStatus;
use crate::formats::timestamps::rfc3339;
use crate::session::{HeldSandbox, SandboxNote, Session};
use crate::token::Timestamp;

pub(crate) use self::listener::Listener;
pub(crate) use self::peer::own_user;
use self::request_log::RequestLog;
pub(crate) use self::socket::{Socket, SocketAccess, wake};
use self::tokens::SandboxTokens;

/// What a sandbox may have, and who may ask for it.
#[derive(Debug)]
pub(crate) struct Policy {
    /// The sandbox's name.
    pub(crate) name: String,
    /// What its tokens may do; `None` if it gets the user access token itself.
    pub(crate) scope: Option<TokenScope>,
    /// How long it gets tokens; `None` as long as its process runs.
    pub(crate) lifetime: Option<Duration>,
    /// The users who may ask, beside ours.
    pub(crate) allowed_users: Vec<u32>,
}

/// Why a sandbox gets no tokens any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndReason {
    /// Its time is over.
    TimeOver,
    /// Somebody revoked it.
    Revoked,
}

/// A sandbox that this process serves.
pub(crate) struct SandboxServer<'a> {
    session: &'a Session<'a>,
    app: &'a App,
    policy: Policy,
    status: SandboxStatus,
    ends_at: Option<Timestamp>,
    held: HeldSandbox,
    tokens: SandboxTokens,
    log: RequestLog,
}

impl<'a> SandboxServer<'a> {
    /// Takes the sandbox's name. Nobody is served yet.
    ///
    /// # Errors
    /// If a sandbox with this name runs, or the state folder cannot be used.
    pub(crate) fn begin(session: &'a Session<'a>, app: &'a App, policy: Policy) -> Result<Self> {
        let name = &policy.name;
        let Some(held) = session.hold_sandbox(name)? else {
            return Err(Error::Usage {
                message: format!("a sandbox with the name {name} runs already"),
                hint: format!("use another name, or end it:\n  ghtok sandbox revoke {name}"),
            });
        };
        // What a killed process left under this name must not count as this one's.
        session.forget_sandbox(name)?;
        let holder = match &policy.scope {
            Some(_) => Some(session.with_call(app, |call| call.hold(name.clone()))?),
            None => None,
        };
        let ends_at = policy
            .lifetime
            .map(|lifetime| session.machine.clock.now().after(lifetime));
        Ok(Self {
            session,
            app,
            status: status(app, &policy, ends_at),
            ends_at,
            held,
            tokens: SandboxTokens::new(holder),
            log: RequestLog::default(),
            policy,
        })
    }

    /// Notes that the sandbox is served at this socket. From now on `sandbox list` shows it.
    ///
    /// # Errors
    /// If the note cannot be written.
    pub(crate) fn register(&self, socket: &Socket) -> Result<()> {
        let note = SandboxNote::new(
            self.app.key().file_name(),
            self.status.clone(),
            socket.path().to_string_lossy().into_owned(),
            self.clock().now().0,
        );
        self.session.note_sandbox(&self.held, &note)
    }

    /// Why the sandbox gets no tokens any more; `None` while it does.
    pub(crate) fn has_ended(&self) -> Option<EndReason> {
        if self.held.is_revoked() {
            return Some(EndReason::Revoked);
        }
        let is_over = self.ends_at.is_some_and(|end| self.clock().now() >= end);
        is_over.then_some(EndReason::TimeOver)
    }

    /// When it ends, if by the clock.
    pub(crate) fn ends_at(&self) -> Option<Timestamp> {
        self.ends_at
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.policy.name
    }

    /// Forgets the note, so that `sandbox list` does not show the sandbox any more.
    pub(crate) fn unregister(&self) {
        self.held.end();
    }

    fn clock(&self) -> &(dyn Clock + Sync) {
        self.session.machine.clock
    }

    fn ended(&self, why: EndReason) -> Error {
        Error::Sandbox(SandboxProblem::Ended {
            name: self.policy.name.clone(),
            why: match why {
                EndReason::TimeOver => "its time is over",
                EndReason::Revoked => "it was revoked on the host",
            },
        })
    }
}

fn status(app: &App, policy: &Policy, ends_at: Option<Timestamp>) -> SandboxStatus {
    let scope = policy.scope.as_ref();
    let names = scope.into_iter().flat_map(|scope| {
        let names = scope.repositories.iter();
        names.map(|name| format!("{}/{name}", scope.owner))
    });
    let permissions = match scope.map(|scope| &scope.permissions) {
        Some(Permissions::These(permissions)) => permissions
            .iter()
            .map(|(name, level)| format!("{name}={level}"))
            .collect(),
        Some(Permissions::AllReadOnly) => vec!["read-only".to_owned()],
        Some(Permissions::All) | None => Vec::new(),
    };
    SandboxStatus {
        schema_version: 1,
        app: app.label().to_owned(),
        host: app.host.to_string(),
        name: policy.name.clone(),
        repositories: names.collect(),
        permissions,
        full_token: scope.is_none(),
        ends_at: ends_at.map(rfc3339),
    }
}
