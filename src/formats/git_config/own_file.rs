//! The file that ghtok writes for git and has git include: which helpers git asks about each host.

use memchr::memmem;

use super::listing::{CredentialSetting, Setting};
use super::pattern::PatternMatch;
use super::syntax::{header, value};

/// With this a file of ghtok's begins.
const MARK: &str = "# Written by: ghtok setup git";
const HEAD: &str = "# Written by: ghtok setup git (which replaces what is here). Remove it with: ghtok setup git --undo\n# (without ghtok: delete this file, then git asks the helpers that it asked before)\n";
const WAS_NEW: &str = "# The file that includes this one did not exist before.\n";
const LINE_ENDS: &str = "# Line ends added before the include: ";
const FOLDERS: &str = "# Folders created for this file: ";
const DIGEST: &str = "# SHA-256 of that file before: ";

/// How ghtok is called by git.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GhtokCommand {
    /// Its program, by a path.
    pub(crate) program: Vec<u8>,
    /// The folder of config.toml, where git would not find it by itself.
    pub(crate) config_dir: Option<Vec<u8>>,
}

impl GhtokCommand {
    /// A helper's line: git hands it to a shell, so a path with spaces in it is quoted for one.
    pub(crate) fn helper(&self, arguments: &[String]) -> Vec<u8> {
        let quoted = shell_word(&self.program);
        let mut line = Vec::new();
        if quoted != self.program {
            line.push(b'!');
        }
        line.extend(quoted);
        line.extend(b" git-credential");
        if let Some(folder) = &self.config_dir {
            line.extend(b" --config-dir ");
            line.extend(shell_word(folder));
        }
        for argument in arguments {
            line.push(b' ');
            line.extend(shell_word(argument.as_bytes()));
        }
        line
    }

    /// The line by which another helper is asked after ghtok.
    pub(super) fn via(&self, helper: &[u8], keeps_path: bool) -> Vec<u8> {
        let mut line = self.helper(&[]);
        if keeps_path {
            line.extend(b" --keep-path");
        }
        line.extend(VIA);
        line.extend(quoted(helper));
        line
    }
}

/// A word as a POSIX shell reads it back, quoted only where that is needed.
fn shell_word(bytes: &[u8]) -> Vec<u8> {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-+=:,./@%".contains(byte);
    if !bytes.is_empty() && bytes.iter().all(is_plain) {
        bytes.to_vec()
    } else {
        quoted(bytes)
    }
}

fn quoted(bytes: &[u8]) -> Vec<u8> {
    let mut word = vec![b'\''];
    for byte in bytes {
        match byte {
            b'\'' => word.extend(b"'\\''"),
            byte => word.push(*byte),
        }
    }
    word.push(b'\'');
    word
}

/// What git is told about one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostSection {
    /// The host's address.
    pub(crate) url: String,
    /// ghtok's own line, as [`GhtokCommand::helper`] makes it.
    pub(crate) helper: Vec<u8>,
    /// Who else is asked, in their order.
    pub(crate) others: Vec<Other>,
    /// Whether git uses this address in place of SSH's.
    pub(crate) replaces_ssh: bool,
}

/// What follows ghtok's own line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Other {
    /// The section's pattern, where it is for some of the host's requests only.
    pattern: Option<Vec<u8>>,
    line: HelperLine,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum HelperLine {
    /// The list is reset.
    Reset,
    /// ghtok itself: first again after a reset, or in a way that somebody chose.
    Own(Vec<u8>),
    Via(Vec<u8>),
}

/// Who is asked after ghtok about a host: the helpers that git asked before, each where it was.
pub(crate) fn others(
    url: &str,
    before: &[CredentialSetting],
    caller: &GhtokCommand,
    own: &[u8],
) -> Vec<Other> {
    let mut others: Vec<Other> = Vec::new();
    for entry in before {
        let Setting::Helper(helper) = &entry.setting else {
            continue;
        };
        let pattern = match entry.matches(url) {
            PatternMatch::Nothing => continue,
            PatternMatch::Partial => entry.pattern.clone(),
            PatternMatch::Whole => None,
        };
        match (helper.is_empty(), is_ghtok(helper), &pattern) {
            (true, _, None) => others.clear(),
            (true, _, Some(_)) => {
                for line in [HelperLine::Reset, HelperLine::Own(own.to_vec())] {
                    let pattern = pattern.clone();
                    others.push(Other { pattern, line });
                }
            }
            (false, true, None) => {}
            (false, true, Some(_)) => {
                // What somebody chose takes the place of what followed their reset.
                let is_first = |other: &Other| {
                    other.pattern == pattern && other.line == HelperLine::Own(own.to_vec())
                };
                if others.last().is_some_and(is_first) {
                    others.pop();
                }
                let line = HelperLine::Own(helper.clone());
                others.push(Other { pattern, line });
            }
            (false, false, _) => {
                let line = HelperLine::Via(caller.via(helper, sends_path(url, entry, before)));
                others.push(Other { pattern, line });
            }
        }
    }
    others
}

/// True if this helper was told the repository's path: by the last setting that holds for its requests.
fn sends_path(url: &str, helper: &CredentialSetting, before: &[CredentialSetting]) -> bool {
    let holds = |entry: &&CredentialSetting| match entry.matches(url) {
        PatternMatch::Nothing => false,
        PatternMatch::Partial => entry.pattern == helper.pattern,
        PatternMatch::Whole => true,
    };
    let settings = before.iter().filter(holds);
    let mut paths = settings.filter_map(|entry| match entry.setting {
        Setting::UseHttpPath(sends) => Some(sends),
        Setting::Helper(_) => None,
    });
    paths.next_back().unwrap_or(false)
}

/// True for a helper that is ghtok itself: `ghtok`, or a command that ends in `ghtok git-credential`.
pub(crate) fn is_ghtok(helper: &[u8]) -> bool {
    let text = String::from_utf8_lossy(helper);
    let is_program = |word: &str| {
        let word = word.trim_matches(['\'', '"', '!']);
        let name = word.rsplit(['/', '\\']).next().unwrap_or_default();
        name == "ghtok" || name == "ghtok.exe" || name == "git-credential-ghtok"
    };
    if text == "ghtok" || text.starts_with("ghtok ") {
        return true;
    }
    match text.split_once(" git-credential") {
        Some((program, rest)) if rest.is_empty() || rest.starts_with(' ') => is_program(program),
        _ => text
            .split(' ')
            .next()
            .is_some_and(|word| word.ends_with("git-credential-ghtok") && is_program(word)),
    }
}

/// The helper that a line of ghtok's passes questions on to, as [`others`] made it; `None` for any other.
pub(crate) fn passed_on_to(helper: &[u8]) -> Option<Vec<u8>> {
    if !is_ghtok(helper) {
        return None;
    }
    let at = memmem::find(helper, VIA)?;
    let word = &helper[at + VIA.len()..];
    let word = word.strip_prefix(b"'").unwrap_or(word);
    let word = word.strip_suffix(b"'").unwrap_or(word);
    let text = String::from_utf8_lossy(word).replace("'\\''", "'");
    Some(text.into_bytes())
}

const VIA: &[u8] = b" --via ";

/// The sections, as they would stand in any file of git.
pub(crate) fn sections(hosts: &[HostSection]) -> Vec<u8> {
    let mut text = Vec::new();
    for host in hosts {
        push_header(&mut text, host.url.as_bytes());
        push(&mut text, b"helper", b"");
        push(&mut text, b"helper", &host.helper);
        // Those of the same section that come first; the rest follows in sections of its own.
        let first = host.others.iter().position(|other| other.pattern.is_some());
        let (same, rest) = host.others.split_at(first.unwrap_or(host.others.len()));
        for other in same {
            push_other(&mut text, other);
        }
        push(&mut text, b"useHttpPath", b"true");
        let mut open = None;
        for other in rest {
            if open != Some(&other.pattern) {
                let pattern = other.pattern.as_deref();
                push_header(&mut text, pattern.unwrap_or(host.url.as_bytes()));
                open = Some(&other.pattern);
            }
            push_other(&mut text, other);
        }
    }
    for host in hosts.iter().filter(|host| host.replaces_ssh) {
        push_ssh(&mut text, &host.url);
    }
    text
}

/// SSH has a port of its own.
fn push_ssh(text: &mut Vec<u8>, url: &str) {
    let place = url.split_once("://").map_or(url, |(_, place)| place);
    let name = match place.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => place,
    };
    text.extend(header("url", format!("{url}/").as_bytes()));
    text.push(b'\n');
    push(text, INSTEAD_OF, format!("git@{name}:").as_bytes());
    push(text, INSTEAD_OF, format!("ssh://git@{name}/").as_bytes());
}

const INSTEAD_OF: &[u8] = b"insteadOf";

/// True if a file of ghtok's replaces addresses of SSH.
pub(crate) fn replaces_ssh(own: &[u8]) -> bool {
    own.starts_with(MARK.as_bytes()) && memmem::find(own, INSTEAD_OF).is_some()
}

fn push_other(text: &mut Vec<u8>, other: &Other) {
    match &other.line {
        HelperLine::Reset => push(text, b"helper", b""),
        HelperLine::Own(helper) | HelperLine::Via(helper) => push(text, b"helper", helper),
    }
}

fn push_header(text: &mut Vec<u8>, pattern: &[u8]) {
    text.extend(header("credential", pattern));
    text.push(b'\n');
}

fn push(text: &mut Vec<u8>, key: &[u8], content: &[u8]) {
    text.push(b'\t');
    text.extend(key);
    text.extend(b" =");
    if !content.is_empty() {
        text.push(b' ');
        text.extend(value(content));
    }
    text.push(b'\n');
}

/// What the file that includes ours was before, so that it can be the same again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Before {
    /// Whether there was none.
    pub(crate) was_new: bool,
    /// How many line ends were added at its end.
    pub(crate) line_ends: usize,
    /// The digest of its bytes, where they are known.
    pub(crate) digest: Option<String>,
    /// How many folders had to be created for our file.
    pub(crate) folders: usize,
}

pub(crate) fn own_file(sections: &[u8], before: &Before) -> Vec<u8> {
    let mut text = HEAD.as_bytes().to_vec();
    if before.was_new {
        text.extend(WAS_NEW.as_bytes());
    }
    if before.line_ends > 0 {
        text.extend(format!("{LINE_ENDS}{}\n", before.line_ends).as_bytes());
    }
    if before.folders > 0 {
        text.extend(format!("{FOLDERS}{}\n", before.folders).as_bytes());
    }
    if let Some(digest) = &before.digest {
        text.extend(format!("{DIGEST}{digest}\n").as_bytes());
    }
    text.extend(sections);
    text
}

/// What a file of ghtok's says of the one that includes it; `None` if it is not ghtok's.
pub(crate) fn before(own: &[u8]) -> Option<Before> {
    if !own.starts_with(MARK.as_bytes()) {
        return None;
    }
    let text = String::from_utf8_lossy(own);
    let count = |name: &str| {
        let count = text.lines().find_map(|line| line.strip_prefix(name));
        count.and_then(|count| count.parse().ok()).unwrap_or(0)
    };
    Some(Before {
        was_new: text.lines().any(|line| line == WAS_NEW.trim_end()),
        line_ends: count(LINE_ENDS),
        folders: count(FOLDERS),
        digest: text
            .lines()
            .find_map(|line| line.strip_prefix(DIGEST))
            .map(str::to_owned),
    })
}

#[cfg(test)]
mod tests;
