//! What the documents say, tried: their commands are run from top to bottom, and what they list is
//! held against the program.

mod changelog;
mod exit_codes;
mod man;
mod pages;
mod plain_words;
mod readme;
mod recipes;
mod session;
mod troubleshooting;
mod tutorial;

use std::fs;
use std::path::{Path, PathBuf};

/// A document of the project.
fn document(name: &str) -> String {
    fs::read_to_string(root().join(name)).expect(name)
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The lines of all fenced blocks of a language, in their order.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Option<String> = None;
    for line in text.lines() {
        match &mut open {
            None if line == format!("```{language}") => open = Some(String::new()),
            None => {}
            Some(block) if line == "```" => {
                found.push(std::mem::take(block));
                open = None;
            }
            Some(block) => {
                block.push_str(line);
                block.push('\n');
            }
        }
    }
    found
}

/// The commands of a document, a line each, without the comments above them.
fn commands(text: &str) -> Vec<String> {
    let blocks = blocks(text, "sh");
    let lines = blocks.iter().flat_map(|block| block.lines());
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

#[test]
fn blocks_and_commands_are_found() {
    let text = "x\n```sh\n# one\na\n\nb\n```\n```json\n{}\n```\n```sh\nc\n```\n";
    assert_eq!(commands(text), ["a", "b", "c"]);
    assert_eq!(blocks(text, "json"), ["{}\n"]);
}

/// zsh at a terminal takes a `#` behind a command for a word of it, unless it is told otherwise.
#[test]
fn every_command_can_be_pasted_into_any_shell() {
    for page in [
        "README.md",
        "docs/tutorial.md",
        "docs/recipes.md",
        "docs/recipes/schedule.md",
    ] {
        let commands = commands(&document(page));
        assert!(commands.len() > 3, "{page}");
        for command in commands {
            assert!(!command.contains(" #"), "{page}: {command}");
        }
    }
}

#[test]
fn every_link_to_a_file_leads_to_one_and_to_a_heading_in_it() {
    let pages = ["README.md".into()].into_iter().chain(pages_of_docs());
    let mut tried = 0;
    for page in pages {
        let text = document(&page);
        for link in links(&text) {
            if link.contains("://") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let folder = Path::new(&page).parent().expect("a folder");
            let target = match file {
                "" => root().join(&page),
                file => root().join(folder).join(file),
            };
            let there = fs::read_to_string(&target).unwrap_or_default();
            assert!(target.exists(), "{page}: {link}");
            let anchors: Vec<String> = there.lines().filter_map(anchor).collect();
            assert!(
                heading.is_empty() || anchors.iter().any(|anchor| anchor == heading),
                "{page}: {link}: {anchors:?}"
            );
            tried += 1;
        }
    }
    assert!(tried > 10, "only {tried} links were found");
}

fn pages_of_docs() -> Vec<String> {
    let names = |folder: &str| {
        let entries = fs::read_dir(root().join(folder)).expect("a folder");
        let names = entries.map(|entry| entry.expect("one").file_name());
        let pages = names.filter(|name| Path::new(name).extension() == Some("md".as_ref()));
        let paths = pages.map(|name| format!("{folder}/{}", name.to_string_lossy()));
        paths.collect::<Vec<_>>()
    };
    [names("docs"), names("docs/recipes")].concat()
}

/// The targets of `[text](target)`.
fn links(text: &str) -> Vec<&str> {
    let parts = text.split("](").skip(1);
    parts.filter_map(|part| part.split(')').next()).collect()
}

/// A heading as the target of a link.
fn anchor(line: &str) -> Option<String> {
    let heading = line.strip_prefix('#')?.trim_start_matches('#').trim();
    let fits = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    let kept: String = heading.to_lowercase().chars().filter(fits).collect();
    Some(kept.replace(' ', "-"))
}
