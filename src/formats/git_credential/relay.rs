//! A description on its way to another helper: the bytes that git wrote, line by line, with nothing
//! changed but the repository's path.

use std::io::{ErrorKind, Read};

use memchr::memchr;
use zeroize::Zeroizing;

use super::attributes::TOO_LONG;
use super::{LONGEST_LINE, MOST_LINES, Malformed, url};

/// The longest description that is passed on.
const LONGEST: usize = LONGEST_LINE * MOST_LINES;

/// Whether the other helper is told which repository it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RepositoryPath {
    /// It is not: what it has stored without a path would not be found with one.
    LeftOut,
    /// It is, as by `credential.useHttpPath`.
    Kept,
}

/// A description as git wrote it.
pub(crate) struct Description(Zeroizing<Vec<u8>>);

impl Description {
    /// Reads up to an empty line or the end, whichever comes first.
    ///
    /// # Errors
    /// If it is too long, or cannot be read.
    pub(crate) fn read_from(mut source: impl Read) -> Result<Self, Malformed> {
        let mut text = Zeroizing::new(Vec::with_capacity(LONGEST_LINE));
        let mut chunk = Zeroizing::new([0; 4096]);
        let mut line_start = 0;
        loop {
            let size = match source.read(&mut *chunk) {
                Ok(0) => return Ok(Self(text)),
                Ok(size) => size,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return Err(Malformed("cannot be read")),
            };
            for byte in &chunk[..size] {
                text.push(*byte);
                if *byte != b'\n' {
                    continue;
                }
                if matches!(text[line_start..], [b'\n'] | [b'\r', b'\n']) {
                    return Ok(Self(text));
                }
                line_start = text.len();
            }
            if text.len() - line_start > LONGEST_LINE + 1 {
                return Err(TOO_LONG);
            }
            if text.len() > LONGEST {
                return Err(Malformed("is too long"));
            }
        }
    }

    /// The bytes that git wrote.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// What the other helper reads.
    pub(crate) fn passed_on(&self, path: RepositoryPath) -> Zeroizing<Vec<u8>> {
        let mut text = Zeroizing::new(Vec::with_capacity(self.0.len() + 64));
        for line in self.0.split_inclusive(|byte| *byte == b'\n') {
            match key_and_value(line) {
                _ if path == RepositoryPath::Kept => text.extend_from_slice(line),
                (b"path", _) => {}
                (b"url", value) => match without_path(value) {
                    Some(parts) => text.extend_from_slice(&parts),
                    None => text.extend_from_slice(line),
                },
                _ => text.extend_from_slice(line),
            }
        }
        text
    }
}

fn key_and_value(line: &[u8]) -> (&[u8], &[u8]) {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match memchr(b'=', line) {
        Some(at) => (&line[..at], &line[at + 1..]),
        None => (line, b""),
    }
}

/// The parts of a URL but its path, a line each.
fn without_path(url: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let parts = url::split(str::from_utf8(url).ok()?).ok()?;
    let mut lines = Zeroizing::new(Vec::with_capacity(url.len() + 64));
    let mut push = |key: &str, value: &str| {
        for part in [key, "=", value, "\n"] {
            lines.extend_from_slice(part.as_bytes());
        }
    };
    push("protocol", &parts.protocol);
    push("host", &parts.host);
    if let Some(name) = &parts.username {
        push("username", name);
    }
    if let Some(password) = &parts.password {
        push("password", password);
    }
    Some(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed_on(text: &str, path: RepositoryPath) -> String {
        let description = Description::read_from(text.as_bytes()).expect("short enough");
        String::from_utf8(description.passed_on(path).to_vec()).expect("text")
    }

    #[test]
    fn nothing_is_changed_but_the_path() {
        let text = "capability[]=authtype\ncapability[]=state\nprotocol=https\nhost=h\npath=a/b\n\
                    wwwauth[]=Basic realm=\"x\"\nstate[]=other.x=1\r\nnew=\rz\n\n";
        assert_eq!(passed_on(text, RepositoryPath::Kept), text);
        assert_eq!(
            passed_on(text, RepositoryPath::LeftOut),
            text.replace("path=a/b\n", "")
        );
        assert_eq!(passed_on("path=x", RepositoryPath::LeftOut), "");
        assert_eq!(
            passed_on("path\nxpath=y", RepositoryPath::LeftOut),
            "xpath=y"
        );
    }

    #[test]
    fn the_path_of_a_url_is_left_out_too() {
        assert_eq!(
            passed_on(
                "url=https://u:p%40q@h:8443/a/b.git\nx=y\n",
                RepositoryPath::LeftOut
            ),
            "protocol=https\nhost=h:8443\nusername=u\npassword=p@q\nx=y\n"
        );
        let odd = "url=nothing\n";
        assert_eq!(passed_on(odd, RepositoryPath::LeftOut), odd);
    }

    #[test]
    fn an_endless_description_is_refused() {
        assert!(Description::read_from(std::io::repeat(b'x')).is_err());
        let ended = Description::read_from(b"a=b\n\n".chain(std::io::repeat(b'x')));
        assert_eq!(ended.expect("its end").bytes(), b"a=b\n\n");
        let lines = "a=b\n".repeat(LONGEST / 4 + 4096);
        assert!(Description::read_from(lines.as_bytes()).is_err());
    }
}
