//! The lines of git's credential protocol, in both directions: `key=value`, LF, up to an empty line
//! or the end (git-credential(1), "INPUT/OUTPUT FORMAT"). Knows no key. Everything is wiped.

use std::io::{self, ErrorKind, Read, Write};

use memchr::memchr;
use zeroize::Zeroizing;

/// git's own limit (git-credential(1)); a longer line never spills into the next one.
pub(crate) const LONGEST_LINE: usize = 65_535;

/// Far more than git has keys.
pub(crate) const MOST_LINES: usize = 100;

/// What some editors and shells put before a text; it would hide the first key.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Why a text is no credential description, in words that follow "the description".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

/// Keys and values in their order. Values are bytes, and may be secret.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Attributes(Vec<(Wiped, Wiped)>);

type Wiped = Zeroizing<Vec<u8>>;

impl Attributes {
    /// Reads up to an empty line or the end, whichever comes first.
    ///
    /// # Errors
    /// A CR that is not the one before an LF, a NUL, a line without `=` or key, too much of it, or
    /// input that cannot be read.
    pub fn read_from(source: impl Read) -> Result<Self, Malformed> {
        let mut lines = Lines::new(source);
        let mut attributes = Self::default();
        while let Some(line) = lines.next_line()? {
            if line.is_empty() {
                break;
            }
            if attributes.0.is_empty() && line.starts_with(BYTE_ORDER_MARK) {
                return Err(Malformed("begins with a byte order mark"));
            }
            let split = memchr(b'=', &line).ok_or(Malformed("has a line without \"=\""))?;
            attributes.push(&line[..split], &line[split + 1..])?;
        }
        Ok(attributes)
    }

    /// Adds one line.
    ///
    /// # Errors
    /// If the line would not be read back as it is.
    pub fn push(&mut self, key: &[u8], value: &[u8]) -> Result<(), Malformed> {
        if key.is_empty() {
            return Err(Malformed("has a line without a key"));
        }
        if key.contains(&b'=') {
            return Err(Malformed("has a key with \"=\" in it"));
        }
        for byte in key.iter().chain(value) {
            check(*byte)?;
        }
        if key.len() + 1 + value.len() > LONGEST_LINE {
            return Err(TOO_LONG);
        }
        if self.0.len() == MOST_LINES {
            return Err(Malformed("has more than 100 lines"));
        }
        let kept = |bytes: &[u8]| Zeroizing::new(bytes.to_vec());
        self.0.push((kept(key), kept(value)));
        Ok(())
    }

    /// Keys and values in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.0
            .iter()
            .map(|(key, value)| (key.as_slice(), value.as_slice()))
    }

    /// Writes the lines in one call, so that a reader gets all of them or none.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write_to(&self, mut out: impl Write) -> io::Result<()> {
        let size = self.iter().map(|(key, value)| key.len() + value.len() + 2);
        let mut text = Zeroizing::new(Vec::with_capacity(size.sum()));
        for (key, value) in self.iter() {
            for part in [key, b"=", value, b"\n"] {
                text.extend_from_slice(part);
            }
        }
        out.write_all(&text)
    }
}

pub(super) const TOO_LONG: Malformed = Malformed("has a line of more than 65535 bytes");

/// A bare CR has been taken for a line's end by others (CVE-2024-50338, CVE-2024-52006).
fn check(byte: u8) -> Result<(), Malformed> {
    match byte {
        b'\r' => Err(Malformed("has a carriage return inside a line")),
        b'\n' => Err(Malformed("has a line break inside a value")),
        0 => Err(Malformed("has a NUL byte")),
        _ => Ok(()),
    }
}

/// Cuts input at LF and nowhere else.
struct Lines<R> {
    source: R,
    chunk: Wiped,
    next: usize,
}

impl<R: Read> Lines<R> {
    fn new(source: R) -> Self {
        Self {
            source,
            chunk: Zeroizing::default(),
            next: 0,
        }
    }

    /// A line without its end; `None` at the end of the input.
    fn next_line(&mut self) -> Result<Option<Wiped>, Malformed> {
        let mut line = Zeroizing::new(Vec::with_capacity(1024));
        loop {
            if self.next == self.chunk.len() {
                self.refill()?;
            }
            let rest = &self.chunk[self.next..];
            if rest.is_empty() {
                return Ok((!line.is_empty()).then_some(line));
            }
            let end = memchr(b'\n', rest);
            let part = &rest[..end.unwrap_or(rest.len())];
            // One more for the CR of callers on Windows.
            if line.len() + part.len() > LONGEST_LINE + 1 {
                return Err(TOO_LONG);
            }
            line.extend_from_slice(part);
            self.next += part.len() + usize::from(end.is_some());
            if end.is_some() {
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                return Ok(Some(line));
            }
        }
    }

    fn refill(&mut self) -> Result<(), Malformed> {
        self.next = 0;
        self.chunk.resize(4096, 0);
        loop {
            match self.source.read(&mut self.chunk) {
                Ok(size) => {
                    self.chunk.truncate(size);
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Err(Malformed("cannot be read")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Result<Vec<(String, String)>, Malformed> {
        let text_of = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Attributes::read_from(text).map(|attributes| {
            attributes
                .iter()
                .map(|(key, value)| (text_of(key), text_of(value)))
                .collect()
        })
    }

    #[test]
    fn a_description_ends_at_an_empty_line_or_the_end() {
        let host = vec![("host".to_owned(), "a=b".to_owned())];
        for text in [
            "host=a=b",
            "host=a=b\n",
            "host=a=b\n\nrest",
            "host=a=b\r\n\r\nx\0",
        ] {
            assert_eq!(read(text.as_bytes()), Ok(host.clone()), "{text:?}");
        }
        assert_eq!(read(b""), Ok(vec![]));
        assert_eq!(read(b"a=\n"), Ok(vec![("a".into(), String::new())]));
    }

    #[test]
    fn only_the_cr_before_an_lf_is_no_data() {
        for text in [
            "a=\rb\n",
            "a=b\r\r\n",
            "a=b\r",
            "\ra=b\n",
            "a=b\0\n",
            "a\0=b\n",
        ] {
            assert!(read(text.as_bytes()).is_err(), "{text:?}");
        }
    }

    #[test]
    fn lines_have_a_key_and_an_equals_sign() {
        for text in ["a\n", "=b\n", "=\n", " \n\0"] {
            assert!(read(text.as_bytes()).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_long_line_is_refused_and_never_cut() {
        let line = |size| [b"a=".to_vec(), vec![b'x'; size - 2]].concat();
        assert!(read(&line(LONGEST_LINE)).is_ok());
        let crlf = [line(LONGEST_LINE), b"\r\n".to_vec()].concat();
        assert!(read(&crlf).is_ok());
        assert_eq!(read(&line(LONGEST_LINE + 1)), Err(TOO_LONG));
        assert_eq!(read(&line(LONGEST_LINE + 2)), Err(TOO_LONG));
        assert!(read("a=b\n".repeat(MOST_LINES).as_bytes()).is_ok());
        assert!(read("a=b\n".repeat(MOST_LINES + 1).as_bytes()).is_err());
    }

    #[test]
    fn what_would_not_be_read_back_is_not_written() {
        let mut attributes = Attributes::default();
        for (key, value) in [
            ("", "x"),
            ("a=b", "x"),
            ("a", "x\ny"),
            ("a", "x\r"),
            ("a\n", ""),
        ] {
            let pushed = attributes.push(key.as_bytes(), value.as_bytes());
            assert!(pushed.is_err(), "{key:?} {value:?}");
        }
        let mut out = Vec::new();
        attributes.write_to(&mut out).expect("a vector takes it");
        assert!(out.is_empty());
    }
}
