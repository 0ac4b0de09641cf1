//! What the system's errors say, and which of them are limits that another process may not have.

use std::io;

use super::Error;

/// What the system says about a failure, without the number that Rust adds (`(os error 2)`).
pub(crate) fn system_reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error ") {
        Some((words, _)) => words.trim_end_matches('.').to_lowercase(),
        None => text,
    }
}

/// True if this process, or this machine, has reached a limit: of open files, threads, memory, file size,
/// or of what a sandbox lets it do. Another process may have no such limit.
pub(crate) fn is_limit(error: &io::Error) -> bool {
    #[cfg(unix)]
    const FORBIDDEN: [i32; 2] = [libc::EPERM, libc::EACCES];
    // WSAEACCES.
    #[cfg(not(unix))]
    const FORBIDDEN: [i32; 1] = [10013];
    is_exhausted(error) || is_one_of(error, &FORBIDDEN)
}

/// True if this process, or this machine, has no more open files, threads, memory or file size to give.
pub(crate) fn is_exhausted(error: &io::Error) -> bool {
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

impl Error {
    /// What it means that standard output could not be written.
    pub fn of_output(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::OutputClosed,
            _ => Self::Output(error),
        }
    }
}
