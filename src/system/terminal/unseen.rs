//! A line that is not shown while a person types it.

use zeroize::Zeroizing;

/// What was typed.
#[cfg_attr(not(unix), expect(dead_code, reason = "made on Unix"))]
pub(crate) enum Typed {
    Line(Zeroizing<String>),
    Interrupted,
}

#[cfg(unix)]
mod platform {
    use std::io;

    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
    use zeroize::Zeroizing;

    use super::Typed;

    /// Longer than any secret.
    const ROOM: usize = 4096;

    const CTRL_C: u8 = 3;
    const CTRL_D: u8 = 4;
    const CTRL_U: u8 = 21;
    const BACKSPACE: [u8; 2] = [8, 127];

    /// The terminal as it was, which it becomes again.
    struct SavedModes(Termios);

    impl Drop for SavedModes {
        fn drop(&mut self) {
            let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
        }
    }

    /// Asks once nothing is shown any more, and reads a line. Keys that would send a signal are read as keys, so that no signal
    /// leaves the terminal without echo.
    pub(crate) fn read_line(ask: impl FnOnce()) -> io::Result<Typed> {
        let before = SavedModes(tcgetattr(io::stdin())?);
        let mut unseen = before.0.clone();
        unseen
            .local_modes
            .remove(LocalModes::ECHO | LocalModes::ISIG | LocalModes::ICANON);
        tcsetattr(io::stdin(), OptionalActions::Flush, &unseen)?;
        ask();
        let mut line = Zeroizing::new(Vec::with_capacity(ROOM));
        loop {
            let mut key = [0];
            if rustix::io::read(io::stdin(), &mut key)? == 0 {
                break;
            }
            match key[0] {
                b'\r' | b'\n' | CTRL_D => break,
                CTRL_C => return Ok(Typed::Interrupted),
                CTRL_U => line.clear(),
                key if BACKSPACE.contains(&key) => {
                    line.pop();
                }
                key if line.len() < ROOM => line.push(key),
                _ => {}
            }
        }
        drop(before);
        let text = str::from_utf8(&line).map_err(|_| io::ErrorKind::InvalidData)?;
        Ok(Typed::Line(Zeroizing::new(text.to_owned())))
    }
}

#[cfg(not(unix))]
mod platform {
    use std::io;

    use super::Typed;

    /// The console shows what is typed, so nothing is asked there.
    pub(crate) fn read_line(_ask: impl FnOnce()) -> io::Result<Typed> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

pub(crate) use platform::read_line;
