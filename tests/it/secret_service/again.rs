//! A record that is read and written again on one connection, while other processes change it.

use ghtok::testing::auth::ports::StoreError;
use ghtok::testing::store::Slot;

use super::bus::PrivateBus;
use super::{items, read, record_of, slot, store};

#[test]
fn what_another_process_did_in_between_counts() {
    let Some(bus) = PrivateBus::with_keyring() else {
        return;
    };
    let (mine, others) = (slot(&bus), slot(&bus));
    let [one, two, three] = [1, 2, 3].map(record_of);
    mine.write(&one).expect("written");
    assert_eq!(read(&mine), Ok(Some(one.clone())));

    others.write(&two).expect("written");
    assert_eq!(read(&mine), Ok(Some(two.clone())));
    others.delete().expect("deleted");
    assert_eq!(read(&mine), Ok(None));

    mine.write(&one).expect("written");
    assert_eq!(read(&mine), Ok(Some(one.clone())));
    others.delete().expect("deleted");
    mine.write(&two).expect("written");
    assert_eq!(read(&others), Ok(Some(two.clone())));

    assert_eq!(read(&mine), Ok(Some(two)));
    store(&bus, &["application", "another"], &three);
    assert_eq!(read(&mine), Ok(Some(three)));
    mine.write(&one).expect("written");
    assert_eq!(items(&bus), 1);

    assert_eq!(read(&mine), Ok(Some(one.clone())));
    bus.lock();
    assert_eq!(mine.write(&one), Err(StoreError::Locked));
    assert_eq!(read(&mine), Err(StoreError::Locked));
}

#[test]
fn a_service_that_was_started_again_in_between_is_written_as_well() {
    let Some(mut bus) = PrivateBus::with_keyring() else {
        return;
    };
    let slot = slot(&bus);
    slot.write(b"one").expect("written");
    assert_eq!(read(&slot), Ok(Some(b"one".to_vec())));
    bus.kill_keyring();
    bus.start_keyring();
    slot.write(b"two").expect("written");
    assert_eq!(read(&slot), Ok(Some(b"two".to_vec())));
    bus.replace_keyring();
    assert_eq!(read(&slot), Ok(None));
    slot.write(b"three").expect("written");
    assert_eq!(read(&slot), Ok(Some(b"three".to_vec())));
}
