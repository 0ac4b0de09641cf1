//! Storing tokens that exist nowhere else.

use std::time::Duration;

use crate::auth::ports::Clock;

/// How long to pause between two tries.
const PAUSE: Duration = Duration::from_millis(200);

/// How long to go on trying.
#[derive(Clone, Copy)]
pub(crate) struct Retries {
    /// The number of tries that are made even if they take longer than `within`.
    pub(crate) at_least: u32,
    pub(crate) within: Duration,
}

/// Tries to save again and again, unless an error is final.
pub(crate) fn save_with_retries<E>(
    clock: &dyn Clock,
    retries: Retries,
    is_final: impl Fn(&E) -> bool,
    mut save: impl FnMut() -> Result<(), E>,
) -> Result<(), E> {
    let deadline = clock.monotonic() + retries.within;
    let mut tries = 0;
    loop {
        tries += 1;
        match save() {
            Err(error)
                if !is_final(&error)
                    && (tries < retries.at_least || clock.monotonic() < deadline) =>
            {
                clock.sleep(PAUSE);
            }
            ended => return ended,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::token::Timestamp;

    /// Time passes only by waiting and by slow tries.
    struct SlowClock(Cell<Duration>);

    impl Clock for SlowClock {
        fn now(&self) -> Timestamp {
            Timestamp(0)
        }

        fn monotonic(&self) -> Duration {
            self.0.get()
        }

        fn sleep(&self, duration: Duration) {
            self.0.set(self.0.get() + duration);
        }

        fn local_time(&self, _: Timestamp) -> String {
            String::new()
        }
    }

    fn tries(retries: Retries, each_takes: Duration, is_final: bool) -> u32 {
        let clock = SlowClock(Cell::default());
        let count = Cell::new(0);
        let saved = save_with_retries(
            &clock,
            retries,
            |()| is_final,
            || {
                count.set(count.get() + 1);
                clock.sleep(each_takes);
                Err(())
            },
        );
        assert_eq!(saved, Err(()));
        count.get()
    }

    #[test]
    fn p3_tokens_that_exist_nowhere_else_get_their_tries_from_a_slow_store_too() {
        let slow = Duration::from_secs(5);
        let retries = Retries {
            at_least: 5,
            within: Duration::from_millis(800),
        };
        assert_eq!(tries(retries, slow, false), 5);
        assert_eq!(tries(retries, Duration::ZERO, false), 5);
        assert_eq!(tries(retries, slow, true), 1);
        let within = Duration::from_secs(2);
        assert_eq!(
            tries(
                Retries {
                    at_least: 1,
                    within
                },
                Duration::ZERO,
                false
            ),
            11
        );
        assert_eq!(
            tries(
                Retries {
                    at_least: 1,
                    within
                },
                slow,
                false
            ),
            1
        );
    }
}
