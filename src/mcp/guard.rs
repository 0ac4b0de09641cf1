//! Sees to it that no server outlives its wrapper, whatever ended that: a process of its own that knows
//! the servers' families and waits for the end of its standard input.

use std::io::{BufRead, BufReader, Read};
use std::time::Duration;

use crate::auth::ports::Clock;
use crate::system::process::{Ending, Family};

/// How long a server has to end in good order.
const GRACE: Duration = Duration::from_secs(1);

/// Reads `+NUMBER` and `-NUMBER` lines to their end, then ends the families that are left.
pub fn watch(input: impl Read, clock: &dyn Clock) {
    let mut numbers: Vec<u32> = Vec::new();
    for line in BufReader::new(input).lines().map_while(Result::ok) {
        let Some((sign, number)) = line.split_at_checked(1) else {
            continue;
        };
        let Ok(number) = number.parse() else {
            continue;
        };
        match sign {
            "+" => numbers.push(number),
            _ => numbers.retain(|known| *known != number),
        }
    }
    let mut families: Vec<Family> = numbers.into_iter().filter_map(Family::of_number).collect();
    for (ending, pause) in [(Ending::Asked, GRACE), (Ending::Forced, Duration::ZERO)] {
        families.retain(|family| family.end(ending));
        if !families.is_empty() {
            clock.sleep(pause);
        }
    }
}
