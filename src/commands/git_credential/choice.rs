//! Which App answers git. Pure.

use crate::app::App;
use crate::auth::reach::{Coverage, Reach};
use crate::formats::git_credential::{CredentialRequest, RequestedRepository};

/// Who answers.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Choice<'a> {
    /// This App.
    App(&'a App),
    /// Nobody: no App reaches the repository, and git asks its other helpers.
    Nobody,
    /// Nobody, for each App of the host must be signed in as somebody else than git wants.
    OtherAccounts(Vec<&'a App>),
    /// Nobody, for nothing says which of these is meant.
    Several(Vec<&'a App>),
}

/// How surely an App serves a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Service {
    /// It is not known where the App is installed.
    Perhaps,
    /// The App is installed there.
    Installed,
    /// The configuration says so.
    Configured,
}

/// Of the Apps of exactly the host that git names: those that serve the repository most surely; of
/// these the one of the wanted account, the preferred one, or the only one, in this order. Without a
/// repository, the only one without `owners` comes before the only one.
pub(super) fn choose<'a>(
    request: &CredentialRequest,
    apps: impl IntoIterator<Item = &'a App>,
    preferred: Option<&'a App>,
    reach: &dyn Fn(&App) -> Option<Reach>,
) -> Choice<'a> {
    let here: Vec<&App> = apps
        .into_iter()
        .filter(|app| request.is_for(&app.host))
        .collect();
    let right: Vec<&App> = here
        .iter()
        .copied()
        .filter(|app| may_be_of(app, request.account()))
        .collect();
    if right.is_empty() && !here.is_empty() {
        return Choice::OtherAccounts(here);
    }
    let among = match request.repository() {
        Some(repository) => {
            let reach = |app: &App| reach(app).filter(|_| !request.is_for_gists());
            most_surely_serving(&right, repository, &reach)
        }
        None => right,
    };
    let wanted = |app: &&App| match (&app.account, request.account()) {
        (Some(account), Some(wanted)) => account.is(wanted),
        _ => false,
    };
    let for_all = |app: &&App| app.owners.is_empty() && request.repository().is_none();
    let one = only(among.iter().copied().filter(wanted))
        .or_else(|| preferred.filter(|app| among.contains(app)))
        .or_else(|| only(among.iter().copied()))
        .or_else(|| only(among.iter().copied().filter(for_all)));
    match one {
        Some(app) => Choice::App(app),
        None if among.is_empty() => Choice::Nobody,
        None => Choice::Several(among),
    }
}

fn most_surely_serving<'a>(
    apps: &[&'a App],
    repository: RequestedRepository<'_>,
    reach: &dyn Fn(&App) -> Option<Reach>,
) -> Vec<&'a App> {
    let serving: Vec<(&App, Service)> = apps
        .iter()
        .filter_map(|app| Some((*app, service(app, repository, reach)?)))
        .collect();
    let most = serving.iter().map(|(_, service)| *service).max();
    serving
        .into_iter()
        .filter(|(_, service)| Some(*service) == most)
        .map(|(app, _)| app)
        .collect()
}

/// How an App serves a repository, if it does. `owners` decide where there are some; otherwise, where the
/// App is installed, and as long as nobody knows that, it counts as everywhere.
fn service(
    app: &App,
    repository: RequestedRepository<'_>,
    reach: &dyn Fn(&App) -> Option<Reach>,
) -> Option<Service> {
    let RequestedRepository { owner, name } = repository;
    if !app.owners.is_empty() {
        let mut owners = app.owners.iter();
        let is_one = owners.any(|served| served.eq_ignore_ascii_case(owner));
        return is_one.then_some(Service::Configured);
    }
    match reach(app).map(|reach| reach.covers(owner, name)) {
        Some(Coverage::Reached) => Some(Service::Installed),
        Some(Coverage::Unknown) | None => Some(Service::Perhaps),
        Some(Coverage::NotReached) => None,
    }
}

/// An App without a configured account may be signed in as anybody.
fn may_be_of(app: &App, wanted: Option<&str>) -> bool {
    match (&app.account, wanted) {
        (Some(account), Some(wanted)) => account.is(wanted),
        _ => true,
    }
}

fn only<'a>(apps: impl IntoIterator<Item = &'a App>) -> Option<&'a App> {
    let mut apps = apps.into_iter();
    let first = apps.next();
    first.filter(|_| apps.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{AccountName, ClientId};
    use crate::github::{Installation, Installations, Selection};
    use crate::host::Host;
    use crate::token::Timestamp;

    fn app(name: &str, host: &str, owners: &[&str], account: Option<&str>) -> App {
        App {
            name: Some(name.into()),
            client_id: ClientId::parse(name).expect("an ID"),
            host: Host::parse(host).expect("a host"),
            account: account.map(|name| AccountName::parse(name).expect("a login")),
            owners: owners.iter().map(|owner| (*owner).to_owned()).collect(),
        }
    }

    /// Who answers for `https://HOST` and these further lines, in short.
    fn chosen_with(
        apps: &[App],
        preferred: Option<&str>,
        host: &str,
        lines: &str,
        reach: &dyn Fn(&App) -> Option<Reach>,
    ) -> String {
        let text = format!("protocol=https\nhost={host}\n{lines}");
        let request = CredentialRequest::read_from(text.as_bytes()).expect("a request");
        let preferred = apps.iter().find(|app| app.name.as_deref() == preferred);
        let labels = |apps: Vec<&App>| {
            apps.iter()
                .map(|app| app.label())
                .collect::<Vec<_>>()
                .join(" ")
        };
        match choose(&request, apps, preferred, reach) {
            Choice::App(app) => app.label().to_owned(),
            Choice::Nobody => "nobody".into(),
            Choice::OtherAccounts(apps) => format!("not {}", labels(apps)),
            Choice::Several(apps) => format!("one of {}", labels(apps)),
        }
    }

    /// The same, where nobody knows any App's reach.
    fn chosen(apps: &[App], preferred: Option<&str>, host: &str, lines: &str) -> String {
        chosen_with(apps, preferred, host, lines, &|_| None)
    }

    const COM: &str = "github.com";

    #[test]
    fn p6_an_app_of_another_host_is_never_chosen() {
        let apps = [
            app("a", COM, &[], None),
            app("b", "ghes.example", &[], None),
        ];
        assert_eq!(chosen(&apps, Some("a"), "ghes.example", ""), "b");
        assert_eq!(chosen(&apps, Some("b"), COM, ""), "a");
        assert_eq!(chosen(&apps, Some("a"), "evil.tld", "path=a/b\n"), "nobody");
    }

    #[test]
    fn owners_come_first_then_the_account_then_the_preferred_one() {
        let apps = [
            app("org", COM, &["Octo-Org"], None),
            app("alice", COM, &[], Some("alice")),
            app("bob", COM, &[], Some("bob")),
        ];
        for path in [
            "octo-org/x.git",
            "/OCTO-ORG/x.git",
            "//octo-org//x.git",
            "octo-org",
        ] {
            let lines = format!("path={path}\n");
            assert_eq!(chosen(&apps, Some("bob"), COM, &lines), "org", "{path}");
        }
        assert_eq!(chosen(&apps, Some("bob"), COM, "username=Alice\n"), "alice");
        assert_eq!(chosen(&apps, Some("bob"), COM, "path=else/x\n"), "bob");
        assert_eq!(chosen(&apps, Some("org"), COM, ""), "org");
        assert_eq!(chosen(&apps, None, COM, ""), "one of org alice bob");
    }

    #[test]
    fn p13_an_app_with_owners_answers_for_no_other() {
        let apps = [
            app("org", COM, &["octo-org"], None),
            app("own", COM, &[], None),
        ];
        let path = "path=someone/x\n";
        assert_eq!(chosen(&apps, None, COM, path), "own");
        assert_eq!(chosen(&apps, Some("org"), COM, path), "own");
        assert_eq!(chosen(&apps[..1], Some("org"), COM, path), "nobody");
        assert_eq!(
            chosen(&apps[..1], None, COM, "path=octo-org2/x\n"),
            "nobody"
        );
    }

    #[test]
    fn without_a_path_the_default_app_answers() {
        let apps = [
            app("org", COM, &["octo-org"], None),
            app("own", COM, &[], None),
        ];
        for no_path in ["", "path=\n", "path=/\n", "path=//\n", "path=x.git\n"] {
            assert_eq!(chosen(&apps, None, COM, no_path), "own", "{no_path}");
            assert_eq!(chosen(&apps, Some("org"), COM, no_path), "org");
            assert_eq!(chosen(&apps[..1], None, COM, no_path), "org");
        }
    }

    #[test]
    fn two_apps_of_one_owner_are_told_apart_or_nobody_answers() {
        let apps = [
            app("a", COM, &["org"], Some("alice")),
            app("b", COM, &["org"], Some("bob")),
            app("c", COM, &[], None),
        ];
        let path = "path=org/x\n";
        assert_eq!(chosen(&apps, None, COM, path), "one of a b");
        assert_eq!(chosen(&apps, Some("c"), COM, path), "one of a b");
        assert_eq!(chosen(&apps, Some("b"), COM, path), "b");
        assert_eq!(
            chosen(&apps, None, COM, "path=org/x\nusername=alice\n"),
            "a"
        );
    }

    #[test]
    fn another_account_is_never_handed_out() {
        let apps = [app("a", COM, &[], Some("alice"))];
        assert_eq!(chosen(&apps, Some("a"), COM, "username=bob\n"), "not a");
        for no_login in [
            "x-access-token",
            "git",
            "oauth2",
            "token",
            "x-oauth-basic",
            "me@x.example",
        ] {
            let lines = format!("username={no_login}\n");
            assert_eq!(chosen(&apps, None, COM, &lines), "a", "{no_login}");
        }
    }

    fn installed_on(owner: &str, names: &[&str]) -> Reach {
        Reach {
            user_id: None,
            asked_at: Timestamp(0),
            installations: Installations {
                installed: vec![Installation::new(
                    owner,
                    Selection::These(names.iter().map(|name| (*name).into()).collect()),
                )],
                is_whole: true,
                ..Installations::default()
            },
        }
    }

    #[test]
    fn p13_where_no_app_is_installed_nobody_answers() {
        let apps = [
            app("acme", COM, &[], None),
            app("octo", COM, &[], None),
            app("new", COM, &[], None),
        ];
        let reach = |app: &App| match app.label() {
            "acme" => Some(installed_on("acme", &["app"])),
            "octo" => Some(installed_on("octocat", &["app", "x"])),
            _ => None,
        };
        let told = |apps: &[App], lines: &str| chosen_with(apps, None, COM, lines, &reach);
        for (path, answering) in [
            ("acme/app.git", "acme"),
            ("ACME/APP", "acme"),
            ("/acme/app.wiki.git", "acme"),
            ("octocat/x.git/info/lfs", "octo"),
            ("acme/other.git", "nobody"),
            ("else/app.git", "nobody"),
        ] {
            assert_eq!(
                told(&apps[..2], &format!("path={path}\n")),
                answering,
                "{path}"
            );
        }
        // One of which nothing is known answers only where no other is known to.
        assert_eq!(told(&apps, "path=acme/app\n"), "acme");
        assert_eq!(told(&apps, "path=else/app\n"), "new");
        assert_eq!(told(&apps[..1], ""), "acme");
    }

    #[test]
    fn gists_belong_to_accounts_and_not_to_installations() {
        let apps = [app("acme", COM, &[], None)];
        let reach = |_: &App| Some(installed_on("acme", &["app"]));
        for path in ["", "path=0123abcd.git\n", "path=octocat/0123abcd.git\n"] {
            let told = chosen_with(&apps, None, "gist.github.com", path, &reach);
            assert_eq!(told, "acme", "{path}");
        }
        let owned = [
            app("a", COM, &["acme"], None),
            app("b", COM, &["octocat"], None),
        ];
        assert_eq!(
            chosen(
                &owned,
                None,
                "gist.github.com",
                "path=octocat/0123abcd.git\n"
            ),
            "b"
        );
    }
}
