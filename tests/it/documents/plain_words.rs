//! Help, errors and documents are in plain, current English.

use std::fs;
use std::path::PathBuf;

use super::root;

/// Each has a plainer word that everybody knows.
const AVOIDED: [&str; 19] = [
    "anew",
    "blanks part",
    "for who",
    "is no key of",
    "is no level",
    "is no store",
    "its room",
    "mend",
    "mended",
    "mends",
    "nobody is here",
    "of before",
    "parted by",
    "rooms",
    "set apart",
    "to the byte",
    "told on the desktop",
    "void token",
    "whoever",
];

/// What may stand before "else"; by itself it is "otherwise", or "or".
const BEFORE_ELSE: [&str; 12] = [
    "anybody",
    "anyone",
    "anything",
    "everybody",
    "everything",
    "everywhere",
    "nobody",
    "nothing",
    "nowhere",
    "somebody",
    "something",
    "what",
];

/// What of it stands in a text, whatever its line breaks.
fn avoided(text: &str) -> Vec<&'static str> {
    let words: Vec<String> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    let joined = format!(" {} ", words.join(" "));
    let mut found: Vec<&str> = AVOIDED
        .into_iter()
        .filter(|phrase| joined.contains(&format!(" {phrase} ")))
        .collect();
    let is_bare = |pair: &[String]| pair[1] == "else" && !BEFORE_ELSE.contains(&pair[0].as_str());
    if words.windows(2).any(is_bare) {
        found.push("else");
    }
    found
}

/// A document without its commands and examples.
fn prose(text: &str) -> String {
    text.split("```").step_by(2).collect()
}

fn files_in(folder: &str, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).expect(folder);
    entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect()
}

#[test]
fn help_errors_and_documents_use_plain_words() {
    let mut files = vec![root().join("README.md")];
    for folder in ["docs", "docs/recipes"] {
        files.extend(files_in(folder, "md"));
    }
    for folder in ["tests/it/snapshots", "tests/it/snapshots/help"] {
        files.extend(files_in(folder, "txt"));
    }
    assert!(files.len() > 25, "{files:?}");
    let wrong: Vec<_> = files
        .iter()
        .map(|file| (file, fs::read_to_string(file).expect("a text")))
        .map(|(file, text)| (file, avoided(&prose(&text))))
        .filter(|(_, found)| !found.is_empty())
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn avoided_words_are_found_across_lines_and_not_within_words() {
    assert_eq!(avoided("a list, parted\nby \":\""), ["parted by"]);
    assert_eq!(avoided("Whoever amends it"), ["whoever"]);
    assert_eq!(avoided("keychain, else a file"), ["else"]);
    assert_eq!(avoided("to nobody else, elsewhere"), [""; 0]);
    assert_eq!(avoided(&prose("a\n```sh\nif x; else y\n```\nb")), [""; 0]);
}
