//! `ghtok schedule run` as the schedulers run it: the real program, without a terminal.

use std::fs;
use std::time::Duration;

use fake_github::{CLIENT_ID, Endpoint, Failure, Fault};
use ghtok::testing::auth::record::Record;
use ghtok::testing::token::{Expiring, TokenSet};
use serde_json::Value;

use super::Stage;
use crate::support::deadline::{LIMIT, ends, run_command};
use crate::support::sandbox::now;

const DAY: Duration = Duration::from_secs(24 * 3600);

fn change(stage: &Stage, change: impl FnOnce(&mut Record)) {
    let mut record = stage.sandbox.record();
    change(&mut record);
    stage.sandbox.put(&record);
}

/// Lets the App have been idle: the access token is over, the refresh token has this much left.
fn idle(stage: &Stage, left: Duration) {
    stage.sandbox.seed(&stage.fake, Duration::ZERO);
    change(stage, |record| {
        if let TokenSet::Expiring {
            refresh: Some(Expiring { expires_at, .. }),
            ..
        } = &mut record.tokens
        {
            *expires_at = now().after(left);
        }
    });
}

fn last_run(stage: &Stage) -> Value {
    let file = stage.sandbox.state_folder().timer_run();
    serde_json::from_slice(&fs::read(file).expect("a note")).expect("JSON")
}

#[test]
fn p5_nobody_signed_in_is_no_news() {
    let stage = Stage::new();
    let ran = stage.look_after().expect_code(0);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
    assert_eq!(last_run(&stage)["apps"][0]["words"], "not signed in");
    assert_eq!(stage.fake.connections(), 0);
}

#[test]
fn a_good_sign_in_costs_no_request_and_no_word() {
    let stage = Stage::new();
    stage.sandbox.seed(&stage.fake, Duration::from_secs(7200));
    let before = fs::read(stage.sandbox.record_file()).expect("a record");
    for _ in 0..3 {
        let ran = stage.look_after().expect_code(0);
        assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
    }
    assert_eq!(stage.fake.connections(), 0);
    assert_eq!(
        fs::read(stage.sandbox.record_file()).expect("a record"),
        before
    );
    let note = fs::read_to_string(stage.sandbox.state_folder().timer_run()).expect("a note");
    assert!(!note.contains("ghu_") && !note.contains("ghr_"), "{note}");
}

#[test]
fn an_idle_sign_in_is_refreshed_once_and_told() {
    let stage = Stage::new();
    idle(&stage, 40 * DAY);
    let ran = stage.look_after().expect_code(0);
    // 184 days, or some seconds less.
    let words = format!("{CLIENT_ID}: refreshed: the sign-in is valid for 18");
    assert!(ran.stdout.starts_with(&words), "{ran:?}");
    assert!(
        ran.stdout.ends_with(" d, longer if it is used\n"),
        "{ran:?}"
    );
    assert_eq!(last_run(&stage)["apps"][0]["result"], "refreshed");
    stage.look_after().expect_code(0);
    assert_eq!(stage.fake.count(Endpoint::Refresh), 1);
    assert_eq!(stage.fake.count(Endpoint::DeviceCode), 0, "P5");
}

#[test]
fn offline_is_no_news_and_exit_code_5() {
    let stage = Stage::new();
    idle(&stage, 40 * DAY);
    stage.fake.go_offline().expect("offline");
    let ran = stage.look_after().expect_code(5);
    assert_eq!(ran.stdout, "");
    assert_eq!(last_run(&stage)["apps"][0]["result"], "failed");
    stage.fake.go_online().expect("online");
    // The failure answers for everybody for ten seconds; then it is tried again.
    fs::remove_file(
        stage
            .sandbox
            .state_folder()
            .outcome(&stage.sandbox.app().key()),
    )
    .expect("it");
    stage.look_after().expect_code(0);
    assert_eq!(stage.fake.count(Endpoint::DeviceCode), 0, "P5");
}

#[test]
fn a_sign_in_that_has_ended_is_told_once_a_day_where_no_desktop_is() {
    let stage = Stage::after_the_end();
    let ran = stage.look_after().expect_code(4);
    assert!(
        ran.stdout
            .starts_with(&format!("{CLIENT_ID}: GitHub refused the refresh token")),
        "{ran:?}"
    );
    assert!(
        ran.stdout.contains(". Run: ghtok login --client-id "),
        "{ran:?}"
    );
    assert!(
        ran.stdout
            .contains("(no desktop notification: no session bus at "),
        "{ran:?}"
    );
    let again = stage.look_after().expect_code(4);
    assert_eq!(again.stdout, "", "once a day");
    assert_eq!(last_run(&stage)["apps"][0]["result"], "sign_in_needed");
    // A day later, by the note that the runs leave.
    let file = stage.sandbox.state_folder().timer_run();
    let note = fs::read_to_string(&file).expect("a note");
    let warned_at = last_run(&stage)["apps"][0]["warned_at"]
        .as_i64()
        .expect("a time");
    let earlier = note.replace(&warned_at.to_string(), &(warned_at - 24 * 3600).to_string());
    fs::write(&file, earlier).expect("a note");
    assert_ne!(stage.look_after().expect_code(4).stdout, "");
    assert_eq!(stage.fake.connections(), 0, "P5");
}

#[test]
fn a_sign_in_that_vanished_is_told_and_a_sign_out_is_not() {
    let stage = Stage::new();
    idle(&stage, 40 * DAY);
    stage.look_after().expect_code(0);
    fs::remove_file(stage.sandbox.record_file()).expect("a record");
    let ran = stage.look_after().expect_code(4);
    assert!(
        ran.stdout.contains("the sign-in is missing from "),
        "{ran:?}"
    );
    stage.sandbox.run(["logout"]).expect_code(0);
    let ran = stage.look_after().expect_code(0);
    assert_eq!(ran.stdout, "");
}

#[test]
fn a_damaged_record_is_told_with_the_command_that_replaces_it() {
    let stage = Stage::new();
    stage.sandbox.put_bytes(b"{\"version\":1");
    let ran = stage.look_after();
    assert!(ran.stdout.contains("is damaged"), "{ran:?}");
    assert!(ran.stdout.contains(" --force"), "{ran:?}");
    assert_eq!(ran.code, Some(1));
}

#[test]
fn a_later_ghtoks_record_is_left_to_it() {
    let stage = Stage::new();
    stage.sandbox.put_bytes(b"{\"v\":99}");
    let ran = stage.look_after().expect_code(1);
    assert!(
        ran.stdout.contains("was written by a newer ghtok"),
        "{ran:?}"
    );
    assert!(!ran.stdout.contains("--force"), "{ran:?}");
    assert_eq!(last_run(&stage)["apps"][0]["result"], "failed");
}

#[test]
fn each_app_has_its_own_result_and_the_most_serious_code_is_the_runs() {
    let stage = Stage::new();
    idle(&stage, 40 * DAY);
    let host = stage.sandbox.app().host.web_url();
    stage.sandbox.configure(&format!(
        "[[app]]\nname = 'main'\nclient_id = '{CLIENT_ID}'\nhost = '{host}'\n\
         [[app]]\nname = 'other'\nclient_id = 'Iv1.other'\nhost = '{host}'\n"
    ));
    let other = stage.sandbox.state_folder().records().join(
        stage
            .sandbox
            .app()
            .key()
            .file_name()
            .replace(CLIENT_ID, "Iv1.other"),
    );
    fs::write(&other, "nonsense").expect("a record");
    fs::set_permissions(&other, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("mode");
    let mut command = stage.command(
        &[std::path::Path::new("/nonexistent")],
        &["schedule", "run"],
    );
    command
        .env_remove("GHTOK_CLIENT_ID")
        .env_remove("GHTOK_HOST");
    let ran = crate::support::deadline::run_command(&mut command).expect_code(1);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(lines[0].starts_with("main: refreshed: "), "{ran:?}");
    assert!(lines[1].starts_with("other: the stored sign-in"), "{ran:?}");
    assert!(lines[1].contains("ghtok login other --force"), "{ran:?}");
}

#[test]
fn the_rules_of_the_configuration_hold() {
    let stage = Stage::new();
    stage
        .sandbox
        .configure("[schedule]\nkeep_alive = false\nwarn = false\n");
    idle(&stage, DAY);
    let ran = stage.look_after().expect_code(0);
    assert_eq!(ran.stdout, "");
    assert_eq!(stage.fake.connections(), 0);
}

#[test]
fn two_runs_at_once_are_one() {
    let stage = Stage::new();
    stage.sandbox.seed(&stage.fake, Duration::from_secs(7200));
    stage.look_after().expect_code(0);
    let lock = fs::File::open(stage.sandbox.state_folder().timer_lock()).expect("the lock");
    lock.lock().expect("locked");
    let ran = stage.look_after().expect_code(0);
    assert_eq!(
        ran.stderr,
        "ghtok: another run of the timer is in progress\n"
    );
}

#[test]
fn a_run_whose_words_nobody_takes_is_remembered_all_the_same() {
    let stage = Stage::after_the_end();
    let mut command = stage.command(
        &[std::path::Path::new("/nonexistent")],
        &["schedule", "run"],
    );
    let full = fs::OpenOptions::new().write(true).open("/dev/full");
    command.stdout(full.expect("a full disk"));
    run_command(&mut command).expect_code(1);
    assert_eq!(last_run(&stage)["apps"][0]["result"], "warned");
    let again = stage.look_after().expect_code(4);
    assert_eq!(again.stdout, "", "once a day");
}

#[test]
fn what_cannot_be_looked_at_for_an_hour_is_no_ground_for_a_second_warning() {
    let stage = Stage::after_the_end();
    assert_ne!(stage.look_after().expect_code(4).stdout, "");
    // Nobody can say in which store it is.
    let remembered = stage
        .sandbox
        .state_folder()
        .chosen_store(&stage.sandbox.app().key());
    fs::create_dir(&remembered).expect("a folder");
    let mut command = stage.command(
        &[std::path::Path::new("/nonexistent")],
        &["schedule", "run"],
    );
    assert_ne!(run_command(command.env_remove("GHTOK_STORE")).code, Some(4));
    assert_eq!(last_run(&stage)["apps"][0]["result"], "failed");
    fs::remove_dir(&remembered).expect("removed");
    assert_eq!(stage.look_after().expect_code(4).stdout, "", "once a day");
}

#[test]
fn a_run_that_goes_on_while_the_timer_is_removed_leaves_nothing_of_it() {
    let stage = Stage::new();
    idle(&stage, 40 * DAY);
    stage
        .fake
        .fail_next(Endpoint::Refresh, Fault::before(Failure::Gate));
    let mut command = stage.command(
        &[std::path::Path::new("/nonexistent")],
        &["schedule", "run"],
    );
    let running = command.spawn().expect("ghtok starts");
    stage
        .fake
        .wait_for_held(Endpoint::Refresh, 1, LIMIT)
        .expect("a refresh");
    stage
        .run_in(
            &[std::path::Path::new("/nonexistent")],
            &["schedule", "remove"],
        )
        .expect_code(0);
    stage.fake.release(Endpoint::Refresh);
    let ran = ends(running, LIMIT).expect_code(0);
    assert!(ran.stdout.contains(": refreshed: "), "{ran:?}");
    let folder = stage.sandbox.state_folder();
    for note in [folder.timer(), folder.timer_run(), folder.timer_lock()] {
        assert!(!note.exists(), "{}", note.display());
    }
}

/// The note of a run has an entry for each App; the next run must be able to read and replace it.
#[test]
fn a_note_of_thousands_of_apps_does_not_lock_the_timer_out() {
    let stage = Stage::after_the_end();
    let ended = &stage.sandbox;
    let mut text = format!(
        "[[app]]\nname = \"main\"\nclient_id = \"{CLIENT_ID}\"\nhost = \"{}\"\n",
        stage.fake.host()
    );
    for number in 0..1500 {
        use std::fmt::Write;
        let _ = write!(
            text,
            "[[app]]\nname = \"app-with-a-long-name-{number:05}\"\nclient_id = \"Iv1.{number}\"\n"
        );
    }
    ended.configure(&text);
    let note = ended.state_dir().join("timer.run");
    let warned = || last_run(&stage)["apps"][0]["warned_at"].as_i64();
    let mut first = None;
    for _ in 0..3 {
        let run = run_command(&mut stage.command(&[], &["schedule", "run"]));
        assert_eq!(run.code, Some(4), "{}", run.stderr);
        assert!(fs::metadata(&note).expect("a note").len() > 128 * 1024);
        // Nobody is warned again within a day: the note was read.
        assert!(warned().is_some());
        assert_eq!(*first.get_or_insert(warned()), warned());
    }
    // Even one that is larger than any is replaced.
    let file = fs::OpenOptions::new().write(true).open(&note).expect("it");
    file.set_len(65 * 1024 * 1024).expect("a hole");
    let run = run_command(&mut stage.command(&[], &["schedule", "run"]));
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    assert!(fs::metadata(&note).expect("a note").len() < 1024 * 1024);
}
