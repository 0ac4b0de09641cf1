//! The address of the form in which a GitHub App is registered, filled in (docs.github.com, "Registering a
//! GitHub App using URL parameters"). Pure.

use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::host::Host;

/// The longest name of an App.
const LONGEST_NAME: usize = 34;

/// RFC 3986 section 2.3.
const ENCODED: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A new App, as far as the form is filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AppForm {
    /// Its name, which must be free at GitHub; `None` where the person thinks of one.
    pub(crate) name: Option<String>,
    /// The organization that will own it; `None` for the person.
    pub(crate) organization: Option<String>,
    /// Whether other accounts can install it.
    pub(crate) is_public: bool,
    /// What its tokens may do.
    pub(crate) permissions: Vec<Permission>,
}

/// One permission, as `contents=write`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Permission {
    name: String,
    level: String,
}

impl FromStr for Permission {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "is not a permission (expected NAME=LEVEL, for example contents=write)";
        let (name, level) = text.split_once('=').ok_or(WRONG)?;
        let fits = |b: u8| b.is_ascii_lowercase() || b == b'_';
        if name.is_empty() || name.len() > 64 || !name.bytes().all(fits) {
            return Err(WRONG);
        }
        if !["read", "write", "admin"].contains(&level) {
            return Err("has a level that is not read, write or admin");
        }
        Ok(Self {
            name: name.to_owned(),
            level: level.to_owned(),
        })
    }
}

impl Permission {
    /// True if both are about the same thing, at whatever level.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// A usual set of permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Preset {
    /// Read code, issues, pull requests and checks
    ReadOnly,
    /// Write code, issues, pull requests and workflows; read checks
    Contributor,
    /// Also write Actions, checks, statuses, deployments and discussions
    Maintainer,
}

impl Preset {
    /// What its tokens may do. GitHub adds `metadata=read` itself.
    pub(crate) fn permissions(self) -> Vec<Permission> {
        const READ: &str = "read";
        const WRITE: &str = "write";
        let (code, workflows, checks, more): (_, _, _, &[&str]) = match self {
            Self::ReadOnly => (READ, None, READ, &[]),
            Self::Contributor => (WRITE, Some(WRITE), READ, &[]),
            Self::Maintainer => (WRITE, Some(WRITE), WRITE, &["deployments", "discussions"]),
        };
        let permission = |level: &'static str| {
            move |name: &str| Permission {
                name: name.to_owned(),
                level: level.to_owned(),
            }
        };
        let of_code = ["contents", "issues", "pull_requests"];
        let of_checks = ["actions", "checks", "statuses"];
        of_code
            .map(permission(code))
            .into_iter()
            .chain(workflows.map(|level| permission(level)("workflows")))
            .chain(of_checks.map(permission(checks)))
            .chain(more.iter().map(|name| permission(WRITE)(name)))
            .collect()
    }
}

impl AppForm {
    /// A name for the form, if it is one that GitHub can take.
    pub(crate) fn name_of(text: &str) -> Option<String> {
        (!text.is_empty() && text.chars().count() <= LONGEST_NAME).then(|| text.to_owned())
    }

    /// The App's name in the addresses of its pages, as GitHub makes it of the name.
    pub(crate) fn slug(&self) -> Option<String> {
        let lower = self.name.as_ref()?.to_lowercase();
        let parts = lower.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
        Some(parts.join("-")).filter(|slug| !slug.is_empty())
    }

    /// The form's address. `device_flow_enabled` is not documented: the box may not be ticked.
    pub(crate) fn address(&self, host: &Host) -> String {
        let page = host.new_app_page(self.organization.as_deref());
        let public = if self.is_public { "true" } else { "false" };
        let home = host.web_url();
        let mut fields: Vec<(&str, &str)> = Vec::new();
        fields.extend(self.name.as_deref().map(|name| ("name", name)));
        fields.extend([
            ("url", home.as_str()),
            ("public", public),
            ("webhook_active", "false"),
            ("device_flow_enabled", "true"),
        ]);
        let permissions = self.permissions.iter();
        fields.extend(permissions.map(|it| (it.name.as_str(), it.level.as_str())));
        let encoded = |text| utf8_percent_encode(text, &ENCODED).to_string();
        let query: Vec<String> = fields
            .into_iter()
            .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
            .collect();
        format!("{page}?{}", query.join("&"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(organization: Option<&str>, is_public: bool, preset: Preset) -> AppForm {
        AppForm {
            name: None,
            organization: organization.map(str::to_owned),
            is_public,
            permissions: preset.permissions(),
        }
    }

    #[track_caller]
    fn at(form: &AppForm, host: &str) -> String {
        form.address(&Host::parse(host).expect(host))
    }

    #[test]
    fn the_addresses_of_all_owners_hosts_and_presets() {
        let fixed = "webhook_active=false&device_flow_enabled=true";
        let contributor = "contents=write&issues=write&pull_requests=write&workflows=write\
            &actions=read&checks=read&statuses=read";
        let (acme, mine) = (Some("acme"), None);
        for (owner, is_public, host, expected) in [
            (
                mine,
                false,
                "github.com",
                format!(
                    "https://github.com/settings/apps/new?url=https%3A%2F%2Fgithub.com&public=false&{fixed}&{contributor}"
                ),
            ),
            (
                acme,
                false,
                "github.com",
                format!(
                    "https://github.com/organizations/acme/settings/apps/new?url=https%3A%2F%2Fgithub.com&public=false&{fixed}&{contributor}"
                ),
            ),
            (
                mine,
                true,
                "github.com",
                format!(
                    "https://github.com/settings/apps/new?url=https%3A%2F%2Fgithub.com&public=true&{fixed}&{contributor}"
                ),
            ),
            (
                mine,
                false,
                "octo.ghe.com",
                format!(
                    "https://octo.ghe.com/settings/apps/new?url=https%3A%2F%2Focto.ghe.com&public=false&{fixed}&{contributor}"
                ),
            ),
            (
                acme,
                false,
                "octo.ghe.com",
                format!(
                    "https://octo.ghe.com/organizations/acme/settings/apps/new?url=https%3A%2F%2Focto.ghe.com&public=false&{fixed}&{contributor}"
                ),
            ),
            (
                mine,
                false,
                "ghes.example:8443",
                format!(
                    "https://ghes.example:8443/settings/apps/new?url=https%3A%2F%2Fghes.example%3A8443&public=false&{fixed}&{contributor}"
                ),
            ),
            (
                acme,
                true,
                "ghes.example",
                format!(
                    "https://ghes.example/organizations/acme/settings/apps/new?url=https%3A%2F%2Fghes.example&public=true&{fixed}&{contributor}"
                ),
            ),
        ] {
            assert_eq!(
                at(&form(owner, is_public, Preset::Contributor), host),
                expected
            );
        }
        let address = |preset| at(&form(mine, false, preset), "github.com");
        assert!(address(Preset::ReadOnly).ends_with(
            "contents=read&issues=read&pull_requests=read&actions=read&checks=read&statuses=read"
        ));
        assert!(address(Preset::Maintainer).ends_with(
            "contents=write&issues=write&pull_requests=write&workflows=write&actions=write&checks=write&statuses=write&deployments=write&discussions=write"
        ));
    }

    #[test]
    fn a_name_is_encoded_and_gives_the_slug() {
        let named = AppForm {
            name: AppForm::name_of("My App & co"),
            permissions: Vec::new(),
            ..form(None, false, Preset::ReadOnly)
        };
        assert!(at(&named, "github.com").contains("/new?name=My%20App%20%26%20co&url="));
        assert_eq!(named.slug().as_deref(), Some("my-app-co"));
        assert_eq!(AppForm::name_of(&"x".repeat(35)), None);
    }

    #[test]
    fn a_permission_is_a_name_and_a_level() {
        for good in ["contents=write", "organization_projects=admin"] {
            assert!(good.parse::<Permission>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "contents",
            "=read",
            "Contents=read",
            "a&b=read",
            "contents=none",
        ] {
            assert!(bad.parse::<Permission>().is_err(), "{bad}");
        }
    }
}
