//! A real user manager of systemd, with a runtime folder of the test's, in a mount namespace of its own.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use fake_github::Endpoint;
use ghtok::testing::token::{Expiring, TokenSet};
use serde_json::Value;

use super::{Stage, everything};
use crate::secret_service::bus::wait_until;
use crate::support::namespace::{Inside, Namespace};
use crate::support::sandbox::{Run, now};

const MANAGER: &str = "/lib/systemd/systemd";

/// The stage's user session.
struct Session {
    stage: Stage,
    namespace: Namespace,
    manager: Inside,
}

impl Session {
    fn start() -> Option<Self> {
        if !Path::new(MANAGER).exists() {
            skip!("systemd is not installed");
            return None;
        }
        let user = rustix::process::getuid().as_raw();
        let setup = format!(
            "mount -t tmpfs none /run\n\
             mkdir -p /run/systemd/system /run/user/{user}\n\
             chmod 700 /run/user/{user}"
        );
        let namespace = Namespace::open(&setup)?;
        let stage = Stage::new();
        let mut manager = Command::new(MANAGER);
        manager
            .args(["--user", "--log-level=err"])
            .env("HOME", stage.sandbox.home())
            .env("PATH", "/usr/bin:/bin")
            .env("XDG_RUNTIME_DIR", format!("/run/user/{user}"));
        let manager = namespace.start(&manager);
        let session = Self {
            stage,
            namespace,
            manager,
        };
        wait_until("the user manager", || {
            session.systemctl(&["list-timers"]).code == Some(0)
        });
        Some(session)
    }

    fn runtime_dir() -> String {
        format!("/run/user/{}", rustix::process::getuid().as_raw())
    }

    fn systemctl(&self, arguments: &[&str]) -> Run {
        let mut command = Command::new("systemctl");
        command
            .arg("--user")
            .args(arguments)
            .env("PATH", "/usr/bin:/bin")
            .env("XDG_RUNTIME_DIR", Self::runtime_dir());
        self.namespace.run(&command)
    }

    fn ghtok(&self, arguments: &[&str]) -> Run {
        let folders = [Path::new("/usr/bin"), Path::new("/bin")];
        let mut command = self.stage.command(&folders, arguments);
        // The manager has no bus of the test's; it is found by the folder.
        command.env("XDG_RUNTIME_DIR", Self::runtime_dir());
        command.env_remove("DBUS_SESSION_BUS_ADDRESS");
        self.namespace.run(&command)
    }

    fn property(&self, unit: &str, name: &str) -> String {
        let property = format!("--property={name}");
        let told = self
            .systemctl(&["show", "--value", &property, unit])
            .expect_code(0);
        told.stdout.trim().to_owned()
    }
}

#[test]
fn installed_run_looked_at_and_removed_by_a_real_manager() {
    let Some(mut session) = Session::start() else {
        return;
    };
    let stage = &session.stage;
    stage.sandbox.seed(&stage.fake, Duration::ZERO);
    let mut record = stage.sandbox.record();
    if let TokenSet::Expiring {
        refresh: Some(Expiring { expires_at, .. }),
        ..
    } = &mut record.tokens
    {
        *expires_at = now().after(Duration::from_secs(20 * 24 * 3600));
    }
    stage.sandbox.put(&record);
    let home = stage.sandbox.home();
    let before: Vec<_> = everything(home).into_keys().collect();

    // Nobody names a scheduler: this one works.
    session.ghtok(&["schedule", "install"]).expect_code(0);
    let told = session
        .ghtok(&["schedule", "status", "--json"])
        .expect_code(0);
    let document: Value = serde_json::from_str(&told.stdout).expect("JSON");
    assert_eq!(document["scheduler"], "systemd");
    assert_eq!(document["drift"], serde_json::json!([]));
    let minute = document["minute"].as_i64().expect("a number");
    let next = document["next_run_at_unix"].as_i64().expect("a time");
    assert!(next > now().0 && next <= now().0 + 3600, "{document}");
    assert_eq!(
        next.rem_euclid(3600) / 60,
        minute,
        "where local time is UTC"
    );
    assert_eq!(session.property("ghtok.timer", "ActiveState"), "active");
    assert_eq!(session.property("ghtok.timer", "Persistent"), "yes");
    assert_eq!(session.property("ghtok.timer", "WakeSystem"), "no");

    // A run, with a refresh in it, by a process that systemd keeps on a short leash.
    session
        .systemctl(&["start", "ghtok.service"])
        .expect_code(0);
    assert_eq!(session.property("ghtok.service", "Result"), "success");
    assert_eq!(stage.fake.count(Endpoint::Refresh), 1);
    assert_eq!(stage.fake.count(Endpoint::DeviceCode), 0, "P5");
    let told = session.ghtok(&["schedule", "status"]).expect_code(0);
    assert!(
        told.stdout
            .contains(": refreshed: the sign-in is valid for 18"),
        "{told:?}"
    );
    // An end that only a person mends is no failure of the unit.
    stage.fake.revoke_authorization(fake_github::CLIENT_ID);
    std::fs::remove_file(stage.sandbox.record_file()).expect("a record");
    session
        .systemctl(&["start", "ghtok.service"])
        .expect_code(0);
    assert_eq!(session.property("ghtok.service", "ExecMainStatus"), "4");
    assert_eq!(session.property("ghtok.service", "Result"), "success");

    session.ghtok(&["schedule", "remove"]).expect_code(0);
    let known = session.systemctl(&["list-unit-files", "ghtok.*"]);
    assert!(known.stdout.contains("0 unit files"), "{known:?}");
    stage.sandbox.put(&record);
    let after: Vec<_> = everything(home).into_keys().collect();
    let ours = |path: &std::path::PathBuf| {
        // What a refresh leaves of a record.
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let kinds = [".lock", ".outcome", ".fingerprints", ".reach"];
        !kinds.iter().any(|kind| name.ends_with(kind))
    };
    let left: Vec<_> = after.into_iter().filter(ours).collect();
    assert_eq!(left, before);
    session.manager.end();
}
