//! Which requests a `[credential "PATTERN"]` section is for (gitcredentials(7), "Credential contexts";
//! git's urlmatch.c).

/// How a pattern and the requests for one host go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PatternMatch {
    /// It is for other hosts.
    Nothing,
    /// It is for some of the host's requests: those of a user, or below a path.
    Partial,
    /// It is for all of them.
    Whole,
}

/// Compares a pattern with the address of a host, such as `https://ghes.example:8443`.
pub(super) fn matches(pattern: &[u8], url: &str) -> PatternMatch {
    let pattern = String::from_utf8_lossy(pattern);
    let (scheme, host) = url.split_once("://").unwrap_or(("https", url));
    let (authority, is_whole) = match pattern.split_once("://") {
        Some((named, _)) if !named.eq_ignore_ascii_case(scheme) => return PatternMatch::Nothing,
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
        (false, _, _) => PatternMatch::Nothing,
        (true, None, "") => PatternMatch::Whole,
        (true, _, _) => PatternMatch::Partial,
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
            ("https://github.com", github, PatternMatch::Whole),
            ("HTTPS://GitHub.com:443/", github, PatternMatch::Whole),
            ("https://github.com/org", github, PatternMatch::Partial),
            ("https://me@github.com", github, PatternMatch::Partial),
            ("https://*.com", github, PatternMatch::Whole),
            ("https://*", github, PatternMatch::Nothing),
            (
                "https://*.github.com",
                "https://gist.github.com",
                PatternMatch::Whole,
            ),
            ("https://*.github.com", github, PatternMatch::Nothing),
            ("http://github.com", github, PatternMatch::Nothing),
            ("https://github.co", github, PatternMatch::Nothing),
            ("https://github.com:8443", github, PatternMatch::Nothing),
            ("https://", github, PatternMatch::Whole),
            ("github.com", github, PatternMatch::Whole),
            ("github.com/org/repo", github, PatternMatch::Partial),
            ("gitlab.com", github, PatternMatch::Nothing),
            ("http://127.0.0.1:9", own, PatternMatch::Whole),
            ("http://127.0.0.1", own, PatternMatch::Nothing),
            ("127.0.0.1:9", own, PatternMatch::Whole),
            (
                "http://[::1]:3000/x",
                "http://[::1]:3000",
                PatternMatch::Partial,
            ),
        ] {
            assert_eq!(
                matches(pattern.as_bytes(), url),
                expected,
                "{pattern} {url}"
            );
        }
    }
}
