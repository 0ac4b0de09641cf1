//! `fake-github`: the fake as a program, to try a client by hand. Prints how to
//! begin, then a line for each request, and never a token.

use std::env;
use std::fmt::Write as _;
use std::io::{self, Read};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use fake_github::{App, CLIENT_ID, FakeGitHub, Installation, Installed, Request};

const USAGE: &str = "\
usage: fake-github [--client-id ID]... [--port N] [--access-lifetime SECS]
                   [--interval SECS] [--for SECS] [--git-root DIR]
                   [--installed OWNER[/REPO]]... [--public OWNER/REPO]...
                   [--client-secret SECRET]
Runs a fake GitHub on 127.0.0.1 for an hour, or for as long as --for says. If
standard input is a pipe, it stops when that is closed. With --installed the Apps
reach these repositories alone; without it, every repository.";

struct Arguments {
    client_ids: Vec<String>,
    port: u16,
    access_lifetime: u64,
    interval: u64,
    run_for: Duration,
    git_root: Option<PathBuf>,
    installed: Vec<String>,
    public: Vec<String>,
    client_secret: Option<String>,
}

fn main() -> ExitCode {
    let arguments = match parse(env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(problem) => {
            eprintln!("fake-github: {problem}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fake-github: cannot start: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> io::Result<()> {
    let mut builder = FakeGitHub::builder()
        .port(arguments.port)
        .access_lifetime(Duration::from_secs(arguments.access_lifetime))
        .interval(arguments.interval);
    for client_id in &arguments.client_ids {
        let mut app = App::new(client_id).installation(installation(&arguments.installed));
        if let Some(secret) = &arguments.client_secret {
            app = app.client_secret(secret);
        }
        builder = builder.app(app);
    }
    if arguments.installed.is_empty() {
        builder = builder.open_repositories();
    }
    for full_name in &arguments.public {
        builder = builder.public_repository(full_name);
    }
    if let Some(root) = &arguments.git_root {
        builder = builder.git_root(root);
    }
    let fake = builder.start()?;
    println!("{}", introduction(&fake, &arguments.client_ids));
    report_requests(&fake, arguments.run_for);
    Ok(())
}

/// The repositories of one owner are one installation.
fn installation(named: &[String]) -> Installation {
    if named.is_empty() {
        return Installation::OnTheUser;
    }
    let mut owners: Vec<(&str, Vec<&str>)> = Vec::new();
    for name in named {
        let (owner, repository) = match name.split_once('/') {
            Some((owner, repository)) => (owner, Some(repository)),
            None => (name.as_str(), None),
        };
        match owners.iter_mut().find(|(known, _)| *known == owner) {
            Some((_, repositories)) => repositories.extend(repository),
            None => owners.push((owner, repository.into_iter().collect())),
        }
    }
    let installed = owners.into_iter().map(|(owner, repositories)| {
        let installed = Installed::on(owner);
        if repositories.is_empty() {
            installed
        } else {
            installed.selected(repositories)
        }
    });
    Installation::On(installed.collect())
}

fn introduction(fake: &FakeGitHub, client_ids: &[String]) -> String {
    let (host, url) = (fake.host(), fake.base_url());
    let mut text = format!("fake GitHub at {url}; type codes at {url}/login/device\ntry:\n");
    text += "  export GHTOK_STATE_DIR=\"$(mktemp -d)\"";
    for client_id in client_ids {
        write!(
            text,
            "\n  ghtok login --host {host} --client-id {client_id} --store file"
        )
        .expect("writing to a String cannot fail");
    }
    text
}

/// A line for each request, in the order of their answers, until it is time to stop.
fn report_requests(fake: &FakeGitHub, run_for: Duration) {
    let stop = end_of_piped_input();
    let start = Instant::now();
    let mut reported = Vec::new();
    while start.elapsed() < run_for && !stop.load(Ordering::SeqCst) {
        for request in fake.ledger() {
            if request.answered.is_some() && !reported.contains(&request.sequence) {
                println!("{}", line(&request));
                reported.push(request.sequence);
            }
        }
        let done = reported.len();
        let more = |ledger: &[Request]| {
            ledger
                .iter()
                .filter(|request| request.answered.is_some())
                .count()
                > done
        };
        // Wakes often enough to see the end of the input.
        let left = run_for.saturating_sub(start.elapsed());
        let _ = fake.wait_until(left.min(Duration::from_millis(500)), more);
    }
}

/// The path is shown without its query, which might hold a secret.
fn line(request: &Request) -> String {
    let Request {
        method,
        path,
        endpoint,
        ..
    } = request;
    let path = if path.contains("ghu_") || path.contains("ghr_") {
        "(secret)"
    } else {
        path
    };
    let status = request
        .status
        .map_or("no answer".to_owned(), |status| status.to_string());
    let error = request.oauth_error.as_deref().unwrap_or("");
    let rotated = request.rotated.as_ref();
    let rotated = rotated.map_or(String::new(), |done| {
        format!("rotated to generation {}", done.generation)
    });
    format!("{endpoint:?}: {method} {path} -> {status} {error}{rotated}")
        .trim_end()
        .to_owned()
}

/// Becomes true at the end of standard input, if that is a pipe: a terminal or
/// `/dev/null` must not end the program.
fn end_of_piped_input() -> &'static AtomicBool {
    static ENDED: AtomicBool = AtomicBool::new(false);
    if input_is_a_pipe() {
        thread::spawn(|| {
            let mut sink = [0; 1024];
            while io::stdin().read(&mut sink).is_ok_and(|count| count > 0) {}
            ENDED.store(true, Ordering::SeqCst);
        });
    }
    &ENDED
}

#[cfg(unix)]
fn input_is_a_pipe() -> bool {
    use std::os::unix::fs::FileTypeExt;
    std::fs::metadata("/dev/stdin").is_ok_and(|input| input.file_type().is_fifo())
}

#[cfg(not(unix))]
fn input_is_a_pipe() -> bool {
    false
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut arguments = Arguments {
        client_ids: Vec::new(),
        port: 0,
        access_lifetime: 28_800,
        interval: 5,
        run_for: Duration::from_secs(3600),
        git_root: None,
        installed: Vec::new(),
        public: Vec::new(),
        client_secret: None,
    };
    while let Some(flag) = words.next() {
        let value = words
            .next()
            .ok_or(format!("{flag} needs a value, or is unknown"))?;
        let number = || {
            value
                .parse::<u64>()
                .map_err(|_| format!("{flag}: {value} is no number"))
        };
        match flag.as_str() {
            "--client-id" => arguments.client_ids.push(value),
            "--port" => {
                arguments.port = value.parse().map_err(|_| format!("{value} is no port"))?;
            }
            "--access-lifetime" => arguments.access_lifetime = number()?,
            "--interval" => arguments.interval = number()?,
            "--for" => arguments.run_for = Duration::from_secs(number()?),
            "--installed" => arguments.installed.push(value),
            "--client-secret" => arguments.client_secret = Some(value),
            "--public" => arguments.public.push(value),
            "--git-root" => arguments.git_root = Some(value.into()),
            _ => return Err(format!("unknown argument {flag}")),
        }
    }
    if arguments.client_ids.is_empty() {
        arguments.client_ids.push(CLIENT_ID.to_owned());
    }
    Ok(arguments)
}
