//! "Nothing there", "locked" and "nobody to ask" are three things. None of them asks a person.

use std::time::Duration;

use ghtok::testing::auth::ports::StoreError;
use ghtok::testing::store::Slot;

use super::bus::PrivateBus;
use super::{items, read, slot, store, taking};

const AT_ONCE: Duration = Duration::ZERO;

#[test]
fn a_locked_collection_is_locked_for_every_call_at_once() {
    let Some(mut bus) = PrivateBus::with_keyring() else {
        return;
    };
    let slot = slot(&bus);
    slot.write(b"kept").expect("written");
    let pid = bus.keyring_pid();
    bus.lock();
    assert_eq!(taking(AT_ONCE, || read(&slot)), Err(StoreError::Locked));
    assert_eq!(
        taking(AT_ONCE, || slot.write(b"new")),
        Err(StoreError::Locked)
    );
    assert_eq!(taking(AT_ONCE, || slot.delete()), Err(StoreError::Locked));
    assert_eq!(slot.prove_writable(), Err(StoreError::Locked));

    bus.unlock();
    assert_eq!(read(&slot), Ok(Some(b"kept".to_vec())));
    assert_eq!((bus.keyring_pid(), items(&bus)), (pid, 1));
}

#[test]
fn nothing_found_in_a_locked_collection_is_not_nothing() {
    let Some(bus) = PrivateBus::with_keyring() else {
        return;
    };
    let slot = slot(&bus);
    bus.lock();
    assert_eq!(read(&slot), Err(StoreError::Locked));
    assert_eq!(slot.write(b"new"), Err(StoreError::Locked));
    assert_eq!(slot.delete(), Err(StoreError::Locked));
    bus.unlock();
    assert_eq!(items(&bus), 0);
}

#[test]
fn a_daemon_that_nobody_unlocked_is_locked() {
    let Some(mut bus) = PrivateBus::with_keyring() else {
        return;
    };
    store(&bus, &[], b"kept");
    bus.kill_keyring();
    bus.start_locked_keyring();
    assert_eq!(read(&slot(&bus)), Err(StoreError::Locked));
    bus.unlock();
    assert_eq!(read(&slot(&bus)), Ok(Some(b"kept".to_vec())));
}

#[test]
fn a_new_user_has_no_record_and_nowhere_to_put_one() {
    let Some(mut bus) = PrivateBus::without_keyring() else {
        return;
    };
    bus.start_locked_keyring();
    let slot = slot(&bus);
    assert_eq!(read(&slot), Ok(None));
    assert_eq!(slot.delete(), Ok(()));
    let absent = |result| matches!(result, Err(StoreError::Absent(_)));
    assert!(absent(slot.write(b"new")));
    assert!(absent(slot.prove_writable()));
}

#[test]
fn no_service_is_out_of_reach_and_none_is_started_locked() {
    let Some(bus) = PrivateBus::without_keyring() else {
        return;
    };
    let nobody = StoreError::Absent("no Secret Service is running".into());
    let slot = slot(&bus);
    assert_eq!(taking(AT_ONCE, || read(&slot)), Err(nobody.clone()));
    assert_eq!(slot.write(b"new"), Err(nobody.clone()));
    assert_eq!(slot.delete(), Err(nobody.clone()));
    assert_eq!(slot.prove_writable(), Err(nobody));
    assert!(!bus.has_service(), "a locked daemon was started");
}

#[test]
fn a_daemon_that_waits_unlocked_since_the_log_in_is_put_on_the_bus() {
    let Some(mut bus) = PrivateBus::without_keyring() else {
        return;
    };
    bus.start_waiting_keyring();
    assert!(!bus.has_service());
    let slot = slot(&bus);
    assert_eq!(read(&slot), Ok(None));
    slot.write(b"kept").expect("written");
    assert_eq!(read(&slot), Ok(Some(b"kept".to_vec())));
}
