//! Which requests a `[credential "PATTERN"]` section is for (gitcredentials(7), "Credential contexts";
//! git's urlmatch.c).

/// How a pattern and the requests for one host go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// It is for other hosts.
    None,
    /// It is for some of the host's requests: those of a user, or below a path.
    Some,
    /// It is for all of them.
    All,
}

/// Compares a pattern with the address of a host, such as `https://ghes.example:8443`.
pub(super) fn matches(pattern: &[u8], url: &str) -> Match {
    let pattern = String::from_utf8_lossy(pattern);
    let (scheme, host) = url.split_once("://").unwrap_or(("https", url));
    let (authority, is_whole) = match pattern.split_once("://") {
        Some((named, _)) if !named.eq_ignore_ascii_case(scheme) => return Match::None,
        Some((_, rest)) => (rest, true),
        None => (&*pattern, false),
    };
    let (authority, path) = authority.split_once('/').unwrap_or((authority, ""));
    let (user, named) = match authority.rsplit_once('@') {
        Some((user, named)) => (Some(user), named),
        None => (None, authority),
    };
    let fits = if is_whole && !named.is_empty() {
        is_host(named, host, scheme)
    } else {
        // A part of a URL: what is not said fits.
        named.is_empty() || named == host
    };
    match (fits, user, path.trim_matches('/')) {
        (false, _, _) => Match::None,
        (true, None, "") => Match::All,
        (true, _, _) => Match::Some,
    }
}

/// A `*` stands for one label of the name.
fn is_host(pattern: &str, host: &str, scheme: &str) -> bool {
    let ((pattern, pattern_port), (host, host_port)) = (ported(pattern), ported(host));
    let usual = if scheme.eq_ignore_ascii_case("http") {
        "80"
    } else {
        "443"
    };
    if pattern_port.unwrap_or(usual) != host_port.unwrap_or(usual) {
        return false;
    }
    let mut labels = host.split('.');
    let mut fits = pattern.split('.').map(|label| {
        labels
            .next()
            .is_some_and(|own| label == "*" || label.eq_ignore_ascii_case(own))
    });
    fits.all(|fits| fits) && labels.next().is_none()
}

fn ported(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            (name, Some(port).filter(|port| !port.is_empty()))
        }
        _ => (host, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_as_with_git() {
        let github = "https://github.com";
        let own = "http://127.0.0.1:9";
        for (pattern, url, expected) in [
            ("https://github.com", github, Match::All),
            ("HTTPS://GitHub.com:443/", github, Match::All),
            ("https://github.com/org", github, Match::Some),
            ("https://me@github.com", github, Match::Some),
            ("https://*.com", github, Match::All),
            ("https://*", github, Match::None),
            (
                "https://*.github.com",
                "https://gist.github.com",
                Match::All,
            ),
            ("https://*.github.com", github, Match::None),
            ("http://github.com", github, Match::None),
            ("https://github.co", github, Match::None),
            ("https://github.com:8443", github, Match::None),
            ("https://", github, Match::All),
            ("github.com", github, Match::All),
            ("github.com/org/repo", github, Match::Some),
            ("gitlab.com", github, Match::None),
            ("http://127.0.0.1:9", own, Match::All),
            ("http://127.0.0.1", own, Match::None),
            ("127.0.0.1:9", own, Match::All),
            ("http://[::1]:3000/x", "http://[::1]:3000", Match::Some),
        ] {
            assert_eq!(
                matches(pattern.as_bytes(), url),
                expected,
                "{pattern} {url}"
            );
        }
    }
}
