//! `ghtok sandbox serve`: the socket of a sandbox that somebody else starts.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::mpsc;
use std::thread;

use clap::Args;

use super::PolicyFlags;
use super::ending::{finish, no_thread, why};
use super::policy::parse_name;
use crate::commands::Described;
use crate::config::Flags;
use crate::error::{Error, Result, system_reason};
use crate::formats::shell::word;
use crate::sandbox::server::{Listener, Policy, SandboxServer, Socket, SocketAccess, own_user};
use crate::session::Session;
use crate::system::terminal::Terminal;
use crate::system::{process, signals};

/// Serve a socket for a sandbox that you start yourself, in the foreground
#[derive(Debug, Args)]
#[command(
    after_help = "ghtok in the sandbox uses the socket if GHTOK_SOCKET is its path there. What the socket gives,
every program that can connect to it has: mount the socket itself, not its folder, in which
other sandboxes have theirs.

Examples:
  ghtok sandbox serve build --repo octocat/hello --read-only
  ghtok sandbox serve build --full-token --for 8h
  ghtok sandbox serve build --full-token --socket /tmp/b.sock --allow-uid 0"
)]
pub(super) struct Serve {
    /// The sandbox's name
    #[arg(value_name = "NAME", value_parser = parse_name)]
    name: String,
    /// Name of the App in the configuration [default: GHTOK_APP, then default_app, then the only one]
    #[arg(long, value_name = "APP")]
    app: Option<String>,
    #[command(flatten)]
    described: Described,
    #[command(flatten)]
    policy: PolicyFlags,
    /// Path of the socket [default: ghtok/NAME.sock in XDG_RUNTIME_DIR, or run/NAME.sock in the
    /// state folder]
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Also answer this user, for example 0 for a container of root's; repeatable
    #[arg(long = "allow-uid", value_name = "UID")]
    allowed_users: Vec<u32>,
}

impl Serve {
    pub(super) fn flags(&self) -> Flags {
        Flags {
            app: self.app.clone(),
            ..self.described.flags()
        }
    }

    /// Ends the process, once the sandbox was served.
    ///
    /// # Errors
    /// If it cannot be served.
    pub(super) fn run(&self, session: &Session<'_>) -> Result<u8> {
        session.config.check_store()?;
        let app = session.config.app(None)?;
        // The time zone can be read only while there is one thread.
        let clock = session.machine.clock;
        let _ = clock.local_time(clock.now());
        let policy = Policy {
            name: self.name.clone(),
            scope: self.policy.scope(app)?,
            lifetime: self.policy.lifetime,
            allowed_users: self.allowed_users.clone(),
        };
        let server = SandboxServer::begin(session, app, policy)?;
        let path = match &self.socket {
            Some(path) => std::path::absolute(path).map_err(|error| Error::File {
                doing: "listen at",
                path: path.clone(),
                cause: system_reason(&error),
            })?,
            None => session.sandbox_socket(&self.name)?,
        };
        let socket = Socket::listen(&path, self.access())?;
        let started = server.register(&socket).and_then(|()| check(&server));
        if let Err(error) = started {
            finish(&server, Some(&socket), error.code());
            return Err(error);
        }
        serve(&server, &socket, &|| self.tell(&path))
    }

    /// Everybody may connect if a user may who is neither we nor root; each connection's user is checked.
    fn access(&self) -> SocketAccess {
        let mut users = self.allowed_users.iter();
        if users.any(|user| ![0, own_user()].contains(user)) {
            SocketAccess::Everybody
        } else {
            SocketAccess::Owner
        }
    }

    fn tell(&self, path: &Path) {
        let shown = word(&path.to_string_lossy());
        let mut text = format!(
            "sandbox {}: serving; in the sandbox, with the socket's path there:\n  export GHTOK_SOCKET={shown}",
            self.name
        );
        if !self.allowed_users.is_empty() {
            text.push_str(&format!("\n  export GHTOK_SOCKET_OWNER={}", own_user()));
        }
        Terminal.note(&text);
    }
}

/// Finds out whether there is a token. Without the network there may be one later.
fn check(server: &SandboxServer<'_>) -> Result<()> {
    server.log_event("start", "serving")?;
    match server.check_token() {
        Err(error @ (Error::Temporary { .. } | Error::GaveUpWaiting { .. })) => {
            Terminal.note(&format!("sandbox {}: no token yet: {error}", server.name()));
            Ok(())
        }
        checked => checked,
    }
}

/// Serves until a signal, the end of the time, or a revocation.
fn serve(server: &SandboxServer<'_>, socket: &Socket, tell: &dyn Fn()) -> Result<u8> {
    let listener = Listener::new(server, socket)?;
    let stopper = listener.stopper();
    let signal = &AtomicI32::new(0);
    let (sender, received) = mpsc::channel();
    signals::on_signal(Box::new(move |signal| {
        let _ = sender.send(signal);
    }))
    .map_err(|error| no_thread(&error))?;
    // Whoever is told may end it at once; from now on its tokens are revoked then.
    tell();
    thread::scope(|scope| {
        scope.spawn(move || {
            for number in received {
                signal.store(number, Ordering::SeqCst);
                stopper.stop();
            }
        });
        listener.run(scope, &|| server.has_ended().is_none());
        let why = server.has_ended().map_or("stopped", why);
        Terminal.note(&format!("sandbox {}: ended: {why}", server.name()));
        finish(server, Some(socket), why);
        let code = match signal.load(Ordering::SeqCst) {
            0 => 0,
            number => u8::try_from(128 + number).unwrap_or(1),
        };
        // Threads may still wait for GitHub.
        process::end(code)
    })
}
