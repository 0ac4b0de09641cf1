//! `docs/exit-codes.md` against the errors that there are.

use super::document;
use crate::errors::whole_page;

/// The rows of all tables, a list of cells each.
fn rows(text: &str) -> Vec<Vec<String>> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| "));
    let cells = |row: &str| {
        row.trim_end_matches(" |")
            .split(" | ")
            .map(str::to_owned)
            .collect()
    };
    rows.map(cells).collect()
}

fn shown(exit_code: u8) -> String {
    match exit_code {
        129.. => "128+n".into(),
        code => code.to_string(),
    }
}

#[test]
fn every_exit_code_and_every_stable_code_is_told() {
    let rows = rows(&document("docs/exit-codes.md"));
    let row = |first: &str| rows.iter().find(|row| row[0] == first);
    for entry in whole_page().entries() {
        let (code, exit) = (entry.error.code(), shown(entry.error.exit_code()));
        assert!(row(&exit).is_some(), "no row for the exit code {exit}");
        // Nobody is left to read this one.
        if code == "output_closed" {
            continue;
        }
        let told = row(&format!("`{code}`")).unwrap_or_else(|| panic!("no row for {code}"));
        let exits = told[1].split([',', ' ']);
        assert!(exits.into_iter().any(|told| told == exit), "{code}: {exit}");
    }
    assert!(row("125").is_some());
}

/// A code that no error has any more is a promise that is broken.
#[test]
fn no_code_is_told_that_is_none() {
    let page = whole_page();
    let known: Vec<&str> = page
        .entries()
        .iter()
        .map(|entry| entry.error.code())
        .collect();
    let text = document("docs/exit-codes.md");
    let list = text.split("`code` does not:").nth(1).expect("the list");
    let list = list.split("\n## ").next().expect("its end");
    let mut told = 0;
    for row in rows(list)
        .iter()
        .filter(|row| row[0].starts_with('`'))
        .skip(1)
    {
        let code = row[0].trim_matches('`');
        assert!(known.contains(&code), "no error is {code}");
        told += 1;
    }
    assert!(told > 20, "only {told} codes are told");
}
