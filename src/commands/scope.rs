//! The flags for a scoped token: repositories and permissions.

use clap::Args;

use crate::auth::scope::{Permission, TokenScope};
use crate::config::Environment;
use crate::error::{Error, Result};
use crate::formats::git_remote::repository_at;
use crate::github::RepositoryName;
use crate::host::Host;
use crate::sandbox::client::not_in_a_sandbox;
use crate::system::git_program::GitProgram;

/// What a scoped token may do.
#[derive(Debug, Default, Args)]
pub(crate) struct ScopeFlags {
    /// Use a scoped token, for this repository only ('.': that of the remote origin here); repeatable
    #[arg(long = "repo", value_name = "OWNER/NAME", value_delimiter = ',')]
    repositories: Vec<String>,
    /// Give the scoped token only this permission, for example contents=read; repeatable
    #[arg(
        long = "permission",
        value_name = "NAME=LEVEL",
        value_delimiter = ',',
        requires = "repositories"
    )]
    permissions: Vec<Permission>,
    /// Give the scoped token all permissions of the App, for reading only
    #[arg(long, requires = "repositories", conflicts_with = "permissions")]
    read_only: bool,
}

impl ScopeFlags {
    /// Refuses the flags in a sandbox, whose scope was decided on the host.
    pub(crate) fn check_in_sandbox(&self) -> Result<()> {
        if self.repositories.is_empty() {
            Ok(())
        } else {
            Err(not_in_a_sandbox("--repo"))
        }
    }

    /// The scope of the flags; `None` without `--repo`.
    pub(crate) fn scope(&self, host: &Host) -> Result<Option<TokenScope>> {
        if self.repositories.is_empty() {
            return Ok(None);
        }
        let names = self.repositories.iter().map(|text| match text.as_str() {
            "." => repository_here(host),
            name => name.parse().map_err(|why| Error::Usage {
                message: format!("--repo: \"{name}\" {why}"),
                hint: "for example: --repo octocat/hello".into(),
            }),
        });
        let names: Vec<RepositoryName> = names.collect::<Result<_>>()?;
        TokenScope::new(&names, &self.permissions, self.read_only).map(Some)
    }
}

/// The repository of the remote `origin` of the working directory.
fn repository_here(host: &Host) -> Result<RepositoryName> {
    let error = |problem: String| Error::Usage {
        message: format!("--repo .: {problem}"),
        hint: "name the repository: --repo OWNER/NAME".into(),
    };
    let folders = Environment::from_process().path();
    let git = GitProgram::find(&folders).ok_or_else(|| error("git is not installed".into()))?;
    let url = git.url_of_origin().map_err(error)?;
    let name = repository_at(&url, host).and_then(|name| name.parse().ok());
    name.ok_or_else(|| {
        error(format!(
            "the remote \"origin\" is not a repository on {host}"
        ))
    })
}
