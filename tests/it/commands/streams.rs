//! Standard output that is closed or full.

use std::fs::OpenOptions;
use std::io::pipe;
use std::process::Stdio;

use super::{HOUR, start};
use crate::support::deadline::run_command;
use crate::support::sandbox::{Program, Run};

/// Every command that prints data, with this as its standard output.
fn each_with(stdout: impl Fn() -> Stdio) -> Vec<(String, Run)> {
    let (fake, sandbox) = start();
    sandbox.seed(&fake, HOUR);
    let commands: [&[&str]; 10] = [
        &["--help"],
        &["exec", "--help"],
        &["mcp", "-h"],
        &["--version"],
        &["get"],
        &["get", "--format", "json"],
        &["refresh"],
        &["refresh", "--json"],
        &["status"],
        &["status", "--json"],
    ];
    commands
        .into_iter()
        .map(|arguments| {
            let mut command = sandbox.command(Program::Real, arguments);
            let run = run_command(command.stdout(stdout()));
            (format!("{arguments:?}: {run:?}"), run)
        })
        .collect()
}

#[test]
fn nobody_reads_any_more_and_that_is_no_failure() {
    for (what, run) in each_with(|| Stdio::from(pipe().expect("a pipe").1)) {
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{what}");
    }
}

#[test]
fn an_output_that_cannot_be_written_is_a_failure() {
    let full = || {
        let full = OpenOptions::new().write(true).open("/dev/full");
        Stdio::from(full.expect("Linux has it"))
    };
    for (what, run) in each_with(full) {
        // `exec` and `mcp` leave the low codes to their commands.
        let of_a_command = what.starts_with("[\"exec") || what.starts_with("[\"mcp");
        assert_eq!(run.code, Some(if of_a_command { 125 } else { 1 }), "{what}");
        assert!(
            run.stderr.contains("cannot write to standard output"),
            "{what}"
        );
        assert!(!run.stderr.contains("ghu_"), "{what}");
    }
}
