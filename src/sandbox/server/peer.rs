//! Who is at the other end of a connection.

use std::io;
use std::os::unix::net::UnixStream;

use crate::session::LogPeer;

/// The process that connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Peer {
    /// Its user, which decides.
    pub(super) user: u32,
    /// Its number, for the log only: it may have ended, and another have the number.
    process: Option<u32>,
}

/// The peer of this connection.
///
/// # Errors
/// What the system says.
#[cfg(target_os = "linux")]
pub(super) fn of(stream: &UnixStream) -> io::Result<Peer> {
    let peer = crate::bus::peer::credentials(stream)?;
    Ok(Peer {
        user: peer.uid,
        process: u32::try_from(peer.pid).ok().filter(|pid| *pid != 0),
    })
}

/// The peer of this connection (getpeereid(3)).
///
/// # Errors
/// What the system says.
#[cfg(not(target_os = "linux"))]
#[expect(unsafe_code, reason = "no safe call tells who is at the other end")]
pub(super) fn of(stream: &UnixStream) -> io::Result<Peer> {
    use std::os::fd::AsRawFd;
    let (mut user, mut group) = (0, 0);
    // SAFETY: the descriptor is open for as long as `stream` lives, and the call writes two numbers.
    let result = unsafe { libc::getpeereid(stream.as_raw_fd(), &raw mut user, &raw mut group) };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(Peer {
        user,
        process: None,
    })
}

/// The user of this process.
pub(crate) fn own_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

impl Peer {
    /// As the log shows it. The program's name is its own choice.
    pub(super) fn for_log(&self) -> LogPeer {
        let comm = |process: u32| std::fs::read_to_string(format!("/proc/{process}/comm")).ok();
        LogPeer {
            uid: self.user,
            pid: self.process,
            program: self
                .process
                .and_then(comm)
                .map(|name| name.trim_end().to_owned()),
        }
    }
}
