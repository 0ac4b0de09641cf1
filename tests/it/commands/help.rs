//! `--help` begins with examples that work, and every error of usage is exit code 2.

use clap::CommandFactory;
use ghtok::testing::cli::Cli;

use super::start;
use crate::support::deadline::run;
use crate::support::snapshot;

#[test]
fn snapshot_of_every_help() {
    let (_fake, sandbox) = start();
    let mut pages = Vec::new();
    for path in every_command() {
        let words: Vec<&str> = path.iter().map(String::as_str).collect();
        let [long, short] = ["--help", "-h"].map(|flag| {
            let told = run(&sandbox, &[&words[..], &[flag]].concat()).expect_code(0);
            assert_eq!(told.stderr, "", "{path:?}");
            told.stdout
        });
        let line = ["ghtok"].iter().chain(&words).copied().collect::<Vec<_>>();
        let mut page = format!("$ {} --help\n\n{long}", line.join(" "));
        if short != long {
            page += &format!("\n$ {} -h\n\n{short}", line.join(" "));
        }
        pages.push((format!("{}.txt", line.join("-")), page));
    }
    assert!(pages.len() > 10, "the commands were not found");
    snapshot::check_folder("help", &pages);
}

/// Every command that is not hidden, and those below it, as words.
fn every_command() -> Vec<Vec<String>> {
    let mut found: Vec<Vec<String>> = Vec::new();
    let mut open = vec![(Vec::new(), Cli::command())];
    while let Some((path, command)) = open.pop() {
        for below in command
            .get_subcommands()
            .filter(|below| !below.is_hide_set())
        {
            let mut longer = path.clone();
            longer.push(below.get_name().to_owned());
            open.push((longer, below.clone()));
        }
        found.push(path);
    }
    found.sort();
    found
}

#[test]
fn every_help_says_what_it_is_and_has_examples_after_the_options() {
    let (_fake, sandbox) = start();
    for path in every_command() {
        let words = path.iter().map(String::as_str).chain(["--help"]);
        let told = run(&sandbox, &words.collect::<Vec<_>>()).expect_code(0);
        let page = &told.stdout;
        let (before, after) = page
            .split_once("\n\nExamples:\n")
            .unwrap_or_else(|| panic!("{path:?}: {page}"));
        assert!(before.contains("\n\nUsage: ghtok"), "{path:?}: {page}");
        assert!(!before.starts_with("Usage"), "{path:?}: {page}");
        assert!(before.contains("\nOptions:\n"), "{path:?}: {page}");
        let examples = after.split("\n\n").next().unwrap_or_default();
        let named = format!("ghtok {}", path.join(" "));
        assert!(examples.contains(named.trim_end()), "{path:?}: {page}");
        for line in after.lines().filter(|line| line.starts_with(' ')) {
            assert!(line.chars().count() <= 76, "{path:?}: {line}");
        }
        assert_eq!(told.stderr, "");
        assert!(!page.contains("refresher"), "{path:?}: it is hidden");
    }
}

/// The calls of ghtok in a line of examples: a remark stands behind three blanks or a comma.
fn calls(line: &str) -> Vec<String> {
    let (line, _) = line.trim_start().split_once("   ").unwrap_or((line, ""));
    // git adds the operation.
    let line = line.replace("'!ghtok git-credential'", "");
    let pieces = line.split(['|', '(', ')', '&', ';', '\'', '<', '>']);
    pieces
        .filter_map(|piece| piece.find("ghtok ").map(|at| piece[at..].trim()))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_example_of_a_help_parses() {
    let mut tried = 0;
    for path in every_command() {
        let mut command = Cli::command();
        for name in &path {
            command = command.find_subcommand(name).expect("one").clone();
        }
        let text = command.get_after_help().expect("examples").to_string();
        for call in text
            .lines()
            .filter(|line| line.starts_with("  "))
            .flat_map(calls)
        {
            let words = call.split(' ').filter(|word| !word.is_empty());
            let read = Cli::read(words.map(Into::into));
            assert!(read.is_ok(), "{path:?}: {call}: {}", read.expect_err("it"));
            tried += 1;
        }
    }
    assert!(tried > 40, "only {tried} examples");
}

#[test]
fn help_is_a_command_too() {
    let (_fake, sandbox) = start();
    for path in [&["get"][..], &["setup", "git"], &["schedule"], &[]] {
        let by_command = run(&sandbox, &[&["help"], path].concat()).expect_code(0);
        let by_flag = run(&sandbox, &[path, &["--help"]].concat()).expect_code(0);
        assert_eq!(by_command.stdout, by_flag.stdout, "{path:?}");
    }
    run(&sandbox, &["help", "gte"]).expect_code(2);
}

#[test]
fn help_fits_a_terminal() {
    let (_fake, sandbox) = start();
    for path in every_command() {
        let words = path.iter().map(String::as_str).chain(["--help"]);
        let told = run(&sandbox, &words.collect::<Vec<_>>()).expect_code(0);
        let longest = told.stdout.lines().map(|line| line.chars().count()).max();
        assert!(longest <= Some(100), "{path:?}: {longest:?}");
    }
}

#[test]
fn what_cannot_be_understood_is_a_usage_error_and_says_so_on_standard_error() {
    let (_fake, sandbox) = start();
    for arguments in [
        &[][..],
        &["gte"],
        &["get", "--nonsense"],
        &["get", "--format", "yaml"],
        &["get", "a", "b"],
        &["get", "a", "--app", "b"],
        &["get", "--store", "moon"],
        &["get", "--client-id", "a/b"],
        &["get", "--host", "ftp://x"],
        &["refresh", "--all", "--client-id", "x"],
        &["logout", "--all", "main"],
        &["refresher", "--order", "now"],
        &["refresher"],
    ] {
        let told = run(&sandbox, arguments).expect_code(2);
        assert_eq!(told.stdout, "", "{arguments:?}");
        assert!(!told.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn the_version_is_the_packages() {
    let (_fake, sandbox) = start();
    let told = run(&sandbox, &["--version"]).expect_code(0);
    assert_eq!(
        told.stdout,
        format!("ghtok {}\n", env!("CARGO_PKG_VERSION"))
    );
}
