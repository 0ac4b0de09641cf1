//! The tour plays to its end, and fits a usual terminal.

use std::process::{Command, Stdio};

use crate::support::deadline::run_command;
use crate::support::git::feed;
use crate::support::sandbox::{Program, path_of};

fn tour() -> Command {
    let program = path_of(Program::Hurried).with_file_name("tour");
    let mut command = Command::new(program);
    command
        .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

#[test]
fn the_tour_fits_80_columns_and_compiles_nothing() {
    let run = run_command(&mut tour()).expect_code(0);
    assert_eq!(run.stderr, "");
    for line in run.stdout.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    for step in 1..=8 {
        assert!(
            run.stdout.contains(&format!("── {step}. ")),
            "{}",
            run.stdout
        );
    }
    for shown in [
        "ghtok app new",
        "/settings/apps/new",
        "Signed in to",
        "pushed over https",
    ] {
        assert!(run.stdout.contains(shown), "{shown}: {}", run.stdout);
    }
    assert!(!run.stdout.contains("ghu_") && !run.stdout.contains("ghr_"));
}

#[test]
fn with_pause_it_waits_after_each_step() {
    let run = feed(tour().arg("--pause"), "\n".repeat(8).as_bytes()).expect_code(0);
    assert_eq!(run.stdout.matches("Press Enter to go on.").count(), 8);
    let run = run_command(tour().arg("--nonsense")).expect_code(1);
    assert!(run.stderr.contains("usage: tour [--pause]"), "{run:?}");
}
