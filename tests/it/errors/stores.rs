//! What stores can refuse: the keychains of the three systems, the kernel, files, and records in
//! any of them.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use fake_github::Pair;
use ghtok::testing::auth::broker::store_error;
use ghtok::testing::auth::outcome::Outcome;
use ghtok::testing::auth::ports::{LockedStore, OutcomeVersion, StoreError, TokenStore};
use ghtok::testing::auth::record::Record;
use ghtok::testing::error::{Error, StoredTokens};
use ghtok::testing::permits::UnlockPermit;
use ghtok::testing::store::record;
use serde_json::{Value, json};

use super::by_code::app;
use super::page::{self, LOGIN, Page};
use crate::support::sandbox::record_of;

/// A store of which nothing is known but its place.
struct Place(&'static str);

impl TokenStore for Place {
    fn load(&self) -> Result<Option<Record>, StoreError> {
        Ok(None)
    }

    fn try_lock(&self) -> Result<Option<Box<dyn LockedStore + '_>>, StoreError> {
        Ok(None)
    }

    fn unlock(&self, _: &UnlockPermit, _: Duration) -> Result<(), StoreError> {
        Ok(())
    }

    fn outcome(&self) -> Option<Outcome> {
        None
    }

    fn outcome_version(&self) -> OutcomeVersion {
        OutcomeVersion::default()
    }

    fn place(&self) -> String {
        self.0.into()
    }
}

const SECRET_SERVICE: Place = Place("the keychain (Secret Service)");
const KERNEL: Place = Place("the kernel keyring (emptied by a reboot)");
const MACOS: Place = Place("the macOS keychain");
const WINDOWS: Place = Place("the Windows Credential Manager");
const FILE: Place = Place("/home/me/.local/state/ghtok/records/github.com%2FIv1.a");

fn of(error: StoreError, place: &Place) -> Error {
    store_error(error, &app("github.com"), LOGIN, place)
}

pub fn keychains(page: &mut Page) {
    page.section("A keychain that is locked, silent, or not there");
    for error in [
        StoreError::Locked,
        StoreError::ConfirmsAccess,
        StoreError::TimedOut(Duration::from_secs(5)),
    ] {
        page.add(of(error, &SECRET_SERVICE));
    }
    page.add(Error::StoreStayedLocked {
        store: SECRET_SERVICE.place(),
    });
    for store in [SECRET_SERVICE.place().as_str(), "the keychain"] {
        page.add(Error::NotListed {
            store: store.to_owned(),
            cause: StoreError::Locked.to_string(),
        });
    }
    for cause in [
        "no Secret Service is running",
        "the Secret Service does not start",
        "no session bus at DBUS_SESSION_BUS_ADDRESS (unix:path=/tmp/bus): no such file or directory; \
         XDG_RUNTIME_DIR (unix:path=/run/user/1000/bus): connection refused",
        "no session bus at the default address (unix:path=/run/user/1000/bus): no such file or directory",
        "it has no keyring yet, or no database is open in it",
    ] {
        page.add(of(StoreError::Absent(cause.into()), &SECRET_SERVICE));
    }
    for cause in [
        "DBUS_SESSION_BUS_ADDRESS is not a Unix socket: \"autolaunch:\"",
        "cannot connect to the session bus at XDG_RUNTIME_DIR (unix:path=/run/user/1000/bus): permission denied",
        "the session bus at DBUS_SESSION_BUS_ADDRESS (unix:abstract=/tmp/dbus-a) belongs to another user (user ID 1001)",
        "cannot tell whose session bus is at DBUS_SESSION_BUS_ADDRESS (unix:path=/tmp/bus): bad file descriptor",
        "a different bus answers at DBUS_SESSION_BUS_ADDRESS (unix:path=/tmp/bus,guid=0) (its guid differs)",
        "the session bus refused this user",
        "the session bus closed the connection",
        "the connection to the session bus broke: connection reset by peer",
        "the program at the session bus address does not speak D-Bus",
        "the session bus does not know this user",
        "it sent an invalid response",
        "it finds items that it cannot read",
        "the Secret Service stopped while it asked you",
        "cannot do this (org.freedesktop.DBus.Error.Failed)",
        "an error without a name (an error without a name)",
    ] {
        page.add(of(StoreError::Unreachable(cause.into()), &SECRET_SERVICE));
    }
    for cause in [
        "this process may not use kernel keys; containers and sandboxes often forbid it",
        "this process has no permission for the key or its keyring",
        "this kernel does not support keys, or a sandbox hides them",
        "the user keyring itself was revoked",
    ] {
        page.add(of(StoreError::Unreachable(cause.into()), &KERNEL));
    }
    for cause in [
        "the keychain itself is damaged",
        "it failed with an unknown error",
        "no thread could be started: resource temporarily unavailable",
        "it gave no answer",
        "macOS says -25291",
    ] {
        page.add(of(StoreError::Unreachable(cause.into()), &MACOS));
    }
    page.add(of(
        StoreError::Unreachable(
            "this Windows session has none (for example over SSH, or in a scheduled task without a password)"
                .into(),
        ),
        &WINDOWS,
    ));
    for name in ["keychain", "kernel"] {
        page.add(Error::StoreNotAvailable { name });
    }
    page.section("A keychain that does not keep the tokens");
    for cause in [
        "this user's quota of kernel keys is used up (see /proc/sys/kernel/keys)",
        "the kernel is out of memory",
        "the kernel refused it (InvalidArguments)",
    ] {
        page.add(of(StoreError::Failed(cause.into()), &KERNEL));
    }
    for cause in [
        "it does not accept items of more than 2560 bytes",
        "its user is too long",
        "it does not support what ghtok needs",
        "the new item was not stored",
    ] {
        page.add(of(StoreError::Failed(cause.into()), &WINDOWS));
    }
    let macos_says = "The disk is full (-34)".to_owned();
    page.add(of(StoreError::Failed(macos_says), &MACOS));
}

pub fn files(page: &mut Page) {
    page.section("Files and folders of ghtok's own");
    for (doing, path, cause) in FILE_TROUBLE {
        let path = PathBuf::from(STATE).join(path);
        let cause = cause.into();
        page.add(of(StoreError::File { doing, path, cause }, &FILE));
    }
    for name in ["a.lock", "records/a.new"] {
        let path = PathBuf::from(STATE).join(name);
        let cause = "read-only file system".to_owned();
        let refresh = Some(LOGIN.replace("login", "refresh"));
        page.add(of(
            StoreError::ReadOnly {
                path: path.clone(),
                cause: cause.clone(),
            },
            &FILE,
        ));
        page.add(Error::ReadOnly {
            path,
            cause,
            refresh,
            tokens: StoredTokens::Kept,
        });
    }
    let limit = format!("cannot open {STATE}/a.lock: too many open files");
    page.add(of(StoreError::Limit(limit.clone()), &FILE));
    page.add(Error::Limit {
        app: page::APP.into(),
        what: "could not refresh the token",
        limit,
        refresh: Some(LOGIN.replace("login", "refresh")),
        tokens: StoredTokens::Kept,
    });
    let failed = of(StoreError::Failed("no space left on device".into()), &FILE);
    page.add(failed.with_an_open_refresh());
    let path = PathBuf::from("/home/me/my state/records/a");
    page.add(of(StoreError::Exposed { path, mode: 0o644 }, &FILE));
    for cause in RESCUE_TROUBLE {
        let trouble = StoreError::File {
            doing: "seal",
            path: PathBuf::from(STATE).join("a.rescue"),
            cause: cause.into(),
        };
        page.add(of(StoreError::Failed(trouble.to_string()), &FILE));
    }
}

const STATE: &str = "/home/me/.local/state/ghtok";

/// Every word that the state folder's files have for what was tried, and each reason that is ours.
const FILE_TROUBLE: [(&str, &str, &str); 21] = [
    ("read", "a.store", "permission denied"),
    ("read", "a.store", "it is a symbolic link"),
    ("read", "records/a", "it is not a regular file"),
    (
        "read",
        "records/a",
        "it has a second hard link; remove one of the two",
    ),
    ("read", "records/a", "it is too large"),
    ("read", "records/a", "it belongs to another user"),
    ("open", "a.outcome", "permission denied"),
    ("replace", "records/a", "is a directory"),
    ("replace", "records/a", "another process is writing it"),
    ("create", "records/a.new", "no space left on device"),
    ("write", "records/a.new", "no space left on device"),
    ("remove", "records/a", "permission denied"),
    ("create", "", "read-only file system"),
    (
        "create a folder in",
        "",
        "it belongs to another user; check HOME",
    ),
    ("use", "", "it is not a folder"),
    (
        "use",
        "",
        "it is a shared folder; use one that is only for ghtok",
    ),
    ("protect", "", "operation not permitted"),
    ("sync", "records", "input/output error"),
    ("lock", "a.lock", "no locks available"),
    (
        "take over the lock",
        "a.lock",
        "the inherited file is another one",
    ),
    ("reserve space in", "a.rescue", "no space left on device"),
];

/// A refresher's own troubles reach people by way of the outcome, as a store's failure.
const RESCUE_TROUBLE: [&str; 2] = ["the cipher refused", "the tokens are too long for it"];

pub fn records(page: &mut Page) {
    page.section("A stored sign-in that cannot be read");
    page.add(damaged(b""));
    let whole = record::encode(&whole_record());
    let whole: Value = serde_json::from_slice(&whole).expect("a record");
    let changes: [(&str, Value); 9] = [
        ("v", json!(2)),
        ("v", json!(0)),
        ("generation", json!(0)),
        ("access_token", json!("ghu_a\nb")),
        ("refresh_expires", Value::Null),
        ("login", Value::Null),
        ("intent", json!({"generation": 2, "key": "00", "at": 0})),
        (
            "intent",
            json!({"generation": 2, "key": "zz".repeat(32), "at": 0}),
        ),
        ("intent", json!(1)),
    ];
    for (name, value) in changes {
        let mut record = whole.clone();
        let fields = record.as_object_mut().expect("an object");
        if value.is_null() {
            fields.remove(name);
        } else {
            fields.insert(name.into(), value);
        }
        page.add(damaged(record.to_string().as_bytes()));
    }
    for problem in [
        "2 items have this name",
        "the item is not in the system's format",
    ] {
        page.add(of(StoreError::Damaged(problem.into()), &MACOS));
    }
}

fn damaged(bytes: &[u8]) -> Error {
    of(record::decode(bytes).expect_err("no record"), &FILE)
}

fn whole_record() -> Record {
    let pair = Pair {
        client_id: String::new(),
        login: "octocat".into(),
        user_id: 1,
        access_token: "ghu_a".into(),
        refresh_token: Some("ghr_a".into()),
        expires_in: None,
        refresh_token_expires_in: None,
    };
    record_of(&pair, Duration::from_secs(60))
}

/// What a store says of itself stands in steps and outcomes as well.
pub fn every_store_error_is_there() {
    let all = [
        StoreError::Locked,
        StoreError::ConfirmsAccess,
        StoreError::Unreachable("the session bus refused this user".into()),
        StoreError::Absent("no Secret Service is running".into()),
        StoreError::TimedOut(Duration::from_secs(5)),
        StoreError::Failed("it is full".into()),
        StoreError::Damaged("it is not a record".into()),
        StoreError::Newer(2),
        StoreError::File {
            doing: "read",
            path: STATE.into(),
            cause: "it is not a folder".into(),
        },
        StoreError::ReadOnly {
            path: STATE.into(),
            cause: "read-only file system".into(),
        },
        StoreError::Limit("cannot open it: too many open files".into()),
        StoreError::Exposed {
            path: STATE.into(),
            mode: 0o644,
        },
    ];
    let shown: BTreeSet<&str> = all.iter().map(page::store_error).collect();
    assert_eq!(shown.len(), page::STORE_ERRORS.len(), "{shown:?}");
}
