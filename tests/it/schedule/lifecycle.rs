//! Installed, run, looked at, removed: nothing of it stays, whichever scheduler it was.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::desk::Desk;
use super::{Stage, everything, place, script};
use crate::support::deadline::run_command;
use crate::support::sandbox::{Program, Run, path_of};
use crate::support::words::plain;

const SCHEDULERS: [&str; 4] = ["systemd", "cron", "launchd", "task-scheduler"];

fn install(desk: &Desk, stage: &Stage, scheduler: &str) -> Run {
    desk.run(stage, &["schedule", "install", "--scheduler", scheduler])
}

fn status(desk: &Desk, stage: &Stage) -> (Value, Option<i32>) {
    let told = desk.run(stage, &["schedule", "status", "--json"]);
    let document = serde_json::from_str(&told.stdout).unwrap_or_else(|_| panic!("{told:?}"));
    (document, told.code)
}

fn stage() -> Stage {
    let stage = Stage::new();
    stage.sandbox.seed(&stage.fake, Duration::from_secs(7200));
    stage
}

#[test]
fn with_each_scheduler_the_home_is_byte_equal_afterwards() {
    for scheduler in SCHEDULERS {
        let (stage, desk) = (stage(), Desk::new());
        desk.put("crontab.kept", "MAILTO=me\n5 4 * * * true\n");
        let before = everything(stage.sandbox.home());
        let outside = desk.kept("crontab.kept");

        let installed = install(&desk, &stage, scheduler).expect_code(0);
        assert_eq!(installed.stdout, "");
        assert!(
            installed
                .stderr
                .contains(&format!("ghtok: installed: {scheduler} runs")),
            "{installed:?}"
        );
        assert_ne!(everything(stage.sandbox.home()), before);

        stage.look_after().expect_code(0);
        let (told, code) = status(&desk, &stage);
        assert_eq!(code, Some(0), "{told}");
        assert_eq!(told["scheduler"], scheduler);
        assert_eq!(told["drift"], serde_json::json!([]), "{scheduler}");
        assert_eq!(told["last_run"]["apps"][0]["result"], "nothing");
        assert!(told["next_run_at_unix"].as_i64().is_some());

        let gone = desk.run(&stage, &["schedule", "remove"]).expect_code(0);
        assert_eq!(gone.stderr, "ghtok: the timer was removed\n");
        assert_eq!(everything(stage.sandbox.home()), before, "{scheduler}");
        assert_eq!(desk.kept("crontab.kept"), outside);
        for kept in ["active", "loaded", "task"] {
            assert_eq!(desk.kept(kept), None, "{scheduler} left {kept}");
        }
        let again = desk.run(&stage, &["schedule", "remove"]).expect_code(0);
        assert_eq!(again.stderr, "ghtok: no timer is installed\n");
        assert_eq!(stage.fake.connections(), 0, "P5: none of it asks GitHub");
    }
}

#[test]
fn what_is_there_already_is_left_alone_and_keeps_its_minute() {
    for scheduler in SCHEDULERS {
        let (stage, desk) = (stage(), Desk::new());
        install(&desk, &stage, scheduler).expect_code(0);
        let before = everything(stage.sandbox.home());
        desk.asked();
        for _ in 0..3 {
            let again = install(&desk, &stage, scheduler).expect_code(0);
            assert!(again.stderr.contains(": already installed: "), "{again:?}");
        }
        assert_eq!(everything(stage.sandbox.home()), before);
        let changing = [
            "systemctl --user enable",
            "systemctl --user restart",
            "systemctl --user daemon-reload",
            "crontab -r",
            "launchctl bootstrap",
            "launchctl bootout",
            "schtasks /create",
        ];
        for asked in desk.asked() {
            let changes = changing.iter().any(|deed| asked.starts_with(deed));
            assert!(!changes && asked != "crontab -", "{asked}");
        }
        let (told, _) = status(&desk, &stage);
        let minute = told["minute"].clone();
        stage.sandbox.configure("min_ttl = '4m'\n");
        install(&desk, &stage, scheduler).expect_code(0);
        assert_eq!(status(&desk, &stage).0["minute"], minute);
    }
}

#[test]
fn the_scheduler_that_works_is_chosen() {
    for (working, chosen) in [
        (&["systemctl", "crontab"][..], "systemd"),
        (&["crontab"], "cron"),
        (&["launchctl", "crontab"], "launchd"),
        (&["schtasks"], "task-scheduler"),
    ] {
        let (stage, desk) = (stage(), Desk::with_only(working));
        desk.run(&stage, &["schedule", "install"]).expect_code(0);
        assert_eq!(status(&desk, &stage).0["scheduler"], chosen);
    }
    let (stage, desk) = (stage(), Desk::with_only(&[]));
    let before = everything(stage.sandbox.home());
    let failed = desk.run(&stage, &["schedule", "install"]).expect_code(1);
    assert_eq!(
        failed.stderr,
        "ghtok: error: schedule: cannot find a scheduler that works here: \
         launchd: launchctl print gui/0: launchctl: out of order (exit code 1); \
         task-scheduler: schtasks /query: schtasks: out of order (exit code 1); \
         systemd: systemctl --user list-timers: systemctl: out of order (exit code 1); \
         cron: crontab -l: crontab: out of order (exit code 1)\n\
         ghtok: hint: run this every hour with another scheduler:\n  ghtok schedule run\n"
            .replace(
                "gui/0",
                &format!("gui/{}", rustix::process::getuid().as_raw())
            )
    );
    assert_eq!(everything(stage.sandbox.home()), before);
}

#[test]
fn a_change_of_scheduler_leaves_no_orphan() {
    for from in SCHEDULERS {
        for to in SCHEDULERS.into_iter().filter(|to| *to != from) {
            let (stage, desk) = (stage(), Desk::new());
            let before = everything(stage.sandbox.home());
            install(&desk, &stage, from).expect_code(0);
            install(&desk, &stage, to).expect_code(0);
            let there = [
                ("systemd", desk.kept("active").is_some()),
                ("cron", desk.kept("crontab.kept").is_some()),
                ("launchd", desk.kept("loaded").is_some()),
                ("task-scheduler", desk.kept("task").is_some()),
            ];
            for (scheduler, is_there) in there {
                assert_eq!(is_there, scheduler == to, "{from} to {to}: {scheduler}");
            }
            desk.run(&stage, &["schedule", "remove"]).expect_code(0);
            assert_eq!(everything(stage.sandbox.home()), before, "{from} to {to}");
        }
    }
}

#[test]
fn an_orphan_is_found_where_the_note_of_it_is_lost() {
    for scheduler in SCHEDULERS {
        let (stage, desk) = (stage(), Desk::new());
        install(&desk, &stage, scheduler).expect_code(0);
        fs::remove_file(stage.sandbox.state_folder().timer()).expect("the note");
        let gone = desk.run(&stage, &["schedule", "remove"]).expect_code(0);
        assert_eq!(gone.stderr, "ghtok: the timer was removed\n", "{scheduler}");
        for kept in ["active", "loaded", "task", "crontab.kept"] {
            assert_eq!(desk.kept(kept), None, "{scheduler} left {kept}");
        }
    }
}

#[test]
fn an_installation_that_fails_is_taken_back_whole() {
    for (scheduler, refusal) in [
        ("systemd", "no-systemctl-daemon-reload"),
        ("systemd", "no-systemctl-enable"),
        ("systemd", "no-systemctl-restart"),
        ("cron", "no-crontab--"),
        ("launchd", "no-launchctl-bootstrap"),
        ("task-scheduler", "no-schtasks-/create"),
    ] {
        let refusal = refusal.replace("/create", "create");
        let (stage, desk) = (stage(), Desk::new());
        if refusal.contains("create") {
            // A slash cannot be in a file's name.
            let text = desk
                .kept("schtasks")
                .expect("it")
                .replace("cp \"$5\"", "exit 5; cp \"$5\"");
            desk.put("schtasks", &text);
        } else {
            desk.put(&refusal, "");
        }
        let before = everything(stage.sandbox.home());
        let failed = install(&desk, &stage, scheduler).expect_code(1);
        assert!(
            failed.stderr.contains("cannot install the timer: "),
            "{failed:?}"
        );
        assert!(
            failed.stderr.contains("hint: nothing was changed"),
            "{failed:?}"
        );
        assert_eq!(everything(stage.sandbox.home()), before, "{refusal}");
    }
}

#[test]
fn a_scheduler_that_does_not_let_go_is_named() {
    let (stage, desk) = (stage(), Desk::new());
    install(&desk, &stage, "cron").expect_code(0);
    desk.put("no-crontab--r", "");
    let failed = desk.run(&stage, &["schedule", "remove"]).expect_code(1);
    assert!(
        failed
            .stderr
            .contains("cannot remove the timer: cron: crontab -r"),
        "{failed:?}"
    );
    let failed = install(&desk, &stage, "systemd").expect_code(1);
    assert!(
        failed.stderr.contains("cannot remove the timer: cron"),
        "{failed:?}"
    );
    desk.take("no-crontab--r");
    install(&desk, &stage, "systemd").expect_code(0);
    assert_eq!(desk.kept("crontab.kept"), None);
}

#[test]
fn drift_is_told_and_put_right() {
    let (stage, desk) = (stage(), Desk::new());
    let units = stage.sandbox.home().join(".config/systemd/user");
    install(&desk, &stage, "systemd").expect_code(0);
    let service = units.join("ghtok.service");
    let was = fs::read(&service).expect("a unit");
    let damage: [(&str, &dyn Fn()); 4] = [
        ("ghtok.service was changed", &|| {
            fs::write(&service, "[Service]\n").expect("written");
        }),
        ("ghtok.timer is missing", &|| {
            fs::remove_file(units.join("ghtok.timer")).expect("removed");
        }),
        ("the timer is not active", &|| desk.take("active")),
        ("the timer is not enabled", &|| {
            fs::remove_file(units.join("timers.target.wants/ghtok.timer")).expect("removed");
        }),
    ];
    for (words, damage) in damage {
        damage();
        let (told, code) = status(&desk, &stage);
        assert_eq!(code, Some(1));
        let drift = told["drift"].to_string();
        assert!(drift.contains(words), "{words}: {drift}");
        let text = desk
            .run(&stage, &["schedule", "status"])
            .expect_code(1)
            .stdout;
        assert!(
            text.contains("repair it with: ghtok schedule install"),
            "{text}"
        );
        install(&desk, &stage, "systemd").expect_code(0);
        assert_eq!(status(&desk, &stage).1, Some(0), "{words}");
        assert_eq!(fs::read(&service).expect("a unit"), was);
    }
    install(&desk, &stage, "cron").expect_code(0);
    desk.put("crontab.kept", "1 * * * * other\n");
    assert!(
        status(&desk, &stage).0["drift"]
            .to_string()
            .contains("no ghtok lines")
    );
    install(&desk, &stage, "launchd").expect_code(0);
    desk.take("loaded");
    assert!(
        status(&desk, &stage).0["drift"]
            .to_string()
            .contains("has not loaded")
    );
    install(&desk, &stage, "task-scheduler").expect_code(0);
    desk.take("task");
    assert!(
        status(&desk, &stage).0["drift"]
            .to_string()
            .contains("has no ghtok task")
    );
    install(&desk, &stage, "task-scheduler").expect_code(0);
    fs::remove_file(stage.program()).expect("the program");
    let elsewhere = stage.sandbox.home().join("elsewhere");
    place(&path_of(Program::Real), &elsewhere);
    let mut other = stage.command(
        &[&desk.at(""), Path::new("/usr/bin"), Path::new("/bin")],
        &[],
    );
    let mut command = std::process::Command::new(&elsewhere);
    for (name, value) in other.stdin(std::process::Stdio::null()).get_envs() {
        command.env(name, value.expect("set"));
    }
    command
        .args(["schedule", "status"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let told = run_command(&mut command).expect_code(1).stdout;
    assert!(told.contains("bin/ghtok is no longer there"), "{told}");
    assert!(told.contains("installed for another path"), "{told}");
}

#[test]
fn build_folders_and_shims_are_refused_and_others_noted() {
    let (stage, desk) = (stage(), Desk::new());
    let built = stage
        .sandbox
        .command(Program::Real, ["schedule", "install"]);
    let mut built = built;
    let refused = run_command(&mut built).expect_code(2);
    assert!(
        refused
            .stderr
            .contains("is in a build folder, which may be emptied"),
        "{refused:?}"
    );
    assert!(
        refused.stderr.contains("hint: install ghtok first"),
        "{refused:?}"
    );

    let shims = stage.sandbox.home().join("shims");
    fs::create_dir(&shims).expect("a folder");
    place(&path_of(Program::Real), &shims.join("ghtok"));
    fs::remove_file(stage.program()).expect("the usual place");
    std::os::unix::fs::symlink(shims.join("ghtok"), stage.program()).expect("a link");
    let refused = desk.run(&stage, &["schedule", "install"]).expect_code(2);
    assert!(
        refused.stderr.contains("is a version manager's shim"),
        "{refused:?}"
    );
    assert_eq!(
        desk.asked(),
        Vec::<String>::new(),
        "refused before anybody is asked"
    );
}

#[test]
fn a_proxy_that_only_the_environment_names_is_said_without_its_password() {
    let (stage, desk) = (stage(), Desk::new());
    let own = desk.at("");
    let folders = [own.as_path(), Path::new("/usr/bin"), Path::new("/bin")];
    let mut command = stage.command(&folders, &["schedule", "install"]);
    command.env("HTTPS_PROXY", "http://me:hunter2@proxy.example:3128");
    let installed = run_command(&mut command).expect_code(0);
    assert!(
        installed
            .stderr
            .contains("the timer does not see HTTPS_PROXY"),
        "{installed:?}"
    );
    let mut all = everything(stage.sandbox.home());
    all.extend(everything(&desk.at("")));
    for (path, (_, bytes)) in all {
        assert!(
            !String::from_utf8_lossy(&bytes).contains("hunter2"),
            "{}",
            path.display()
        );
    }
    assert!(!installed.stderr.contains("hunter2"));
    stage
        .sandbox
        .configure("proxy = 'http://proxy.example:3128'\n");
    let installed = desk.run(&stage, &["schedule", "install"]).expect_code(0);
    assert!(!installed.stderr.contains("does not see"), "{installed:?}");
}

#[test]
fn status_for_people() {
    let (stage, desk) = (stage(), Desk::new());
    let told = desk.run(&stage, &["schedule", "status"]).expect_code(0);
    assert_eq!(
        told.stdout,
        "scheduler  none; install the timer with: ghtok schedule install\n\
         last run   none yet\n\
         rules      warn on, keep_alive on\n"
    );
    install(&desk, &stage, "systemd").expect_code(0);
    stage.look_after().expect_code(0);
    let told = desk.run(&stage, &["schedule", "status"]).expect_code(0);
    let text = plain(&told.stdout, &stage.sandbox, &stage.fake);
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[0].starts_with("scheduler  systemd, at minute "),
        "{text}"
    );
    let client = fake_github::CLIENT_ID;
    assert_eq!(
        lines[1],
        format!(
            "command    HOME/bin/ghtok schedule run --client-id={client} --host=http://HOST --store=file"
        )
    );
    assert_eq!(lines[2..4], ["files      as installed", "last run   TIME"]);
    assert_eq!(
        lines[4],
        format!("           {client}: the sign-in is valid for 173 d, longer if it is used")
    );
    assert_eq!(
        lines[5..],
        ["next run   TIME", "rules      warn on, keep_alive on"]
    );

    let told = desk.run(&stage, &["status"]).expect_code(0);
    let last = plain(&told.stdout, &stage.sandbox, &stage.fake);
    assert!(
        last.ends_with("\n\ntimer: systemd, last run TIME\n"),
        "{last}"
    );
    let told = desk.run(&stage, &["status", "--json"]).expect_code(0);
    let document: Value = serde_json::from_str(&told.stdout).expect("JSON");
    assert_eq!(document["timer"]["scheduler"], "systemd");
    assert!(document["timer"]["last_run_at_unix"].as_i64().is_some());
}

#[test]
fn a_user_who_does_not_linger_is_told_when_the_timer_runs() {
    for (answer, is_told) in [("Linger=no", true), ("Linger=yes", false)] {
        let (stage, desk) = (stage(), Desk::new());
        script(&desk.at(""), "loginctl", &format!("echo {answer}\n"));
        let installed = install(&desk, &stage, "systemd").expect_code(0);
        let told = installed.stderr.contains("loginctl enable-linger");
        assert_eq!(told, is_told, "{installed:?}");
    }
}
