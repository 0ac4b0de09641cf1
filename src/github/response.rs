//! One HTTP answer, as far as it came, and what it amounts to when it says nothing of OAuth.
//! Judged by its body before its status: GitHub sends errors as 200, some as 400 or 404.

mod fields;
mod retry_after;

use std::io::Read;

use serde::de::DeserializeOwned;
use ureq::Body;
use ureq::http::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION, TRANSFER_ENCODING};
use ureq::http::{HeaderMap, Response, Uri};
use zeroize::Zeroizing;

use crate::limits::Limits;
use crate::token::Timestamp;

pub(super) use self::fields::Fields;
use self::fields::without_mark;
use self::retry_after::{date, is_out_of_budget, retry_after};
use super::{ErrorCode, HttpError, RequestFailure, server_text};

/// The most bytes of a body; GitHub's longest answers here have a few thousand.
pub(super) const LARGEST_BODY: usize = 64 * 1024;

/// One answer. It may hold tokens, so it has no `Debug`.
pub(super) struct HttpResponse {
    status: u16,
    headers: HeaderMap,
    body: Zeroizing<Vec<u8>>,
    ending: BodyEnd,
    host: String,
}

/// How a body came to its end.
enum BodyEnd {
    /// Where its head said.
    Complete,
    /// Where the connection closed: it may have been cut, and nobody can tell.
    Closed,
    /// At the longest that is read.
    TooLong,
    /// Before its end.
    Broken(HttpError),
}

impl HttpResponse {
    /// What can be told of it: no word of its own.
    pub(super) fn summary(&self) -> String {
        format!("{}, {} bytes", self.status, self.body.len())
    }

    /// Reads the body to its end or to what can be had of it.
    pub(super) fn read(response: Response<Body>, host: &str, largest: usize) -> Self {
        let (head, body) = response.into_parts();
        let delimited = head.headers.contains_key(CONTENT_LENGTH)
            || head.headers.contains_key(TRANSFER_ENCODING);
        let mut answer = Self {
            status: head.status.as_u16(),
            headers: head.headers,
            body: Zeroizing::new(Vec::new()),
            ending: if delimited {
                BodyEnd::Complete
            } else {
                BodyEnd::Closed
            },
            host: host.to_owned(),
        };
        if !head.status.is_redirection() {
            answer.read_body(body, largest);
        }
        answer
    }

    fn read_body(&mut self, body: Body, largest: usize) {
        // Room for all of it at once: a buffer that grows leaves copies of tokens behind.
        self.body.reserve_exact(largest + 1);
        let mut reader = body.into_reader().take(largest as u64 + 1);
        if let Err(error) = reader.read_to_end(&mut self.body) {
            self.ending = BodyEnd::Broken(HttpError::of_exchange(
                &ureq::Error::from(error),
                &self.host,
            ));
        } else if self.body.len() > largest {
            self.ending = BodyEnd::TooLong;
        }
    }

    /// The HTTP status.
    pub(super) fn status(&self) -> u16 {
        self.status
    }

    /// When it was made, by the server's clock.
    pub(super) fn date(&self) -> Option<Timestamp> {
        date(&self.headers).map(Timestamp)
    }

    /// True for the statuses 200 to 299.
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The fields of an answer that came whole and is JSON or a form.
    pub(super) fn fields(&self) -> Option<Fields> {
        match self.ending {
            BodyEnd::Complete | BodyEnd::Closed if self.first_byte() == Some(b'{') => {
                Fields::from_json(&self.body)
            }
            // The end of a form that stops with the connection may be missing: half a token.
            BodyEnd::Complete if !self.is_html() => Fields::from_form(&self.body),
            BodyEnd::Complete | BodyEnd::Closed | BodyEnd::TooLong | BodyEnd::Broken(_) => None,
        }
    }

    /// An answer that came whole and is JSON of this form.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Option<T> {
        match self.ending {
            BodyEnd::Complete | BodyEnd::Closed => {
                serde_json::from_slice(without_mark(&self.body)).ok()
            }
            BodyEnd::TooLong | BodyEnd::Broken(_) => None,
        }
    }

    /// What can be read of these fields where [`Self::fields`] has none: they stand in JSON that
    /// came whole but is odd elsewhere, or in a whole JSON object after which the HTTP broke off.
    pub(super) fn salvaged(&self, names: &[&str]) -> Fields {
        match self.ending {
            _ if self.first_byte() != Some(b'{') => Fields::default(),
            BodyEnd::Complete => Fields::salvaged(&self.body, names),
            BodyEnd::Broken(_) => Fields::from_json(&self.body).unwrap_or_default(),
            BodyEnd::Closed | BodyEnd::TooLong => Fields::default(),
        }
    }

    /// What an answer amounts to that was no good answer: an OAuth error, or the HTTP alone.
    pub(super) fn oauth_failure(self, limits: &Limits) -> RequestFailure {
        let error = self
            .fields()
            .and_then(|fields| fields.text("error").map(ErrorCode::parse));
        match error {
            Some(ErrorCode::Unknown(code)) if self.is_transient(&code) => {
                // The code says what it is; the words beside it may say nothing.
                let message = match self.message() {
                    Some(words) => format!("{code}: {words}"),
                    None => code,
                };
                let cause = HttpError::HttpStatus {
                    host: self.host.clone(),
                    status: self.status,
                    message: Some(message),
                };
                self.answered(cause, limits)
            }
            Some(ErrorCode::Unknown(_)) | None if self.is_not_found() => RequestFailure::Refused {
                code: ErrorCode::NotFound,
            },
            Some(code) => RequestFailure::Refused { code },
            None => self.failure(limits),
        }
    }

    /// What the HTTP alone amounts to.
    pub(super) fn failure(self, limits: &Limits) -> RequestFailure {
        let malformed = HttpError::Malformed {
            host: self.host.clone(),
            problem: "is not a valid answer to this request",
        };
        let cause = match &self.ending {
            BodyEnd::Broken(cause) => return RequestFailure::Unknown(cause.clone()),
            _ if self.is_redirect() => HttpError::Redirect {
                host: self.host.clone(),
                to: self.redirect_host(),
            },
            _ if self.is_html() => HttpError::Html {
                host: self.host.clone(),
                status: self.status,
            },
            BodyEnd::TooLong if self.is_success() => {
                return RequestFailure::Unknown(HttpError::TooLarge { host: self.host });
            }
            _ if self.status >= 300 => HttpError::HttpStatus {
                host: self.host.clone(),
                status: self.status,
                message: self.message(),
            },
            BodyEnd::Complete | BodyEnd::Closed | BodyEnd::TooLong => {
                return RequestFailure::Unknown(malformed);
            }
        };
        self.answered(cause, limits)
    }

    fn answered(&self, cause: HttpError, limits: &Limits) -> RequestFailure {
        let limited = self.is_rate_limited();
        let cause = if limited {
            HttpError::RateLimited {
                host: self.host.clone(),
                message: self.message(),
            }
        } else {
            cause
        };
        let retry_after = retry_after(&self.headers, limits.retry_after);
        RequestFailure::Answered {
            status: self.status,
            cause,
            retry_after,
        }
    }

    /// True if the server itself says that there is nothing at this address.
    fn is_not_found(&self) -> bool {
        self.status == 404
            && matches!(self.ending, BodyEnd::Complete | BodyEnd::Closed)
            && !self.is_html()
    }

    /// True for error codes that name a passing state, and for unknown ones beside an HTTP status
    /// that does (RFC 6749 section 4.1.2.1; RFC 8628 section 3.5).
    fn is_transient(&self, code: &str) -> bool {
        matches!(
            code,
            "slow_down" | "temporarily_unavailable" | "server_error"
        ) || self.status >= 500
            || self.is_rate_limited()
    }

    fn is_redirect(&self) -> bool {
        (300..400).contains(&self.status) && self.headers.contains_key(LOCATION)
    }

    pub(super) fn is_rate_limited(&self) -> bool {
        self.status == 429
            || (self.status == 403
                && (is_out_of_budget(&self.headers) || self.headers.contains_key("retry-after")))
    }

    /// True for a page made for people.
    pub(super) fn is_html(&self) -> bool {
        let html = self.headers.get(CONTENT_TYPE).is_some_and(|kind| {
            kind.as_bytes()
                .to_ascii_lowercase()
                .trim_ascii_start()
                .starts_with(b"text/html")
        });
        match self.first_byte() {
            Some(b'<') => true,
            Some(b'{' | b'[') => false,
            Some(_) | None => html,
        }
    }

    /// The first byte that is neither a byte order mark nor white space.
    fn first_byte(&self) -> Option<u8> {
        let body = without_mark(&self.body);
        body.trim_ascii_start().first().copied()
    }

    fn message(&self) -> Option<String> {
        let fields = self.fields()?;
        let text = fields
            .text("message")
            .or_else(|| fields.text("error_description"))?;
        Some(server_text::shown(text)).filter(|text| !text.is_empty())
    }

    fn redirect_host(&self) -> Option<String> {
        let location: Uri = self.headers.get(LOCATION)?.to_str().ok()?.parse().ok()?;
        Some(server_text::shown(location.host().unwrap_or(&self.host)))
    }
}

#[cfg(any(test, fuzzing))]
impl HttpResponse {
    /// An answer that came whole.
    pub(super) fn whole(status: u16, content_type: &'static str, body: impl AsRef<[u8]>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(
            CONTENT_TYPE,
            ureq::http::HeaderValue::from_static(content_type),
        );
        Self {
            status,
            headers,
            body: Zeroizing::new(body.as_ref().to_vec()),
            ending: BodyEnd::Complete,
            host: "ghes.example".into(),
        }
    }
}

#[cfg(test)]
impl HttpResponse {
    /// An answer of which only this much came.
    pub(super) fn cut(body: &str) -> Self {
        let broken = BodyEnd::Broken(HttpError::CutOff {
            host: "ghes.example".into(),
        });
        Self {
            ending: broken,
            ..Self::whole(200, "application/json", body)
        }
    }

    /// An answer that ended with the connection.
    pub(super) fn closed(body: &str) -> Self {
        Self {
            ending: BodyEnd::Closed,
            ..Self::whole(200, "application/json", body)
        }
    }
}
