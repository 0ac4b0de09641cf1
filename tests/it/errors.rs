//! Everything that a person can meet as an error, on one page that is read as one text
//! (`snapshots/errors.txt`), and what is asked of each of them.

mod advice;
mod by_code;
mod configuration;
mod network;
mod page;
mod sandbox;
mod scoped;
mod sources;
mod stores;
mod timer;

use clap::CommandFactory;
use fake_github::{CLIENT_ID, FakeGitHub};
use ghtok::testing::cli::Cli;
use ghtok::testing::error::Error;

use crate::support::deadline::run_command;
use crate::support::sandbox::{Program, Sandbox};
use crate::support::snapshot;
use page::{Entry, Page};

/// The page, in the order in which a person could meet it.
pub fn whole_page() -> Page {
    let mut page = Page::default();
    by_code::usage(&mut page);
    configuration::files(&mut page);
    configuration::variables(&mut page);
    by_code::sign_in(&mut page);
    network::causes(&mut page);
    network::settings(&mut page);
    network::refusals(&mut page);
    stores::keychains(&mut page);
    stores::files(&mut page);
    stores::records(&mut page);
    scoped::all(&mut page);
    sandbox::all(&mut page);
    timer::all(&mut page);
    by_code::other(&mut page);
    page
}

#[test]
fn snapshot_of_every_error() {
    snapshot::check("errors.txt", &whole_page().text());
}

#[test]
fn every_kind_of_error_is_on_the_page() {
    let page = whole_page();
    page.has_every("Error", page::ERRORS, |entry| page::error(&entry.error));
    let reasons = |entry: &Entry| match &entry.error {
        Error::SignInNeeded { why, .. } => page::sign_in_reason(why),
        _ => "",
    };
    page.has_every("SignInReason", page::SIGN_IN_REASONS, reasons);
    let problems = |entry: &Entry| match &entry.error {
        Error::ScopedToken(none) => page::scoped_problem(&none.why),
        _ => "",
    };
    page.has_every("ScopedTokenProblem", page::SCOPED_PROBLEMS, problems);
    let in_sandboxes = |entry: &Entry| match &entry.error {
        Error::Sandbox(problem) => page::sandbox_problem(problem),
        _ => "",
    };
    page.has_every("SandboxProblem", page::SANDBOX_PROBLEMS, in_sandboxes);
    network::every_cause_and_code_is_there();
    stores::every_store_error_is_there();
    assert!(page.entries().len() >= 40);
}

/// Only who pressed Ctrl-C, or whose standard output is gone, needs no word about what comes next.
#[test]
fn every_error_names_the_next_step() {
    for entry in whole_page().entries() {
        let needs_none = matches!(entry.error, Error::Interrupted { .. } | Error::OutputClosed);
        assert_eq!(entry.error.hint().is_none(), needs_none, "{entry}");
    }
}

#[test]
fn every_error_reads_well() {
    for entry in whole_page().entries() {
        let hint = entry.error.hint().unwrap_or_default();
        for text in [&entry.error.to_string(), &hint] {
            for bad in ["os error", "..", ",,", ";;", ": :", " ,", "()"] {
                assert!(!text.contains(bad), "\"{bad}\" in: {entry}");
            }
            assert!(!text.ends_with(['.', ' ', ':', ',', ';']), "{entry}");
            let in_line = |c: char| c.is_control() && c != '\n';
            assert!(!text.contains(in_line), "{entry}");
            for line in text.lines() {
                let line = line.strip_prefix("  ").unwrap_or(line);
                assert!(!line.contains("  ") && !line.is_empty(), "{entry}");
            }
            assert!(text.chars().count() < 330, "too long: {entry}");
        }
        assert!(!hint.contains("hint"), "{entry}");
    }
}

#[test]
fn programs_read_what_people_read() {
    for entry in whole_page().entries() {
        let json: serde_json::Value =
            serde_json::from_str(&entry.error.to_json()).expect("one line of JSON");
        let error = &json["error"];
        assert_eq!(json["schema_version"], 1);
        assert_eq!(error["code"], entry.error.code(), "{entry}");
        assert_eq!(error["message"], entry.error.to_string(), "{entry}");
        assert_eq!(error["exit_code"], entry.error.exit_code(), "{entry}");
        assert_eq!(
            error["hint"].as_str(),
            entry.error.one_line_hint().as_deref(),
            "{entry}"
        );
    }
}

/// A command in a hint stands alone on its line, behind two blanks.
#[test]
fn every_command_in_a_hint_is_one() {
    let mut tried = 0;
    for entry in whole_page().entries() {
        let hint = entry.error.hint().unwrap_or_default();
        assert!(!has_hidden_command(&hint), "{entry}");
        for command in commands_in(&hint) {
            let words = command.split(' ').map(Into::into);
            let read = Cli::read(words);
            assert!(
                read.is_ok(),
                "{command}: {}\n{entry}",
                read.expect_err("it")
            );
            tried += 1;
        }
    }
    assert!(tried > 20, "only {tried} commands were found");
}

fn commands_in(hint: &str) -> Vec<&str> {
    let commands = hint.lines().filter_map(|line| line.strip_prefix("  "));
    commands
        .filter(|command| command.starts_with("ghtok "))
        .collect()
}

/// A command in the middle of a sentence is hard to see and to copy.
fn has_hidden_command(hint: &str) -> bool {
    let names: Vec<String> = Cli::command()
        .get_subcommands()
        .map(|command| format!("ghtok {}", command.get_name()))
        .collect();
    let sentences = hint.lines().filter(|line| !line.starts_with("  "));
    let mut sentences = sentences.filter(|line| names.iter().any(|name| line.contains(name)));
    sentences.next().is_some()
}

#[test]
fn commands_are_found_in_hints() {
    let hint =
        "confirm with:\n  ghtok setup git --yes\nor see the lines with:\n  ghtok setup git --print";
    assert_eq!(
        commands_in(hint),
        ["ghtok setup git --yes", "ghtok setup git --print"]
    );
    assert!(!has_hidden_command(hint));
    assert!(commands_in("update ghtok if you can").is_empty());
    assert!(!has_hidden_command("update ghtok if you can"));
    assert!(has_hidden_command("confirm with: ghtok setup git --yes"));
}

#[test]
fn a_terminal_is_told_no_tricks() {
    let sandbox = Sandbox::new(&FakeGitHub::start().expect("a fake"));
    let mut command = sandbox.command(Program::Real, ["get"]);
    let run = run_command(command.env("GHTOK_STATE_DIR", "/proc/x\u{1b}[31m\u{202e}\ny"));
    assert_eq!(run.code, Some(4), "nothing is stored there: {run:?}");
    let mut command = sandbox.command(Program::Real, ["logout"]);
    let run = run_command(command.env("GHTOK_STATE_DIR", "/proc/x\u{1b}[31m\u{202e}y"));
    let told = "ghtok: error: cannot create /proc/x[31my: no such file or directory\n";
    assert!(run.stderr.starts_with(told), "{run:?}");
}

/// A sign-in elsewhere would not be found by the call that asked for it.
#[test]
fn the_sign_in_that_a_hint_names_is_found_by_the_same_call() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.configure(&format!(
        "[[app]]\nname = \"work\"\nclient_id = \"{CLIENT_ID}\"\nhost = \"{}\"\n",
        fake.host()
    ));
    let by_variable = sandbox.run(["get", "work"]);
    let mut command = sandbox.command(Program::Real, ["get", "work", "--store", "file"]);
    let by_flag = run_command(command.env_remove("GHTOK_STORE"));
    for (run, login) in [
        (by_variable, "ghtok login work"),
        (by_flag, "ghtok login work --store file"),
    ] {
        let hint = format!("ghtok: hint: sign in with:\n  {login}\n");
        assert!(run.stderr.ends_with(&hint), "{login}: {run:?}");
    }
}
