//! A session bus of its own with a real gnome-keyring on it, in a home of its own.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use dbus::arg::{AppendAll, ReadAll, Variant};
use dbus::blocking::{Connection, Proxy};
use dbus::channel::Channel;
use ghtok::testing::bus::SessionBus;
use tempfile::TempDir;

const SECRETS: &str = "org.freedesktop.secrets";
const ROOT: &str = "/org/freedesktop/secrets";
const LOGIN: &str = "/org/freedesktop/secrets/collection/login";
const PASSWORD: &str = "pass";
const PATIENCE: Duration = Duration::from_secs(10);

/// The private session. All its processes end with it.
pub struct PrivateBus {
    home: TempDir,
    bus: Child,
    address: String,
    keyring: Option<Child>,
}

impl PrivateBus {
    /// A bus with an unlocked gnome-keyring. `None`, with a line that says why, where the tools for
    /// it are missing.
    pub fn with_keyring() -> Option<Self> {
        let mut session = Self::without_keyring()?;
        session.start_keyring();
        Some(session)
    }

    /// A bus with nobody on it; it knows how to start a gnome-keyring.
    pub fn without_keyring() -> Option<Self> {
        for tool in ["dbus-daemon", "gnome-keyring-daemon", "secret-tool"] {
            if !is_installed(tool) {
                skip!("{tool} is not installed");
                return None;
            }
        }
        let home = tempfile::Builder::new()
            .prefix("ghtok-bus")
            .tempdir()
            .expect("a home");
        fs::create_dir(home.path().join("run")).expect("a runtime folder");
        let (bus, address) = start_bus(home.path());
        Some(Self {
            home,
            bus,
            address,
            keyring: None,
        })
    }

    /// What ghtok is told of this session.
    pub fn session(&self) -> SessionBus {
        SessionBus {
            bus_address: Some(self.address.clone()),
            runtime_dir: Some(self.runtime_dir()),
        }
    }

    /// The socket that the bus listens at.
    pub fn socket(&self) -> PathBuf {
        self.home.path().join("bus")
    }

    /// Where the bus listens, as the bus itself says it.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Ends gnome-keyring, and starts one that knows nothing of what the first one kept.
    pub fn replace_keyring(&mut self) {
        self.kill_keyring();
        let keyrings = self.home.path().join(".local/share/keyrings");
        fs::remove_dir_all(keyrings).expect("its files");
        self.start_keyring();
    }

    /// Ends the bus and starts another one at the same socket; whoever was on it must come again.
    pub fn restart(&mut self) {
        if self.keyring.is_some() {
            self.kill_keyring();
        }
        let _ = self.bus.kill();
        let _ = self.bus.wait();
        let _ = fs::remove_file(self.socket());
        (self.bus, self.address) = start_bus(self.home.path());
    }

    /// Starts a gnome-keyring, unlocked, whose log-in collection exists.
    pub fn start_keyring(&mut self) {
        self.keyring = Some(self.keyring_daemon("--unlock"));
        self.wait_for_keyring();
    }

    /// Starts a gnome-keyring that nobody unlocked.
    pub fn start_locked_keyring(&mut self) {
        self.keyring = Some(self.keyring_daemon("--start"));
        self.wait_for_keyring();
    }

    /// Starts a gnome-keyring as PAM does at the log-in: unlocked, and not seen on the bus.
    pub fn start_waiting_keyring(&mut self) {
        self.keyring = Some(self.keyring_daemon("--login"));
        let control = self.runtime_dir().join("keyring/control");
        wait_until("the keyring's control socket", || control.exists());
    }

    /// The daemon's process, which must still be the one that was started.
    pub fn keyring_pid(&mut self) -> u32 {
        let keyring = self.keyring.as_mut().expect("a gnome-keyring");
        let ended = keyring.try_wait().expect("its state");
        assert!(ended.is_none(), "gnome-keyring ended: {ended:?}");
        keyring.id()
    }

    /// Ends gnome-keyring the hard way.
    pub fn kill_keyring(&mut self) {
        let mut keyring = self.keyring.take().expect("a gnome-keyring");
        let _ = keyring.kill();
        let _ = keyring.wait();
    }

    /// Sends gnome-keyring a signal by its name: STOP, CONT.
    pub fn signal_keyring(&self, signal: &str) {
        send_signal(self.keyring.as_ref().expect("a gnome-keyring"), signal);
    }

    /// Sends the bus a signal by its name.
    pub fn signal_bus(&self, signal: &str) {
        send_signal(&self.bus, signal);
    }

    /// Locks the log-in collection.
    pub fn lock(&self) {
        let connection = self.connect();
        let collections = (vec![dbus::Path::from(LOGIN)],);
        let _: (Vec<dbus::Path<'static>>, dbus::Path<'static>) = ask(
            &connection,
            "org.freedesktop.Secret.Service",
            "Lock",
            collections,
        );
    }

    /// Unlocks the log-in collection as a person would, only without the window.
    pub fn unlock(&self) {
        let connection = self.connect();
        let plain = ("plain", Variant(""));
        let (_, session): (Variant<String>, dbus::Path<'static>) = ask(
            &connection,
            "org.freedesktop.Secret.Service",
            "OpenSession",
            plain,
        );
        let master = (
            session,
            Vec::<u8>::new(),
            PASSWORD.as_bytes().to_vec(),
            "text/plain",
        );
        let internal = "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface";
        let () = ask(
            &connection,
            internal,
            "UnlockWithMasterPassword",
            (dbus::Path::from(LOGIN), master),
        );
    }

    /// Takes the place of the window that asks for the password, and never answers.
    pub fn hold_prompts(&self) -> Connection {
        let connection = self.connect();
        connection
            .request_name("org.gnome.keyring.SystemPrompter", false, false, true)
            .expect("the prompter's name");
        connection
    }

    /// Whether anybody is the Secret Service of this bus.
    pub fn has_service(&self) -> bool {
        self.has_owner(SECRETS)
    }

    /// Runs `secret-tool`, the independent witness, with this on its standard input.
    pub fn secret_tool(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut child = self
            .command("secret-tool")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("secret-tool");
        child
            .stdin
            .take()
            .expect("a pipe")
            .write_all(input)
            .expect("its input");
        child.wait_with_output().expect("its end")
    }

    fn runtime_dir(&self) -> PathBuf {
        self.home.path().join("run")
    }

    fn command(&self, program: &str) -> Command {
        let mut command = isolated(program, self.home.path());
        command.env("DBUS_SESSION_BUS_ADDRESS", &self.address);
        command
    }

    fn keyring_daemon(&self, how: &str) -> Child {
        let mut child = self
            .command("gnome-keyring-daemon")
            .args(["--foreground", "--components=secrets", how])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("gnome-keyring");
        // It reads the password up to the end of its input; where it wants none it may have closed.
        let _ = child
            .stdin
            .take()
            .expect("a pipe")
            .write_all(PASSWORD.as_bytes());
        child
    }

    fn wait_for_keyring(&self) {
        wait_until("gnome-keyring", || self.has_service());
    }

    /// Whether anybody has a name on this bus.
    pub fn has_owner(&self, name: &str) -> bool {
        let connection = self.connect();
        let bus = Proxy::new("org.freedesktop.DBus", "/", PATIENCE, &connection);
        let owner: Result<(String,), _> =
            bus.method_call("org.freedesktop.DBus", "GetNameOwner", (name,));
        owner.is_ok()
    }

    /// A connection of a test's own.
    pub fn connect(&self) -> Connection {
        let mut channel = Channel::open_private(&self.address).expect("the bus");
        channel.register().expect("a name on the bus");
        Connection::from(channel)
    }
}

impl Drop for PrivateBus {
    fn drop(&mut self) {
        // A stopped process takes the signal that ends it all the same.
        if let Some(mut keyring) = self.keyring.take() {
            let _ = keyring.kill();
            let _ = keyring.wait();
        }
        let _ = self.bus.kill();
        let _ = self.bus.wait();
    }
}

fn ask<A: AppendAll, R: ReadAll>(
    connection: &Connection,
    interface: &str,
    method: &str,
    arguments: A,
) -> R {
    Proxy::new(SECRETS, ROOT, PATIENCE, connection)
        .method_call(interface, method, arguments)
        .expect("an answer of gnome-keyring")
}

fn start_bus(home: &Path) -> (Child, String) {
    let mut bus = isolated("dbus-daemon", home)
        .args(["--session", "--nofork", "--print-address=1"])
        .arg(format!(
            "--address=unix:path={}",
            home.join("bus").display()
        ))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("dbus-daemon");
    let mut address = String::new();
    BufReader::new(bus.stdout.take().expect("a pipe"))
        .read_line(&mut address)
        .expect("the bus's address");
    (bus, address.trim_end().to_owned())
}

fn isolated(program: &str, home: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home)
        .env("XDG_RUNTIME_DIR", home.join("run"))
        .stdin(Stdio::null());
    command
}

fn is_installed(tool: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(tool).exists()))
}

fn send_signal(child: &Child, signal: &str) {
    let sent = Command::new("kill")
        .args([format!("-{signal}"), child.id().to_string()])
        .status();
    assert!(sent.is_ok_and(|status| status.success()), "kill -{signal}");
}

/// Waits for what must come soon.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "{what} did not come");
        thread::sleep(Duration::from_millis(10));
    }
}
