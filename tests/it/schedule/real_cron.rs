//! A real cron, in a mount namespace of its own whose crontabs nobody else sees.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use ghtok::testing::auth::ports::TokenStore;
use ghtok::testing::store::RecordStore;
use ghtok::testing::store::secret_service::SecretServiceSlot;
use serde_json::Value;

use super::{Stage, everything};
use crate::secret_service::bus::PrivateBus;
use crate::support::cron::CronDaemon;
use crate::support::deadline::run_command;
use crate::support::namespace::{Namespace, alone};
use crate::support::sandbox::{Run, record_of};

/// The spool of Debian's cron.
const SPOOL: &str = "/var/spool/cron";

/// A namespace with an empty spool, and what else is set up in it. `None`, with a line that says why,
/// where there is no cron.
fn with_cron(stage: &Stage, more: &str) -> Option<Namespace> {
    for tool in ["/usr/bin/crontab", "/usr/sbin/cron"] {
        if !Path::new(tool).exists() {
            skip!("{tool} is not installed");
            return None;
        }
    }
    let spool = stage.spool.path();
    fs::create_dir_all(spool.join("crontabs")).expect("a folder");
    // By the number in its file in /run a cron makes sure that it is alone.
    Namespace::open(&format!(
        "mount --bind {} {SPOOL}\nmount -t tmpfs none /run\n{more}",
        spool.display()
    ))
}

fn ghtok(namespace: &Namespace, stage: &Stage, arguments: &[&str]) -> Run {
    let folders = [Path::new("/usr/bin"), Path::new("/bin")];
    namespace.run(&stage.command(&folders, arguments))
}

#[test]
fn a_real_crontab_is_given_back_to_the_byte() {
    let stage = Stage::new();
    let _daemon = CronDaemon::start();
    let Some(namespace) = with_cron(&stage, "") else {
        return;
    };
    stage.sandbox.seed(&stage.fake, Duration::from_secs(7200));
    let before = everything(stage.sandbox.home());
    let crontab = |script: &str| namespace.run(Command::new("sh").args(["-c", script]));
    for mine in ["", "MAILTO=\"\"\n# 100% mine\n5 4 * * 1 true\n"] {
        if !mine.is_empty() {
            fs::write(stage.sandbox.home().with_extension("mine"), mine).expect("written");
            let path = stage.sandbox.home().with_extension("mine");
            crontab(&format!("crontab {}", path.display())).expect_code(0);
            fs::remove_file(path).expect("removed");
        }
        ghtok(
            &namespace,
            &stage,
            &["schedule", "install", "--scheduler", "cron"],
        )
        .expect_code(0);
        let listed = crontab("crontab -l").expect_code(0).stdout;
        assert!(
            listed.starts_with(mine) && listed.contains("# BEGIN ghtok schedule"),
            "{listed}"
        );
        let told = ghtok(&namespace, &stage, &["schedule", "status", "--json"]).expect_code(0);
        let document: Value = serde_json::from_str(&told.stdout).expect("JSON");
        assert_eq!(document["drift"], serde_json::json!([]));
        ghtok(&namespace, &stage, &["schedule", "remove"]).expect_code(0);
        let listed = crontab("crontab -l").stdout;
        assert_eq!(listed, mine);
        assert_eq!(everything(stage.sandbox.home()), before);
    }
}

/// The library that makes a program's time run faster, where it is installed. Its wrapper, which
/// knows where that is, would outlive the test.
fn faketime() -> Option<String> {
    let told = Command::new("faketime")
        .args(["-f", "+0", "sh", "-c", "echo \"$LD_PRELOAD\""])
        .output()
        .ok()?;
    let library = String::from_utf8(told.stdout).ok()?.trim().to_owned();
    (told.status.success() && !library.is_empty()).then_some(library)
}

#[test]
fn a_real_cron_runs_it_with_nothing_of_a_login_shell() {
    let stage = Stage::new();
    let _daemon = CronDaemon::start();
    let Some(namespace) = with_cron(&stage, "") else {
        return;
    };
    stage.sandbox.seed(&stage.fake, Duration::from_secs(7200));
    ghtok(
        &namespace,
        &stage,
        &["schedule", "install", "--scheduler", "cron"],
    )
    .expect_code(0);
    let note = by_cron(&namespace, &stage);
    assert!(note.contains("\"result\":\"nothing\""), "{note}");
    assert!(note.contains("the sign-in is valid for 173 d"), "{note}");
    assert_eq!(stage.fake.connections(), 0);
}

/// Has cron do what was installed, and returns the note of it.
fn by_cron(namespace: &Namespace, stage: &Stage) -> String {
    // The same line, now every minute; where faketime is installed, a minute of cron's is 3 s.
    let every = "crontab -l | sed 's/^[0-9]* \\*/* */' | crontab -";
    namespace
        .run(Command::new("sh").args(["-c", every]))
        .expect_code(0);
    let mut command = Command::new("/usr/sbin/cron");
    command.arg("-f").env("PATH", "/usr/bin:/bin");
    if let Some(library) = faketime() {
        command.env("LD_PRELOAD", library).env("FAKETIME", "+0 x20");
    }
    let mut cron = namespace.start(&command);
    let ran = stage.sandbox.state_folder().timer_run();
    let whole = || {
        fs::read_to_string(&ran)
            .ok()
            .filter(|note| note.ends_with('}'))
    };
    let began = std::time::Instant::now();
    while whole().is_none() && began.elapsed() < Duration::from_secs(90) {
        std::thread::sleep(Duration::from_millis(50));
    }
    cron.end();
    whole().expect("cron ran it")
}

#[test]
fn p1_a_real_cron_finds_the_keychain_of_the_session() {
    let Some(bus) = PrivateBus::with_keyring() else {
        return;
    };
    let stage = Stage::new();
    let _daemon = CronDaemon::start();
    // Where a log-in puts the session's bus; no variable tells cron of it.
    let user = rustix::process::getuid().as_raw();
    let session = format!(
        "mkdir -p /run/user/{user}\ntouch /run/user/{user}/bus\nmount --bind {} /run/user/{user}/bus",
        bus.socket().display()
    );
    let Some(namespace) = with_cron(&stage, &session) else {
        return;
    };
    let (folder, key) = (stage.sandbox.state_folder(), stage.sandbox.app().key());
    let slot = SecretServiceSlot::new(&key, bus.session(), Duration::from_secs(5));
    let store = RecordStore::new(Box::new(slot), folder, key);
    let pair = stage.fake.mint(fake_github::CLIENT_ID);
    let mut locked = store.try_lock().expect("a folder").expect("a free lock");
    locked
        .save(&record_of(&pair, Duration::from_secs(7200)))
        .expect("stored");
    drop(locked);
    let folders = [Path::new("/usr/bin"), Path::new("/bin")];
    let mut install = stage.command(&folders, &["schedule", "install", "--scheduler", "cron"]);
    install.env("GHTOK_STORE", "keychain");
    namespace.run(&install).expect_code(0);
    let note = by_cron(&namespace, &stage);
    assert!(note.contains("the sign-in is valid for 173 d"), "{note}");
}

/// Installs, runs the command that the hint names, installs again.
const WITHOUT_A_DAEMON: &str = r#"
ghtok schedule install --scheduler cron 2>first; echo "first: $?"
crontab -l | grep -c 'BEGIN ghtok schedule'
ghtok schedule status >status; echo "status: $?"
start=$(sed -n '/^ghtok: hint: start it with:$/{n;s/^  //p}' first)
echo "start: $start"
$start >/dev/null
ghtok schedule install --scheduler cron 2>second; echo "second: $?"
ghtok schedule status >/dev/null; echo "status: $?"
cat first status second
"#;

#[test]
fn a_crontab_without_a_daemon_is_said_and_the_command_that_starts_one_works() {
    let stage = Stage::new();
    let program = stage.program();
    let own = program.parent().expect("a folder");
    let system = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"].map(Path::new);
    let folders = [&[own][..], &system].concat();
    let spool = stage.spool.path();
    fs::create_dir_all(spool.join("crontabs")).expect("a folder");
    let setup = format!(
        "mount --bind {} {SPOOL}; mount -t tmpfs none /run",
        spool.display()
    );
    let script = format!("{setup}\ncd {}\n{WITHOUT_A_DAEMON}", spool.display());
    let Some(mut command) = alone(&script) else {
        return;
    };
    for (name, value) in stage.command(&folders, &[]).get_envs() {
        command.env(name, value.expect("set"));
    }
    let run = run_command(&mut command).expect_code(0);
    let said = |words: &str| assert!(run.stdout.contains(words), "{words}: {}", run.stdout);
    said("first: 1\n1\nstatus: 1\nstart: /etc/init.d/cron start\nsecond: 0\nstatus: 0\n");
    said("ghtok: installed, but cron is not running: ");
    said("ghtok: error: schedule: cannot run the timer: cron: no cron daemon is running\n");
    said(
        "drift      no cron daemon is running\nnext       start it with: /etc/init.d/cron start\n",
    );
    said("ghtok: already installed: cron runs ");
}
