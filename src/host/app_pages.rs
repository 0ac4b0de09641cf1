//! The pages of a GitHub App at its host (docs.github.com, "Installing your own GitHub App", "Modifying a
//! GitHub App registration").

use super::{Host, HostKind};

impl Host {
    /// The list of an account's Apps: the person's own, or those of this organization.
    pub fn apps_page(&self, organization: Option<&str>) -> String {
        format!("{}{}/settings/apps", self.web_url(), of(organization))
    }

    /// The page where a new App is registered, for the person or for this organization.
    pub fn new_app_page(&self, organization: Option<&str>) -> String {
        format!("{}/new", self.apps_page(organization))
    }

    /// The page where a person installs an App of this slug, the App's name in addresses.
    pub fn install_page(&self, slug: &str) -> String {
        let apps = match self.kind() {
            HostKind::GitHubCom | HostKind::GheCom => "apps",
            HostKind::Server => "github-apps",
        };
        format!("{}/{apps}/{slug}/installations/new", self.web_url())
    }
}

fn of(organization: Option<&str>) -> String {
    organization.map_or_else(String::new, |name| format!("/organizations/{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_product_has_its_addresses() {
        let host = |name: &str| Host::parse(name).expect(name);
        for (name, install) in [
            (
                "github.com",
                "https://github.com/apps/my-app/installations/new",
            ),
            (
                "acme.ghe.com",
                "https://acme.ghe.com/apps/my-app/installations/new",
            ),
            (
                "ghes.example",
                "https://ghes.example/github-apps/my-app/installations/new",
            ),
            (
                "127.0.0.1:3000",
                "http://127.0.0.1:3000/github-apps/my-app/installations/new",
            ),
        ] {
            assert_eq!(host(name).install_page("my-app"), install);
        }
        let com = host("github.com");
        assert_eq!(com.apps_page(None), "https://github.com/settings/apps");
        assert_eq!(
            com.new_app_page(Some("acme")),
            "https://github.com/organizations/acme/settings/apps/new"
        );
    }
}
