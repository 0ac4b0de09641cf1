//! The pace of a waiting caller: when it checks the outcome, when it tries the lock, and how callers that
//! see the same outcome at the same moment avoid reading the store all at once. Pure.

use std::time::Duration;

/// Most refreshes end within this time. Until then a caller checks again after a quarter of the time that
/// it has waited, within these bounds.
const OFTEN_UNTIL: Duration = Duration::from_millis(300);
const SHORTEST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

/// Later it checks less often, so that thousands of callers leave the processor to the refresher. A
/// pause is a small part of the time already waited, plus up to a quarter at random, so that they do
/// not all check at once.
const SELDOM: Duration = Duration::from_millis(40);
const MOST_SELDOM: Duration = Duration::from_millis(160);

/// A lock holder that ended without an outcome is detected by trying the lock, which costs more than a check.
const SOONEST_LOCK: Duration = Duration::from_millis(20);
const LATEST_LOCK: Duration = Duration::from_secs(1);

/// Callers in other network environments see a failure within this time.
const AFTER_A_FAILURE: Duration = Duration::from_millis(200);

/// The longest pause to let others read the store first.
const LONGEST_SPREAD: Duration = Duration::from_secs(2);

/// The pace of one waiting caller.
#[derive(Debug)]
pub(super) struct Pacing {
    /// How long the caller's own first read of the store took: long where many read at once.
    first_read: Duration,
    chance: u64,
}

impl Pacing {
    /// How long a caller leaves the lock to others after a failed connection in its own network environment:
    /// longer than waiting callers need to see that the lock is free.
    pub(super) const AFTER_OTHERS: Duration = Duration::from_millis(350);
    /// The age up to which an attempt counts as recent.
    pub(super) const A_MOMENT: Duration = Duration::from_secs(1);

    /// `chance` is a random number, different for each caller.
    pub(super) fn new(first_read: Duration, chance: u64) -> Self {
        Self {
            first_read,
            chance: chance | 1,
        }
    }

    /// The pause before the next check of the outcome.
    pub(super) fn pause(&mut self, waited: Duration) -> Duration {
        if waited < OFTEN_UNTIL {
            return (waited / 4).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
        }
        let usual = (waited / 24).clamp(SELDOM, MOST_SELDOM);
        usual + self.part_of(usual / 4)
    }

    /// The time until the next attempt to take a lock that another process holds.
    pub(super) fn until_next_lock(&mut self, waited: Duration) -> Duration {
        let usual = (waited / 2).clamp(SOONEST_LOCK, LATEST_LOCK);
        usual + self.part_of(usual / 4)
    }

    /// The time until the lock is tried after an attempt from the same network failed.
    pub(super) fn after_a_failure(&mut self) -> Duration {
        AFTER_A_FAILURE + self.part_of(AFTER_A_FAILURE / 2)
    }

    /// The pause before the store is read again, because all waiting callers read it now. None if the store
    /// was fast; if it was busy, the reads are spread over about the time that it needs for all of them.
    pub(super) fn spread(&mut self) -> Duration {
        self.part_of((self.first_read / 3).min(LONGEST_SPREAD))
    }

    /// A random fraction of this time (xorshift64).
    fn part_of(&mut self, whole: Duration) -> Duration {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        let thousandths = u32::try_from(self.chance % 1000).unwrap_or(0);
        whole * thousandths / 1000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    fn alone() -> Pacing {
        Pacing::new(ms(2), 1)
    }

    /// How many looks or lock tries a second of waiting takes.
    fn in_a_second(from: Duration, mut next: impl FnMut(Duration) -> Duration) -> u32 {
        let (mut waited, mut count) = (from, 0);
        while waited < from + ms(1000) {
            waited += next(waited);
            count += 1;
        }
        count
    }

    #[test]
    fn p2_a_waiting_caller_looks_often_at_first_and_then_seldom() {
        let mut pacing = alone();
        assert_eq!(pacing.pause(Duration::ZERO), ms(2));
        assert_eq!(pacing.pause(ms(40)), ms(10));
        assert_eq!(pacing.pause(ms(299)), ms(20));
        for _ in 0..1000 {
            assert!((40..=50).contains(&pacing.pause(ms(300)).as_millis()));
        }
        let looks = in_a_second(ms(300), |waited| pacing.pause(waited));
        assert!((18..=24).contains(&looks), "{looks}");
        let looks = in_a_second(ms(5000), |waited| pacing.pause(waited));
        assert!((5..=7).contains(&looks), "{looks}");
    }

    #[test]
    fn p2_a_waiting_caller_tries_the_lock_less_and_less() {
        let mut pacing = alone();
        let early = in_a_second(Duration::ZERO, |waited| pacing.until_next_lock(waited));
        let late = in_a_second(ms(5000), |waited| pacing.until_next_lock(waited));
        assert!((5..=12).contains(&early), "{early}");
        assert!((1..=2).contains(&late), "{late}");
    }

    #[test]
    fn p10_reads_of_a_busy_store_are_spread_and_those_of_a_quick_one_are_not() {
        assert!(alone().spread() < ms(1));
        let mut in_a_crowd = Pacing::new(ms(1500), 1);
        let spread: Vec<Duration> = (0..1000).map(|_| in_a_crowd.spread()).collect();
        let early = spread.iter().filter(|pause| **pause < ms(250)).count();
        assert!((400..=600).contains(&early), "{early}");
        assert!(spread.iter().all(|pause| *pause < ms(500)));
        assert!(Pacing::new(ms(60_000), 1).spread() < ms(2000), "bounded");
    }

    #[test]
    fn two_callers_have_two_paces() {
        let pauses = |chance| {
            let mut pacing = Pacing::new(ms(2), chance);
            [0; 8].map(|_| pacing.pause(ms(1000)))
        };
        assert_ne!(pauses(1), pauses(0x5851_f42d_4c95_7f2d));
    }
}
