//! What `git config --list --show-scope --show-origin -z` prints, as far as helpers go.

/// A helper that git's configuration names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which kind of file: `system`, `global`, `local`, `worktree`, `command`.
    pub scope: String,
    /// Where it stands: `file:PATH`, `command line:`.
    pub origin: String,
    /// For which addresses; `None` for all.
    pub pattern: Option<String>,
    /// The helper; empty where the list begins anew.
    pub helper: String,
}

/// Every helper, in the order in which git would ask them.
pub fn listing(printed: &[u8]) -> Vec<Entry> {
    let mut parts = printed
        .split(|byte| *byte == 0)
        .map(String::from_utf8_lossy);
    let mut entries = Vec::new();
    while let (Some(scope), Some(origin), Some(line)) = (parts.next(), parts.next(), parts.next()) {
        // A key without a value has no line end after it.
        let (key, helper) = line.split_once('\n').unwrap_or((&line, ""));
        let pattern = match key.strip_prefix("credential.") {
            Some("helper") => None,
            Some(rest) => match rest.strip_suffix(".helper") {
                Some(pattern) => Some(pattern.to_owned()),
                None => continue,
            },
            None => continue,
        };
        entries.push(Entry {
            scope: scope.into_owned(),
            origin: origin.into_owned(),
            pattern,
            helper: helper.to_owned(),
        });
    }
    entries
}

impl Entry {
    /// True if git may ask this helper about an address. Patterns with `*` are taken to fit.
    pub fn concerns(&self, url: &str) -> bool {
        match &self.pattern {
            None => true,
            Some(pattern) => {
                pattern.contains('*')
                    || pattern.trim_end_matches('/') == url
                    || pattern.starts_with(&format!("{url}/"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn helpers_are_found_in_their_order() {
        let printed = b"system\0file:/etc/gitconfig\0credential.helper\nstore\0global\0file:/h\0user.name\nx\0\
            local\0file:.git/config\0credential.https://github.com.helper\n\0command\0command line:\0credential.helper\nx y\0";
        let found = listing(printed);
        let short: Vec<(&str, &str)> = found
            .iter()
            .map(|entry| (entry.scope.as_str(), entry.helper.as_str()))
            .collect();
        assert_eq!(
            short,
            [("system", "store"), ("local", ""), ("command", "x y")]
        );
        assert!(found[1].concerns("https://github.com") && !found[1].concerns("https://github.co"));
        assert!(found[0].concerns("https://anything"));
    }
}
