//! Which App answers git. Pure.

use crate::app::App;
use crate::formats::git_credential::Request;

/// Of the Apps of exactly the host that git names: the one that serves the repository's owner, then
/// the one of the wanted account, then the preferred one, then the only one without `owners`.
/// `None` means silence.
pub fn choose<'a>(
    request: &Request,
    apps: impl IntoIterator<Item = &'a App>,
    preferred: Option<&'a App>,
) -> Option<&'a App> {
    let here: Vec<&App> = apps
        .into_iter()
        .filter(|app| request.is_for(&app.host))
        .filter(|app| may_be_of(app, request.account()))
        .collect();
    let serving = |app: &&App| request.owner().is_some_and(|owner| serves(app, owner));
    let of_the_owner: Vec<&App> = here.iter().copied().filter(serving).collect();
    let (among, otherwise) = if of_the_owner.is_empty() {
        let open = here.iter().copied().filter(|app| app.owners.is_empty());
        (&here, open.collect())
    } else {
        (&of_the_owner, of_the_owner.clone())
    };
    let wanted = |app: &&App| match (&app.account, request.account()) {
        (Some(account), Some(wanted)) => account.is(wanted),
        _ => false,
    };
    only(among.iter().copied().filter(wanted))
        .or_else(|| preferred.filter(|app| among.contains(app)))
        .or_else(|| only(otherwise))
}

fn serves(app: &App, owner: &str) -> bool {
    app.owners
        .iter()
        .any(|served| served.eq_ignore_ascii_case(owner))
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
    use crate::host::Host;

    fn app(name: &str, host: &str, owners: &[&str], account: Option<&str>) -> App {
        App {
            name: Some(name.into()),
            client_id: ClientId::parse(name).expect("an ID"),
            host: Host::parse(host).expect("a host"),
            account: account.map(|name| AccountName::parse(name).expect("a login")),
            owners: owners.iter().map(|owner| (*owner).to_owned()).collect(),
        }
    }

    /// The name of the App that is chosen for `https://HOST` and these further lines.
    fn chosen<'a>(
        apps: &'a [App],
        preferred: Option<&str>,
        host: &str,
        lines: &str,
    ) -> Option<&'a str> {
        let text = format!("protocol=https\nhost={host}\n{lines}");
        let request = Request::read_from(text.as_bytes()).expect("a request");
        let preferred = apps.iter().find(|app| app.name.as_deref() == preferred);
        choose(&request, apps, preferred).map(App::label)
    }

    const COM: &str = "github.com";

    #[test]
    fn p6_an_app_of_another_host_is_never_chosen() {
        let apps = [
            app("a", COM, &[], None),
            app("b", "ghes.example", &[], None),
        ];
        assert_eq!(chosen(&apps, Some("a"), "ghes.example", ""), Some("b"));
        assert_eq!(chosen(&apps, Some("b"), COM, ""), Some("a"));
        assert_eq!(chosen(&apps, Some("a"), "evil.tld", "path=a/b\n"), None);
    }

    #[test]
    fn owners_come_first_then_the_account_then_the_preferred_one() {
        let apps = [
            app("org", COM, &["Octo-Org"], None),
            app("alice", COM, &[], Some("alice")),
            app("bob", COM, &[], Some("bob")),
        ];
        assert_eq!(
            chosen(&apps, Some("bob"), COM, "path=octo-org/x.git\n"),
            Some("org")
        );
        assert_eq!(
            chosen(&apps, Some("bob"), COM, "username=Alice\n"),
            Some("alice")
        );
        assert_eq!(
            chosen(&apps, Some("bob"), COM, "path=else/x\n"),
            Some("bob")
        );
        assert_eq!(chosen(&apps, Some("org"), COM, ""), Some("org"));
        assert_eq!(chosen(&apps, None, COM, ""), None);
    }

    #[test]
    fn the_only_app_without_owners_serves_the_rest() {
        let apps = [
            app("org", COM, &["octo-org"], None),
            app("own", COM, &[], None),
        ];
        assert_eq!(chosen(&apps, None, COM, "path=someone/x\n"), Some("own"));
        assert_eq!(chosen(&apps[..1], None, COM, "path=someone/x\n"), None);
        assert_eq!(chosen(&apps[..1], None, COM, ""), None);
    }

    #[test]
    fn two_apps_of_one_owner_are_told_apart_or_nobody_answers() {
        let apps = [
            app("a", COM, &["org"], Some("alice")),
            app("b", COM, &["org"], Some("bob")),
            app("c", COM, &[], None),
        ];
        let path = "path=org/x\n";
        assert_eq!(chosen(&apps, None, COM, path), None);
        assert_eq!(chosen(&apps, Some("c"), COM, path), None);
        assert_eq!(chosen(&apps, Some("b"), COM, path), Some("b"));
        assert_eq!(
            chosen(&apps, None, COM, "path=org/x\nusername=alice\n"),
            Some("a")
        );
    }

    #[test]
    fn another_account_is_never_handed_out() {
        let apps = [app("a", COM, &[], Some("alice"))];
        assert_eq!(chosen(&apps, Some("a"), COM, "username=bob\n"), None);
        assert_eq!(
            chosen(&apps, None, COM, "username=x-access-token\n"),
            Some("a")
        );
    }
}
