//! A timer as lines of a crontab, between two marks (crontab(5)). Everything outside the marks is
//! somebody else's and stays as it is, byte for byte.

use std::ops::Range;

use crate::schedule::Timer;

const BEGIN: &str = "# BEGIN ghtok schedule; \"ghtok schedule remove\" takes this away\n";
const END: &str = "# END ghtok schedule\n";

/// What cron reads of a line at most (the `MAX_COMMAND` of Vixie's cron).
const LONGEST_COMMAND: usize = 990;

/// Whether cron reads the whole line.
pub(super) fn fits(timer: &Timer) -> bool {
    command(timer).len() <= LONGEST_COMMAND
}

/// Our lines.
pub(super) fn lines(timer: &Timer) -> String {
    format!("{BEGIN}{} * * * * {}\n{END}", timer.minute, command(timer))
}

/// A crontab with our lines at its end, in place of those that it had.
pub(super) fn with(crontab: &[u8], timer: &Timer) -> Vec<u8> {
    let mut bytes = without(crontab);
    if bytes.last().is_some_and(|last| *last != b'\n') {
        bytes.push(b'\n');
    }
    bytes.extend(lines(timer).bytes());
    bytes
}

/// A crontab without our lines.
pub(super) fn without(crontab: &[u8]) -> Vec<u8> {
    match found(crontab) {
        Some(ours) => without(&[&crontab[..ours.start], &crontab[ours.end..]].concat()),
        None => crontab.to_vec(),
    }
}

/// Our lines, as they stand in a crontab.
pub(super) fn ours(crontab: &[u8]) -> Option<&[u8]> {
    found(crontab).map(|ours| &crontab[ours])
}

/// Where the first pair of marks is. A mark that lost its other half is somebody's text.
fn found(crontab: &[u8]) -> Option<Range<usize>> {
    let mut begun = None;
    let mut end = 0;
    for line in crontab.split_inclusive(|byte| *byte == b'\n') {
        let start = end;
        end += line.len();
        if line == BEGIN.as_bytes() {
            begun = Some(start);
        } else if line == END.as_bytes()
            && let Some(begun) = begun
        {
            return Some(begun..end);
        }
    }
    None
}

/// `env` sets the variables, because the crontab may name any shell. Unescaped percent signs would
/// end the command (crontab(5)).
fn command(timer: &Timer) -> String {
    let mut words = Vec::new();
    if !timer.environment.is_empty() {
        words.push("env".to_owned());
        let pairs = timer.environment.iter();
        words.extend(pairs.map(|(name, value)| quoted(&format!("{name}={value}"))));
    }
    words.extend(timer.command().map(quoted));
    words.join(" ").replace('%', r"\%")
}

/// A word in single quotes, which sh, its relatives and fish read alike but for a quote within.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-=:".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::tests::{awkward, plain};

    const OTHERS: &[u8] = b"SHELL=/bin/bash\n# mine\n5 4 * * * true\n";

    #[test]
    fn lines_between_marks() {
        assert_eq!(
            lines(&plain()),
            "# BEGIN ghtok schedule; \"ghtok schedule remove\" takes this away\n\
             42 * * * * /usr/local/bin/ghtok schedule run\n\
             # END ghtok schedule\n"
        );
    }

    #[test]
    fn words_are_quoted_for_cron_and_its_shell() {
        assert_eq!(
            command(&awkward()),
            r#"env 'GHTOK_STATE_DIR=/home/me/a b\%c"d'\''$e' '/opt/it'\''s 100\%/gh$tok\x' schedule run '--client-id=Iv1.a$b"<&>'"#
        );
        assert!(fits(&awkward()));
        let long = Timer {
            program: format!("/{}", "x".repeat(1000)),
            ..plain()
        };
        assert!(!fits(&long));
    }

    #[test]
    fn what_is_others_stays_to_the_byte() {
        let mine = lines(&plain()).into_bytes();
        let before: [&[u8]; 5] = [
            b"",
            OTHERS,
            b"\n",
            b"# END ghtok schedule\n",
            b"# caf\xe9\r\n",
        ];
        for before in before {
            let with_ours = with(before, &plain());
            assert_eq!(without(&with_ours), before);
            assert_eq!(ours(&with_ours), Some(mine.as_slice()));
            let later = Timer {
                minute: 3,
                ..plain()
            };
            let changed = with(&with_ours, &later);
            assert_eq!(changed, with(before, &later));
            assert_eq!(without(&changed), before);
            let between = [&with_ours, OTHERS].concat();
            assert_eq!(without(&between), [before, OTHERS].concat());
        }
        assert_eq!(
            with(b"1 * * * * x", &plain()),
            [b"1 * * * * x\n", mine.as_slice()].concat()
        );
        assert_eq!(ours(OTHERS), None);
        // Half a pair of marks is not ours to judge, and what follows it is not ours to take.
        for half in [BEGIN, END] {
            let half = [half.as_bytes(), OTHERS].concat();
            assert_eq!(without(&half), half);
            assert_eq!(without(&with(&half, &plain())), half);
        }
    }
}
