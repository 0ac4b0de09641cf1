//! Where an App is installed: paged, bounded, and whole or said to be not.

use fake_github::{App, Installation, Installed as At};
use ghtok::testing::github::{self, Installations, Selection};

use super::*;

fn fake_with(installed: Vec<At>) -> (FakeGitHub, AccessToken) {
    let app = App::new(CLIENT_ID)
        .registered("Fake app", "octocat")
        .installation(Installation::On(installed));
    let fake = FakeGitHub::builder().app(app).start().expect("a fake");
    let token = AccessToken::new(fake.mint(CLIENT_ID).access_token);
    (fake, token)
}

fn ask(fake: &FakeGitHub, token: &AccessToken) -> Result<Installations, RequestFailure> {
    let github = patient(&fake.host(), Network::default());
    github.installations(token, Limits::STANDARD.reach, &|| Duration::ZERO)
}

fn these(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("r{n}")).collect()
}

#[test]
fn all_pages_are_read_and_suspended_installations_reach_nothing() {
    let mut installed = vec![
        At::on("acme").selected(these(250)),
        At::on("gone").suspended(),
        At::on("none").selected(these(0)),
    ];
    installed.extend((0..147).map(|n| At::on(format!("org{n}"))));
    let (fake, token) = fake_with(installed);
    let told = ask(&fake, &token).expect("an answer");
    assert!(told.is_whole);
    assert_eq!(told.installed.len(), 149);
    let selection = |owner: &str| {
        let found = told
            .installed
            .iter()
            .find(|installed| installed.owner == owner);
        found.map(|github::Installation { selection, .. }| selection.clone())
    };
    assert_eq!(selection("acme"), Some(Selection::These(these(250))));
    assert_eq!(selection("none"), Some(Selection::These(vec![])));
    assert_eq!(selection("org146"), Some(Selection::All));
    assert_eq!(selection("gone"), None);
    assert_eq!(told.suspended, ["gone"]);
    assert_eq!(told.app_slug.as_deref(), Some("fake-app"));
    let acme = &told.installed[0];
    assert_eq!(acme.permissions_text(), "contents: write, metadata: read");
    let page = format!(
        "{}/organizations/acme/settings/installations/1",
        fake.base_url()
    );
    assert_eq!(acme.page, Some(page));
    // Two pages of installations, three of repositories, one that is empty.
    assert_eq!(fake.count(Endpoint::Installations), 6);
    assert_eq!(fake.violations(), []);
}

#[test]
fn more_than_five_hundred_are_not_asked_for_and_unknown() {
    let (fake, token) = fake_with(vec![At::on("acme").selected(these(501))]);
    let told = ask(&fake, &token).expect("an answer");
    assert_eq!(told.installed[0].selection, Selection::Unknown);
    assert_eq!(fake.count(Endpoint::Installations), 2);
    let (fake, token) = fake_with(vec![At::on("acme").selected(these(500))]);
    let told = ask(&fake, &token).expect("an answer");
    assert_eq!(told.installed[0].selection, Selection::These(these(500)));
    let (fake, token) = fake_with((0..501).map(|n| At::on(format!("o{n}"))).collect());
    let told = ask(&fake, &token).expect("an answer");
    assert_eq!((told.installed.len(), told.is_whole), (500, false));
    assert_eq!(fake.count(Endpoint::Installations), 5);
}

#[test]
fn names_that_cannot_be_had_are_unknown_and_a_list_that_cannot_is_a_failure() {
    for fault in [
        Fails::Status(403),
        Fails::Status(404),
        Fails::Html,
        Fails::Empty,
        Fails::WrongType(WrongType::Array),
        Fails::DeepJson,
        Fails::Cut(Cut::HalfBody),
        Fails::HugeBody(5_000_000),
        Fails::Reset,
    ] {
        let (fake, token) = fake_with(vec![At::on("acme").selected(["app"]), At::on("octocat")]);
        // The list is answered, and then the names are not.
        fake.fail_next(Endpoint::Installations, Fault::after(Fails::InterimFirst));
        fake.fail_next(Endpoint::Installations, Fault::before(fault.clone()));
        let told = ask(&fake, &token).expect("a list");
        let selections: Vec<_> = told
            .installed
            .into_iter()
            .map(|one| one.selection)
            .collect();
        assert_eq!(
            selections,
            [Selection::Unknown, Selection::All],
            "{fault:?}"
        );
        fake.fail_next(Endpoint::Installations, Fault::before(fault.clone()));
        assert!(ask(&fake, &token).is_err(), "{fault:?}");
    }
    let (fake, _) = fake_with(vec![]);
    assert!(ask(&fake, &AccessToken::new("ghu_dead")).is_err());
}

#[test]
fn time_that_is_over_leaves_names_unknown() {
    let (fake, token) = fake_with(vec![At::on("acme").selected(["app"])]);
    let github = patient(&fake.host(), Network::default());
    let limit = Limits::STANDARD.reach;
    let asked = std::cell::Cell::new(0);
    let elapsed = || {
        asked.set(asked.get() + 1);
        if asked.get() > 1 {
            limit
        } else {
            Duration::ZERO
        }
    };
    let told = github
        .installations(&token, limit, &elapsed)
        .expect("a list");
    assert_eq!(told.installed[0].selection, Selection::Unknown);
    assert!(github.installations(&token, limit, &|| limit).is_err());
}
