//! Where a remote server is, and whether the App's token may go there (P6). Pure.

use crate::host::{Host, HostKind};

/// GitHub's own server for github.com (docs.github.com, "Setting up the GitHub MCP Server").
const GITHUB_COM: &str = "api.githubcopilot.com";

/// The address of a remote server, to which the token may be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RemoteAddress {
    url: String,
    host: Host,
}

impl RemoteAddress {
    /// Checks a URL: https, or http on loopback; and a host that belongs to the App's, or is allowed by
    /// name.
    ///
    /// # Errors
    /// What is wrong with it, for a person.
    pub(crate) fn parse(url: &str, app: &Host, allowed: Option<&Host>) -> Result<Self, String> {
        let is_plain = url.bytes().all(|byte| byte.is_ascii_graphic());
        let (scheme, rest) = url
            .split_once("://")
            .filter(|_| is_plain && !url.contains('#'))
            .ok_or("is not a URL (expected https://HOST/PATH)")?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let host = Host::parse(&format!("{scheme}://{authority}"))
            .map_err(|problem| format!("the host {problem}"))?;
        if !belongs_to(&host, app) && !allowed.is_some_and(|allowed| is_same(&host, allowed)) {
            return Err(format!(
                "the token of {app} is sent only to {}; to let the server at {host} have it, add --allow-host {host}",
                server_of(app)
            ));
        }
        let slash = if path.starts_with('/') { "" } else { "/" };
        let url = format!("{}{slash}{path}", host.web_url());
        Ok(Self { url, host })
    }

    /// Where requests are sent.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// What people call the server.
    pub(crate) fn host(&self) -> &Host {
        &self.host
    }
}

/// The host of the MCP server that GitHub runs for the App's host; of an Enterprise Server itself.
pub(crate) fn server_of(app: &Host) -> String {
    match app.kind() {
        HostKind::GitHubCom => GITHUB_COM.into(),
        HostKind::GheCom => format!("copilot-api.{app}"),
        HostKind::Server => app.to_string(),
    }
}

/// Any user of this machine may listen on loopback: nothing there belongs to an App.
fn belongs_to(host: &Host, app: &Host) -> bool {
    !host.is_loopback() && host.is_https() && host.to_string() == server_of(app)
}

fn is_same(host: &Host, allowed: &Host) -> bool {
    host.name() == allowed.name() && allowed.port().is_none_or(|port| host.port() == Some(port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> Host {
        Host::parse(text).expect(text)
    }

    fn parsed(url: &str, app: &str, allowed: &str) -> Result<RemoteAddress, String> {
        let allowed = (!allowed.is_empty()).then(|| host(allowed));
        RemoteAddress::parse(url, &host(app), allowed.as_ref())
    }

    #[test]
    fn p6_the_token_goes_to_the_apps_own_server_or_where_it_is_allowed() {
        for (url, app, allowed) in [
            ("https://api.githubcopilot.com/mcp/", "github.com", ""),
            (
                "https://API.githubcopilot.com:443/mcp/x/all?a=b",
                "github.com",
                "",
            ),
            ("https://copilot-api.octo.ghe.com/mcp", "octo.ghe.com", ""),
            ("https://ghes.example/mcp", "ghes.example", ""),
            ("https://mcp.example/mcp", "ghes.example", "mcp.example"),
            (
                "https://mcp.example:8443/mcp",
                "ghes.example",
                "mcp.example",
            ),
            (
                "https://mcp.example:8443/mcp",
                "ghes.example",
                "mcp.example:8443",
            ),
            ("http://127.0.0.1:3000/mcp", "github.com", "127.0.0.1"),
            ("http://[::1]:3000/mcp", "github.com", "[::1]:3000"),
        ] {
            let parsed = parsed(url, app, allowed);
            assert!(parsed.is_ok(), "{url} {app}: {parsed:?}");
        }
    }

    #[test]
    fn p6_the_token_goes_nowhere_else() {
        for (url, app, allowed) in [
            ("https://api.githubcopilot.com:8443/mcp/", "github.com", ""),
            ("http://api.githubcopilot.com/mcp/", "github.com", ""),
            (
                "https://api.githubcopilot.com.evil.example/",
                "github.com",
                "",
            ),
            (
                "https://api.githubcopilot.com@evil.example/",
                "github.com",
                "",
            ),
            ("https://github.com/mcp", "github.com", ""),
            ("https://copilot-api.other.ghe.com/mcp", "octo.ghe.com", ""),
            ("https://api.githubcopilot.com/mcp/", "octo.ghe.com", ""),
            ("https://ghes.example:8443/mcp", "ghes.example", ""),
            (
                "https://mcp.example/mcp",
                "ghes.example",
                "mcp.example:8443",
            ),
            ("http://mcp.example/mcp", "ghes.example", "mcp.example"),
            ("https://a.mcp.example/mcp", "ghes.example", "mcp.example"),
            ("http://127.0.0.1:3000/mcp", "127.0.0.1:3000", ""),
        ] {
            let parsed = parsed(url, app, allowed);
            assert!(parsed.is_err(), "{url} {app}: {parsed:?}");
        }
    }

    #[test]
    fn an_address_is_written_as_it_is_used() {
        let ours = host("127.0.0.1");
        for (url, written) in [
            ("http://127.0.0.1:3000", Some("http://127.0.0.1:3000/")),
            ("http://127.0.0.1:80?x=1", Some("http://127.0.0.1/?x=1")),
            ("HTTP://LOCALHOST/Mcp", None),
            ("http://127.0.0.1/a b", None),
            ("http://127.0.0.1/\r\nX: y", None),
            ("http://127.0.0.1/#part", None),
            ("127.0.0.1:3000/mcp", None),
            ("ftp://127.0.0.1/", None),
        ] {
            let parsed = RemoteAddress::parse(url, &host("github.com"), Some(&ours));
            let parsed = parsed.ok().map(|address| address.url);
            assert_eq!(parsed.as_deref(), written, "{url}");
        }
    }
}
