//! A real pseudo-terminal with a person before it: what they type, what they see, and what of the
//! terminal is left.

use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, open};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcgetattr, tcsetwinsize};

use super::processes::eventually;

/// A terminal with one program in it, which leads its session.
pub struct Terminal {
    keyboard: File,
    /// Held, so that the terminal outlives its program.
    line: Option<OwnedFd>,
    child: Child,
    seen: Arc<Mutex<Seen>>,
    reader: Option<JoinHandle<()>>,
    is_closed: Arc<AtomicBool>,
}

/// What came to the screen.
struct Seen {
    bytes: Vec<u8>,
    screen: vt100::Parser,
}

/// What is left when the program has ended.
#[derive(Debug)]
pub struct Left {
    pub code: Option<i32>,
    pub signal: Option<i32>,
    /// The rows that are not empty, also those that have scrolled away.
    pub screen: String,
    /// Everything that was written.
    pub bytes: Vec<u8>,
    pub cursor_is_hidden: bool,
    pub modes: String,
}

impl Terminal {
    /// Starts a command of the sandbox in a terminal of so many rows and columns. Its environment is what
    /// the command sets, and nothing else.
    pub fn start(command: &Command, rows: u16, columns: u16) -> Self {
        let (keyboard, line) = pair();
        let size = Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&line, size).expect("a size");
        let copy = || Stdio::from(line.try_clone().expect("a descriptor"));
        // Makes the terminal the one that Ctrl-C comes from.
        let mut leader = Command::new("/usr/bin/setsid");
        leader
            .arg("--ctty")
            .arg(command.get_program())
            .args(command.get_args())
            .env_clear()
            .envs(
                command
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            )
            .stdin(copy())
            .stdout(copy())
            .stderr(copy());
        let child = leader.spawn().expect("setsid, of util-linux");
        let number = |count| NonZeroU16::new(count).expect("not 0");
        let seen = Arc::new(Mutex::new(Seen {
            bytes: Vec::new(),
            screen: vt100::Parser::new(number(rows), number(columns), 1000),
        }));
        let is_closed = Arc::new(AtomicBool::new(false));
        let copy = keyboard.try_clone().expect("a descriptor");
        let reader = follow(copy, Arc::clone(&seen), Arc::clone(&is_closed));
        Self {
            keyboard,
            line: Some(line),
            child,
            seen,
            reader: Some(reader),
            is_closed,
        }
    }

    pub fn types(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("typed");
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("it runs");
    }

    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// The person makes the window another size.
    pub fn resize(&self, rows: u16, columns: u16) {
        let size = Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let number = |count| NonZeroU16::new(count).expect("not 0");
        let mut seen = self.seen.lock().expect("no panic");
        tcsetwinsize(self.line(), size).expect("a size");
        seen.screen
            .screen_mut()
            .set_size(number(rows), number(columns));
    }

    /// The rows on the screen.
    pub fn screen(&self) -> String {
        let seen = self.seen.lock().expect("no panic");
        seen.screen.screen().contents()
    }

    /// The screen with its colours.
    pub fn look<T>(&self, look: impl FnOnce(&vt100::Screen) -> T) -> T {
        look(self.seen.lock().expect("no panic").screen.screen())
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.seen.lock().expect("no panic").bytes.clone()
    }

    /// Waits until the person sees this.
    #[track_caller]
    pub fn wait_for(&self, text: &str) {
        eventually(&format!("{text} in {}", self.screen()), || {
            self.screen().contains(text).then_some(())
        });
    }

    /// The person says yes to every question, until the program has ended.
    pub fn answer_yes(&mut self) {
        let mut answered = 0;
        eventually("the end of the questions", || {
            let asked =
                self.screen().matches("/n] ").count() + self.screen().matches("/N]").count();
            if asked > answered {
                answered = asked;
                self.types("y\n");
            }
            self.child.try_wait().expect("our child").map(|_| ())
        });
    }

    /// The terminal's modes, to be compared.
    pub fn modes(&self) -> String {
        let modes = tcgetattr(self.line()).expect("a terminal");
        format!("{modes:?}")
    }

    /// The person closes the window. Says how the program ended.
    #[track_caller]
    pub fn hang_up(mut self) -> ExitStatus {
        self.line = None;
        self.is_closed.store(true, Ordering::SeqCst);
        self.keyboard = File::open("/dev/null").expect("a file");
        eventually("the end", || self.child.try_wait().expect("our child"))
    }

    pub fn line(&self) -> &OwnedFd {
        self.line.as_ref().expect("open")
    }

    /// Waits for the program's end.
    #[track_caller]
    pub fn end(mut self) -> Left {
        let status: ExitStatus =
            eventually("the end", || self.child.try_wait().expect("our child"));
        let modes = self.modes();
        // Whoever still has the terminal now is somebody to whom it must not have been given.
        self.line = None;
        let reader = self.reader.take().expect("a reader");
        eventually("the end of what is written", || {
            reader.is_finished().then_some(())
        });
        let seen = self.seen.lock().expect("no panic");
        Left {
            code: status.code(),
            signal: status.signal(),
            screen: whole(&seen),
            bytes: seen.bytes.clone(),
            cursor_is_hidden: seen.screen.screen().hide_cursor(),
            modes,
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn pair() -> (File, OwnedFd) {
    let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)
        .expect("a pseudo-terminal");
    grantpt(&keyboard)
        .and_then(|()| unlockpt(&keyboard))
        .expect("ours");
    let name = ptsname(&keyboard, Vec::new()).expect("its name");
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let line = open(&name, flags, Mode::empty()).expect("its other end");
    (File::from(keyboard), line)
}

fn follow(mut screen: File, seen: Arc<Mutex<Seen>>, is_closed: Arc<AtomicBool>) -> JoinHandle<()> {
    const LOOK: Timespec = Timespec {
        tv_sec: 0,
        tv_nsec: 20_000_000,
    };
    thread::spawn(move || {
        let mut piece = [0; 4096];
        while !is_closed.load(Ordering::SeqCst) {
            let mut watched = [PollFd::new(&screen, PollFlags::IN)];
            if poll(&mut watched, Some(&LOOK)) == Ok(0) {
                continue;
            }
            // Linux says EIO once nobody has the other end any more.
            let Ok(count @ 1..) = screen.read(&mut piece) else {
                return;
            };
            let mut seen = seen.lock().expect("no panic");
            seen.bytes.extend_from_slice(&piece[..count]);
            seen.screen.process(&piece[..count]);
        }
    })
}

/// What was written, on a screen that is high enough for all of it.
fn whole(seen: &Seen) -> String {
    let (_, columns) = seen.screen.screen().size();
    let rows = NonZeroU16::new(500).expect("not 0");
    let mut high = vt100::Parser::new(rows, columns, 0);
    high.process(&seen.bytes);
    high.screen().contents()
}
