//! What a person types while something else is waited for.

#[cfg(unix)]
mod platform {
    use std::io::{self, IsTerminal, PipeReader, PipeWriter};
    use std::os::fd::AsFd;
    use std::time::Duration;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::io::Errno;
    use rustix::termios::{LocalModes, QueueSelector, tcflush, tcgetattr, tcgetpgrp};

    use super::Heard;

    /// Waits for keys, or for nothing.
    #[derive(Debug)]
    pub(crate) struct Keys {
        ending: PipeReader,
        listening: bool,
    }

    /// Ends the wait when it is dropped.
    #[derive(Debug)]
    pub(crate) struct StopHandle {
        _pipe: PipeWriter,
    }

    impl Keys {
        /// Waits for standard input's keys.
        ///
        /// # Errors
        /// If the process may open no more files.
        pub(crate) fn listen() -> io::Result<(Self, StopHandle)> {
            Self::new(true)
        }

        /// Waits for the ending alone.
        ///
        /// # Errors
        /// If the process may open no more files.
        pub(crate) fn deaf() -> io::Result<(Self, StopHandle)> {
            Self::new(false)
        }

        fn new(listening: bool) -> io::Result<(Self, StopHandle)> {
            let (ending, pipe) = io::pipe()?;
            Ok((Self { ending, listening }, StopHandle { _pipe: pipe }))
        }

        /// Waits for at most `limit`.
        pub(crate) fn wait(&mut self, limit: Duration) -> Heard {
            let stdin = io::stdin();
            let mut watched = vec![PollFd::new(&self.ending, PollFlags::IN)];
            // Whoever reads without having the terminal is stopped by it.
            if self.listening && is_ours(&stdin) {
                watched.push(PollFd::new(&stdin, PollFlags::IN));
            }
            let limit = Timespec::try_from(limit).ok();
            match poll(&mut watched, limit.as_ref()) {
                Ok(_) => {}
                Err(Errno::INTR) => return Heard::Nothing,
                Err(_) => return Heard::End,
            }
            let moved: Vec<bool> = watched.iter().map(|fd| !fd.revents().is_empty()).collect();
            match moved[..] {
                [true, ..] => Heard::End,
                [_, true] => self.read(),
                _ => Heard::Nothing,
            }
        }

        /// Reads past the standard library, whose buffer belongs to the questions.
        fn read(&mut self) -> Heard {
            let mut typed = [0; 256];
            match rustix::io::read(io::stdin(), &mut typed) {
                Ok(count @ 1..) if typed[..count].iter().any(|key| b"\r\n".contains(key)) => {
                    Heard::Enter
                }
                Ok(1..) => Heard::Nothing,
                // An end, or a terminal that has gone.
                Ok(0) | Err(_) => {
                    self.listening = false;
                    Heard::Nothing
                }
            }
        }
    }

    /// True unless another process group has the terminal: whoever was sent to the background is stopped
    /// when it reads, and would draw over somebody else's lines. A terminal without jobs is everybody's.
    pub(crate) fn is_ours(terminal: impl AsFd) -> bool {
        tcgetpgrp(terminal).map_or(true, |group| group == rustix::process::getpgrp())
    }

    /// True if the terminal shows what is typed.
    pub(crate) fn are_echoed() -> bool {
        tcgetattr(io::stdin()).is_ok_and(|modes| modes.local_modes.contains(LocalModes::ECHO))
    }

    /// Throws away what was typed and not read, so that the shell does not find it.
    pub(crate) fn forget_typed() {
        let stdin = io::stdin();
        if stdin.is_terminal() && is_ours(&stdin) {
            let _ = tcflush(stdin, QueueSelector::IFlush);
        }
    }

    /// The next line that a person types.
    pub(crate) fn line() -> Option<String> {
        let mut line = String::new();
        let count = io::stdin().read_line(&mut line).ok()?;
        (count > 0).then_some(line)
    }
}

#[cfg(not(unix))]
mod platform {
    use std::io;
    use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
    use std::sync::{Mutex, OnceLock, PoisonError};
    use std::time::Duration;

    use super::Heard;

    /// The lines of the one thread that reads standard input, once there is one: a read cannot be
    /// called off here.
    static LINES: OnceLock<Mutex<Receiver<String>>> = OnceLock::new();

    /// How often a line is looked for.
    const LOOK: Duration = Duration::from_millis(50);

    /// Waits for keys, or for nothing.
    #[derive(Debug)]
    pub(crate) struct Keys {
        ending: Receiver<()>,
        listening: bool,
    }

    /// Ends the wait when it is dropped.
    #[derive(Debug)]
    pub(crate) struct StopHandle {
        _sender: Sender<()>,
    }

    impl Keys {
        /// Waits for standard input's keys.
        ///
        /// # Errors
        /// None here.
        pub(crate) fn listen() -> io::Result<(Self, StopHandle)> {
            LINES.get_or_init(|| Mutex::new(read_on()));
            Self::new(true)
        }

        /// Waits for the ending alone.
        ///
        /// # Errors
        /// None here.
        pub(crate) fn deaf() -> io::Result<(Self, StopHandle)> {
            Self::new(false)
        }

        #[expect(clippy::unnecessary_wraps, reason = "on Unix it can fail")]
        fn new(listening: bool) -> io::Result<(Self, StopHandle)> {
            let (sender, ending) = mpsc::channel();
            Ok((Self { ending, listening }, StopHandle { _sender: sender }))
        }

        /// Waits for at most `limit`.
        pub(crate) fn wait(&mut self, limit: Duration) -> Heard {
            let mut waited = Duration::ZERO;
            while waited < limit {
                if self.listening && typed().is_some() {
                    return Heard::Enter;
                }
                match self.ending.recv_timeout(LOOK) {
                    Err(RecvTimeoutError::Timeout) => waited += LOOK,
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => return Heard::End,
                }
            }
            Heard::Nothing
        }
    }

    fn read_on() -> Receiver<String> {
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in io::stdin().lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        lines
    }

    fn typed() -> Option<String> {
        let lines = LINES.get()?.lock().unwrap_or_else(PoisonError::into_inner);
        lines.try_recv().ok()
    }

    /// The console has no background.
    pub(crate) fn is_ours<T>(_: T) -> bool {
        true
    }

    /// The console shows what is typed.
    pub(crate) fn are_echoed() -> bool {
        true
    }

    /// Throws away the lines that nobody asked for.
    pub(crate) fn forget_typed() {
        while typed().is_some() {}
    }

    /// The next line that a person types.
    pub(crate) fn line() -> Option<String> {
        match LINES.get() {
            Some(lines) => {
                let lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
                lines.recv().ok()
            }
            None => {
                let mut line = String::new();
                let count = io::stdin().read_line(&mut line).ok()?;
                (count > 0).then_some(line)
            }
        }
    }
}

pub(crate) use platform::{Keys, StopHandle, are_echoed, forget_typed, is_ours, line};

/// What a wait ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// A line, of which nobody wants to know more.
    Enter,
    /// Its time, or something that means nothing.
    Nothing,
    /// There is nothing to wait for any more.
    End,
}
