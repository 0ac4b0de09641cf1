//! What a public bug report must not show: tokens never, and without `--full` neither logins nor other
//! hosts than github.com nor what is below the home folder.

use std::path::Path;

use super::finding::{Finding, Findings};
use crate::config::Environment;
use crate::host::Host;
use crate::token::TOKEN_KINDS;

/// What takes the place of the rest of a word.
const CUT: char = '…';

/// Shortens texts.
pub(super) struct Privacy {
    is_full: bool,
    /// The home folder, by each name that it has.
    homes: Vec<String>,
    /// Words, and what stands for each.
    words: Vec<(String, String)>,
}

impl Privacy {
    /// Learns what is private from the findings.
    pub(super) fn new(is_full: bool, environment: &Environment, found: &Findings) -> Self {
        let mut homes = Vec::new();
        if let Ok(places) = environment.git_places() {
            let real = std::fs::canonicalize(&places.home).ok();
            for home in [Some(places.home), real].into_iter().flatten() {
                let home = home.to_string_lossy().into_owned();
                if home.len() > 1 && !homes.contains(&home) {
                    homes.push(home);
                }
            }
        }
        let hosts = found.hosts().iter().filter(|host| is_private_host(host));
        let hosts = hosts.map(|host| (host.clone(), shortened_host(host)));
        let logins = found.logins().iter().filter(|login| !login.is_empty());
        let logins = logins.map(|login| (login.clone(), shortened(login)));
        let mut words: Vec<_> = hosts.chain(logins).collect();
        // One may be a part of another.
        words.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
        Self {
            is_full,
            homes,
            words,
        }
    }

    /// The findings as they may be shown.
    pub(super) fn shown(&self, found: Findings) -> Vec<Finding> {
        let mut list = found.into_list();
        for finding in &mut list {
            self.shorten(finding);
        }
        list
    }

    /// Shortens the texts of a finding. A command that would not work then is replaced by the one that
    /// shows it.
    fn shorten(&self, finding: &mut Finding) {
        let Finding {
            app,
            message,
            fix,
            command,
            ..
        } = finding;
        for text in [Some(message), fix.as_mut(), app.as_mut()]
            .into_iter()
            .flatten()
        {
            *text = self.text(text);
        }
        if let Some(line) = command {
            match self.command(line) {
                Some(shown) => *line = shown,
                None => {
                    let words = fix.take().unwrap_or_default();
                    let words = words.trim_end_matches(':');
                    *fix = Some(format!("{words} (the command has private names in it):"));
                    *line = "ghtok doctor --full".into();
                }
            }
        }
    }

    fn text(&self, text: &str) -> String {
        let text = without_tokens(text);
        if self.is_full {
            return text;
        }
        let homes = self.homes.iter();
        let text = homes.fold(text, |text, home| with_short_paths(&text, home));
        self.without_words(text)
    }

    /// The command as it can be shown and run; `None` if it cannot be both.
    fn command(&self, command: &str) -> Option<String> {
        if self.is_full {
            return Some(command.to_owned());
        }
        let homes = self.homes.iter();
        let shown = homes.fold(command.to_owned(), |line, home| {
            line.replace(&format!(" {home}/"), " ~/")
        });
        (self.text(&shown) == shown && !shown.contains(CUT) && !has_plain_folder(&shown))
            .then_some(shown)
    }

    fn without_words(&self, text: String) -> String {
        self.words
            .iter()
            .fold(text, |text, (word, short)| replaced(&text, word, short))
    }
}

fn is_private_host(host: &str) -> bool {
    let is_githubs = host == Host::DEFAULT || host.ends_with(".github.com");
    let is_here = Host::parse(host).is_ok_and(|host| host.is_loopback());
    !host.is_empty() && !is_githubs && !is_here
}

fn shortened_host(host: &str) -> String {
    match host.split_once('.') {
        Some((_, "ghe.com")) => format!("{CUT}.ghe.com"),
        _ => shortened(host),
    }
}

fn shortened(word: &str) -> String {
    word.chars().take(1).chain([CUT]).collect()
}

/// Replaces whole words, in whatever case.
fn replaced(text: &str, word: &str, short: &str) -> String {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    let lower = text.to_ascii_lowercase();
    let word = word.to_ascii_lowercase();
    let mut shown = String::with_capacity(text.len());
    let mut end = 0;
    for (at, _) in lower.match_indices(&word) {
        let after = at + word.len();
        let is_begin = !text[..at].ends_with(is_part) || lower[..at].ends_with("%2f");
        let is_whole = is_begin && !text[after..].starts_with(is_part);
        if at >= end && is_whole {
            shown.push_str(&text[end..at]);
            shown.push_str(short);
            end = after;
        }
    }
    shown.push_str(&text[end..]);
    shown
}

/// Shortens the paths below a home folder: the names of its hidden folders are those of programs and
/// stay, other folders are left out.
fn with_short_paths(text: &str, home: &str) -> String {
    let ends_path = |c: char| c.is_whitespace() || "\"':,;()".contains(c);
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(home) {
        let after = &rest[at + home.len()..];
        let path = &after[..after.find(ends_path).unwrap_or(after.len())];
        shown.push_str(&rest[..at]);
        if path.is_empty() || path.starts_with('/') {
            shown.push_str(&short_path(path));
        } else {
            // Another folder whose name begins like that.
            shown.push_str(home);
            shown.push_str(path);
        }
        rest = &after[path.len()..];
    }
    shown.push_str(rest);
    shown
}

/// A path below the home folder.
fn short_path(below: &str) -> String {
    let parts: Vec<&str> = below.split('/').filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        [first, .., last] if !first.starts_with('.') => format!("~/{CUT}/{last}"),
        _ => format!("~{below}"),
    }
}

/// True if a path below the home folder leads through a folder that is not hidden.
fn has_plain_folder(command: &str) -> bool {
    let mut words = command
        .split(' ')
        .filter_map(|word| word.strip_prefix("~/"));
    words.any(|below| !below.starts_with('.') && Path::new(below).components().count() > 1)
}

/// Tokens have no place in any report. What is shown names kinds of tokens and no token; this is the last
/// guard, for texts of others.
fn without_tokens(text: &str) -> String {
    let is_token = |c: char| c.is_ascii_alphanumeric() || c == '_';
    TOKEN_KINDS
        .iter()
        .fold(text.to_owned(), |text, (start, _)| {
            let mut parts = text.split(start);
            let mut shown = parts.next().unwrap_or_default().to_owned();
            for part in parts {
                let rest = part.trim_start_matches(is_token);
                shown.push_str(start);
                if rest.len() < part.len() {
                    shown.push(CUT);
                }
                shown.push_str(rest);
            }
            shown
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn privacy() -> Privacy {
        let mut found = Findings::default();
        for host in ["github.com", "octo.ghe.com", "ghes.example", "127.0.0.1"] {
            found.keep_host_private(host);
        }
        found.keep_login_private("mona");
        let environment = Environment::from_pairs([("HOME", "/home/mona")]);
        Privacy::new(false, &environment, &found)
    }

    #[test]
    #[cfg(unix)]
    fn logins_hosts_and_paths_are_shortened_and_ours_are_not() {
        for (text, shown) in [
            ("signed in as mona", "signed in as m…"),
            ("Mona's", "m…'s"),
            ("a%2FMona", "a%2Fm…"),
            ("monads and mona-lisa", "monads and mona-lisa"),
            (
                "github.com and gist.github.com",
                "github.com and gist.github.com",
            ),
            (
                "cannot find the host ghes.example",
                "cannot find the host g…",
            ),
            (
                "https://api.octo.ghe.com/user",
                "https://api.….ghe.com/user",
            ),
            ("http://127.0.0.1:80", "http://127.0.0.1:80"),
            (
                "cannot read /home/mona/.config/ghtok/config.toml: no",
                "cannot read ~/.config/ghtok/config.toml: no",
            ),
            ("/home/mona/work/client/.mcp.json:3", "~/…/.mcp.json:3"),
            ("/home/mona2/x and /home/mona", "/home/mona2/x and ~"),
            ("password=ghp_abc123 \"ghu_\"", "password=ghp_… \"ghu_\""),
        ] {
            assert_eq!(privacy().text(text), shown, "{text}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn a_command_is_shown_only_if_it_works_as_shown() {
        for (command, shown) in [
            ("ghtok login work", Some("ghtok login work")),
            (
                "chmod 700 /home/mona/.local/state/ghtok",
                Some("chmod 700 ~/.local/state/ghtok"),
            ),
            ("chmod 700 '/home/mona/.a b'", None),
            ("chmod 700 /home/mona/work/x", None),
            ("ghtok login --client-id x --host ghes.example", None),
        ] {
            assert_eq!(privacy().command(command).as_deref(), shown, "{command}");
        }
    }
}
