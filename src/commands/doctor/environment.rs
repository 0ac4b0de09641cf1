//! Variables that decide which token a tool takes, where it sends it, and where ghtok looks.

use super::finding::{Findings, Level};
use crate::app::App;
use crate::config::Environment;

const SUBJECT: &str = "environment";

/// Looks at the variables of this process. The values of tokens are not read.
pub(super) fn check(environment: &Environment, apps: &[&App], found: &mut Findings) {
    let before = found.count();
    let inherited = Environment::inherited_by_tools();
    for name in &inherited.tokens {
        found
            .add(
                SUBJECT,
                "token_variable",
                Level::Warning,
                format!(
                    "{name} is set: {} take the token in it, which ghtok does not renew",
                    readers(name)
                ),
            )
            .run(
                "remove it here, and from the file that sets it:",
                format!("unset {name}"),
            );
    }
    for (name, value) in &inherited.hosts {
        let leads_to_app = apps.iter().any(|app| app.host.is_led_to_by(name, value));
        if !apps.is_empty() && !leads_to_app {
            found
                .add(
                    SUBJECT,
                    "host_variable",
                    Level::Warning,
                    format!("{name} leads tools to a host that has no App here"),
                )
                .run(
                    "remove it here, and from the file that sets it:",
                    format!("unset {name}"),
                );
        }
    }
    if found.count() == before {
        found.ok(
            SUBJECT,
            "environment_clean",
            "no variable holds a token or leads to another host".into(),
        );
    }
    let named = environment.own_variables();
    if !named.is_empty() {
        found.ok(
            SUBJECT,
            "own_variables",
            format!(
                "{} set here; programs that ask ghtok elsewhere (git, MCP clients, timers) need the same",
                match named.as_slice() {
                    [one] => format!("{one} is"),
                    _ => format!("{} are", named.join(", ")),
                }
            ),
        );
    }
}

/// The best-known programs that take a token from a variable (gh help environment; README of
/// github-mcp-server).
fn readers(name: &str) -> &'static str {
    match name {
        "GH_TOKEN" => "gh and its extensions",
        "GITHUB_TOKEN" => "gh and most other tools for GitHub",
        "GITHUB_PERSONAL_ACCESS_TOKEN" => "GitHub's MCP servers",
        _ => "gh and its extensions on GitHub Enterprise Server",
    }
}
