//! The whole program on a real `KeePassXC` with its database open: signed in to its end where its
//! setting "Confirm when passwords are retrieved by clients" is off, and told of that setting where
//! it is on, as it is by default.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use dbus::blocking::stdintf::org_freedesktop_dbus::Properties;
use dbus::blocking::{Connection, Proxy};

use super::*;

/// For its start on a busy machine; on an idle one it takes a second or two.
const PATIENCE: Duration = Duration::from_secs(120);

/// A database whose root group is shown to clients; that is set in the database itself.
const DATABASE: &str = "<KeePassFile><Meta><CustomData><Item>\
    <Key>FDO_SECRETS_EXPOSED_GROUP</Key>\
    <Value>{00000000-0000-0000-0000-000000000001}</Value>\
    </Item></CustomData></Meta><Root><Group>\
    <UUID>AAAAAAAAAAAAAAAAAAAAAQ==</UUID><Name>Root</Name>ENTRY\
    </Group></Root></KeePassFile>";

const SETTINGS: &str = "[General]\nUpdateCheckMessageShown=true\n\
    [GUI]\nCheckForUpdates=false\n\
    [FdoSecrets]\nEnabled=true\nShowNotification=false\n";

const CONFIRMS_NOTHING: &str = "ConfirmAccessItem=false\n";
const AS_IT_COMES: &str = "";

const SETTING: &str = "Confirm when passwords are retrieved by clients";

/// The running program.
struct KeePassXc(Child);

impl KeePassXc {
    fn command(program: &str, keychain: &Keychain) -> Command {
        let home = keychain.home();
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &home)
            // There it looks whether it is running already.
            .env("TMPDIR", &home)
            .env("XDG_RUNTIME_DIR", &home)
            .env("DBUS_SESSION_BUS_ADDRESS", keychain.bus.address())
            .env("QT_QPA_PLATFORM", "offscreen")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// Starts it and waits until its database is open.
    fn start(keychain: &Keychain, settings: &str) -> Self {
        let home = keychain.home();
        let settings_file = home.join("settings.ini");
        fs::write(&settings_file, format!("{SETTINGS}{settings}")).expect("its settings");
        let mut command = Self::command("keepassxc", keychain);
        command
            .args(["--pw-stdin", "--config"])
            .args([settings_file, home.join("shown.kdbx")]);
        let started = Self(spawn_with(command, "pw\n"));
        // A call before it has the name would have the bus start another service.
        wait_for("KeePassXC's name", || keychain.bus.has_service());
        let connection = keychain.bus.connect();
        wait_for("KeePassXC's database", || is_open(&connection));
        started
    }
}

impl Drop for KeePassXc {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Keychain {
    /// Signed in already, or not. `None`, with a line that says why, where `KeePassXC` is missing.
    fn on_keepassxc(is_signed_in: bool, settings: &str) -> Option<(Self, KeePassXc)> {
        if Command::new("keepassxc-cli").arg("-v").output().is_err() {
            skip!("KeePassXC is not installed");
            return None;
        }
        let bus = PrivateBus::without_keyring()?;
        let fake = hurried_fake().start().expect("a fake");
        let sandbox = Sandbox::new(&fake);
        let keychain = Self { fake, sandbox, bus };
        let home = keychain.home();
        fs::create_dir(&home).expect("a home");
        fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).expect("a mode");
        let entry = if is_signed_in {
            keychain.entry()
        } else {
            String::new()
        };
        fs::write(home.join("new.xml"), DATABASE.replace("ENTRY", &entry)).expect("a database");
        let mut import = KeePassXc::command("keepassxc-cli", &keychain);
        import
            .args(["import", "--decryption-time", "100", "--set-password"])
            .args([home.join("new.xml"), home.join("shown.kdbx")]);
        let imported = spawn_with(import, "pw\npw\n").wait().expect("its end");
        assert!(imported.success(), "{imported:?}");
        let service = KeePassXc::start(&keychain, settings);
        Some((keychain, service))
    }

    /// A sign-in as an entry of the database.
    fn entry(&self) -> String {
        let pair = self.fake.mint(CLIENT_ID);
        let record = ghtok::testing::store::record::encode(&record_of(&pair, HOUR));
        let record = std::str::from_utf8(&record).expect("JSON");
        let key = self.sandbox.app().key();
        let fields: String = [
            ("Title", "ghtok"),
            ("service", "ghtok"),
            ("username", key.as_str()),
            ("Password", record),
        ]
        .map(|(name, value)| format!("<String><Key>{name}</Key><Value>{value}</Value></String>"))
        .concat();
        format!("<Entry><UUID>AAAAAAAAAAAAAAAAAAAAAg==</UUID>{fields}</Entry>")
    }

    /// Where `KeePassXC` has its files.
    fn home(&self) -> PathBuf {
        self.sandbox.home().join("keepassxc")
    }

    fn sign_in(&self) -> Run {
        let login = self.command(Program::Hurried, &["login"]);
        decide(&self.fake, login, |code| self.fake.approve(code))
    }
}

/// It reads its input to the end.
fn spawn_with(mut command: Command, input: &str) -> Child {
    let mut child = command.spawn().expect("it starts");
    let mut pipe = child.stdin.take().expect("a pipe");
    pipe.write_all(input.as_bytes()).expect("it reads");
    child
}

/// Whether there is a collection, and it is open. It is listed before it is open, and then a search
/// would have `KeePassXC` ask for the password in a dialog.
fn is_open(connection: &Connection) -> bool {
    let at = |path| Proxy::new("org.freedesktop.secrets", path, PATIENCE, connection);
    let service = at("/org/freedesktop/secrets".into());
    let found: Result<(dbus::Path<'static>,), _> =
        service.method_call("org.freedesktop.Secret.Service", "ReadAlias", ("default",));
    found.is_ok_and(|(collection,)| {
        let is_locked = at(collection).get::<bool>("org.freedesktop.Secret.Collection", "Locked");
        matches!(is_locked, Ok(false))
    })
}

#[track_caller]
fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "{what} did not come");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[track_caller]
fn expect_the_setting_named(run: Run) {
    let run = run.expect_code(6);
    for expected in [SETTING, "--store"] {
        assert!(run.stderr.contains(expected), "{run:?}");
    }
}

#[test]
fn keepassxc_that_confirms_nothing_keeps_a_sign_in_to_its_end() {
    let Some((keychain, _service)) = Keychain::on_keepassxc(false, CONFIRMS_NOTHING) else {
        return;
    };
    keychain.sign_in().expect_code(0);
    let first = keychain.run(&["get"]).token().to_owned();
    assert!(keychain.witness().contains(&first));
    keychain.run(&["refresh", "--force"]).expect_code(0);
    let second = keychain.run(&["get"]).token().to_owned();
    assert_ne!(second, first);
    assert!(keychain.fake.is_alive(&second));
    keychain.run(&["logout"]).expect_code(0);
    keychain.run(&["get"]).expect_code(4);
}

#[test]
fn get_names_the_setting_by_which_keepassxc_confirms_each_read() {
    let Some((keychain, service)) = Keychain::on_keepassxc(true, AS_IT_COMES) else {
        return;
    };
    expect_the_setting_named(keychain.run(&["get"]));
    drop(service);
    wait_for("the end of its name", || !keychain.bus.has_service());
    // The item is one that ghtok reads.
    let _service = KeePassXc::start(&keychain, CONFIRMS_NOTHING);
    assert!(keychain.fake.is_alive(keychain.run(&["get"]).token()));
}

#[test]
fn login_names_the_setting_by_which_keepassxc_confirms_each_read() {
    let Some((keychain, _service)) = Keychain::on_keepassxc(false, AS_IT_COMES) else {
        return;
    };
    expect_the_setting_named(keychain.sign_in());
}
