//! `ghtok get`: prints a valid token. Never prompts.

use std::time::Duration;

use serde::Serialize;

use crate::app::App;
use crate::auth::broker::Served;
use crate::commands::Call;
use crate::config::InheritedHosts;
use crate::error::Result;
use crate::formats::moments::rfc3339;
use crate::formats::shell::Shell;
use crate::token::MinTtl;

/// What `get` is asked.
#[derive(Clone, Copy, Debug)]
pub struct Input {
    /// How much life the token must have left, where the caller says it.
    pub min_ttl: Option<Duration>,
    /// How to print it.
    pub format: Format,
}

/// How a token is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The token and a newline.
    Token,
    /// An object with the token, its expiry and whose it is.
    Json,
    /// An HTTP header line (RFC 6750 section 2.1).
    Header,
    /// Assignments for a shell.
    Variables(Shell),
    /// Lines for a netrc file.
    Netrc,
}

/// The JSON form; docs/exit-codes.md and the tests hold its shape.
#[derive(Serialize)]
struct Document<'a> {
    schema_version: u32,
    app: &'a str,
    host: String,
    login: Option<&'a str>,
    token: &'a str,
    token_type: &'static str,
    expires_at: Option<String>,
    expires_at_unix: Option<i64>,
}

/// Prints the token.
///
/// # Errors
/// Whatever keeps a token from being had.
pub fn run(input: Input, usual: MinTtl, inherited: &InheritedHosts, call: &Call<'_>) -> Result<()> {
    let min_ttl = input.min_ttl.map_or(usual, MinTtl::Explicit);
    let served = call.broker.access_token(min_ttl)?;
    let text = render(input.format, call.app, &served, inherited);
    call.terminal.data(text.as_bytes())
}

fn render(format: Format, app: &App, served: &Served, inherited: &InheritedHosts) -> String {
    let token = served.token.expose();
    match format {
        Format::Token => format!("{token}\n"),
        Format::Json => json(app, served),
        Format::Header => format!("Authorization: Bearer {token}\n"),
        Format::Variables(shell) => variables(shell, app, token, inherited),
        Format::Netrc => netrc(app, token),
    }
}

fn json(app: &App, served: &Served) -> String {
    let document = Document {
        schema_version: 1,
        app: app.label(),
        host: app.host.to_string(),
        login: served
            .account
            .as_ref()
            .map(|account| account.login.as_str()),
        token: served.token.expose(),
        token_type: "bearer",
        expires_at: served.expires_at.map(rfc3339),
        expires_at_unix: served.expires_at.map(|at| at.0),
    };
    let mut text = serde_json::to_string(&document).expect("a plain struct becomes JSON");
    text.push('\n');
    text
}

/// Also takes away a host variable that would make a tool send this token to another host.
fn variables(shell: Shell, app: &App, token: &str, inherited: &InheritedHosts) -> String {
    let variables = app.host.variables();
    let mut text = String::new();
    for name in variables.token_names {
        text.push_str(&shell.set(name, token));
    }
    if let Some(host) = &variables.host {
        text.push_str(&shell.set("GH_HOST", host));
    }
    let InheritedHosts {
        gh_host,
        github_host,
    } = inherited;
    let gh_host = gh_host.as_ref().filter(|_| variables.host.is_none());
    for (name, value) in [("GH_HOST", gh_host), ("GITHUB_HOST", github_host.as_ref())] {
        if value.is_some_and(|value| !app.host.is_meant_by(value)) {
            text.push_str(&shell.unset(name));
        }
    }
    text
}

/// GitHub takes any user name beside a token; its documentation uses `x-access-token`.
fn netrc(app: &App, token: &str) -> String {
    let mut machines = vec![app.host.name().to_owned()];
    if app.host.api_name() != app.host.name() {
        machines.push(app.host.api_name());
    }
    machines
        .iter()
        .map(|machine| format!("machine {machine} login x-access-token password {token}\n"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::ClientId;
    use crate::auth::record::Account;
    use crate::host::Host;
    use crate::token::{AccessToken, Timestamp};

    fn app(host: &str) -> App {
        App {
            name: Some("work".into()),
            client_id: ClientId::parse("Iv23liTEST").expect("an ID"),
            host: Host::parse(host).expect("a host"),
            account: None,
            owners: vec![],
        }
    }

    fn rendered(format: Format, host: &str, inherited: &InheritedHosts) -> String {
        let served = Served {
            token: AccessToken::new("ghu_x"),
            due_at: None,
            expires_at: Some(Timestamp(1_795_381_200)),
            account: Some(Account {
                login: "octocat".into(),
                id: 583_231,
            }),
            generation: 1,
            sign_in_before: None,
        };
        render(format, &app(host), &served, inherited)
    }

    fn plain(format: Format, host: &str) -> String {
        rendered(format, host, &InheritedHosts::default())
    }

    #[test]
    fn each_format_on_github_com() {
        let com = "github.com";
        assert_eq!(plain(Format::Token, com), "ghu_x\n");
        assert_eq!(plain(Format::Header, com), "Authorization: Bearer ghu_x\n");
        assert_eq!(
            plain(Format::Json, com),
            "{\"schema_version\":1,\"app\":\"work\",\"host\":\"github.com\",\"login\":\"octocat\",\"token\":\"ghu_x\",\"token_type\":\"bearer\",\"expires_at\":\"2026-11-22T21:00:00Z\",\"expires_at_unix\":1795381200}\n"
        );
        assert_eq!(
            plain(Format::Variables(Shell::Posix), com),
            "export GH_TOKEN='ghu_x'\nexport GITHUB_TOKEN='ghu_x'\nexport GITHUB_PERSONAL_ACCESS_TOKEN='ghu_x'\n"
        );
        assert_eq!(
            plain(Format::Netrc, com),
            "machine github.com login x-access-token password ghu_x\nmachine api.github.com login x-access-token password ghu_x\n"
        );
    }

    #[test]
    fn p6_a_servers_token_goes_into_its_own_variables_only() {
        assert_eq!(
            plain(Format::Variables(Shell::Fish), "ghes.example"),
            "set -gx GH_ENTERPRISE_TOKEN 'ghu_x'\nset -gx GITHUB_ENTERPRISE_TOKEN 'ghu_x'\nset -gx GH_HOST 'ghes.example'\n"
        );
        assert_eq!(
            plain(Format::Netrc, "ghes.example"),
            "machine ghes.example login x-access-token password ghu_x\n"
        );
    }

    #[test]
    fn p6_an_inherited_host_variable_of_another_host_is_taken_away() {
        let inherited = InheritedHosts {
            gh_host: Some("ghes.example".into()),
            github_host: Some("https://github.com".into()),
        };
        let text = rendered(Format::Variables(Shell::Posix), "github.com", &inherited);
        assert!(text.ends_with("'\nunset GH_HOST\n"), "{text}");
        let own = rendered(Format::Variables(Shell::Posix), "ghes.example", &inherited);
        assert!(
            own.contains("GH_HOST='ghes.example'") && own.contains("unset GITHUB_HOST"),
            "{own}"
        );
    }
}
