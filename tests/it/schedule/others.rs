//! What is other people's stays theirs: lines of a crontab, units of the same name, a timer that works,
//! a later ghtok's notes.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use super::desk::Desk;
use super::{Stage, everything};
use crate::support::sandbox::Run;

fn install(desk: &Desk, stage: &Stage, scheduler: &str) -> Run {
    desk.run(stage, &["schedule", "install", "--scheduler", scheduler])
}

fn stage() -> Stage {
    let stage = Stage::new();
    stage.sandbox.seed(&stage.fake, Duration::from_secs(7200));
    stage
}

fn units(stage: &Stage) -> PathBuf {
    stage.sandbox.home().join(".config/systemd/user")
}

#[test]
fn a_crontab_in_another_encoding_stays_to_the_byte() {
    let (stage, desk) = (stage(), Desk::new());
    let mine = b"# caf\xe9 \xff\n5 4 * * * true\n";
    fs::write(desk.at("crontab.kept"), mine).expect("a crontab");
    install(&desk, &stage, "cron").expect_code(0);
    let kept = fs::read(desk.at("crontab.kept")).expect("a crontab");
    assert!(kept.starts_with(mine), "{}", kept.escape_ascii());
    desk.run(&stage, &["schedule", "status"]).expect_code(0);
    desk.run(&stage, &["schedule", "remove"]).expect_code(0);
    let kept = fs::read(desk.at("crontab.kept")).expect("a crontab");
    assert_eq!(kept, mine, "{}", kept.escape_ascii());
}

#[test]
fn a_crontab_that_was_not_read_whole_is_not_written() {
    for half in [
        // More than is read of any program.
        "head -c 2000000 /dev/zero | tr '\\0' '#'; echo",
        // It ends, and somebody holds on to what it says.
        "cat \"$dir/crontab.kept\"; sleep 5 &",
    ] {
        let (stage, desk) = (stage(), Desk::new());
        let mine = "5 4 * * * true\n";
        desk.put("crontab.kept", mine);
        let text = desk.kept("crontab").expect("it");
        desk.put(
            "crontab",
            &text.replace("cat \"$dir/crontab.kept\" ;;", &format!("{half} ;;")),
        );
        let failed = install(&desk, &stage, "cron").expect_code(1);
        assert!(failed.stderr.contains("crontab -l: "), "{failed:?}");
        assert_eq!(desk.kept("crontab.kept").as_deref(), Some(mine), "{half}");
    }
}

#[test]
fn busybox_has_other_words_for_no_crontab() {
    let (stage, desk) = (stage(), Desk::new());
    let text = desk.kept("crontab").expect("it");
    let words = "crontab: can't open 'me': No such file or directory";
    desk.put("crontab", &text.replace("no crontab for me", words));
    install(&desk, &stage, "cron").expect_code(0);
    desk.run(&stage, &["schedule", "remove"]).expect_code(0);
    assert_eq!(desk.kept("crontab.kept"), None);
}

#[test]
fn units_of_this_name_that_somebody_wrote_are_left_alone() {
    let (stage, desk) = (stage(), Desk::new());
    fs::create_dir_all(units(&stage)).expect("a folder");
    fs::write(units(&stage).join("ghtok.service"), "[Service]\n# mine\n").expect("a unit");
    let before = everything(stage.sandbox.home());
    let failed = install(&desk, &stage, "systemd").expect_code(1);
    assert!(
        failed
            .stderr
            .contains("ghtok.service was not written by ghtok"),
        "{failed:?}"
    );
    assert_eq!(everything(stage.sandbox.home()), before);
    install(&desk, &stage, "cron").expect_code(0);
    desk.run(&stage, &["schedule", "remove"]).expect_code(0);
    desk.run(&stage, &["schedule", "remove"]).expect_code(0);
    assert_eq!(everything(stage.sandbox.home()), before);
}

#[test]
fn a_timer_that_works_outlives_an_installation_that_fails() {
    let (stage, desk) = (stage(), Desk::new());
    install(&desk, &stage, "cron").expect_code(0);
    stage.look_after().expect_code(0);
    let before = everything(stage.sandbox.home());
    let crontab = desk.kept("crontab.kept");
    // Another scheduler that refuses; and the same one, for a path that has changed.
    desk.put("no-systemctl-enable", "");
    let failed = install(&desk, &stage, "systemd").expect_code(1);
    assert!(
        failed.stderr.contains("the previous timer stays"),
        "{failed:?}"
    );
    assert_eq!(desk.kept("crontab.kept"), crontab);
    assert_eq!(everything(stage.sandbox.home()), before);
    desk.run(&stage, &["schedule", "status"]).expect_code(0);
}

#[test]
fn a_timer_that_works_outlives_a_note_that_cannot_be_written() {
    let (stage, desk) = (stage(), Desk::new());
    install(&desk, &stage, "systemd").expect_code(0);
    // In the place of the file that would become the note.
    let beside = stage.sandbox.state_dir().join("timer.new");
    fs::create_dir(&beside).expect("a folder");
    install(&desk, &stage, "cron").expect_code(1);
    assert_eq!(desk.kept("crontab.kept"), None);
    desk.run(&stage, &["schedule", "status"]).expect_code(0);
}

#[test]
fn a_scheduler_that_works_no_more_is_asked_once() {
    let (stage, desk) = (stage(), Desk::new());
    install(&desk, &stage, "systemd").expect_code(0);
    for program in ["systemctl", "crontab", "launchctl", "schtasks"] {
        desk.put(&format!("without-{program}"), "");
    }
    desk.asked();
    desk.run(&stage, &["schedule", "install"]).expect_code(1);
    assert_eq!(desk.asked().len(), 4);
}

#[test]
fn what_is_left_of_a_timer_without_its_files_goes_too() {
    let (stage, desk) = (stage(), Desk::new());
    let before = everything(stage.sandbox.home());
    install(&desk, &stage, "systemd").expect_code(0);
    for unit in ["ghtok.timer", "ghtok.service"] {
        fs::remove_file(units(&stage).join(unit)).expect("a unit");
    }
    desk.run(&stage, &["schedule", "remove"]).expect_code(0);
    assert_eq!(everything(stage.sandbox.home()), before);
    assert_eq!(desk.kept("active"), None);

    install(&desk, &stage, "launchd").expect_code(0);
    let agent = "Library/LaunchAgents/ghtok.schedule.plist";
    fs::remove_file(stage.sandbox.home().join(agent)).expect("an agent");
    desk.run(&stage, &["schedule", "remove"]).expect_code(0);
    assert_eq!(desk.kept("loaded"), None);
}

#[test]
fn a_later_ghtoks_note_is_neither_overwritten_nor_forgotten() {
    let (stage, desk) = (stage(), Desk::new());
    install(&desk, &stage, "cron").expect_code(0);
    let file = stage.sandbox.state_folder().timer();
    let later = fs::read_to_string(&file).expect("a note");
    let later = later.replace("\"version\":1", "\"version\":2,\"more\":[]");
    fs::write(&file, &later).expect("a note");
    let crontab = desk.kept("crontab.kept");
    for deed in ["install", "remove", "status"] {
        let failed = desk.run(&stage, &["schedule", deed]).expect_code(1);
        let words = "timer was written by a newer ghtok (format 2)";
        assert!(failed.stderr.contains(words), "{failed:?}");
    }
    stage.look_after().expect_code(0);
    assert_eq!(fs::read_to_string(&file).expect("a note"), later);
    assert_eq!(desk.kept("crontab.kept"), crontab);
}

#[test]
fn a_task_that_does_not_see_the_folders_of_this_shell_is_said() {
    let (stage, desk) = (stage(), Desk::new());
    let words = "GHTOK_STATE_DIR is set only here; set it for the user so that the task sees it";
    let installed = install(&desk, &stage, "task-scheduler").expect_code(0);
    assert!(installed.stderr.contains(words), "{installed:?}");
    let installed = install(&desk, &stage, "cron").expect_code(0);
    assert!(!installed.stderr.contains(words), "{installed:?}");
}
