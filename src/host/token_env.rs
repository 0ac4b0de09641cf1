//! Which environment variables a token goes into, and which are removed, so that tools send it to its
//! own host only (P6): one rule for `get --format env`, `exec` and `mcp`. Pure.

use super::inherited::{Inherited, leads_to};
use super::{Host, HostClass, HostKind};
use crate::error::{Error, Result};

/// What GitHub's MCP server reads the token from; beside it, it reads `GITHUB_HOST`.
pub(crate) const MCP_TOKEN: &str = "GITHUB_PERSONAL_ACCESS_TOKEN";

/// Who gets the variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// A shell that evaluates what `get` prints.
    Shell,
    /// A command run by `exec`.
    Command,
    /// A server run by `mcp`.
    McpServer,
    /// A command run by `sandbox run`.
    Sandbox,
}

/// A variable that is to hold a token of this host.
#[derive(Clone, Copy, Debug)]
pub struct TokenVariable<'a> {
    /// The variable.
    pub variable: &'a str,
    /// The token's host.
    pub host: &'a Host,
}

/// What becomes of token variables that are there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtherTokens {
    /// Those of the same class of hosts are removed, so that no tool prefers them; for a sandbox, all.
    Remove,
    /// They stay (`exec --keep-env`).
    Keep,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnvChange {
    /// The variable gets the token of this grant.
    Token {
        variable: String,
        /// Its place among the grants.
        grant: usize,
    },
    /// The variable gets this text.
    Text(&'static str, String),
    /// The variable is removed.
    Remove(&'static str),
}

/// Why the value that was there does not stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is a token that tools would find beside or instead of ours.
    Token,
    /// It names another host.
    OtherHost,
}

/// The changes to an environment.
#[derive(Debug, PartialEq, Eq)]
pub struct EnvPlan {
    /// Removals first, then hosts, then tokens.
    pub changes: Vec<EnvChange>,
    /// The inherited variables that were replaced or removed.
    pub displaced: Vec<(&'static str, Reason)>,
}

/// Makes the plan.
///
/// # Errors
/// `Usage` if a token would be where tools of other hosts look for theirs.
pub fn plan(
    recipient: Recipient,
    grants: &[TokenVariable<'_>],
    others: OtherTokens,
    inherited: &Inherited,
) -> Result<EnvPlan> {
    for grant in grants {
        check(recipient, grant)?;
    }
    let hosts = hosts_to_name(recipient, grants)?;
    let mut displaced = Vec::new();
    let mut changes = Vec::new();
    for name in &inherited.tokens {
        if grants.iter().any(|grant| same_name(grant.variable, name)) {
            displaced.push((*name, Reason::Token));
        } else if others == OtherTokens::Remove && is_rival(recipient, name, grants) {
            displaced.push((*name, Reason::Token));
            changes.push(EnvChange::Remove(name));
        }
    }
    for (name, value) in &inherited.hosts {
        let ours = hosts.iter().find(|(known, _)| known == name);
        let leads_home = match ours {
            Some((_, ours)) => Host::parse(ours).is_ok_and(|host| leads_to(&host, name, value)),
            None => grants.iter().any(|grant| leads_to(grant.host, name, value)),
        };
        if !leads_home {
            displaced.push((*name, Reason::OtherHost));
            changes.extend(ours.is_none().then_some(EnvChange::Remove(name)));
        }
    }
    changes.extend(
        hosts
            .into_iter()
            .map(|(name, host)| EnvChange::Text(name, host)),
    );
    changes.extend(
        grants
            .iter()
            .enumerate()
            .map(|(place, grant)| EnvChange::Token {
                variable: grant.variable.to_owned(),
                grant: place,
            }),
    );
    Ok(EnvPlan { changes, displaced })
}

impl EnvPlan {
    /// Names the inherited variables that do not stay, for these reasons; `None` if there are none.
    pub fn note(&self, recipient: Recipient, reasons: &[Reason]) -> Option<String> {
        let wanted = self
            .displaced
            .iter()
            .filter(|(_, reason)| reasons.contains(reason));
        let names: Vec<&str> = wanted.map(|(name, _)| *name).collect();
        let whose = match recipient {
            Recipient::Shell => "get: replaced or removed in this shell",
            Recipient::Command => "exec: replaced or removed for this command",
            Recipient::McpServer => "mcp: replaced or removed for this server",
            Recipient::Sandbox => "sandbox: replaced or removed for this command",
        };
        (!names.is_empty()).then(|| format!("{whose}: {}", names.join(", ")))
    }
}

fn check(recipient: Recipient, grant: &TokenVariable<'_>) -> Result<()> {
    let TokenVariable { variable, host } = *grant;
    let command = recipient.command();
    let message = match (what_it_holds(variable), HostClass::of_variable(variable)) {
        (Some(what), _) => format!("{command}: {variable} holds {what}, not a token"),
        (None, _) if recipient == Recipient::McpServer && same_name(variable, MCP_TOKEN) => {
            return Ok(());
        }
        (None, Some(class)) if class != host.class() => format!(
            "{command}: {variable} is used for {}; a {host} token must not go there",
            class.words()
        ),
        (None, Some(_) | None) => return Ok(()),
    };
    let own = host.variables().token_names[0];
    let hint = match recipient {
        Recipient::Shell | Recipient::Command | Recipient::Sandbox => {
            format!("use a variable for {host} tokens, for example: -e {own}")
        }
        Recipient::McpServer => format!(
            "use a variable for {host} tokens, for example: --env {own}, or omit --env: the server finds the token in {MCP_TOKEN}"
        ),
    };
    Err(Error::Usage { message, hint })
}

/// A token that was there already, of which a tool could take more notice than of ours.
fn is_rival(recipient: Recipient, name: &str, grants: &[TokenVariable<'_>]) -> bool {
    let class = HostClass::of_variable(name);
    recipient == Recipient::Sandbox
        || (recipient == Recipient::McpServer && name == MCP_TOKEN)
        || grants.iter().any(|grant| class == Some(grant.host.class()))
}

/// The variables that name a host, where it is not github.com.
fn hosts_to_name(
    recipient: Recipient,
    grants: &[TokenVariable<'_>],
) -> Result<Vec<(&'static str, String)>> {
    let cloud = one_host(recipient, grants, HostClass::Cloud)?;
    let server = one_host(recipient, grants, HostClass::Server)?;
    let host = match (cloud, server) {
        (Some(host), _) => host.variables().host,
        (None, server) => server.and_then(|host| host.variables().host),
    };
    let mut names: Vec<_> = host.into_iter().map(|host| ("GH_HOST", host)).collect();
    let of_mcp = grants.iter().find(|grant| {
        grant.host.kind() != HostKind::GitHubCom
            && (recipient == Recipient::McpServer || same_name(grant.variable, MCP_TOKEN))
    });
    names.extend(of_mcp.map(|grant| ("GITHUB_HOST", grant.host.web_url())));
    Ok(names)
}

/// The one host of a class whose token is in a variable that tools of that class read.
fn one_host<'a>(
    recipient: Recipient,
    grants: &[TokenVariable<'a>],
    class: HostClass,
) -> Result<Option<&'a Host>> {
    // Under `mcp` it is GITHUB_HOST that goes with this one.
    let reads_gh_host = |grant: &&TokenVariable<'_>| {
        HostClass::of_variable(grant.variable) == Some(class)
            && !(recipient == Recipient::McpServer && same_name(grant.variable, MCP_TOKEN))
    };
    let mut hosts = grants.iter().filter(reads_gh_host).map(|grant| grant.host);
    let Some(first) = hosts.next() else {
        return Ok(None);
    };
    match hosts.find(|host| *host != first) {
        None => Ok(Some(first)),
        Some(other) => Err(Error::Usage {
            message: format!(
                "{}: tools read the same variables for {first} and {other}, and could send a token to the wrong host",
                recipient.command()
            ),
            hint: "run the command once for each host".into(),
        }),
    }
}

impl Recipient {
    fn command(self) -> &'static str {
        match self {
            Self::Shell => "get",
            Self::Command => "exec",
            Self::McpServer => "mcp",
            Self::Sandbox => "sandbox",
        }
    }
}

fn what_it_holds(variable: &str) -> Option<&'static str> {
    let holds = [
        ("GH_HOST", "a host name"),
        ("GITHUB_HOST", "a host name"),
        ("GH_REPO", "a repository"),
        ("GITHUB_API_URL", "an address"),
        ("GITHUB_SERVER_URL", "an address"),
        ("GITHUB_GRAPHQL_URL", "an address"),
    ];
    let mut known = holds.into_iter();
    known
        .find(|(name, _)| same_name(name, variable))
        .map(|(_, what)| what)
}

/// Windows does not tell `gh_token` from `GH_TOKEN`.
pub(super) fn same_name(one: &str, other: &str) -> bool {
    one == other || (cfg!(windows) && one.eq_ignore_ascii_case(other))
}

#[cfg(test)]
mod tests;
