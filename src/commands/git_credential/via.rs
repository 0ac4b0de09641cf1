//! `--via HELPER`: git's question goes on to another helper, as if git had asked that one. ghtok's own
//! tokens do not: no other helper stores them, and none drops what it has because of them.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::Operation;
use crate::error::system_reason;
use crate::formats::git_credential::{Description, Malformed, RepositoryPath};
use crate::formats::plain_text::one_line;
use crate::system::process;
use crate::system::terminal::Terminal;

/// Passes git's question on, and the helper's answer and end back; `helper` is as `credential.helper`
/// names it (gitcredentials(7)). `is_ours` says whether a description carries a token of ghtok's.
pub(super) fn pass_on(
    helper: &OsStr,
    keep_path: bool,
    operation: &OsStr,
    is_ours: impl FnOnce(&Description) -> bool,
    terminal: Terminal,
) -> u8 {
    let Some(line) = command_line(helper, operation) else {
        return 0;
    };
    let description = match Description::read_from(terminal.input()) {
        Ok(description) => description,
        Err(Malformed(why)) => {
            terminal.note(&format!("git-credential: not passed on: the request {why}"));
            return 0;
        }
    };
    let carries_a_secret = match Operation::of(operation) {
        Operation::Get | Operation::Capability => false,
        Operation::Store | Operation::Erase | Operation::Unknown => true,
    };
    if carries_a_secret && is_ours(&description) {
        return 0;
    }
    let path = if keep_path {
        RepositoryPath::Kept
    } else {
        RepositoryPath::LeftOut
    };
    let input = description.passed_on(path);
    process::run_in_shell(&line, &input).unwrap_or_else(|error| {
        let helper = one_line(&helper.to_string_lossy(), 80);
        let reason = system_reason(&error);
        terminal.note(&format!(
            "git-credential: cannot run the helper \"{helper}\": {reason}"
        ));
        1
    })
}

/// The line that git would run (credential.c, `credential_do`); `None` for an operation that is no word.
fn command_line(helper: &OsStr, operation: &OsStr) -> Option<OsString> {
    let word = operation.to_str().filter(|word| {
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        !word.is_empty() && word.bytes().all(fits)
    })?;
    let mut line = OsString::new();
    match without_mark(helper) {
        Some(shell) => line.push(shell),
        None if Path::new(helper).has_root() => line.push(helper),
        None => {
            line.push("git credential-");
            line.push(helper);
        }
    }
    line.push(" ");
    line.push(word);
    Some(line)
}

/// A helper that is a line for the shell, without the mark that says so.
#[cfg(unix)]
fn without_mark(helper: &OsStr) -> Option<&OsStr> {
    use std::os::unix::ffi::OsStrExt;
    let bytes = helper.as_bytes().strip_prefix(b"!")?;
    Some(OsStr::from_bytes(bytes))
}

/// A helper that is a line for the shell, without the mark that says so. Configuration is UTF-8 there.
#[cfg(not(unix))]
fn without_mark(helper: &OsStr) -> Option<&OsStr> {
    helper.to_str()?.strip_prefix('!').map(OsStr::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_helper_is_run_as_git_runs_it() {
        for (helper, line) in [
            ("store", "git credential-store get"),
            ("cache --timeout 9", "git credential-cache --timeout 9 get"),
            ("/usr/bin/x --y", "/usr/bin/x --y get"),
            ("!f() { cat; }; f", "f() { cat; }; f get"),
        ] {
            let made = command_line(OsStr::new(helper), OsStr::new("get"));
            assert_eq!(made.as_deref(), Some(OsStr::new(line)));
        }
        for odd in ["", "a b", "get;x", "$(x)"] {
            assert_eq!(command_line(OsStr::new("store"), OsStr::new(odd)), None);
        }
    }
}
