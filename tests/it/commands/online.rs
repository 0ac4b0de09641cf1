//! `ghtok status --online`: what GitHub says about the token, where the App is installed, and why a
//! repository answers 404. Nothing is refreshed for it.

use std::time::Duration;

use fake_github::{App, CLIENT_ID, Endpoint, FakeGitHub, Installation, Installed};
use serde_json::{Value, json};

use super::{TWO_HOURS, json as document};
use crate::support::deadline::run;
use crate::support::sandbox::Sandbox;
use crate::support::words::plain;

fn signed_in(installation: Installation) -> (FakeGitHub, Sandbox) {
    let app = App::new(CLIENT_ID)
        .registered("Fake app", "octocat")
        .installation(installation);
    let fake = FakeGitHub::builder()
        .app(app)
        .public_repository("else/open")
        .start()
        .expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, TWO_HOURS);
    (fake, sandbox)
}

fn on_three() -> Installation {
    Installation::On(vec![
        Installed::on("octocat"),
        Installed::on("acme").selected(["app", "site"]),
        Installed::on("gone").suspended(),
    ])
}

/// The lines below the refresh token's, as a person sees them.
fn lines(fake: &FakeGitHub, sandbox: &Sandbox, arguments: &[&str]) -> String {
    let before = std::fs::read(sandbox.record_file()).expect("a record");
    let told = run(sandbox, &[&["status", "--online"], arguments].concat()).expect_code(0);
    assert_eq!(std::fs::read(sandbox.record_file()).expect("it"), before);
    assert_eq!(told.stderr, "", "{told:?}");
    assert!(!told.stdout.contains("ghu_") && !told.stdout.contains("ghr_"));
    assert_eq!(fake.count(Endpoint::Refresh), 0);
    let text = plain(&told.stdout, sandbox, fake);
    let (_, rest) = text.split_once("  GitHub ").expect("a line");
    let (lines, _) = rest.split_once("\n\ntimer:").expect("the timer");
    format!("  GitHub {lines}")
}

fn object(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    let arguments = [&["status", "--online", "--json"], arguments].concat();
    let told = run(sandbox, &arguments).expect_code(0);
    document(&told.stdout)["apps"][0]["online"].clone()
}

#[test]
fn it_shows_where_the_app_is_installed_and_what_tokens_may_do_there() {
    let (fake, sandbox) = signed_in(on_three());
    assert_eq!(
        lines(&fake, &sandbox, &[]),
        "  GitHub         accepts the token of octocat
  installed on   octocat: all repositories; contents: write, metadata: read
  installed on   acme: only app, site (others answer 404); contents: write, metadata: read
  installed on   gone: suspended, no access"
    );
    let online = object(&sandbox, &[]);
    assert_eq!(online["token"], "valid");
    assert_eq!(online["login"], "octocat");
    assert_eq!(online["repository"], Value::Null);
    assert_eq!(
        online["installations"][1],
        json!({
            "owner": "acme", "selection": "selected", "repositories": ["app", "site"],
            "permissions": {"contents": "write", "metadata": "read"},
            "page": format!("http://{}/organizations/acme/settings/installations/2", fake.host()),
        })
    );
    assert_eq!(fake.violations(), []);
}

#[test]
fn it_says_why_a_repository_answers_404_and_the_command_that_it_names_exits_0() {
    let (fake, sandbox) = signed_in(on_three());
    for (name, access, why) in [
        (
            "octocat/hello",
            "installed",
            "the App is installed on it (contents: write",
        ),
        ("acme/app", "installed", "the App is installed on it"),
        (
            "acme/x",
            "not_selected",
            "404: the App is installed on acme for selected",
        ),
        (
            "gone/x",
            "suspended",
            "404: the installation of the App on gone is suspended",
        ),
        ("else/open", "public_only", "can be read but not written"),
        (
            "else/x",
            "not_installed",
            "404: the App is not installed on else",
        ),
    ] {
        let told = lines(&fake, &sandbox, &["--repo", name]);
        assert!(
            told.contains(&format!("\n  repository     {name}: ")),
            "{told}"
        );
        assert!(told.contains(why), "{told}");
        let online = object(&sandbox, &["--repo", name]);
        assert_eq!(online["repository"]["access"], access, "{online}");
    }
    let told = lines(&fake, &sandbox, &["--repo", "else/x"]);
    let command = format!("ghtok refresh --client-id {CLIENT_ID} --host HOST --store file --force");
    assert!(
        told.ends_with(&format!(
            "  next           install the App on else (an organization's owner must agree): http://HOST/github-apps/fake-app/installations/new
  next           then get a new token:
                   {command}"
        )),
        "{told}"
    );
    let online = object(&sandbox, &["--repo", "else/x"]);
    let command = online["repository"]["command"].as_str().expect("a command");
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    run(&sandbox, &words).expect_code(0);
}

#[test]
fn an_app_that_is_installed_nowhere_names_the_page_where_it_is_installed() {
    let (fake, sandbox) = signed_in(Installation::Nowhere);
    assert_eq!(
        lines(&fake, &sandbox, &[]),
        "  GitHub         accepts the token of octocat
  installed on   no account: tokens can only read public repositories; install it: http://HOST/settings/apps"
    );
}

#[test]
fn a_token_that_github_rejects_and_one_that_has_expired() {
    let (fake, sandbox) = signed_in(on_three());
    fake.revoke_authorization(CLIENT_ID);
    assert_eq!(object(&sandbox, &[])["token"], "rejected");
    let told = lines(&fake, &sandbox, &[]);
    assert!(told.contains("does not accept the token"), "{told}");
    sandbox.seed(&fake, Duration::ZERO);
    let asked = fake.count(Endpoint::User);
    assert_eq!(object(&sandbox, &[])["token"], "expired");
    assert_eq!(fake.count(Endpoint::User), asked);
}

#[test]
fn without_a_network_the_rest_of_the_status_is_there() {
    let (fake, sandbox) = signed_in(on_three());
    drop(fake);
    let told = run(&sandbox, &["status", "--online"]).expect_code(0);
    assert!(told.stdout.contains("account        octocat"), "{told:?}");
    assert!(told.stdout.contains("could not be asked"), "{told:?}");
    assert_eq!(object(&sandbox, &[])["token"], "unknown");
}

#[test]
fn a_repository_needs_a_question_and_a_whole_name() {
    let (_fake, sandbox) = signed_in(on_three());
    run(&sandbox, &["status", "--repo", "acme/app"]).expect_code(2);
    run(&sandbox, &["status", "--online", "--repo", "acme"]).expect_code(2);
}
