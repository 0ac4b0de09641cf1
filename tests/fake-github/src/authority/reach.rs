//! Which repositories a token reaches: those on which its App was installed when it
//! was made. Public ones can be read by everybody.

use super::{Authority, Bearer};
use crate::app::{Installation, Level};

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
    /// Its name and settings, not its content.
    Metadata,
    Read,
    Write,
}

impl Authority {
    pub(crate) fn access(&self, bearer: Option<&Bearer>, repository: Repository) -> Access {
        let is_public = self.is_public(repository);
        match bearer {
            Some(bearer) if self.reaches(bearer, repository) => match bearer.contents() {
                Some(Level::Write | Level::Admin) => Access::Write,
                Some(Level::Read) => Access::Read,
                None if is_public => Access::Read,
                None => Access::Metadata,
            },
            _ if is_public => Access::Read,
            _ => Access::None,
        }
    }

    pub(crate) fn is_public(&self, repository: Repository) -> bool {
        let full_name = format!("{}/{}", repository.owner, repository.name);
        let mut public = self.rules.public.iter();
        public.any(|name| name.eq_ignore_ascii_case(&full_name))
    }

    pub(super) fn reaches(&self, bearer: &Bearer, repository: Repository) -> bool {
        (self.rules.open && !bearer.is_scoped) || bearer.reaches(repository)
    }

    /// The person installs the App elsewhere. Tokens that exist reach what they reached.
    pub(crate) fn install(&mut self, client_id: &str, installation: &Installation) -> bool {
        let app = self.apps.iter_mut().find(|app| app.client_id == client_id);
        app.map(|app| app.installation = installation.clone())
            .is_some()
    }
}

impl Bearer {
    /// What the token may do with the content of a repository that it reaches.
    fn contents(&self) -> Option<Level> {
        match &self.permissions {
            Some(permissions) => permissions.get("contents").copied(),
            None => Some(Level::Admin),
        }
    }

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
