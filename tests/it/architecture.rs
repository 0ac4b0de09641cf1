//! Imports point down only, and every file is small: read off the sources themselves.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms of the house from the top to the bottom; each may import those below it.
const HOUSE: [&str; 20] = [
    "main",
    "lib",
    "cli",
    "commands",
    "mcp",
    "store",
    "system",
    "bus",
    "auth",
    "config",
    "github",
    "formats",
    "schedule",
    "app",
    "host",
    "error",
    "limits",
    "steps",
    "plain_file",
    "private_file",
];
const BOTTOM: &str = "token";

/// What the order alone would allow, and must not be.
const FORBIDDEN: [(&str, &str); 6] = [
    ("auth", "config"),
    ("store", "config"),
    ("system", "config"),
    ("store", "system"),
    ("store", "github"),
    ("commands", "store"),
];

#[test]
fn imports_point_down_only() {
    let mut wrong = BTreeSet::new();
    for file in sources() {
        let room = room_of(&file);
        for target in imports(&file) {
            if !may_import(&room, &target) {
                wrong.insert(format!("{} imports {target}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_command_imports_another() {
    for file in sources()
        .iter()
        .filter(|file| file.parent().is_some_and(|p| p.ends_with("commands")))
    {
        let own = file
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let text = fs::read_to_string(file).expect("a source");
        for line in text
            .lines()
            .filter(|line| line.contains("crate::commands::"))
        {
            let rest = line.split("crate::commands::").nth(1).unwrap_or_default();
            let target = rest
                .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .next();
            let is_command =
                target.is_some_and(|t| !t.is_empty() && t.starts_with(char::is_lowercase));
            assert!(
                !is_command || target == Some(own.as_str()),
                "{}: {line}",
                file.display()
            );
        }
    }
}

#[test]
fn the_check_sees_a_forbidden_import() {
    assert!(!may_import("auth", "store"));
    assert!(!may_import("token", "error"));
    assert!(!may_import("github", "auth"));
    assert!(!may_import("auth", "config"));
    assert!(may_import("store", "auth"));
    assert!(may_import("lib", "store"));
    assert!(may_import("error", "token"));
}

#[test]
fn no_room_is_crowded() {
    for file in sources() {
        let lines = fs::read_to_string(&file).expect("a source").lines().count();
        assert!(lines <= 500, "{} has {lines} lines", file.display());
    }
}

fn may_import(room: &str, target: &str) -> bool {
    if room == target || target == BOTTOM {
        return true;
    }
    let place = |name: &str| HOUSE.iter().position(|room| *room == name);
    let below = match (place(room), place(target)) {
        (Some(upper), Some(lower)) => upper < lower,
        (_, _) => false,
    };
    below && !FORBIDDEN.contains(&(room, target))
}

/// The rooms that a file's `crate::…` paths lead to, tests at its foot not counted.
fn imports(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).expect("a source");
    let code = text
        .split("#[cfg(test)]\nmod tests")
        .next()
        .unwrap_or_default();
    code.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| {
            line.split("crate::")
                .skip(1)
                .map(first_word)
                .collect::<Vec<_>>()
        })
        .filter(|word| HOUSE.contains(&word.as_str()) || word == BOTTOM)
        .collect()
}

fn first_word(text: &str) -> String {
    text.chars()
        .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
        .collect()
}

fn room_of(file: &Path) -> String {
    let below = file.strip_prefix(source_root()).expect("below src");
    let first = below
        .components()
        .next()
        .expect("a part")
        .as_os_str()
        .to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

fn sources() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![source_root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                files.push(path);
            }
        }
    }
    assert!(files.len() > 20, "the sources were not found");
    files
}

fn source_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}
