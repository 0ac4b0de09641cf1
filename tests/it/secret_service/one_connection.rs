//! One connection to the bus for all that a command does, and many records in a few waits.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use ghtok::testing::app::{App, ClientId, RecordKey};
use ghtok::testing::auth::ports::StoreError;
use ghtok::testing::bus::SessionBus;
use ghtok::testing::host::Host;
use ghtok::testing::store::Slot;
use ghtok::testing::store::secret_service::SecretService;

use super::bus::PrivateBus;
use super::{LIMIT, read, record_of, slot, store};

/// A socket that leads to a bus, and counts who comes.
struct Relay {
    folder: tempfile::TempDir,
    connections: Arc<AtomicUsize>,
}

impl Relay {
    fn to(bus: &PrivateBus) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let listener = UnixListener::bind(folder.path().join("relay")).expect("a socket");
        let connections = Arc::new(AtomicUsize::new(0));
        let (count, real) = (Arc::clone(&connections), bus.socket());
        thread::spawn(move || {
            while let Ok((near, _)) = listener.accept() {
                count.fetch_add(1, Ordering::SeqCst);
                if let Ok(far) = UnixStream::connect(&real) {
                    let back = (near.try_clone(), far.try_clone());
                    thread::spawn(move || pass_on(near, far));
                    thread::spawn(move || pass_on(back.1.expect("far"), back.0.expect("near")));
                }
            }
        });
        Self {
            folder,
            connections,
        }
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("relay")
    }

    fn service(&self) -> Arc<SecretService> {
        let session = SessionBus {
            bus_address: Some(format!("unix:path={}", self.socket().display())),
            runtime_dir: Some("/nonexistent".into()),
        };
        SecretService::new(session, LIMIT)
    }

    fn count(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

fn pass_on(mut from: UnixStream, mut to: UnixStream) {
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Both);
}

fn key(number: usize) -> RecordKey {
    App {
        name: None,
        client_id: ClientId::parse(&format!("Iv1.{number:016x}")).expect("an ID"),
        host: Host::parse("github.com").expect("a host"),
        account: None,
        owners: vec![],
    }
    .key()
}

fn plain(
    found: Result<Option<zeroize::Zeroizing<Vec<u8>>>, StoreError>,
) -> Result<Option<Vec<u8>>, StoreError> {
    found.map(|found| found.map(|bytes| bytes.to_vec()))
}

#[test]
fn all_records_of_a_command_share_one_connection() {
    let Some(mut bus) = PrivateBus::with_keyring() else {
        return;
    };
    let pid = bus.keyring_pid();
    let relay = Relay::to(&bus);
    let service = relay.service();
    for number in 0..5 {
        let slot = service.slot(&key(number));
        assert_eq!(plain(slot.read()), Ok(None));
        slot.prove_writable().expect("writable");
        slot.write(b"kept").expect("written");
        assert_eq!(plain(slot.read()), Ok(Some(b"kept".to_vec())));
        slot.delete().expect("deleted");
    }
    assert_eq!((relay.count(), bus.keyring_pid()), (1, pid));
}

#[test]
fn threads_read_side_by_side() {
    let Some(bus) = PrivateBus::with_keyring() else {
        return;
    };
    let relay = Relay::to(&bus);
    let service = relay.service();
    service.slot(&key(0)).write(b"kept").expect("written");
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let found = plain(service.slot(&key(0)).read());
                    assert_eq!(found, Ok(Some(b"kept".to_vec())));
                }
            });
        }
    });
}

#[test]
fn a_kept_connection_outlives_neither_its_bus_nor_its_service() {
    let Some(mut bus) = PrivateBus::with_keyring() else {
        return;
    };
    let relay = Relay::to(&bus);
    let service = relay.service();
    let slot = service.slot(&key(0));
    slot.write(b"kept").expect("written");
    // The session that was opened with the old process is not one of the new process.
    bus.kill_keyring();
    bus.start_keyring();
    assert_eq!(plain(slot.read()), Ok(Some(b"kept".to_vec())));
    slot.write(b"more").expect("written");
    assert_eq!(relay.count(), 1);
    bus.restart();
    bus.start_keyring();
    assert_eq!(plain(slot.read()), Ok(Some(b"more".to_vec())));
    assert_eq!(relay.count(), 2);
}

#[test]
fn records_read_ahead_are_those_that_would_be_read_one_by_one() {
    let Some(bus) = PrivateBus::with_keyring() else {
        return;
    };
    let relay = Relay::to(&bus);
    let service = relay.service();
    let keys: Vec<RecordKey> = (0..250).map(key).collect();
    for key in keys.iter().step_by(3) {
        let slot = service.slot(key);
        slot.write(key.as_str().as_bytes()).expect("written");
    }
    let listing = service.list(&keys).expect("listed");
    assert_eq!(listing.apps.len(), 84);
    for (number, key) in keys.iter().enumerate() {
        let expected = (number % 3 == 0).then(|| key.as_str().as_bytes().to_vec());
        let slot = service.slot(key);
        assert_eq!(plain(slot.read()), Ok(expected), "{}", key.as_str());
        // What is read again is what is there now.
        slot.write(b"new").expect("written");
        assert_eq!(plain(slot.read()), Ok(Some(b"new".to_vec())));
    }
    assert_eq!(relay.count(), 1);
}

#[test]
fn what_needs_more_than_a_look_is_not_read_ahead() {
    let Some(bus) = PrivateBus::with_keyring() else {
        return;
    };
    let service = SecretService::new(bus.session(), LIMIT);
    store(&bus, &["tag", "a"], &record_of(1));
    store(&bus, &["tag", "b"], &record_of(2));
    let keys = [super::key(), key(1)];
    let _ = service.list(&keys);
    let newest = plain(service.slot(&keys[0]).read());
    assert_eq!(newest, Ok(Some(record_of(2))), "of two items");
    slot(&bus).delete().expect("deleted");
    bus.lock();
    let _ = service.list(&keys);
    for key in &keys {
        assert_eq!(plain(service.slot(key).read()), Err(StoreError::Locked));
    }
    bus.unlock();
    assert_eq!(read(&slot(&bus)), Ok(None));
}
