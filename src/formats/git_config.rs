//! The lines that make git ask ghtok, put into git's configuration and taken out again to the byte.
//! Pure. <https://git-scm.com/docs/gitcredentials>

mod listing;

pub use self::listing::{Entry, listing};
use crate::formats::shell::word;

const BEGIN: &str = "# >>> ghtok setup git >>> take these lines out with: ghtok setup git --undo\n";
const END: &str = "# <<< ghtok setup git <<<";
/// Stands after [`END`] where the file did not end with a line's end before.
const UNENDED: &str = " (the file had no last line end)";
/// Stands after [`END`] where there was no file.
const NEW: &str = " (the file was new)";

/// What git is told for one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// The host's address.
    pub url: String,
    /// The helper's line, as [`helper`] makes it.
    pub helper: String,
    /// Whether git sends the repository's path too.
    pub path: Path,
}

/// Whether git sends the repository's path to helpers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// git's default.
    Unsaid,
    /// It does: several Apps are told apart by the repository's owner.
    Sent,
}

/// A helper's line: git hands it to a shell, so a path with blanks in it is quoted for one.
pub fn helper(program: &str, arguments: &[String]) -> String {
    let quoted = word(program);
    let mut line = if quoted == program {
        quoted
    } else {
        format!("!{quoted}")
    };
    line.push_str(" git-credential");
    for argument in arguments {
        line.push(' ');
        line.push_str(&word(argument));
    }
    line
}

/// The lines. An empty helper forgets all that were named before, which would see the token.
pub fn lines(sections: &[Section]) -> String {
    let mut text = String::new();
    for Section { url, helper, path } in sections {
        text.push_str(&format!(
            "[credential \"{url}\"]\n\thelper =\n\thelper = {}\n",
            value(helper)
        ));
        if *path == Path::Sent {
            text.push_str("\tuseHttpPath = true\n");
        }
    }
    text
}

/// git-config(1), "Values".
fn value(text: &str) -> String {
    if text.contains(['"', '\\', '#', ';']) {
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        text.to_owned()
    }
}

/// The file with these lines at its end; `None` stands for no file.
pub fn added(file: Option<&[u8]>, lines: &str) -> Vec<u8> {
    let (before, note) = match file {
        None => (&[][..], NEW),
        Some(text) if text.is_empty() || text.ends_with(b"\n") => (text, ""),
        Some(text) => (text, UNENDED),
    };
    let mut after = before.to_vec();
    if note == UNENDED {
        after.push(b'\n');
    }
    after.extend_from_slice(format!("{BEGIN}{lines}{END}{note}\n").as_bytes());
    after
}

/// What is left of a file without our lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Our lines are not in it.
    NotThere,
    /// The file as it was.
    File(Vec<u8>),
    /// There was no file.
    NoFile,
}

/// Takes our lines out.
///
/// # Errors
/// The first line between ours that ghtok did not write, or that is missing: nothing is taken then.
pub fn removed(file: &[u8]) -> Result<Rest, String> {
    let Some(begin) = find(file, BEGIN.as_bytes()) else {
        return Ok(Rest::NotThere);
    };
    let block = &file[begin + BEGIN.len()..];
    let Some(end) = find(block, END.as_bytes()) else {
        return Err(END.to_owned());
    };
    for line in block[..end].split_inclusive(|byte| *byte == b'\n') {
        let line = String::from_utf8_lossy(line);
        if !is_ours(&line) {
            return Err(line.trim().to_owned());
        }
    }
    let tail = &block[end + END.len()..];
    let note_end = tail.iter().position(|byte| *byte == b'\n');
    let (note, after) = tail.split_at(note_end.map_or(tail.len(), |end| end + 1));
    let note = String::from_utf8_lossy(note);
    let mut rest = file[..begin].to_vec();
    if note.trim_end() == UNENDED.trim_end() && after.is_empty() {
        rest.pop();
    }
    rest.extend_from_slice(after);
    if note.trim_end() == NEW && rest.is_empty() {
        return Ok(Rest::NoFile);
    }
    Ok(Rest::File(rest))
}

fn is_ours(line: &str) -> bool {
    line.starts_with("[credential \"http")
        || line == "\thelper =\n"
        || (line.starts_with("\thelper = ") && line.contains(" git-credential"))
        || line == "\tuseHttpPath = true\n"
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(url: &str, path: Path) -> Section {
        Section {
            url: url.into(),
            helper: helper("/usr/bin/ghtok", &[]),
            path,
        }
    }

    #[test]
    fn the_lines() {
        let sections = [
            section("https://github.com", Path::Unsaid),
            section("https://ghes.example", Path::Sent),
        ];
        assert_eq!(
            lines(&sections),
            "[credential \"https://github.com\"]\n\thelper =\n\thelper = /usr/bin/ghtok git-credential\n\
             [credential \"https://ghes.example\"]\n\thelper =\n\thelper = /usr/bin/ghtok git-credential\n\tuseHttpPath = true\n"
        );
        let odd = helper("/my apps/gh\"tok", &["--store".into(), "file".into()]);
        assert_eq!(odd, "!'/my apps/gh\"tok' git-credential --store file");
        assert_eq!(
            value(&odd),
            "\"!'/my apps/gh\\\"tok' git-credential --store file\""
        );
    }

    #[test]
    fn what_is_added_comes_out_to_the_byte() {
        let lines = lines(&[section("https://github.com", Path::Sent)]);
        for file in [
            &b""[..],
            b"[a]\n\tb = c\n",
            b"[a]\r\n\tb = c\r\n",
            b"# no end",
            b"\n\n",
            b"\xff\xfe\n",
        ] {
            let with = added(Some(file), &lines);
            assert_eq!(removed(&with), Ok(Rest::File(file.to_vec())), "{file:?}");
        }
        assert_eq!(removed(&added(None, &lines)), Ok(Rest::NoFile));
        assert_eq!(removed(b"[a]\n"), Ok(Rest::NotThere));
    }

    #[test]
    fn what_others_wrote_afterwards_stays() {
        let lines = lines(&[section("https://github.com", Path::Unsaid)]);
        for file in [None, Some(&b"x"[..]), Some(b"x\n")] {
            let mut with = added(file, &lines);
            with.extend_from_slice(b"[later]\n");
            let Ok(Rest::File(rest)) = removed(&with) else {
                unreachable!("{file:?}")
            };
            assert!(rest.ends_with(b"[later]\n") && rest.starts_with(file.unwrap_or_default()));
            assert!(!rest.windows(5).any(|part| part == b"ghtok"));
        }
        let between = added(
            None,
            &lines.replace("\thelper =\n", "\thelper =\n\tusername = me\n"),
        );
        assert_eq!(removed(&between), Err("username = me".into()));
        let whole = added(None, &lines);
        assert!(
            removed(&whole[..whole.len() - 30]).is_err(),
            "cut in our last line"
        );
    }
}
