//! The variables in which tools look for tokens, and the class of hosts that each is for: GitHub's own
//! CLI sends a token to whatever host of its class it is asked about.

use super::token_env::same_name;
use super::{Host, HostKind};

/// Hosts whose tokens share variables (gh help environment).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostClass {
    /// github.com and `*.ghe.com`.
    Cloud,
    /// GitHub Enterprise Server.
    Server,
}

/// Every variable that tools look in for a token.
pub(crate) const TOKEN_VARIABLES: [&str; 5] = [
    "GH_TOKEN",
    "GITHUB_TOKEN",
    "GITHUB_PERSONAL_ACCESS_TOKEN",
    "GH_ENTERPRISE_TOKEN",
    "GITHUB_ENTERPRISE_TOKEN",
];

impl HostClass {
    /// Whose tokens tools look for in a variable; `None` for one that no tool is known to read.
    pub fn of_variable(name: &str) -> Option<Self> {
        let place = TOKEN_VARIABLES
            .iter()
            .position(|known| same_name(known, name))?;
        Some(if place < 3 { Self::Cloud } else { Self::Server })
    }
}

impl HostClass {
    /// Its hosts, in words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Cloud => "github.com and ghe.com",
            Self::Server => "GitHub Enterprise Server",
        }
    }
}

impl Host {
    /// Whose variables its tokens may be in.
    pub fn class(&self) -> HostClass {
        match self.kind() {
            HostKind::GitHubCom | HostKind::GheCom => HostClass::Cloud,
            HostKind::Server => HostClass::Server,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p6_a_hosts_own_variables_are_of_its_class() {
        for host in ["github.com", "octo.ghe.com", "ghes.example"] {
            let host = Host::parse(host).expect(host);
            for name in host.variables().token_names {
                assert_eq!(HostClass::of_variable(name), Some(host.class()), "{name}");
            }
        }
        assert_eq!(HostClass::of_variable("NPM_TOKEN"), None);
    }
}
