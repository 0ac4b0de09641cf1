//! `--online` and `OWNER/NAME`: what GitHub says. It is asked only then, and nothing is stored.

use std::time::Duration;

use fake_github::{App, CLIENT_ID, DateHeader, FakeGitHub, Installation, Installed};

use super::patient::{Findings, Patient, Tree};
use crate::support::records::{FRESH, let_expire};

fn signed_in(installation: Installation) -> Patient {
    let app = App::new(CLIENT_ID).installation(installation);
    let fake = FakeGitHub::builder()
        .app(app)
        .public_repository("else/open")
        .start();
    let patient = Patient::at(fake.expect("a fake"));
    patient.sandbox.seed(&patient.fake, FRESH);
    patient
}

fn on_three() -> Patient {
    signed_in(Installation::On(vec![
        Installed::on("octocat"),
        Installed::on("acme").selected(["app", "site"]),
        Installed::on("gone").suspended(),
    ]))
}

/// Asks, and sees that no file changed.
#[track_caller]
fn asked(patient: &Patient, flags: &str) -> Findings {
    let before = Tree::of(patient.sandbox.home());
    let run = patient.run(&format!("ghtok doctor --json --full {flags}"));
    assert_eq!(Tree::of(patient.sandbox.home()), before, "{flags}");
    assert!(
        !run.stdout.contains("ghu_0") && !run.stderr.contains("ghu_0"),
        "{run:?}"
    );
    Findings::of(&run)
}

#[test]
fn a_token_that_works_and_where_the_app_is_installed() {
    let patient = on_three();
    let found = asked(&patient, "--online");
    for code in ["host_reached", "clock_right", "token_accepted"] {
        assert_eq!(found.get(code)["level"], "ok");
    }
    let first = found.get("installed_on");
    assert!(
        first["message"]
            .as_str()
            .is_some_and(|text| text.contains("octocat: all repositories; contents: write")),
        "{first}"
    );
    assert_eq!(found.get("installation_suspended")["level"], "warning");
    assert_eq!(found.exit_code, 0);
    assert_eq!(patient.fake.violations(), []);
    let report = patient.report("--online").stdout;
    assert!(
        !report.contains("octocat") && !report.contains("acme"),
        "{report}"
    );
    let nowhere = signed_in(Installation::On(vec![]));
    assert_eq!(
        asked(&nowhere, "--online").get("not_installed")["level"],
        "warning"
    );
}

#[test]
fn why_a_repository_answers_404() {
    let patient = on_three();
    for (name, code, why) in [
        (
            "octocat/hello",
            "repository_reached",
            "the App is installed on it",
        ),
        ("acme/x", "repository_not_reached", "x is not one of them"),
        (
            "other/x",
            "repository_not_reached",
            "not installed on other",
        ),
        ("gone/x", "repository_not_reached", "suspended"),
        ("else/open", "repository_read_only", "it is public"),
    ] {
        let finding = asked(&patient, name).get(code);
        assert!(
            finding["message"]
                .as_str()
                .is_some_and(|text| text.contains(why)),
            "{finding}"
        );
        if let Some(command) = finding["command"].as_str() {
            patient.run(command).expect_code(0);
        }
    }
    let report = patient.report("acme/app").stdout;
    assert!(!report.contains("acme"), "{report}");
}

#[test]
fn a_token_that_github_rejects_and_one_that_has_expired() {
    let patient = on_three();
    let pair = patient.sandbox.seed(&patient.fake, FRESH);
    patient.fake.revoke(&pair.access_token);
    let finding = asked(&patient, "--online").get("token_rejected");
    patient
        .run(finding["command"].as_str().expect("a command"))
        .expect_code(0);
    assert!(asked(&patient, "--online").has("token_accepted"));
    let_expire(&patient.sandbox);
    let finding = asked(&patient, "--online").get("token_expired");
    patient
        .run(finding["command"].as_str().expect("a command"))
        .expect_code(0);
    assert!(asked(&patient, "--online").has("token_accepted"));
}

#[test]
fn a_clock_that_is_wrong() {
    let ahead = DateHeader::Skewed(-3600);
    let fake = FakeGitHub::builder()
        .date_header(ahead)
        .start()
        .expect("a fake");
    let patient = Patient::at(fake);
    patient
        .sandbox
        .seed(&patient.fake, Duration::from_secs(20_000));
    let finding = asked(&patient, "--online").get("clock_wrong");
    assert!(
        finding["message"]
            .as_str()
            .is_some_and(|text| text.contains("ahead of")),
        "{finding}"
    );
    assert_eq!(finding["level"], "warning");
}

#[test]
fn a_host_that_cannot_be_reached() {
    let patient = Patient::new().with("GHTOK_HOST", "127.0.0.1:9");
    let finding = asked(&patient, "--online").get("host_unreachable");
    assert_eq!(finding["level"], "problem");
    assert!(finding["fix"].as_str().is_some_and(|text| !text.is_empty()));
}
