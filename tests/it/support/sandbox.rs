//! A home of its own for each test, and ghtok run in it with nothing inherited.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, SystemTime};

use fake_github::{CLIENT_ID, FakeGitHub, Pair};
use ghtok::testing::app::{App, ClientId, RecordKey};
use ghtok::testing::auth::outcome::Outcome;
use ghtok::testing::auth::ports::TokenStore;
use ghtok::testing::auth::record::{Account, Record};
use ghtok::testing::host::Host;
use ghtok::testing::store::file::FileSlot;
use ghtok::testing::store::state_folder::StateFolder;
use ghtok::testing::store::{RecordStore, ScopedItems, Slot, record};
use ghtok::testing::token::{AccessToken, Expiring, RefreshToken, Timestamp, TokenSet};
use tempfile::TempDir;

/// Which program a test runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// The product.
    Real,
    /// The product with hurried time and steps to stop at (`tests/hurried`).
    Hurried,
}

/// What makes `sed -u` an MCP server that answers each request, with nothing.
pub const ANSWER: &str = r#"s/"method".*/"result":{}}/"#;

/// A home with one App at a fake GitHub.
pub struct Sandbox {
    home: TempDir,
    host: String,
}

/// What a run of ghtok left.
#[derive(Debug)]
pub struct Run {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Sandbox {
    /// An empty home for the App [`CLIENT_ID`] at this fake.
    pub fn new(fake: &FakeGitHub) -> Self {
        let home = tempfile::Builder::new()
            .prefix("ghtok-it")
            .tempdir()
            .expect("a home");
        Self {
            home,
            host: fake.host(),
        }
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    pub fn state_dir(&self) -> PathBuf {
        self.home().join("state")
    }

    pub fn config_dir(&self) -> PathBuf {
        self.home().join("config")
    }

    /// The App that the environment of [`Self::command`] describes.
    pub fn app(&self) -> App {
        App {
            name: None,
            client_id: ClientId::parse(CLIENT_ID).expect("an ID"),
            host: Host::parse(&self.host).expect("a host"),
            account: None,
            owners: vec![],
        }
    }

    pub fn state_folder(&self) -> StateFolder {
        StateFolder::at(self.state_dir())
    }

    /// The App's record in the file store, as the product opens it.
    pub fn store(&self) -> RecordStore {
        let (folder, key) = (self.state_folder(), self.app().key());
        RecordStore::new(Box::new(FileSlot::new(&folder, &key)), folder, key)
    }

    /// What is stored in the file store for scoped tokens.
    pub fn scoped(&self) -> ScopedItems {
        let (folder, app) = (self.state_folder(), self.app());
        let slot = |key: &RecordKey| Box::new(FileSlot::new(&folder, key)) as Box<dyn Slot>;
        let list = slot(&app.key().of_scoped_tokens());
        let secret = slot(&RecordKey::of_secret(&app));
        ScopedItems::new(list, vec![secret], folder, app.key())
    }

    pub fn record_file(&self) -> PathBuf {
        self.state_folder()
            .records()
            .join(self.app().key().file_name())
    }

    pub fn rescue_file(&self) -> PathBuf {
        self.state_folder().rescue(&self.app().key())
    }

    /// The stored record.
    pub fn record(&self) -> Record {
        self.store().load().expect("readable").expect("a record")
    }

    pub fn outcome(&self) -> Option<Outcome> {
        self.store().outcome()
    }

    /// Stores a record as if it had been there all along.
    pub fn put(&self, record: &Record) {
        self.put_bytes(&record::encode(record));
    }

    pub fn put_bytes(&self, bytes: &[u8]) {
        let folder = self.state_folder();
        folder.create().expect("a state folder");
        fs::create_dir_all(folder.records()).expect("a records folder");
        fs::write(self.record_file(), bytes).expect("a record");
        fs::set_permissions(self.record_file(), fs::Permissions::from_mode(0o600)).expect("mode");
    }

    /// Signs in behind the scenes: mints a pair and stores it with this much life left.
    pub fn seed(&self, fake: &FakeGitHub, left: Duration) -> Pair {
        let pair = fake.mint(CLIENT_ID);
        self.put(&record_of(&pair, left));
        pair
    }

    /// ghtok with the sandbox's environment and nothing else, to be changed by the test.
    pub fn command<A: AsRef<OsStr>>(
        &self,
        program: Program,
        arguments: impl IntoIterator<Item = A>,
    ) -> Command {
        let mut command = Command::new(path_of(program));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.home())
            .env("GHTOK_STATE_DIR", self.state_dir())
            .env("GHTOK_CONFIG_DIR", self.config_dir())
            .env("GHTOK_CLIENT_ID", CLIENT_ID)
            .env("GHTOK_HOST", &self.host)
            .env("GHTOK_STORE", "file")
            .env("TZ", "UTC")
            // Never the developer's own keychain.
            .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus")
            .env("XDG_RUNTIME_DIR", "/nonexistent")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub fn spawn<A: AsRef<OsStr>>(
        &self,
        program: Program,
        arguments: impl IntoIterator<Item = A>,
    ) -> Child {
        self.command(program, arguments)
            .spawn()
            .expect("ghtok starts")
    }

    /// Runs the product to its end.
    pub fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Run {
        Run::of(self.spawn(Program::Real, arguments))
    }

    /// Writes the configuration file.
    pub fn configure(&self, text: &str) {
        fs::create_dir_all(self.config_dir()).expect("a configuration folder");
        let file = self.config_dir().join("config.toml");
        fs::write(&file, text).expect("a configuration");
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).expect("a mode");
    }
}

impl Run {
    /// Waits for a child's end.
    pub fn of(child: Child) -> Self {
        Self::from(child.wait_with_output().expect("an end"))
    }

    /// Standard output without its newline, of a run that must have succeeded.
    #[track_caller]
    pub fn token(&self) -> &str {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.stdout.strip_suffix('\n').expect("a line")
    }

    #[track_caller]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }
}

/// The command without the variables that describe an App: the configuration decides.
pub fn as_configured(command: &mut Command) {
    for name in ["GHTOK_CLIENT_ID", "GHTOK_HOST", "GHTOK_STORE"] {
        command.env_remove(name);
    }
}

/// A record of a minted pair with this much life left.
pub fn record_of(pair: &Pair, left: Duration) -> Record {
    let lifetime = Duration::from_secs(28_800);
    let now = now();
    let expires_at = now.after(left);
    Record {
        generation: 1,
        tokens: TokenSet::Expiring {
            access: Expiring {
                token: AccessToken::new(pair.access_token.clone()),
                expires_at,
                lifetime,
            },
            refresh: Some(Expiring {
                token: RefreshToken::new(pair.refresh_token.clone().expect("an expiring App")),
                expires_at: now.after(Duration::from_secs(15_000_000)),
                lifetime: Duration::from_secs(15_897_600),
            }),
        },
        obtained_at: Timestamp(expires_at.0 - 28_800),
        account: Some(Account {
            login: "octocat".into(),
            id: 583_231,
        }),
        intent: None,
        rejected: None,
        refresh_rejected: None,
    }
}

/// The wall clock as the product reads it.
pub fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("after 1970");
    Timestamp(i64::try_from(since.as_secs()).expect("this age"))
}

pub fn path_of(program: Program) -> PathBuf {
    let real = PathBuf::from(env!("CARGO_BIN_EXE_ghtok"));
    match program {
        Program::Real => real,
        Program::Hurried => {
            let hurried = real.with_file_name("examples").join("hurried");
            assert!(
                hurried.exists(),
                "build it with: cargo build --example hurried"
            );
            hurried
        }
    }
}
