//! The changelog keeps the form of Keep a Changelog 1.1.0, which release notes are cut from.

use super::document;

/// The kinds of changes that the format knows.
const KINDS: [&str; 6] = [
    "Added",
    "Changed",
    "Deprecated",
    "Removed",
    "Fixed",
    "Security",
];

/// What a changelog's headings have that the format does not know.
fn faults(text: &str) -> Vec<String> {
    let mut releases = text.lines().filter_map(|line| line.strip_prefix("## "));
    let mut faults = Vec::new();
    if releases.next() != Some("[Unreleased]") {
        faults.push("the first section is not [Unreleased]".to_owned());
    }
    faults.extend(releases.filter(|one| !is_release(one)).map(str::to_owned));
    let mut kinds = Vec::new();
    for line in text.lines() {
        if line.starts_with("## ") {
            kinds.clear();
        } else if let Some(kind) = line.strip_prefix("### ") {
            if !KINDS.contains(&kind) || kinds.contains(&kind) {
                faults.push(line.to_owned());
            }
            kinds.push(kind);
        }
    }
    faults
}

/// `[0.1.0] - 2026-11-28`.
fn is_release(heading: &str) -> bool {
    let Some((version, date)) = heading.split_once(" - ") else {
        return false;
    };
    let shape: String = date
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    version.starts_with('[') && version.ends_with(']') && shape == "0000-00-00"
}

#[test]
fn the_changelog_keeps_its_form() {
    assert_eq!(faults(&document("docs/changelog.md")), Vec::<String>::new());
}

#[test]
fn faults_of_a_changelog_are_found() {
    let good = "## [Unreleased]\n### Added\n## [0.1.0] - 2026-11-28\n### Added\n### Security\n";
    assert_eq!(faults(good), Vec::<String>::new());
    let bad = "## 0.2.0\n### Added\n### Added\n### News\n## [0.1.0]\n";
    assert_eq!(faults(bad).len(), 4, "{:?}", faults(bad));
}
