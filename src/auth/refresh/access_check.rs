//! What a refresh asks GitHub about the access token, and keeps of the answer.

use crate::auth::account::AccountCheck;
use crate::auth::outcome::Attempt;
use crate::auth::record::{Decision, Rejected, Want};
use crate::auth::token_check::{AccessState, ask_about, ask_account};

use super::compared_record::ComparedRecord;
use super::{Refresh, Stop};

impl Refresh<'_> {
    /// Asks GitHub what must be known before the access token is served: whether it lives, where there
    /// is a doubt, and whose it is, where an account is configured.
    pub(super) fn check(&self, held: &mut ComparedRecord<'_>, want: Want) -> Result<(), Stop> {
        let (record, now) = (held.record(), self.clock.now());
        if record.must_be_checked(now) {
            let state = ask_about(record, self.github, self.clock);
            return self.keep_answer(held, state, Attempt::Check);
        }
        let is_served = matches!(record.decide(now, want), Decision::Serve(_));
        if is_served && self.check_account(record) == AccountCheck::Unknown {
            return self.learn_account(held);
        }
        Ok(())
    }

    pub(super) fn learn_account(&self, held: &mut ComparedRecord<'_>) -> Result<(), Stop> {
        let state = ask_account(held.record(), self.github, self.clock);
        self.keep_answer(held, state, Attempt::Account)
    }

    fn keep_answer(
        &self,
        held: &mut ComparedRecord<'_>,
        state: AccessState,
        attempt: Attempt,
    ) -> Result<(), Stop> {
        let now = self.clock.now();
        match state {
            AccessState::Alive(account) => held.change(|record| {
                record.rejected = None;
                record.account = Some(account);
                if let Some(rejected) = &mut record.refresh_rejected {
                    rejected.access_checked_at = Some(now);
                }
            })?,
            AccessState::Dead => {
                held.change(|record| record.rejected = Some(Rejected::Confirmed(now)))?;
            }
            // What is refreshed or signed in to again needs no answer.
            AccessState::Expired => {}
            AccessState::Unknown(failure) => {
                return Err(Stop::failed(self.shared(attempt, &failure)));
            }
        }
        Ok(())
    }

    /// Learns whose tokens these are, where the sign-in could not.
    pub(super) fn fill_account(&self, held: &mut ComparedRecord<'_>) {
        if let AccessState::Alive(account) = ask_about(held.record(), self.github, self.clock) {
            let _ = held.change(|record| record.account = Some(account));
        }
    }
}
