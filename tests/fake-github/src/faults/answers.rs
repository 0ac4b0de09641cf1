//! Failing answers that owe nothing to the true one.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::{RateHeaders, RetryAfter, WrongType};
use crate::chance;
use crate::http::date::http_date;
use crate::http::{Answer, Format};

pub(super) const SIGN_IN_PAGE: &str = "<!DOCTYPE html>\n<html lang=\"en\"><head><title>Sign in to the \
network</title></head><body><h1>Welcome</h1><form method=\"post\" action=\"/accept\"><button>\
Connect</button></form></body></html>\n";

pub(super) fn failing_status(status: u16) -> Answer {
    let page = format!(
        "<!DOCTYPE html>\n<html><head><title>Unicorn! &middot; GitHub</title></head><body>\
         <h1>{status}</h1><p>Something went wrong. Please try again later.</p></body></html>\n"
    );
    let documentation = "https://docs.github.com/rest";
    match status {
        ..200 | 204 | 304 => Answer::new(status, "", ""),
        407 | 408 | 500.. => Answer::html(status, &page),
        _ => Answer::json(
            status,
            &json!({"message": "This request was refused.",
                "documentation_url": documentation, "status": status.to_string()}),
        ),
    }
}

pub(super) fn wrong_type(kind: WrongType) -> Value {
    match kind {
        WrongType::Array => json!([{"access_token": "ghu_none"}]),
        WrongType::String => json!("access_token"),
        WrongType::Number => json!(28800),
        WrongType::Null => Value::Null,
    }
}

/// Looks like a new pair; the server knows nothing of it.
pub(super) fn decoy() -> Answer {
    let params = vec![
        (
            "access_token",
            json!(format!("ghu_{}", chance::text(chance::ALPHANUMERIC, 36))),
        ),
        ("expires_in", json!(28800)),
        (
            "refresh_token",
            json!(format!("ghr_{}", chance::text(chance::ALPHANUMERIC, 76))),
        ),
        ("refresh_token_expires_in", json!(15_897_600)),
        ("scope", json!("")),
        ("token_type", json!("bearer")),
    ];
    Answer::oauth(200, &params, Format::Json)
}

pub(super) fn rate_limited(
    status: u16,
    retry_after: RetryAfter,
    headers: RateHeaders,
    now: SystemTime,
) -> Answer {
    let (message, page) = match headers {
        RateHeaders::Exhausted => ("API rate limit exceeded for user ID 583231.", "primary"),
        RateHeaders::Absent => ("You have exceeded a secondary rate limit.", "secondary"),
    };
    let url = format!(
        "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-{page}-rate-limits"
    );
    let mut answer = Answer::json(
        status,
        &json!({"message": message, "documentation_url": url}),
    );
    if headers == RateHeaders::Exhausted {
        let reset = now + Duration::from_secs(1800);
        let reset = reset
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        answer = answer
            .with("X-RateLimit-Limit", "5000")
            .with("X-RateLimit-Remaining", "0")
            .with("X-RateLimit-Used", "5000")
            .with("X-RateLimit-Resource", "core")
            .with("X-RateLimit-Reset", reset.as_secs().to_string());
    }
    match retry_after {
        RetryAfter::Absent => answer,
        RetryAfter::Seconds(seconds) => answer.with("Retry-After", seconds.to_string()),
        RetryAfter::HttpDate(ahead) => answer.with("Retry-After", http_date(now + ahead)),
        RetryAfter::Absurd => answer.with("Retry-After", "9".repeat(40)),
    }
}
