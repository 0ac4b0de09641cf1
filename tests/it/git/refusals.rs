//! A token that the server refuses: what git's `erase` sets going, and what it does not (P7).

use std::cell::Cell;
use std::time::{Duration, Instant};

use fake_github::{CLIENT_ID, Endpoint, FakeGitHub};
use ghtok::testing::auth::broker::Broker;
use ghtok::testing::auth::record::{Intent, Record, Rejected, RescueKey};
use ghtok::testing::commands::git_credential;
use ghtok::testing::formats::git_credential::CredentialRequest;
use ghtok::testing::github::{GitHub, Network};
use ghtok::testing::limits::Limits;
use ghtok::testing::session::Call;
use ghtok::testing::system::clock::SystemClock;
use ghtok::testing::system::terminal::Terminal;
use ghtok::testing::token::{MinTtl, Timestamp};
use tempfile::TempDir;

use crate::support::git::{Desk, feed, gits, url, with_a_repository, with_a_repository_and};
use crate::support::overtaken::{Door, NoRefresh, Overtaken, Silent};
use crate::support::processes::eventually;
use crate::support::sandbox::{Program, Run, Sandbox, now, record_of};

const HOUR: Duration = Duration::from_secs(3600);
const LIFE: Duration = Duration::from_secs(28_800);

fn each(test: impl Fn(&Desk<'_>, &FakeGitHub)) {
    for git in gits() {
        let root = TempDir::new().expect("a folder");
        let fake = with_a_repository(root.path());
        let sandbox = Sandbox::new(&fake);
        test(&Desk::new(&sandbox, git), &fake);
    }
}

#[test]
fn p7_a_revoked_token_costs_one_failed_command() {
    each(|desk, fake| {
        let pair = desk.sandbox.seed(fake, HOUR);
        fake.revoke(&pair.access_token);
        let remote = url(fake);
        let failed = desk.run(&["ls-remote", &remote]);
        assert_eq!(failed.code, Some(128), "{failed:?}");
        assert!(matches!(
            desk.sandbox.record().rejected,
            Some(Rejected::Reported(_))
        ));
        desk.well(&["ls-remote", &remote]);
        desk.well(&["ls-remote", &remote]);
        assert_eq!(fake.count(Endpoint::Refresh), 1);
        assert_eq!(fake.count(Endpoint::User), 1);
        assert_eq!(desk.sandbox.record().rejected, None);
    });
}

#[test]
fn p7_a_new_token_that_is_answered_401_for_three_seconds_survives() {
    for git in gits() {
        let root = TempDir::new().expect("a folder");
        let lag = Duration::from_secs(3);
        let fake = with_a_repository_and(root.path(), |builder| builder.replica_lag(lag));
        let sandbox = Sandbox::new(&fake);
        let desk = Desk::new(&sandbox, git);
        let minted = Instant::now();
        sandbox.seed(&fake, LIFE);
        let before = sandbox.record();
        let remote = url(&fake);
        let early = desk.run(&["ls-remote", &remote]);
        assert!(minted.elapsed() < lag, "this machine was too slow to tell");
        assert_eq!(early.code, Some(128), "{early:?}");
        assert_eq!(sandbox.record(), before);
        eventually("the end of the lag", || {
            (desk.run(&["ls-remote", &remote]).code == Some(0)).then_some(())
        });
        assert_eq!(
            fake.count(Endpoint::Refresh) + fake.count(Endpoint::User),
            0
        );
    }
}

#[test]
fn p7_a_stray_reject_of_a_good_token_costs_one_question_and_no_refresh() {
    each(|desk, fake| {
        let pair = desk.sandbox.seed(fake, HOUR);
        let filled = desk.credential("fill", &description(fake));
        assert_eq!(filled.code, Some(0), "{filled:?}");
        desk.credential("reject", &filled.stdout).expect_code(0);
        for _ in 0..3 {
            let again = desk.credential("fill", &description(fake));
            assert!(again.stdout.contains(&pair.access_token), "{again:?}");
        }
        assert_eq!(fake.count(Endpoint::User), 1);
        assert_eq!(fake.count(Endpoint::Refresh), 0);
    });
}

fn description(fake: &FakeGitHub) -> String {
    format!("protocol=http\nhost={}\n\n", fake.host())
}

fn erase(sandbox: &Sandbox, lines: &str) -> Run {
    let mut command = sandbox.command(Program::Real, ["git-credential", "erase"]);
    feed(&mut command, lines.as_bytes())
}

#[test]
fn p7_only_the_stored_token_of_this_host_is_marked() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let pair = sandbox.seed(&fake, HOUR);
    let before = sandbox.record();
    let (host, token) = (fake.host(), &pair.access_token);
    let refresh_token = pair.refresh_token.as_deref().expect("a pair");
    for lines in [
        format!("protocol=http\nhost={host}\nusername=x\npassword=ghu_another\n"),
        format!("protocol=http\nhost={host}\nusername=x\npassword=\n"),
        format!("protocol=http\nhost={host}\nusername=x\n"),
        format!("protocol=http\nhost={host}\nusername=x\npassword={refresh_token}\n"),
        format!("protocol=http\nhost={host}\noauth_refresh_token={token}\n"),
        format!("protocol=https\nhost={host}\nusername=x\npassword={token}\n"),
        format!("protocol=http\nhost=localhost\nusername=x\npassword={token}\n"),
        format!("protocol=http\nusername=x\npassword={token}\n"),
        format!("protocol=http\nhost={host}\npassword={token}\nhost=evil.tld\n"),
    ] {
        let run = erase(&sandbox, &lines).expect_code(0);
        assert_eq!(run.stdout, "");
        assert_eq!(sandbox.record(), before, "{lines:?}");
    }
    let ours = format!("protocol=http\nhost={host}\nusername=any\npassword={token}\n");
    assert_eq!(erase(&sandbox, &ours).expect_code(0).stderr, "");
    let marked = sandbox.record();
    assert!(matches!(marked.rejected, Some(Rejected::Reported(_))));
    assert_eq!(marked.tokens, before.tokens, "the refresh token is kept");
    erase(&sandbox, &ours).expect_code(0);
    assert_eq!(sandbox.record(), marked, "the first report stands");
}

#[test]
fn p7_a_held_lock_is_not_waited_for() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let pair = sandbox.seed(&fake, HOUR);
    let before = sandbox.record();
    let store = sandbox.store();
    let held = ghtok::testing::auth::ports::TokenStore::try_lock(&store)
        .expect("a lock")
        .expect("free");
    let began = Instant::now();
    let lines = format!(
        "protocol=http\nhost={}\npassword={}\n",
        fake.host(),
        pair.access_token
    );
    erase(&sandbox, &lines).expect_code(0);
    assert!(began.elapsed() < Duration::from_secs(5));
    drop(held);
    assert_eq!(sandbox.record(), before);
}

#[test]
fn p7_a_token_is_old_enough_after_a_minute() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    for (age, marked) in [(30, false), (90, true)] {
        let pair = sandbox.seed(&fake, Duration::from_secs(28_800 - age));
        let lines = format!(
            "protocol=http\nhost={}\npassword={}\n",
            fake.host(),
            pair.access_token
        );
        erase(&sandbox, &lines).expect_code(0);
        assert_eq!(sandbox.record().rejected.is_some(), marked, "{age} s");
    }
}

/// `erase` of the stored token on a record that was changed like this; whether it stayed as it was.
#[track_caller]
fn erase_leaves_alone(change: impl FnOnce(&mut Record)) {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let pair = sandbox.seed(&fake, HOUR);
    let mut record = sandbox.record();
    change(&mut record);
    sandbox.put(&record);
    let lines = format!(
        "protocol=http\nhost={}\npassword={}\n",
        fake.host(),
        pair.access_token
    );
    erase(&sandbox, &lines).expect_code(0);
    assert_eq!(sandbox.record(), record);
}

#[test]
fn p7_a_confirmed_401_is_not_overwritten_by_a_report() {
    let then = Timestamp(now().0 - 60);
    erase_leaves_alone(|record| record.rejected = Some(Rejected::Confirmed(then)));
    erase_leaves_alone(|record| record.rejected = Some(Rejected::Reported(then)));
}

/// Its process may have died after it was sent: only the next refresh finds out.
#[test]
fn p7_a_record_whose_refresh_is_open_is_not_marked() {
    erase_leaves_alone(|record| {
        record.intent = Some(Intent {
            generation: 2,
            key: RescueKey::from_bytes([7; 32]),
            started_at: now(),
            interrupted_at: None,
        });
    });
}

/// Between the first look and the lock another process has refreshed: its token is not ours to mark.
#[test]
fn p7_what_was_refreshed_before_the_lock_is_not_marked() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let pair = sandbox.seed(&fake, HOUR);
    let newer = Record {
        generation: 2,
        ..record_of(&fake.mint(CLIENT_ID), HOUR)
    };
    let store = Overtaken {
        store: sandbox.store(),
        reads: Cell::default(),
        before: Door::Lock,
        by: &|| sandbox.put(&newer),
    };
    let lines = format!(
        "protocol=http\nhost={}\npassword={}\n",
        fake.host(),
        pair.access_token
    );
    let request = CredentialRequest::read_from(lines.as_bytes()).expect("a description");
    let (app, clock) = (sandbox.app(), SystemClock::start());
    let limits = Limits::STANDARD;
    let github = GitHub::new(&app.host, &app.client_id, Network::default(), limits);
    git_credential::erase(
        &request,
        &Call {
            app: &app,
            login_command: &|| "ghtok login".into(),
            store: &store,
            broker: Broker {
                app: &app,
                login_command: &|| "ghtok login".into(),
                store: &store,
                refresher: &NoRefresh,
                clock: &clock,
                observer: &Silent,
                network: &|| ghtok::testing::auth::outcome::NetworkId(1),
                limits,
            },
            github: &|| github.clone(),
            scoped: &|| Ok(sandbox.scoped()),
            min_ttl: MinTtl::DEFAULT,
            clock: &clock,
            terminal: Terminal,
            limits,
        }
        .tokens(None, None),
    )
    .expect("nothing to do");
    assert_eq!(sandbox.record(), newer);
}
