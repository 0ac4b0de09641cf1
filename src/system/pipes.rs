//! Standard streams that do not block. Whether one does belongs to the open file (`O_NONBLOCK`, open(2)), so
//! any process that shares it may have changed that.

use std::io::{self, Read, Write};

#[cfg(unix)]
pub(crate) trait Stream: std::os::fd::AsFd {}
#[cfg(unix)]
impl<S: std::os::fd::AsFd> Stream for S {}

#[cfg(not(unix))]
pub(crate) trait Stream {}
#[cfg(not(unix))]
impl<S> Stream for S {}

/// A stream that waits, whether it blocks or not.
pub(crate) struct Waiting<S>(pub S);

impl<S: Stream> Waiting<S> {
    fn retried<T>(
        &mut self,
        mut work: impl FnMut(&mut S) -> io::Result<T>,
        ready: Ready,
    ) -> io::Result<T> {
        loop {
            match work(&mut self.0) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    wait(&self.0, ready, error)?;
                }
                done => return done,
            }
        }
    }
}

impl<S: Stream + Read> Read for Waiting<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.retried(|stream| stream.read(buffer), Ready::ToRead)
    }
}

impl<S: Stream + Write> Write for Waiting<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.retried(|stream| stream.write(bytes), Ready::ToWrite)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.retried(Write::flush, Ready::ToWrite)
    }
}

#[derive(Clone, Copy)]
enum Ready {
    ToRead,
    ToWrite,
}

#[cfg(unix)]
fn wait(stream: &impl Stream, ready: Ready, _: io::Error) -> io::Result<()> {
    use rustix::event::{PollFd, PollFlags, poll};
    let flags = match ready {
        Ready::ToRead => PollFlags::IN,
        Ready::ToWrite => PollFlags::OUT,
    };
    match poll(&mut [PollFd::new(stream, flags)], None) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(unix))]
fn wait(_: &impl Stream, _: Ready, error: io::Error) -> io::Result<()> {
    Err(error)
}
