//! How long a server asks to be left alone. Pure: a date counts from the answer's own `Date`.

use std::time::Duration;

use time::PrimitiveDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use ureq::http::HeaderMap;

/// RFC 9110 section 5.6.7, the form that servers must send.
const HTTP_DATE: &[BorrowedFormatItem<'_>] = format_description!(
    "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
);

/// The wait that the headers ask for, at most `longest`: `Retry-After` (RFC 9110 section 10.2.3),
/// otherwise `X-RateLimit-Reset` of an empty budget (docs.github.com, "Rate limits for the REST API").
pub(super) fn retry_after(headers: &HeaderMap, longest: Duration) -> Option<Duration> {
    let wait = match header(headers, "retry-after") {
        Some(text) if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) => {
            Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)))
        }
        Some(text) => after_the_answer(headers, http_date(text)?),
        None if is_out_of_budget(headers) => {
            after_the_answer(headers, header(headers, "x-ratelimit-reset")?.parse().ok()?)
        }
        None => None,
    };
    wait.map(|wait| wait.min(longest))
}

/// True if the headers say that the caller's hourly budget is used up.
pub(super) fn is_out_of_budget(headers: &HeaderMap) -> bool {
    header(headers, "x-ratelimit-remaining") == Some("0")
}

/// How long after the answer was made this moment comes; a server that does not say when that was
/// is not believed, for our clock may be wrong.
fn after_the_answer(headers: &HeaderMap, moment: i64) -> Option<Duration> {
    let answered = date(headers)?;
    Some(Duration::from_secs(
        u64::try_from(moment.saturating_sub(answered)).unwrap_or(0),
    ))
}

/// When the answer was made, by the server's clock.
pub(super) fn date(headers: &HeaderMap) -> Option<i64> {
    http_date(header(headers, "date")?)
}

fn http_date(text: &str) -> Option<i64> {
    let date = PrimitiveDateTime::parse(text, HTTP_DATE).ok()?;
    Some(date.assume_utc().unix_timestamp())
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ureq::http::HeaderValue;

    fn asked(headers: &[(&'static str, &'static str)]) -> Option<u64> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, HeaderValue::from_static(value));
        }
        retry_after(&map, Duration::from_secs(300)).map(|wait| wait.as_secs())
    }

    const DATE: (&str, &str) = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");

    #[test]
    fn seconds_and_dates_are_read_and_capped() {
        assert_eq!(asked(&[("retry-after", "17")]), Some(17));
        assert_eq!(asked(&[("retry-after", "0")]), Some(0));
        assert_eq!(
            asked(&[("retry-after", "99999999999999999999999")]),
            Some(300)
        );
        assert_eq!(
            asked(&[("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT"), DATE]),
            Some(30)
        );
        assert_eq!(
            asked(&[("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT"), DATE]),
            Some(0)
        );
    }

    #[test]
    fn a_date_without_the_answers_own_date_is_ignored() {
        assert_eq!(
            asked(&[("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT")]),
            None
        );
        assert_eq!(asked(&[("retry-after", "soon"), DATE]), None);
        assert_eq!(asked(&[("retry-after", "-5"), DATE]), None);
        assert_eq!(asked(&[("retry-after", "")]), None);
    }

    #[test]
    fn the_reset_counts_only_with_an_empty_budget() {
        let reset = ("x-ratelimit-reset", "784111787"); // DATE + 10 s
        assert_eq!(
            asked(&[("x-ratelimit-remaining", "0"), reset, DATE]),
            Some(10)
        );
        assert_eq!(asked(&[("x-ratelimit-remaining", "1"), reset, DATE]), None);
        assert_eq!(asked(&[("x-ratelimit-remaining", "0"), reset]), None);
        assert_eq!(asked(&[("x-ratelimit-remaining", "0"), DATE]), None);
    }
}
