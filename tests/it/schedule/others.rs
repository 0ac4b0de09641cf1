//! What is other people's stays theirs: the lines of a crontab.

use std::fs;
use std::time::Duration;

use super::Stage;
use super::desk::Desk;
use crate::support::sandbox::Run;

fn install(desk: &Desk, stage: &Stage, scheduler: &str) -> Run {
    desk.run(stage, &["schedule", "install", "--scheduler", scheduler])
}

fn stage() -> Stage {
    let stage = Stage::new();
    stage.sandbox.seed(&stage.fake, Duration::from_secs(7200));
    stage
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
