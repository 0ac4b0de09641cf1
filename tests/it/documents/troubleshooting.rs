//! `docs/troubleshooting.md`: a heading for each stable error code, and only commands that there are.

use ghtok::testing::cli::Cli;

use super::{blocks, document};
use crate::errors::whole_page;

const PAGE: &str = "docs/troubleshooting.md";

/// Symptoms that people search for, and no error code has.
const SYMPTOMS: [&str; 7] = [
    "A repository answers 404",
    "Resource not accessible by integration",
    "Single sign-on (SSO)",
    "An old token wins",
    "The keychain is locked",
    "In a container",
    "In WSL",
];

fn headings(text: &str, start: &str) -> Vec<String> {
    let lines = text.lines().filter_map(|line| line.strip_prefix(start));
    lines.map(str::to_owned).collect()
}

#[test]
fn every_stable_code_has_its_heading_and_no_heading_lacks_its_code() {
    let page = whole_page();
    let codes: Vec<&str> = page
        .entries()
        .iter()
        .map(|entry| entry.error.code())
        .collect();
    let headings = headings(&document(PAGE), "### ");
    // Nobody is left to read about a closed output.
    for code in codes.iter().filter(|code| **code != "output_closed") {
        assert!(
            headings.iter().any(|heading| heading == code),
            "no heading: {code}"
        );
    }
    for heading in &headings {
        assert!(codes.contains(&heading.as_str()), "no such code: {heading}");
    }
    assert!(headings.len() > 30, "{headings:?}");
}

#[test]
fn the_classic_symptoms_have_their_headings() {
    let headings = headings(&document(PAGE), "## ");
    for symptom in SYMPTOMS {
        assert!(
            headings.iter().any(|heading| heading == symptom),
            "{symptom}: {headings:?}"
        );
    }
}

/// The commands, also those in lists.
fn commands(text: &str) -> Vec<String> {
    let flat: String = text
        .lines()
        .map(|line| format!("{}\n", line.trim_start()))
        .collect();
    let lines = blocks(&flat, "sh");
    let lines = lines.iter().flat_map(|block| block.lines());
    lines.map(str::to_owned).collect()
}

#[test]
fn every_command_parses() {
    let mut ours = 0;
    for line in commands(&document(PAGE)) {
        let words: Vec<_> = line.split(' ').map(std::ffi::OsString::from).collect();
        if words[0] != "ghtok" {
            let known = ["unset ", "git config ", "echo url="];
            assert!(known.iter().any(|start| line.starts_with(start)), "{line}");
            continue;
        }
        ours += 1;
        if let Err(error) = Cli::read(words) {
            let is_help = error.exit_code() == 0;
            assert!(is_help, "{line}: {error}");
        }
    }
    assert!(ours > 20, "only {ours} commands were found");
}
