//! Which variables a command gets, which it loses, and what is said about it. Pure.

use super::Others;
use crate::app::App;
use crate::config::InheritedHosts;
use crate::error::{Error, Result};
use crate::host::{Host, HostClass, HostKind};
use crate::system::process::Change;
use crate::token::AccessToken;

/// What GitHub's MCP server reads, and beside it `GITHUB_HOST`.
const FOR_MCP: &str = "GITHUB_PERSONAL_ACCESS_TOKEN";

/// What tools read a host's name from; a token there would be looked up in the DNS.
const HOST_VARIABLES: [&str; 2] = ["GH_HOST", "GITHUB_HOST"];

/// A variable that gets an App's token.
#[derive(Clone, Debug)]
pub struct Grant<'a> {
    /// The variable.
    pub variable: String,
    /// Whose token.
    pub app: &'a App,
    /// The token.
    pub token: AccessToken,
}

/// What the environment has already.
#[derive(Clone, Copy, Debug)]
pub struct Inherited<'a> {
    /// `GH_HOST` and `GITHUB_HOST`.
    pub hosts: &'a InheritedHosts,
    /// Which token variables are set.
    pub tokens: &'a [&'static str],
}

/// The changes to an environment.
#[derive(Debug)]
pub struct Plan<'a> {
    grants: Vec<Grant<'a>>,
    set: Vec<(&'static str, String)>,
    remove: Vec<&'static str>,
    /// What was there, and the command does not see.
    hidden: Vec<&'static str>,
}

/// Makes the plan.
///
/// # Errors
/// `Usage` if a token would be where tools of other hosts look for theirs (P6).
pub fn plan<'a>(
    grants: Vec<Grant<'a>>,
    others: Others,
    inherited: Inherited<'_>,
) -> Result<Plan<'a>> {
    grants.iter().try_for_each(check_class)?;
    let set = hosts_to_name(&grants)?;
    let mut plan = Plan {
        set,
        remove: Vec::new(),
        hidden: Vec::new(),
        grants,
    };
    for name in inherited.tokens {
        plan.meet_token(name, others);
    }
    let InheritedHosts {
        gh_host,
        github_host,
    } = inherited.hosts;
    for (name, value) in [("GH_HOST", gh_host), ("GITHUB_HOST", github_host)] {
        if let Some(value) = value {
            plan.meet_host(name, value);
        }
    }
    Ok(plan)
}

impl Plan<'_> {
    /// The changes, removals first.
    pub fn changes(&self) -> impl Iterator<Item = Change<'_>> {
        let removed = self.remove.iter().map(|name| Change::Remove(name));
        let hosts = self.set.iter().map(|(name, host)| Change::Set(name, host));
        let tokens = self
            .grants
            .iter()
            .map(|grant| Change::Set(&grant.variable, grant.token.expose()));
        removed.chain(hosts).chain(tokens)
    }

    /// What a person may miss; `None` if that is nothing.
    pub fn note(&self) -> Option<String> {
        (!self.hidden.is_empty()).then(|| {
            format!(
                "exec: replaced or removed for this command: {}",
                self.hidden.join(", ")
            )
        })
    }

    /// A token that was there already, of which a tool could take more notice than of ours.
    fn meet_token(&mut self, name: &'static str, others: Others) {
        if self.grants.iter().any(|grant| grant.variable == name) {
            self.hidden.push(name);
        } else if others == Others::Remove
            && self
                .grants
                .iter()
                .any(|grant| HostClass::of_variable(name) == Some(grant.app.host.class()))
        {
            self.hidden.push(name);
            self.remove.push(name);
        }
    }

    /// A host's name that was there already, to which a tool would send the token (P6).
    fn meet_host(&mut self, name: &'static str, value: &str) {
        let meant = |grant: &Grant<'_>| grant.app.host.is_meant_by(value);
        let set = self.set.iter().find(|(known, _)| *known == name);
        match set {
            Some((_, ours)) if Host::parse(ours).is_ok_and(|host| host.is_meant_by(value)) => {}
            Some(_) => self.hidden.push(name),
            None if self.grants.iter().any(meant) => {}
            None => {
                self.hidden.push(name);
                self.remove.push(name);
            }
        }
    }
}

fn check_class(grant: &Grant<'_>) -> Result<()> {
    let host = &grant.app.host;
    if HOST_VARIABLES.contains(&grant.variable.as_str()) {
        return Err(Error::Usage {
            message: format!(
                "exec: tools read the name of a host in {}, and would take the token for one",
                grant.variable
            ),
            hint: format!(
                "use a variable for tokens of {host}, as in: -e {}",
                own_variable(host)
            ),
        });
    }
    match HostClass::of_variable(&grant.variable) {
        Some(class) if class != host.class() => Err(Error::Usage {
            message: format!(
                "exec: {} is read by tools of other hosts, to which they would send the token of {host}",
                grant.variable
            ),
            hint: format!(
                "use a variable for tokens of {host}, as in: -e {}",
                own_variable(host)
            ),
        }),
        Some(_) | None => Ok(()),
    }
}

fn own_variable(host: &Host) -> &'static str {
    host.variables()
        .token_names
        .first()
        .copied()
        .unwrap_or_default()
}

/// A tool that reads a known variable finds the host there too, where it is not github.com.
fn hosts_to_name(grants: &[Grant<'_>]) -> Result<Vec<(&'static str, String)>> {
    let cloud = one_host(grants, HostClass::Cloud)?;
    let server = one_host(grants, HostClass::Server)?;
    let host = match (cloud, server) {
        (Some(host), _) => host.variables().host,
        (None, server) => server.and_then(|host| host.variables().host),
    };
    let mut names: Vec<_> = host.into_iter().map(|host| ("GH_HOST", host)).collect();
    let for_mcp = grants
        .iter()
        .find(|grant| grant.variable == FOR_MCP && grant.app.host.kind() != HostKind::GitHubCom);
    names.extend(for_mcp.map(|grant| ("GITHUB_HOST", grant.app.host.web_url())));
    Ok(names)
}

/// The one host of a class whose token is in a variable that tools of that class read.
fn one_host<'a>(grants: &[Grant<'a>], class: HostClass) -> Result<Option<&'a Host>> {
    let mut hosts = grants
        .iter()
        .filter(|grant| HostClass::of_variable(&grant.variable) == Some(class))
        .map(|grant| &grant.app.host);
    let Some(first) = hosts.next() else {
        return Ok(None);
    };
    match hosts.find(|host| *host != first) {
        None => Ok(Some(first)),
        Some(other) => Err(Error::Usage {
            message: format!(
                "exec: tools would send the token of {first} to {other}, or the other way round: they read the same variables"
            ),
            hint: "run the command once for each host".into(),
        }),
    }
}

#[cfg(test)]
mod tests;
