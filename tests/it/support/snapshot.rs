//! Texts that are kept as files in `tests/it/snapshots`, to be read as a whole and compared whole.
//!
//!     GHTOK_TEST_UPDATE=1 cargo test --test it snapshot     writes them anew

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Compares a text with the file of this name below `snapshots`.
#[track_caller]
pub fn check(name: &str, text: &str) {
    let path = folder().join(name);
    if updating() {
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, text).expect("a snapshot");
        return;
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    if let Some(difference) = difference(&kept, text) {
        panic!(
            "{} is otherwise:\n{difference}\nIf the new text is right: \
             GHTOK_TEST_UPDATE=1 cargo test --test it snapshot",
            path.display()
        );
    }
}

/// Compares several texts with the files of a folder, which must hold no others.
#[track_caller]
pub fn check_folder(name: &str, texts: &[(String, String)]) {
    let folder = folder().join(name);
    if updating() {
        let _ = fs::remove_dir_all(&folder);
    }
    for (file, text) in texts {
        check(&format!("{name}/{file}"), text);
    }
    let wanted: BTreeSet<String> = texts.iter().map(|(file, _)| file.clone()).collect();
    let kept: BTreeSet<String> = fs::read_dir(&folder)
        .expect("a folder")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    assert_eq!(kept, wanted, "files in {}", folder.display());
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/snapshots")
}

fn updating() -> bool {
    std::env::var_os("GHTOK_TEST_UPDATE").is_some_and(|value| !value.is_empty())
}

/// The lines that only one of the two has, each with its number.
fn difference(kept: &str, text: &str) -> Option<String> {
    if kept == text {
        return None;
    }
    let only = |sign: char, these: &str, those: &str| {
        let known: BTreeSet<&str> = those.lines().collect();
        let lines = these.lines().enumerate();
        lines
            .filter(|(_, line)| !known.contains(line))
            .map(|(at, line)| format!("{sign} {:>4}  {line}\n", at + 1))
            .collect::<String>()
    };
    let lines = only('-', kept, text) + &only('+', text, kept);
    Some(if lines.is_empty() {
        "the same lines, in another order or number\n".into()
    } else {
        lines
    })
}

#[test]
fn a_difference_is_seen_and_shown() {
    assert_eq!(difference("a\nb\n", "a\nb\n"), None);
    let shown = difference("a\nb\n", "a\nc\n").expect("one");
    assert_eq!(shown, "-    2  b\n+    2  c\n");
    let shown = difference("a\nb\n", "b\na\n").expect("one");
    assert!(shown.contains("another order"), "{shown}");
}
