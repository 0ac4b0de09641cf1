//! Adds an `[[app]]` to the configuration file: everything that stands there stays byte for byte.

use std::path::Path;

use super::edit::{Edit, write_edited};
use super::{Config, settings};
use crate::app::App;
use crate::error::Result;
use crate::host::Host;

/// The lines that describe `app` under the name `name` (see [`check_app_name`](super::check_app_name)).
fn app_section(app: &App, name: &str) -> String {
    let mut lines = vec!["[[app]]".to_owned()];
    lines.push(format!("name = {}", basic_string(name)));
    lines.push(format!("client_id = \"{}\"", app.client_id));
    let host = app.host.spelling();
    if host != Host::DEFAULT {
        lines.push(format!("host = \"{host}\""));
    }
    if let Some(account) = &app.account {
        lines.push(format!("account = \"{account}\""));
    }
    if !app.owners.is_empty() {
        let owners: Vec<String> = app.owners.iter().map(|owner| basic_string(owner)).collect();
        lines.push(format!("owners = [{}]", owners.join(", ")));
    }
    lines.join("\n") + "\n"
}

/// How an App is in the configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppEntry {
    /// Its name there.
    pub name: String,
    /// The App that was made the default in the same write, because it was the only one before.
    pub new_default: Option<String>,
}

/// Writes an App into the file, under the wanted name or one made of its host, unless it is there
/// already. What ghtok could not read again is not written.
///
/// # Errors
/// As `write_edited`.
pub fn add_app(file: &Path, app: &App, wanted: Option<&str>) -> Result<AppEntry> {
    write_edited(file, |text| edit(file, text, app, wanted))
}

fn edit(file: &Path, text: &str, app: &App, wanted: Option<&str>) -> Result<Edit<AppEntry>> {
    let settings = settings::parse(file, text)?;
    let present = settings.apps.iter().find(|known| known.key() == app.key());
    if let Some(name) = present.and_then(|known| known.name.clone()) {
        return Ok(Edit {
            after: None,
            done: AppEntry {
                name,
                new_default: None,
            },
        });
    }
    let name = free_name(app, wanted, &settings.apps);
    let new_default = default_for(&settings.apps, settings.default_app.as_deref());
    let after = with_app(file, text, app, &name, new_default.as_deref())?;
    Ok(Edit {
        after: Some(after),
        done: AppEntry { name, new_default },
    })
}

/// The name that an App gets: the wanted one, otherwise one made of its host; with a number if it
/// is taken.
fn free_name(app: &App, wanted: Option<&str>, apps: &[App]) -> String {
    let base = wanted.unwrap_or(app.host.short_name());
    let is_taken = |name: &str| apps.iter().any(|app| app.name.as_deref() == Some(name));
    if !is_taken(base) {
        return base.to_owned();
    }
    let mut number = 2;
    loop {
        let name = format!("{base}-{number}");
        if !is_taken(&name) {
            return name;
        }
        number += 1;
    }
}

/// The App that has to become the default where a second one comes: calls without a name meant it.
fn default_for(apps: &[App], default_app: Option<&str>) -> Option<String> {
    match (apps, default_app) {
        ([only], None) => only.name.clone(),
        _ => None,
    }
}

/// The text with the App at its end, and the default before the first table. Each result is read
/// again: it must say what the text said, and the App.
fn with_app(
    file: &Path,
    text: &str,
    app: &App,
    name: &str,
    new_default: Option<&str>,
) -> Result<String> {
    let newline = newline_of(text);
    let section = app_section(app, name).replace('\n', newline);
    let Some(default) = new_default else {
        let whole = joined(text, newline, &section);
        return settings::parse(file, &whole).map(|_| whole);
    };
    let line = format!("default_app = {}{newline}", basic_string(default));
    // A line of a list or of a long text can look like a table's head: then the second place is right.
    let whole = |at: usize| {
        let (head, tail) = text.split_at(at);
        let gap = if tail.is_empty() { "" } else { newline };
        joined(&format!("{head}{line}{gap}{tail}"), newline, &section)
    };
    let is_right = |whole: &str| {
        settings::parse(file, whole).is_ok_and(|settings| {
            settings.default_app.as_deref() == Some(default)
                && settings
                    .apps
                    .last()
                    .is_some_and(|last| last.key() == app.key())
        })
    };
    let usual = whole(before_first_table(text));
    if is_right(&usual) {
        return Ok(usual);
    }
    let first = whole(byte_order_mark(text));
    settings::parse(file, &first).map(|_| first)
}

/// Where the first table begins, with the comment lines right above it.
fn before_first_table(text: &str) -> usize {
    let mut at = byte_order_mark(text);
    let mut comment = None;
    for line in text[at..].split_inclusive('\n') {
        match line.trim_start().bytes().next() {
            Some(b'[') => return comment.unwrap_or(at),
            Some(b'#') => comment = comment.or(Some(at)),
            _ => comment = None,
        }
        at += line.len();
    }
    byte_order_mark(text)
}

/// The lines that a person adds where [`add_app`] cannot.
pub(crate) fn lines_to_add(config: &Config, app: &App, wanted: Option<&str>) -> String {
    let name = free_name(app, wanted, &config.apps);
    let section = app_section(app, &name);
    match default_for(&config.apps, config.default_app.as_deref()) {
        Some(default) => {
            let line = format!("default_app = {}", basic_string(&default));
            format!("{line}   # at the top\n\n{section}")
        }
        None => section,
    }
}

fn byte_order_mark(text: &str) -> usize {
    if text.starts_with('\u{feff}') { 3 } else { 0 }
}

fn newline_of(text: &str) -> &'static str {
    match text.split_once('\n') {
        Some((line, _)) if line.ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

fn joined(before: &str, newline: &str, section: &str) -> String {
    let gap = match before {
        "" => "",
        before if before.ends_with('\n') => newline,
        _ => &newline.repeat(2),
    };
    format!("{before}{gap}{section}")
}

/// A TOML basic string (toml.io, v1.0.0, "String").
fn basic_string(text: &str) -> String {
    let escaped = |c: char| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_control() => format!("\\u{:04X}", u32::from(c)),
        c => c.to_string(),
    };
    format!("\"{}\"", text.chars().map(escaped).collect::<String>())
}

#[cfg(all(test, unix))]
mod tests;
