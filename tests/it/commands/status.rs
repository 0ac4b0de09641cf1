//! `ghtok status`: what is stored, for people and for programs. No secret, no network, no change.

use std::time::Duration;

use fake_github::{CLIENT_ID, FakeGitHub};
use ghtok::testing::auth::record::{Intent, Record, RefreshRejected, Rejected, RescueKey};
use ghtok::testing::cli::Cli;
use ghtok::testing::formats::timestamps::rfc3339;
use ghtok::testing::token::{Timestamp, TokenSet};
use serde_json::{Value, json};

use super::{TWO_HOURS, mark, start};
use crate::support::deadline::{run, run_command};
use crate::support::sandbox::{Program, Run, Sandbox, now};
use crate::support::words::plain;

/// 2026-03-04 05:06:40 UTC
const THEN: Timestamp = Timestamp(1_772_600_800);

const NO_TIMER: &str =
    "\ntimer: none; keep unused sign-ins alive with:\n  ghtok schedule install\n";

/// The status of a sign-in that was changed like this.
fn of(left: Duration, change: impl FnOnce(&mut Record)) -> (FakeGitHub, Sandbox) {
    let (fake, sandbox) = start();
    sandbox.seed(&fake, left);
    mark(&sandbox, change);
    (fake, sandbox)
}

/// Runs it, and makes sure that it touched nothing.
fn look(fake: &FakeGitHub, sandbox: &Sandbox, arguments: &[&str]) -> Run {
    let before = std::fs::read(sandbox.record_file()).ok();
    let told = run(sandbox, arguments);
    assert_eq!(told.stderr, "", "{told:?}");
    assert_eq!(std::fs::read(sandbox.record_file()).ok(), before);
    assert_eq!(fake.connections(), 0);
    assert!(!told.stdout.contains("ghu_") && !told.stdout.contains("ghr_"));
    told
}

/// The lines after the four that are always the same.
fn lines(fake: &FakeGitHub, sandbox: &Sandbox) -> String {
    let told = look(fake, sandbox, &["status"]).expect_code(0);
    let text = plain(&told.stdout, sandbox, fake);
    let head = format!(
        "
  host           HOST
  client ID      {CLIENT_ID}
  store          HOME/state/records/HOST%2F{CLIENT_ID}
"
    );
    let (first, _) = text.split_once('\n').expect("lines");
    let word = first.strip_prefix(&format!("{CLIENT_ID}: "));
    assert!(word.is_some_and(|word| !word.is_empty()), "{text}");
    let rest = text[first.len()..]
        .strip_prefix(&head)
        .and_then(|rest| rest.strip_suffix(NO_TIMER));
    rest.unwrap_or_else(|| panic!("{text}")).to_owned()
}

/// The one App of the JSON form, and the exit code that `--check` adds.
fn object(fake: &FakeGitHub, sandbox: &Sandbox) -> (Value, Option<i32>) {
    let told = look(fake, sandbox, &["status", "--json"]).expect_code(0);
    let document: Value = serde_json::from_str(&told.stdout).expect("JSON");
    assert_eq!(
        super::keys(&document),
        ["apps", "schema_version", "timer", "unseen"]
    );
    let checked = look(fake, sandbox, &["status", "--check"]);
    (document["apps"][0].clone(), checked.code)
}

#[test]
fn a_good_sign_in_for_people() {
    let (fake, sandbox) = of(TWO_HOURS, |_| {});
    assert_eq!(
        lines(&fake, &sandbox),
        "  account        octocat
  access token   TIME (2 h 00 min left)
  refresh token  TIME (173 d left)
"
    );
}

#[test]
fn a_good_sign_in_for_programs() {
    let (fake, sandbox) = of(TWO_HOURS, |_| {});
    let (app, checked) = object(&fake, &sandbox);
    let record = sandbox.record();
    let TokenSet::Expiring { access, refresh } = &record.tokens else {
        panic!("it expires")
    };
    let refresh_end = refresh.as_ref().expect("one").expires_at;
    assert_eq!(
        app,
        json!({
            "app": CLIENT_ID, "client_id": CLIENT_ID, "host": fake.host(),
            "store": sandbox.record_file(), "state": "valid",
            "login": "octocat", "user_id": 583_231, "generation": 1,
            "obtained_at": rfc3339(record.obtained_at), "obtained_at_unix": record.obtained_at.0,
            "expires_at": rfc3339(access.expires_at), "expires_at_unix": access.expires_at.0,
            "refresh_token_expires_at": rfc3339(refresh_end),
            "refresh_token_expires_at_unix": refresh_end.0,
            "problem": null, "configured": true, "logout": null,
        })
    );
    assert_eq!(checked, Some(0));
}

#[test]
fn a_permanent_token() {
    let (fake, sandbox) = of(TWO_HOURS, |record| {
        record.tokens = TokenSet::Permanent(record.tokens.access_token().clone());
        record.account = None;
    });
    assert_eq!(
        lines(&fake, &sandbox),
        "  account        not known yet; the next refresh asks
  access token   never expires: the App opted out of expiry
  refresh token  none
"
    );
    let (app, checked) = object(&fake, &sandbox);
    assert_eq!((&app["state"], checked), (&json!("permanent"), Some(0)));
    assert_eq!(
        (&app["expires_at"], &app["login"]),
        (&Value::Null, &Value::Null)
    );
}

/// A row: life left, the record's change, the state, the words at the access token.
type Passing = (u64, fn(&mut Record), &'static str, &'static str);

#[test]
fn what_the_next_use_will_do_is_said() {
    let rows: [Passing; 4] = [
        (
            90,
            |_| {},
            "due",
            "TIME (1 min left); the next use refreshes it",
        ),
        (0, |_| {}, "due", "TIME (over); the next use refreshes it"),
        (
            7230,
            |record| {
                record.intent = Some(Intent {
                    generation: 2,
                    key: RescueKey::from_bytes([9; 32]),
                    started_at: now(),
                    interrupted_at: None,
                });
            },
            "refreshing",
            "TIME (2 h 00 min left); a refresh is running or was interrupted",
        ),
        (
            7230,
            |record| record.rejected = Some(Rejected::Reported(now())),
            "reported",
            "TIME (2 h 00 min left); reported as rejected, the next use checks it",
        ),
    ];
    for (left, change, state, words) in rows {
        let (fake, sandbox) = of(Duration::from_secs(left), change);
        assert_eq!(
            lines(&fake, &sandbox).lines().nth(1),
            Some(format!("  access token   {words}").as_str())
        );
        let (app, checked) = object(&fake, &sandbox);
        assert_eq!((&app["state"], checked), (&json!(state), Some(0)));
        assert_eq!(app["problem"], Value::Null);
    }
}

#[test]
fn a_refused_refresh_token_is_a_problem_while_the_access_token_lives() {
    for (checked, words) in [(None, "; the next use checks it"), (Some(THEN), "")] {
        let (fake, sandbox) = of(TWO_HOURS, |record| {
            record.refresh_rejected = Some(RefreshRejected {
                at: THEN,
                interrupted_at: None,
                access_checked_at: checked,
            });
        });
        let text = lines(&fake, &sandbox);
        let expected = format!(
            "  account        octocat
  access token   TIME (2 h 00 min left){words}
  refresh token  refused by GitHub on TIME
  problem        {CLIENT_ID}: GitHub refused the refresh token on TIME: "
        );
        assert!(text.starts_with(&expected), "{text}");
        let next = "  next           sign in again before TIME with:\n                   ghtok login --client-id";
        assert!(text.contains(next), "{text}");
        let (app, checked) = object(&fake, &sandbox);
        assert_eq!((&app["state"], checked), (&json!("sign_in_again"), Some(4)));
        assert_eq!(app["problem"]["code"], json!("refresh_refused"));
        assert_eq!(app["refresh_token_expires_at"], Value::Null);
        assert_ne!(app["expires_at"], Value::Null);
    }
}

#[test]
fn what_only_a_sign_in_mends_is_a_problem() {
    let refused = |interrupted_at| RefreshRejected {
        at: THEN,
        interrupted_at,
        access_checked_at: None,
    };
    for (left, mark, code, words) in [
        (
            0,
            refused(None),
            "refresh_refused",
            "GitHub refused the refresh token on TIME",
        ),
        (
            7230,
            refused(Some(THEN)),
            "sign_in_lost",
            "lost in an interrupted refresh on TIME",
        ),
    ] {
        let (fake, sandbox) = of(Duration::from_secs(left), |record| {
            record.refresh_rejected = Some(mark);
        });
        let text = lines(&fake, &sandbox);
        let problem = text.lines().nth(3).expect("a problem");
        assert!(
            problem.starts_with("  problem        ") && problem.contains(words),
            "{text}"
        );
        let next = "  next           sign in with:\n                   ghtok login --client-id";
        assert!(text.contains(next), "{text}");
        let (app, checked) = object(&fake, &sandbox);
        assert_eq!((&app["state"], checked), (&json!("problem"), Some(4)));
        assert_eq!(
            (&app["problem"]["code"], &app["problem"]["exit_code"]),
            (&json!(code), &json!(4))
        );
        let told = &app["problem"]["message"];
        assert!(
            told.as_str()
                .expect("text")
                .contains("2026-03-04 05:06 +00:00"),
            "{told}"
        );
    }
}

#[test]
fn nothing_damaged_and_newer_are_problems_of_their_own() {
    for (bytes, code, exit_code) in [
        (None, "signed_out", 4),
        (Some(&b"{\"v\":1,"[..]), "record_damaged", 1),
        (Some(b"{\"v\":99}"), "record_newer", 1),
    ] {
        let (fake, sandbox) = start();
        if let Some(bytes) = bytes {
            sandbox.put_bytes(bytes);
        }
        let (app, checked) = object(&fake, &sandbox);
        assert_eq!(
            (&app["state"], checked),
            (&json!("problem"), Some(exit_code))
        );
        assert_eq!(app["problem"]["code"], code);
        assert_eq!(
            (&app["login"], &app["expires_at"]),
            (&Value::Null, &Value::Null)
        );
    }
}

#[test]
fn the_state_is_said_in_a_word() {
    let refused = |record: &mut Record| {
        record.refresh_rejected = Some(RefreshRejected {
            at: THEN,
            interrupted_at: None,
            access_checked_at: None,
        });
    };
    let reported = |record: &mut Record| record.rejected = Some(Rejected::Reported(now()));
    let first = |fake: &FakeGitHub, sandbox: &Sandbox| {
        let told = look(fake, sandbox, &["status"]).expect_code(0);
        told.stdout.lines().next().unwrap_or_default().to_owned()
    };
    for ((fake, sandbox), word) in [
        (of(TWO_HOURS, |_| {}), "signed in"),
        (of(Duration::ZERO, |_| {}), "signed in"),
        (of(TWO_HOURS, reported), "to be checked"),
        (of(TWO_HOURS, refused), "sign in again"),
    ] {
        assert_eq!(first(&fake, &sandbox), format!("{CLIENT_ID}: {word}"));
    }
    let (fake, sandbox) = start();
    assert_eq!(first(&fake, &sandbox), format!("{CLIENT_ID}: signed out"));
    sandbox.put_bytes(b"{");
    assert_eq!(first(&fake, &sandbox), format!("{CLIENT_ID}: problem"));
}

#[test]
fn p12_where_nothing_is_set_up_three_lines_say_how_to_begin() {
    let (_fake, sandbox) = start();
    let bare = |arguments: &[&str]| {
        let mut command = sandbox.command(Program::Real, arguments);
        for name in ["GHTOK_CLIENT_ID", "GHTOK_HOST"] {
            command.env_remove(name);
        }
        run_command(&mut command)
    };
    let told = bare(&["status"]).expect_code(0);
    assert_eq!((told.stdout.lines().count(), told.stderr.as_str()), (3, ""));
    assert!(told.stdout.contains("\n  ghtok app new "), "{told:?}");
    for line in told.stdout.lines().skip(1) {
        let command = line.trim_start().split("   ").next().expect("a command");
        let words = command.split(' ').map(Into::into);
        let read = Cli::read(words);
        assert!(read.is_ok() || command.ends_with("--help"), "{command}");
    }
    let told = bare(&["status", "--json"]).expect_code(0);
    let document: Value = serde_json::from_str(&told.stdout).expect("JSON");
    assert_eq!(document["apps"], json!([]));
    bare(&["status", "--check"]).expect_code(2);
    bare(&["status", "--app", "work"]).expect_code(2);
}
