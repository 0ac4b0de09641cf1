//! A refresher's questions to GitHub about the access token, and the marks that the answers leave.

use crate::auth::account::AccountCheck;
use crate::auth::outcome::Attempt;
use crate::auth::record::{Decision, Rejected, Want};
use crate::auth::token_check::{AccessState, ask_about, ask_account};

use super::compared_record::ComparedRecord;
use super::{Refresh, Stop};

impl Refresh<'_> {
    /// Asks GitHub what must be known before the access token is served: whether it is valid if it was
    /// reported as rejected, and its account if one is configured.
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
            // It will be refreshed or replaced by a sign-in.
            AccessState::Expired => {}
            AccessState::Unknown(failure) => {
                return Err(Stop::failed(self.shared(attempt, &failure)));
            }
        }
        Ok(())
    }

    /// Asks for the account that the sign-in could not find out.
    pub(super) fn fill_account(&self, held: &mut ComparedRecord<'_>) {
        if let AccessState::Alive(account) = ask_about(held.record(), self.github, self.clock) {
            let _ = held.change(|record| record.account = Some(account));
        }
    }
}
