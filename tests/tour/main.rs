//! The tour: ghtok's main job from the first sign-in to the last word, on a fake GitHub and in a
//! temporary home. It builds the program itself and plays the person at the browser.
//!
//!     cargo run --release --example tour

#![allow(clippy::disallowed_methods, clippy::print_stdout, unreachable_pub)]

mod stage;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use fake_github::{Endpoint, FakeGitHub, Stage as Processing};
use stage::{Outcome, Stage, median, say, tell};

const PATIENCE: Duration = Duration::from_secs(20);

fn main() -> Outcome {
    let program = stage::build()?;
    let began = Instant::now();
    let fake = FakeGitHub::start()?;
    let stage = Stage::new(program, &fake)?;
    tell(&format!(
        "ghtok's tour. A fake GitHub listens at {}; everything below is the real program in a\n\
         home of its own.",
        fake.host()
    ));
    sign_in(&stage, &fake)?;
    cached(&stage, &fake)?;
    silent_refresh(&stage, &fake)?;
    fifty_at_once(&stage, &fake)?;
    killed_caller(&stage, &fake)?;
    status_and_end(&stage)?;
    tell(&format!(
        "That was the tour, in {:.1} s.",
        began.elapsed().as_secs_f64()
    ));
    Ok(())
}

fn sign_in(stage: &Stage, fake: &FakeGitHub) -> Outcome {
    say("1. Sign in once: ghtok login");
    let login = stage.start(&["login"])?;
    let code = fake.wait_for_code(PATIENCE)?;
    // The person opens the page, types the code and presses "Approve".
    fake.approve(&code);
    let end = login.wait_with_output()?;
    tell(&String::from_utf8_lossy(&end.stderr));
    stage::ensure(end.status.success(), "the sign-in succeeds")?;
    tell(
        "No client secret, no token typed or pasted. GitHub wants 5 s between two questions, so\n\
         the program asked after 6.",
    );
    Ok(())
}

fn cached(stage: &Stage, fake: &FakeGitHub) -> Outcome {
    say("2. From now on: ghtok get");
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
        "100 calls, {:.1} ms each (median), 0 requests to GitHub: a script, git or an editor may\n\
         ask as often as it likes.",
        median(&mut times).as_secs_f64() * 1000.0
    ));
    Ok(())
}

fn silent_refresh(stage: &Stage, fake: &FakeGitHub) -> Outcome {
    say("3. The token comes due");
    let old = stage.token(&["get"])?;
    stage.turn_the_clock()?;
    let new = stage.token(&["get"])?;
    stage::ensure(new != old && fake.is_alive(&new), "the new token lives")?;
    stage::ensure(!fake.is_alive(&old), "GitHub killed the old one")?;
    tell(
        "(Instead of waiting 8 hours, the stored expiry was moved to a minute from now.)\n\
         get printed a new token without a word: it was refreshed in the background. GitHub kills\n\
         the old token at that very moment, which is why ghtok refreshes as late as it can.",
    );
    Ok(())
}

fn fifty_at_once(stage: &Stage, fake: &FakeGitHub) -> Outcome {
    say("4. Fifty processes find the token due at the same time");
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
        "50 callers, {refreshes} refresh, 1 token, {:.2} s in all, 0.2 s of it GitHub's. A refresh\n\
         token works once: two refreshes would have signed you out.",
        took.as_secs_f64()
    ));
    Ok(())
}

fn killed_caller(stage: &Stage, fake: &FakeGitHub) -> Outcome {
    say("5. A caller is killed in the middle of a refresh");
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
        "SIGKILL hit the caller while GitHub was answering. The refresh runs in a process of its\n\
         own, so the new tokens were stored all the same, and the next get printed them.",
    );
    Ok(())
}

fn status_and_end(stage: &Stage) -> Outcome {
    say("6. What is stored, and the end of it: ghtok status, ghtok logout");
    let status = stage.start(&["status"])?.wait_with_output()?;
    tell(&String::from_utf8_lossy(&status.stdout));
    let logout = stage.start(&["logout"])?.wait_with_output()?;
    tell(&String::from_utf8_lossy(&logout.stderr));
    let get = stage.start(&["get"])?.wait_with_output()?;
    stage::ensure(
        get.status.code() == Some(4),
        "nothing is left, and get says so with exit 4",
    )?;
    tell(&String::from_utf8_lossy(&get.stderr));
    Ok(())
}
