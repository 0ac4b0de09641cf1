//! Many processes that are let go at the same moment.

use std::io::{PipeWriter, Read, pipe};
use std::process::{Command, Stdio};
use std::time::Instant;

use super::processes::{Caller, new_output, shell};
use super::sandbox::{Program, Sandbox, path_of};

/// Says that it is there, waits for the gate, becomes ghtok.
const WAIT_AT_GATE: &str =
    r#"out=$1 err=$2; shift 2; echo; read -r gate; exec "$@" >"$out" 2>"$err" </dev/null"#;

/// Processes at a gate.
pub struct Herd {
    members: Vec<Caller>,
    gate: PipeWriter,
}

impl Herd {
    /// Starts one process for each list of arguments, and returns when all stand at the gate.
    pub fn gather(sandbox: &Sandbox, calls: &[&[&str]]) -> Self {
        let (gate_end, gate) = pipe().expect("a pipe");
        let (mut ready, ready_end) = pipe().expect("a pipe");
        let members: Vec<Caller> = calls
            .iter()
            .map(|arguments| {
                let output = new_output(sandbox);
                let mut command = at_gate(sandbox, &output, arguments);
                command
                    .stdin(gate_end.try_clone().expect("a descriptor"))
                    .stdout(ready_end.try_clone().expect("a descriptor"))
                    .stderr(Stdio::inherit());
                Caller::of(command.spawn().expect("a shell"), output)
            })
            .collect();
        drop(ready_end);
        ready
            .read_exact(&mut vec![0; members.len()])
            .expect("everybody says that it is there");
        Self { members, gate }
    }

    /// Opens the gate.
    pub fn release(self) -> (Instant, Vec<Caller>) {
        let at = Instant::now();
        drop(self.gate);
        (at, self.members)
    }
}

fn at_gate(sandbox: &Sandbox, output: &std::path::Path, arguments: &[&str]) -> Command {
    let mut command = shell(sandbox, WAIT_AT_GATE);
    command
        .arg(output.with_extension("out"))
        .arg(output.with_extension("err"))
        .arg(path_of(Program::Real))
        .args(arguments);
    command
}
