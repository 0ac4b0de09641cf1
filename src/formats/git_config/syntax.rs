//! Reads a configuration file of git as git does (config.c, `git_parse_source`), and keeps where each
//! part stands, so that one can be taken out without touching the rest.

use std::ops::Range;

use memchr::{memchr, memchr_iter};

/// A part of a file; what is between parts is white space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) kind: PartKind,
    /// Where it stands. An entry's line end belongs to it, a header's and a comment's does not.
    pub(super) span: Range<usize>,
}

/// What a part can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PartKind {
    /// `[name "subsection"]`.
    Header {
        /// In lower case.
        name: Vec<u8>,
        /// As written, without its quotes.
        subsection: Option<Vec<u8>>,
    },
    /// `key = value`.
    Entry {
        /// In lower case.
        key: Vec<u8>,
        /// `None` for a key alone.
        value: Option<Vec<u8>>,
    },
    /// From `#` or `;` to the end of the line.
    Comment,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ParsedFile {
    pub(super) parts: Vec<Part>,
    /// Whether text that is appended would continue the last value.
    pub(super) is_open: bool,
}

/// The file cannot be read: the line in which git would stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadLine(pub usize);

pub(super) fn read(text: &[u8]) -> Result<ParsedFile, BadLine> {
    let mut parser = Parser {
        text,
        at: if text.starts_with(BOM) { BOM.len() } else { 0 },
        is_open: false,
    };
    let mut parts = Vec::new();
    while let Some(start) = parser.skip_space() {
        let kind = match text[start] {
            b'#' | b';' => Some(parser.comment()),
            b'[' => parser.header(),
            byte if byte.is_ascii_alphabetic() => parser.entry(),
            _ => None,
        };
        let Some(kind) = kind else {
            let before = &text[..parser.at.min(text.len())];
            return Err(BadLine(memchr_iter(b'\n', before).count() + 1));
        };
        let span = start..parser.at;
        parts.push(Part { kind, span });
    }
    Ok(ParsedFile {
        parts,
        is_open: parser.is_open,
    })
}

const BOM: &[u8] = b"\xef\xbb\xbf";

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    is_open: bool,
}

impl Parser<'_> {
    /// The next byte as git reads it: a CR before LF is none, and the end of the file is a line end.
    fn next(&mut self) -> u8 {
        let byte = self.text.get(self.at).copied();
        let is_crlf = byte == Some(b'\r') && self.text.get(self.at + 1) == Some(&b'\n');
        self.at += 1 + usize::from(is_crlf);
        match byte {
            Some(byte) if !is_crlf => byte,
            _ => b'\n',
        }
    }

    fn is_at_end(&self) -> bool {
        self.at >= self.text.len()
    }

    fn skip_space(&mut self) -> Option<usize> {
        while !self.is_at_end() {
            if !is_space(self.text[self.at]) {
                return Some(self.at);
            }
            self.at += 1;
        }
        None
    }

    fn comment(&mut self) -> PartKind {
        let rest = &self.text[self.at..];
        let end = memchr(b'\n', rest);
        self.at += end.unwrap_or(rest.len());
        if end.is_some() && self.text[self.at - 1] == b'\r' {
            self.at -= 1;
        }
        PartKind::Comment
    }

    fn header(&mut self) -> Option<PartKind> {
        self.at += 1;
        let mut name = Vec::new();
        loop {
            if self.is_at_end() {
                return None;
            }
            match self.next() {
                b']' => {
                    return Some(PartKind::Header {
                        name,
                        subsection: None,
                    });
                }
                byte if is_space(byte) => return self.subsection(byte, name),
                byte if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.') => {
                    name.push(byte.to_ascii_lowercase());
                }
                _ => return None,
            }
        }
    }

    fn subsection(&mut self, mut byte: u8, name: Vec<u8>) -> Option<PartKind> {
        while is_space(byte) {
            if byte == b'\n' {
                return None;
            }
            byte = self.next();
        }
        if byte != b'"' {
            return None;
        }
        let mut subsection = Vec::new();
        loop {
            match self.next() {
                b'\n' => return None,
                b'"' => break,
                b'\\' => match self.next() {
                    b'\n' => return None,
                    byte => subsection.push(byte),
                },
                byte => subsection.push(byte),
            }
        }
        (self.next() == b']').then_some(PartKind::Header {
            name,
            subsection: Some(subsection),
        })
    }

    fn entry(&mut self) -> Option<PartKind> {
        let mut key = Vec::new();
        let mut byte = self.next();
        while byte.is_ascii_alphanumeric() || byte == b'-' {
            key.push(byte.to_ascii_lowercase());
            byte = self.next();
        }
        while matches!(byte, b' ' | b'\t') {
            byte = self.next();
        }
        let value = match byte {
            b'\n' => None,
            b'=' => Some(self.value()?),
            _ => return None,
        };
        self.at = self.at.min(self.text.len());
        Some(PartKind::Entry { key, value })
    }

    fn value(&mut self) -> Option<Vec<u8>> {
        let mut value = Vec::new();
        // White space is kept only if something follows it.
        let mut kept = 0;
        let (mut is_quoted, mut is_comment, mut is_continued) = (false, false, false);
        loop {
            let ended = self.is_at_end();
            match self.next() {
                b'\n' => {
                    self.is_open = ended && is_continued;
                    value.truncate(kept);
                    return (!is_quoted).then_some(value);
                }
                _ if is_comment => {}
                byte if is_space(byte) && !is_quoted => {
                    if !value.is_empty() {
                        value.push(byte);
                    }
                }
                b'#' | b';' if !is_quoted => is_comment = true,
                b'"' => {
                    is_quoted = !is_quoted;
                    kept = value.len();
                }
                b'\\' => {
                    let byte = match self.next() {
                        b'\n' => {
                            is_continued = true;
                            continue;
                        }
                        b't' => b'\t',
                        b'b' => 0x08,
                        b'n' => b'\n',
                        byte @ (b'\\' | b'"') => byte,
                        _ => return None,
                    };
                    value.push(byte);
                    kept = value.len();
                }
                byte => {
                    value.push(byte);
                    kept = value.len();
                }
            }
            is_continued = false;
        }
    }
}

/// git's `isspace`.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// A value as git reads it back (git-config(1), "Values").
pub(super) fn value(bytes: &[u8]) -> Vec<u8> {
    let is_plain = !bytes.first().is_some_and(u8::is_ascii_whitespace)
        && !bytes.last().is_some_and(u8::is_ascii_whitespace)
        && !bytes.iter().any(|byte| {
            matches!(
                byte,
                b'"' | b'\\' | b'#' | b';' | b'\r' | b'\n' | b'\t' | 0x08
            )
        });
    if is_plain {
        return bytes.to_vec();
    }
    let mut quoted = vec![b'"'];
    for byte in bytes {
        match byte {
            b'"' | b'\\' => quoted.extend([b'\\', *byte]),
            b'\n' => quoted.extend(b"\\n"),
            b'\t' => quoted.extend(b"\\t"),
            0x08 => quoted.extend(b"\\b"),
            byte => quoted.push(*byte),
        }
    }
    quoted.push(b'"');
    quoted
}

/// A header as git reads it back.
pub(super) fn header(name: &str, subsection: &[u8]) -> Vec<u8> {
    let mut line = format!("[{name} \"").into_bytes();
    for byte in subsection {
        if matches!(byte, b'"' | b'\\') {
            line.push(b'\\');
        }
        line.push(*byte);
    }
    line.extend(b"\"]");
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(text: &[u8]) -> Vec<(String, Option<String>)> {
        let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        read(text)
            .expect("a file that git reads")
            .parts
            .into_iter()
            .filter_map(|part| match part.kind {
                PartKind::Entry { key, value } => Some((lossy(&key), value.as_deref().map(lossy))),
                PartKind::Header { .. } | PartKind::Comment => None,
            })
            .collect()
    }

    #[test]
    fn values_are_read_as_git_reads_them() {
        for (line, value) in [
            ("k = a b # c", Some("a b")),
            ("k=\"a # b\" ; c", Some("a # b")),
            ("K = a\\\n  b", Some("a  b")),
            ("k = \" x \"\t", Some(" x ")),
            ("k = a\\tb\\\\\\\"", Some("a\tb\\\"")),
            ("k", None),
            ("k =", Some("")),
            ("k = \\\n", Some("")),
            ("k = x\r\n", Some("x")),
        ] {
            let text = format!("\u{feff}[s \"Sub\\\"x\"] {line}");
            let expected = vec![("k".to_owned(), value.map(str::to_owned))];
            assert_eq!(entries(text.as_bytes()), expected, "{line:?}");
        }
    }

    #[test]
    fn what_git_does_not_read_is_named_by_its_line() {
        for (text, line) in [
            ("[a\n", 2),
            ("[a]\nb = \"c\n", 3),
            ("[a]\n\n= c\n", 3),
            ("[a \"x]\n", 2),
            ("[a]\nk = \\x\n", 2),
            ("[a", 1),
        ] {
            assert_eq!(read(text.as_bytes()), Err(BadLine(line)), "{text:?}");
        }
    }

    #[test]
    fn a_file_that_ends_in_a_continuation_is_open() {
        for (text, is_open) in [
            ("[a]\nk = v\\\n", true),
            ("[a]\nk = v\\", true),
            ("[a]\nk = v\\\n\n", false),
            ("[a]\nk = v", false),
            ("[a]\n# v\\\n", false),
        ] {
            let file = read(text.as_bytes()).expect("a file");
            assert_eq!(file.is_open, is_open, "{text:?}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for bytes in [
            &b"plain"[..],
            b" a#b;c\\d\"e\n\t\x08 ",
            b"\xff\xfe \r",
            b"",
            b"a\rb",
        ] {
            let text = [b"[s]\nk = ".to_vec(), value(bytes), b"\n".to_vec()].concat();
            let file = read(&text).expect("a file");
            let read_back = PartKind::Entry {
                key: b"k".to_vec(),
                value: Some(bytes.to_vec()),
            };
            assert_eq!(file.parts[1].kind, read_back, "{bytes:?}");
        }
        let text = header("credential", b"https://a\"b\\c");
        let file = read(&text).expect("a header");
        let expected = PartKind::Header {
            name: b"credential".to_vec(),
            subsection: Some(b"https://a\"b\\c".to_vec()),
        };
        assert_eq!(file.parts[0].kind, expected);
    }
}
