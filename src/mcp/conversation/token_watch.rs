//! What is known of the App's token, and when to ask for it again.

use std::time::Duration;

use super::{Action, Now, Remedy, SavedGeneration, Timing, TokenError, TokenInfo};

/// The longest pause between two requests after failures.
const LONGEST_BACKOFF: Duration = Duration::from_secs(60);

/// The newest token, and the requests for it: there is never more than one.
#[derive(Debug)]
pub(super) struct TokenWatch {
    newest: Option<TokenInfo>,
    /// Why the last request failed.
    error: Option<TokenError>,
    request: Request,
    /// The outcome file, as it was last read, and as it was when a request last ended.
    saved: Option<SavedGeneration>,
    saved_then: Option<SavedGeneration>,
    /// The next pause after a failure.
    backoff: Duration,
    first_backoff: Duration,
    checked_at: Option<Duration>,
    checked: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
enum Request {
    /// The next one may be sent from this time on.
    None {
        not_before: Duration,
    },
    UnderWay,
}

impl TokenWatch {
    pub(super) fn new(timing: &Timing) -> Self {
        Self {
            newest: None,
            error: None,
            request: Request::None {
                not_before: Duration::ZERO,
            },
            saved: None,
            saved_then: None,
            backoff: timing.backoff,
            first_backoff: timing.backoff,
            checked_at: None,
            checked: None,
        }
    }

    /// What the outcome file says.
    pub(super) fn saved(&mut self, saved: Option<SavedGeneration>) {
        self.saved = saved;
    }

    /// Asks for a token, unless that is under way.
    pub(super) fn fetch(&mut self) -> Option<Action> {
        if self.is_awaited() {
            return None;
        }
        self.request = Request::UnderWay;
        Some(Action::Fetch)
    }

    /// True if a token that a server calls invalid can be checked now.
    pub(super) fn may_check(&self, interval: Duration, now: Now) -> bool {
        let rested = self.checked_at.is_none_or(|at| now.mono >= at + interval);
        rested && !self.is_awaited()
    }

    /// Has the token of this generation checked, and asks for a valid one.
    pub(super) fn check(&mut self, generation: u64, now: Now) -> Action {
        self.checked_at = Some(now.mono);
        self.checked = Some(generation);
        self.request = Request::UnderWay;
        Action::Check(generation)
    }

    /// The token that was checked last.
    pub(super) fn checked_generation(&self) -> Option<u64> {
        self.checked
    }

    /// The request has ended.
    pub(super) fn received(&mut self, result: Result<TokenInfo, TokenError>, now: Now) {
        self.saved_then = self.saved;
        match result {
            Ok(token) => {
                self.backoff = self.first_backoff;
                self.found(token);
                self.request = Request::None {
                    not_before: now.mono + self.backoff,
                };
            }
            Err(error) => {
                self.request = Request::None {
                    not_before: now.mono + self.backoff,
                };
                self.backoff = (self.backoff * 2).min(LONGEST_BACKOFF);
                self.error = Some(error);
            }
        }
    }

    /// There is a token.
    pub(super) fn found(&mut self, token: TokenInfo) {
        self.newest = Some(token);
        self.error = None;
    }

    /// The newest token turned out to be invalid.
    pub(super) fn forget(&mut self) {
        self.newest = None;
    }

    pub(super) fn newest(&self) -> Option<TokenInfo> {
        self.newest
    }

    pub(super) fn is_awaited(&self) -> bool {
        matches!(self.request, Request::UnderWay)
    }

    /// Why there is no valid token.
    pub(super) fn error(&self) -> Option<&TokenError> {
        self.error.as_ref()
    }

    /// True if only a person can get a token.
    pub(super) fn needs_sign_in(&self) -> bool {
        let remedy = self.error.as_ref().map(|error| error.remedy);
        remedy == Some(Remedy::SignIn)
    }

    /// True if a failed request must not be repeated yet.
    pub(super) fn must_wait(&self, now: Now) -> bool {
        matches!(self.request, Request::None { not_before } if now.mono < not_before)
    }

    /// True if a server with this token needs another one: it is due, or somebody has saved a newer one.
    pub(super) fn is_due(&self, token: Option<TokenInfo>, now: Now) -> bool {
        if self.is_replaced(token) {
            return true;
        }
        let due = token.and_then(|token| token.due_at);
        due.is_some_and(|due| now.wall >= due) && !self.must_wait(now)
    }

    /// True if somebody has saved a newer token than this one, which has ended with that.
    pub(super) fn is_replaced(&self, token: Option<TokenInfo>) -> bool {
        let generation = token.map_or(0, |token| token.generation);
        let is_newer = |saved: SavedGeneration| saved.generation > generation;
        self.saved.is_some_and(is_newer) && self.saved != self.saved_then
    }

    /// True if there is a token that a server with this one does not have.
    pub(super) fn has_other_than(&self, token: Option<TokenInfo>) -> bool {
        let generation = |token: TokenInfo| token.generation;
        self.newest.is_some() && self.newest.map(generation) != token.map(generation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::Timestamp;

    fn at(second: u32) -> Now {
        Now {
            mono: Duration::from_secs(second.into()),
            wall: Timestamp(1000 + i64::from(second)),
        }
    }

    /// Due after 90 seconds.
    fn token(generation: u64) -> TokenInfo {
        TokenInfo {
            generation,
            due_at: Some(Timestamp(1090)),
            expires_at: Some(Timestamp(1100)),
        }
    }

    fn failure() -> Result<TokenInfo, TokenError> {
        Err(TokenError {
            text: "offline".into(),
            remedy: Remedy::Other,
        })
    }

    fn saved(generation: u64) -> SavedGeneration {
        SavedGeneration {
            generation,
            is_stored: true,
        }
    }

    #[test]
    fn a_token_is_due_by_the_clock_or_because_another_was_saved() {
        for (reported, has, second, due) in [
            (None, Some(token(1)), 89, false),
            (None, Some(token(1)), 90, true),
            (None, None, 90, false),
            (Some(saved(1)), Some(token(1)), 0, false),
            (Some(saved(2)), Some(token(1)), 0, true),
            (Some(saved(1)), None, 0, true),
        ] {
            let mut watch = TokenWatch::new(&Timing::STANDARD);
            watch.saved(reported);
            let found = watch.is_due(has, at(second));
            assert_eq!(found, due, "{reported:?} {has:?} {second}");
        }
    }

    #[test]
    fn what_was_saved_before_a_request_ended_is_no_reason_for_another() {
        let mut watch = TokenWatch::new(&Timing::STANDARD);
        watch.saved(Some(saved(2)));
        assert!(watch.is_due(Some(token(1)), at(0)));
        watch.received(failure(), at(0));
        assert!(!watch.is_due(Some(token(1)), at(0)));
        watch.saved(Some(saved(3)));
        assert!(watch.is_due(Some(token(1)), at(0)));
    }

    #[test]
    fn failures_are_repeated_after_growing_pauses() {
        let mut watch = TokenWatch::new(&Timing::STANDARD);
        let mut second = 90;
        for pause in [5, 10, 20, 40, 60, 60] {
            assert!(matches!(watch.fetch(), Some(Action::Fetch)));
            assert!(watch.fetch().is_none(), "one at a time");
            watch.received(failure(), at(second));
            for (passed, waits) in [(0, true), (pause - 1, true), (pause, false)] {
                let now = at(second + passed);
                assert_eq!(watch.must_wait(now), waits, "{second} + {passed}");
                assert_eq!(watch.is_due(Some(token(1)), now), !waits);
            }
            second += pause;
        }
        watch.received(Ok(token(2)), at(second));
        assert!(watch.error().is_none());
        watch.received(failure(), at(second));
        assert!(!watch.must_wait(at(second + 5)), "from the beginning");
    }

    #[test]
    fn a_check_is_made_now_and_then() {
        let minute = Duration::from_secs(60);
        let mut watch = TokenWatch::new(&Timing::STANDARD);
        assert!(watch.may_check(minute, at(0)));
        assert!(matches!(watch.check(7, at(0)), Action::Check(7)));
        watch.received(Ok(token(7)), at(1));
        assert!(!watch.may_check(minute, at(59)));
        assert!(watch.may_check(minute, at(60)));
        watch.fetch();
        assert!(!watch.may_check(minute, at(60)), "a request is under way");
    }

    #[test]
    fn tokens_are_told_apart_by_their_generation() {
        let mut watch = TokenWatch::new(&Timing::STANDARD);
        assert!(!watch.has_other_than(None));
        watch.found(token(2));
        for (has, other) in [
            (None, true),
            (Some(token(1)), true),
            (Some(token(2)), false),
        ] {
            assert_eq!(watch.has_other_than(has), other, "{has:?}");
        }
        watch.forget();
        assert!(!watch.has_other_than(Some(token(1))));
    }
}
