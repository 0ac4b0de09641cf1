//! What is written, as the schedulers' own formats have it read: by real parsers.

use std::path::Path;
use std::process::{Command, Stdio};

use super::Stage;
use super::desk::Desk;
use crate::support::deadline::run_command;
use crate::support::words::plain;

/// What `--print` shows, with the minute replaced.
fn printed(stage: &Stage, desk: &Desk, scheduler: &str) -> String {
    let told = desk
        .run(
            stage,
            &["schedule", "install", "--print", "--scheduler", scheduler],
        )
        .expect_code(0);
    assert_eq!(told.stderr, "");
    told.stdout
}

fn python(script: &str, input: &[u8], arguments: &[&str]) -> String {
    use std::io::Write;
    let mut child = Command::new("python3")
        .args(["-c", script])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3");
    child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(input)
        .expect("its input");
    let output = child.wait_with_output().expect("its end");
    assert!(output.status.success(), "the parser refuses it");
    String::from_utf8(output.stdout)
        .expect("text")
        .trim()
        .to_owned()
}

#[test]
fn printing_changes_nothing() {
    let (stage, desk) = (Stage::new(), Desk::new());
    let before = super::everything(stage.sandbox.home());
    for scheduler in ["systemd", "cron", "launchd", "task-scheduler"] {
        assert!(printed(&stage, &desk, scheduler).contains("schedule"));
    }
    assert_eq!(super::everything(stage.sandbox.home()), before);
    for kept in ["active", "loaded", "task", "crontab.kept"] {
        assert_eq!(desk.kept(kept), None);
    }
}

#[test]
fn what_is_only_shown_need_not_work_here() {
    let (stage, desk) = (Stage::new(), Desk::with_only(&[]));
    for scheduler in ["systemd", "cron", "launchd", "task-scheduler"] {
        assert!(printed(&stage, &desk, scheduler).contains("schedule"));
    }
    assert_eq!(desk.asked(), Vec::<String>::new());
}

#[test]
fn systemds_units() {
    let (stage, desk) = (Stage::new(), Desk::new());
    let text = plain(
        &printed(&stage, &desk, "systemd"),
        &stage.sandbox,
        &stage.fake,
    );
    let minute = text
        .split("*:")
        .nth(1)
        .and_then(|rest| rest.get(..2))
        .expect("a minute");
    let client = fake_github::CLIENT_ID;
    let expected = format!(
        "# HOME/.config/systemd/user/ghtok.timer
# Written by \"ghtok schedule install\"; \"ghtok schedule remove\" takes it away.
# Changes belong into a drop-in: systemctl --user edit ghtok.timer
[Unit]
Description=Keeps GitHub sign-ins alive, hourly

[Timer]
OnCalendar=*-*-* *:{minute}:00
Persistent=true

[Install]
WantedBy=timers.target

# HOME/.config/systemd/user/ghtok.service
# Written by \"ghtok schedule install\"; \"ghtok schedule remove\" takes it away.
[Unit]
Description=Keeps GitHub sign-ins alive

[Service]
Type=oneshot
ExecStart=HOME/bin/ghtok schedule run --client-id={client} --host=http://HOST --store=file
Environment=GHTOK_CONFIG_DIR=HOME/config
Environment=GHTOK_STATE_DIR=HOME/state
SuccessExitStatus=4 5 6 7
TimeoutStartSec=15min
TimeoutStopSec=90s
NoNewPrivileges=true
LockPersonality=true
MemoryDenyWriteExecute=true
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=true
RestrictRealtime=true
RestrictSUIDSGID=true
SystemCallArchitectures=native
SystemCallFilter=@system-service @keyring
"
    );
    assert_eq!(text, expected);
}

#[test]
fn systemds_own_verifier_has_nothing_to_say() {
    let (stage, desk) = (Stage::new(), Desk::new());
    desk.run(&stage, &["schedule", "install", "--scheduler", "systemd"])
        .expect_code(0);
    verify(&stage);
}

fn verify(stage: &Stage) {
    let units = stage.sandbox.home().join(".config/systemd/user");
    let verified = Command::new("systemd-analyze")
        .args(["--user", "verify"])
        .args([units.join("ghtok.timer"), units.join("ghtok.service")])
        .env("XDG_RUNTIME_DIR", stage.sandbox.home())
        .output();
    let Ok(verified) = verified else {
        skip!("systemd-analyze is not installed");
        return;
    };
    let words = String::from_utf8_lossy(&verified.stderr).into_owned();
    let ours: Vec<&str> = words
        .lines()
        .filter(|line| line.contains("ghtok"))
        .collect();
    assert!(verified.status.success() && ours.is_empty(), "{words}");
}

#[test]
fn systemd_finds_a_program_whatever_its_path_or_says_that_it_does_not() {
    let (stage, desk) = (Stage::new(), Desk::new());
    let folder = stage.sandbox.home().join("mine $HOME $$ 100% <&>");
    std::fs::create_dir(&folder).expect("a folder");
    super::place(&stage.program(), &folder.join("ghtok"));
    let own = desk.at("");
    let usual = stage.command(&[&own, Path::new("/usr/bin"), Path::new("/bin")], &[]);
    let mut command = Command::new(folder.join("ghtok"));
    for (name, value) in usual.get_envs() {
        command.env(name, value.expect("set"));
    }
    command.args(["schedule", "install", "--scheduler", "systemd"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    run_command(&mut command).expect_code(0);
    verify(&stage);

    let quoted = stage.sandbox.home().join("it's");
    std::fs::rename(&folder, &quoted).expect("moved");
    let mut moved = Command::new(quoted.join("ghtok"));
    for (name, value) in command.get_envs() {
        moved.env(name, value.expect("set"));
    }
    moved.args(["schedule", "install", "--scheduler", "systemd"]);
    moved.stdout(Stdio::piped()).stderr(Stdio::piped());
    let refused = run_command(&mut moved).expect_code(1);
    let words = "systemd does not accept a program path with a quote or a backslash";
    assert!(refused.stderr.contains(words), "{refused:?}");
}

#[test]
fn the_crontab() {
    let (stage, desk) = (Stage::new(), Desk::new());
    let text = plain(&printed(&stage, &desk, "cron"), &stage.sandbox, &stage.fake);
    let minute = text
        .lines()
        .nth(2)
        .and_then(|line| line.split(' ').next())
        .expect("a minute");
    assert!(minute.parse::<u8>().expect("a number") < 60);
    let client = fake_github::CLIENT_ID;
    assert_eq!(
        text,
        format!(
            "# crontab
# BEGIN ghtok schedule; \"ghtok schedule remove\" takes this away
{minute} * * * * env GHTOK_CONFIG_DIR=HOME/config GHTOK_STATE_DIR=HOME/state HOME/bin/ghtok schedule run --client-id={client} --host=http://HOST --store=file
# END ghtok schedule
"
        )
    );
}

#[test]
fn the_property_list_is_one_to_a_real_parser() {
    let (stage, desk) = (Stage::new(), Desk::new());
    let text = printed(&stage, &desk, "launchd");
    let (_, list) = text.split_once('\n').expect("a place before it");
    let read = "import plistlib,json,sys; print(json.dumps(plistlib.loads(sys.stdin.buffer.read()), sort_keys=True))";
    let told = plain(
        &python(read, list.as_bytes(), &[]),
        &stage.sandbox,
        &stage.fake,
    );
    let document: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    let minute = document["StartCalendarInterval"]["Minute"]
        .as_u64()
        .expect("a number");
    assert!(minute < 60);
    assert_eq!(
        document,
        serde_json::json!({
            "AbandonProcessGroup": true,
            "EnvironmentVariables": {"GHTOK_CONFIG_DIR": "HOME/config", "GHTOK_STATE_DIR": "HOME/state"},
            "Label": "ghtok.schedule",
            "ProcessType": "Background",
            "ProgramArguments": ["HOME/bin/ghtok", "schedule", "run", format!("--client-id={}", fake_github::CLIENT_ID), "--host=http://HOST", "--store=file"],
            "StartCalendarInterval": {"Minute": minute},
        })
    );
}

#[test]
fn the_task_is_xml_in_utf16_to_a_real_parser() {
    let (stage, desk) = (Stage::new(), Desk::new());
    desk.run(
        &stage,
        &["schedule", "install", "--scheduler", "task-scheduler"],
    )
    .expect_code(0);
    let read = "
import sys, xml.etree.ElementTree as tree
root = tree.parse(sys.argv[1]).getroot()
space = '{http://schemas.microsoft.com/windows/2004/02/mit/task}'
assert root.tag == space + 'Task', root.tag
for name in ['Interval', 'StartBoundary', 'LogonType', 'RunLevel', 'MultipleInstancesPolicy', 'StartWhenAvailable', 'Hidden', 'WakeToRun', 'Command', 'Arguments']:
    print(name, root.find('.//' + space + name).text)
";
    let told = python(read, b"", &[desk.at("task").to_str().expect("UTF-8")]);
    let told = plain(&told, &stage.sandbox, &stage.fake);
    let minute = told
        .split("T00:")
        .nth(1)
        .and_then(|rest| rest.get(..2))
        .expect("a minute");
    let client = fake_github::CLIENT_ID;
    assert_eq!(
        told,
        format!(
            "Interval PT1H
StartBoundary 2026-01-01T00:{minute}:00
LogonType InteractiveToken
RunLevel LeastPrivilege
MultipleInstancesPolicy IgnoreNew
StartWhenAvailable true
Hidden true
WakeToRun false
Command conhost.exe
Arguments --headless HOME/bin/ghtok schedule run --client-id={client} --host=http://HOST --store=file"
        )
    );
    let leftover = stage.sandbox.state_dir().join("timer.xml");
    assert!(!Path::new(&leftover).exists());
}
