//! Every way in which a token could be read by a tool of another host.

use super::*;
use crate::host::TOKEN_VARIABLES;

const COM: &str = "github.com";
const GHE: &str = "octo.ghe.com";
const SERVER: &str = "ghes.example";

struct Asked<'a> {
    recipient: Recipient,
    wanted: &'a [(&'a str, &'a str)],
    others: OtherTokens,
    tokens: &'a [&'static str],
    hosts: &'a [(&'static str, &'a str)],
}

const EXEC: Asked<'_> = Asked {
    recipient: Recipient::Command,
    wanted: &[],
    others: OtherTokens::Remove,
    tokens: &[],
    hosts: &[],
};

impl Asked<'_> {
    /// The changes as text (the tokens are the hosts' names), and what is displaced.
    fn planned(&self) -> Result<(String, String)> {
        let hosts: Vec<Host> = self
            .wanted
            .iter()
            .map(|(_, host)| Host::parse(host).expect(host))
            .collect();
        let grants: Vec<TokenVariable<'_>> = self
            .wanted
            .iter()
            .zip(&hosts)
            .map(|((variable, _), host)| TokenVariable { variable, host })
            .collect();
        let inherited = Inherited {
            tokens: self.tokens.to_vec(),
            hosts: self
                .hosts
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned()))
                .collect(),
        };
        let plan = plan(self.recipient, &grants, self.others, &inherited)?;
        let changes: Vec<String> = plan
            .changes
            .iter()
            .map(|change| match change {
                EnvChange::Token { variable, grant } => format!("{variable}={}", hosts[*grant]),
                EnvChange::Text(name, value) => format!("{name}={value}"),
                EnvChange::Remove(name) => format!("-{name}"),
            })
            .collect();
        let displaced: Vec<&str> = plan.displaced.iter().map(|(name, _)| *name).collect();
        Ok((changes.join(" "), displaced.join(" ")))
    }

    #[track_caller]
    fn expect(&self, changes: &str, displaced: &str) {
        let planned = self.planned().expect("a plan");
        assert_eq!(
            (planned.0.as_str(), planned.1.as_str()),
            (changes, displaced)
        );
    }
}

fn exec<'a>(wanted: &'a [(&'a str, &'a str)]) -> Asked<'a> {
    Asked { wanted, ..EXEC }
}

fn mcp<'a>(wanted: &'a [(&'a str, &'a str)]) -> Asked<'a> {
    Asked {
        recipient: Recipient::McpServer,
        wanted,
        ..EXEC
    }
}

#[test]
fn p6_off_github_com_a_known_variable_never_goes_without_its_host() {
    for recipient in [Recipient::Command, Recipient::Shell] {
        let to = |wanted| Asked {
            recipient,
            ..exec(wanted)
        };
        to(&[("GH_TOKEN", COM)]).expect("GH_TOKEN=github.com", "");
        to(&[("GH_TOKEN", GHE)]).expect("GH_HOST=octo.ghe.com GH_TOKEN=octo.ghe.com", "");
        to(&[("GH_ENTERPRISE_TOKEN", SERVER)])
            .expect("GH_HOST=ghes.example GH_ENTERPRISE_TOKEN=ghes.example", "");
    }
    exec(&[(MCP_TOKEN, GHE)]).expect(
        "GH_HOST=octo.ghe.com GITHUB_HOST=https://octo.ghe.com GITHUB_PERSONAL_ACCESS_TOKEN=octo.ghe.com",
        "",
    );
    exec(&[("MY_TOKEN", SERVER)]).expect("MY_TOKEN=ghes.example", "");
    exec(&[("GH_TOKEN", COM), ("GH_ENTERPRISE_TOKEN", SERVER)])
        .expect("GH_TOKEN=github.com GH_ENTERPRISE_TOKEN=ghes.example", "");
}

#[test]
fn p6_an_mcp_server_is_told_its_host_in_the_variable_that_goes_with_the_token() {
    mcp(&[(MCP_TOKEN, COM)]).expect("GITHUB_PERSONAL_ACCESS_TOKEN=github.com", "");
    for host in [GHE, SERVER] {
        mcp(&[(MCP_TOKEN, host)]).expect(
            &format!("GITHUB_HOST=https://{host} GITHUB_PERSONAL_ACCESS_TOKEN={host}"),
            "",
        );
    }
    mcp(&[("GH_ENTERPRISE_TOKEN", SERVER)]).expect(
        "GH_HOST=ghes.example GITHUB_HOST=https://ghes.example GH_ENTERPRISE_TOKEN=ghes.example",
        "",
    );
    mcp(&[("GH_TOKEN", GHE)]).expect(
        "GH_HOST=octo.ghe.com GITHUB_HOST=https://octo.ghe.com GH_TOKEN=octo.ghe.com",
        "",
    );
    mcp(&[("MINE", SERVER)]).expect("GITHUB_HOST=https://ghes.example MINE=ghes.example", "");
}

#[test]
fn p6_a_token_is_never_in_a_variable_that_tools_of_other_hosts_read() {
    let crossed: [&[(&str, &str)]; 5] = [
        &[("GH_TOKEN", SERVER)],
        &[("GITHUB_TOKEN", SERVER)],
        &[("GH_ENTERPRISE_TOKEN", COM)],
        &[("GITHUB_ENTERPRISE_TOKEN", GHE)],
        &[("GH_TOKEN", GHE), ("GITHUB_TOKEN", COM)],
    ];
    for wanted in crossed {
        for asked in [exec(wanted), mcp(wanted)] {
            let refused = asked.planned();
            assert!(
                refused.is_err_and(|error| error.exit_code() == 2),
                "{wanted:?}"
            );
        }
    }
    let servers = [
        ("GH_ENTERPRISE_TOKEN", SERVER),
        ("GITHUB_ENTERPRISE_TOKEN", "ghes.example:8443"),
    ];
    assert!(exec(&servers).planned().is_err());
    assert!(exec(&[(MCP_TOKEN, SERVER)]).planned().is_err());
}

#[test]
fn p6_a_variable_that_holds_no_token_is_refused_for_what_it_holds() {
    for (name, what) in [
        ("GH_HOST", "a host name"),
        ("GITHUB_HOST", "a host name"),
        ("GH_REPO", "a repository"),
        ("GITHUB_API_URL", "an address"),
        ("GITHUB_SERVER_URL", "an address"),
        ("GITHUB_GRAPHQL_URL", "an address"),
    ] {
        for host in [COM, GHE, SERVER] {
            for (command, asked) in [
                ("exec", exec(&[(name, host)])),
                ("mcp", mcp(&[(name, host)])),
            ] {
                let error = asked.planned().expect_err(name);
                let says = format!("{command}: {name} holds {what}, not a token");
                assert_eq!(error.to_string(), says);
            }
        }
    }
}

#[test]
fn inherited_tokens_of_the_same_class_go_and_are_named() {
    let with_all = |asked| Asked {
        tokens: &TOKEN_VARIABLES,
        ..asked
    };
    with_all(exec(&[("X", COM)])).expect(
        "-GH_TOKEN -GITHUB_TOKEN -GITHUB_PERSONAL_ACCESS_TOKEN X=github.com",
        "GH_TOKEN GITHUB_TOKEN GITHUB_PERSONAL_ACCESS_TOKEN",
    );
    with_all(exec(&[("X", SERVER)])).expect(
        "-GH_ENTERPRISE_TOKEN -GITHUB_ENTERPRISE_TOKEN X=ghes.example",
        "GH_ENTERPRISE_TOKEN GITHUB_ENTERPRISE_TOKEN",
    );
    with_all(exec(&[("GITHUB_TOKEN", GHE)])).expect(
        "-GH_TOKEN -GITHUB_PERSONAL_ACCESS_TOKEN GH_HOST=octo.ghe.com GITHUB_TOKEN=octo.ghe.com",
        "GH_TOKEN GITHUB_TOKEN GITHUB_PERSONAL_ACCESS_TOKEN",
    );
    let kept = Asked {
        others: OtherTokens::Keep,
        ..with_all(exec(&[("X", COM)]))
    };
    kept.expect("X=github.com", "");
    // An MCP server of a GHES finds ours there, never the one for github.com.
    with_all(mcp(&[("X", SERVER)])).expect(
        "-GITHUB_PERSONAL_ACCESS_TOKEN -GH_ENTERPRISE_TOKEN -GITHUB_ENTERPRISE_TOKEN \
         GITHUB_HOST=https://ghes.example X=ghes.example",
        "GITHUB_PERSONAL_ACCESS_TOKEN GH_ENTERPRISE_TOKEN GITHUB_ENTERPRISE_TOKEN",
    );
}

#[test]
fn p6_every_inherited_variable_of_another_host_goes_and_is_named() {
    let foreign = [
        ("GH_HOST", SERVER),
        ("GITHUB_HOST", "https://evil.tld"),
        ("GH_REPO", "ghes.example/octo/cat"),
        ("GITHUB_API_URL", "https://ghes.example/api/v3"),
        ("GITHUB_SERVER_URL", "https://ghes.example"),
        ("GITHUB_GRAPHQL_URL", "https://ghes.example/api/graphql"),
    ];
    let all = "GH_HOST GITHUB_HOST GH_REPO GITHUB_API_URL GITHUB_SERVER_URL GITHUB_GRAPHQL_URL";
    let gone = format!("-{}", all.replace(' ', " -"));
    for recipient in [Recipient::Shell, Recipient::Command, Recipient::McpServer] {
        for others in [OtherTokens::Remove, OtherTokens::Keep] {
            let to = |wanted, hosts| Asked {
                recipient,
                wanted,
                others,
                hosts,
                ..EXEC
            };
            to(&[("GH_TOKEN", COM)], &foreign).expect(&format!("{gone} GH_TOKEN=github.com"), all);
            let own = [
                ("GH_HOST", "GitHub.com"),
                ("GITHUB_HOST", "https://github.com/"),
                ("GH_REPO", "octo/cat"),
                ("GITHUB_API_URL", "https://api.github.com"),
                ("GITHUB_SERVER_URL", "https://github.com"),
                ("GITHUB_GRAPHQL_URL", "https://api.github.com/graphql"),
            ];
            to(&[("GH_TOKEN", COM)], &own).expect("GH_TOKEN=github.com", "");
        }
    }
    // What is set anyway is replaced, and named where it was another.
    Asked {
        hosts: &[("GH_HOST", "else.ghe.com")],
        ..exec(&[("GH_TOKEN", GHE)])
    }
    .expect("GH_HOST=octo.ghe.com GH_TOKEN=octo.ghe.com", "GH_HOST");
    Asked {
        hosts: &[("GH_HOST", GHE)],
        ..exec(&[("GH_TOKEN", GHE)])
    }
    .expect("GH_HOST=octo.ghe.com GH_TOKEN=octo.ghe.com", "");
}

#[test]
fn p6_a_host_at_another_port_is_another_host() {
    for (own, inherited) in [
        ("ghes.example", "ghes.example:8443"),
        ("ghes.example:8443", "ghes.example"),
        ("ghes.example:8443", "ghes.example:8444"),
    ] {
        Asked {
            hosts: &[("GH_HOST", inherited)],
            ..exec(&[("MY_TOKEN", own)])
        }
        .expect(&format!("-GH_HOST MY_TOKEN={own}"), "GH_HOST");
    }
}

#[test]
fn the_note_names_what_is_asked_for() {
    let plan = EnvPlan {
        changes: vec![],
        displaced: vec![("GH_TOKEN", Reason::Token), ("GH_REPO", Reason::OtherHost)],
    };
    let note = |recipient, reasons: &[_]| plan.note(recipient, reasons);
    assert_eq!(
        note(Recipient::Command, &[Reason::Token, Reason::OtherHost]).as_deref(),
        Some("exec: replaced or removed for this command: GH_TOKEN, GH_REPO")
    );
    assert_eq!(
        note(Recipient::McpServer, &[Reason::OtherHost]).as_deref(),
        Some("mcp: replaced or removed for this server: GH_REPO")
    );
    assert_eq!(note(Recipient::Shell, &[]), None);
}
