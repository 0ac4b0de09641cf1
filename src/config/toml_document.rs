//! A TOML document whose every value knows its key and line, so that every error can name both. Pure;
//! knows nothing of the keys' meaning.

use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::file::{line_at, origin};
use super::quote::quoted;
use crate::error::{Error, Result};
use crate::formats::plain_text::without_tricks;
use crate::spelling::did_you_mean;

/// No key of ours is as long, and no token is as short.
const MAX_BARE_KEY: usize = 20;

/// The text, and the path that errors name.
pub(super) struct TomlDocument<'d> {
    path: &'d Path,
    text: &'d str,
}

/// The document's root, `[name]`, or one `[[name]]`.
pub(super) struct TomlTable<'d> {
    document: &'d TomlDocument<'d>,
    /// How an error calls it.
    label: String,
    at: usize,
    entries: &'d DeTable<'d>,
}

/// One key with its value.
pub(super) struct TomlEntry<'d> {
    document: &'d TomlDocument<'d>,
    key: &'static str,
    at: usize,
    pub(super) value: &'d DeValue<'d>,
}

impl<'d> TomlDocument<'d> {
    pub(super) fn new(path: &'d Path, text: &'d str) -> Self {
        Self { path, text }
    }

    pub(super) fn parse(&self) -> Result<DeTable<'d>> {
        let failed = |error: &toml::de::Error| {
            let span = error.span().unwrap_or_default();
            self.error(span.start, self.syntax_problem(error.message(), span))
        };
        DeTable::parse(self.text)
            .map(toml::Spanned::into_inner)
            .map_err(|error| failed(&error))
    }

    pub(super) fn root(&'d self, entries: &'d DeTable<'d>) -> TomlTable<'d> {
        TomlTable {
            document: self,
            label: "the file".into(),
            at: 0,
            entries,
        }
    }

    /// The parser's own words hold nothing of the text; the key before them is bare or left out.
    fn syntax_problem(&self, message: &str, span: std::ops::Range<usize>) -> String {
        let message = message
            .strip_suffix(", expected literal string")
            .unwrap_or(message);
        if message == "duplicate key" {
            let key = self.text.get(span).unwrap_or_default();
            let key = key.trim_matches(['"', '\'']);
            return format!("duplicate key {}", quoted(key));
        }
        let start = self
            .text
            .get(..span.start)
            .and_then(|before| before.rfind('\n'))
            .map_or(0, |end| end + 1);
        let line = self
            .text
            .get(start..)
            .and_then(|rest| rest.lines().next())
            .unwrap_or_default();
        let bare = |key: &&str| {
            let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
            (1..=MAX_BARE_KEY).contains(&key.len()) && key.bytes().all(fits)
        };
        match line.split_once('=').map(|(key, _)| key.trim()).filter(bare) {
            Some(key) => format!("{key}: {}", without_tricks(message)),
            None => without_tricks(message),
        }
    }

    fn error(&self, offset: usize, problem: String) -> Error {
        Error::Config {
            origin: self.origin(offset),
            problem,
        }
    }

    fn origin(&self, offset: usize) -> String {
        origin(self.path, line_at(self.text.as_bytes(), offset))
    }
}

impl<'d> TomlTable<'d> {
    /// Refuses every key but these.
    pub(super) fn allow(&self, known: &[&str]) -> Result<()> {
        let unknown = self
            .entries
            .keys()
            .filter(|key| !known.contains(&key.get_ref().as_ref()));
        match unknown.min_by_key(|key| key.span().start) {
            None => Ok(()),
            Some(key) => Err(self.document.error(
                key.span().start,
                format!(
                    "unknown key {} in {} (known keys: {}){}",
                    quoted(key.get_ref()),
                    self.label,
                    known.join(", "),
                    did_you_mean(key.get_ref(), known.iter().copied())
                ),
            )),
        }
    }

    pub(super) fn entry(&self, key: &'static str) -> Option<TomlEntry<'d>> {
        let (name, value) = self.entries.get_key_value(key)?;
        Some(TomlEntry {
            document: self.document,
            key,
            at: name.span().start,
            value: value.get_ref(),
        })
    }

    /// The text under a key, as `parse` understands it; it fails with words that follow a quotation.
    pub(super) fn parsed<T, E: AsRef<str>>(
        &self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>> {
        let Some(entry) = self.entry(key) else {
            return Ok(None);
        };
        let text = entry.text()?;
        parse(text)
            .map(Some)
            .map_err(|reason| entry.bad(text, reason.as_ref()))
    }

    /// As [`Self::parsed`], for a key that must be there.
    pub(super) fn required<T>(
        &self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, &'static str>,
    ) -> Result<T> {
        self.parsed(key, parse)?
            .ok_or_else(|| self.error(format!("this {} has no {key}", self.label)))
    }

    pub(super) fn switch(&self, key: &'static str) -> Result<Option<bool>> {
        match self.entry(key) {
            None => Ok(None),
            Some(TomlEntry {
                value: DeValue::Boolean(value),
                ..
            }) => Ok(Some(*value)),
            Some(entry) => Err(entry.wrong_type("true or false")),
        }
    }

    /// The table `[key]`.
    pub(super) fn table(&self, key: &'static str) -> Result<Option<TomlTable<'d>>> {
        match self.entry(key) {
            None => Ok(None),
            Some(TomlEntry {
                value: DeValue::Table(entries),
                at,
                ..
            }) => Ok(Some(TomlTable {
                document: self.document,
                label: format!("[{key}]"),
                at,
                entries,
            })),
            Some(entry) => Err(entry.wrong_type(&format!("a table, [{key}]"))),
        }
    }

    /// The tables `[[key]]`, in the file's order.
    pub(super) fn tables(&self, key: &'static str) -> Result<Vec<TomlTable<'d>>> {
        let Some(entry) = self.entry(key) else {
            return Ok(Vec::new());
        };
        let wrong = || entry.wrong_type(&format!("a list of tables, each [[{key}]]"));
        let DeValue::Array(elements) = entry.value else {
            return Err(wrong());
        };
        let table = |element: &'d toml::Spanned<DeValue<'d>>| match element.get_ref() {
            DeValue::Table(entries) => Ok(TomlTable {
                document: self.document,
                label: format!("[[{key}]]"),
                at: element.span().start,
                entries,
            }),
            _ => Err(wrong()),
        };
        elements.iter().map(table).collect()
    }

    /// An error about the table as a whole, at the line where it begins.
    pub(super) fn error(&self, problem: String) -> Error {
        self.document.error(self.at, problem)
    }

    /// The line where it begins.
    pub(super) fn line(&self) -> usize {
        line_at(self.document.text.as_bytes(), self.at)
    }
}

impl<'d> TomlEntry<'d> {
    pub(super) fn text(&self) -> Result<&'d str> {
        match self.value {
            DeValue::String(text) => Ok(text),
            _ => Err(self.wrong_type("a string in quotation marks")),
        }
    }

    /// A list of texts.
    pub(super) fn texts(&self) -> Result<Vec<&'d str>> {
        let wrong = || self.wrong_type("a list of strings, for example [\"one\", \"two\"]");
        let DeValue::Array(elements) = self.value else {
            return Err(wrong());
        };
        let text = |element: &'d toml::Spanned<DeValue<'d>>| match element.get_ref() {
            DeValue::String(text) => Ok(text.as_ref()),
            _ => Err(wrong()),
        };
        elements.iter().map(text).collect()
    }

    /// The value, quoted, and what is wrong with it.
    pub(super) fn bad(&self, value: &str, reason: &str) -> Error {
        self.error(&format!("{} {reason}", quoted(value)))
    }

    /// What is wrong, after the key's name.
    pub(super) fn error(&self, problem: &str) -> Error {
        self.document
            .error(self.at, format!("{} {problem}", self.key))
    }

    pub(super) fn wrong_type(&self, wanted: &str) -> Error {
        let found = match self.value {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) | DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.error(&format!("must be {wanted}, not {found}"))
    }

    /// The file and line, as errors name them.
    pub(super) fn origin(&self) -> String {
        self.document.origin(self.at)
    }
}
