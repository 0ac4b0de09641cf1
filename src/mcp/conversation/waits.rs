//! What happens because time passes, and when that is next.

use std::time::Duration;

use super::{Conversation, Hold, Life, Then};

/// The wall clock may jump and machines sleep: it is looked at now and then.
const OFTEN: Duration = Duration::from_secs(30);

impl Conversation {
    pub(super) fn pass_time(&mut self) {
        if self.life != Life::Running {
            return;
        }
        let now = self.now.mono;
        match self.hold {
            Some(Hold::Drain(_)) => self.drained(),
            Some(Hold::Fetch(Some(until))) if now >= until => self.start(),
            Some(Hold::Replay(server, until)) if now >= until => {
                self.start_timed_out(server);
            }
            None if self.has_another() && self.may_exchange() => self.begin_drain(Then::Start),
            // A conversation that goes on has its next token before the next call.
            None if self.used && !self.is_busy() && self.is_due() => self.begin_drain(Then::Fetch),
            _ => {}
        }
        self.pass_time_waiting();
        if self
            .close_at
            .is_some_and(|at| now >= at || !self.owes_answers())
        {
            self.close(None);
        }
    }

    fn is_due(&self) -> bool {
        self.waiting.is_empty() && self.needs_renewal()
    }

    /// When [`super::Event::Tick`] is wanted, if nothing else happens before; as a monotonic time.
    pub fn next_tick(&self) -> Option<Duration> {
        if self.life != Life::Running {
            return None;
        }
        let hold = match self.hold {
            Some(Hold::Drain(_)) => self.drain_until,
            Some(Hold::Replay(_, until)) => Some(until),
            Some(Hold::Fetch(first)) => first,
            None if self.used => self.has.and_then(|has| has.due_at).map(|due| {
                let left = self.now.wall.until(due);
                self.now.mono + left.clamp(Duration::from_secs(1), OFTEN)
            }),
            Some(Hold::Check | Hold::Stop) | None => None,
        };
        let times = [hold, self.next_of_waiting(), self.close_at];
        times.into_iter().flatten().min()
    }

    /// How long something has taken, in words.
    pub(super) fn took(&self, since: Duration) -> String {
        let took = self.now.mono.saturating_sub(since);
        format!(" in {:.1} ms", took.as_secs_f64() * 1000.0)
    }
}
