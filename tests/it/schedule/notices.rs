//! Warnings on a real bus: taken by a recording stand-in, and shown by a real notification daemon.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use dbus::Message;
use dbus::arg::{PropMap, RefArg};
use dbus::blocking::Connection;
use dbus::channel::{MatchingReceiver, Sender as _};
use dbus::message::MatchRule;
use fake_github::CLIENT_ID;

use super::Stage;
use crate::secret_service::bus::{PrivateBus, wait_until};
use crate::support::deadline::run_command;
use crate::support::sandbox::Run;

/// One call of `Notify` as a service gets it.
#[derive(Debug)]
struct Notified {
    application: String,
    replaces: u32,
    title: String,
    body: String,
    actions: usize,
    urgency: Option<u64>,
    expires: i32,
}

/// A service that writes down what it is to show.
fn record_notices(bus: &PrivateBus) -> Receiver<Notified> {
    let connection = bus.connect();
    connection
        .request_name("org.freedesktop.Notifications", false, false, true)
        .expect("the name");
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || serve(&connection, &sender));
    receiver
}

fn serve(connection: &Connection, sender: &mpsc::Sender<Notified>) {
    let sender = sender.clone();
    connection.start_receive(
        MatchRule::new_method_call(),
        Box::new(move |call: Message, connection: &Connection| {
            let mut values = call.iter_init();
            let notified = Notified {
                application: values.read().expect("a string"),
                replaces: values.read().expect("a number"),
                title: {
                    let _icon: String = values.read().expect("a string");
                    values.read().expect("a string")
                },
                body: values.read().expect("a string"),
                actions: values.read::<Vec<String>>().expect("strings").len(),
                urgency: values
                    .read::<PropMap>()
                    .expect("hints")
                    .get("urgency")
                    .and_then(RefArg::as_u64),
                expires: values.read().expect("a number"),
            };
            let _ = connection.send(call.method_return().append1(7_u32));
            sender.send(notified).is_ok()
        }),
    );
    // Ends with the bus.
    while connection.process(Duration::from_millis(100)).is_ok() {}
}

fn look_after(stage: &Stage, bus: &PrivateBus) -> Run {
    let mut command = stage.command(&[Path::new("/nonexistent")], &["schedule", "run"]);
    let address = bus.session().bus_address.expect("an address");
    run_command(command.env("DBUS_SESSION_BUS_ADDRESS", address))
}

#[test]
fn a_notice_goes_to_the_desktop_once_a_day_and_can_start_nothing() {
    let Some(bus) = PrivateBus::without_keyring() else {
        return;
    };
    let notices = record_notices(&bus);
    let stage = Stage::after_the_end();
    for _ in 0..5 {
        look_after(&stage, &bus).expect_code(4);
    }
    let notified = notices
        .recv_timeout(Duration::from_secs(10))
        .expect("a notice");
    assert_eq!(notified.application, "ghtok");
    assert_eq!(notified.title, "ghtok: sign in again");
    assert!(
        notified
            .body
            .starts_with(&format!("{CLIENT_ID}: GitHub refused the refresh token"))
    );
    assert!(
        notified
            .body
            .contains(&format!(". Run: ghtok login --client-id {CLIENT_ID}")),
        "{notified:?}"
    );
    assert_eq!(
        (
            notified.replaces,
            notified.actions,
            notified.urgency,
            notified.expires
        ),
        (0, 0, Some(1), -1)
    );
    assert!(
        notices.recv_timeout(Duration::from_millis(300)).is_err(),
        "once a day"
    );
    assert_eq!(stage.fake.connections(), 0, "P5");
}

#[test]
fn a_service_that_does_not_answer_costs_five_seconds_at_most() {
    let Some(bus) = PrivateBus::without_keyring() else {
        return;
    };
    let silent = bus.connect();
    silent
        .request_name("org.freedesktop.Notifications", false, false, true)
        .expect("the name");
    let stage = Stage::after_the_end();
    let began = std::time::Instant::now();
    let ran = look_after(&stage, &bus).expect_code(4);
    assert!(
        began.elapsed() < Duration::from_secs(12),
        "{:?}",
        began.elapsed()
    );
    assert!(
        ran.stdout
            .contains("no desktop notification: did not answer within 5 s"),
        "{ran:?}"
    );
}

#[test]
fn what_a_service_says_instead_is_one_short_line() {
    let Some(bus) = PrivateBus::without_keyring() else {
        return;
    };
    let connection = bus.connect();
    connection
        .request_name("org.freedesktop.Notifications", false, false, true)
        .expect("the name");
    thread::spawn(move || {
        connection.start_receive(
            MatchRule::new_method_call(),
            Box::new(|call: Message, connection: &Connection| {
                let words = format!("\u{1b}]0;title\u{7}\n{}", "x".repeat(100_000));
                let words = std::ffi::CString::new(words).expect("words");
                let _ = connection.send(call.error(&"org.example.No".into(), &words));
                true
            }),
        );
        while connection.process(Duration::from_millis(100)).is_ok() {}
    });
    let ran = look_after(&Stage::after_the_end(), &bus).expect_code(4);
    let line = ran.stdout.trim_end_matches('\n');
    assert!(
        line.contains("(no desktop notification: ]0;title x"),
        "{line:.300}"
    );
    assert!(line.ends_with(" (org.example.No))"), "{line:.300}");
    assert!(!line.contains(char::is_control) && line.len() < 1000);
}

#[test]
fn a_bus_without_a_notification_service_is_told_where_the_words_go() {
    let Some(bus) = PrivateBus::without_keyring() else {
        return;
    };
    let ran = look_after(&Stage::after_the_end(), &bus).expect_code(4);
    assert!(
        ran.stdout
            .ends_with("no notification service is running)\n")
            || ran
                .stdout
                .ends_with("the notification service does not start)\n"),
        "{ran:?}"
    );
}

#[test]
fn a_real_notification_daemon_shows_it() {
    let Some(bus) = PrivateBus::without_keyring() else {
        return;
    };
    let Some(desktop) = Desktop::start(&bus) else {
        skip!("dunst or Xvfb is not installed");
        return;
    };
    let stage = Stage::after_the_end();
    look_after(&stage, &bus).expect_code(4);
    look_after(&stage, &bus).expect_code(4);
    let shown = desktop.shown(&bus);
    assert_eq!(
        shown.matches("\"ghtok: sign in again\"").count(),
        1,
        "{shown}"
    );
    assert!(
        shown.contains("GitHub refused the refresh token"),
        "{shown}"
    );
}

/// dunst on a screen that nobody sees.
struct Desktop {
    screen: Child,
    daemon: Child,
    home: tempfile::TempDir,
}

impl Desktop {
    fn start(bus: &PrivateBus) -> Option<Self> {
        let home = tempfile::tempdir().expect("a folder");
        // The server says on which display it is once it listens.
        let number = home.path().join("display");
        let mut screen = Command::new("sh")
            .args([
                "-c",
                "exec Xvfb -displayfd 1 -screen 0 640x480x24 -nolisten tcp >\"$0\" 2>/dev/null",
            ])
            .arg(&number)
            .stdin(Stdio::null())
            .spawn()
            .ok()?;
        let display = || {
            fs::read_to_string(&number)
                .ok()
                .filter(|text| text.ends_with('\n'))
        };
        let began = std::time::Instant::now();
        while display().is_none() {
            let over = began.elapsed() > Duration::from_secs(20);
            if over || screen.try_wait().expect("our child").is_some() {
                let _ = screen.kill();
                let _ = screen.wait();
                return None;
            }
            thread::sleep(Duration::from_millis(20));
        }
        let display = format!(":{}", display().expect("a number").trim());
        let daemon = Command::new("dunst")
            .args(["-conf", "/dev/null"])
            .env("DISPLAY", display)
            .env("HOME", home.path())
            .env(
                "DBUS_SESSION_BUS_ADDRESS",
                bus.session().bus_address.expect("an address"),
            )
            .env_remove("WAYLAND_DISPLAY")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(daemon) = daemon else {
            let _ = screen.kill();
            let _ = screen.wait();
            return None;
        };
        wait_until("dunst", || bus.has_owner("org.freedesktop.Notifications"));
        Some(Self {
            screen,
            daemon,
            home,
        })
    }

    /// What it has shown or shows, in its own words.
    fn shown(&self, bus: &PrivateBus) -> String {
        let ask = |what: &str| {
            let output = Command::new("dunstctl")
                .args(what.split(' '))
                .env("HOME", self.home.path())
                .env(
                    "DBUS_SESSION_BUS_ADDRESS",
                    bus.session().bus_address.expect("an address"),
                )
                .output()
                .expect("dunstctl");
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        wait_until("a notice on the screen", || {
            ask("count displayed").trim() == "1"
        });
        ask("close-all");
        ask("history")
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        for child in [&mut self.daemon, &mut self.screen] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
