//! `ghtok sandbox run`: a command with a token of its own and a socket for the next ones. Everything is revoked
//! when the command ends.

use std::cell::Cell;
use std::ffi::OsString;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::thread;

use clap::Args;

use super::PolicyFlags;
use super::command_env::{CommandEnv, GhFolder};
use super::ending::{finish, no_thread, revoke, why};
use super::policy::parse_name;
use crate::app::App;
use crate::commands::Target;
use crate::config::Flags;
use crate::error::{Error, Result};
use crate::sandbox::server::{Listener, Policy, SandboxServer, Socket, SocketAccess};
use crate::session::Session;
use crate::system::process::{self, RunningCommand};
use crate::system::signals;
use crate::system::terminal::Terminal;

/// Run a command with a token of its own, which is revoked when the command ends
#[derive(Debug, Args)]
#[command(
    after_help = "The command gets the token in its environment, and a new one before it expires through a socket:
git, gh and ghtok in it ask there. Token variables, the ssh agent and the session bus of this
environment are removed. This is no isolation by itself: the command runs as you, with your
files. Run a sandbox as the command, and give it the socket and nothing else of ghtok.

Examples:
  ghtok sandbox run --repo octocat/hello --read-only -- ./agent.sh
  ghtok sandbox run work --repo octocat/hello --for 8h -- claude
  ghtok sandbox run --full-token -- bash"
)]
pub(super) struct SandboxRun {
    #[command(flatten)]
    target: Target,
    /// The sandbox's name [default: that of the command]
    #[arg(long, value_name = "NAME", value_parser = parse_name)]
    name: Option<String>,
    #[command(flatten)]
    policy: PolicyFlags,
    /// Keep token variables, the ssh agent and the session bus of this environment
    #[arg(long)]
    keep_env: bool,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
}

impl SandboxRun {
    pub(super) fn flags(&self) -> Flags {
        self.target.flags()
    }

    /// Ends the process with the command's exit code.
    ///
    /// # Errors
    /// If the command is not run.
    pub(super) fn run(&self, session: &Session<'_>) -> Result<u8> {
        session.config.check_store()?;
        let app = session.config.app(None)?;
        // The time zone can be read only while there is one thread.
        let clock = session.machine.clock;
        let _ = clock.local_time(clock.now());
        process::notice_exits();
        let policy = Policy {
            name: self.name(session),
            scope: self.policy.scope(app)?,
            lifetime: self.policy.lifetime,
            allowed_users: Vec::new(),
        };
        // Before a token is asked for: an environment that cannot be costs none.
        let env = CommandEnv::plan(&app.host, self.keep_env)?;
        let path = session.sandbox_socket(&policy.name)?;
        let server = SandboxServer::begin(session, app, policy)?;
        let socket = Socket::listen(&path, SocketAccess::Owner)?;
        let folder = GhFolder::beside(&path);
        let started = server
            .register(&socket)
            .and_then(|()| folder.create())
            .and_then(|()| self.start(&server, &env, &socket, &folder, app));
        match started {
            Ok(command) => serve(&server, &socket, &folder, command.get()),
            Err(error) => {
                folder.remove();
                finish(&server, Some(&socket), error.code());
                Err(error)
            }
        }
    }

    /// The named one, or the command's, with a number if it is taken.
    fn name(&self, session: &Session<'_>) -> String {
        const LONGEST: usize = 28;
        if let Some(name) = &self.name {
            return name.clone();
        }
        let command = self.command.first().map(Path::new);
        let file = command.and_then(Path::file_name).unwrap_or_default();
        let file = file.to_string_lossy();
        let fits = |c: &char| c.is_ascii_alphanumeric() || "._-".contains(*c);
        let plain: String = file.chars().filter(fits).take(LONGEST).collect();
        let plain = plain.trim_start_matches(['.', '-']);
        let name = if plain.is_empty() { "sandbox" } else { plain };
        let numbered = (2..100).map(|number| format!("{name}-{number}"));
        let mut names = [name.to_owned()].into_iter().chain(numbered);
        let free = names.find(|name| !session.sandbox_is_running(name));
        free.unwrap_or_else(|| name.to_owned())
    }

    fn start(
        &self,
        server: &SandboxServer<'_>,
        env: &CommandEnv,
        socket: &Socket,
        folder: &GhFolder,
        app: &App,
    ) -> Result<Arc<OnceLock<RunningCommand>>> {
        let issued = server.first_token()?;
        let variables = env.variables(&app.host, socket.path(), folder, &issued.token);
        let changes = variables.changes();
        let (program, arguments) = self.command.split_first().ok_or_else(|| Error::Usage {
            message: "sandbox run: no command is given".into(),
            hint: "for example:\n  ghtok sandbox run --repo octocat/hello -- ./agent.sh".into(),
        })?;
        let command = Arc::new(OnceLock::<RunningCommand>::new());
        let signalled = Arc::clone(&command);
        signals::on_signal_or_quit(Box::new(move |signal| {
            if let Some(command) = signalled.get() {
                command.pass_on(signal);
            }
        }))
        .map_err(|error| no_thread(&error))?;
        let running = process::run_beside(program, arguments, &changes)
            .map_err(|error| process::not_started(program, &error))?;
        command.get_or_init(|| running);
        Ok(command)
    }
}

/// Serves the socket until the command ends, and ends the process as the command did.
fn serve(
    server: &SandboxServer<'_>,
    socket: &Socket,
    folder: &GhFolder,
    command: Option<&RunningCommand>,
) -> Result<u8> {
    let listener = Listener::new(server, socket)?;
    thread::scope(|scope| {
        let listener = &listener;
        // Without the thread, the command has its first token only.
        let listening = thread::Builder::new().spawn_scoped(scope, move || {
            let has_ended = Cell::new(false);
            listener.run(scope, &|| {
                if let Some(ended) = server.has_ended().filter(|_| !has_ended.get()) {
                    has_ended.set(true);
                    Terminal.note(&format!("sandbox {}: ended: {}", server.name(), why(ended)));
                    revoke(server, why(ended));
                }
                true
            });
        });
        drop(listening);
        let code = command.map_or(1, RunningCommand::wait);
        folder.remove();
        finish(server, Some(socket), "the command ended");
        // Threads may still wait for GitHub.
        process::end(code)
    })
}
