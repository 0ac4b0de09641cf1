//! What `ghtok mcp` costs: the same client and the same server, with and without it, in turns.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::table::{Series, row, title};
use super::{Bench, Outcome, timed};

const LARGE: usize = 64 * 1024;
const HUGE: usize = 1024 * 1024;
const SMALL: usize = 64;

/// About what Node takes.
const START: &str = "100";

/// A server of npm's, where that is installed.
const FILESYSTEM: &str =
    "tests/consumers/node_modules/@modelcontextprotocol/server-filesystem/dist/index.js";

/// A tool's call, and how long its text is.
struct Call {
    params: Value,
    size: usize,
}

impl Bench {
    pub fn mcp(&self, rounds: usize) -> Outcome {
        self.latency(rounds)?;
        let cheapest = server("0")?;
        self.throughput("the cheapest server", rounds, &text(LARGE), &cheapest)?;
        self.throughput(
            "the cheapest server",
            rounds.min(40),
            &text(HUGE),
            &cheapest,
        )?;
        if Path::new(FILESYSTEM).exists() {
            let file = self.home.path().join("large");
            std::fs::write(&file, "x".repeat(LARGE))?;
            let read = json!({"name": "read_text_file", "arguments": {"path": file}});
            let read = Call {
                params: read,
                size: LARGE,
            };
            let mut command = Command::new("node");
            command.arg(FILESYSTEM).arg(self.home.path());
            self.throughput("server-filesystem", rounds, &read, &command)?;
        }
        self.pause(rounds.min(20))
    }

    /// Small calls, in turns of bare and wrapped.
    fn latency(&self, rounds: usize) -> Outcome {
        let (command, small) = (server("0")?, text(SMALL));
        let mut clients = [
            Client::start(&mut copy(&command))?,
            Client::start(&mut self.wrapped(&command))?,
        ];
        let mut series = both();
        for _ in 0..rounds * 10 {
            for (client, series) in clients.iter_mut().zip(&mut series) {
                series.push(client.calls(1, 1, &small)?);
            }
        }
        title(&format!(
            "mcp: a call of {SMALL} bytes, {} in turns",
            rounds * 10
        ));
        series.iter().for_each(Series::print);
        let added = series[1].median() - series[0].median();
        row("added", &format!("{added:7.3} ms median (limit 0.3)"));
        row(
            "memory of ghtok mcp",
            &format!("{} KiB at most", clients[1].memory()?),
        );
        clients.into_iter().try_for_each(Client::end)
    }

    /// Large calls, in turns of bare, with a `cat` on each side, and wrapped.
    fn throughput(&self, name: &str, rounds: usize, call: &Call, server: &Command) -> Outcome {
        let mut clients = [
            Client::start(&mut copy(server))?,
            Client::start(&mut between_cats(server))?,
            Client::start(&mut self.wrapped(server))?,
        ];
        for (count, in_flight) in [(20, 1), (40, 8)] {
            let names = ["bare", "cat | server | cat", "under ghtok mcp"];
            let mut series = names.map(Series::new);
            for _ in 0..rounds {
                for (client, series) in clients.iter_mut().zip(&mut series) {
                    series.push(client.calls(count, in_flight, call)?);
                }
            }
            let kibibytes = call.size / 1024;
            title(&format!(
                "mcp: {kibibytes} KiB results of {name}, {in_flight} in flight"
            ));
            for one in &series {
                let bytes = f64::from(count) * f64::from(u32::try_from(call.size)?);
                let speed = bytes / 1e6 / (one.median() / 1000.0);
                row(one.name(), &format!("{speed:7.0} MB/s median"));
            }
            let [bare, cats, wrapped] = series.each_ref().map(Series::median);
            let (of_cats, of_bare) = (cats / wrapped, bare / wrapped);
            row(
                "share",
                &format!("{of_cats:7.2} of that with cat (wanted: 0.9), {of_bare:.2} of bare"),
            );
        }
        row(
            "memory of ghtok mcp",
            &format!("{} KiB at most (limit 12288)", clients[2].memory()?),
        );
        clients.into_iter().try_for_each(Client::end)
    }

    /// How long a call takes that finds another token, beside the server's own start.
    fn pause(&self, rounds: usize) -> Outcome {
        let mut start = Series::new("the server's own start");
        let mut pause = Series::new("a call across an exchange");
        let (command, small) = (server(START)?, text(SMALL));
        let mut wrapped = Client::start(&mut self.wrapped(&command))?;
        for _ in 0..rounds {
            let began = Instant::now();
            let bare = Client::start(&mut copy(&command))?;
            start.push(began.elapsed());
            bare.end()?;
            timed(&mut self.ghtok(&["refresh", "--force"]))?;
            pause.push(wrapped.calls(1, 1, &small)?);
        }
        wrapped.end()?;
        title(&format!("mcp: {rounds} exchanges"));
        start.print();
        pause.print();
        let allowed = start.median() * 1.2 + 100.0;
        row(
            "allowed",
            &format!("{allowed:7.2} ms (1.2 × the start + 100)"),
        );
        Ok(())
    }

    fn wrapped(&self, server: &Command) -> Command {
        let mut command = self.ghtok(&["mcp", "--"]);
        command.arg(server.get_program()).args(server.get_args());
        command
    }
}

fn both() -> [Series; 2] {
    [Series::new("bare"), Series::new("under ghtok mcp")]
}

fn text(size: usize) -> Call {
    let params = json!({"name": "text", "arguments": {"size": size}});
    Call { params, size }
}

fn copy(server: &Command) -> Command {
    let mut command = Command::new(server.get_program());
    command.args(server.get_args());
    command
}

/// A pipeline through which each byte passes as often as through the wrapper.
fn between_cats(server: &Command) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", r#"cat | "$0" "$@" | cat"#]);
    command.arg(server.get_program()).args(server.get_args());
    command
}

/// This program, as a server.
fn server(start: &str) -> Outcome<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["server", start]);
    Ok(command)
}

struct Client {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    line: String,
}

impl Client {
    /// Starts a server and shakes hands.
    fn start(command: &mut Command) -> Outcome<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let input = child.stdin.take().ok_or("no stdin")?;
        let output = BufReader::with_capacity(256 * 1024, child.stdout.take().ok_or("no stdout")?);
        let mut client = Self {
            child,
            input,
            output,
            line: String::new(),
        };
        let params = json!({"protocolVersion": "2025-11-25", "capabilities": {}});
        client
            .send(&json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}))?;
        client.receive()?;
        client.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))?;
        Ok(client)
    }

    /// How long so many calls take, so many of them in flight.
    fn calls(&mut self, count: u32, in_flight: u32, call: &Call) -> Outcome<Duration> {
        let began = Instant::now();
        let mut sent = 0;
        for answered in 0..count {
            while sent < count && sent < answered + in_flight {
                let params = &call.params;
                self.send(&json!({"jsonrpc": "2.0", "id": sent, "method": "tools/call", "params": params}))?;
                sent += 1;
            }
            let answer = self.receive()?;
            let text = answer["result"]["content"][0]["text"].as_str();
            if text.map(str::len) != Some(call.size) {
                return Err(format!("not the answer: {answer}").into());
            }
        }
        Ok(began.elapsed())
    }

    fn send(&mut self, message: &Value) -> Outcome {
        Ok(self.input.write_all(format!("{message}\n").as_bytes())?)
    }

    /// The next answer.
    fn receive(&mut self) -> Outcome<Value> {
        loop {
            self.line.clear();
            self.output.read_line(&mut self.line)?;
            let message: Value = serde_json::from_str(&self.line)?;
            if message.get("method").is_none() {
                return Ok(message);
            }
        }
    }

    /// What it has had in memory at most, in KiB (proc(5)).
    fn memory(&self) -> Outcome<String> {
        let status = Path::new("/proc")
            .join(self.child.id().to_string())
            .join("status");
        let text = std::fs::read_to_string(status)?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        Ok(line
            .ok_or("no VmHWM")?
            .trim()
            .trim_end_matches(" kB")
            .to_owned())
    }

    fn end(mut self) -> Outcome {
        drop(self.input);
        self.child.wait()?;
        Ok(())
    }
}
