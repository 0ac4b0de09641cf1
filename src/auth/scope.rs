//! What a scoped token may do: repositories of one owner, and permissions. Pure.

use std::fmt;
use std::str::FromStr;

use ring::digest::{SHA256, digest};

use crate::error::{Error, Result};
#[cfg(unix)]
use crate::formats::git_credential::RequestedRepository;
use crate::github::RepositoryName;

/// A longer scope is known by the beginning of its text and by a hash.
const LONGEST_TEXT: usize = 160;

/// GitHub takes no more names in one request.
const MOST_REPOSITORIES: usize = 500;

/// What a scoped token may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenScope {
    /// The owner of the repositories.
    pub owner: String,
    /// Their names without the owner, sorted.
    pub repositories: Vec<String>,
    /// Which permissions.
    pub permissions: Permissions,
}

/// The permissions of a scoped token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Permissions {
    /// All of the App's.
    All,
    /// All of the App's, for reading only.
    AllReadOnly,
    /// These, sorted: GitHub's names and levels.
    These(Vec<(String, String)>),
}

/// One permission, as `contents=read`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permission {
    name: String,
    level: String,
}

impl FromStr for Permission {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "is not a permission (expected NAME=LEVEL, for example contents=read)";
        let (name, level) = text.split_once('=').ok_or(WRONG)?;
        let fits = |b: u8| b.is_ascii_lowercase() || b == b'_';
        if !(1..=64).contains(&name.len()) || !name.bytes().all(fits) {
            return Err(WRONG);
        }
        if !matches!(level, "read" | "write" | "admin") {
            return Err("has an unknown level (expected read, write or admin)");
        }
        Ok(Self {
            name: name.to_owned(),
            level: level.to_owned(),
        })
    }
}

impl TokenScope {
    /// The scope of these repositories. Equal scopes are equal values, however they were written.
    ///
    /// # Errors
    /// `Usage` if they have several owners, or a permission has several levels.
    pub fn new(
        repositories: &[RepositoryName],
        permissions: &[Permission],
        read_only: bool,
    ) -> Result<Self> {
        let Some(first) = repositories.first() else {
            return Err(usage(
                "a scoped token needs a repository".into(),
                "name one, for example: --repo OWNER/NAME",
            ));
        };
        let owner = first.owner.to_ascii_lowercase();
        let is_other = |other: &&RepositoryName| !other.owner.eq_ignore_ascii_case(&owner);
        if let Some(other) = repositories.iter().find(is_other) {
            return Err(usage(
                format!(
                    "--repo: {first} and {other} have different owners, and a scoped token has one"
                ),
                "get a token for each owner",
            ));
        }
        let mut names: Vec<String> = repositories
            .iter()
            .map(|repository| repository.name.to_ascii_lowercase())
            .collect();
        names.sort();
        names.dedup();
        if names.len() > MOST_REPOSITORIES {
            return Err(usage(
                format!("--repo: {} repositories are too many", names.len()),
                "name at most 500",
            ));
        }
        Ok(Self {
            owner,
            repositories: names,
            permissions: match (permissions.is_empty(), read_only) {
                (false, _) => Permissions::these(permissions)?,
                (true, true) => Permissions::AllReadOnly,
                (true, false) => Permissions::All,
            },
        })
    }

    /// Whether this repository is in it.
    #[cfg(unix)]
    pub(crate) fn covers(&self, repository: RequestedRepository<'_>) -> bool {
        let RequestedRepository { owner, name } = repository;
        let mut names = self.repositories.iter();
        owner.eq_ignore_ascii_case(&self.owner)
            && name.is_some_and(|name| names.any(|known| known.eq_ignore_ascii_case(name)))
    }

    /// Its text, by which scopes are compared and shown; a long one is cut and has a hash instead.
    pub fn text(&self) -> String {
        let text = self.to_string();
        if text.len() <= LONGEST_TEXT {
            return text;
        }
        let hash = digest(&SHA256, text.as_bytes());
        let hash: String = hash.as_ref()[..8]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        // Names are ASCII.
        format!("{}… {hash}", &text[..LONGEST_TEXT - hash.len() - 4])
    }
}

impl Permissions {
    fn these(permissions: &[Permission]) -> Result<Self> {
        let mut permissions = permissions.to_vec();
        permissions.sort();
        permissions.dedup();
        let twice = permissions
            .windows(2)
            .find(|pair| pair[0].name == pair[1].name);
        if let Some(pair) = twice {
            return Err(usage(
                format!("--permission: {} is given twice", pair[0].name),
                "give it once",
            ));
        }
        let permissions = permissions.into_iter();
        Ok(Self::These(
            permissions.map(|it| (it.name, it.level)).collect(),
        ))
    }
}

fn usage(message: String, hint: &str) -> Error {
    Error::Usage {
        message,
        hint: hint.to_owned(),
    }
}

impl fmt::Display for TokenScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, name) in self.repositories.iter().enumerate() {
            let space = if at > 0 { " " } else { "" };
            write!(f, "{space}{}/{name}", self.owner)?;
        }
        match &self.permissions {
            Permissions::All => Ok(()),
            Permissions::AllReadOnly => f.write_str(" read-only"),
            Permissions::These(permissions) => permissions
                .iter()
                .try_for_each(|(name, level)| write!(f, " {name}={level}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(repositories: &[&str], permissions: &[&str], read_only: bool) -> Result<TokenScope> {
        let names: Vec<RepositoryName> = repositories
            .iter()
            .map(|name| name.parse().expect("a name"))
            .collect();
        let permissions: Vec<Permission> = permissions
            .iter()
            .map(|text| text.parse().expect("a permission"))
            .collect();
        TokenScope::new(&names, &permissions, read_only)
    }

    #[test]
    fn equal_scopes_have_one_text() {
        let one = scope(
            &["Acme/b", "acme/A", "acme/a"],
            &["issues=write", "contents=read"],
            false,
        );
        let other = scope(
            &["acme/a", "acme/b"],
            &["contents=read", "issues=write", "issues=write"],
            false,
        );
        assert_eq!(one.expect("a scope"), other.expect("a scope"));
        let texts = [
            scope(&["acme/a"], &[], false),
            scope(&["acme/a"], &[], true),
            scope(&["acme/a"], &["contents=read"], false),
        ];
        let texts = texts.map(|scope| scope.expect("a scope").text());
        assert_eq!(
            texts,
            ["acme/a", "acme/a read-only", "acme/a contents=read"]
        );
    }

    #[test]
    fn a_long_scope_has_a_short_text_of_its_own() {
        let names = |last: &str| -> Vec<String> {
            let mut names: Vec<String> = (0..60).map(|n| format!("acme/repository-{n}")).collect();
            names.push(format!("acme/{last}"));
            names
        };
        let text = |last: &str| {
            let names = names(last);
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            scope(&names, &[], false).expect("a scope").text()
        };
        assert!(text("x").len() <= LONGEST_TEXT, "{}", text("x"));
        assert_ne!(text("x"), text("y"));
    }

    #[test]
    fn what_cannot_be_one_scope_is_refused() {
        for (repositories, permissions) in [
            (&["acme/a", "octo/b"][..], &[][..]),
            (&["acme/a"], &["contents=read", "contents=write"]),
            (&[], &["contents=read"]),
        ] {
            let error = scope(repositories, permissions, false).expect_err("no scope");
            assert_eq!(error.exit_code(), 2, "{error}");
        }
        for bad in [
            "contents",
            "contents=",
            "=read",
            "Contents=read",
            "a b=read",
            "contents=all",
        ] {
            assert!(bad.parse::<Permission>().is_err(), "{bad}");
        }
    }
}
