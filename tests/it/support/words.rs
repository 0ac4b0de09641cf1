//! What a command said, made comparable: paths, addresses and times get names.

use fake_github::FakeGitHub;

use super::sandbox::Sandbox;

/// The text with `HOST`, `HOME` and `TIME` in it.
pub fn plain(text: &str, sandbox: &Sandbox, fake: &FakeGitHub) -> String {
    let text = text.replace(&fake.host(), "HOST");
    // In a file's name the port is percent-encoded.
    let text = text.replace(&fake.host().replace(':', "%3A"), "HOST");
    let text = text.replace(&sandbox.home().display().to_string(), "HOME");
    without_times(&text)
}

/// `2026-11-22 13:00 +00:00` becomes `TIME`.
fn without_times(text: &str) -> String {
    const SHAPE: &[u8] = b"dddd-dd-dd dd:dd +dd:dd";
    let is_time = |bytes: &[u8]| {
        let fits = |(byte, shape): (&u8, &u8)| match shape {
            b'd' => byte.is_ascii_digit(),
            other => byte == other,
        };
        bytes.len() == SHAPE.len() && bytes.iter().zip(SHAPE).all(fits)
    };
    let mut found = String::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        match rest.as_bytes().get(..SHAPE.len()) {
            Some(bytes) if is_time(bytes) => {
                found.push_str("TIME");
                rest = &rest[SHAPE.len()..];
            }
            _ => {
                found.push(next);
                rest = &rest[next.len_utf8()..];
            }
        }
    }
    found
}
