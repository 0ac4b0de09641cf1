//! Durations as flags and the configuration take them (`90s`, `30m`, `1h30m`, or a number of seconds), and
//! as people read them.

use std::time::Duration;

const UNITS: [(u8, u64); 3] = [(b'h', 3600), (b'm', 60), (b's', 1)];

const NOT_A_DURATION: &str = "is not a duration such as 30m, 90s, 1h or 1h30m";

/// Reads hours, minutes and seconds in this order, each at most once, or a bare number of seconds.
///
/// # Errors
/// What is wrong with the text, in words that follow its quotation.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, &'static str> {
    let seconds = if is_number(text) {
        text.parse().ok()
    } else {
        sum_of_parts(text)
    };
    seconds.map(Duration::from_secs).ok_or(NOT_A_DURATION)
}

fn sum_of_parts(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut units = UNITS.iter();
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let end = rest.bytes().position(|b| !b.is_ascii_digit())?;
        let (number, tail) = rest.split_at(end);
        let letter = tail.bytes().next()?;
        // The iterator goes on where the last unit was found, so the order is kept by itself.
        let (_, seconds) = units.find(|(unit, _)| *unit == letter)?;
        let part = number.parse::<u64>().ok()?.checked_mul(*seconds)?;
        total = total.checked_add(part)?;
        rest = &tail[1..];
    }
    (!text.is_empty()).then_some(total)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// A duration for people, in its two largest units: `3 h 12 min`, `184 d`, `45 s`.
pub(crate) fn human_duration(duration: Duration) -> String {
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
pub(crate) fn flag_duration(duration: Duration) -> String {
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
    fn durations_are_read() {
        for (text, seconds) in [
            ("0", 0),
            ("90", 90),
            ("0s", 0),
            ("90s", 90),
            ("30m", 1800),
            ("1h", 3600),
            ("1h30m", 5400),
            ("1h5s", 3605),
            ("2h3m4s", 7384),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(
                parse_duration(text),
                Ok(Duration::from_secs(seconds)),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for bad in [
            "",
            " ",
            "m",
            "5 m",
            " 5m",
            "5m ",
            "-5m",
            "+5m",
            "5M",
            "1.5h",
            "30m1h",
            "1h1h",
            "1h30",
            "5d",
            "5ms",
            "5é",
            "１m",
            "18446744073709551616",
            "18446744073709551615h",
            "5124095576030431h3600s",
            "\n5m",
            "5\0",
        ] {
            assert_eq!(parse_duration(bad), Err(NOT_A_DURATION), "{bad:?}");
        }
    }

    #[test]
    fn flags_take_it_back() {
        let shown = |seconds| flag_duration(Duration::from_secs(seconds));
        assert_eq!(shown(0), "0s");
        assert_eq!(shown(90), "90s");
        assert_eq!(shown(120), "2m");
        assert_eq!(shown(28_800), "8h");
        assert_eq!(shown(30_000), "8h20m");
        assert_eq!(shown(3_601), "1h1s");
        for seconds in [0, 119, 120, 30_000, 90_061] {
            assert_eq!(
                parse_duration(&shown(seconds)),
                Ok(Duration::from_secs(seconds))
            );
        }
    }

    #[test]
    fn people_get_two_units() {
        let shown = |seconds| human_duration(Duration::from_secs(seconds));
        assert_eq!(shown(45), "45 s");
        assert_eq!(shown(300), "5 min");
        assert_eq!(shown(11_520), "3 h 12 min");
        assert_eq!(shown(90_000), "1 d 1 h");
        assert_eq!(shown(15_897_600), "184 d");
    }
}
