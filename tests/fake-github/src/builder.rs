//! How a fake is made: what is registered, which rules it keeps, how it speaks.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::app::{App, User};
use crate::authority::{
    Authority, Clock, Numbers, Reuse, Rules, ScopedLives, ScopedPool, TokenForm,
};
use crate::door;
use crate::faults::Faults;
use crate::ledger::Ledger;
use crate::server::FakeGitHub;
use crate::shared::{Reception, Shared, State};
use crate::tls::{self, TlsIdentity};

/// The App that is registered when a test registers none.
pub const CLIENT_ID: &str = "Iv23liTESTCLIENT0001";

/// What the `Date` header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateHeader {
    Real,
    /// The server's clock is so many seconds ahead, or behind if negative.
    Skewed(i64),
    Absent,
}

/// Settings of a [`FakeGitHub`]; the defaults are GitHub's own.
#[derive(Debug)]
#[must_use]
pub struct Builder {
    apps: Vec<App>,
    users: Vec<User>,
    rules: Rules,
    date: DateHeader,
    tls: Option<TlsIdentity>,
    git_root: Option<PathBuf>,
    port: u16,
}

impl FakeGitHub {
    pub fn builder() -> Builder {
        let start = Instant::now();
        Builder {
            apps: Vec::new(),
            users: Vec::new(),
            rules: Rules {
                access_lifetime: Duration::from_secs(28_800),
                refresh_lifetime: Duration::from_secs(15_897_600),
                code_lifetime: Duration::from_secs(900),
                interval: 5,
                clock: Clock(Arc::new(move || start.elapsed())),
                time_scale: 1,
                token_form: TokenForm::Opaque,
                numbers: Numbers::Plain,
                reuse: Reuse::Refused,
                replica_lag: Duration::ZERO,
                bad_credentials_limit: None,
                public: Vec::new(),
                open: false,
                scoped_pool: ScopedPool::Apart,
                scoped_lives: ScopedLives::UntilItsExpiry,
                scoped_lifetime: None,
                skew: 0,
                device_flow_parameter_ignored: false,
                organizations: Vec::new(),
            },
            date: DateHeader::Real,
            tls: None,
            git_root: None,
            port: 0,
        }
    }

    /// A fake with all defaults.
    pub fn start() -> io::Result<Self> {
        Self::builder().start()
    }
}

impl Builder {
    /// Registers an App; without any, one with [`CLIENT_ID`] is registered.
    pub fn app(mut self, app: App) -> Self {
        self.apps.push(app);
        self
    }

    /// Adds a person; the first one is who approves by default. Without any it is
    /// `octocat`, 583231.
    pub fn user(mut self, login: impl Into<String>, id: u64) -> Self {
        self.users.push(User {
            login: login.into(),
            id,
        });
        self
    }

    pub fn access_lifetime(mut self, lifetime: Duration) -> Self {
        self.rules.access_lifetime = lifetime;
        self
    }

    pub fn refresh_lifetime(mut self, lifetime: Duration) -> Self {
        self.rules.refresh_lifetime = lifetime;
        self
    }

    pub fn code_lifetime(mut self, lifetime: Duration) -> Self {
        self.rules.code_lifetime = lifetime;
        self
    }

    /// Seconds between polls.
    pub fn interval(mut self, seconds: u64) -> Self {
        self.rules.interval = seconds;
        self
    }

    /// The only clock by which polls, codes and tokens are judged: the time since
    /// any fixed moment. By default it runs from the start.
    pub fn clock(mut self, clock: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        self.rules.clock = Clock(Arc::new(clock));
        self
    }

    /// The seconds of poll intervals and code lifetimes pass so many times as fast.
    /// The announced numbers stay the same, and so do the lives of tokens.
    pub fn time_scale(mut self, factor: u32) -> Self {
        self.rules.time_scale = factor;
        self
    }

    pub fn date_header(mut self, date: DateHeader) -> Self {
        self.date = date;
        self
    }

    /// Tokens of about 520 characters with dots, `-` and `_`.
    pub fn stateless_tokens(mut self) -> Self {
        self.rules.token_form = TokenForm::Stateless;
        self
    }

    /// The numbers of OAuth answers come as JSON strings, as they once did.
    pub fn numbers_as_strings(mut self) -> Self {
        self.rules.numbers = Numbers::Quoted;
        self
    }

    /// A new access token is answered 401 for so long, by the REST API and by git.
    pub fn replica_lag(mut self, lag: Duration) -> Self {
        self.rules.replica_lag = lag;
        self
    }

    /// The reuse of a spent refresh token kills the live pair of its sign-in too.
    pub fn family_revocation(mut self) -> Self {
        self.rules.reuse = Reuse::RevokesFamily;
        self
    }

    /// After so many 401 the REST API answers 403, to good tokens too.
    pub fn bad_credentials_limit(mut self, limit: u32) -> Self {
        self.rules.bad_credentials_limit = Some(limit);
        self
    }

    pub fn tls(mut self, identity: TlsIdentity) -> Self {
        self.tls = Some(identity);
        self
    }

    /// Serves the repositories `{root}/{owner}/{repo}.git`.
    pub fn git_root(mut self, root: impl Into<PathBuf>) -> Self {
        self.git_root = Some(root.into());
        self
    }

    /// Everybody may read this repository, `OWNER/NAME`, without a token or with any.
    pub fn public_repository(mut self, full_name: impl Into<String>) -> Self {
        self.rules.public.push(full_name.into());
        self
    }

    /// Any live token reaches every repository, wherever its App is installed.
    pub fn open_repositories(mut self) -> Self {
        self.rules.open = true;
        self
    }

    /// Scoped tokens take places in the pool of ten, where the oldest is revoked.
    pub fn scoped_tokens_count(mut self) -> Self {
        self.rules.scoped_pool = ScopedPool::Shared;
        self
    }

    /// A refresh also ends the scoped tokens that were created with the old access token.
    pub fn refresh_ends_scoped_tokens(mut self) -> Self {
        self.rules.scoped_lives = ScopedLives::UntilTheRefresh;
        self
    }

    /// By default that of an access token.
    pub fn scoped_lifetime(mut self, lifetime: Duration) -> Self {
        self.rules.scoped_lifetime = Some(lifetime);
        self
    }

    /// The form in which an App is registered leaves the box "Enable Device Flow" empty, whatever its
    /// address says: the parameter is not documented.
    pub fn ignoring_the_device_flow_parameter(mut self) -> Self {
        self.rules.device_flow_parameter_ignored = true;
        self
    }

    /// Every user is a member of this organization.
    pub fn organization(mut self, login: impl Into<String>) -> Self {
        self.rules.organizations.push(login.into());
        self
    }

    /// A fixed port; by default the system chooses.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    pub fn start(mut self) -> io::Result<FakeGitHub> {
        if self.apps.is_empty() {
            self.apps.push(App::new(CLIENT_ID));
        }
        if self.users.is_empty() {
            self.users.push(User {
                login: "octocat".to_owned(),
                id: 583_231,
            });
        }
        if let DateHeader::Skewed(seconds) = self.date {
            self.rules.skew = seconds;
        }
        let listener = door::listen(door::bind(self.port)?)?;
        let certified = self.tls.map(tls::certify).transpose()?;
        let (config, ca_pem) = certified.unzip();
        let scheme = if config.is_some() { "https" } else { "http" };
        let state = State {
            authority: Authority::new(self.rules, self.apps, self.users),
            faults: Faults::default(),
            ledger: Ledger::default(),
            violations: Vec::new(),
            reception: Reception::Serve,
            stopping: false,
        };
        let base_url = format!("{scheme}://{}", listener.local_addr()?);
        let shared = Shared::new(state, base_url, self.date, self.git_root, config);
        FakeGitHub::run(listener, shared, ca_pem)
    }
}
