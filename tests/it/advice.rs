//! What ghtok tells a person to run is run, as printed and where it was printed, at a terminal: it exits
//! with 0 (P12).

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use anstream::adapter::strip_str;
use clap::CommandFactory;
use fake_github::{App, CLIENT_ID, FakeGitHub};
use ghtok::testing::cli::Cli;

use crate::support::cron::CronDaemon;
use crate::support::deadline::{LIMIT, run_command};
use crate::support::pty::{Left, Terminal};
use crate::support::records::{FRESH, let_expire};
use crate::support::sandbox::{Program, Sandbox, path_of};
use crate::support::signing_in::hurried_fake;

/// A crontab of this home, and a cron that there is not.
const CRONTAB: &str = "#!/bin/sh\ntable=$HOME/crontab\ncase $1 in\n-l) cat \"$table\" 2>/dev/null || { echo 'no crontab for me' >&2; exit 1; };;\n-r) rm \"$table\";;\n*) cat >\"$table\";;\nesac\n";

const OTHER_ID: &str = "Iv23liOTHERCLIENT002";

/// What a home is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    New,
    SignedOut,
    SignedIn,
    Expired,
    TwoApps,
}

/// What prints advice, by state.
const PRINTING: [(State, &[&str]); 5] = [
    (
        State::New,
        &[
            "status",
            "get",
            "app list",
            "setup status",
            "app new </dev/null",
            "doctor",
            "get --app nobody",
        ],
    ),
    (
        State::SignedOut,
        &[
            "get",
            "status",
            "doctor",
            "refresh",
            "exec -- true",
            "headers",
            "reject </dev/null",
        ],
    ),
    (
        State::SignedIn,
        &[
            "status",
            "login",
            "doctor --full",
            "doctor --online --full",
            "setup status",
            "setup git </dev/null",
            "setup mcp codex --write",
            "setup mcp goose --write",
            "setup remove --all </dev/null",
            "schedule status",
            "app remove work",
            "logout",
            "exec true",
            "status --online --repo else/open",
            "app new work",
        ],
    ),
    (State::Expired, &["status", "doctor --full"]),
    (
        State::TwoApps,
        &["get", "status", "app remove work", "logout work"],
    ),
];

/// A home with ghtok in its PATH.
struct Home {
    fake: FakeGitHub,
    sandbox: Sandbox,
}

impl Home {
    fn in_state(state: State) -> Self {
        let fake = hurried_fake()
            .app(App::new(CLIENT_ID))
            .app(App::new(OTHER_ID))
            .public_repository("else/open")
            .start()
            .expect("a fake");
        let sandbox = Sandbox::new(&fake);
        let bin = sandbox.home().join("bin");
        fs::create_dir(&bin).expect("a folder");
        symlink(path_of(Program::Hurried), bin.join("ghtok")).expect("a link");
        for (name, text) in [("crontab", CRONTAB), ("systemctl", "#!/bin/sh\nexit 1\n")] {
            fs::write(bin.join(name), text).expect("a program");
            fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).expect("mode");
        }
        let app = |name: &str, id: &str| {
            format!(
                "[[app]]\nname = '{name}'\nclient_id = '{id}'\nhost = '{}'\n",
                fake.host()
            )
        };
        let apps = match state {
            State::New => String::new(),
            State::TwoApps => app("work", CLIENT_ID) + &app("play", OTHER_ID),
            _ => app("work", CLIENT_ID),
        };
        sandbox.configure(&format!("store = 'file'\n{apps}"));
        if !matches!(state, State::New | State::SignedOut) {
            sandbox.seed(&fake, FRESH);
        }
        if state == State::Expired {
            let_expire(&sandbox);
        }
        Self { fake, sandbox }
    }

    /// Runs a line of a shell at a terminal, as a person who says yes and approves.
    fn types(&self, line: &str) -> Left {
        let mut shell = self.sandbox.command(Program::Real, [""; 0]);
        for name in ["GHTOK_CLIENT_ID", "GHTOK_HOST", "GHTOK_STORE"] {
            shell.env_remove(name);
        }
        let usual = std::env::var("PATH").unwrap_or_default();
        let bin = self.sandbox.home().join("bin");
        let mut command = std::process::Command::new("/bin/sh");
        command
            .args(["-c", &format!("cd \"$HOME\" && {line}")])
            .envs(
                shell
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            )
            .env("PATH", format!("{}:{usual}", bin.display()))
            .env("TERM", "dumb")
            .env("GIT_CONFIG_NOSYSTEM", "1");
        let mut terminal = Terminal::start(&command, 200, 200);
        if line.starts_with("ghtok login") && !line.contains("</dev/null") {
            // A good sign-in asks for no code.
            if let Ok(code) = self.fake.wait_for_code(if line.contains("--force") {
                LIMIT
            } else {
                LIMIT / 10
            }) {
                self.fake.approve(&code);
            }
        }
        terminal.answer_yes();
        terminal.end()
    }
}

/// The commands alone on a line, or behind a colon at its end.
fn advised(left: &Left) -> BTreeSet<String> {
    let text = String::from_utf8_lossy(&left.bytes).replace('\r', "");
    let text = strip_str(&text).to_string();
    let names: Vec<String> = Cli::command()
        .get_subcommands()
        .map(|one| one.get_name().to_owned())
        .collect();
    let lines = text.lines().filter_map(|line| {
        let alone = line.trim_start();
        let at = if alone.starts_with("ghtok ") {
            0
        } else {
            alone.find(": ghtok ")? + 2
        };
        // In a table its meaning follows.
        alone[at..].split("   ").next().map(str::to_owned)
    });
    lines
        .filter(|command| {
            command
                .split(' ')
                .nth(1)
                .is_some_and(|name| names.iter().any(|known| known == name))
        })
        .collect()
}

/// Examples of values that a person replaces.
fn has_placeholder(command: &str) -> bool {
    ["CLIENT", "OWNER/NAME", "NAME", "Iv23liAbCdEf", "Iv23li"]
        .iter()
        .any(|one| command.contains(one))
}

/// Takes its time and asks for an App that is not there yet; `terminal::first_hour` runs it.
fn is_tried_elsewhere(command: &str) -> bool {
    command == "ghtok app new" || command.starts_with("ghtok app secret set")
}

#[test]
fn p12_what_is_advised_can_be_run_as_printed() {
    let _cron = CronDaemon::start();
    let mut tried = 0;
    let mut wrong = Vec::new();
    for (state, printing) in PRINTING {
        for line in printing {
            let line = format!("ghtok {line}");
            let home = Home::in_state(state);
            let left = home.types(&line);
            for command in advised(&left) {
                if let Err(error) = Cli::read(
                    command
                        .split(' ')
                        .map(|word| word.trim_matches('\'').into()),
                ) {
                    wrong.push(format!("{state:?}: {line}: {command}: {}", error.kind()));
                    continue;
                }
                if has_placeholder(&command) || is_tried_elsewhere(&command) {
                    continue;
                }
                let again = Home::in_state(state);
                // Where what was run before changed something, that is part of the state.
                let _ = again.types(&line);
                let there = again.types(&of_this_host(&command, &home, &again));
                tried += 1;
                if there.code != Some(0) {
                    wrong.push(format!("{state:?}: {line}: {command}: {}", there.screen));
                }
            }
        }
    }
    assert!(tried >= 25, "only {tried} commands were advised");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Each fake has a port of its own.
fn of_this_host(command: &str, printed_by: &Home, run_at: &Home) -> String {
    command.replace(&printed_by.fake.host(), &run_at.fake.host())
}

/// What follows a sign-in is a list of steps that work one after the other.
#[test]
fn p12_the_next_steps_after_a_sign_in_work_and_are_not_listed_again() {
    let _cron = CronDaemon::start();
    let home = Home::in_state(State::SignedOut);
    let left = home.types("ghtok login --force");
    assert_eq!(left.code, Some(0), "{left:?}");
    let steps = advised(&left);
    let expected = [
        "ghtok exec -- sh",
        "ghtok get",
        "ghtok schedule install",
        "ghtok setup git",
        "ghtok setup mcp",
    ];
    assert_eq!(
        steps.iter().map(String::as_str).collect::<Vec<_>>(),
        expected
    );
    for step in &steps {
        let line = if step.starts_with("ghtok exec") {
            format!("{step} </dev/null")
        } else {
            step.clone()
        };
        assert_eq!(home.types(&line).code, Some(0), "{step}");
    }
    // Somebody followed what `setup mcp` printed.
    let entry = home.types("mkdir -p .codex && ghtok setup mcp codex > .codex/config.toml");
    assert_eq!(entry.code, Some(0), "{entry:?}");
    let again = advised(&home.types("ghtok login --force"));
    assert_eq!(
        again.iter().map(String::as_str).collect::<Vec<_>>(),
        ["ghtok exec -- sh", "ghtok get"]
    );
    let run = run_command(
        home.sandbox
            .command(Program::Real, ["get"])
            .env_remove("GHTOK_CLIENT_ID"),
    );
    assert!(run.token().starts_with("ghu_"));
}
