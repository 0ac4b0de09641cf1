//! Standard streams that are closed, full, or something else than a stream.

use std::fs::OpenOptions;
use std::io::pipe;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use super::{COMMANDS, FORCE, GET, GIT, Home, LOGOUT, run};

/// Every command, one that refreshes and one that forgets.
fn commands() -> impl Iterator<Item = &'static [&'static str]> {
    COMMANDS.into_iter().chain([FORCE, LOGOUT])
}

fn full() -> Stdio {
    let full = OpenOptions::new().write(true).open("/dev/full");
    Stdio::from(full.expect("Linux has it"))
}

fn nobody_reads() -> Stdio {
    Stdio::from(pipe().expect("a pipe").1)
}

/// Closes these descriptors for good in the process that is started.
#[expect(unsafe_code, reason = "std gives every child three streams")]
fn closing(mut command: Command, descriptors: &'static [i32]) -> Command {
    // SAFETY: `close` is safe to call after fork, and nothing else uses these descriptors there.
    unsafe {
        command.pre_exec(move || {
            for descriptor in descriptors {
                libc::close(*descriptor);
            }
            Ok(())
        })
    };
    command
}

#[test]
fn closed_streams_harm_nobody() {
    for closed in [&[0][..], &[1], &[2], &[0, 1], &[0, 2], &[1, 2], &[0, 1, 2]] {
        let home = Home::new();
        for arguments in commands().filter(|arguments| *arguments != LOGOUT) {
            let run = run(closing(home.command(arguments), closed), arguments);
            assert_eq!(run.code, Some(0), "{closed:?}: {arguments:?}: {run:?}");
        }
        home.expect_kept(&format!("{closed:?}"));
        // The last one was refreshed: whoever closes all three has a refresher that works.
        assert_eq!(home.sandbox.record().generation, 2, "{closed:?}");
        let run = run(closing(home.command(LOGOUT), closed), LOGOUT);
        assert_eq!(run.code, Some(0), "{closed:?}: {run:?}");
    }
}

#[test]
fn an_output_that_is_full_is_named_and_one_that_nobody_reads_is_not() {
    for (output, code) in [(full as fn() -> Stdio, 1), (nobody_reads, 0)] {
        let home = Home::new();
        for arguments in commands() {
            let mut command = home.command(arguments);
            command.stdout(output());
            let run = run(command, arguments);
            // Words for people are on standard error; git, and a command's own output, go on.
            let no_data = matches!(arguments[0], "login" | "logout" | "exec" | "mcp");
            let code = if no_data || arguments == GIT { 0 } else { code };
            assert_eq!(run.code, Some(code), "{arguments:?}: {run:?}");
            if code == 1 {
                let says = "cannot write to standard output";
                assert!(run.stderr.contains(says), "{arguments:?}: {run:?}");
            }
            assert!(!run.stderr.contains("ghu_"), "{arguments:?}: {run:?}");
            if arguments == FORCE {
                home.expect_kept("a refresh whose words nobody got");
            }
        }
    }
}

#[test]
fn words_that_nobody_gets_are_no_failure() {
    for words in [full as fn() -> Stdio, nobody_reads] {
        let home = Home::new();
        for arguments in commands() {
            let mut command = home.command(arguments);
            command.stderr(words());
            let run = run(command, arguments);
            assert_eq!(run.code, Some(0), "{arguments:?}: {run:?}");
        }
        // An error's code is told all the same.
        let mut command = home.command(LOGOUT);
        command.stderr(words());
        assert_eq!(run(command, LOGOUT).code, Some(0));
        let mut command = home.command(GET);
        command.stderr(words());
        assert_eq!(run(command, GET).code, Some(4));
    }
}

#[test]
fn an_input_that_cannot_be_read_is_no_input() {
    let home = Home::new();
    for arguments in commands().filter(|arguments| *arguments != LOGOUT) {
        for input in [
            std::fs::File::open("/").expect("a folder"),
            OpenOptions::new()
                .write(true)
                .open("/dev/null")
                .expect("it"),
        ] {
            let mut command = home.command(arguments);
            command.stdin(input);
            let run = run(command, arguments);
            assert_eq!(run.code, Some(0), "{arguments:?}: {run:?}");
        }
    }
    home.expect_kept("an input that cannot be read");
}
