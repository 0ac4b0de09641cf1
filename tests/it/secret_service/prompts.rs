//! `unlock`, the one call that may ask a person, and what comes of it where nobody answers.

use std::thread;
use std::time::Duration;

use ghtok::testing::auth::ports::StoreError;
use ghtok::testing::permits::UnlockPermit;
use ghtok::testing::store::Slot;

use super::bus::PrivateBus;
use super::{read, slot, taking};

const AT_ONCE: Duration = Duration::ZERO;
const A_MINUTE: Duration = Duration::from_secs(60);

#[test]
fn what_is_unlocked_needs_no_prompt() {
    let Some(bus) = PrivateBus::with_keyring() else {
        return;
    };
    assert_eq!(
        taking(AT_ONCE, || slot(&bus)
            .unlock(&UnlockPermit::asked_for(), A_MINUTE)),
        Ok(())
    );
}

#[test]
fn without_a_display_it_stays_locked_and_says_so_at_once() {
    let Some(mut bus) = PrivateBus::with_keyring() else {
        return;
    };
    let slot = slot(&bus);
    slot.write(b"kept").expect("written");
    let pid = bus.keyring_pid();
    bus.lock();
    let locked = Err(StoreError::Locked);
    assert_eq!(
        taking(AT_ONCE, || slot
            .unlock(&UnlockPermit::asked_for(), A_MINUTE)),
        locked
    );
    bus.unlock();
    assert_eq!(read(&slot), Ok(Some(b"kept".to_vec())));
    assert_eq!(bus.keyring_pid(), pid);
}

#[test]
fn a_prompt_that_nobody_answers_is_taken_back_at_the_limit() {
    let Some(mut bus) = PrivateBus::with_keyring() else {
        return;
    };
    let slot = slot(&bus);
    slot.write(b"kept").expect("written");
    let pid = bus.keyring_pid();
    let _nobody = bus.hold_prompts();
    bus.lock();
    let limit = Duration::from_secs(3);
    let timed_out = Err(StoreError::TimedOut(limit));
    assert_eq!(
        taking(limit, || slot.unlock(&UnlockPermit::asked_for(), limit)),
        timed_out
    );
    // Nothing of it stands in anybody's way afterwards.
    assert_eq!(taking(AT_ONCE, || read(&slot)), Err(StoreError::Locked));
    bus.unlock();
    assert_eq!(read(&slot), Ok(Some(b"kept".to_vec())));
    assert_eq!(bus.keyring_pid(), pid);
}

#[test]
fn an_unlock_elsewhere_ends_the_wait() {
    let Some(bus) = PrivateBus::with_keyring() else {
        return;
    };
    let slot = slot(&bus);
    slot.write(b"kept").expect("written");
    let _nobody = bus.hold_prompts();
    bus.lock();
    thread::scope(|scope| {
        let own = slot.clone();
        let unlocking = scope.spawn(move || own.unlock(&UnlockPermit::asked_for(), A_MINUTE));
        thread::sleep(Duration::from_secs(3));
        assert!(!unlocking.is_finished());
        bus.unlock();
        let result = taking(AT_ONCE, || unlocking.join());
        assert_eq!(result.expect("an end"), Ok(()));
    });
    assert_eq!(read(&slot), Ok(Some(b"kept".to_vec())));
}

#[test]
fn a_daemon_that_ends_while_it_asks_is_out_of_reach_at_once() {
    let Some(mut bus) = PrivateBus::with_keyring() else {
        return;
    };
    let slot = slot(&bus);
    slot.write(b"kept").expect("written");
    let _nobody = bus.hold_prompts();
    bus.lock();
    thread::scope(|scope| {
        let own = slot.clone();
        let unlocking = scope.spawn(move || own.unlock(&UnlockPermit::asked_for(), A_MINUTE));
        thread::sleep(Duration::from_millis(1500));
        bus.kill_keyring();
        let result = taking(AT_ONCE, || unlocking.join()).expect("an end");
        assert!(
            matches!(result, Err(StoreError::Unreachable(_))),
            "{result:?}"
        );
    });
}

#[test]
fn a_new_user_without_a_display_gets_no_collection() {
    let Some(mut bus) = PrivateBus::without_keyring() else {
        return;
    };
    bus.start_locked_keyring();
    let unlocked = taking(AT_ONCE, || {
        slot(&bus).unlock(&UnlockPermit::asked_for(), A_MINUTE)
    });
    assert!(
        matches!(unlocked, Err(StoreError::Absent(_))),
        "{unlocked:?}"
    );
}

#[test]
fn a_sign_in_may_start_the_service() {
    let Some(bus) = PrivateBus::without_keyring() else {
        return;
    };
    let _ = slot(&bus).unlock(&UnlockPermit::asked_for(), A_MINUTE);
    assert!(bus.has_service());
}
