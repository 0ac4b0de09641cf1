//! What the environment says about the socket of a sandbox, and where a sign-in of this machine would be.

use std::path::PathBuf;

use super::environment::{CONFIG_DIR, Environment, STATE_DIR};
use super::quote::quoted;
use crate::error::{Error, Result};
use crate::host::Host;

const SOCKET: &str = "GHTOK_SOCKET";

/// The socket, and what decides whether it is used.
#[derive(Clone, Debug, Default)]
#[cfg_attr(
    not(unix),
    allow(dead_code, reason = "elsewhere the socket is never used")
)]
pub(crate) struct SocketVariables {
    /// `GHTOK_SOCKET`.
    pub(crate) socket: PathBuf,
    /// `GHTOK_SOCKET_OWNER`, unchecked.
    pub(crate) owner: Option<String>,
    /// The folders in which ghtok puts sockets on this machine.
    pub(crate) own_folders: Vec<PathBuf>,
    /// Where a configuration file would be.
    pub(crate) config_files: Vec<PathBuf>,
    /// Where the notes of sign-ins would be.
    pub(crate) state_folders: Vec<PathBuf>,
    /// `GHTOK_APP`.
    pub(crate) app: Option<String>,
    /// `GHTOK_HOST`.
    pub(crate) host: Option<String>,
}

impl Environment {
    /// Whether a socket is named: one look-up.
    pub(crate) fn names_socket(&self) -> bool {
        self.value(SOCKET).is_some()
    }

    /// What is said about the socket; `None` if none is named. Reads no file. The usual folders count beside
    /// those that variables name: what can set one variable can set the others too.
    ///
    /// # Errors
    /// If a variable is not text.
    pub(crate) fn socket_variables(&self) -> Result<Option<SocketVariables>> {
        let Some(socket) = self.value(SOCKET) else {
            return Ok(None);
        };
        let named = |name| self.value(name).map(PathBuf::from);
        let home = self.home().ok();
        let in_home = |folder: &str| home.as_ref().map(|home| home.join(folder));
        let state = [named(STATE_DIR), in_home(".local/state/ghtok")];
        let state_folders: Vec<PathBuf> = state.into_iter().flatten().collect();
        let config = [
            named(CONFIG_DIR),
            self.xdg_config().ok().map(|base| base.join("ghtok")),
            in_home(".config/ghtok"),
        ];
        let runtime = named("XDG_RUNTIME_DIR").map(|base| base.join("ghtok"));
        let below_state = state_folders.iter().map(|folder| folder.join("run"));
        Ok(Some(SocketVariables {
            socket: socket.into(),
            owner: self.lossy_text("GHTOK_SOCKET_OWNER"),
            own_folders: runtime.into_iter().chain(below_state).collect(),
            config_files: config
                .into_iter()
                .flatten()
                .map(|folder| folder.join("config.toml"))
                .collect(),
            state_folders,
            app: self.text("GHTOK_APP")?,
            host: self.text("GHTOK_HOST")?,
        }))
    }
}

/// Reads the host that a flag or a variable names.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn host_named(origin: &'static str, text: &str) -> Result<Host> {
    Host::parse(text).map_err(|reason| Error::Config {
        origin: origin.into(),
        problem: format!("{} {reason}", quoted(text)),
    })
}
