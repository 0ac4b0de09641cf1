//! What ghtok must put up with from the machine and the person: each time one clear line and the right
//! exit code, no panic, no hang, and the sign-in is still there afterwards.

mod configuration;
mod environment;
mod network;
mod places;
mod streams;

use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::time::Duration;

use fake_github::{CLIENT_ID, Endpoint, FakeGitHub};

use crate::support::deadline::{LIMIT, ends};
use crate::support::sandbox::{ANSWER, Program, Run, Sandbox};

/// Not due, and no longer than an hour.
const FRESH: Duration = Duration::from_secs(3000);

/// Every command that reads the configuration and looks for the sign-in, and changes neither.
const COMMANDS: [&[&str]; 11] = [
    GET,
    &["get", "--format", "json"],
    &["headers"],
    &["status"],
    CHECK,
    &["refresh"],
    EXEC,
    GIT,
    &["setup", "git", "--print"],
    MCP,
    LOGIN,
];
const GET: &[&str] = &["get"];
const CHECK: &[&str] = &["status", "--check"];
const EXEC: &[&str] = &["exec", "--", "true"];
const GIT: &[&str] = &["git-credential", "get"];
const MCP: &[&str] = &["mcp", "--", "sed", "-u", ANSWER];
const LOGIN: &[&str] = &["login"];
const FORCE: &[&str] = &["refresh", "--force"];
const LOGOUT: &[&str] = &["logout"];

/// A home with one configured App that is signed in.
struct Home {
    fake: FakeGitHub,
    sandbox: Sandbox,
}

impl Home {
    fn new() -> Self {
        let fake = FakeGitHub::start().expect("a fake");
        let sandbox = Sandbox::new(&fake);
        let home = Self { fake, sandbox };
        home.sandbox.configure(&home.app_section());
        home.sandbox.seed(&home.fake, FRESH);
        home
    }

    fn app_section(&self) -> String {
        let host = self.fake.host();
        format!("[[app]]\nname = \"main\"\nclient_id = \"{CLIENT_ID}\"\nhost = \"{host}\"\n")
    }

    /// A command that knows its App from the file alone, with what its caller would send it.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.sandbox.command(Program::Real, arguments);
        command
            .env_remove("GHTOK_CLIENT_ID")
            .env_remove("GHTOK_HOST")
            .env("PATH", "/usr/bin:/bin")
            .stdin(self.input(arguments));
        command
    }

    fn input(&self, arguments: &[&str]) -> Stdio {
        let text = match arguments {
            GIT => format!("protocol=http\nhost={}\n\n", self.fake.host()),
            MCP => "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}\n".to_owned(),
            _ => return Stdio::null(),
        };
        let file = self.sandbox.home().join("input");
        fs::write(&file, text).expect("an input");
        Stdio::from(File::open(file).expect("an input"))
    }

    fn run(&self, arguments: &[&str]) -> Run {
        run(self.command(arguments), arguments)
    }

    /// The sign-in is as good as it was: a token that lives, and one to refresh it with.
    #[track_caller]
    fn expect_kept(&self, what: &str) {
        let run = self.run(GET);
        assert_eq!(run.code, Some(0), "{what}: {run:?}");
        assert!(self.fake.is_alive(run.token()), "{what}: {run:?}");
        let record = self.sandbox.record();
        let token = record.tokens.refresh_token().expect("a refresh token");
        assert!(self.fake.refresh_is_alive(token.expose()), "{what}");
        // P5: nobody was asked anything.
        assert_eq!(self.fake.count(Endpoint::DeviceCode), 0, "{what}");
        assert_eq!(self.fake.violations(), [], "{what}");
    }
}

/// Runs a command to its end, and holds what it says against what holds for all of them.
#[track_caller]
fn run(mut command: Command, arguments: &[&str]) -> Run {
    let run = ends(command.spawn().expect("ghtok starts"), LIMIT);
    let code = run.code.unwrap_or_else(|| panic!("{arguments:?}: {run:?}"));
    let tool = matches!(arguments[0], "exec" | "mcp") && (125..=127).contains(&code);
    assert!(code <= 7 || tool, "{arguments:?}: {run:?}");
    assert!(!run.stderr.contains("panicked"), "{arguments:?}: {run:?}");
    // Arguments that do not parse are reported in the form of clap.
    if code != 0 && !run.stderr.contains("\nFor more information, try") {
        let labels = ["ghtok: error: ", "ghtok: hint: "];
        let labelled = |line: &&str| labels.iter().any(|label| line.starts_with(label));
        let lines = run.stderr.lines();
        let (told, commands): (Vec<&str>, Vec<&str>) = lines.partition(labelled);
        assert!(
            told.len() <= 2 && commands.len() <= 4,
            "an error and its hint: {arguments:?}: {run:?}"
        );
    }
    run
}

/// Everything that a run said; what it quoted in JSON, as it is in text.
fn said(run: &Run) -> String {
    format!("{}{}", run.stdout, run.stderr).replace("\\\"", "\"")
}
