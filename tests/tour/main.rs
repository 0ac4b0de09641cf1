//! The tour: ghtok's first hour and its main job, on a fake GitHub and in a temporary home. It plays the
//! person at the browser. `--pause` waits for Enter after each step, for an audience.
//!
//!     cargo run --release --example tour

#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::print_stdout,
    unreachable_pub
)]

mod first_hour;
#[path = "../it/support/registration_form.rs"]
mod registration_form;
mod stage;

use std::collections::HashSet;
use std::env;
use std::io::{self, BufRead, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use fake_github::{Endpoint, FakeGitHub, Stage as Processing};
use stage::{Outcome, Stage, median, say, tell};

const PATIENCE: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    let mut arguments = env::args_os();
    let name = arguments.next().unwrap_or_default();
    if Path::new(&name).file_stem() == Some("ghtok".as_ref()) {
        return ghtok::run(env::args_os());
    }
    let words: Vec<String> = arguments
        .filter_map(|word| word.into_string().ok())
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let end = match words.as_slice() {
        [] => tour(false),
        ["--pause"] => tour(true),
        ["mcp-server"] => first_hour::serve(),
        _ => Err("usage: tour [--pause]".into()),
    };
    match end {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tour: {error}");
            ExitCode::FAILURE
        }
    }
}

fn tour(pauses: bool) -> Outcome {
    let began = Instant::now();
    let repositories = tempfile::tempdir()?;
    let fake = FakeGitHub::builder()
        .git_root(repositories.path())
        .user("octocat", 583_231)
        .start()?;
    let stage = Stage::new(&fake)?;
    tell(&format!(
        "ghtok's tour. A fake GitHub listens at {}; everything below is the real program in a \
         home of its own.",
        fake.host()
    ));
    let steps: [&dyn Fn() -> Outcome; 8] = [
        &|| first_hour::register(&stage, &fake),
        &|| first_hour::git(&stage, &fake, repositories.path()),
        &|| first_hour::mcp(&stage),
        &|| cached(&stage, &fake),
        &|| silent_refresh(&stage, &fake),
        &|| fifty_at_once(&stage, &fake),
        &|| killed_caller(&stage, &fake),
        &|| status_and_end(&stage),
    ];
    for step in steps {
        step()?;
        if pauses {
            pause()?;
        }
    }
    if pauses {
        tell("\nThat was the tour.");
    } else {
        let took = began.elapsed().as_secs_f64();
        tell(&format!("\nThat was the tour, in {took:.1} s."));
    }
    Ok(())
}

/// Waits for whoever shows the tour.
fn pause() -> Outcome {
    print!("\n  Press Enter to go on.");
    io::stdout().flush()?;
    io::stdin().lock().read_line(&mut String::new())?;
    Ok(())
}

fn cached(stage: &Stage, fake: &FakeGitHub) -> Outcome {
    say("4. From now on: ghtok get");
    let before = fake.ledger().len();
    let mut times = Vec::new();
    for _ in 0..100 {
        let began = Instant::now();
        stage.token(&["get"])?;
        times.push(began.elapsed());
    }
    stage::ensure(
        fake.ledger().len() == before,
        "a cached get asks GitHub nothing",
    )?;
    tell(&format!(
        "100 calls, {:.1} ms each (median), 0 requests to GitHub: a script, git or an editor may \
         ask as often as it likes.",
        median(&mut times).as_secs_f64() * 1000.0
    ));
    Ok(())
}

fn silent_refresh(stage: &Stage, fake: &FakeGitHub) -> Outcome {
    say("5. The token comes due");
    let old = stage.token(&["get"])?;
    stage.turn_the_clock()?;
    let new = stage.token(&["get"])?;
    stage::ensure(new != old && fake.is_alive(&new), "the new token lives")?;
    stage::ensure(!fake.is_alive(&old), "GitHub killed the old one")?;
    tell(
        "(Instead of waiting 8 hours, the stored expiry was moved to a minute from now.) \
         get printed a new token without a word: it was refreshed in the background. GitHub kills \
         the old token at that very moment, which is why ghtok refreshes as late as it can.",
    );
    Ok(())
}

fn fifty_at_once(stage: &Stage, fake: &FakeGitHub) -> Outcome {
    say("6. Fifty processes find the token due at the same time");
    let before = fake.refreshes().len();
    stage.turn_the_clock()?;
    fake.delay(
        Endpoint::Refresh,
        Processing::BeforeProcessing,
        Duration::from_millis(200),
    );
    let began = Instant::now();
    let callers: Vec<_> = (0..50)
        .map(|_| stage.start(&["get"]))
        .collect::<Result<_, _>>()?;
    let mut tokens = HashSet::new();
    for caller in callers {
        let end = caller.wait_with_output()?;
        stage::ensure(end.status.success(), "each of the fifty is served")?;
        tokens.insert(end.stdout);
    }
    let took = began.elapsed();
    fake.heal(Endpoint::Refresh);
    let refreshes = fake.refreshes().len() - before;
    stage::ensure(
        refreshes == 1 && tokens.len() == 1,
        "one refresh, one token",
    )?;
    tell(&format!(
        "50 callers, {refreshes} refresh, 1 token, {:.2} s in all, 0.2 s of it GitHub's. A refresh \
         token works once: two refreshes would have signed you out.",
        took.as_secs_f64()
    ));
    Ok(())
}

fn killed_caller(stage: &Stage, fake: &FakeGitHub) -> Outcome {
    say("7. A caller is killed in the middle of a refresh");
    let before = fake.count(Endpoint::Refresh);
    fake.delay(
        Endpoint::Refresh,
        Processing::BeforeProcessing,
        Duration::from_millis(200),
    );
    let mut caller = stage.start(&["refresh", "--force"])?;
    fake.wait_for(Endpoint::Refresh, before + 1, PATIENCE)?;
    caller.kill()?;
    caller.wait()?;
    let token = stage.token(&["get"])?;
    fake.heal(Endpoint::Refresh);
    stage::ensure(
        fake.is_alive(&token),
        "the token of the interrupted refresh lives",
    )?;
    tell(
        "SIGKILL hit the caller while GitHub was answering. The refresh runs in a process of its \
         own, so the new tokens were stored all the same, and the next get printed them.",
    );
    Ok(())
}

fn status_and_end(stage: &Stage) -> Outcome {
    say("8. What is stored, and the end of it: ghtok status, ghtok logout");
    let status = stage.start(&["status"])?.wait_with_output()?;
    tell(&stage.shown(&status.stdout));
    let logout = stage.start(&["logout"])?.wait_with_output()?;
    tell(&stage.shown(&logout.stderr));
    let get = stage.start(&["get"])?.wait_with_output()?;
    stage::ensure(
        get.status.code() == Some(4),
        "nothing is left, and get says so with exit 4",
    )?;
    tell(&stage.shown(&get.stderr));
    Ok(())
}
