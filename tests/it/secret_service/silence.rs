//! Every call ends in time, whoever falls silent (P9), and says which kind of silence it was.

use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread;
use std::time::Duration;

use ghtok::testing::auth::ports::StoreError;
use ghtok::testing::bus::SessionBus;
use ghtok::testing::permits::UnlockPermit;
use ghtok::testing::store::Slot;

use super::bus::{PrivateBus, wait_until};
use super::{LIMIT, SecretServiceSlot, read, slot, slot_in, taking};

const TIMED_OUT: StoreError = StoreError::TimedOut(LIMIT);

#[test]
fn a_stopped_daemon_ends_a_call_at_the_limit() {
    let Some(mut bus) = PrivateBus::with_keyring() else {
        return;
    };
    let slot = slot(&bus);
    slot.write(b"kept").expect("written");
    let pid = bus.keyring_pid();
    let large = vec![0; 65_536];
    bus.signal_keyring("STOP");
    assert_eq!(taking(LIMIT, || read(&slot)), Err(TIMED_OUT));
    assert_eq!(taking(LIMIT, || slot.write(&large)), Err(TIMED_OUT));
    assert_eq!(taking(LIMIT, || slot.delete()), Err(TIMED_OUT));
    bus.signal_keyring("CONT");
    assert_eq!(read(&slot), Ok(Some(b"kept".to_vec())));
    assert_eq!(bus.keyring_pid(), pid);
}

#[test]
fn a_stopped_bus_ends_a_call_at_the_limit() {
    let Some(bus) = PrivateBus::with_keyring() else {
        return;
    };
    let slot = slot(&bus);
    let large = vec![0; 65_536];
    bus.signal_bus("STOP");
    assert_eq!(taking(LIMIT, || read(&slot)), Err(TIMED_OUT));
    assert_eq!(taking(LIMIT, || slot.write(&large)), Err(TIMED_OUT));
    bus.signal_bus("CONT");
    assert_eq!(read(&slot), Ok(None));
}

#[test]
fn a_daemon_killed_in_mid_call_is_out_of_reach_at_once() {
    let Some(mut bus) = PrivateBus::with_keyring() else {
        return;
    };
    let slot = slot(&bus);
    slot.write(b"kept").expect("written");
    bus.signal_keyring("STOP");
    let reading = thread::spawn(move || taking(Duration::ZERO, || read(&slot)));
    thread::sleep(Duration::from_millis(500));
    bus.kill_keyring();
    let result = reading.join().expect("an end in time");
    assert!(
        matches!(result, Err(StoreError::Unreachable(_))),
        "{result:?}"
    );
    assert!(
        !bus.has_service(),
        "a locked daemon was started in its place"
    );
}

#[test]
fn a_bus_that_accepts_and_stays_silent_ends_a_call_at_the_limit() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bus");
    let listener = UnixListener::bind(&path).expect("a socket");
    let accepting = thread::spawn(move || listener.accept().map(drop_later));
    let slot = slot_at(&path);
    assert_eq!(taking(LIMIT, || read(&slot)), Err(TIMED_OUT));
    accepting.join().expect("an end").expect("a connection");
}

#[test]
#[expect(unsafe_code, reason = "std gives no way to shorten a socket's queue")]
fn a_bus_with_a_full_queue_ends_a_call_at_the_limit() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bus");
    let listener = UnixListener::bind(&path).expect("a socket");
    // SAFETY: the descriptor is open for as long as `listener` lives.
    assert_eq!(unsafe { libc::listen(listener.as_raw_fd(), 0) }, 0);
    let _in_the_queue = UnixStream::connect(&path).expect("room for one");
    let slot = slot_at(&path);
    assert_eq!(taking(LIMIT, || read(&slot)), Err(TIMED_OUT));
}

#[test]
fn a_bus_that_hangs_up_is_out_of_reach_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bus");
    let listener = UnixListener::bind(&path).expect("a socket");
    let accepting = thread::spawn(move || listener.accept().map(drop));
    let result = taking(Duration::ZERO, || read(&slot_at(&path)));
    assert!(
        matches!(result, Err(StoreError::Unreachable(_))),
        "{result:?}"
    );
    accepting.join().expect("an end").expect("a connection");
}

#[test]
fn what_is_no_bus_is_out_of_reach_at_once() {
    let header_of_a_huge_message =
        [b"OK 0\r\n", &b"l\x02\x01\x01\xff\xff\xff\x7f"[..], &[1; 8]].concat();
    for answer in [
        &b"HTTP/1.0 400 Bad Request\r\n\r\n"[..],
        b"REJECTED DBUS_COOKIE_SHA1\r\n",
        b"OK 0123456789abcdef\r\nno message of D-Bus at all",
        &[b'x'; 10_000],
        &header_of_a_huge_message,
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("bus");
        let listener = UnixListener::bind(&path).expect("a socket");
        let answer = answer.to_vec();
        let answering = thread::spawn(move || {
            let (mut connection, _) = listener.accept().expect("a connection");
            let _ = connection.write_all(&answer);
            drop_later(connection);
        });
        let result = taking(Duration::ZERO, || read(&slot_at(&path)));
        assert!(
            matches!(result, Err(StoreError::Unreachable(_))),
            "{result:?}"
        );
        drop(answering);
    }
}

#[test]
fn answers_may_come_a_byte_at_a_time() {
    let Some(bus) = PrivateBus::with_keyring() else {
        return;
    };
    let record = vec![b'x'; 20_000];
    slot(&bus).write(&record).expect("written");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("slow");
    let listener = UnixListener::bind(&path).expect("a socket");
    let real = bus.socket();
    thread::spawn(move || {
        let (near, _) = listener.accept().expect("a connection");
        let far = UnixStream::connect(real).expect("the bus");
        let (near_again, far_again) = (near.try_clone(), far.try_clone());
        thread::spawn(move || drip(near, far));
        drip(far_again.expect("a socket"), near_again.expect("a socket"));
    });
    assert_eq!(read(&slot_at(&path)), Ok(Some(record)));
}

#[test]
fn a_dead_address_is_out_of_reach_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let dead = folder.path().join("dead");
    drop(UnixListener::bind(&dead).expect("a socket"));
    let nowhere = folder.path().join("nowhere");
    let limit = Duration::from_secs(30);
    for slot in [slot_at(&dead), slot_at(&nowhere)] {
        let result = taking(Duration::ZERO, || read(&slot));
        assert!(matches!(result, Err(StoreError::Absent(_))), "{result:?}");
        assert!(matches!(slot.write(b"x"), Err(StoreError::Absent(_))));
        assert!(matches!(
            slot.unlock(&UnlockPermit::asked_for(), limit),
            Err(StoreError::Absent(_))
        ));
    }
    let other_transport = read(&slot_with("autolaunch:"));
    assert!(matches!(other_transport, Err(StoreError::Unreachable(_))));
}

#[test]
fn a_bus_that_is_gone_is_out_of_reach() {
    let Some(bus) = PrivateBus::with_keyring() else {
        return;
    };
    let slot = slot(&bus);
    bus.signal_bus("KILL");
    wait_until("the end of the bus", || {
        matches!(read(&slot), Err(StoreError::Absent(_)))
    });
}

fn slot_at(path: &Path) -> SecretServiceSlot {
    slot_with(&format!("unix:path={}", path.display()))
}

fn slot_with(address: &str) -> SecretServiceSlot {
    slot_in(SessionBus {
        bus_address: Some(address.to_owned()),
        runtime_dir: Some("/nonexistent".into()),
    })
}

/// Passes bytes on, each by itself.
fn drip(mut from: UnixStream, mut to: UnixStream) {
    let mut byte = [0];
    while from.read_exact(&mut byte).is_ok() && to.write_all(&byte).is_ok() {}
}

/// Keeps a connection open, and silent, until the call on its other end has given up.
fn drop_later<T>(connection: T) {
    thread::sleep(LIMIT + Duration::from_secs(1));
    drop(connection);
}
