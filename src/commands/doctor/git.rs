//! What git does with ghtok's token, and what it takes instead: other helpers before and behind ghtok's
//! lines, and old tokens in git's own files.

use std::path::Path;

use super::finding::{Findings, Level};
use crate::app::App;
use crate::config::{Environment, GitPlaces};
use crate::formats::git_config::{
    AskedHelpers, ConfigLine, CredentialSetting, config_lines, listing,
};
use crate::formats::git_credential::has_password_for;
use crate::formats::plain_text::one_line;
use crate::formats::shell::word;
use crate::host::Host;
use crate::plain_file;
use crate::system::git_program::GitProgram;
use crate::token::has_token_prefix;

const SUBJECT: &str = "git";

/// Puts ghtok first again, and every other helper behind it where it sees no token.
const SETUP: &str = "ghtok setup git --yes";

/// Looks at what git says in the current folder.
pub(super) fn check(environment: &Environment, apps: &[&App], found: &mut Findings) {
    let Some(git) = GitProgram::find(&environment.path_or_usual()) else {
        found.ok(SUBJECT, "git_missing", "git is not in PATH".into());
        return;
    };
    let everywhere = match git.of_everything() {
        Ok(printed) => printed,
        Err(cause) => {
            found
                .add(
                    SUBJECT,
                    "git_config",
                    Level::Problem,
                    format!("git cannot read its configuration: {cause}"),
                )
                .fix("correct the file that git names");
            return;
        }
    };
    let mut urls: Vec<String> = apps.iter().map(|app| app.host.web_url()).collect();
    urls.dedup();
    let has_app = !urls.is_empty();
    if !has_app {
        urls.push(format!("https://{}", Host::DEFAULT));
    }
    // Of the current repository too, unless git refuses to read it.
    let settings = git.of_current_folder().unwrap_or(everywhere);
    check_settings(&settings, &urls, has_app, environment, found);
}

fn check_settings(
    printed: &[u8],
    urls: &[String],
    has_app: bool,
    environment: &Environment,
    found: &mut Findings,
) {
    let before = found.count();
    let settings = listing(printed);
    let lists: Vec<(&String, AskedHelpers<'_>)> = urls
        .iter()
        .map(|url| (url, AskedHelpers::of(url, &settings)))
        .collect();
    let is_set_up = lists
        .iter()
        .any(|(_, asked)| asked.has_ghtok() || asked.reset.is_some());
    for (url, asked) in lists.iter().filter(|_| is_set_up) {
        check_helpers(url, asked, found);
    }
    check_tokens(printed, urls, found);
    if let Ok(places) = environment.git_places() {
        check_plain_text(&places, urls, found);
    }
    if found.count() > before {
        return;
    }
    if is_set_up {
        found.ok(
            SUBJECT,
            "git_asks_ghtok",
            format!("git asks ghtok first about {}", urls.join(", ")),
        );
    } else {
        let message = "git does not ask ghtok".into();
        let finding = found.add(SUBJECT, "git_not_set_up", Level::Ok, message);
        if has_app {
            finding.run("to change that:", "ghtok setup git");
        }
    }
}

fn check_helpers(url: &str, asked: &AskedHelpers<'_>, found: &mut Findings) {
    if let Some(reset) = asked.reset {
        let message = format!(
            "git does not ask ghtok about {url}: {} resets its list of helpers after ghtok's lines",
            place_of(reset)
        );
        fixed(
            reset,
            found.add(SUBJECT, "git_helper_reset", Level::Problem, message),
        );
        return;
    }
    if !asked.has_ghtok() {
        found
            .add(
                SUBJECT,
                "git_host_missing",
                Level::Warning,
                format!("git asks ghtok about other hosts, but not about {url}"),
            )
            .run("add it:", SETUP);
        return;
    }
    for (setting, helper) in asked.before_ghtok() {
        let message = format!(
            "git asks \"{}\" ({}) about {url} before ghtok: its token is used, an old one too",
            name_of(helper),
            place_of(setting)
        );
        fixed(
            setting,
            found.add(SUBJECT, "git_helper_before", Level::Problem, message),
        );
    }
    for (setting, helper) in asked.after_ghtok() {
        let message = format!(
            "\"{}\" ({}) comes after ghtok: git before 2.46 has it store ghtok's token for {url}",
            name_of(helper),
            place_of(setting)
        );
        fixed(
            setting,
            found.add(SUBJECT, "git_helper_after", Level::Warning, message),
        );
    }
    for (_, helper) in asked.helpers.iter().take(1) {
        if let Some(program) = missing_program(helper) {
            found
                .add(
                    SUBJECT,
                    "git_program_missing",
                    Level::Problem,
                    format!("git asks {program} about {url}, which does not exist"),
                )
                .run("write the lines again:", SETUP);
        }
    }
}

/// The fix of a line that git reads at a wrong place.
fn fixed(setting: &CredentialSetting, finding: &mut super::finding::Finding) {
    match setting.scope.as_str() {
        "local" | "worktree" => {
            let key = match &setting.pattern {
                Some(pattern) => format!("credential.{}.helper", String::from_utf8_lossy(pattern)),
                None => "credential.helper".into(),
            };
            let scope = &setting.scope;
            finding.run(
                "remove it from this repository:",
                format!("git config --{scope} --unset-all {}", word(&key)),
            );
        }
        "command" => {
            finding.fix("it comes from GIT_CONFIG_COUNT or git -c: remove it there");
        }
        _ => finding.run("write ghtok's lines again, after it:", SETUP),
    }
}

/// A helper's name, without its arguments: a line of a shell may hold a password.
fn name_of(helper: &[u8]) -> String {
    let text = String::from_utf8_lossy(helper);
    let first = text
        .trim_start_matches('!')
        .split(' ')
        .next()
        .unwrap_or_default();
    let name = first.rsplit(['/', '\\']).next().unwrap_or_default();
    let is_name = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || !name.chars().all(is_name) {
        return "a shell command".into();
    }
    one_line(name, 40)
}

/// The file, or whatever else, in which a setting is.
fn place_of(setting: &CredentialSetting) -> String {
    let origin = String::from_utf8_lossy(&setting.origin);
    one_line(origin.strip_prefix("file:").unwrap_or(&origin), 200)
}

/// The program of a helper's line, if it is an absolute path to nothing.
fn missing_program(helper: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(helper);
    let line = text.trim_start_matches('!');
    let program = match line.strip_prefix('\'') {
        Some(quoted) => quoted.split('\'').next(),
        None => line.split(' ').next(),
    }?;
    let path = Path::new(program);
    (path.is_absolute() && !path.exists()).then(|| one_line(program, 200))
}

/// Tokens and headers that git sends without asking any helper.
fn check_tokens(printed: &[u8], urls: &[String], found: &mut Findings) {
    for line in config_lines(printed) {
        let ConfigLine {
            scope, key, value, ..
        } = line;
        let shown_key = String::from_utf8_lossy(key);
        let text = String::from_utf8_lossy(value.unwrap_or_default());
        let is_header = shown_key.starts_with("http.")
            && shown_key.ends_with(".extraheader")
            && text.to_ascii_lowercase().starts_with("authorization:");
        let for_us = urls.iter().any(|url| shown_key.contains(url.as_str()));
        let place = String::from_utf8_lossy(line.origin);
        let place = one_line(place.strip_prefix("file:").unwrap_or(&place), 200);
        let (what, code) = if is_header && for_us {
            (
                "an Authorization header, which git sends instead of ghtok's token",
                "git_header",
            )
        } else if has_token_prefix(&shown_key) || has_token_prefix(&text) {
            (
                "a token in plain text, which git uses without asking ghtok",
                "git_token",
            )
        } else {
            continue;
        };
        let name = if has_token_prefix(&shown_key) {
            "a key".into()
        } else {
            one_line(&shown_key, 200)
        };
        let finding = found.add(
            SUBJECT,
            code,
            Level::Warning,
            format!("{place}: {name} has {what}"),
        );
        match scope {
            b"local" | b"global" | b"worktree" if code == "git_header" => finding.run(
                "remove it:",
                format!(
                    "git config --{} --unset-all {}",
                    String::from_utf8_lossy(scope),
                    word(&shown_key)
                ),
            ),
            _ => drop(
                finding.fix("take the token out of the address, and delete the token at GitHub"),
            ),
        }
    }
}

/// Passwords that `git credential-store` keeps.
fn check_plain_text(places: &GitPlaces, urls: &[String], found: &mut Findings) {
    for store in &places.plain_stores {
        let text = plain_file::read_small(store).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        for url in urls {
            if has_password_for(url, &text) {
                let host = url.split("://").nth(1).unwrap_or_default();
                found
                    .add(
                        SUBJECT,
                        "git_plain_token",
                        Level::Warning,
                        format!("{} has a token for {host} in plain text", store.display()),
                    )
                    .run(
                        "remove it, and delete the token at GitHub:",
                        format!("echo url={url} | git credential-store erase"),
                    );
            }
        }
    }
}
