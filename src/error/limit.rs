//! Which of the system's errors are limits of this process or machine, which another may not have.

use std::io;

/// True if this process, or this machine, has reached a limit: of open files, threads, memory, file size,
/// or of what a sandbox lets it do. Another process may have no such limit.
pub fn is_limit(error: &io::Error) -> bool {
    #[cfg(unix)]
    const FORBIDDEN: [i32; 2] = [libc::EPERM, libc::EACCES];
    // WSAEACCES.
    #[cfg(not(unix))]
    const FORBIDDEN: [i32; 1] = [10013];
    is_exhausted(error) || is_one_of(error, &FORBIDDEN)
}

/// True if this process, or this machine, has no more open files, threads, memory or file size to give.
pub fn is_exhausted(error: &io::Error) -> bool {
    #[cfg(unix)]
    const EXHAUSTED: [i32; 6] = [
        libc::EMFILE,
        libc::ENFILE,
        libc::ENOMEM,
        libc::ENOBUFS,
        libc::EAGAIN,
        libc::EFBIG,
    ];
    // WSAEMFILE, WSAENOBUFS; ERROR_TOO_MANY_OPEN_FILES, ERROR_NOT_ENOUGH_MEMORY.
    #[cfg(not(unix))]
    const EXHAUSTED: [i32; 4] = [10024, 10055, 4, 8];
    is_one_of(error, &EXHAUSTED)
}

fn is_one_of(error: &io::Error, codes: &[i32]) -> bool {
    error
        .raw_os_error()
        .is_some_and(|code| codes.contains(&code))
}
