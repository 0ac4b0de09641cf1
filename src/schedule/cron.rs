//! A timer as lines of a crontab, between two marks (crontab(5)). Everything outside the marks is
//! somebody else's and stays as it is, to the byte.

use super::Timer;

const BEGIN: &str = "# BEGIN ghtok schedule; \"ghtok schedule remove\" takes this away\n";
const END: &str = "# END ghtok schedule\n";

/// What cron reads of a line at most (the `MAX_COMMAND` of Vixie's cron).
const LONGEST_COMMAND: usize = 990;

/// Whether cron reads the whole line.
pub fn fits(timer: &Timer) -> bool {
    command(timer).len() <= LONGEST_COMMAND
}

/// Our lines.
pub fn lines(timer: &Timer) -> String {
    format!("{BEGIN}{} * * * * {}\n{END}", timer.minute, command(timer))
}

/// A crontab with our lines at its end, in place of those that it had.
pub fn with(crontab: &str, timer: &Timer) -> String {
    let mut text = without(crontab);
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text + &lines(timer)
}

/// A crontab without our lines.
pub fn without(crontab: &str) -> String {
    match found(crontab) {
        Some((before, _, after)) => without(&format!("{before}{after}")),
        None => crontab.to_owned(),
    }
}

/// Our lines, as they stand in a crontab.
pub fn ours(crontab: &str) -> Option<&str> {
    found(crontab).map(|(_, ours, _)| ours)
}

fn found(crontab: &str) -> Option<(&str, &str, &str)> {
    let start = crontab
        .match_indices(BEGIN)
        .map(|(at, _)| at)
        .find(|at| *at == 0 || crontab[..*at].ends_with('\n'))?;
    let length = crontab[start..].find(END)? + END.len();
    let (before, rest) = crontab.split_at(start);
    let (ours, after) = rest.split_at(length);
    Some((before, ours, after))
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

    const OTHERS: &str = "SHELL=/bin/bash\n# mine\n5 4 * * * true\n";

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
            r#"env 'GHTOK_STATE_DIR=/home/me/a b\%c"d'\''$e' '/opt/it'\''s 100\%/gh$tok\x' schedule run '--client-id=Iv1.a"<&>'"#
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
        for before in ["", OTHERS, "\n", "# END ghtok schedule\n"] {
            let with_ours = with(before, &plain());
            assert_eq!(without(&with_ours), before);
            assert_eq!(ours(&with_ours), Some(lines(&plain()).as_str()));
            let later = Timer {
                minute: 3,
                ..plain()
            };
            assert_eq!(without(&with(&with_ours, &later)), before);
            assert_eq!(with(&with_ours, &later).matches(BEGIN).count(), 1);
            let between = format!("{with_ours}{OTHERS}");
            assert_eq!(without(&between), format!("{before}{OTHERS}"));
        }
        assert_eq!(
            with("1 * * * * x", &plain()),
            format!("1 * * * * x\n{}", lines(&plain()))
        );
        assert_eq!(ours(OTHERS), None);
        // Half a pair of marks is not ours to judge.
        assert_eq!(without(BEGIN), BEGIN);
    }
}
