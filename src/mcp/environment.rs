//! What a server gets in its environment, and what it loses: a token goes to its own host only (P6). Pure.

use crate::config::InheritedHosts;
use crate::error::{Error, Result};
use crate::host::{Host, HostClass, HostKind};

/// What GitHub's MCP server reads the token from, and the host.
pub const TOKEN: &str = "GITHUB_PERSONAL_ACCESS_TOKEN";
const HOST: &str = "GITHUB_HOST";

/// A change to a server's environment; the token is filled in when it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Variable {
    /// The token.
    Token(String),
    /// A text.
    Text(&'static str, String),
    /// It goes.
    Gone(&'static str),
}

/// Makes the list.
///
/// # Errors
/// `Usage` if the token would be where tools of other hosts look for theirs.
pub fn variables(
    host: &Host,
    asked: &[String],
    hosts: &InheritedHosts,
    tokens: &[&'static str],
) -> Result<Vec<Variable>> {
    let names = if asked.is_empty() {
        vec![TOKEN.to_owned()]
    } else {
        asked.to_vec()
    };
    for name in &names {
        check(host, name)?;
    }
    let mut list: Vec<Variable> = Vec::new();
    for name in tokens {
        let same = *name == TOKEN || HostClass::of_variable(name) == Some(host.class());
        if same && !names.iter().any(|own| own == name) {
            list.push(Variable::Gone(name));
        }
    }
    let foreign = |value: &Option<String>| value.as_ref().is_some_and(|value| !host.is_meant_by(value));
    if foreign(&hosts.gh_host) {
        list.push(Variable::Gone("GH_HOST"));
    }
    if host.kind() != HostKind::GitHubCom {
        list.push(Variable::Text(HOST, host.web_url()));
    } else if foreign(&hosts.github_host) {
        list.push(Variable::Gone(HOST));
    }
    list.extend(names.into_iter().map(Variable::Token));
    Ok(list)
}

fn check(host: &Host, name: &str) -> Result<()> {
    let meant_for_a_host = matches!(name, "GH_HOST" | HOST);
    let of_others = name != TOKEN
        && HostClass::of_variable(name).is_some_and(|class| class != host.class());
    if meant_for_a_host || of_others {
        return Err(Error::Usage {
            message: format!("mcp: {name} is read by tools of other hosts, to which they would send the token of {host}"),
            hint: format!("leave --env out: the server finds the token in {TOKEN}"),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(host: &str, named: &[&str], gh_host: Option<&str>) -> Result<Vec<Variable>> {
        let named: Vec<String> = named.iter().map(|name| (*name).to_owned()).collect();
        let hosts = InheritedHosts {
            gh_host: gh_host.map(str::to_owned),
            github_host: gh_host.map(str::to_owned),
        };
        let host = Host::parse(host).expect("a host");
        variables(&host, &named, &hosts, &["GITHUB_TOKEN", "GH_ENTERPRISE_TOKEN"])
    }

    #[test]
    fn p6_the_server_is_told_its_host_and_no_other() {
        let token = Variable::Token(TOKEN.into());
        assert_eq!(
            at("github.com", &[], Some("evil.tld")).expect("it"),
            [
                Variable::Gone("GITHUB_TOKEN"),
                Variable::Gone("GH_HOST"),
                Variable::Gone(HOST),
                token.clone()
            ]
        );
        assert_eq!(
            at("ghes.example", &[], None).expect("it"),
            [
                Variable::Gone("GH_ENTERPRISE_TOKEN"),
                Variable::Text(HOST, "https://ghes.example".into()),
                token
            ]
        );
    }

    #[test]
    fn p6_a_variable_of_other_hosts_is_refused() {
        assert!(at("ghes.example", &["GH_TOKEN"], None).is_err());
        assert!(at("github.com", &["GH_ENTERPRISE_TOKEN"], None).is_err());
        assert!(at("github.com", &["GITHUB_HOST"], None).is_err());
        assert!(at("ghes.example", &["GH_ENTERPRISE_TOKEN", "MINE"], None).is_ok());
    }
}
