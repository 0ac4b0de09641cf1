//! The Secret Service store on a real gnome-keyring, with `secret-tool` as the witness.

mod absent_and_locked;
mod again;
pub mod bus;
pub mod confirms_access;
mod one_connection;
mod prompts;
mod several_items;
mod silence;
mod whose_bus;

use std::time::{Duration, Instant};

use ghtok::testing::app::{App, ClientId, RecordKey};
use ghtok::testing::auth::ports::StoreError;
use ghtok::testing::auth::record::Record;
use ghtok::testing::bus::SessionBus;
use ghtok::testing::host::Host;
use ghtok::testing::store::secret_service::SecretServiceSlot;
use ghtok::testing::store::{Slot, record};
use ghtok::testing::token::{AccessToken, Timestamp, TokenSet};

use self::bus::PrivateBus;

const LIMIT: Duration = Duration::from_secs(2);
const CLIENT_ID: &str = "Iv1.0123456789abcdef";
const KEY: &str = "github.com/Iv1.0123456789abcdef";

fn key() -> RecordKey {
    App {
        name: None,
        client_id: ClientId::parse(CLIENT_ID).expect("an ID"),
        host: Host::parse("github.com").expect("a host"),
        account: None,
        owners: vec![],
    }
    .key()
}

fn slot_in(session: SessionBus) -> SecretServiceSlot {
    SecretServiceSlot::new(&key(), session, LIMIT)
}

fn slot(bus: &PrivateBus) -> SecretServiceSlot {
    slot_in(bus.session())
}

/// What the slot reads, as plain bytes.
fn read(slot: &SecretServiceSlot) -> Result<Option<Vec<u8>>, StoreError> {
    slot.read().map(|found| found.map(|bytes| bytes.to_vec()))
}

fn record_of(generation: u64) -> Vec<u8> {
    record::encode(&Record {
        generation,
        tokens: TokenSet::Permanent(AccessToken::new(format!("ghu_{generation}"))),
        obtained_at: Timestamp(1),
        account: None,
        intent: None,
        rejected: None,
        refresh_rejected: None,
    })
    .to_vec()
}

/// What the bus and gnome-keyring take over an answer, a prompter that they have to start first
/// and a busy machine included. It is far from every limit that it must not be mistaken for.
const SLACK: Duration = Duration::from_secs(4);

/// Runs something that must take this long, or not much longer.
#[track_caller]
fn taking<T>(expected: Duration, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    let taken = start.elapsed();
    assert!(
        taken >= expected && taken <= expected + SLACK,
        "it took {taken:?}, not {expected:?}"
    );
    result
}

fn lookup(bus: &PrivateBus) -> Vec<u8> {
    let found = bus.secret_tool(&["lookup", "service", "ghtok", "username", KEY], b"");
    assert!(found.status.success(), "secret-tool found nothing");
    found.stdout
}

/// Stores an item by `secret-tool`; these attributes come on top of ours.
fn store(bus: &PrivateBus, more: &[&str], secret: &[u8]) {
    let ours = [
        "store",
        "--label=a test",
        "service",
        "ghtok",
        "username",
        KEY,
    ];
    let stored = bus.secret_tool(&[&ours[..], more].concat(), secret);
    assert!(stored.status.success(), "secret-tool stored nothing");
}

/// How many items have our attributes.
fn items(bus: &PrivateBus) -> usize {
    let ours = ["search", "--all", "service", "ghtok", "username", KEY];
    let found = bus.secret_tool(&ours, b"");
    let text = String::from_utf8(found.stdout).expect("UTF-8");
    text.lines()
        .filter(|line| line.starts_with("secret = "))
        .count()
}

#[test]
fn what_ghtok_writes_secret_tool_reads_and_the_other_way_round() {
    let Some(mut bus) = PrivateBus::with_keyring() else {
        return;
    };
    let slot = slot(&bus);
    let pid = bus.keyring_pid();
    assert_eq!(read(&slot), Ok(None));
    assert_eq!(slot.prove_writable(), Ok(()));
    assert_eq!(items(&bus), 0, "proving that it is writable wrote");

    slot.write(b"first").expect("written");
    assert_eq!(lookup(&bus), b"first");
    slot.write(b"second").expect("written over");
    assert_eq!((lookup(&bus), items(&bus)), (b"second".to_vec(), 1));

    store(&bus, &[], b"third");
    assert_eq!(slot.prove_writable(), Ok(()));
    assert_eq!(read(&slot), Ok(Some(b"third".to_vec())));

    slot.delete().expect("deleted");
    assert_eq!((read(&slot), items(&bus)), (Ok(None), 0));
    slot.delete().expect("nothing to delete is no failure");
    assert_eq!(bus.keyring_pid(), pid);
}

#[test]
fn a_record_of_any_size_comes_back_as_it_was() {
    let Some(bus) = PrivateBus::with_keyring() else {
        return;
    };
    let slot = slot(&bus);
    let long_tokens = "x".repeat(2 * 520 + 200).into_bytes();
    let every_byte: Vec<u8> = (0..65_536).map(|n: u32| n.to_le_bytes()[0]).collect();
    for bytes in [long_tokens, every_byte, b"{".to_vec(), vec![]] {
        slot.write(&bytes).expect("written");
        assert_eq!(read(&slot), Ok(Some(bytes)));
    }
}

#[test]
fn a_record_outlives_the_daemon() {
    let Some(mut bus) = PrivateBus::with_keyring() else {
        return;
    };
    let slot = slot(&bus);
    slot.write(b"kept").expect("written");
    bus.kill_keyring();
    bus.start_keyring();
    assert_eq!(read(&slot), Ok(Some(b"kept".to_vec())));
}

#[test]
fn one_apps_record_is_not_anothers() {
    let Some(bus) = PrivateBus::with_keyring() else {
        return;
    };
    let mine = slot(&bus);
    let other = App {
        name: None,
        client_id: ClientId::parse("Iv1.other").expect("an ID"),
        host: Host::parse("github.com").expect("a host"),
        account: None,
        owners: vec![],
    };
    let theirs = SecretServiceSlot::new(&other.key(), bus.session(), LIMIT);
    mine.write(b"mine").expect("written");
    theirs.write(b"theirs").expect("written");
    mine.delete().expect("deleted");
    assert_eq!(read(&theirs), Ok(Some(b"theirs".to_vec())));
}
