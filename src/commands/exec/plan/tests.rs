//! Every way in which a token could be read by a tool of another host.

use super::*;
use crate::app::ClientId;

fn app(host: &str) -> App {
    App {
        name: None,
        client_id: ClientId::parse("Iv1.x").expect("an ID"),
        host: Host::parse(host).expect("a host"),
        account: None,
        owners: vec![],
    }
}

/// The changes as text, for these variables and hosts; the tokens are the hosts' names.
fn planned(
    wanted: &[(&str, &str)],
    others: Others,
    tokens: &[&'static str],
    hosts: [Option<&str>; 2],
) -> Result<(String, Option<String>)> {
    let apps: Vec<App> = wanted.iter().map(|(_, host)| app(host)).collect();
    let grants = wanted
        .iter()
        .zip(&apps)
        .map(|((variable, host), app)| Grant {
            variable: (*variable).into(),
            app,
            token: AccessToken::new(*host),
        });
    let hosts = InheritedHosts {
        gh_host: hosts[0].map(str::to_owned),
        github_host: hosts[1].map(str::to_owned),
    };
    let inherited = Inherited {
        hosts: &hosts,
        tokens,
    };
    let plan = plan(grants.collect(), others, inherited)?;
    let changes: Vec<String> = plan
        .changes()
        .map(|change| match change {
            Change::Set(name, value) => format!("{name}={value}"),
            Change::Remove(name) => format!("-{name}"),
        })
        .collect();
    Ok((changes.join(" "), plan.note()))
}

fn changes(wanted: &[(&str, &str)]) -> String {
    planned(wanted, Others::Remove, &[], [None, None])
        .expect("a plan")
        .0
}

const COM: &str = "github.com";
const GHE: &str = "octo.ghe.com";
const SERVER: &str = "ghes.example";

#[test]
fn p6_off_github_com_a_known_variable_never_goes_without_its_host() {
    assert_eq!(changes(&[("GH_TOKEN", COM)]), "GH_TOKEN=github.com");
    assert_eq!(
        changes(&[("GH_TOKEN", GHE)]),
        "GH_HOST=octo.ghe.com GH_TOKEN=octo.ghe.com"
    );
    assert_eq!(
        changes(&[("GITHUB_PERSONAL_ACCESS_TOKEN", GHE)]),
        "GH_HOST=octo.ghe.com GITHUB_HOST=https://octo.ghe.com GITHUB_PERSONAL_ACCESS_TOKEN=octo.ghe.com"
    );
    assert_eq!(
        changes(&[("GH_ENTERPRISE_TOKEN", SERVER)]),
        "GH_HOST=ghes.example GH_ENTERPRISE_TOKEN=ghes.example"
    );
    assert_eq!(changes(&[("MY_TOKEN", SERVER)]), "MY_TOKEN=ghes.example");
    assert_eq!(
        changes(&[("GH_TOKEN", COM), ("GH_ENTERPRISE_TOKEN", SERVER)]),
        "GH_TOKEN=github.com GH_ENTERPRISE_TOKEN=ghes.example"
    );
}

#[test]
fn p6_a_token_is_never_in_a_variable_that_tools_of_other_hosts_read() {
    for wanted in [
        &[("GH_TOKEN", SERVER)][..],
        &[("GITHUB_TOKEN", SERVER)],
        &[("GITHUB_PERSONAL_ACCESS_TOKEN", SERVER)],
        &[("GH_ENTERPRISE_TOKEN", COM)],
        &[("GITHUB_ENTERPRISE_TOKEN", GHE)],
        &[("GH_TOKEN", GHE), ("GITHUB_TOKEN", COM)],
        &[
            ("GH_ENTERPRISE_TOKEN", SERVER),
            ("GITHUB_ENTERPRISE_TOKEN", "other.example"),
        ],
    ] {
        let refused = planned(wanted, Others::Remove, &[], [None, None]);
        assert!(
            refused.is_err_and(|error| error.exit_code() == 2),
            "{wanted:?}"
        );
    }
}

#[test]
fn inherited_tokens_of_the_same_class_go_and_are_named() {
    let all = &crate::host::TOKEN_VARIABLES[..];
    let (changes, note) = planned(&[("X", COM)], Others::Remove, all, [None, None]).expect("it");
    assert_eq!(
        changes,
        "-GH_TOKEN -GITHUB_TOKEN -GITHUB_PERSONAL_ACCESS_TOKEN X=github.com"
    );
    assert_eq!(
        note.as_deref(),
        Some(
            "exec: replaced or removed for this command: GH_TOKEN, GITHUB_TOKEN, GITHUB_PERSONAL_ACCESS_TOKEN"
        )
    );
    let (changes, _) = planned(&[("X", SERVER)], Others::Remove, all, [None, None]).expect("it");
    assert_eq!(
        changes,
        "-GH_ENTERPRISE_TOKEN -GITHUB_ENTERPRISE_TOKEN X=ghes.example"
    );
    let kept = planned(&[("X", COM)], Others::Keep, all, [None, None]).expect("it");
    assert_eq!(kept, ("X=github.com".into(), None));
}

#[test]
fn p6_an_inherited_host_that_is_another_goes_and_is_named() {
    for others in [Others::Remove, Others::Keep] {
        let met = |wanted, hosts| planned(&[wanted], others, &[], hosts).expect("a plan");
        let (changes, note) = met(("GH_TOKEN", COM), [Some(SERVER), Some("https://evil.tld")]);
        assert_eq!(changes, "-GH_HOST -GITHUB_HOST GH_TOKEN=github.com");
        assert!(note.is_some_and(|note| note.ends_with(": GH_HOST, GITHUB_HOST")));
        let own = met(
            ("GH_TOKEN", COM),
            [Some("GitHub.com"), Some("https://github.com/")],
        );
        assert_eq!(own, ("GH_TOKEN=github.com".into(), None));
        let (changes, note) = met(("GH_TOKEN", GHE), [Some("else.ghe.com"), None]);
        assert_eq!(changes, "GH_HOST=octo.ghe.com GH_TOKEN=octo.ghe.com");
        assert!(note.is_some_and(|note| note.ends_with(": GH_HOST")));
    }
}
