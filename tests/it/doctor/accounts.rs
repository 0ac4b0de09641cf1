//! The store and the sign-in.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use fake_github::CLIENT_ID;
use ghtok::testing::auth::record::{Intent, Record, RefreshRejected, Rejected, RescueKey};
use ghtok::testing::token::Timestamp;

use super::patient::{Findings, Patient};
use crate::support::records::{FRESH, let_expire, sign_in};
use crate::support::sandbox::{Program, now};
use crate::support::signing_in::{decide, hurried_fake};

/// Runs the login that is the fix of this finding, which a person approves.
#[track_caller]
pub fn is_fixed_by_signing_in(patient: &Patient, code: &str, level: &str) {
    let finding = patient.has(code, level);
    let command = finding["command"].as_str().expect("a command");
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    let login = patient.sandbox.command(Program::Hurried, words);
    decide(&patient.fake, login, |code| patient.fake.approve(code)).expect_code(0);
    let after = patient.findings();
    assert!(!after.has(code) && after.has("signed_in"), "{after:?}");
}

pub fn hurried() -> Patient {
    Patient::at(hurried_fake().start().expect("a fake"))
}

/// One whose record was changed so.
pub fn with_record(patient: Patient, change: impl FnOnce(&mut Record)) -> Patient {
    sign_in(&patient.sandbox, &patient.fake, FRESH);
    let mut record = patient.sandbox.record();
    change(&mut record);
    patient.sandbox.put(&record);
    patient
}

#[test]
fn nobody_is_signed_in() {
    is_fixed_by_signing_in(&hurried(), "signed_out", "problem");
}

#[test]
fn a_sign_in_that_vanished() {
    let patient = hurried();
    sign_in(&patient.sandbox, &patient.fake, FRESH);
    let note = patient
        .sandbox
        .state_folder()
        .chosen_store(&patient.sandbox.app().key());
    fs::write(&note, "file\n").expect("a note");
    fs::set_permissions(&note, Permissions::from_mode(0o600)).expect("a mode");
    fs::remove_file(patient.sandbox.record_file()).expect("gone");
    is_fixed_by_signing_in(&patient, "sign_in_vanished", "problem");
}

#[test]
fn a_refresh_token_that_github_refused() {
    let refused = |record: &mut Record| {
        record.refresh_rejected = Some(RefreshRejected {
            at: now(),
            interrupted_at: None,
            access_checked_at: None,
        });
    };
    let patient = with_record(hurried(), refused);
    is_fixed_by_signing_in(&patient, "refresh_refused", "warning");
    let patient = with_record(hurried(), refused);
    let_expire(&patient.sandbox);
    is_fixed_by_signing_in(&patient, "refresh_refused", "problem");
}

#[test]
fn a_sign_in_of_another_account() {
    let patient = hurried();
    let host = patient.fake.host();
    patient.sandbox.configure(&format!(
        "[[app]]\nname = 'work'\nclient_id = '{CLIENT_ID}'\nhost = '{host}'\naccount = 'mona'\n"
    ));
    let key = format!("{}%2F{CLIENT_ID}%2Fmona", host.replace(':', "%3A"));
    let plain = patient.without(&["GHTOK_CLIENT_ID", "GHTOK_HOST"]);
    sign_in(&plain.sandbox, &plain.fake, FRESH);
    let own = plain.sandbox.record_file();
    fs::rename(&own, own.with_file_name(key)).expect("moved");
    let finding = plain.is_advised_about("other_account", "problem");
    assert!(
        finding["message"]
            .as_str()
            .is_some_and(|text| text.contains("octocat"))
    );
    let report = plain.report("");
    assert!(
        !report.stdout.contains("octocat") && !report.stdout.contains("mona"),
        "{report:?}"
    );
}

#[test]
fn a_refresh_that_was_interrupted() {
    let patient = with_record(Patient::new(), |record| {
        record.intent = Some(Intent {
            generation: 2,
            key: RescueKey::from_bytes([7; 32]),
            started_at: now(),
            interrupted_at: None,
        });
    });
    patient.is_fixed_of("refresh_unfinished", "warning");
}

#[test]
fn a_token_that_a_program_saw_rejected() {
    let patient = with_record(Patient::new(), |record| {
        record.rejected = Some(Rejected::Reported(now()));
    });
    patient.is_fixed_of("token_reported", "warning");
}

#[test]
fn a_record_that_cannot_be_read() {
    let patient = hurried();
    patient.sandbox.put_bytes(b"{\"v\":1,");
    is_fixed_by_signing_in(&patient, "record_damaged", "problem");
    patient.sandbox.put_bytes(b"{\"v\":99,\"sealed\":\"x\"}");
    is_fixed_by_signing_in(&patient, "record_newer", "problem");
}

#[test]
fn a_record_that_others_may_read() {
    let patient = Patient::new();
    patient.sandbox.seed(&patient.fake, FRESH);
    let file = patient.sandbox.record_file();
    fs::set_permissions(file, Permissions::from_mode(0o644)).expect("a mode");
    patient.is_fixed_of("file", "problem");
}

#[test]
fn a_clock_that_is_behind() {
    let patient = with_record(Patient::new(), |record| {
        record.obtained_at = Timestamp(now().0 + 40_000);
    });
    patient.is_advised_about("clock_behind", "problem");
}

#[test]
fn a_keychain_that_is_not_there() {
    let patient = Patient::new().with("GHTOK_STORE", "keychain");
    let finding = patient.is_advised_about("store_unreachable", "problem");
    assert!(
        finding["message"]
            .as_str()
            .is_some_and(|text| text.contains("/nonexistent/bus"))
    );
}

#[test]
fn a_sign_in_that_no_app_uses() {
    let patient = Patient::new();
    patient.sandbox.seed(&patient.fake, FRESH);
    let other = patient.with("GHTOK_CLIENT_ID", "Iv1.other");
    other.is_fixed_of("sign_in_unused", "warning");
}

#[test]
fn a_write_test_leaves_nothing_and_runs_only_if_asked_for() {
    let patient = Patient::new();
    patient.sandbox.seed(&patient.fake, FRESH);
    let records = patient.sandbox.state_folder().records();
    let names = || {
        let entries = fs::read_dir(&records).expect("a folder");
        let names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
        names
    };
    let before = names();
    assert!(!patient.findings().has("store_writable"));
    let tested = Findings::of(&patient.run("ghtok doctor --write-test --json"));
    assert_eq!(tested.get("store_writable")["level"], "ok");
    assert_eq!(names(), before);
}
