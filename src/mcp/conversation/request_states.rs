//! Which server has issued a `requestState` (revision 2026-07-28). Some seal it with a key of their
//! process, so that no other one can read it.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};

/// The last states, as hashes: some are long.
#[derive(Debug, Default)]
pub(super) struct RequestStates(VecDeque<(u64, u32)>);

/// How many states are remembered. A client comes back with one when a person has answered.
const MOST: usize = 256;

impl RequestStates {
    /// This server has asked the client to come back with it.
    pub(super) fn issued(&mut self, state: &str, server: u32) {
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        self.0.push_back((hash(state), server));
    }

    /// True if another server has issued it, and not this one.
    pub(super) fn is_foreign(&self, state: &str, server: u32) -> bool {
        let hash = hash(state);
        let newest = self.0.iter().rev().find(|(known, _)| *known == hash);
        newest.is_some_and(|(_, issuer)| *issuer != server)
    }
}

fn hash(state: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_foreign_to_all_servers_but_its_last_issuer() {
        let mut states = RequestStates::default();
        states.issued("a", 1);
        states.issued("same", 1);
        states.issued("same", 2);
        for (state, server, is_foreign) in [
            ("a", 1, false),
            ("a", 2, true),
            ("same", 2, false),
            ("same", 3, true),
            ("unknown", 2, false),
        ] {
            assert_eq!(
                states.is_foreign(state, server),
                is_foreign,
                "{state} {server}"
            );
        }
        for number in 0..MOST {
            states.issued(&number.to_string(), 3);
        }
        assert!(!states.is_foreign("a", 2), "forgotten");
    }
}
