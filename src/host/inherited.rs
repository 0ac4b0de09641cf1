//! Variables that a process inherits and that decide which token its tools take, or where they send it.
//! Pure.

use super::Host;

/// Every variable by which tools are told a host (gh help environment; docs.github.com, "Default
/// environment variables"; GitHub's MCP server).
pub(crate) const HOST_VARIABLES: [&str; 6] = [
    "GH_HOST",
    "GITHUB_HOST",
    "GH_REPO",
    "GITHUB_API_URL",
    "GITHUB_SERVER_URL",
    "GITHUB_GRAPHQL_URL",
];

/// What an environment has of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inherited {
    /// The variables for tokens that are set; their values are never read.
    pub tokens: Vec<&'static str>,
    /// The variables of `HOST_VARIABLES` that are set, and their values, lossily decoded.
    pub hosts: Vec<(&'static str, String)>,
}

/// True if a tool that finds this value sends its token to this very host: another port is another
/// host.
pub(super) fn leads_to(host: &Host, name: &str, value: &str) -> bool {
    match name {
        "GH_HOST" | "GITHUB_HOST" => host.is_meant_by(value),
        "GH_REPO" => repository_host(value).is_none_or(|named| host.is_meant_by(named)),
        _ => is_address_of(host, value),
    }
}

/// `https://HOST/…` or `https://api.HOST/…`.
fn is_address_of(host: &Host, url: &str) -> bool {
    let base = without_path(url);
    let api = |named: &Host| named.name() == host.api_name() && named.port() == host.port();
    host.is_meant_by(base) || Host::parse(base).is_ok_and(|named| api(&named))
}

/// The host in a repository's name as `gh` reads it; `None` for plain `OWNER/NAME`.
fn repository_host(repository: &str) -> Option<&str> {
    if let Some((scheme, rest)) = repository.split_once("://") {
        if scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http") {
            return Some(without_path(repository));
        }
        let place = rest.split('/').next().unwrap_or_default();
        let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
        return Some(place.split(':').next().unwrap_or_default());
    }
    if let Some((user_and_host, _)) = repository
        .split_once(':')
        .filter(|(user, _)| user.contains('@'))
    {
        return user_and_host.rsplit_once('@').map(|(_, host)| host);
    }
    match repository.split('/').collect::<Vec<_>>().as_slice() {
        [] | [_] | [_, _] => None,
        [host, ..] => Some(host),
    }
}

/// A URL's scheme and authority.
fn without_path(url: &str) -> &str {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url[start..].find(['/', '?', '#']);
    end.map_or(url, |end| &url[..start + end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(host: &str, name: &str, same: &[&str], others: &[&str]) {
        let host = Host::parse(host).expect(host);
        for value in same {
            assert!(leads_to(&host, name, value), "{host} {name}={value}");
        }
        for value in others {
            assert!(!leads_to(&host, name, value), "{host} {name}={value}");
        }
    }

    #[test]
    fn p6_a_host_is_the_same_only_at_the_same_port() {
        check(
            "ghes.example:8443",
            "GH_HOST",
            &["ghes.example:8443", "https://GHES.example:8443/"],
            &["ghes.example", "ghes.example:443", "ghes.example:8444", ""],
        );
        check(
            "github.com",
            "GITHUB_HOST",
            &["github.com:443", "https://GitHub.com"],
            &[
                "github.com:80",
                "http://github.com",
                "github.com.evil.tld",
                "x@github.com",
            ],
        );
    }

    #[test]
    fn p6_a_repository_with_a_host_is_that_hosts() {
        check(
            "github.com",
            "GH_REPO",
            &[
                "octo/cat",
                "cat",
                "github.com/octo/cat",
                "https://github.com/octo/cat.git",
                "git@github.com:octo/cat.git",
                "ssh://git@github.com:22/octo/cat",
            ],
            &[
                "ghes.example/octo/cat",
                "github.com:8443/octo/cat",
                "https://ghes.example/octo/cat",
                "https://github.com@evil.tld/octo/cat",
                "git@ghes.example:octo/cat",
                "ssh://git@ghes.example/octo/cat",
                "a/b/c/d",
                "://",
            ],
        );
    }

    #[test]
    fn p6_an_address_is_of_the_host_or_of_its_api() {
        for name in ["GITHUB_API_URL", "GITHUB_SERVER_URL", "GITHUB_GRAPHQL_URL"] {
            check(
                "github.com",
                name,
                &[
                    "https://api.github.com",
                    "https://api.github.com/graphql",
                    "https://github.com/",
                    "https://github.com?x",
                ],
                &[
                    "https://api.github.com:8443",
                    "http://api.github.com",
                    "https://ghes.example/api/v3",
                    "https://api.octo.ghe.com",
                    "https://api.github.com@evil.tld/",
                    "https://api.github.com.evil.tld",
                ],
            );
            check(
                "octo.ghe.com",
                name,
                &["https://api.octo.ghe.com/graphql", "https://octo.ghe.com"],
                &["https://api.github.com", "https://api.other.ghe.com"],
            );
            check(
                "ghes.example:8443",
                name,
                &["https://ghes.example:8443/api/v3"],
                &[
                    "https://ghes.example/api/v3",
                    "https://api.ghes.example:8443",
                ],
            );
        }
    }
}
