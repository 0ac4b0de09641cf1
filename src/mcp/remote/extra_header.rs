//! The headers of `--header`. Pure.

use zeroize::Zeroizing;

/// A header: its name, and its value.
pub(crate) type Header = (String, Zeroizing<String>);

/// Headers that ghtok sets itself, or that say where a request comes from.
const OWN: [&str; 14] = [
    "authorization",
    "accept",
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "host",
    "last-event-id",
    "origin",
    "te",
    "transfer-encoding",
];

/// How the names of such headers begin.
const OWN_BEGINNINGS: [&str; 4] = ["mcp-", "sec-", "proxy-", ":"];

/// Parts of a name by which a header carries a secret: its value must not stand in arguments.
const SECRET: [&str; 7] = [
    "token",
    "secret",
    "password",
    "key",
    "auth",
    "credential",
    "session",
];

/// Reads `NAME: VALUE`, in which `${VARIABLE}` stands for the value of a variable.
///
/// # Errors
/// What is wrong with it; no part of its value.
pub(crate) fn parse_header(
    text: &str,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Header, String> {
    let (name, value) = text
        .split_once(':')
        .ok_or("has no colon (expected NAME: VALUE)")?;
    let name = name.trim();
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err("has no valid name (expected NAME: VALUE)".into());
    }
    let lower = name.to_ascii_lowercase();
    if OWN.contains(&&*lower) || OWN_BEGINNINGS.iter().any(|begin| lower.starts_with(begin)) {
        return Err(format!(
            "sets {name}, which ghtok sets itself or never sends"
        ));
    }
    let value = value.trim();
    if SECRET.iter().any(|part| lower.contains(part)) && !value.contains("${") {
        return Err(format!(
            "may be a secret, and arguments are visible to others; put it into a variable: {name}: ${{VARIABLE}}"
        ));
    }
    let value = Zeroizing::new(expanded(value, variable)?);
    let is_text = |byte: u8| byte == b'\t' || (b' '..=b'~').contains(&byte);
    if !value.bytes().all(is_text) {
        return Err(format!("has a value for {name} that no header can have"));
    }
    Ok((name.to_owned(), value))
}

fn expanded(value: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut text = String::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) = after.split_once('}').ok_or("has ${ without }")?;
        let value = variable(name).ok_or_else(|| format!("uses ${{{name}}}, which is not set"))?;
        text.push_str(before);
        text.push_str(value.trim());
        rest = after;
    }
    text.push_str(rest);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_with_their_variables() {
        let variable = |name: &str| match name {
            "A" => Some("hunter2".to_owned()),
            "LINES" => Some("a\r\nX: y".to_owned()),
            _ => None,
        };
        for (text, expected) in [
            ("X-MCP-Readonly: true", Some(("X-MCP-Readonly", "true"))),
            (
                "X-MCP-Toolsets:repos,issues",
                Some(("X-MCP-Toolsets", "repos,issues")),
            ),
            ("X-Api-Key: ${A}", Some(("X-Api-Key", "hunter2"))),
            ("X-Auth: Basic ${A}!", Some(("X-Auth", "Basic hunter2!"))),
            ("X-Empty:", Some(("X-Empty", ""))),
            ("X-Api-Key: hunter2", None),
            ("X-A: ${B}", None),
            ("X-A: ${A", None),
            ("X-A: ${LINES}", None),
            ("X-A: caf\u{e9}", None),
            ("X-A: a\nX-B: b", None),
            ("Authorization: Bearer ${A}", None),
            ("authorization : x", None),
            ("Origin: https://x", None),
            ("Sec-Fetch-Site: none", None),
            ("Mcp-Session-Id: 1", None),
            ("no colon", None),
            ("X Y: z", None),
            (": z", None),
        ] {
            let read = parse_header(text, &variable);
            let read = read.map(|(name, value)| (name, value.to_string()));
            let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
            assert_eq!(read.clone().ok(), expected, "{text}");
            assert!(
                read.err().is_none_or(|error| !error.contains("hunter2")),
                "{text}"
            );
        }
    }
}
