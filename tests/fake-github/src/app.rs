//! What is registered at the fake: GitHub Apps and the people who use them.

use std::collections::BTreeMap;

/// A GitHub App. By default its user access tokens expire, its device flow is
/// enabled, and it is installed on the account of whoever signs in.
#[derive(Clone, Debug)]
pub struct App {
    pub(crate) client_id: String,
    pub(crate) tokens: Tokens,
    pub(crate) device_flow: DeviceFlow,
    pub(crate) installation: Installation,
    /// `None`: none was generated, so every secret is wrong.
    pub(crate) client_secret: Option<String>,
    pub(crate) permissions: Permissions,
    pub(crate) registration: Option<Registration>,
}

/// What GitHub tells of an App that was registered in public.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Registration {
    pub(crate) name: String,
    pub(crate) slug: String,
    pub(crate) owner: String,
}

impl Registration {
    pub(crate) fn new(name: impl Into<String>, owner: impl Into<String>) -> Self {
        let name = name.into();
        let lower = name.to_ascii_lowercase();
        let parts = lower.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
        Self {
            slug: parts.join("-"),
            name,
            owner: owner.into(),
        }
    }
}

/// Permissions by GitHub's names, for example `contents`.
pub type Permissions = BTreeMap<String, Level>;

/// How far a permission goes; each level includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Read,
    Write,
    Admin,
}

impl Level {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Read, Self::Write, Self::Admin]
            .into_iter()
            .find(|level| level.as_str() == text)
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }
}

/// The App's option "User-to-server token expiration".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tokens {
    Expiring,
    /// `expires_in`, `refresh_token` and `refresh_token_expires_in` are omitted.
    Permanent,
}

/// The App's box "Enable Device Flow", which is not ticked by default at GitHub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceFlow {
    Enabled,
    /// The code endpoint answers 400 `device_flow_disabled`.
    Disabled,
}

/// Where the App is installed. A token reaches what was installed when it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Installation {
    /// On the account of whoever signs in, on all its repositories.
    OnTheUser,
    Nowhere,
    On(Vec<Installed>),
}

/// One account on which an App is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    pub(crate) owner: String,
    /// `None`: all its repositories.
    pub(crate) repositories: Option<Vec<String>>,
    pub(crate) suspended: bool,
}

impl Installed {
    /// On all repositories of this account.
    pub fn on(owner: impl Into<String>) -> Self {
        Self {
            owner: owner.into(),
            repositories: None,
            suspended: false,
        }
    }

    /// On these alone.
    pub fn selected<N: Into<String>>(self, names: impl IntoIterator<Item = N>) -> Self {
        Self {
            repositories: Some(names.into_iter().map(Into::into).collect()),
            ..self
        }
    }

    /// The owner has suspended it: it reaches nothing.
    pub fn suspended(self) -> Self {
        Self {
            suspended: true,
            ..self
        }
    }
}

impl Installation {
    /// What `GET /user/installations` lists for this person.
    pub(crate) fn of(&self, login: &str) -> Vec<Installed> {
        match self {
            Self::OnTheUser => vec![Installed::on(login)],
            Self::Nowhere => Vec::new(),
            Self::On(installed) => installed.clone(),
        }
    }
}

impl App {
    pub fn new(client_id: impl Into<String>) -> Self {
        Self {
            client_id: client_id.into(),
            tokens: Tokens::Expiring,
            device_flow: DeviceFlow::Enabled,
            installation: Installation::OnTheUser,
            client_secret: None,
            permissions: Permissions::from([
                ("contents".to_owned(), Level::Write),
                ("metadata".to_owned(), Level::Read),
            ]),
            registration: None,
        }
    }

    /// GitHub tells the App's name and owner; by default it is silent about both, as about some private
    /// Apps.
    pub fn registered(self, name: impl Into<String>, owner: impl Into<String>) -> Self {
        Self {
            registration: Some(Registration::new(name, owner)),
            ..self
        }
    }

    pub fn client_secret(self, secret: impl Into<String>) -> Self {
        Self {
            client_secret: Some(secret.into()),
            ..self
        }
    }

    /// Adds a permission to `contents: write` and `metadata: read`, or changes one.
    pub fn permission(mut self, name: impl Into<String>, level: Level) -> Self {
        self.permissions.insert(name.into(), level);
        self
    }

    pub fn tokens(self, tokens: Tokens) -> Self {
        Self { tokens, ..self }
    }

    pub fn device_flow(self, device_flow: DeviceFlow) -> Self {
        Self {
            device_flow,
            ..self
        }
    }

    pub fn installation(self, installation: Installation) -> Self {
        Self {
            installation,
            ..self
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) login: String,
    pub(crate) id: u64,
}
