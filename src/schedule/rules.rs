//! What the timer does for a sign-in, and when. Pure.

use std::time::Duration;

use crate::config::ScheduleRules;
use crate::token::Timestamp;

/// Under so much left a person is warned; of a refresh token with a short life, under a quarter.
const SOON: Duration = Duration::from_secs(14 * DAY);

/// A person is warned about a sign-in once in this time.
const BETWEEN_WARNINGS: Duration = Duration::from_secs(DAY);

const DAY: u64 = 24 * 3600;

/// What is stored of one sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignIn {
    /// None: nobody signed in, or somebody signed out.
    Nobody,
    /// Its token never expires by the clock.
    Permanent,
    /// Only a person can make it go on; its access token may live for some hours yet.
    Ended,
    /// Each refresh makes it go on.
    Renewable {
        /// The end of the access token.
        access_expires_at: Timestamp,
        /// The end of the refresh token.
        refresh_expires_at: Timestamp,
        /// The life that the refresh token had when it was new.
        refresh_lifetime: Duration,
    },
}

/// What to do for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Nothing, and nobody is asked.
    Nothing,
    /// Refresh it. Its access token has expired, so nobody's token is killed.
    Refresh,
    /// Tell a person that it has ended.
    WarnOfItsEnd,
    /// Tell a person that it ends in this time.
    WarnThatItEndsIn(Duration),
}

/// Decides. A healthy access token is never replaced, whatever the rules: that would kill it for
/// everybody who holds it.
pub(crate) fn action(
    sign_in: SignIn,
    rules: ScheduleRules,
    warned_at: Option<Timestamp>,
    now: Timestamp,
) -> Action {
    match sign_in {
        SignIn::Renewable {
            access_expires_at,
            refresh_expires_at,
            refresh_lifetime,
        } => {
            let left = now.until(refresh_expires_at);
            let quarter = refresh_lifetime / 4;
            if rules.keep_alive && now >= access_expires_at && left < quarter {
                return Action::Refresh;
            }
            if left < quarter.min(SOON) && may_warn(rules, warned_at, now) {
                return Action::WarnThatItEndsIn(left);
            }
            Action::Nothing
        }
        SignIn::Ended if may_warn(rules, warned_at, now) => Action::WarnOfItsEnd,
        SignIn::Nobody | SignIn::Permanent | SignIn::Ended => Action::Nothing,
    }
}

/// A warning "of the future" was given before the clock was set back: no ground for silence.
fn may_warn(rules: ScheduleRules, warned_at: Option<Timestamp>, now: Timestamp) -> bool {
    let is_quiet = warned_at.is_some_and(|at| at <= now && now < at.after(BETWEEN_WARNINGS));
    rules.warn && !is_quiet
}

#[cfg(test)]
mod tests {
    use super::Action::{Nothing, Refresh, WarnOfItsEnd, WarnThatItEndsIn};
    use super::*;

    const NOW: Timestamp = Timestamp(1_790_000_000);
    const HOUR: i64 = 3600;
    const DAYS: i64 = 24 * HOUR;
    /// GitHub's: 184 days.
    const LIFE: i64 = 184 * DAYS;

    const BOTH: ScheduleRules = ScheduleRules::DEFAULT;
    const WARN: ScheduleRules = ScheduleRules {
        warn: true,
        keep_alive: false,
    };
    const KEEP: ScheduleRules = ScheduleRules {
        warn: false,
        keep_alive: true,
    };
    const NONE: ScheduleRules = ScheduleRules {
        warn: false,
        keep_alive: false,
    };

    /// A pair whose access token ends in so many seconds and whose refresh token in so many more.
    fn pair(access_left: i64, refresh_left: i64) -> SignIn {
        of_life(access_left, refresh_left, LIFE)
    }

    fn of_life(access_left: i64, refresh_left: i64, life: i64) -> SignIn {
        SignIn::Renewable {
            access_expires_at: Timestamp(NOW.0 + access_left),
            refresh_expires_at: Timestamp(NOW.0 + refresh_left),
            refresh_lifetime: Duration::from_secs(life.unsigned_abs()),
        }
    }

    fn in_days(days: i64) -> Action {
        in_seconds(days * DAYS)
    }

    fn in_seconds(seconds: i64) -> Action {
        WarnThatItEndsIn(Duration::from_secs(seconds.unsigned_abs()))
    }

    #[test]
    fn each_state_rule_and_clock_has_its_action() {
        let quarter = LIFE / 4;
        let table = [
            // A healthy access token is never replaced.
            (pair(8 * HOUR, LIFE), BOTH, Nothing),
            (pair(1, LIFE), BOTH, Nothing),
            (pair(1, quarter - 1), BOTH, Nothing),
            (pair(1, 20 * DAYS), KEEP, Nothing),
            (pair(1, 15 * DAYS), BOTH, Nothing),
            (pair(1, 13 * DAYS), BOTH, in_days(13)),
            (pair(1, 13 * DAYS), KEEP, Nothing),
            // An idle App: nothing until the last quarter.
            (pair(0, LIFE - 8 * HOUR), BOTH, Nothing),
            (pair(-DAYS, LIFE - 2 * DAYS), BOTH, Nothing),
            (pair(-90 * DAYS, quarter + 1), BOTH, Nothing),
            (pair(-90 * DAYS, quarter), BOTH, Nothing),
            (pair(-90 * DAYS, quarter - 1), BOTH, Refresh),
            (pair(0, quarter - 1), BOTH, Refresh),
            (pair(-90 * DAYS, quarter - 1), KEEP, Refresh),
            (pair(-90 * DAYS, quarter - 1), WARN, Nothing),
            (pair(-90 * DAYS, quarter - 1), NONE, Nothing),
            // Close to the end, keeping alive comes before warning.
            (pair(-DAYS, 14 * DAYS), WARN, Nothing),
            (pair(-DAYS, 14 * DAYS - 1), WARN, in_seconds(14 * DAYS - 1)),
            (pair(-DAYS, 14 * DAYS - 1), BOTH, Refresh),
            (pair(-DAYS, DAYS), BOTH, Refresh),
            (pair(-DAYS, DAYS), WARN, in_days(1)),
            (pair(-DAYS, DAYS), NONE, Nothing),
            // Only the clock calls the refresh token expired: it is tried.
            (pair(-2 * DAYS, -1), BOTH, Refresh),
            (pair(-2 * DAYS, -1), KEEP, Refresh),
            (pair(-2 * DAYS, -1), WARN, in_seconds(0)),
            (pair(-2 * DAYS, -1), NONE, Nothing),
            // A clock that was set back makes everything look young.
            (pair(365 * DAYS, LIFE + 365 * DAYS), BOTH, Nothing),
            // A clock far ahead makes everything look old; GitHub's answer decides.
            (pair(-3650 * DAYS, -3650 * DAYS), BOTH, Refresh),
            // Short lives: a quarter, not 14 days.
            (of_life(HOUR, 9 * DAYS, 10 * DAYS), BOTH, Nothing),
            (of_life(HOUR, 3 * DAYS, 10 * DAYS), WARN, Nothing),
            (of_life(HOUR, 2 * DAYS, 10 * DAYS), WARN, in_days(2)),
            (of_life(-HOUR, 3 * DAYS, 10 * DAYS), BOTH, Nothing),
            (of_life(-HOUR, 2 * DAYS, 10 * DAYS), BOTH, Refresh),
            (of_life(-HOUR, 0, 0), BOTH, Nothing),
            // What has ended, and what never does.
            (SignIn::Ended, BOTH, WarnOfItsEnd),
            (SignIn::Ended, WARN, WarnOfItsEnd),
            (SignIn::Ended, KEEP, Nothing),
            (SignIn::Ended, NONE, Nothing),
            (SignIn::Permanent, BOTH, Nothing),
            (SignIn::Nobody, BOTH, Nothing),
        ];
        for (sign_in, rules, expected) in table {
            let found = action(sign_in, rules, None, NOW);
            assert_eq!(found, expected, "{sign_in:?}, {rules:?}");
            // A warning of this hour silences the next, and nothing else.
            let again = action(sign_in, rules, Some(Timestamp(NOW.0 - HOUR)), NOW);
            let quiet = match expected {
                Refresh => Refresh,
                Nothing | WarnOfItsEnd | WarnThatItEndsIn(_) => Nothing,
            };
            assert_eq!(again, quiet, "{sign_in:?}, {rules:?}, warned an hour ago");
        }
    }

    #[test]
    fn a_warning_comes_once_a_day_and_again_after_a_clock_that_was_set_back() {
        for (ago, expected) in [
            (0, Nothing),
            (1, Nothing),
            (DAYS - 1, Nothing),
            (DAYS, WarnOfItsEnd),
            (30 * DAYS, WarnOfItsEnd),
            (-1, WarnOfItsEnd),
            (-30 * DAYS, WarnOfItsEnd),
        ] {
            let warned_at = Some(Timestamp(NOW.0 - ago));
            assert_eq!(
                action(SignIn::Ended, BOTH, warned_at, NOW),
                expected,
                "{ago}"
            );
        }
    }
}
