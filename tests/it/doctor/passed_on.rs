//! Errors of other parts that doctor passes on: a store, a limit or a certificate that every command would
//! fail with.

use std::fs;

use fake_github::{FakeGitHub, TlsIdentity};
use ghtok::testing::auth::record::{RefreshRejected, Rejected};

use super::accounts::{hurried, is_fixed_by_signing_in, with_record};
use super::patient::{Findings, Patient};
use crate::secret_service::bus::PrivateBus;
use crate::secret_service::confirms_access::{Items, Service};
use crate::support::mount::SmallDisk;
use crate::support::records::{FRESH, let_expire, sign_in};
use crate::support::sandbox::now;

/// Signed in to a file, beside this session's keychain.
fn beside(bus: &PrivateBus) -> Patient {
    let patient = Patient::new();
    patient.sandbox.seed(&patient.fake, FRESH);
    let address = bus.session().bus_address.expect("an address");
    patient.with("DBUS_SESSION_BUS_ADDRESS", address)
}

#[test]
fn a_keychain_that_does_not_answer() {
    let Some(bus) = PrivateBus::with_keyring() else {
        return;
    };
    let patient = beside(&bus).with("GHTOK_STORE", "keychain");
    bus.signal_keyring("STOP");
    let finding = patient.findings().get("store_timed_out");
    assert_eq!(finding["level"], "problem");
    let fix = finding["fix"].as_str().unwrap_or_default();
    assert!(fix.contains("restart your keychain service"), "{finding}");
    bus.signal_keyring("CONT");
    assert!(patient.findings().has("store_empty"));
}

/// The App's own sign-in is elsewhere, and good.
#[test]
fn a_keychain_that_cannot_be_listed() {
    let Some(bus) = PrivateBus::with_keyring() else {
        return;
    };
    let patient = beside(&bus).without(&["GHTOK_STORE"]);
    patient.sandbox.configure("store = 'file'\n");
    bus.signal_keyring("STOP");
    let finding = patient.findings().get("store_not_listed");
    assert_eq!(finding["level"], "warning");
    assert!(finding["fix"].as_str().is_some(), "{finding}");
    bus.signal_keyring("CONT");
    assert!(!patient.findings().has("store_not_listed"));
}

#[test]
fn a_keychain_that_asks_at_each_read() {
    let Some(bus) = PrivateBus::without_keyring() else {
        return;
    };
    let service = Service::start(&bus, Items::Ours);
    let patient = beside(&bus).with("GHTOK_STORE", "keychain");
    let finding = patient.is_advised_about("store_confirms_access", "problem");
    assert!(
        finding["command"]
            .as_str()
            .is_some_and(|command| command.starts_with("ghtok login")),
        "{finding}"
    );
    assert_eq!(service.prompts(), 0, "doctor asks nobody");
}

#[test]
fn a_state_folder_that_cannot_be_written_now() {
    let patient = Patient::new();
    let Some(disk) = SmallDisk::mount(&patient.sandbox.state_dir()) else {
        return;
    };
    patient.sandbox.seed(&patient.fake, FRESH);
    disk.set_read_only();
    let tested = || Findings::of(&patient.run("ghtok doctor --write-test --json --full"));
    let finding = tested().get("state_read_only");
    assert_eq!(finding["level"], "problem");
    assert!(
        finding["fix"]
            .as_str()
            .is_some_and(|fix| fix.contains("outside this sandbox")),
        "{finding}"
    );
    disk.set_writable();
    assert!(tested().has("store_writable"));
    disk.fill();
    assert_eq!(tested().get("file")["level"], "problem");
    disk.free();
    assert!(tested().has("store_writable"));
}

#[test]
fn a_limit_of_this_process() {
    let patient = Patient::new();
    patient.sandbox.seed(&patient.fake, FRESH);
    let line = "ghtok doctor --write-test --json --full";
    let limited = Findings::of(&patient.run(&format!(
        "(trap '' XFSZ; ulimit -f 0; {line}) | cat; exit 1"
    )));
    let finding = limited.get("process_limit");
    assert_eq!(finding["level"], "problem");
    assert!(
        finding["fix"]
            .as_str()
            .is_some_and(|fix| fix.contains("raise the limit")),
        "{finding}"
    );
    assert!(Findings::of(&patient.run(line)).has("store_writable"));
}

#[test]
fn a_token_that_came_without_a_refresh_token_and_is_over() {
    let over = |record: &mut ghtok::testing::auth::record::Record| {
        if let ghtok::testing::token::TokenSet::Expiring { refresh, .. } = &mut record.tokens {
            *refresh = None;
        }
    };
    let patient = with_record(hurried(), over);
    let_expire(&patient.sandbox);
    is_fixed_by_signing_in(&patient, "expired", "problem");
    let patient = with_record(hurried(), |record| {
        over(record);
        record.rejected = Some(Rejected::Confirmed(now()));
    });
    is_fixed_by_signing_in(&patient, "access_refused", "problem");
}

#[test]
fn a_sign_in_that_was_lost_in_a_refresh() {
    let patient = with_record(hurried(), |record| {
        record.refresh_rejected = Some(RefreshRejected {
            at: now(),
            interrupted_at: Some(now()),
            access_checked_at: None,
        });
    });
    is_fixed_by_signing_in(&patient, "sign_in_lost", "problem");
}

#[track_caller]
fn unreachable(patient: &Patient, fix: &str) {
    let found = Findings::of(&patient.run("ghtok doctor --online --json --full"));
    let finding = found.get("host_unreachable");
    assert_eq!(finding["level"], "problem");
    assert!(
        finding["fix"]
            .as_str()
            .is_some_and(|text| text.contains(fix)),
        "{finding}"
    );
}

#[test]
fn certificates_that_nobody_knows_and_none_at_all() {
    let fake = FakeGitHub::builder().tls(TlsIdentity::Valid).start();
    let patient = Patient::at(fake.expect("a fake"));
    let host = patient.fake.base_url().to_owned();
    let patient = patient.with("GHTOK_HOST", host);
    sign_in(&patient.sandbox, &patient.fake, FRESH);
    unreachable(&patient, "set ca_file in config.toml");
    let empty = patient.write("empty.pem", "");
    let without = patient.with("SSL_CERT_FILE", empty.to_string_lossy());
    let online = "ghtok doctor --online --json --full";
    let finding = Findings::of(&without.run(online)).get("no_ca_certificates");
    assert_eq!(finding["level"], "problem");
    assert_eq!(finding["command"], "apt-get install ca-certificates");
    // The advice, followed.
    fs::create_dir_all(without.sandbox.config_dir()).expect("a folder");
    without.write("config/ca.pem", without.fake.ca_pem().expect("TLS is on"));
    without.sandbox.configure("ca_file = 'ca.pem'\n");
    let found = Findings::of(&without.run(online));
    assert!(
        found.has("host_reached") && !found.has("no_ca_certificates"),
        "{found:?}"
    );
}

#[test]
fn a_proxy_that_is_not_there() {
    let patient = Patient::new()
        .with("GHTOK_HOST", "ghes.example")
        .with("HTTPS_PROXY", "http://127.0.0.1:9");
    unreachable(&patient, "check proxy and no_proxy in config.toml");
}
