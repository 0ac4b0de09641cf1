//! Sees to it that no server outlives its wrapper, whatever ended that: a process of its own that knows
//! the servers' process groups and waits for the end of its standard input.

use std::io::{BufRead, BufReader, Read};
use std::time::Duration;

use crate::auth::ports::Clock;
use crate::system::process::{Ending, end_group};

/// How long a server has to end in good order.
const GRACE: Duration = Duration::from_secs(1);

/// Reads `+GROUP` and `-GROUP` lines to their end, then ends the groups that are left.
pub fn watch(input: impl Read, clock: &dyn Clock) {
    let mut groups: Vec<u32> = Vec::new();
    for line in BufReader::new(input).lines().map_while(Result::ok) {
        let Some((sign, group)) = line.split_at_checked(1) else {
            continue;
        };
        let Ok(group) = group.parse() else {
            continue;
        };
        match sign {
            "+" => groups.push(group),
            _ => groups.retain(|known| *known != group),
        }
    }
    for (ending, pause) in [(Ending::Asked, GRACE), (Ending::Forced, Duration::ZERO)] {
        groups.retain(|group| end_group(*group, ending));
        if !groups.is_empty() {
            clock.sleep(pause);
        }
    }
}
