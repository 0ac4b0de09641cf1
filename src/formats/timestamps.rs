//! Moments and durations as text.

use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::token::Timestamp;

/// A moment for programs: RFC 3339 in UTC with `Z`.
pub fn rfc3339(at: Timestamp) -> String {
    OffsetDateTime::from_unix_timestamp(at.0)
        .ok()
        .and_then(|moment| moment.format(&Rfc3339).ok())
        .unwrap_or_else(|| "9999-12-31T23:59:59Z".into())
}

/// A duration for people, in its two largest units: `3 h 12 min`, `184 d`, `45 s`.
pub fn life(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, _, _) => format!("{hours} h {:02} min", minutes % 60),
        (1..3, _, _) => format!("{days} d {} h", hours % 24),
        _ => format!("{days} d"),
    }
}

/// A duration as flags and the configuration take it: `8h`, `1h30m`, `90s` up to two minutes.
pub fn flag(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let parts = [
        (seconds / 3600, 'h'),
        (seconds / 60 % 60, 'm'),
        (seconds % 60, 's'),
    ];
    if seconds < 120 {
        return format!("{seconds}s");
    }
    let parts = parts.iter().filter(|(number, _)| *number > 0);
    parts
        .map(|(number, unit)| format!("{number}{unit}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_get_utc() {
        assert_eq!(rfc3339(Timestamp(0)), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(Timestamp(1_795_381_200)), "2026-11-22T21:00:00Z");
        assert_eq!(rfc3339(Timestamp(i64::MAX)), "9999-12-31T23:59:59Z");
    }

    #[test]
    fn flags_take_it_back() {
        let shown = |seconds| flag(Duration::from_secs(seconds));
        assert_eq!(shown(0), "0s");
        assert_eq!(shown(90), "90s");
        assert_eq!(shown(120), "2m");
        assert_eq!(shown(28_800), "8h");
        assert_eq!(shown(30_000), "8h20m");
        assert_eq!(shown(3_601), "1h1s");
    }

    #[test]
    fn people_get_two_units() {
        let shown = |seconds| life(Duration::from_secs(seconds));
        assert_eq!(shown(45), "45 s");
        assert_eq!(shown(300), "5 min");
        assert_eq!(shown(11_520), "3 h 12 min");
        assert_eq!(shown(90_000), "1 d 1 h");
        assert_eq!(shown(15_897_600), "184 d");
    }
}
