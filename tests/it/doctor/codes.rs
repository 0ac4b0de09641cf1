//! The codes of the findings are stable: each is in docs/exit-codes.md and has a fixture here.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The errors of others that doctor can pass on.
const PASSED_ON: [&str; 22] = [
    "access_refused",
    "app_ambiguous",
    "app_unknown",
    "config_invalid",
    "expired",
    "file",
    "git_config",
    "no_app",
    "no_ca_certificates",
    "other_account",
    "process_limit",
    "record_damaged",
    "record_newer",
    "refresh_refused",
    "sign_in_lost",
    "sign_in_vanished",
    "signed_out",
    "state_read_only",
    "store_confirms_access",
    "store_locked",
    "store_not_listed",
    "store_timed_out",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &str) -> String {
    let entries = fs::read_dir(root().join(folder)).expect("a folder");
    let files = entries.map(|entry| entry.expect("one").path());
    let files = files.filter(|path| path.extension() == Some("rs".as_ref()));
    files.map(|path| text(&path)).collect()
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).expect("a text")
}

/// What stands between two `"` in the form of a code.
fn codes_in_sources() -> BTreeSet<String> {
    let source = sources("src/commands/doctor");
    let words: Vec<&str> = source.split('"').collect();
    let is_code = |text: &str| {
        text.contains('_')
            && text
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    let found = words.iter();
    found
        .filter(|text| is_code(text))
        .map(|text| (*text).to_owned())
        .collect()
}

fn documented() -> BTreeSet<String> {
    let page = text(&root().join("docs/exit-codes.md"));
    let table = page.split("or one of these:").nth(1).expect("the table");
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.flat_map(|row| {
        let first = row.split(" | ").next().unwrap_or_default();
        let codes = first
            .split([',', ' '])
            .map(|code| code.trim_matches('`').to_owned());
        codes
            .filter(|code| !code.is_empty() && code != "code")
            .collect::<Vec<_>>()
    })
    .collect()
}

#[test]
fn every_code_is_documented_and_has_a_fixture() {
    let (found, told) = (codes_in_sources(), documented());
    let errors = ["git_config"];
    let missing: Vec<_> = found
        .iter()
        .filter(|code| !told.contains(*code) && !errors.contains(&code.as_str()))
        .collect();
    assert!(missing.is_empty(), "not in docs/exit-codes.md: {missing:?}");
    assert!(told.len() > 45, "{told:?}");
    let tests = sources("tests/it/doctor") + &text(&root().join("tests/it/keychain/doctor.rs"));
    for code in PASSED_ON {
        let has_one =
            tests.contains(&format!("\"{code}\"")) || tests.contains(&format!("\\\"{code}\\\""));
        assert!(has_one, "no fixture for {code}");
    }
    for code in &told {
        let is_known = found.contains(code) || code == "program";
        assert!(is_known, "no finding is called {code}");
        assert!(
            tests.contains(&format!("\"{code}\"")),
            "no fixture for {code}"
        );
    }
}
