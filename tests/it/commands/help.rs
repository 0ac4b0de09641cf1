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
fn every_help_begins_with_examples() {
    let (_fake, sandbox) = start();
    // `setup` and `schedule` alone do nothing, so there is no example of them.
    let groups = [["setup"], ["schedule"]];
    let alone = |path: &&Vec<String>| groups.iter().all(|group| *path != group);
    for path in every_command().iter().filter(alone) {
        let words = path.iter().map(String::as_str).chain(["--help"]);
        let told = run(&sandbox, &words.collect::<Vec<_>>()).expect_code(0);
        let page = &told.stdout;
        let examples = page.split("\n\n").next().unwrap_or_default();
        assert!(examples.starts_with("Examples:\n  "), "{path:?}: {page}");
        let named = format!("ghtok {}", path.join(" "));
        assert!(examples.contains(named.trim_end()), "{path:?}: {page}");
        assert!(page.contains("\nUsage: ghtok"), "{path:?}");
        assert_eq!(told.stderr, "");
        assert!(!page.contains("refresher"), "{path:?}: it is hidden");
    }
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
