//! Why GitHub answers for a repository as it does: the App's installations beside the answer. Pure.

use super::reach::{Coverage, Reach};
use crate::github::{RepositoryAnswer, RepositoryName};
use crate::host::Host;

/// What a token can do with a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// The App is installed on it.
    Installed,
    /// It is public, and the App is not installed on it: it can only be read.
    PublicOnly,
    /// The App is not installed on its owner's account.
    NotInstalled,
    /// The App is installed there for other repositories.
    NotSelected,
    /// The owner suspended the installation.
    Suspended,
    /// The App is installed there, and GitHub answers 404 all the same.
    NotFound,
    /// GitHub answers 404, and did not say whether the App is installed there.
    Unknown,
    /// GitHub answers 403.
    Forbidden,
    /// GitHub does not accept the token.
    TokenRejected,
}

/// What a token can do with a repository, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Explanation {
    /// In short.
    pub access: Access,
    /// What it means, a sentence without a full stop.
    pub why: String,
    /// What to do about it, where something can be done.
    pub fix: Option<Fix>,
}

/// What to do where a token does not reach a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fix {
    /// What a person does in the browser; empty where the command is all.
    pub act: String,
    /// The command to run afterwards.
    pub command: Option<String>,
}

/// Explains GitHub's answer for a repository to a token with this reach. `refresh` is the command that
/// gets a new token, which reaches what was installed meanwhile.
pub(crate) fn explain(
    answer: &RepositoryAnswer,
    repository: &RepositoryName,
    reach: &Reach,
    host: &Host,
    refresh: &str,
) -> Explanation {
    let RepositoryName { owner, name } = repository;
    let coverage = reach.covers(owner, Some(name));
    let access = match (answer, coverage) {
        (RepositoryAnswer::Unauthorized, _) => Access::TokenRejected,
        (RepositoryAnswer::Forbidden(_), _) => Access::Forbidden,
        (RepositoryAnswer::Readable { is_private, .. }, Coverage::NotReached) if !is_private => {
            Access::PublicOnly
        }
        (RepositoryAnswer::Readable { .. }, _) => Access::Installed,
        (RepositoryAnswer::NotFound, Coverage::Reached) => Access::NotFound,
        (RepositoryAnswer::NotFound, Coverage::Unknown) => Access::Unknown,
        (RepositoryAnswer::NotFound, Coverage::NotReached) => absence(owner, reach),
    };
    Explanation {
        access,
        why: why(access, answer, repository, reach),
        fix: fix(access, repository, reach, host, refresh),
    }
}

fn absence(owner: &str, reach: &Reach) -> Access {
    let is_owner = |login: &String| login.eq_ignore_ascii_case(owner);
    if reach.installations.suspended.iter().any(is_owner) {
        Access::Suspended
    } else if reach.covers(owner, None) == Coverage::NotReached {
        Access::NotInstalled
    } else {
        Access::NotSelected
    }
}

fn why(
    access: Access,
    answer: &RepositoryAnswer,
    repository: &RepositoryName,
    reach: &Reach,
) -> String {
    let RepositoryName { owner, name } = repository;
    match (access, answer) {
        (Access::Installed, RepositoryAnswer::Readable { may_push, .. }) => {
            let permissions = reach.permissions(owner);
            let permissions = match permissions.as_str() {
                "" => String::new(),
                permissions => format!(" ({permissions})"),
            };
            let yours = if *may_push {
                ""
            } else {
                ", but you yourself can only read it"
            };
            format!("the App is installed on it{permissions}{yours}")
        }
        (Access::Forbidden, RepositoryAnswer::Forbidden(reason)) => {
            format!("GitHub refuses access (403): {reason}")
        }
        (Access::PublicOnly, _) => format!(
            "it is public: it can be read but not written, because the App is not installed on {owner}"
        ),
        (Access::NotInstalled, _) => {
            format!("404: the App is not installed on {owner} (or there is no such repository)")
        }
        (Access::NotSelected, _) => format!(
            "404: the App is installed on {owner} for selected repositories, and {name} is not one of them (or there is no such repository)"
        ),
        (Access::Suspended, _) => {
            format!("404: the installation of the App on {owner} is suspended")
        }
        (Access::Unknown, _) => {
            "404: there is no such repository, or the App is not installed on it; GitHub did not say which"
                .into()
        }
        (Access::TokenRejected, _) => "GitHub does not accept the token (401)".into(),
        (Access::NotFound | Access::Installed | Access::Forbidden, _) => format!(
            "404: the App is installed on {owner}, so there is no such repository, or you have no access to it, or {owner} requires single sign-on"
        ),
    }
}

fn fix(
    access: Access,
    repository: &RepositoryName,
    reach: &Reach,
    host: &Host,
    refresh: &str,
) -> Option<Fix> {
    let owner = &repository.owner;
    let act = match access {
        Access::Installed => return None,
        Access::PublicOnly | Access::NotInstalled | Access::Unknown => {
            let page = match &reach.installations.app_slug {
                Some(slug) => host.install_page(slug),
                None => host.apps_page(None),
            };
            format!("install the App on {owner} (an organization's owner must agree): {page}")
        }
        Access::NotSelected => {
            let page = reach.installation_page(owner);
            let page = page.unwrap_or_else(|| format!("{}/settings/installations", host.web_url()));
            format!("add the repository to the installation: {page}")
        }
        Access::Suspended => {
            let act =
                format!("an owner of {owner} can end this in the settings of its installed Apps");
            return Some(Fix { act, command: None });
        }
        Access::NotFound | Access::Forbidden => {
            let host = host.web_url();
            format!(
                "open {host}/{repository} in the browser; for single sign-on: {host}/orgs/{owner}/sso"
            )
        }
        Access::TokenRejected => String::new(),
    };
    Some(Fix {
        act,
        command: Some(format!("{refresh} --force")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::github::{Installation, Installations, Selection};
    use crate::token::Timestamp;

    fn reach() -> Reach {
        let mut all = Installation::new("octocat", Selection::All);
        all.permissions = [("contents", "write"), ("metadata", "read")]
            .map(|(name, level)| (name.to_owned(), level.to_owned()))
            .into();
        let mut some = Installation::new("acme", Selection::These(vec!["app".into()]));
        some.page = Some("https://github.com/organizations/acme/settings/installations/7".into());
        Reach {
            user_id: None,
            asked_at: Timestamp(0),
            installations: Installations {
                installed: vec![all, some, Installation::new("large", Selection::Unknown)],
                suspended: vec!["gone".into()],
                app_slug: Some("my-app".into()),
                is_whole: true,
            },
        }
    }

    fn explained(answer: &RepositoryAnswer, name: &str) -> Explanation {
        let host = Host::parse("github.com").expect("a host");
        let name = name.parse().expect("a name");
        explain(answer, &name, &reach(), &host, "ghtok refresh")
    }

    #[test]
    fn a_404_has_one_of_these_reasons() {
        for (name, access, fix) in [
            (
                "Octocat/x",
                Access::NotFound,
                "open https://github.com/Octocat/x",
            ),
            (
                "acme/x",
                Access::NotSelected,
                "acme/settings/installations/7",
            ),
            (
                "ACME/app",
                Access::NotFound,
                "https://github.com/orgs/ACME/sso",
            ),
            ("gone/x", Access::Suspended, "an owner of gone"),
            (
                "large/x",
                Access::Unknown,
                "github.com/apps/my-app/installations/new",
            ),
            (
                "else/x",
                Access::NotInstalled,
                "github.com/apps/my-app/installations/new",
            ),
        ] {
            let explained = explained(&RepositoryAnswer::NotFound, name);
            assert_eq!(explained.access, access, "{name}");
            assert!(explained.why.starts_with("404: "), "{explained:?}");
            let told = explained.fix.expect("something can be done");
            assert!(told.act.contains(fix), "{name}: {told:?}");
            let command = (access != Access::Suspended).then(|| "ghtok refresh --force".into());
            assert_eq!(told.command, command);
        }
    }

    #[test]
    fn what_can_be_read_is_told_from_what_can_be_written() {
        let readable = |is_private, may_push| RepositoryAnswer::Readable {
            may_push,
            is_private,
        };
        let own = explained(&readable(true, true), "octocat/x");
        assert_eq!(own.access, Access::Installed);
        assert_eq!(
            own.why,
            "the App is installed on it (contents: write, metadata: read)"
        );
        assert_eq!(own.fix, None);
        let theirs = explained(&readable(true, false), "octocat/x");
        assert!(theirs.why.ends_with("you yourself can only read it"));
        let public = explained(&readable(false, false), "else/x");
        assert_eq!(public.access, Access::PublicOnly);
        assert!(public.why.contains("not written"), "{public:?}");
    }

    #[test]
    fn a_refusal_keeps_githubs_reason() {
        let refused = explained(&RepositoryAnswer::Forbidden("needs SSO".into()), "acme/app");
        assert!(refused.why.ends_with("(403): needs SSO"), "{refused:?}");
        let dead = explained(&RepositoryAnswer::Unauthorized, "acme/app");
        assert_eq!(dead.access, Access::TokenRejected);
    }
}
