//! An error of the ghtok on the host, as its JSON says it. Nothing of it reaches a terminal as it came.

use serde::Deserialize;

use super::exchange::HostAnswer;
use crate::error::{Error, HostError, SandboxProblem};
use crate::formats::plain_text::one_line;

/// Longer texts are cut, in characters.
const LONGEST_MESSAGE: usize = 2000;
const LONGEST_LINE: usize = 500;
const MOST_LINES: usize = 20;
const LONGEST_CODE: usize = 64;

const SERVICE_UNAVAILABLE: u16 = 503;

#[derive(Deserialize)]
struct ErrorDocument {
    error: ErrorDetails,
}

#[derive(Deserialize)]
struct ErrorDetails {
    code: String,
    message: String,
    hint: Option<String>,
    exit_code: u8,
}

/// Whether the host turned the request away because it has too many; it then says no more than that.
pub(super) fn is_busy(answer: &HostAnswer) -> bool {
    answer.status == SERVICE_UNAVAILABLE
        && serde_json::from_slice::<ErrorDocument>(&answer.body).is_err()
}

/// The error of an answer that is no success.
pub(super) fn host_error(answer: &HostAnswer) -> Error {
    let refused = match serde_json::from_slice::<ErrorDocument>(&answer.body) {
        Ok(ErrorDocument { error }) => checked(&error),
        Err(_) => HostError {
            code: "sandbox_refused".into(),
            message: format!("the host refused the request (HTTP {})", answer.status),
            hint: None,
            exit_code: 1,
        },
    };
    Error::Sandbox(SandboxProblem::Refused(refused))
}

fn checked(error: &ErrorDetails) -> HostError {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    let code = Some(error.code.as_str())
        .filter(|code| (1..=LONGEST_CODE).contains(&code.len()) && code.bytes().all(fits));
    HostError {
        code: code.unwrap_or("sandbox_refused").to_owned(),
        message: one_line(&error.message, LONGEST_MESSAGE),
        hint: error
            .hint
            .as_deref()
            .map(lines)
            .filter(|hint| !hint.is_empty()),
        exit_code: if (1..=7).contains(&error.exit_code) {
            error.exit_code
        } else {
            1
        },
    }
}

/// The lines of a text. Behind two blanks stands a command.
fn lines(text: &str) -> String {
    let shown = text.lines().take(MOST_LINES).map(|line| {
        let indent = if line.starts_with("  ") { "  " } else { "" };
        format!("{indent}{}", one_line(line, LONGEST_LINE))
    });
    let shown: Vec<String> = shown.collect();
    shown.join("\n").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    fn told(body: &str) -> (String, u8, String, Option<String>) {
        let error = host_error(&HostAnswer {
            status: 409,
            body: Zeroizing::new(body.as_bytes().to_vec()),
        });
        (
            error.code().to_owned(),
            error.exit_code(),
            error.to_string(),
            error.hint(),
        )
    }

    #[test]
    fn p11_what_the_host_says_drives_no_terminal_and_has_an_end() {
        let message = format!("a\u{1b}[2J\nb{}", "x".repeat(9000));
        let hint = "sign in with:\n  ghtok login\u{202e}\r\n";
        let body = serde_json::json!({"error": {
            "code": "Bad\n", "message": message, "hint": hint, "exit_code": 77,
        }});
        let (code, exit_code, message, hint) = told(&body.to_string());
        assert_eq!((code.as_str(), exit_code), ("sandbox_refused", 1));
        assert!(message.starts_with("a [2J bx"), "{message}");
        assert_eq!(message.chars().count(), LONGEST_MESSAGE);
        assert_eq!(
            hint.as_deref(),
            Some("on the host: sign in with:\n  ghtok login")
        );
    }

    #[test]
    fn an_error_keeps_its_code_and_exit_code() {
        let (code, exit_code, message, hint) = told(
            r#"{"schema_version":1,"error":{"code":"signed_out","message":"main: signed out","hint":null,"exit_code":4}}"#,
        );
        assert_eq!((code.as_str(), exit_code), ("signed_out", 4));
        assert_eq!(message, "main: signed out");
        assert!(hint.expect("a hint").contains("on the host"));
        for body in [
            "",
            "<html>",
            "{}",
            "{\"error\":{}}",
            "{\"error\":{\"exit_code\":-1}}",
        ] {
            assert_eq!(
                told(body).2,
                "the host refused the request (HTTP 409)",
                "{body}"
            );
        }
    }
}
