//! Assignments of environment variables, as each shell reads them.

use std::ffi::OsStr;

use crate::token::SecretBuffer;

/// A shell's way to set variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::enum_variant_names, reason = "the names of products")]
pub(crate) enum Shell {
    /// sh, bash, zsh (POSIX.1-2017, Shell Command Language 2.2.2).
    Posix,
    Fish,
    PowerShell,
}

impl Shell {
    /// Writes one line that sets an exported variable.
    pub(crate) fn set(self, name: &str, value: &str, out: &mut SecretBuffer) {
        let (before, between) = match self {
            Self::Posix => ("export ", "="),
            Self::Fish => ("set -gx ", " "),
            Self::PowerShell => ("$env:", " = "),
        };
        for part in [before, name, between, "'"] {
            out.push_str(part);
        }
        for part in value.split_inclusive(['\'', '\\']) {
            match part.chars().last().and_then(|last| self.escaped(last)) {
                Some(escaped) => {
                    out.push_str(&part[..part.len() - 1]);
                    out.push_str(escaped);
                }
                None => out.push_str(part),
            }
        }
        out.push_str("'\n");
    }

    /// How a character is written between single quotes, if not as itself.
    fn escaped(self, c: char) -> Option<&'static str> {
        match (self, c) {
            (Self::Posix, '\'') => Some(r"'\''"),
            (Self::Fish, '\'') => Some(r"\'"),
            (Self::Fish, '\\') => Some(r"\\"),
            (Self::PowerShell, '\'') => Some("''"),
            _ => None,
        }
    }

    /// One line that removes a variable.
    pub(crate) fn unset(self, name: &str) -> String {
        match self {
            Self::Posix => format!("unset {name}\n"),
            Self::Fish => format!("set -e {name}\n"),
            Self::PowerShell => {
                format!("Remove-Item Env:{name} -ErrorAction SilentlyContinue\n")
            }
        }
    }

    /// The last line of what is evaluated: it ends with this exit code, and leaves the shell open.
    pub(crate) fn fail(self, message: &str, exit_code: u8) -> String {
        match self {
            Self::Posix => format!("(exit {exit_code})\n"),
            Self::Fish => format!("sh -c 'exit {exit_code}'\n"),
            Self::PowerShell => format!(
                "$global:LASTEXITCODE = {exit_code}\nWrite-Error '{} (exit code {exit_code})'\n",
                message.replace('\'', "''")
            ),
        }
    }
}

/// A word as a POSIX shell reads it back, quoted only where that is needed.
pub(crate) fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-+=:,./@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// Whether a word of a command line is a flag, not a value.
pub(crate) fn is_flag(word: &OsStr) -> bool {
    word.as_encoded_bytes().starts_with(b"-")
}

#[cfg(test)]
mod tests {
    use super::{SecretBuffer, Shell, word};

    #[test]
    fn words_are_quoted_where_a_shell_would_read_more_in_them() {
        assert_eq!(word("/usr/bin/ghtok-1.2"), "/usr/bin/ghtok-1.2");
        for (text, quoted) in [
            ("", "''"),
            ("a b", "'a b'"),
            ("$(x)", "'$(x)'"),
            ("a'b", r"'a'\''b'"),
        ] {
            assert_eq!(word(text), quoted);
        }
    }

    #[test]
    fn quotes_cannot_break_out() {
        let set = |shell: Shell, value| {
            let mut out = SecretBuffer::default();
            shell.set("T", value, &mut out);
            String::from_utf8(out.as_bytes().to_vec()).expect("text")
        };
        assert_eq!(set(Shell::Posix, "a'$(x)"), "export T='a'\\''$(x)'\n");
        assert_eq!(set(Shell::Posix, r"a\b"), "export T='a\\b'\n");
        assert_eq!(set(Shell::Fish, r"a'\b"), "set -gx T 'a\\'\\\\b'\n");
        assert_eq!(set(Shell::PowerShell, r"a'b\"), "$env:T = 'a''b\\'\n");
        assert_eq!(set(Shell::PowerShell, ""), "$env:T = ''\n");
    }
}
