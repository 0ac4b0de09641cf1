//! A new user at a terminal: a home with nothing in it, and the commands of a document typed into a
//! shell, one after the other. The person approves the code on the page, and says yes when asked.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use fake_github::FakeGitHub;
use tempfile::TempDir;

use crate::schedule::place;
use crate::support::cron::CronDaemon;
use crate::support::deadline::ends;
use crate::support::registration_form::Form;
use crate::support::sandbox::{Program, Run, path_of};

/// All commands of a document together, on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);

/// Keeps what it is given, as the real one does.
const CRONTAB: &str = "case $1 in
  -l) cat ~/.crontab 2>/dev/null || { echo 'no crontab for me' >&2; exit 1; } ;;
  -) cat >~/.crontab ;;
  -r) rm ~/.crontab ;;
esac";

/// A home with nothing in it, and the programs that the documents name.
pub struct Session<'f> {
    home: TempDir,
    fake: &'f FakeGitHub,
    _daemon: CronDaemon,
}

impl<'f> Session<'f> {
    pub fn new(fake: &'f FakeGitHub) -> Self {
        let home = TempDir::new().expect("a home");
        let session = Self {
            home,
            fake,
            _daemon: CronDaemon::start(),
        };
        fs::create_dir_all(session.programs()).expect("a folder");
        // Never the developer's own timers.
        session.stand_in("systemctl", "exit 1");
        session.stand_in("crontab", CRONTAB);
        session
    }

    pub fn home(&self) -> PathBuf {
        self.home.path().to_owned()
    }

    fn programs(&self) -> PathBuf {
        self.home().join(".cargo/bin")
    }

    /// What `cargo install` leaves. Time runs ten times as fast for it.
    pub fn install(&self) {
        place(&path_of(Program::Hurried), &self.programs().join("ghtok"));
    }

    /// Puts a program in the PATH that needs what no test has: the network, a daemon, a server.
    pub fn stand_in(&self, name: &str, script: &str) {
        let path = self.programs().join(name);
        fs::write(&path, format!("#!/bin/sh\nset -eu\n{script}\n")).expect("a program");
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).expect("a mode");
    }

    /// Types these lines into a shell that ends at the first one that fails.
    pub fn types(&self, lines: &[String]) -> Run {
        let mut script = String::from("umask 022\nset -eu -o pipefail\n");
        for line in lines {
            let shown = line.replace('\'', "'\\''");
            script += &format!("printf '%s\\n' '$ {shown}'\n{line}\n");
        }
        let file = self.home().join(".typed");
        fs::write(&file, script).expect("a script");
        let path = std::env::var("PATH").expect("a path");
        let mut terminal = Command::new("script");
        terminal
            .args(["-qefc", "bash --noprofile --norc ~/.typed", "/dev/null"])
            .env_clear()
            .env("HOME", self.home())
            .env("PATH", format!("{}:{path}", self.programs().display()))
            .env("TERM", "dumb")
            .env("SHELL", "/bin/sh")
            .env("USER", "octo")
            // Never the developer's own browser.
            .env("BROWSER", "true")
            .env("GHTOK_HOST", self.fake.host())
            .env("GHTOK_STORE", "file")
            // Never the developer's own keychain.
            .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus")
            .current_dir(self.home())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = terminal.spawn().expect("script, of util-linux");
        let keyboard = child.stdin.take().expect("a pipe");
        let screen = child.stdout.take().expect("a pipe");
        let page = Page {
            address: self.fake.host(),
        };
        let person = thread::spawn(move || attend(screen, keyboard, &page));
        let run = ends(child, LIMIT);
        Run {
            stdout: person.join().expect("no panic"),
            ..run
        }
    }
}

/// Reads the screen to its end, and does what it asks for.
fn attend(mut screen: impl Read, mut keyboard: impl Write, page: &Page) -> String {
    let mut seen = String::new();
    let mut done = 0;
    let mut bytes = [0; 4096];
    loop {
        match screen.read(&mut bytes) {
            Ok(0) | Err(_) => return seen,
            Ok(count) => seen.push_str(&String::from_utf8_lossy(&bytes[..count])),
        }
        for question in ["[y/N] ", "[Y/n] ", "type 2 to 5: ", "Client ID: "] {
            if let Some(at) = seen[done..].find(question) {
                done += at + question.len();
                let line = match question {
                    "[y/N] " => "y\n".to_owned(),
                    "Client ID: " => format!("{}\n", registered(&seen)),
                    _ => "\n".to_owned(),
                };
                keyboard.write_all(line.as_bytes()).expect("a keyboard");
            }
        }
        if let Some((at, code)) = code_in(&seen[done..]) {
            done += at;
            page.approve(&code);
        }
    }
}

/// Sends the form whose address is on the screen; the new App's client ID.
fn registered(seen: &str) -> String {
    let mut words = seen.split_whitespace();
    let address = words.rfind(|word| word.contains("/settings/apps/new?"));
    Form::open(address.expect("the form's address")).submit()
}

/// The code that stands alone after `Enter`, once its line is whole.
fn code_in(seen: &str) -> Option<(usize, String)> {
    let shape = |word: &&str| {
        word.len() == 9
            && word.as_bytes()[4] == b'-'
            && word
                .bytes()
                .all(|b| b == b'-' || b.is_ascii_uppercase() || b.is_ascii_digit())
    };
    let mut at = 0;
    for line in seen.split_inclusive('\n') {
        at += line.len();
        if !line.ends_with('\n') {
            return None;
        }
        if let Some(code) = line.split_whitespace().find(shape) {
            return Some((at, code.to_owned()));
        }
    }
    None
}

/// The page on which a person types the code.
struct Page {
    address: String,
}

impl Page {
    fn approve(&self, code: &str) {
        let form = format!("user_code={code}&button=approve");
        let mut browser = TcpStream::connect(&self.address).expect("the page");
        let request = format!(
            "POST /login/device HTTP/1.1\r\nHost: {}\r\nUser-Agent: person\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{form}",
            self.address,
            form.len()
        );
        browser.write_all(request.as_bytes()).expect("a request");
        let mut answer = String::new();
        browser.read_to_string(&mut answer).expect("an answer");
        assert!(answer.contains("Congratulations"), "{answer}");
    }
}

#[test]
fn a_code_is_seen_on_the_screen() {
    let screen = "Sign in\r\n  1. Open   http://x\r\n  2. Enter  ABCD-1234\r\nWaiting";
    let (at, code) = code_in(screen).expect("a code");
    assert_eq!((&screen[at..], code.as_str()), ("Waiting", "ABCD-1234"));
    assert_eq!(code_in("  2. Enter  ABCD-12"), None);
    assert_eq!(code_in("no code\n"), None);
}
