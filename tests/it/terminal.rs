//! `ghtok login` on a real pseudo-terminal: what a person sees and types, and what is left of their
//! terminal whatever becomes of the sign-in.

mod browser;
mod client_secret;
mod clipboard;
mod endings;
mod first_hour;
mod hostile;
mod looks;
mod messages;
mod opener;
mod qr;
mod sign_in;
mod status_report;
mod widths;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use fake_github::{CLIENT_ID, FakeGitHub};

use crate::support::deadline::LIMIT;
use crate::support::processes::eventually;
use crate::support::pty::{Left, Terminal};
use crate::support::sandbox::{Program, Sandbox, as_configured};
use crate::support::signing_in::hurried_fake;

const ROWS: u16 = 40;
const COLUMNS: u16 = 90;

/// A person at a terminal who has an App.
struct Desk {
    fake: FakeGitHub,
    sandbox: Sandbox,
    variables: Vec<(&'static str, String)>,
    arguments: Vec<&'static str>,
    size: (u16, u16),
}

impl Desk {
    fn new() -> Self {
        Self::at(hurried_fake().start().expect("a fake"))
    }

    /// The App is written down, so that nothing is asked at the end.
    fn at(fake: FakeGitHub) -> Self {
        let sandbox = Sandbox::new(&fake);
        let desk = Self {
            fake,
            sandbox,
            variables: Vec::new(),
            arguments: vec!["login"],
            size: (ROWS, COLUMNS),
        }
        .with("TERM", "xterm-256color")
        .with("LANG", "C.UTF-8")
        .with("PATH", "/usr/bin:/bin");
        desk.configure("");
        desk
    }

    fn configure(&self, more: &str) {
        let host = self.fake.host();
        self.sandbox.configure(&format!(
            "store = \"file\"\n[[app]]\nname = \"work\"\nclient_id = \"{CLIENT_ID}\"\nhost = \"{host}\"\n{more}"
        ));
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.retain(|(other, _)| *other != name);
        self.variables.push((name, value.into()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.variables.retain(|(other, _)| *other != name);
        self
    }

    fn asking(mut self, argument: &'static str) -> Self {
        self.arguments.push(argument);
        self
    }

    fn sized(mut self, rows: u16, columns: u16) -> Self {
        self.size = (rows, columns);
        self
    }

    /// Enter opens a page with this shell script, which gets it as `$1`.
    fn with_browser(self, script: &str) -> Self {
        let file = self.sandbox.home().join("browser.sh");
        fs::write(&file, script).expect("a script");
        let command = format!("/bin/sh {}", file.display());
        self.with("GHTOK_BROWSER", command)
    }

    /// A browser that notes what it is given.
    fn with_noting_browser(self) -> Self {
        let notes = self.notes();
        self.with_browser(&format!("printf '%s\\n' \"$@\" >> {}", notes.display()))
    }

    fn notes(&self) -> PathBuf {
        self.sandbox.home().join("notes")
    }

    /// What the noting browser was given, a line each.
    fn noted(&self) -> Vec<String> {
        let notes = fs::read_to_string(self.notes()).unwrap_or_default();
        notes.lines().map(str::to_owned).collect()
    }

    fn wait_for_notes(&self, count: usize) -> Vec<String> {
        eventually("a note", || {
            Some(self.noted()).filter(|noted| noted.len() >= count)
        })
    }

    fn page(&self) -> String {
        format!("{}/login/device", self.fake.base_url())
    }

    fn command(&self, program: Program) -> Command {
        let mut command = self.sandbox.command(program, &self.arguments);
        as_configured(&mut command);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts the sign-in.
    fn sit_down(&self) -> Terminal {
        let (rows, columns) = self.size;
        Terminal::start(&self.command(Program::Hurried), rows, columns)
    }

    /// Starts a shell script whose arguments are the sign-in's command.
    fn sit_down_at_a_shell(&self, script: &str) -> Terminal {
        let login = self.command(Program::Hurried);
        let mut shell = Command::new("/bin/sh");
        shell
            .args(["-c", script, "sh"])
            .arg(login.get_program())
            .args(login.get_args())
            .envs(
                login
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            );
        Terminal::start(&shell, self.size.0, self.size.1)
    }

    /// Starts the sign-in and waits for the code.
    #[track_caller]
    fn see_the_code(&self) -> (Terminal, String) {
        let terminal = self.sit_down();
        let code = self.wait_for_the_code(&terminal);
        (terminal, code)
    }

    #[track_caller]
    fn wait_for_the_code(&self, terminal: &Terminal) -> String {
        match self.fake.wait_for_code(LIMIT) {
            Ok(code) => {
                terminal.wait_for(&code);
                terminal.wait_for("left");
                code
            }
            Err(error) => panic!("{error}: {}", terminal.screen()),
        }
    }

    /// Approves the code, and says that the account is the right one.
    #[track_caller]
    fn approve(&self, terminal: &mut Terminal, code: &str) {
        self.fake.approve(code);
        answer_whose_account_it_is(terminal);
    }

    /// Signs in to the end.
    #[track_caller]
    fn sign_in(&self) -> Left {
        let (mut terminal, code) = self.see_the_code();
        self.approve(&mut terminal, &code);
        let left = terminal.end();
        assert_eq!(left.code, Some(0), "{left:?}");
        left
    }
}

/// Says that the account is the right one, once that is asked.
#[track_caller]
fn answer_whose_account_it_is(terminal: &mut Terminal) {
    eventually("the question whose account it is", || {
        let written = String::from_utf8_lossy(&terminal.bytes()).into_owned();
        written.contains("[Y/n] ").then_some(())
    });
    terminal.types("\n");
}

/// The terminal is as it was: the same modes, a cursor, and the last row finished.
#[track_caller]
fn assert_clean(left: &Left, modes_before: &str) {
    assert_eq!(left.modes, modes_before, "{left:?}");
    assert!(!left.cursor_is_hidden, "{left:?}");
    assert!(left.bytes.ends_with(b"\n"), "{left:?}");
    assert!(!left.screen.contains(" left"), "{left:?}");
}
