//! `--help` begins with examples that work, and every error of usage is exit code 2.

use super::start;
use crate::support::deadline::run;

#[test]
fn every_help_begins_with_examples() {
    let (_fake, sandbox) = start();
    for command in ["", "login", "get", "refresh", "status", "logout"] {
        let arguments: Vec<&str> = [command, "--help"]
            .into_iter()
            .filter(|word| !word.is_empty())
            .collect();
        let told = run(&sandbox, &arguments).expect_code(0);
        let example = format!("Examples:\n  ghtok {command}");
        assert!(
            told.stdout.starts_with(&example),
            "{command}: {}",
            told.stdout
        );
        assert!(told.stdout.contains("\nUsage: ghtok"), "{command}");
        assert_eq!(told.stderr, "");
        assert!(
            !told.stdout.contains("refresher"),
            "{command}: it is hidden"
        );
    }
}

#[test]
fn help_fits_a_terminal() {
    let (_fake, sandbox) = start();
    for command in ["login", "get", "refresh", "status", "logout"] {
        let told = run(&sandbox, &[command, "--help"]).expect_code(0);
        let longest = told.stdout.lines().map(|line| line.chars().count()).max();
        assert!(longest <= Some(100), "{command}: {longest:?}");
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
