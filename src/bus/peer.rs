//! Who is at the other end of a socket.
#![expect(
    unsafe_code,
    reason = "rustix has a process ID in its answer that must not be 0, which it is for a bus outside of a container"
)]

use std::io;
use std::mem;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

const ROOT: u32 = 0;

/// The user who began to listen at the socket's other end.
///
/// # Errors
/// What the system says.
pub(super) fn user(socket: &UnixStream) -> io::Result<u32> {
    credentials(socket).map(|peer| peer.uid)
}

/// The process that connected, or began to listen, at the socket's other end (`unix(7)`, `SO_PEERCRED`).
///
/// # Errors
/// What the system says.
pub(crate) fn credentials(socket: &UnixStream) -> io::Result<libc::ucred> {
    let mut peer = libc::ucred {
        pid: 0,
        uid: libc::uid_t::MAX,
        gid: libc::gid_t::MAX,
    };
    let mut size = libc::socklen_t::try_from(mem::size_of_val(&peer)).unwrap_or(0);
    // SAFETY: the descriptor is open for as long as `socket` lives, and the kernel writes at most
    // `size` bytes into `peer`, a plain structure of numbers.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut peer).cast(),
            &raw mut size,
        )
    };
    if result == 0 {
        Ok(peer)
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Whether this user's process may be told a token: ours could read it anyway, and so could root's.
pub(super) fn is_trusted(user: u32) -> bool {
    user == rustix::process::geteuid().as_raw() || user == ROOT
}
