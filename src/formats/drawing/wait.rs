//! The one line that tells how long a person still has.

use std::time::Duration;

use super::width;

/// As much of it as fits: the rest of the row stays free, so that no terminal begins a new one.
pub(crate) fn countdown(left: Duration, columns: usize) -> String {
    let left = clock(left);
    let forms = [
        format!("Waiting for your approval, {left} left (Ctrl-C cancels)"),
        format!("Waiting for your approval, {left} left"),
        format!("Waiting, {left} left"),
        format!("{left} left"),
        left,
    ];
    fitting(forms, columns)
}

/// The line once the person has approved.
pub(crate) fn approved(columns: usize) -> String {
    let forms = [
        "Approved. Asking GitHub who you are",
        "Approved, one moment",
        "Approved",
    ];
    fitting(forms.map(str::to_owned), columns)
}

fn fitting<const N: usize>(forms: [String; N], columns: usize) -> String {
    let mut forms = forms.into_iter();
    forms.find(|form| width(form) < columns).unwrap_or_default()
}

/// `14:59`, and `1:00:00` for the rare hour.
fn clock(left: Duration) -> String {
    let seconds = left.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_as_much_as_fits() {
        let at = |columns| countdown(Duration::from_secs(899), columns);
        assert_eq!(
            at(80),
            "Waiting for your approval, 14:59 left (Ctrl-C cancels)"
        );
        assert_eq!(at(54), "Waiting for your approval, 14:59 left");
        assert_eq!(at(20), "Waiting, 14:59 left");
        assert_eq!(at(19), "14:59 left");
        assert_eq!(at(6), "14:59");
        for columns in 0..60 {
            assert!(width(&at(columns)) < columns.max(1), "{columns}");
            assert!(width(&approved(columns)) < columns.max(1), "{columns}");
        }
    }

    #[test]
    fn minutes_and_the_rare_hour() {
        let shown = |seconds| clock(Duration::from_secs(seconds));
        assert_eq!(shown(0), "0:00");
        assert_eq!(shown(65), "1:05");
        assert_eq!(shown(3600), "1:00:00");
    }
}
