//! `ghtok app new` on a pseudo-terminal: from nothing to a token, with the form's page read as HTML in place of
//! a browser.

use std::fs;

use fake_github::{App, Builder, CLIENT_ID, Endpoint, Installation, Installed};

use super::{Desk, assert_clean};
use crate::support::deadline::run_command;
use crate::support::pty::{Left, Terminal};
use crate::support::registration_form::Form;
use crate::support::sandbox::Program;
use crate::support::signing_in::hurried_fake;

/// A person without any configuration, who is asked for an App of this fake.
fn newcomer(builder: Builder, arguments: &[&'static str]) -> Desk {
    let fake = builder.start().expect("a fake");
    let desk = Desk::at(fake).with("USER", "octo").with_noting_browser();
    fs::remove_file(desk.sandbox.config_dir().join("config.toml")).expect("the file");
    let host = desk.fake.host();
    Desk {
        arguments: arguments.to_vec(),
        ..desk
    }
    .with("GHTOK_HOST", host)
    .with("GHTOK_STORE", "file")
}

impl Desk {
    /// The address that the browser was given, once it was.
    fn form(&self) -> Form {
        let noted = self.wait_for_notes(1);
        Form::open(&noted[0])
    }

    fn config(&self) -> String {
        fs::read_to_string(self.sandbox.config_dir().join("config.toml")).unwrap_or_default()
    }

    fn is_stored(&self) -> bool {
        fs::read_dir(self.sandbox.state_folder().records()).is_ok_and(|records| records.count() > 0)
    }

    /// Types the new App's client ID, and approves the code.
    fn approve_with(&self, terminal: &mut Terminal, client_id: &str) {
        terminal.types(&format!("{client_id}\n"));
        let code = self.wait_for_the_code(terminal);
        self.fake.approve(&code);
    }
}

#[test]
fn p5_the_first_hour_takes_four_lines_after_the_command() {
    let desk = newcomer(hurried_fake(), &["app", "new"]);
    let mut terminal = desk.sit_down();
    let before = terminal.modes();
    terminal.wait_for("Enter opens the form for 1, or type 2 to 5:");
    let shown = terminal.screen();
    assert!(shown.contains("a fork's upstream"), "{shown}");
    assert_eq!(desk.noted(), Vec::<String>::new(), "nobody pressed Enter");
    terminal.types("\n");
    let form = desk.form();
    assert_eq!(form.path, "/settings/apps/new");
    assert_eq!(form.value("name"), "ghtok-octo");
    assert_eq!(form.value("contents"), "write");
    assert_eq!(form.value("workflows"), "write");
    assert_eq!(form.value("actions"), "read");
    assert!(form.is_checked("device_flow") && form.is_checked("expire"));
    terminal.wait_for("Client ID:");
    let client_id = form.submit();
    terminal.types(&format!("{client_id}\n"));
    let code = desk.wait_for_the_code(&terminal);
    // The page may be opened by Enter, or anywhere.
    desk.fake.approve(&code);
    terminal.wait_for("You are signed in as octocat, right? [Y/n]");
    let shown = terminal.screen();
    assert!(
        shown.contains("The App \"ghtok-octo\", owned by octocat"),
        "{shown}"
    );
    assert!(!shown.contains("Warning"), "{shown}");
    assert!(
        !desk.is_stored() && desk.config().is_empty(),
        "it is not confirmed yet"
    );
    terminal.types("\n");
    let left = terminal.end();
    assert_eq!(left.code, Some(0), "{left:?}");
    assert_clean(&left, &before);
    let install = format!(
        "{}/github-apps/ghtok-octo/installations/new",
        desk.fake.base_url()
    );
    assert!(left.screen.replace('\n', "").contains(&install), "{left:?}");
    assert!(left.screen.contains("prints the token"), "{left:?}");
    let host = desk.fake.host();
    assert_eq!(
        desk.config(),
        format!("[[app]]\nname = \"ghtok-octo\"\nclient_id = \"{client_id}\"\nhost = \"{host}\"\n")
    );
    let mut get = desk.sandbox.command(Program::Real, ["get"]);
    let token = run_command(get.env_remove("GHTOK_CLIENT_ID"));
    assert!(token.token().starts_with("ghu_"), "{token:?}");
    assert_eq!(desk.fake.violations(), []);
}

#[test]
fn p6_what_is_no_client_id_is_refused_before_anything_is_sent() {
    let desk = newcomer(hurried_fake(), &["app", "new"]);
    let mut terminal = desk.sit_down();
    terminal.wait_for("type 2 to 5:");
    terminal.types("9\n");
    terminal.wait_for("Type a number from 1 to 5.");
    terminal.types("5\n");
    terminal.wait_for("Client ID:");
    for (typed, told) in [
        ("1234567", "is a number, such as an \"App ID\""),
        (
            "ghp_0123456789abcdefghijklmnopqrstuvwxyz",
            "is a token, not a client ID",
        ),
        (
            "0123456789abcdef0123456789abcdef01234567",
            "is a client secret",
        ),
        ("a b", "has characters"),
    ] {
        terminal.types(&format!("{typed}\n"));
        terminal.wait_for(told);
    }
    assert_eq!(desk.fake.connections(), 0);
    // An App that was registered before: nothing is known of it until the sign-in.
    desk.approve_with(&mut terminal, CLIENT_ID);
    terminal.wait_for("[Y/n]");
    terminal.types("y\n");
    assert_eq!(terminal.end().code, Some(0));
    assert_eq!(desk.fake.violations(), []);
}

#[test]
fn an_unknown_client_id_is_asked_for_again() {
    let desk = newcomer(hurried_fake(), &["app", "new"]);
    let mut terminal = desk.sit_down();
    terminal.wait_for("type 2 to 5:");
    terminal.types("5\n");
    terminal.wait_for("Client ID:");
    terminal.types("Iv23liNOBODYSAPP0000\n");
    terminal.wait_for("knows no App with the client ID Iv23liNOBODYSAPP0000");
    desk.approve_with(&mut terminal, CLIENT_ID);
    terminal.wait_for("[Y/n]");
    terminal.types("\n");
    assert_eq!(terminal.end().code, Some(0));
}

/// The parameter that ticks the box is not documented.
#[test]
fn a_device_flow_that_is_off_is_one_more_step() {
    let builder = hurried_fake().ignoring_the_device_flow_parameter();
    let desk = newcomer(builder, &["app", "new", "work", "--preset", "read-only"]);
    let mut terminal = desk.sit_down();
    let form = desk.form();
    assert_eq!(form.value("name"), "work");
    assert_eq!(form.value("contents"), "read");
    assert!(!form.is_checked("device_flow"));
    terminal.wait_for("Client ID:");
    let client_id = form.submit();
    terminal.types(&format!("{client_id}\n"));
    terminal.wait_for("Then press Enter:");
    let shown = terminal.screen();
    assert!(shown.contains("One more step"), "{shown}");
    assert!(!shown.contains("error"), "{shown}");
    // They pressed Enter too early.
    terminal.types("\n");
    crate::support::processes::eventually("the second step", || {
        (terminal.screen().matches("One more step").count() == 2).then_some(())
    });
    desk.fake.enable_device_flow(&client_id);
    terminal.types("\n");
    let code = desk.wait_for_the_code(&terminal);
    desk.fake.approve(&code);
    terminal.wait_for("[Y/n]");
    terminal.types("\n");
    let left = terminal.end();
    assert_eq!(left.code, Some(0), "{left:?}");
    assert!(desk.config().contains("name = \"work\""));
    assert_eq!(desk.fake.violations(), []);
}

#[test]
fn an_organizations_app_is_registered_there_or_is_public() {
    for (answers, path, public, name) in [
        (
            "4\nacme\n\n\n",
            "/organizations/acme/settings/apps/new",
            false,
            "ghtok-octo",
        ),
        ("4\nacme\n2\n2\n", "/settings/apps/new", true, "ghtok-octo"),
    ] {
        let desk = newcomer(hurried_fake().organization("acme"), &["app", "new"]);
        let mut terminal = desk.sit_down();
        terminal.wait_for("type 2 to 5:");
        for (answer, question) in answers.split_inclusive('\n').zip([
            "Which organization?",
            "Who owns the App?",
            "What may its tokens do?",
            "Client ID:",
        ]) {
            terminal.types(answer);
            terminal.wait_for(question);
        }
        let form = desk.form();
        assert_eq!((form.path.as_str(), form.value("name")), (path, name));
        assert_eq!(form.is_public(), public);
        assert_eq!(
            form.value("contents"),
            if public { "read" } else { "write" }
        );
        let client_id = form.submit();
        desk.approve_with(&mut terminal, &client_id);
        terminal.wait_for("[Y/n]");
        assert!(
            !terminal.screen().contains("Warning"),
            "{}",
            terminal.screen()
        );
        terminal.types("\n");
        assert_eq!(terminal.end().code, Some(0));
        assert_eq!(desk.fake.violations(), []);
    }
}

#[track_caller]
fn asked_about(app: App, answer: &str) -> (Desk, Left) {
    let builder = hurried_fake().app(app).organization("acme");
    let desk = newcomer(builder, &["app", "new", "--client-id", CLIENT_ID]);
    let mut terminal = desk.sit_down();
    let code = desk.wait_for_the_code(&terminal);
    desk.fake.approve(&code);
    terminal.wait_for("[Y/n]");
    terminal.types(answer);
    (desk, terminal.end())
}

#[test]
fn an_app_of_a_stranger_is_warned_of_and_one_of_an_own_organization_is_not() {
    let of = |owner| App::new(CLIENT_ID).registered("Useful tool", owner);
    let (_desk, left) = asked_about(of("stranger"), "y\n");
    assert_eq!(left.code, Some(0), "{left:?}");
    assert!(
        left.screen.contains("\"Useful tool\", owned by stranger"),
        "{left:?}"
    );
    assert!(
        left.screen
            .contains("Warning: GitHub lists stranger neither"),
        "{left:?}"
    );
    for owner in ["acme", "octocat"] {
        let (desk, left) = asked_about(of(owner), "\n");
        assert!(!left.screen.contains("Warning"), "{left:?}");
        assert!(desk.config().contains("name = \"useful-tool\""), "its slug");
    }
}

#[test]
fn a_sign_in_of_the_wrong_person_is_revoked_and_not_stored() {
    let (desk, left) = asked_about(App::new(CLIENT_ID), "n\n");
    assert_eq!(left.code, Some(1), "{left:?}");
    assert!(
        left.screen.contains("cancelled; nothing was stored"),
        "{left:?}"
    );
    assert!(!desk.is_stored() && desk.config().is_empty());
    assert_eq!(desk.fake.count(Endpoint::Revoke), 1);
}

#[test]
fn a_login_without_an_app_leads_there_too_and_the_end_of_the_input_cancels() {
    let desk = newcomer(hurried_fake(), &["login"]);
    let mut terminal = desk.sit_down();
    terminal.wait_for("type 2 to 5:");
    terminal.types("\u{4}");
    let left = terminal.end();
    assert_eq!(left.code, Some(1), "{left:?}");
    assert!(
        left.screen.contains("cancelled; nothing was changed"),
        "{left:?}"
    );
    assert!(left.screen.contains("ghtok app new"), "{left:?}");
    assert_eq!(desk.fake.connections(), 0);
}

#[test]
fn without_a_browser_the_forms_address_is_there_in_one_piece() {
    for columns in [45, 80, 120] {
        let desk = newcomer(hurried_fake(), &["app", "new", "--no-browser"]).sized(80, columns);
        let mut terminal = desk.sit_down();
        terminal.wait_for("2 to 5:");
        terminal.types("\n");
        terminal.wait_for("Client ID:");
        assert_eq!(desk.noted(), Vec::<String>::new());
        let written = String::from_utf8(terminal.bytes()).expect("UTF-8");
        let is_address = |line: &&str| line.trim_start().starts_with("http");
        let address = written.lines().find(is_address).expect("an address");
        assert_eq!(Form::open(address.trim()).path, "/settings/apps/new");
        for line in written.lines().filter(|line| !is_address(line)) {
            let width = anstream::adapter::strip_str(line)
                .to_string()
                .chars()
                .count();
            assert!(width <= usize::from(columns), "{columns}: {line}");
        }
        terminal.types("\u{4}");
        assert_eq!(terminal.end().code, Some(1));
        assert_eq!(desk.fake.violations(), []);
    }
}

/// Where a token reaches nothing yet, the next step is to install the App.
#[test]
fn an_app_that_is_installed_is_not_said_to_be_missing() {
    let nowhere = App::new(CLIENT_ID)
        .registered("tool", "octocat")
        .installation(Installation::Nowhere);
    let (_desk, left) = asked_about(nowhere, "\n");
    assert!(left.screen.contains("ghtok refresh --force"), "{left:?}");
    let somewhere = App::new(CLIENT_ID)
        .registered("tool", "octocat")
        .installation(Installation::On(vec![Installed::on("octocat")]));
    let (_desk, left) = asked_about(somewhere, "\n");
    assert!(!left.screen.contains("installations/new"), "{left:?}");
    assert!(!left.screen.contains("refresh --force"), "{left:?}");
}
