//! Tokens, device codes and rescue keys never leave their places: standard output of `get`, the
//! records, the bodies and `Authorization` headers of requests. Commands are run into every kind of
//! trouble, and everything else that they leave is searched.

mod consumers;
mod echoes;
mod planted;

use std::time::Duration;

use fake_github::{CLIENT_ID, Cut, Endpoint, Failure, FakeGitHub, Fault, RateHeaders, RetryAfter};
use ghtok::testing::app::App;
use ghtok::testing::host::Host;
use ghtok::testing::store::Slot;
use ghtok::testing::store::file::FileSlot;
use ghtok::testing::store::record::encode;

use crate::support::canned::Canned;
use crate::support::deadline::{LIMIT, ends, run_command};
use crate::support::leaks::Secrets;
use crate::support::sandbox::{Program, Run, Sandbox, record_of};
use crate::support::signing_in::hurried_fake;

/// One home, its server, and what is secret there.
struct Scene {
    fake: FakeGitHub,
    sandbox: Sandbox,
    secrets: Secrets,
}

impl Scene {
    fn start(fake: FakeGitHub) -> Self {
        Self {
            sandbox: Sandbox::new(&fake),
            fake,
            secrets: Secrets::default(),
        }
    }

    /// With a sign-in that has this much life left.
    fn seeded(left: Duration) -> Self {
        let mut scene = Self::start(FakeGitHub::start().expect("a fake"));
        let pair = scene.sandbox.seed(&scene.fake, left);
        scene.secrets.add(pair.access_token);
        scene.secrets.add(pair.refresh_token.expect("one"));
        scene
    }

    /// Runs a command as talkative as it can be, and takes note of what is secret now.
    fn run(&mut self, arguments: &[&str]) -> Run {
        let mut command = self.sandbox.command(Program::Real, arguments);
        let run = run_command(command.env("GHTOK_LOG", "debug"));
        self.learn();
        run
    }

    fn learn(&mut self) {
        self.secrets.add_all_of(&self.fake);
        self.secrets.add_records(&self.sandbox.state_dir());
    }

    /// Every secret in a place where none may be.
    fn leaks(&self, runs: &[&Run]) -> Vec<String> {
        let finder = self.secrets.finder();
        let mut hits = finder.find_in_folder(&self.sandbox.state_dir(), &["records"]);
        hits.extend(finder.find_in_folder(&self.sandbox.config_dir(), &[]));
        hits.extend(finder.find_in_request_lines(&self.fake));
        for run in runs {
            hits.extend(finder.find("standard error", run.stderr.as_bytes()));
            hits.extend(finder.find("standard output", run.stdout.as_bytes()));
        }
        hits
    }

    #[track_caller]
    fn assert_tight(&self, what: &str, runs: &[&Run]) {
        assert!(self.secrets.len() >= 2, "{what}: nothing to look for");
        assert_eq!(self.leaks(runs), Vec::<String>::new(), "{what}");
    }
}

/// What `get` printed without the one thing that it may print.
fn without_the_token(mut run: Run, scene: &Scene) -> Run {
    if run.code == Some(0) {
        let record = scene.sandbox.record();
        let token = record.tokens.access_token().expose();
        assert!(run.stdout.contains(token), "{run:?}");
        run.stdout = run.stdout.replacen(token, "", 1);
    }
    run
}

fn faults() -> Vec<Option<Fault>> {
    let limited = Failure::RateLimited {
        status: 429,
        retry_after: RetryAfter::Seconds(60),
        headers: RateHeaders::Exhausted,
    };
    let redirect = Failure::Redirect(307, "http://127.0.0.1:9/elsewhere".into());
    let mut faults = vec![None];
    faults.extend(
        [
            Failure::Status(500),
            Failure::Html,
            redirect,
            limited,
            Failure::Reset,
            Failure::OAuthError("bad_refresh_token".into()),
            Failure::OAuthError("brand_new_error".into()),
        ]
        .map(|failure| Some(Fault::before(failure))),
    );
    faults.extend(
        [
            Failure::Empty,
            Failure::Cut(Cut::Half),
            Failure::Cut(Cut::AllButOne),
            Failure::FormBody,
            Failure::NotANumber,
            Failure::DuplicateKeys,
        ]
        .map(|failure| Some(Fault::after(failure))),
    );
    faults
}

/// 14 faults × 5 commands, each followed by a second look and a `status`.
#[test]
fn no_fault_of_a_refresh_makes_a_command_leak() {
    let commands: [(u64, &[&str]); 5] = [
        (60, &["get"]),
        (0, &["get", "--format", "json"]),
        (7200, &["refresh", "--force", "--json"]),
        (0, &["refresh", "--all"]),
        (0, &["refresher", "--order", "usual:300"]),
    ];
    for fault in faults() {
        for (left, arguments) in commands {
            let mut scene = Scene::seeded(Duration::from_secs(left));
            if let Some(fault) = fault.clone() {
                scene.fake.fail_next(Endpoint::Refresh, fault);
            }
            let mut first = scene.run(arguments);
            if arguments[0] == "get" {
                first = without_the_token(first, &scene);
            }
            let status = scene.run(&["status", "--json"]);
            scene.assert_tight(&format!("{arguments:?} and {fault:?}"), &[&first, &status]);
        }
    }
}

#[test]
fn no_format_of_get_says_more_than_it_is_asked() {
    for (format, times) in [
        ("token", 1),
        ("json", 1),
        ("header", 1),
        ("netrc", 1),
        ("env", 2),
    ] {
        let mut scene = Scene::seeded(Duration::from_secs(7200));
        let mut run = scene.run(&["get", "--format", format]);
        for _ in 0..times {
            run = without_the_token(run, &scene);
        }
        scene.assert_tight(format, &[&run]);
    }
}

#[test]
fn a_logout_leaves_nothing_behind() {
    for arguments in [&["logout"][..], &["logout", "--revoke"]] {
        for offline in [false, true] {
            let mut scene = Scene::seeded(Duration::from_secs(7200));
            if offline {
                scene.fake.go_offline().expect("offline");
            }
            let run = scene.run(arguments);
            scene.assert_tight(&format!("{arguments:?}"), &[&run]);
            if run.code == Some(0) {
                // Not even in the one place that may hold tokens.
                let finder = scene.secrets.finder();
                let left = finder.find_in_folder(scene.sandbox.home(), &[]);
                assert_eq!(left, Vec::<String>::new());
            }
        }
    }
}

#[test]
fn a_damaged_record_is_described_without_its_content() {
    for keep in [30, 60, 120, 200, 400] {
        let mut scene = Scene::seeded(Duration::ZERO);
        scene.learn();
        let whole = std::fs::read(scene.sandbox.record_file()).expect("a record");
        scene.sandbox.put_bytes(&whole[..keep.min(whole.len() - 1)]);
        for arguments in [&["get"][..], &["status"], &["login"], &["logout"]] {
            let run = scene.run(arguments);
            scene.assert_tight(&format!("{keep} bytes, {arguments:?}"), &[&run]);
        }
    }
}

#[test]
fn a_login_shows_no_device_code_and_no_token() {
    for arguments in [&["login"][..], &["login", "--json"]] {
        let mut scene = Scene::start(hurried_fake().start().expect("a fake"));
        let child = scene.sandbox.spawn(Program::Hurried, arguments);
        let code = scene.fake.wait_for_code(LIMIT).expect("a code");
        scene
            .fake
            .fail_next(Endpoint::Poll, Fault::before(Failure::Status(502)));
        scene
            .fake
            .wait_for(Endpoint::Poll, 1, LIMIT)
            .expect("a poll");
        scene.learn();
        let host = scene.fake.host();
        let (seen, hits) = scene.secrets.finder().find_in_processes(child.id(), &host);
        assert_eq!((seen, hits), (1, vec![]));
        scene.fake.approve(&code);
        let run = ends(child, LIMIT).expect_code(0);
        scene.learn();
        scene.assert_tight(&format!("{arguments:?}"), &[&run]);
    }
}

#[test]
fn a_refresh_in_mid_air_shows_nothing_to_who_looks_at_its_processes_and_files() {
    for stage in [Fault::before, Fault::after] {
        let mut scene = Scene::seeded(Duration::ZERO);
        scene
            .fake
            .fail_next(Endpoint::Refresh, stage(Failure::Gate));
        let child = scene.sandbox.spawn(Program::Real, ["get"]);
        scene
            .fake
            .wait_for_held(Endpoint::Refresh, 1, LIMIT)
            .expect("a refresh");
        // The record has the rescue's key now.
        scene.learn();
        assert!(scene.sandbox.record().intent.is_some());
        let host = scene.fake.host();
        let (seen, hits) = scene.secrets.finder().find_in_processes(child.id(), &host);
        assert_eq!((seen, hits), (2, vec![]), "the caller and the refresher");
        scene.assert_tight("while the refresh is on the wire", &[]);
        scene.fake.release(Endpoint::Refresh);
        let run = ends(child, LIMIT).expect_code(0);
        scene.learn();
        let run = without_the_token(run, &scene);
        scene.assert_tight("after it", &[&run]);
    }
}

/// A server that writes into its errors what it was sent.
fn echoing(status: u16) -> Canned {
    Canned::start(move |asked| {
        let bearer = asked
            .head
            .lines()
            .find_map(|line| line.split_once("Bearer "));
        let bearer = bearer.map_or("", |(_, token)| token);
        let body = asked.body.rsplit('=').next().unwrap_or_default();
        let said = format!("no {bearer} {body} {}", asked.body).replace('"', " ");
        let document = serde_json::json!({
            "error": if body.is_empty() { bearer } else { body },
            "error_description": said, "message": said,
        });
        (status, document.to_string())
    })
}

#[test]
fn a_server_that_echoes_tokens_in_its_errors_makes_nobody_repeat_them() {
    for status in [200, 400, 401, 403, 404, 429, 500] {
        for arguments in [
            &["get"][..],
            &["get", "--format", "json"],
            &["refresh", "--force"],
            &["logout", "--revoke"],
        ] {
            let server = echoing(status);
            let mut scene = Scene::start(FakeGitHub::start().expect("a fake"));
            let pair = scene.fake.mint(CLIENT_ID);
            scene.secrets.add(pair.access_token.clone());
            scene.secrets.add(pair.refresh_token.clone().expect("one"));
            let app = App {
                host: Host::parse(&server.host()).expect("a host"),
                ..scene.sandbox.app()
            };
            FileSlot::new(&scene.sandbox.state_folder(), &app.key())
                .write(&encode(&record_of(&pair, Duration::ZERO)))
                .expect("a record");
            let mut command = scene.sandbox.command(Program::Real, arguments);
            let run = run_command(command.env("GHTOK_HOST", server.host()));
            scene.learn();
            scene.assert_tight(&format!("{status} {arguments:?}"), &[&run]);
        }
    }
}
