//! Removes an `[[app]]` from the configuration file, and `default_app` where it named that App; every other
//! line stays byte for byte.

use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::edit::{Edit, write_edited};
use super::settings;
use crate::error::{Error, Result};

/// What the removal left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RemovedApp {
    /// Whether it was the default App; then there is no default any more.
    pub(crate) was_default: bool,
    /// The names of the other Apps.
    pub(crate) others: Vec<String>,
}

/// Takes the App of this name out of the file.
///
/// # Errors
/// If the file cannot be read or written, has no such App, or describes its Apps in a way that leaves no
/// lines to remove (`app = [{…}]`).
pub(crate) fn remove_app(file: &Path, name: &str) -> Result<RemovedApp> {
    write_edited(file, |text| {
        let before = settings::parse(file, text)?;
        let is_it = |app: &&crate::app::App| app.name.as_deref() == Some(name);
        let known = || before.apps.iter().filter_map(|app| app.name.clone());
        if !before.apps.iter().any(|app| is_it(&app)) {
            return Err(Error::UnknownApp {
                name: name.to_owned(),
                known: known().collect(),
            });
        }
        let was_default = before.default_app.as_deref() == Some(name);
        let after = without(text, name, was_default).unwrap_or_default();
        // What is left must say the same of everything else.
        let left = settings::parse(file, &after)?;
        let others = before.apps.iter().filter(|app| !is_it(app));
        let is_right = others.eq(&left.apps)
            && left.default_app == before.default_app.filter(|_| !was_default)
            && left.store == before.store
            && left.min_ttl == before.min_ttl;
        if !is_right {
            return Err(Error::File {
                doing: "change",
                path: file.to_owned(),
                cause: format!(
                    "the lines of the App \"{name}\" cannot be told apart; remove them with an editor"
                ),
            });
        }
        let removed = RemovedApp {
            was_default,
            others: known().filter(|other| other != name).collect(),
        };
        Ok(Edit {
            after: Some(after),
            done: removed,
        })
    })
}

/// The text without the lines of this App, and of `default_app` if it goes too.
fn without(text: &str, name: &str, was_default: bool) -> Option<String> {
    let root = DeTable::parse(text).ok()?.into_inner();
    let mut gone: Vec<Range<usize>> = Vec::new();
    if was_default {
        let (key, value) = root.get_key_value("default_app")?;
        gone.push(lines_of(text, key.span().start, value.span().end));
    }
    let DeValue::Array(apps) = root.get("app")?.get_ref() else {
        return None;
    };
    let app = apps.iter().find(|app| has_name(app, name))?;
    gone.push(lines_of(text, app.span().start, end_of(app)));
    gone.sort_by_key(|lines| std::cmp::Reverse(lines.start));
    let mut left = text.to_owned();
    // From the end: what stands before keeps its place. A blank line between two goes once.
    let mut end = text.len();
    for lines in gone {
        let lines = with_one_blank(text, lines);
        left.replace_range(lines.start..lines.end.min(end), "");
        end = lines.start;
    }
    Some(left)
}

fn has_name(app: &Spanned<DeValue<'_>>, name: &str) -> bool {
    let DeValue::Table(entries) = app.get_ref() else {
        return false;
    };
    let named = entries.get("name").map(Spanned::get_ref);
    matches!(named, Some(DeValue::String(text)) if text == name)
}

/// Where the last value of the table ends.
fn end_of(app: &Spanned<DeValue<'_>>) -> usize {
    let DeValue::Table(entries) = app.get_ref() else {
        return app.span().end;
    };
    let ends = entries.values().map(|value| value.span().end);
    ends.max().unwrap_or(app.span().end)
}

/// From the beginning of the first line to the end of the last, its line end included.
fn lines_of(text: &str, start: usize, end: usize) -> Range<usize> {
    let start = text[..start]
        .rfind('\n')
        .map_or(byte_order_mark(text), |at| at + 1);
    let end = text[end..].find('\n').map_or(text.len(), |at| end + at + 1);
    start..end
}

/// The blank line that parted these from what was before or after them goes too.
fn with_one_blank(text: &str, lines: Range<usize>) -> Range<usize> {
    let blank = |line: &str| !line.is_empty() && line.trim().is_empty();
    let (before, after) = (&text[..lines.start], &text[lines.end..]);
    let next = after.split_inclusive('\n').next().unwrap_or_default();
    if blank(next) {
        return lines.start..lines.end + next.len();
    }
    let last = before.split_inclusive('\n').next_back().unwrap_or_default();
    if after.is_empty() && blank(last) {
        return lines.start - last.len()..lines.end;
    }
    lines
}

fn byte_order_mark(text: &str) -> usize {
    if text.starts_with('\u{feff}') { 3 } else { 0 }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;

    use super::super::scratch::Scratch;
    use super::*;

    const APP: &str = "[[app]]\nname = \"main\"\nclient_id = \"Iv1.a\"\n";
    const OTHER: &str =
        "[[app]]\nname = \"work\"  # mine\nclient_id = \"Iv1.b\"\nowners = [\n  \"acme\",\n]\n";

    fn removed(text: &str, name: &str) -> (Result<RemovedApp>, String) {
        let folder = Scratch::new().with(text);
        let done = remove_app(&folder.file(), name);
        (done, fs::read_to_string(folder.file()).expect("text"))
    }

    #[test]
    fn only_the_lines_of_the_app_go() {
        for (text, name, left) in [
            (format!("{APP}\n{OTHER}"), "work", APP.to_owned()),
            (format!("{APP}\n{OTHER}"), "main", OTHER.to_owned()),
            (
                format!(
                    "# top\nstore = \"file\"\n\n{APP}# about work\n{OTHER}\n[git]\nquit = true\n"
                ),
                "work",
                format!("# top\nstore = \"file\"\n\n{APP}# about work\n[git]\nquit = true\n"),
            ),
            (format!("\u{feff}{APP}"), "main", "\u{feff}".to_owned()),
            (
                format!("{APP}\n{OTHER}").replace('\n', "\r\n"),
                "work",
                APP.replace('\n', "\r\n"),
            ),
        ] {
            let (done, after) = removed(&text, name);
            assert!(!done.expect("removed").was_default);
            assert_eq!(after, left, "{text}");
        }
    }

    #[test]
    fn the_default_goes_with_its_app_and_stays_with_another() {
        let text = format!("default_app = \"work\"\n\n{APP}\n{OTHER}");
        let (done, after) = removed(&text, "work");
        let done = done.expect("removed");
        assert_eq!((done.was_default, done.others), (true, vec!["main".into()]));
        assert_eq!(after, APP);
        let (done, after) = removed(&text, "main");
        assert!(!done.expect("removed").was_default);
        assert_eq!(after, format!("default_app = \"work\"\n\n{OTHER}"));
    }

    #[test]
    fn what_cannot_be_done_changes_nothing() {
        let inline = "app = [{ name = \"main\", client_id = \"Iv1.a\" }, { name = \"work\", client_id = \"Iv1.b\" }]\n";
        for (text, name) in [(inline, "main"), (APP, "nobody"), ("", "main")] {
            let (done, after) = removed(text, name);
            assert!(done.is_err(), "{done:?}");
            assert_eq!(after, text);
        }
    }
}
