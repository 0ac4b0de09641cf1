//! Where the values of a JSON text stand. Strings, which make up most of a long line, are only searched for
//! their ends, and inside an object or array only its own end is looked for: each byte is read once, and
//! the peer that the line is passed on to reads the rest.

use std::borrow::Cow;

use memchr::memchr2;
use serde::de::IgnoredAny;

use super::members::BorrowedText;

/// A text, read from its beginning.
pub(super) struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }

    /// Gives each name and value of an object; `None` if there is no object, or no end of it.
    pub(super) fn object(&mut self, mut member: impl FnMut(&str, &'a [u8])) -> Option<()> {
        self.items(b'{', b'}', |scanner| {
            let name = scanner.name()?;
            scanner.take(b':').then_some(())?;
            member(&name, scanner.value()?);
            Some(())
        })
    }

    /// Reads each item of an array; `None` if there is no array, or no end of it.
    pub(super) fn array(&mut self, item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.items(b'[', b']', item)
    }

    /// True if nothing but blanks is left.
    pub(super) fn is_at_end(&mut self) -> bool {
        self.peek().is_none()
    }

    fn items(
        &mut self,
        begin: u8,
        end: u8,
        mut item: impl FnMut(&mut Self) -> Option<()>,
    ) -> Option<()> {
        self.take(begin).then_some(())?;
        if self.take(end) {
            return Some(());
        }
        loop {
            item(self)?;
            if self.take(end) {
                return Some(());
            }
            self.take(b',').then_some(())?;
        }
    }

    fn name(&mut self) -> Option<Cow<'a, str>> {
        (self.peek()? == b'"').then_some(())?;
        text(self.value()?)
    }

    fn value(&mut self) -> Option<&'a [u8]> {
        let first = self.peek()?;
        let start = self.at;
        match first {
            b'"' => self.skip_string()?,
            b'{' | b'[' => self.skip_nested()?,
            _ => self.skip_scalar()?,
        }
        Some(&self.text[start..self.at])
    }

    /// From a quotation mark to behind the next one that is not escaped.
    fn skip_string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            self.at += memchr2(b'"', b'\\', self.text.get(self.at..)?)?;
            if self.text[self.at] == b'"' {
                self.at += 1;
                return Some(());
            }
            self.at += 2;
        }
    }

    /// From a bracket to behind the one that belongs to it.
    fn skip_nested(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.text.get(self.at)? {
                b'"' => {
                    self.skip_string()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Some(());
            }
        }
    }

    fn skip_scalar(&mut self) -> Option<()> {
        let rest = &self.text[self.at..];
        let is_end = |byte: &u8| matches!(byte, b',' | b'}' | b']') || byte.is_ascii_whitespace();
        let length = rest.iter().position(is_end).unwrap_or(rest.len());
        serde_json::from_slice::<IgnoredAny>(&rest[..length]).ok()?;
        self.at += length;
        Some(())
    }

    /// The next byte that is no blank.
    fn peek(&mut self) -> Option<u8> {
        let rest = self.text.get(self.at..)?;
        let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        self.at += rest.iter().take_while(|byte| is_blank(byte)).count();
        self.text.get(self.at).copied()
    }

    /// Passes this byte, if it is the next one.
    fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }
}

/// The text of a string as it stands in JSON.
pub(super) fn text(raw: &[u8]) -> Option<Cow<'_, str>> {
    let text: BorrowedText<'_> = serde_json::from_slice(raw).ok()?;
    Some(text.0)
}
