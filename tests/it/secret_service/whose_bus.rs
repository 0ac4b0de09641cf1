//! Where the session bus is looked for, and that nobody but its user or root is taken for it.

use std::fs;
use std::io::{Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use ghtok::testing::auth::ports::StoreError;
use ghtok::testing::bus::SessionBus;
use ghtok::testing::store::Slot;

use super::bus::PrivateBus;
use super::{read, slot_in, taking};

const AT_ONCE: Duration = Duration::ZERO;
const NOBODY: libc::uid_t = 65_534;
const GUID: &str = "0123456789abcdef0123456789abcdef";
const SECRET: &[u8] = b"ghr_a_token_that_nobody_else_may_see";

/// A bus that answers the greeting, and keeps what it is told.
struct FakeBus {
    heard: Receiver<Vec<u8>>,
}

impl FakeBus {
    /// Listens as this user; `None` where only root could do that.
    fn listen(at: SocketAddr, user: libc::uid_t) -> Option<Self> {
        let listener = thread::spawn(move || {
            become_user(user).then(|| UnixListener::bind_addr(&at).expect("a socket"))
        });
        let Some(listener) = listener.join().expect("a listener") else {
            skip!("only root may listen as another user");
            return None;
        };
        let (tell, heard) = channel();
        thread::spawn(move || {
            while let Ok((connection, _)) = listener.accept() {
                let _ = tell.send(conversation(connection));
            }
        });
        Some(Self { heard })
    }

    /// What the first connection brought.
    fn heard(&self) -> Vec<u8> {
        let patience = Duration::from_secs(10);
        self.heard.recv_timeout(patience).expect("a connection")
    }
}

fn conversation(mut connection: UnixStream) -> Vec<u8> {
    let patience = Some(Duration::from_secs(5));
    connection.set_read_timeout(patience).expect("a limit");
    let _ = connection.write_all(format!("OK {GUID}\r\n").as_bytes());
    let mut heard = Vec::new();
    let _ = connection.read_to_end(&mut heard);
    heard
}

/// This thread alone becomes another user: the kernel notes who begins to listen.
#[expect(
    unsafe_code,
    reason = "std changes no user, and libc's call changes all threads"
)]
fn become_user(user: libc::uid_t) -> bool {
    // SAFETY: the call takes three numbers and touches no memory of ours.
    let changed = unsafe { libc::syscall(libc::SYS_setresuid, -1, user, -1) };
    changed == 0
}

fn session(bus_address: String, runtime_dir: &Path) -> SessionBus {
    SessionBus {
        bus_address: Some(bus_address),
        runtime_dir: Some(runtime_dir.to_owned()),
    }
}

fn open_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).expect("a mode");
    folder
}

fn own_user() -> libc::uid_t {
    rustix::process::getuid().as_raw()
}

#[track_caller]
fn refusal(result: Result<Option<Vec<u8>>, StoreError>) -> String {
    match result {
        Err(StoreError::Unreachable(cause) | StoreError::Absent(cause)) => cause,
        other => panic!("{other:?}"),
    }
}

/// A bus that would answer at the next place must not be asked.
fn next_place(folder: &Path) -> (FakeBus, PathBuf) {
    let at = SocketAddr::from_pathname(folder.join("bus")).expect("a path");
    let bus = FakeBus::listen(at, own_user()).expect("a bus of our own");
    (bus, folder.to_owned())
}

#[test]
fn p6_another_users_bus_is_sent_nothing() {
    let folder = open_folder();
    let path = folder.path().join("stale");
    let name = format!("ghtok-test-{}", std::process::id());
    let places = [
        (
            SocketAddr::from_pathname(&path).expect("a path"),
            format!("unix:path={}", path.display()),
        ),
        (
            SocketAddr::from_abstract_name(&name).expect("a name"),
            format!("unix:abstract={name},guid={GUID}"),
        ),
    ];
    for (at, address) in places {
        let Some(fake) = FakeBus::listen(at, NOBODY) else {
            return;
        };
        let run = tempfile::tempdir().expect("a folder");
        let (next, runtime_dir) = next_place(run.path());
        let also = format!("{address};unix:path={}", run.path().join("bus").display());
        let slot = slot_in(session(also, &runtime_dir));
        let cause = refusal(taking(AT_ONCE, || read(&slot)));
        for part in ["DBUS_SESSION_BUS_ADDRESS", &address, "65534"] {
            assert!(cause.contains(part), "{cause}");
        }
        assert_eq!(fake.heard(), b"");
        let written = taking(AT_ONCE, || slot.write(SECRET));
        assert!(matches!(written, Err(StoreError::Unreachable(_))));
        assert_eq!(fake.heard(), b"");
        assert!(next.heard.try_recv().is_err(), "another bus was asked");
    }
}

#[test]
fn p6_a_bus_with_another_guid_than_the_address_gets_no_secret() {
    let folder = open_folder();
    let path = folder.path().join("other");
    let at = SocketAddr::from_pathname(&path).expect("a path");
    let fake = FakeBus::listen(at, own_user()).expect("a bus of our own");
    let run = tempfile::tempdir().expect("a folder");
    let (next, runtime_dir) = next_place(run.path());
    let address = format!("unix:path={},guid=ffffffff", path.display());
    let slot = slot_in(session(address.clone(), &runtime_dir));
    let cause = refusal(taking(AT_ONCE, || read(&slot)));
    assert!(
        cause.contains(&address) && cause.contains("guid differs"),
        "{cause}"
    );
    let written = taking(AT_ONCE, || slot.write(SECRET));
    assert!(matches!(written, Err(StoreError::Unreachable(_))));
    for _ in 0..2 {
        let heard = fake.heard();
        assert!(!heard.windows(SECRET.len()).any(|part| part == SECRET));
    }
    assert!(next.heard.try_recv().is_err(), "another bus was asked");
}

#[test]
fn a_bus_address_that_is_gone_leads_to_the_bus_of_the_session() {
    let Some(bus) = PrivateBus::with_keyring() else {
        return;
    };
    let session_folder = bus.socket().parent().expect("a folder").to_owned();
    let gone = session_folder.join("gone");
    drop(UnixListener::bind(&gone).expect("a socket that nobody listens at"));
    for address in [
        "unix:path=/nonexistent/bus".to_owned(),
        format!("unix:path={}", gone.display()),
        format!("unix:path={}/below", gone.display()),
        "unix:abstract=/tmp/dbus-ghtok-gone,guid=00;unix:path=/nonexistent/bus".to_owned(),
        String::new(),
    ] {
        let slot = slot_in(session(address.clone(), &session_folder));
        assert_eq!(taking(AT_ONCE, || read(&slot)), Ok(None), "{address}");
    }
    let real = format!("unix:path=/nonexistent/bus;{}", bus.address());
    let slot = slot_in(session(real, Path::new("/nonexistent")));
    assert_eq!(read(&slot), Ok(None), "the guid is the one of the address");
}

#[test]
fn no_other_bus_is_taken_while_the_first_may_be_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let circle = folder.path().join("circle");
    symlink(&circle, &circle).expect("a link");
    let (next, runtime_dir) = next_place(folder.path());
    let address = format!("unix:path={}", circle.display());
    let cause = refusal(read(&slot_in(session(address.clone(), &runtime_dir))));
    assert!(cause.contains(&address), "{cause}");
    let other_transport = session(
        "unix:path=/nonexistent/bus;tcp:host=a,port=1".into(),
        &runtime_dir,
    );
    refusal(read(&slot_in(other_transport)));
    assert!(next.heard.try_recv().is_err(), "another bus was asked");
}

#[test]
fn without_a_bus_every_place_is_named_with_its_reason() {
    let address = "unix:path=/nonexistent/\u{1b}[31mbus".to_owned();
    let slot = slot_in(session(address, Path::new("/nonexistent/run")));
    let cause = refusal(taking(AT_ONCE, || read(&slot)));
    assert_eq!(
        cause,
        "no session bus at DBUS_SESSION_BUS_ADDRESS (unix:path=/nonexistent/ [31mbus): no such file or \
         directory; XDG_RUNTIME_DIR (unix:path=/nonexistent/run/bus): no such file or directory"
    );
}
