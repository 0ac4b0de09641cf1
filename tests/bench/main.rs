//! The measurements of `tests/bench/run`: whole processes, interleaved in one run, medians.
//!
//! Usage: bench PROGRAM NOTHING STORE [ROUNDS]   (STORE: file, kernel or keychain)
//!        bench mcp PROGRAM [ROUNDS]
//! Memory and instructions are told where `/usr/bin/time` and valgrind are installed.

#![allow(clippy::disallowed_methods, clippy::print_stdout, unreachable_pub)]

mod mcp;
mod mcp_server;
mod table;

use std::env;
use std::error::Error;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fake_github::{CLIENT_ID, Endpoint, FakeGitHub};
use table::{Series, row, title};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> Outcome {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let rounds = |rest: &[&str]| rest.first().map_or(Ok(200), |text| text.parse());
    match arguments.as_slice() {
        ["server", start] => mcp_server::serve(Duration::from_millis(start.parse()?)),
        ["mcp", program, rest @ ..] => {
            let bench = Bench::new(program.into(), PathBuf::new(), "file")?;
            bench.mcp(rounds(rest)?)?;
            bench.end()
        }
        [program, nothing, store, rest @ ..] => {
            let bench = Bench::new(program.into(), nothing.into(), store)?;
            whole_processes(&bench, rounds(rest)?)?;
            bench.end()
        }
        _ => {
            Err("usage: bench PROGRAM NOTHING STORE [ROUNDS], or bench mcp PROGRAM [ROUNDS]".into())
        }
    }
}

fn whole_processes(bench: &Bench, rounds: usize) -> Outcome {
    bench.cached(rounds)?;
    bench.exec(rounds)?;
    bench.timer(rounds)?;
    bench.at_once(200)?;
    bench.refresh(rounds.min(50))?;
    bench.cost();
    Ok(())
}

/// The program, signed in to a fake GitHub in a home of its own.
struct Bench {
    program: PathBuf,
    nothing: PathBuf,
    store: String,
    home: tempfile::TempDir,
    fake: FakeGitHub,
}

impl Bench {
    fn new(program: PathBuf, nothing: PathBuf, store: &str) -> Outcome<Self> {
        let home = tempfile::tempdir()?;
        let bench = Self {
            program,
            nothing,
            store: store.to_owned(),
            home,
            fake: FakeGitHub::start()?,
        };
        let login = bench
            .ghtok(&["login"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let code = bench.fake.wait_for_code(Duration::from_secs(20))?;
        bench.fake.approve(&code);
        let end = login.wait_with_output()?;
        if !end.status.success() {
            return Err(format!("ghtok login --store {store} failed: {}", end.status).into());
        }
        Ok(bench)
    }

    fn ghtok(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .env("GHTOK_CONFIG_DIR", self.home.path().join("config"))
            .env("GHTOK_STATE_DIR", self.home.path().join("state"))
            .env("GHTOK_CLIENT_ID", CLIENT_ID)
            .env("GHTOK_HOST", self.fake.host())
            .env("GHTOK_STORE", &self.store)
            .stdin(Stdio::null());
        command
    }

    fn witness(&self) -> Option<Command> {
        if self.store != "keychain" {
            return None;
        }
        let mut command = Command::new("secret-tool");
        let key = format!("{}/{CLIENT_ID}", self.fake.host());
        command.args(["lookup", "service", "ghtok", "username", &key]);
        Some(command)
    }

    /// A command run by `exec` beside a cached `get` and the command alone.
    fn exec(&self, rounds: usize) -> Outcome {
        let mut exec = Series::new("ghtok exec -- true");
        let mut get = Series::new("ghtok get (cached)");
        let mut alone = Series::new("true");
        for _ in 0..rounds {
            exec.push(timed(&mut self.ghtok(&["exec", "--", "true"]))?);
            get.push(timed(&mut self.ghtok(&["get"]))?);
            alone.push(timed(&mut Command::new("true"))?);
        }
        title(&format!("exec, {rounds} interleaved runs"));
        exec.print();
        get.print();
        alone.print();
        let both = get.median() + alone.median();
        row(
            "exec / (get + true)",
            &format!("{:.2} ×", exec.median() / both),
        );
        Ok(())
    }

    /// A run of the timer that finds nothing to do beside a cached `get`; neither asks the network.
    fn timer(&self, rounds: usize) -> Outcome {
        let mut run = Series::new("ghtok schedule run (nothing to do)");
        let mut get = Series::new("ghtok get (cached)");
        let before = self.fake.connections();
        for _ in 0..rounds {
            run.push(timed(&mut self.ghtok(&["schedule", "run"]))?);
            get.push(timed(&mut self.ghtok(&["get"]))?);
        }
        title(&format!("timer, {rounds} interleaved runs"));
        run.print();
        get.print();
        row(
            "schedule run / get",
            &format!("{:.2} ×", run.median() / get.median()),
        );
        let asked = self.fake.connections() - before;
        row("connections to GitHub", &asked.to_string());
        Ok(())
    }

    /// A cached `get` beside a program that does nothing, and beside `secret-tool`.
    fn cached(&self, rounds: usize) -> Outcome {
        let mut get = Series::new("ghtok get (cached)");
        let mut nothing = Series::new("a program that does nothing");
        let mut witness = Series::new("secret-tool lookup");
        let mut nothing_command = Command::new(&self.nothing);
        for _ in 0..rounds {
            get.push(timed(&mut self.ghtok(&["get"]))?);
            nothing.push(timed(&mut nothing_command)?);
            if let Some(mut command) = self.witness() {
                witness.push(timed(&mut command)?);
            }
        }
        title(&format!(
            "cached, store {}, {rounds} interleaved runs",
            self.store
        ));
        get.print();
        nothing.print();
        row(
            "ghtok get / nothing",
            &format!("{:.2} ×", get.median() / nothing.median()),
        );
        if !witness.is_empty() {
            witness.print();
            row(
                "ghtok get / secret-tool",
                &format!("{:.2} ×", get.median() / witness.median()),
            );
        }
        Ok(())
    }

    /// Many cached calls at the same time.
    fn at_once(&self, many: usize) -> Outcome {
        let ours = all_at_once((0..many).map(|_| self.ghtok(&["get"])))?;
        title(&format!("{many} at once, store {}", self.store));
        row(
            "ghtok get",
            &format!("{:.0} ms in all", ours.as_secs_f64() * 1000.0),
        );
        if self.witness().is_some() {
            let theirs = all_at_once((0..many).filter_map(|_| self.witness()))?;
            row(
                "secret-tool lookup",
                &format!("{:.0} ms in all", theirs.as_secs_f64() * 1000.0),
            );
            let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
            row("ghtok / secret-tool", &format!("{ratio:.2} ×"));
        }
        Ok(())
    }

    /// A whole forced refresh, less the time that the server had the request.
    fn refresh(&self, rounds: usize) -> Outcome {
        let mut whole = Series::new("ghtok refresh --force");
        let mut own = Series::new("of it ghtok's own time");
        for _ in 0..rounds {
            let took = timed(&mut self.ghtok(&["refresh", "--force"]))?;
            let last = self
                .fake
                .requests(Endpoint::Refresh)
                .pop()
                .ok_or("no refresh")?;
            let answered = last.answered.ok_or("no answer")?;
            let served = answered.instant.duration_since(last.arrived.instant);
            whole.push(took);
            own.push(took.saturating_sub(served));
        }
        title(&format!("refresh, store {}, {rounds} runs", self.store));
        whole.print();
        own.print();
        Ok(())
    }

    /// Memory and instructions of one cached `get`.
    fn cost(&self) {
        title(&format!("one cached get, store {}", self.store));
        let memory = self.under("/usr/bin/time", &["-f", "%M KB at most"]);
        row(
            "memory",
            memory.as_deref().unwrap_or("install time to see it"),
        );
        let counted = self.under(
            "valgrind",
            &["--tool=callgrind", "--callgrind-out-file=/dev/null"],
        );
        let instructions = counted.as_deref().unwrap_or("install valgrind to see them");
        row("instructions", instructions);
    }

    /// The last line that a measuring program says about a cached `get`.
    fn under(&self, tool: &str, options: &[&str]) -> Option<String> {
        let get = self.ghtok(&["get"]);
        let mut command = Command::new(tool);
        command
            .args(options)
            .arg(get.get_program())
            .args(get.get_args());
        for (name, value) in get.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        let said = String::from_utf8(command.output().ok()?.stderr).ok()?;
        said.lines()
            .last()
            .map(|line| line.trim_start_matches(['=', ' ']).to_owned())
    }

    fn end(&self) -> Outcome {
        timed(&mut self.ghtok(&["logout"])).map(|_| ())
    }
}

/// How long a process takes from its start to its end; it must succeed.
fn timed(command: &mut Command) -> Outcome<Duration> {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let began = Instant::now();
    let status = command.status()?;
    let took = began.elapsed();
    if status.success() {
        Ok(took)
    } else {
        Err(format!("{command:?}: {status}").into())
    }
}

fn all_at_once(commands: impl Iterator<Item = Command>) -> Outcome<Duration> {
    let began = Instant::now();
    let mut children = Vec::new();
    for mut command in commands {
        children.push(
            command
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()?,
        );
    }
    for mut child in children {
        if !child.wait()?.success() {
            return Err("one of many failed".into());
        }
    }
    Ok(began.elapsed())
}
