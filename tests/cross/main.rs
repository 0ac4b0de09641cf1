//! The Windows program under wine, from the first sign-in to the last word, on a fake GitHub: once
//! with the file store, once with the Credential Manager. `tests/cross/run` builds and starts it:
//!
//!     cross WINE GHTOK.EXE

#![allow(clippy::disallowed_methods, clippy::print_stdout, unreachable_pub)]

mod wine;

use std::collections::HashSet;
use std::env;
use std::error::Error;
use std::thread;
use std::time::Duration;

use fake_github::{Endpoint, FakeGitHub, Stage};
use wine::{Folders, Ghtok};

/// What every step returns.
pub type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const PATIENCE: Duration = Duration::from_secs(60);

/// Due is a token that has lived longer than this; the fake's live for 28,800 s.
const DUE_AFTER: Duration = Duration::from_secs(20);
const MIN_TTL: &str = "--min-ttl=28780s";

fn main() -> Outcome {
    let mut arguments = env::args_os().skip(1);
    let (Some(wine), Some(program)) = (arguments.next(), arguments.next()) else {
        return Err("usage: cross WINE GHTOK.EXE".into());
    };
    let fake = FakeGitHub::builder().interval(1).start()?;
    for (store, folders) in [("file", Folders::Given), ("keychain", Folders::Default)] {
        println!("-- store {store}");
        let ghtok = Ghtok::new(&wine, &program, store, folders, fake.host())?;
        before_the_sign_in(&ghtok)?;
        sign_in(&ghtok, &fake)?;
        cached(&ghtok, &fake)?;
        readers_during_rotations(&ghtok, &fake)?;
        herd(&ghtok, &fake)?;
        killed_caller(&ghtok, &fake)?;
        offline(&ghtok, &fake)?;
        sign_out(&ghtok)?;
        ensure(fake.violations().is_empty(), "GitHub's rules were kept")?;
    }
    Ok(())
}

fn before_the_sign_in(ghtok: &Ghtok) -> Outcome {
    ghtok.run(&["get"])?.ends_with(4)?;
    ghtok.run(&["status"])?.ends_with(0)?;
    ghtok.run(&["status", "--check"])?.ends_with(4)?;
    ghtok.run(&["get", "--store=kernel"])?.ends_with(1)?;
    ghtok.run(&["get", "--no-such-flag"])?.ends_with(2)?;
    passed("not signed in: exit codes 4, 0, 4, 1, 2")
}

fn sign_in(ghtok: &Ghtok, fake: &FakeGitHub) -> Outcome {
    let login = ghtok.start(&["login"])?;
    let code = fake.wait_for_code(PATIENCE)?;
    fake.approve(&code);
    login.end()?.ends_with(0)?;
    ensure(
        ghtok.state_folder()?.is_dir(),
        "the state folder is where it belongs",
    )?;
    passed("login")
}

fn cached(ghtok: &Ghtok, fake: &FakeGitHub) -> Outcome {
    let before = fake.connections();
    let token = ghtok.token(&["get"])?;
    ensure(fake.is_alive(&token), "get prints the living token")?;
    ensure(fake.connections() == before, "a cached get asks nobody")?;
    let status = ghtok.run(&["status", "--json"])?.ends_with(0)?;
    ensure(status.stdout.contains("octocat"), "status knows who")?;
    ensure(!status.stdout.contains("ghu_"), "status shows no token")?;
    ghtok
        .run(&["exec", "--", "cmd", "/c", "exit", "7"])?
        .ends_with(7)?;
    passed("get, status and exec in other processes")
}

/// The record is replaced while others have it open.
fn readers_during_rotations(ghtok: &Ghtok, fake: &FakeGitHub) -> Outcome {
    let before = fake.refreshes().len();
    for _ in 0..4 {
        let readers = start_many(ghtok, 4, &["get"])?;
        let writer = ghtok.start(&["refresh", "--force"])?;
        let more = start_many(ghtok, 4, &["get"])?;
        writer.end()?.ends_with(0)?;
        for reader in readers.into_iter().chain(more) {
            reader.end()?.ends_with(0)?;
        }
    }
    ensure(fake.refreshes().len() - before == 4, "four rotations")?;
    let token = ghtok.token(&["get"])?;
    ensure(fake.is_alive(&token), "the last rotation's token is kept")?;
    passed("32 readers during 4 rotations, all served")
}

fn herd(ghtok: &Ghtok, fake: &FakeGitHub) -> Outcome {
    thread::sleep(DUE_AFTER + Duration::from_secs(2));
    let before = fake.refreshes().len();
    fake.delay(
        Endpoint::Refresh,
        Stage::BeforeProcessing,
        Duration::from_millis(500),
    );
    let mut tokens = HashSet::new();
    for caller in start_many(ghtok, 12, &["get", MIN_TTL])? {
        tokens.insert(caller.end()?.ends_with(0)?.stdout);
    }
    fake.heal(Endpoint::Refresh);
    let refreshes = fake.refreshes().len() - before;
    ensure(
        refreshes == 1 && tokens.len() == 1,
        &format!(
            "one refresh, one token (there were {refreshes} and {})",
            tokens.len()
        ),
    )?;
    passed("12 callers of a due token, one refresh in a process of its own")
}

fn killed_caller(ghtok: &Ghtok, fake: &FakeGitHub) -> Outcome {
    let old = ghtok.token(&["get"])?;
    let before = fake.count(Endpoint::Refresh);
    fake.delay(
        Endpoint::Refresh,
        Stage::AfterProcessing,
        Duration::from_secs(1),
    );
    let caller = ghtok.start(&["refresh", "--force"])?;
    fake.wait_for(Endpoint::Refresh, before + 1, PATIENCE)?;
    caller.kill()?;
    let token = ghtok.token(&["get"])?;
    fake.heal(Endpoint::Refresh);
    ensure(
        token != old && fake.is_alive(&token),
        "the token of the interrupted refresh is kept",
    )?;
    passed("a caller killed during its refresh costs nothing")
}

fn offline(ghtok: &Ghtok, fake: &FakeGitHub) -> Outcome {
    fake.go_offline()?;
    let end = ghtok.run(&["refresh", "--force"])?;
    let served = ghtok.run(&["get"])?;
    fake.go_online()?;
    end.ends_with(5)?;
    served.ends_with(0)?;
    passed("offline: refresh exits with 5, get serves")
}

fn sign_out(ghtok: &Ghtok) -> Outcome {
    ghtok.run(&["logout"])?.ends_with(0)?;
    ghtok.run(&["get"])?.ends_with(4)?;
    passed("logout")
}

fn start_many(ghtok: &Ghtok, count: usize, arguments: &[&str]) -> Outcome<Vec<wine::Running>> {
    (0..count).map(|_| ghtok.start(arguments)).collect()
}

#[expect(clippy::unnecessary_wraps, reason = "ends a step")]
fn passed(what: &str) -> Outcome {
    println!("   ok: {what}");
    Ok(())
}

/// Ends the run where something is not as it should be.
pub fn ensure(holds: bool, what: &str) -> Outcome {
    if holds {
        Ok(())
    } else {
        Err(format!("this does not hold: {what}").into())
    }
}
