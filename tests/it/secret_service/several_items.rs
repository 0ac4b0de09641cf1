//! More than one item of ours, and items that somebody else put in our place.

use ghtok::testing::auth::ports::StoreError;
use ghtok::testing::store::{Slot, record};

use super::bus::PrivateBus;
use super::{items, lookup, read, record_of, slot, store};

#[test]
fn the_highest_generation_counts_and_a_write_leaves_one_item() {
    let Some(bus) = PrivateBus::with_keyring() else {
        return;
    };
    let slot = slot(&bus);
    for (tag, generation) in [("a", 7), ("b", 12), ("c", 9)] {
        store(&bus, &["tag", tag], &record_of(generation));
    }
    store(&bus, &["tag", "d"], b"not a record");
    assert_eq!(items(&bus), 4);
    assert_eq!(read(&slot), Ok(Some(record_of(12))));

    slot.write(&record_of(13)).expect("written");
    assert_eq!((items(&bus), lookup(&bus)), (1, record_of(13)));
}

#[test]
fn a_later_ghtoks_item_is_never_passed_over() {
    let Some(bus) = PrivateBus::with_keyring() else {
        return;
    };
    store(&bus, &["tag", "a"], &record_of(7));
    store(&bus, &["tag", "b"], br#"{"v":2}"#);
    let found = read(&slot(&bus)).expect("readable").expect("an item");
    assert_eq!(record::decode(&found).err(), Some(StoreError::Newer(2)));
}

#[test]
fn a_foreign_item_in_our_place_is_handed_on_as_it_is() {
    let Some(bus) = PrivateBus::with_keyring() else {
        return;
    };
    let slot = slot(&bus);
    store(&bus, &["application", "another"], b"somebody's password");
    let found = read(&slot).expect("readable").expect("an item");
    assert_eq!(found, b"somebody's password");
    assert!(matches!(
        record::decode(&found),
        Err(StoreError::Damaged(_))
    ));
    slot.delete().expect("deleted");
    assert_eq!(items(&bus), 0);
}

#[test]
fn a_delete_takes_every_item_of_ours() {
    let Some(bus) = PrivateBus::with_keyring() else {
        return;
    };
    for tag in ["a", "b", "c"] {
        store(&bus, &["tag", tag], &record_of(1));
    }
    slot(&bus).delete().expect("deleted");
    assert_eq!((items(&bus), read(&slot(&bus))), (0, Ok(None)));
}
