//! What `git config --list -z` prints, as far as credentials go.

use memchr::{memchr, memrchr};

use super::pattern::{self, PatternMatch};

/// What git's configuration says about credentials, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CredentialSetting {
    /// Which kind of file: `system`, `global`, `local`, `worktree`, `command`.
    pub(crate) scope: String,
    /// Where it stands: `file:PATH`, `command line:`.
    pub(crate) origin: Vec<u8>,
    /// For which addresses; `None` for all.
    pub(crate) pattern: Option<Vec<u8>>,
    pub(crate) setting: Setting,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Setting {
    /// `helper`; empty where the list of helpers is reset.
    Helper(Vec<u8>),
    UseHttpPath(bool),
}

/// One setting of git's configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ConfigLine<'a> {
    /// Which kind of file, as in [`CredentialSetting`].
    pub(crate) scope: &'a [u8],
    /// Where it stands: `file:PATH`, `command line:`.
    pub(crate) origin: &'a [u8],
    /// In lower case but for what is between the first and the last dot.
    pub(crate) key: &'a [u8],
    /// `None` for a key alone.
    pub(crate) value: Option<&'a [u8]>,
}

/// Every setting, in the order in which git reads them. The flags `--show-scope` and `--show-origin`
/// belong to what is read.
pub(crate) fn config_lines(printed: &[u8]) -> impl Iterator<Item = ConfigLine<'_>> {
    let mut parts = printed.split(|byte| *byte == 0);
    std::iter::from_fn(move || {
        let (scope, origin, line) = (parts.next()?, parts.next()?, parts.next()?);
        // A key without a value has no line end after it.
        let (key, value) = match memchr(b'\n', line) {
            Some(at) => (&line[..at], Some(&line[at + 1..])),
            None => (line, None),
        };
        Some(ConfigLine {
            scope,
            origin,
            key,
            value,
        })
    })
}

/// Every helper, in the order in which git would ask them, and what is sent to them.
pub(crate) fn listing(printed: &[u8]) -> Vec<CredentialSetting> {
    let settings = config_lines(printed).filter_map(|line| {
        let (pattern, setting) = setting(line.key, line.value)?;
        Some(CredentialSetting {
            scope: String::from_utf8_lossy(line.scope).into_owned(),
            origin: line.origin.to_vec(),
            pattern,
            setting,
        })
    });
    settings.collect()
}

fn setting(key: &[u8], value: Option<&[u8]>) -> Option<(Option<Vec<u8>>, Setting)> {
    let key = key.strip_prefix(b"credential.")?;
    let (pattern, name) = match memrchr(b'.', key) {
        Some(at) => (Some(key[..at].to_vec()), &key[at + 1..]),
        None => (None, key),
    };
    let setting = match name {
        b"helper" => Setting::Helper(value.unwrap_or_default().to_vec()),
        b"usehttppath" => Setting::UseHttpPath(is_true(value)),
        _ => return None,
    };
    Some((pattern, setting))
}

/// git-config(1), "boolean".
fn is_true(value: Option<&[u8]>) -> bool {
    let Some(value) = value else { return true };
    let value = String::from_utf8_lossy(value).to_ascii_lowercase();
    matches!(value.as_str(), "true" | "yes" | "on") || value.parse().is_ok_and(|n: i64| n != 0)
}

impl CredentialSetting {
    /// How it concerns requests for an address.
    pub(crate) fn matches(&self, url: &str) -> PatternMatch {
        match &self.pattern {
            None => PatternMatch::Whole,
            Some(pattern) => pattern::matches(pattern, url),
        }
    }

    /// True if git may ask this helper about an address.
    pub(crate) fn is_helper_for(&self, url: &str) -> bool {
        matches!(self.setting, Setting::Helper(_)) && self.matches(url) != PatternMatch::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn helpers_are_found_in_their_order() {
        let printed = b"system\0file:/etc/gitconfig\0credential.helper\nstore\0global\0file:/h\0user.name\nx\0\
            local\0file:.git/config\0credential.https://github.com.helper\n\0command\0command line:\0credential.helper\nx y\0\
            global\0file:/h\0credential.https://x.y.usehttppath\0";
        let found = listing(printed);
        let short: Vec<_> = found
            .iter()
            .map(|entry| (entry.scope.as_str(), &entry.setting))
            .collect();
        let helper = |name: &[u8]| Setting::Helper(name.to_vec());
        assert_eq!(
            short,
            [
                ("system", &helper(b"store")),
                ("local", &helper(b"")),
                ("command", &helper(b"x y")),
                ("global", &Setting::UseHttpPath(true))
            ]
        );
        assert!(
            found[1].is_helper_for("https://github.com")
                && !found[1].is_helper_for("https://github.co")
        );
        assert!(found[0].is_helper_for("https://anything"));
        assert_eq!(found[3].pattern.as_deref(), Some(&b"https://x.y"[..]));
    }
}
