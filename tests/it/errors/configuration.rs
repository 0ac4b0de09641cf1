//! What `config.toml`, variables and flags can be wrong about: each error is had from the code that
//! reads them.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use ghtok::testing::app::{App, ClientId};
use ghtok::testing::config::{Config, Environment, Flags, add_app};
use ghtok::testing::error::Error;
use ghtok::testing::host::Host;
use tempfile::TempDir;

use super::page::Page;

const APP: &str = "[[app]]\nname = \"work\"\nclient_id = \"Iv1.a\"\n";

/// Where the file would be on a usual machine.
const FOLDER: &str = "/home/me/.config/ghtok";

struct Scratch(TempDir);

impl Scratch {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("config.toml")
    }

    fn with(self, text: impl AsRef<[u8]>) -> Self {
        fs::write(self.file(), text).expect("a file");
        self.mode(0o600)
    }

    fn mode(self, mode: u32) -> Self {
        fs::set_permissions(self.file(), fs::Permissions::from_mode(mode)).expect("a mode");
        self
    }

    fn load(&self, flags: &Flags, pairs: &[(&str, OsString)]) -> Result<Config, Error> {
        let folder = self.0.path().as_os_str().to_owned();
        let own = [
            ("HOME", OsString::from("/home/me")),
            ("GHTOK_CONFIG_DIR", folder),
        ];
        let pairs = own.into_iter().chain(pairs.iter().cloned());
        Config::load(flags, &Environment::from_pairs(pairs))
    }

    /// The error with the usual folder in it.
    fn usual(&self, error: Error) -> Error {
        let here = self.0.path().to_str().expect("a name");
        let usual = |text: String| text.replace(here, FOLDER);
        let path = |path: &Path| usual(path.display().to_string()).into();
        match error {
            Error::Config { origin, problem } => Error::Config {
                origin: usual(origin),
                problem: usual(problem),
            },
            Error::File {
                doing,
                path: at,
                cause,
            } => Error::File {
                doing,
                path: path(&at),
                cause: usual(cause),
            },
            Error::Exposed {
                path: at,
                rights,
                mode,
                fix,
            } => Error::Exposed {
                path: path(&at),
                rights,
                mode,
                fix: usual(fix),
            },
            Error::NoApp { config_file } => Error::NoApp {
                config_file: path(&config_file),
            },
            other => other,
        }
    }
}

/// What is wrong with a file of this text.
fn of_text(text: impl AsRef<[u8]>) -> Error {
    let scratch = Scratch::new().with(text);
    let error = scratch.load(&Flags::default(), &[]).expect_err("bad");
    scratch.usual(error)
}

pub fn files(page: &mut Page) {
    page.section("A configuration file that cannot be used");
    for text in [
        "min_ttl = 30m",
        "[git",
        "store = \"file\"\nstore = \"file\"",
        "colour = \"blue\"",
        "default-app = \"work\"",
        &format!("{APP}scopes = \"repo\""),
        "[[app]]\nclient_id = \"Iv1.a\"",
        "[[app]]\nname = \"work\"",
        "[[app]]\nname = \"a b\"\nclient_id = \"Iv1.a\"",
        "[[app]]\nname = \"work\"\nclient_id = \"\"",
        "[[app]]\nname = \"work\"\nclient_id = \"Iv1/a\"",
        &format!(
            "[[app]]\nname = \"work\"\nclient_id = \"{}\"",
            "x".repeat(65)
        ),
        &format!("{APP}host = \"ftp://ghes.example\""),
        &format!("{APP}host = \"http://ghes.example\""),
        &format!("{APP}host = \"[::1]x\""),
        &format!("{APP}host = \"ghes.example:0\""),
        &format!("{APP}host = \"ghes.example:x\""),
        &format!("{APP}host = \"ghes.example/login\""),
        &format!("{APP}account = \"\""),
        &format!("{APP}account = \"octo cat\""),
        &format!("{APP}owners = [\"octo/cat\"]"),
        &format!("{APP}owners = \"octocat\""),
        &format!("{APP}\n{APP}"),
        &format!("{APP}\n{}", APP.replace("work", "play")),
        "app = \"work\"",
        "app = [1]",
        "default_app = \"work\"",
        &format!("default_app = \"play\"\n{APP}"),
        "store = \"moon\"",
        "store = \"keychian\"",
        "store = 1",
        "min_ttl = \"soon\"",
        "min_ttl = -1",
        "min_ttl = true",
        "proxy = 3128",
        "no_proxy = [\"a\"]",
        "ca_file = 1",
        "git = true",
        "[git]\nquit = \"yes\"",
        "[git]\nask = true",
        "[schedule]\nwarn = 1979-05-27",
        "[schedule]\nwarn = [[1]]",
        "[schedule]\nwarn = {}",
    ] {
        page.add(of_text(text));
    }
    page.add(of_text(b"# caf\xe9\n"));
    page.add(of_text(" ".repeat(5 * 1024 * 1024)));
    page.add(folder_in_its_place());
    page.add(pipe_in_its_place());
    page.add(writable_by_others());
    page.add(Error::File {
        doing: "trust",
        path: format!("{FOLDER}/config.toml").into(),
        cause: "it belongs to another user".into(),
    });
    page.add(Error::File {
        doing: "read",
        path: format!("{FOLDER}/config.toml").into(),
        cause: "permission denied".into(),
    });
    writing(page.section("A configuration file that cannot be written"));
}

fn folder_in_its_place() -> Error {
    let scratch = Scratch::new();
    fs::create_dir(scratch.file()).expect("a folder");
    let error = scratch.load(&Flags::default(), &[]).expect_err("bad");
    scratch.usual(error)
}

fn pipe_in_its_place() -> Error {
    let scratch = Scratch::new();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        scratch.file(),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .expect("a pipe");
    let error = scratch.load(&Flags::default(), &[]).expect_err("bad");
    scratch.usual(error)
}

fn writable_by_others() -> Error {
    let scratch = Scratch::new().with("").mode(0o666);
    let error = scratch.load(&Flags::default(), &[]).expect_err("exposed");
    scratch.usual(error)
}

fn new_app() -> App {
    App {
        name: None,
        client_id: ClientId::parse("Iv1.a").expect("an ID"),
        host: Host::parse("github.com").expect("a host"),
        account: None,
        owners: vec![],
    }
}

fn writing(page: &mut Page) {
    let read_only = Scratch::new().with("").mode(0o444);
    let dangling = Scratch::new();
    symlink("nowhere.toml", dangling.file()).expect("a link");
    for scratch in [read_only, dangling] {
        let error = add_app(&scratch.file(), &new_app(), None).expect_err("it cannot be written");
        page.add(scratch.usual(error));
    }
    page.add(Error::File {
        doing: "write",
        path: format!("{FOLDER}/config.toml").into(),
        cause: "another program changed it at the same time".into(),
    });
}

pub fn variables(page: &mut Page) {
    page.section("Variables and flags that cannot be");
    for (name, value) in [
        ("GHTOK_CONFIG_DIR", "here"),
        ("GHTOK_STATE_DIR", "here"),
        ("HOME", "here"),
        ("HOME", ""),
        ("GHTOK_STORE", "moon"),
        ("GHTOK_CLIENT_ID", "Iv1/a"),
        (
            "GHTOK_CLIENT_ID",
            "ghp_0123456789abcdefghijklmnopqrstuvwxyz",
        ),
        (
            "GHTOK_CLIENT_ID",
            "0123456789abcdef0123456789abcdef01234567",
        ),
        ("GHTOK_CLIENT_ID", "123456"),
        ("GHTOK_HOST", "https://github.com/login"),
        ("GHTOK_HOST", "[github.com]"),
        ("GHTOK_HOST", "ghes_.example"),
    ] {
        page.add(of_variable(name, value.into()));
    }
    page.add(of_variable("GHTOK_APP", OsString::from_vec(vec![0xff])));
    page.add(bad_log());
    for flags in [
        Flags {
            client_id: Some("Iv1/a".into()),
            ..Flags::default()
        },
        Flags {
            host: Some("http://ghes.example".into()),
            ..Flags::default()
        },
    ] {
        let scratch = Scratch::new();
        page.add(scratch.usual(scratch.load(&flags, &[]).expect_err("bad")));
    }
    page.section("Which App?");
    which_app(page);
}

/// The variable alone, in a home without a configuration.
fn of_variable(name: &str, value: OsString) -> Error {
    let home = ("HOME", OsString::from("/home/me"));
    let pairs = [home].into_iter().filter(|(known, _)| *known != name);
    let environment = Environment::from_pairs(pairs.chain([(name, value)]));
    Config::load(&Flags::default(), &environment)
        .and_then(|config| config.check_store())
        .expect_err(name)
}

fn bad_log() -> Error {
    let environment = Environment::from_pairs([("GHTOK_LOG", "loud")]);
    environment.log_level().expect_err("bad")
}

fn which_app(page: &mut Page) {
    let two = format!(
        "{APP}host = \"ghes.example\"\n[[app]]\nname = \"play\"\nclient_id = \"Iv1.b\"\nhost = \"ghes.example\"\n"
    );
    let host = |host: &str| Flags {
        host: Some(host.into()),
        ..Flags::default()
    };
    let named = |name: &str| Flags {
        app: Some(name.into()),
        ..Flags::default()
    };
    let contrary = Flags {
        client_id: Some("Iv1.b".into()),
        ..named("work")
    };
    for (text, flags) in [
        ("", Flags::default()),
        ("", host("ghes.example")),
        (&two, Flags::default()),
        ("", named("work")),
        (APP, named("play")),
        (APP, named("wrok")),
        (APP, host("ghes.example")),
        (&two, host("ghes.example")),
        (APP, contrary),
    ] {
        let scratch = Scratch::new().with(text);
        let config = scratch.load(&flags, &[]).expect("a configuration");
        page.add(scratch.usual(config.app(None).expect_err(text)));
    }
    let known = Flags {
        client_id: Some("Iv1.a".into()),
        ..named("new")
    };
    let scratch = Scratch::new().with(APP);
    let config = scratch.load(&known, &[]).expect("a configuration");
    page.add(scratch.usual(config.app_to_sign_in().expect_err("known")));
    let scratch = Scratch::new().with(APP);
    let variables = [
        ("GHTOK_APP", OsString::from("work")),
        ("GHTOK_HOST", OsString::from("ghes.example")),
    ];
    let config = scratch.load(&Flags::default(), &variables).expect("it");
    page.add(config.app(None).expect_err("contrary variables"));
}
