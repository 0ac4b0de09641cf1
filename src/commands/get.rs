//! `ghtok get`: prints a valid token. Never prompts.

use std::time::Duration;

use serde::Serialize;

use crate::app::App;
use crate::auth::broker::Served;
use crate::commands::Call;
use crate::error::Result;
use crate::formats::shell::Shell;
use crate::formats::timestamps::rfc3339;
use crate::host::token_env::{self, Change, Grant, Others, Plan, Reason, Recipient};
use crate::host::{Host, Inherited, TOKEN_VARIABLES};
use crate::system::terminal::Terminal;
use crate::token::{MinTtl, SecretBuffer};

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
pub fn run(
    input: Input,
    usual: MinTtl,
    inherited: fn() -> Inherited,
    call: &Call<'_>,
) -> Result<()> {
    let min_ttl = input.min_ttl.map_or(usual, MinTtl::Explicit);
    let served = call.broker.access_token(min_ttl)?;
    let text = match input.format {
        Format::Variables(shell) => {
            let plan = plan(&call.app.host, &inherited())?;
            if let Some(note) = plan.note(Recipient::Shell, &[Reason::OtherHost]) {
                call.terminal.note(&note);
            }
            variables(shell, &plan, served.token.expose())
        }
        Format::Token => line("", served.token.expose()),
        Format::Json => json(call.app, &served),
        Format::Header => line("Authorization: Bearer ", served.token.expose()),
        Format::Netrc => netrc(call.app, served.token.expose()),
    };
    call.terminal.data(text.as_bytes())
}

/// What a shell is told that evaluates the output of a `get` that failed: an old token must not stay
/// in force, and the status must tell.
///
/// # Errors
/// If it cannot be written.
pub fn tell_shell_of_failure(shell: Shell, exit_code: u8, terminal: Terminal) -> Result<()> {
    let mut text: String = TOKEN_VARIABLES
        .iter()
        .map(|name| shell.unset(name))
        .collect();
    text.push_str(&shell.fail("ghtok: there is no token", exit_code));
    terminal.data(text.as_bytes())
}

fn line(before: &str, token: &str) -> SecretBuffer {
    let mut text = SecretBuffer::with_capacity(before.len() + token.len() + 1);
    text.push_str(before);
    text.push_str(token);
    text.push(b"\n");
    text
}

fn json(app: &App, served: &Served) -> SecretBuffer {
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
    let mut text = SecretBuffer::with_capacity(512);
    serde_json::to_writer(&mut text, &document).expect("a plain struct becomes JSON");
    text.push(b"\n");
    text
}

fn plan(host: &Host, inherited: &Inherited) -> Result<Plan> {
    let names = host.variables().token_names;
    let grants: Vec<Grant<'_>> = names
        .iter()
        .map(|variable| Grant { variable, host })
        .collect();
    token_env::plan(Recipient::Shell, &grants, Others::Remove, inherited)
}

/// The tokens, the host, and then what goes.
fn variables(shell: Shell, plan: &Plan, token: &str) -> SecretBuffer {
    let mut text = SecretBuffer::with_capacity(512);
    let mut hosts = SecretBuffer::default();
    let mut removals = String::new();
    for change in &plan.changes {
        match change {
            Change::Token { variable, .. } => shell.set(variable, token, &mut text),
            Change::Text(name, value) => shell.set(name, value, &mut hosts),
            Change::Remove(name) => removals.push_str(&shell.unset(name)),
        }
    }
    text.push(hosts.as_bytes());
    text.push_str(&removals);
    text
}

/// GitHub takes any user name beside a token; its documentation uses `x-access-token`.
fn netrc(app: &App, token: &str) -> SecretBuffer {
    let mut machines = vec![app.host.name().to_owned()];
    if app.host.api_name() != app.host.name() {
        machines.push(app.host.api_name());
    }
    let mut text = SecretBuffer::with_capacity(512);
    for machine in machines {
        for part in [
            "machine ",
            &machine,
            " login x-access-token password ",
            token,
            "\n",
        ] {
            text.push_str(part);
        }
    }
    text
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

    fn served() -> Served {
        Served {
            token: AccessToken::new("ghu_x"),
            due_at: None,
            expires_at: Some(Timestamp(1_795_381_200)),
            account: Some(Account {
                login: "octocat".into(),
                id: 583_231,
            }),
            generation: 1,
            sign_in_before: None,
        }
    }

    fn in_shell(shell: Shell, host: &str, inherited: &Inherited) -> String {
        let plan = plan(&app(host).host, inherited).expect("a plan");
        text(&variables(shell, &plan, "ghu_x"))
    }

    fn text(buffer: &SecretBuffer) -> String {
        String::from_utf8(buffer.as_bytes().to_vec()).expect("text")
    }

    #[test]
    fn each_format_on_github_com() {
        let com = "github.com";
        assert_eq!(
            text(&json(&app(com), &served())),
            "{\"schema_version\":1,\"app\":\"work\",\"host\":\"github.com\",\"login\":\"octocat\",\"token\":\"ghu_x\",\"token_type\":\"bearer\",\"expires_at\":\"2026-11-22T21:00:00Z\",\"expires_at_unix\":1795381200}\n"
        );
        assert_eq!(
            in_shell(Shell::Posix, com, &Inherited::default()),
            "export GH_TOKEN='ghu_x'\nexport GITHUB_TOKEN='ghu_x'\nexport GITHUB_PERSONAL_ACCESS_TOKEN='ghu_x'\n"
        );
        assert_eq!(
            text(&netrc(&app(com), "ghu_x")),
            "machine github.com login x-access-token password ghu_x\nmachine api.github.com login x-access-token password ghu_x\n"
        );
    }

    #[test]
    fn p6_a_servers_token_goes_into_its_own_variables_only() {
        assert_eq!(
            in_shell(Shell::Fish, "ghes.example", &Inherited::default()),
            "set -gx GH_ENTERPRISE_TOKEN 'ghu_x'\nset -gx GITHUB_ENTERPRISE_TOKEN 'ghu_x'\nset -gx GH_HOST 'ghes.example'\n"
        );
        assert_eq!(
            text(&netrc(&app("ghes.example"), "ghu_x")),
            "machine ghes.example login x-access-token password ghu_x\n"
        );
    }

    #[test]
    fn p6_an_inherited_variable_of_another_host_is_taken_away() {
        let inherited = Inherited {
            tokens: vec!["GH_TOKEN", "GH_ENTERPRISE_TOKEN"],
            hosts: vec![
                ("GH_HOST", "ghes.example".into()),
                ("GITHUB_HOST", "https://github.com".into()),
                ("GH_REPO", "ghes.example/octo/cat".into()),
                ("GITHUB_API_URL", "https://api.github.com".into()),
            ],
        };
        let text = in_shell(Shell::Posix, "github.com", &inherited);
        assert!(
            text.ends_with("'\nunset GH_HOST\nunset GH_REPO\n"),
            "{text}"
        );
        assert!(!text.contains("GITHUB_API_URL"), "{text}");
        let own = in_shell(Shell::Posix, "ghes.example", &inherited);
        assert!(
            own.ends_with("GH_HOST='ghes.example'\nunset GITHUB_HOST\nunset GITHUB_API_URL\n"),
            "{own}"
        );
        // Another host's token is nothing to us.
        assert!(!own.contains(" GH_TOKEN"), "{own}");
    }
}
