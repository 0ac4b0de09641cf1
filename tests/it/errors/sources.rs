//! The texts in the sources themselves: whoever writes a new one has to put it on the page.

use std::fs;
use std::path::Path;

use super::whole_page;

/// Where errors get their words.
const SOURCES: &[&str] = &[
    "app.rs",
    "auth/broker.rs",
    "auth/device_flow.rs",
    "bus.rs",
    "bus/address.rs",
    "bus/connection.rs",
    "commands.rs",
    "commands/exec.rs",
    "commands/separator.rs",
    "commands/logout.rs",
    "commands/schedule.rs",
    "commands/schedule/install.rs",
    "commands/setup/git.rs",
    "commands/setup/git/changes.rs",
    "commands/setup/git/undo.rs",
    "commands/setup/git/warnings.rs",
    "commands/setup/git/write.rs",
    "commands/setup/mcp.rs",
    "commands/sign_in.rs",
    "config.rs",
    "config/choice.rs",
    "config/edit.rs",
    "config/toml_document.rs",
    "config/environment.rs",
    "config/file.rs",
    "config/network.rs",
    "config/settings.rs",
    "error.rs",
    "error/hint.rs",
    "error/sign_in.rs",
    "error/tokens.rs",
    "formats/durations.rs",
    "github/connection.rs",
    "github/error_code.rs",
    "github/http_error.rs",
    "github/http_error/from_ureq.rs",
    "github/network.rs",
    "github/proxy.rs",
    "github/response.rs",
    "host.rs",
    "host/token_env.rs",
    "host/variables.rs",
    "lib.rs",
    "private_file.rs",
    "schedule/cron.rs",
    "schedule/installer.rs",
    "schedule/systemd.rs",
    "store/apple.rs",
    "store/file.rs",
    "store/kernel.rs",
    "store/keyring.rs",
    "store/lock.rs",
    "store/state_file.rs",
    "store/state_file/unix.rs",
    "store/record.rs",
    "store/rescue.rs",
    "store/secret_service.rs",
    "store/secret_service/finding.rs",
    "store/secret_service/prompt.rs",
    "store/timer_notes.rs",
    "store/windows.rs",
    "store_choice.rs",
    "system/git_file.rs",
    "system/git_program.rs",
    "system/process/run.rs",
];

/// What stands before a text that is no error's: notes, questions, log records, reasons for the compiler.
const NOT_OF_ERRORS: &[&str] = &[
    "note(",
    "note(&",
    "say(",
    "say(&",
    "ask(",
    "info!(",
    "debug!(",
    "expect(",
    "reason = ",
    "before_help = ",
    "after_help = ",
];

/// Texts of these sources that are shown elsewhere, or never.
const ELSEWHERE: &[&str] = &[
    // Log records.
    "use the stored token",
    "a sign-in is needed",
    // A library's words.
    "No CA certificates were loaded",
    "no expiry",
    ", a refresh has begun",
    ", reported as rejected",
    // Notes.
    "get: replaced or removed in this shell",
    "exec: replaced or removed for this command",
    "mcp: replaced or removed for this server",
    "sandbox: replaced or removed for this command",
    // A shell shows it where `get` failed.
    "ghtok: there is no token",
    "signed out; the tokens were deleted here",
    "signed out; GitHub revoked the tokens and sends their owner an e-mail",
    "signed out; there was no token to revoke at GitHub",
    "not signed in; nothing was stored",
    "resets the list of helpers: where it applies, git does not ask ghtok about",
    "names helpers and is included with includeIf: git asks them about ghtok's hosts only if that section is after ghtok's",
    "removed ghtok's lines from",
    ", which setup git had created: all is as it was",
    ", which is as it was",
    "the helper \"",
    ") comes after ghtok: git before 2.46 gives it the token for",
    "\" may still have an old token; remove it with: echo url=",
    "| git credential-",
    "already installed",
    "this ghtok is in a temporary folder, which may be emptied",
    "this ghtok is in a folder for one version, which an upgrade may remove",
    "the timer runs while you are logged in; on a server that you seldom log in to: loginctl enable-linger",
    // Lines for a configuration that cannot be written.
    "# at the top",
    // What `schedule status` says of a timer.
    "the crontab has no ghtok lines",
    "ghtok's lines in the crontab were changed",
    "the timer is not enabled",
    "the timer is not active",
    // A person who signs in reads them.
    "later commands will not find it without the same --store",
    "the program in",
    "was not found",
    "no browser was found",
    "no browser is opened",
    // The parser shows them.
    "auto, keychain, kernel or file",
    "the name of a variable is letters, digits and underscores",
    "the App's name",
    // Where the system gives no random numbers, TLS ends before.
    "the system gives no random numbers",
    // A person reads it in the client's dialog.
    "cannot use the state folder:",
    // Other programs' words, by which they are understood.
    "can't open '",
    "No such file or directory",
    "no crontab for",
    ", expected literal string",
    "duplicate key",
    "(os error",
    "invalid peer certificate:",
    "certificate expired",
    "certificate not valid yet",
    "proxy server responded",
    "Not Found",
    // What `setup git` tells when it is done.
    "git does not read it, because GIT_CONFIG_GLOBAL is empty or /dev/null",
    "1 line that is not ghtok's",
    "lines that are not ghtok's",
];

#[test]
fn every_text_of_the_sources_is_on_the_page() {
    let page = squeezed(&whole_page().text());
    let mut missing = Vec::new();
    let mut seen = 0;
    for file in SOURCES {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(file);
        let source = fs::read_to_string(&path).expect(file);
        for text in texts(&code_of(&source)) {
            for part in parts(&text) {
                seen += 1;
                if !page.contains(&part) && !ELSEWHERE.contains(&part.as_str()) {
                    missing.push(format!("{file}: {part}"));
                }
            }
        }
    }
    assert!(seen > 150, "only {seen} texts were found");
    assert!(missing.is_empty(), "not on the page: {missing:#?}");
}

/// Without tests, comments, and attributes other than the texts of errors.
fn code_of(source: &str) -> String {
    let code = source.split("#[cfg(test)]\nmod tests").next();
    let code = code.and_then(|code| code.split("#[cfg(all(test").next());
    let lines = code.unwrap_or_default().lines();
    lines
        .filter(|line| !line.trim_start().starts_with("//"))
        .map(|line| format!("{}\n", line.trim_start()))
        .collect()
}

/// The string literals that an error may show.
fn texts(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = code;
    let mut before = String::new();
    while let Some(at) = rest.find('"') {
        before.push_str(&rest[..at]);
        let is_char = before.ends_with('\'') || before.ends_with("b\\");
        let (text, after) = literal(&rest[at + 1..]);
        if is_char {
            rest = &rest[at + 1..];
            continue;
        }
        if !is_of_another_kind(&before) {
            found.push(text);
        }
        before.clear();
        rest = after;
    }
    found
}

fn is_of_another_kind(before: &str) -> bool {
    let before = squeezed(before).replace("( ", "(");
    let before = before.trim_end_matches("format!(");
    NOT_OF_ERRORS
        .iter()
        .any(|opener| before.ends_with(opener) || before.ends_with(opener.trim_end()))
}

/// A literal without its quotes and escapes, and what follows it.
fn literal(code: &str) -> (String, &str) {
    let mut text = String::new();
    let mut chars = code.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (text, &code[at + 1..]),
            '\\' => match chars.next() {
                // Such a line goes on in the next.
                Some((_, '\n')) => {}
                Some((_, 'n')) => text.push(' '),
                Some((_, other)) => text.push(other),
                None => break,
            },
            other => text.push(other),
        }
    }
    (text, "")
}

/// What stands between the placeholders of a text, as far as it is words.
fn parts(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut depth = 0;
    for c in text.chars() {
        match c {
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                parts.push(String::new());
            }
            c if depth == 0 => parts.last_mut().expect("one").push(c),
            _ => {}
        }
    }
    let words = |part: &String| {
        let mut words = part
            .split(' ')
            .filter(|word| word.chars().filter(char::is_ascii_lowercase).count() > 1);
        words.nth(1).is_some()
    };
    let trimmed = parts.iter().map(|part| squeezed(part).trim().to_owned());
    trimmed.filter(|part| words(part)).collect()
}

fn squeezed(text: &str) -> String {
    let mut line = String::new();
    for c in text.chars() {
        let c = if c.is_whitespace() { ' ' } else { c };
        if c != ' ' || !line.ends_with(' ') {
            line.push(c);
        }
    }
    line
}

#[test]
fn texts_are_found_in_code() {
    let code = code_of(
        "// \"a comment here\"\nError::X(format!(\n  \"no {x} was \\\"found\\\" in {}\", y));\n\
         terminal.note(&format!(\"a note of it\"));\n'\"'; \"two words\"\n\
         #[cfg(test)]\nmod tests { \"in a test\" }",
    );
    let parts: Vec<String> = texts(&code).iter().flat_map(|text| parts(text)).collect();
    assert_eq!(parts, ["was \"found\" in", "two words"]);
}
