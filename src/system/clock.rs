//! The machine's clocks. The only place that asks for the time or sleeps.

#[cfg(target_os = "linux")]
use std::num::NonZeroU64;
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

#[cfg(target_os = "linux")]
use rustix::thread::set_current_timer_slack;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

use crate::auth::ports::Clock;
use crate::token::Timestamp;

const PEOPLE: &[BorrowedFormatItem<'_>] = format_description!(
    "[year]-[month]-[day] [hour]:[minute] [offset_hour sign:mandatory]:[offset_minute]"
);

/// The clocks of this machine.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
    offset: OnceLock<UtcOffset>,
}

impl SystemClock {
    /// Starts counting.
    #[expect(clippy::disallowed_methods, reason = "the one owner of the clocks")]
    pub fn start() -> Self {
        Self {
            started: Instant::now(),
            offset: OnceLock::new(),
        }
    }

    /// Learns the local offset from UTC. Must come before the first thread: reading the time zone
    /// is sound only in a process that has no other.
    pub fn offset(&self) -> UtcOffset {
        *self
            .offset
            .get_or_init(|| self.read_offset().unwrap_or(UtcOffset::UTC))
    }
}

impl SystemClock {
    /// `None` where the system does not tell, or for a clock beyond the calendar.
    fn read_offset(&self) -> Option<UtcOffset> {
        let now = OffsetDateTime::from_unix_timestamp(self.now().0).ok()?;
        UtcOffset::local_offset_at(now).ok()
    }
}

/// Lets real time pass, where another process is waited for.
#[expect(
    clippy::disallowed_methods,
    reason = "other processes end in real time, even where a test hurries the Clock port"
)]
pub(crate) fn pause(duration: Duration) {
    std::thread::sleep(duration);
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one owner of the clocks and of sleep"
)]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let seconds = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => Timestamp(seconds(since)),
            Err(before) => Timestamp(-seconds(before.duration())),
        }
    }

    fn monotonic(&self) -> Duration {
        Instant::now().duration_since(self.started)
    }

    fn sleep(&self, duration: Duration) {
        let _wake_with_others = TimerSlack::for_sleep(duration);
        std::thread::sleep(duration);
    }

    fn sleep_unless(&self, duration: Duration, wait: &dyn Fn(Duration)) {
        let _wake_with_others = TimerSlack::for_sleep(duration);
        wait(duration);
    }

    fn local_time(&self, at: Timestamp) -> String {
        OffsetDateTime::from_unix_timestamp(at.0)
            .map(|moment| moment.to_offset(self.offset()))
            .ok()
            .and_then(|moment| moment.format(PEOPLE).ok())
            .unwrap_or_else(|| format!("{} s after 1970", at.0))
    }

    fn utc_offset(&self) -> i32 {
        self.offset().whole_seconds()
    }
}

/// Lets the system wake this thread a little late, together with others: thousands of waiting processes
/// then cost it half as much. Ends with the sleep, because a program that is started inherits it.
struct TimerSlack;

impl TimerSlack {
    #[cfg(target_os = "linux")]
    fn for_sleep(duration: Duration) -> Option<Self> {
        const WORTH_IT: Duration = Duration::from_millis(40);
        const SLACK: NonZeroU64 = NonZeroU64::new(10_000_000).unwrap();
        let is_long = duration >= WORTH_IT;
        (is_long && set_current_timer_slack(Some(SLACK)).is_ok()).then_some(Self)
    }

    #[cfg(not(target_os = "linux"))]
    fn for_sleep(_: Duration) -> Option<Self> {
        None
    }
}

#[cfg(target_os = "linux")]
impl Drop for TimerSlack {
    fn drop(&mut self) {
        // Back to what this thread began with.
        let _ = set_current_timer_slack(None);
    }
}
