//! The socket of a sandbox, as a file.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};

use crate::error::{Error, Result, system_reason};

/// A longer path fits into no socket address (unix(7); 104 bytes on macOS).
const LONGEST_PATH: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// Connections that wait for a thread; more wait in their own `connect`.
const QUEUE: i32 = 32;

/// Who may connect. The peer's user is checked at each connection too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SocketAccess {
    /// This user and root.
    Owner,
    /// Everybody, because the policy allows other users.
    Everybody,
}

/// A socket that is listened at; its file is removed with it.
#[derive(Debug)]
pub(crate) struct Socket {
    path: PathBuf,
    /// Its device and inode.
    file: (u64, u64),
    pub(super) listener: UnixListener,
}

impl Socket {
    /// Begins to listen. A socket that a killed process left is replaced; anything else is left alone.
    ///
    /// # Errors
    /// If the path is too long or in use.
    pub(crate) fn listen(path: &Path, access: SocketAccess) -> Result<Self> {
        if path.as_os_str().len() > LONGEST_PATH {
            return Err(Error::Usage {
                message: format!(
                    "the socket's path is longer than {LONGEST_PATH} bytes: {}",
                    path.display()
                ),
                hint: "use a shorter one: --socket PATH".into(),
            });
        }
        remove_stale(path)?;
        let failed = |error: &io::Error| file_error("listen at", path, error);
        let listener = UnixListener::bind(path).map_err(|error| failed(&error))?;
        let mode = match access {
            SocketAccess::Owner => 0o600,
            SocketAccess::Everybody => 0o666,
        };
        fs::set_permissions(path, Permissions::from_mode(mode)).map_err(|error| failed(&error))?;
        rustix::net::listen(&listener, QUEUE).map_err(|error| failed(&error.into()))?;
        listener
            .set_nonblocking(true)
            .map_err(|error| failed(&error))?;
        let file = fs::symlink_metadata(path).map_err(|error| failed(&error))?;
        Ok(Self {
            path: path.to_owned(),
            file: (file.dev(), file.ino()),
            listener,
        })
    }

    /// Its path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the file, unless another socket has taken its place.
    pub(crate) fn remove(&self) {
        let named = fs::symlink_metadata(&self.path);
        if named.is_ok_and(|named| (named.dev(), named.ino()) == self.file) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn remove_stale(path: &Path) -> Result<()> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        found => found.map_err(|error| file_error("listen at", path, &error))?,
    };
    let in_use = |what: &str| {
        Err(Error::Usage {
            message: format!("{} is {what}", path.display()),
            hint: "use another path: --socket PATH".into(),
        })
    };
    if !found.file_type().is_socket() {
        return in_use("there, and not a socket");
    }
    match UnixStream::connect(path) {
        Ok(_) => in_use("the socket of a program that runs"),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(|error| file_error("replace", path, &error))
        }
        Err(error) => Err(file_error("replace", path, &error)),
    }
}

fn file_error(doing: &'static str, path: &Path, error: &io::Error) -> Error {
    Error::File {
        doing,
        path: path.to_owned(),
        cause: system_reason(error),
    }
}

/// Wakes the server that listens at this path, so that it checks whether it has been revoked. Does not wait for it.
pub(crate) fn wake(path: &Path) {
    let Ok(address) = SocketAddrUnix::new(path) else {
        return;
    };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None);
    // Where the queue is full, it is awake.
    let _ = socket.and_then(|socket| connect(&socket, &address));
}
