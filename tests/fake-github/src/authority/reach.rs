//! Which repositories a token reaches: those on which its App was installed when it
//! was made. Public ones can be read by everybody.

use super::{Authority, Bearer};
use crate::app::Installation;

/// `OWNER/NAME` of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Repository<'a> {
    pub(crate) owner: &'a str,
    pub(crate) name: &'a str,
}

impl<'a> Repository<'a> {
    /// The repository that a git path means, `/OWNER/NAME.git/…`; `None` for one
    /// without an owner, which GitHub does not have.
    pub(crate) fn of_git_path(path: &'a str) -> Option<Self> {
        let (repository, _) = path.split_once(".git/")?;
        let (owner, name) = repository.trim_start_matches('/').split_once('/')?;
        let name = name.strip_suffix(".wiki").unwrap_or(name);
        Some(Self { owner, name })
    }
}

/// What somebody may do with a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// It does not even exist for them.
    None,
    Read,
    Write,
}

impl Authority {
    pub(crate) fn access(&self, bearer: Option<&Bearer>, repository: Repository) -> Access {
        let full_name = format!("{}/{}", repository.owner, repository.name);
        let mut public = self.rules.public.iter();
        let is_public = public.any(|name| name.eq_ignore_ascii_case(&full_name));
        match bearer {
            Some(bearer) if self.rules.open || bearer.reaches(repository) => Access::Write,
            _ if is_public => Access::Read,
            _ => Access::None,
        }
    }

    /// The person installs the App elsewhere. Tokens that exist reach what they reached.
    pub(crate) fn install(&mut self, client_id: &str, installation: &Installation) -> bool {
        let app = self.apps.iter_mut().find(|app| app.client_id == client_id);
        app.map(|app| app.installation = installation.clone())
            .is_some()
    }
}

impl Bearer {
    fn reaches(&self, repository: Repository) -> bool {
        let Repository { owner, name } = repository;
        let mut here = self.installed.iter().filter(|installed| {
            !installed.suspended && installed.owner.eq_ignore_ascii_case(owner)
        });
        here.any(|installed| {
            let names = installed.repositories.as_ref();
            names.is_none_or(|names| names.iter().any(|known| known.eq_ignore_ascii_case(name)))
        })
    }
}
