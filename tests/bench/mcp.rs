//! What `ghtok mcp` costs: the same client and the same server, with and without it, in turns.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::table::{Series, row, title};
use super::{Bench, Outcome, timed};

const LARGE: usize = 64 * 1024;
const SMALL: usize = 64;

/// About what Node takes.
const START: &str = "100";

impl Bench {
    pub fn mcp(&self, rounds: usize) -> Outcome {
        self.calls(rounds)?;
        self.pause(rounds.min(20))
    }

    /// Latency of small calls and throughput of large ones, in turns of bare and wrapped.
    fn calls(&self, rounds: usize) -> Outcome {
        let mut bare = Client::start(&mut server("0")?)?;
        let mut wrapped = Client::start(&mut self.wrapped("0")?)?;
        let mut small = [Series::new("bare"), Series::new("under ghtok mcp")];
        let mut alone = small.clone();
        let mut eight = small.clone();
        for _ in 0..rounds {
            for (at, client) in [&mut bare, &mut wrapped].into_iter().enumerate() {
                for _ in 0..10 {
                    small[at].push(client.calls(1, 1, SMALL)?);
                }
                alone[at].push(client.calls(20, 1, LARGE)?);
                eight[at].push(client.calls(40, 8, LARGE)?);
            }
        }
        title(&format!(
            "mcp: a call of {SMALL} bytes, {} in turns",
            rounds * 10
        ));
        small.iter().for_each(Series::print);
        let added = small[1].median() - small[0].median();
        row("added", &format!("{added:7.3} ms median (limit 0.3)"));
        throughput("mcp: 64 KiB results, one at a time", 20, &alone);
        throughput("mcp: 64 KiB results, 8 in flight", 40, &eight);
        row(
            "memory of ghtok mcp",
            &format!("{} KiB at most", wrapped.memory()?),
        );
        wrapped.end()?;
        bare.end()
    }

    /// How long a call takes that finds another token, beside the server's own start.
    fn pause(&self, rounds: usize) -> Outcome {
        let mut start = Series::new("the server's own start");
        let mut pause = Series::new("a call across an exchange");
        let mut wrapped = Client::start(&mut self.wrapped(START)?)?;
        for _ in 0..rounds {
            let began = Instant::now();
            let bare = Client::start(&mut server(START)?)?;
            start.push(began.elapsed());
            bare.end()?;
            timed(&mut self.ghtok(&["refresh", "--force"]))?;
            pause.push(wrapped.calls(1, 1, SMALL)?);
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

    fn wrapped(&self, start: &str) -> Outcome<Command> {
        let bare = server(start)?;
        let mut command = self.ghtok(&["mcp", "--"]);
        command.arg(bare.get_program()).args(bare.get_args());
        Ok(command)
    }
}

fn throughput(name: &str, calls: u32, series: &[Series; 2]) {
    title(name);
    for one in series {
        let megabytes = f64::from(calls) * LARGE as f64 / 1e6;
        let speed = megabytes / (one.median() / 1000.0);
        row(one.name(), &format!("{speed:7.0} MB/s median"));
    }
    let share = series[0].median() / series[1].median();
    row("share", &format!("{share:7.2} of bare (at least 0.8)"));
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
    fn calls(&mut self, count: u32, in_flight: u32, size: usize) -> Outcome<Duration> {
        let began = Instant::now();
        let params = json!({"name": "text", "arguments": {"size": size}});
        let mut sent = 0;
        for answered in 0..count {
            while sent < count && sent < answered + in_flight {
                self.send(&json!({"jsonrpc": "2.0", "id": sent, "method": "tools/call", "params": params}))?;
                sent += 1;
            }
            let answer = self.receive()?;
            let text = answer["result"]["content"][0]["text"].as_str();
            if text.map(str::len) != Some(size) {
                return Err(format!("not the answer: {answer}").into());
            }
        }
        Ok(began.elapsed())
    }

    fn send(&mut self, message: &Value) -> Outcome {
        Ok(self.input.write_all(format!("{message}\n").as_bytes())?)
    }

    fn receive(&mut self) -> Outcome<Value> {
        self.line.clear();
        self.output.read_line(&mut self.line)?;
        Ok(serde_json::from_str(&self.line)?)
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
