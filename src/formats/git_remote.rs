//! The repository that a remote's address names. Pure.

use crate::host::Host;

/// The repository of this host, `OWNER/NAME`, at an address as git takes it (git-clone(1), "GIT URLS"): over HTTPS, over SSH,
/// or in the short form of SSH.
pub(crate) fn repository_at<'a>(url: &'a str, host: &Host) -> Option<&'a str> {
    let (authority, path) = match url.split_once("://") {
        Some(("http" | "https" | "ssh", rest)) => rest.split_once('/')?,
        Some(_) => return None,
        None => url.split_once(':')?,
    };
    let (_, at) = authority.rsplit_once('@').unwrap_or(("", authority));
    let is_host = at.eq_ignore_ascii_case(&host.to_string())
        || at
            .split_once(':')
            .map_or(at, |(name, _)| name)
            .eq_ignore_ascii_case(host.name())
            && !url.starts_with("http");
    if !is_host {
        return None;
    }
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    let (owner, name) = path.split_once('/')?;
    (!owner.is_empty() && !name.is_empty() && !name.contains('/')).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_of_an_address_names_its_repository() {
        let host = Host::parse("github.com").expect("a host");
        let port = Host::parse("127.0.0.1:3000").expect("a host");
        for (url, host, expected) in [
            (
                "https://github.com/octo/hello.git",
                &host,
                Some("octo/hello"),
            ),
            (
                "https://x@GitHub.com/octo/hello/",
                &host,
                Some("octo/hello"),
            ),
            (
                "ssh://git@github.com:22/octo/hello.git",
                &host,
                Some("octo/hello"),
            ),
            ("git@github.com:octo/hello.git", &host, Some("octo/hello")),
            (
                "http://127.0.0.1:3000/octo/hello.git",
                &port,
                Some("octo/hello"),
            ),
            ("http://127.0.0.1:4000/octo/hello.git", &port, None),
            ("https://github.com:8443/octo/hello", &host, None),
            ("https://evil.example/octo/hello", &host, None),
            ("https://github.com.evil.example/octo/hello", &host, None),
            ("file:///github.com/octo/hello", &host, None),
            ("https://github.com/octo", &host, None),
            ("https://github.com/octo/hello/more", &host, None),
            ("/home/octo/hello", &host, None),
        ] {
            assert_eq!(repository_at(url, host), expected, "{url}");
        }
    }
}
