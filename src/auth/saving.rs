//! Storing tokens that exist nowhere else.

use std::time::Duration;

use crate::auth::ports::Clock;

/// How long to pause between two tries.
const PAUSE: Duration = Duration::from_millis(200);

/// Tries to save again and again within the limit, unless an error is final.
pub(crate) fn save_with_retries<E>(
    clock: &dyn Clock,
    limit: Duration,
    is_final: impl Fn(&E) -> bool,
    mut save: impl FnMut() -> Result<(), E>,
) -> Result<(), E> {
    let deadline = clock.monotonic() + limit;
    loop {
        match save() {
            Err(error) if !is_final(&error) && clock.monotonic() < deadline => clock.sleep(PAUSE),
            ended => return ended,
        }
    }
}
