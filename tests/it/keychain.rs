//! The whole program on a real gnome-keyring, and on the kernel keyring: what the core proves on
//! the file store, once more where it matters.

mod cached;
mod choice;
mod doctor;
mod exchanges;
mod keepassxc;
mod scoped;
mod syncs;

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fake_github::{Builder, CLIENT_ID, Endpoint, FakeGitHub, Stage};
use ghtok::testing::auth::ports::{LockedStore, TokenStore};
use ghtok::testing::auth::record::Record;
use ghtok::testing::store::RecordStore;
use ghtok::testing::store::secret_service::SecretServiceSlot;
use ghtok::testing::token::TokenSet;

use crate::secret_service::bus::PrivateBus;
use crate::support::deadline::{ends, run_command};
use crate::support::processes::in_full;
use crate::support::sandbox::{Program, Run, Sandbox, now, record_of};
use crate::support::signing_in::{decide, hurried_fake};
use crate::support::user_keyring::UserKeyring;

const HOUR: Duration = Duration::from_secs(3600);
const DUE: Duration = Duration::from_secs(60);

/// A sandbox whose keychain is a gnome-keyring of its own.
struct Keychain {
    fake: FakeGitHub,
    sandbox: Sandbox,
    bus: PrivateBus,
}

impl Keychain {
    fn new() -> Option<Self> {
        Self::at(hurried_fake())
    }

    fn at(fake: Builder) -> Option<Self> {
        let bus = PrivateBus::with_keyring()?;
        let fake = fake.start().expect("a fake");
        let sandbox = Sandbox::new(&fake);
        Some(Self { fake, sandbox, bus })
    }

    /// ghtok that is told nothing about a store, as most people run it.
    fn command(&self, program: Program, arguments: &[&str]) -> Command {
        let mut command = self.sandbox.command(program, arguments);
        let session = self.bus.session();
        command
            .env_remove("GHTOK_STORE")
            .env(
                "DBUS_SESSION_BUS_ADDRESS",
                session.bus_address.expect("an address"),
            )
            .env("XDG_RUNTIME_DIR", session.runtime_dir.expect("a folder"));
        command
    }

    fn run(&self, arguments: &[&str]) -> Run {
        run_command(&mut self.command(Program::Real, arguments))
    }

    /// Runs a command and gives the system calls of these names that it made, with all processes that it
    /// started.
    fn traced(&self, arguments: &[&str], names: &str) -> (Run, String) {
        let log = self.sandbox.home().join("calls");
        let plain = self.command(Program::Real, arguments);
        let mut traced = Command::new("strace");
        traced
            .args(["-f", "-y", "-s", "65536", "-o"])
            .arg(&log)
            .args(["-e", &format!("trace={names}")])
            .arg(plain.get_program())
            .args(plain.get_args())
            .env_clear()
            .envs(
                plain
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            )
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let run = run_command(&mut traced);
        (run, fs::read_to_string(&log).expect("the system calls"))
    }

    fn store(&self) -> RecordStore {
        let key = self.sandbox.app().key();
        let slot = SecretServiceSlot::new(&key, self.bus.session(), Duration::from_secs(5));
        RecordStore::new(Box::new(slot), self.sandbox.state_folder(), key)
    }

    fn with_lock(&self, deed: impl FnOnce(&mut dyn LockedStore)) {
        let store = self.store();
        let mut locked = store.try_lock().expect("a lock").expect("free");
        deed(locked.as_mut());
    }

    /// Stores a sign-in as a login would have left it.
    fn seed(&self, left: Duration) -> String {
        let pair = self.fake.mint(CLIENT_ID);
        self.with_lock(|locked| {
            locked.save(&record_of(&pair, left)).expect("stored");
            locked.remember_store().expect("remembered");
        });
        pair.access_token
    }

    fn record(&self) -> Record {
        self.store().load().expect("readable").expect("a record")
    }

    fn let_it_come_due(&self) {
        let mut record = self.record();
        if let TokenSet::Expiring { access, .. } = &mut record.tokens {
            access.expires_at = now().after(DUE);
        }
        self.with_lock(|locked| locked.save(&record).expect("stored"));
    }

    /// What `secret-tool` sees under the attributes of the keyring crates.
    fn witness(&self) -> String {
        let key = self.sandbox.app().key();
        let arguments = ["lookup", "service", "ghtok", "username", key.as_str()];
        String::from_utf8(self.bus.secret_tool(&arguments, b"").stdout).expect("text")
    }
}

#[test]
fn p1_sign_in_refresh_and_sign_out_on_a_plain_gnome_keyring() {
    let Some(keychain) = Keychain::new() else {
        return;
    };
    let login = keychain.command(Program::Hurried, &["login"]);
    let told = decide(&keychain.fake, login, |code| keychain.fake.approve(code)).expect_code(0);
    assert!(
        told.stderr
            .contains("stored in the keychain (Secret Service)"),
        "{told:?}"
    );

    let first = keychain.run(&["get"]).token().to_owned();
    assert!(
        keychain.witness().contains(&first),
        "secret-tool sees the same item"
    );
    assert!(!keychain.sandbox.state_folder().records().exists());

    keychain.let_it_come_due();
    let second = keychain.run(&["get"]);
    assert_eq!(second.stderr, "", "a refresh is silent");
    assert_ne!(second.token(), first);
    assert!(keychain.fake.is_alive(second.token()));
    assert!(keychain.witness().contains(second.token()));

    let status = keychain.run(&["status"]).expect_code(0);
    assert!(
        status.stdout.contains("the keychain (Secret Service)"),
        "{status:?}"
    );
    keychain.run(&["logout"]).expect_code(0);
    assert_eq!(keychain.witness(), "");
    keychain.run(&["get"]).expect_code(4);
    assert_eq!(keychain.fake.violations(), []);
}

#[test]
fn p1_no_token_is_on_disk() {
    let Some(keychain) = Keychain::new() else {
        return;
    };
    let old = keychain.seed(DUE);
    let new = keychain.run(&["get"]).token().to_owned();
    let folder = keychain.sandbox.state_folder();
    let mut looked_at = 0;
    for entry in fs::read_dir(folder.path()).expect("a folder") {
        let content = fs::read(entry.expect("an entry").path()).expect("a file");
        let text = String::from_utf8_lossy(&content).into_owned();
        assert!(
            !text.contains(&old) && !text.contains(&new) && !text.contains("ghr_"),
            "{text}"
        );
        looked_at += 1;
    }
    assert!(looked_at >= 3, "lock, outcome and store were there");
}

#[test]
fn p2_fifty_processes_share_one_refresh_on_gnome_keyring_and_it_survives() {
    share_one_refresh_on_gnome_keyring(50);
}

#[test]
fn p2_many_processes_share_one_refresh_on_gnome_keyring_and_it_survives() {
    share_one_refresh_on_gnome_keyring(if in_full() { 1000 } else { 150 });
}

fn share_one_refresh_on_gnome_keyring(count: usize) {
    let Some(mut keychain) = Keychain::new() else {
        return;
    };
    let pid = keychain.bus.keyring_pid();
    keychain.seed(DUE);
    keychain.fake.delay(
        Endpoint::Refresh,
        Stage::BeforeProcessing,
        Duration::from_millis(200),
    );
    let callers: Vec<_> = (0..count)
        .map(|_| {
            keychain
                .command(Program::Real, &["get"])
                .spawn()
                .expect("started")
        })
        .collect();
    let tokens: Vec<String> = callers
        .into_iter()
        .map(|caller| ends(caller, Duration::from_secs(60)).token().to_owned())
        .collect();
    assert!(tokens.iter().all(|token| *token == tokens[0]));
    assert!(keychain.fake.is_alive(&tokens[0]));
    assert_eq!(keychain.fake.count(Endpoint::Refresh), 1);
    assert_eq!(
        keychain.bus.keyring_pid(),
        pid,
        "the daemon is the same process"
    );
}

/// The keychain fails while GitHub has the request: the new pair waits in the rescue file.
#[track_caller]
fn loses_nothing(fail: impl FnOnce(&mut PrivateBus), mend: impl FnOnce(&mut PrivateBus)) {
    let Some(mut keychain) = Keychain::new() else {
        return;
    };
    keychain.seed(DUE);
    let held = fake_github::Fault::after(fake_github::Failure::Gate);
    keychain.fake.fail_next(Endpoint::Refresh, held);
    let caller = keychain
        .command(Program::Hurried, &["get"])
        .spawn()
        .expect("started");
    let patience = Duration::from_secs(20);
    keychain
        .fake
        .wait_for_held(Endpoint::Refresh, 1, patience)
        .expect("held");
    fail(&mut keychain.bus);
    keychain.fake.release(Endpoint::Refresh);
    let told = ends(caller, Duration::from_secs(60));
    assert!(matches!(told.code, Some(6 | 7)), "{told:?}");
    assert!(keychain.sandbox.rescue_file().exists(), "sealed");
    keychain.run(&["get"]).expect_code(6);

    mend(&mut keychain.bus);
    let next = keychain.run(&["get"]);
    assert!(keychain.fake.is_alive(next.token()), "{next:?}");
    assert_eq!(
        keychain.fake.count(Endpoint::Refresh),
        1,
        "adopted, not refreshed again"
    );
    assert!(!keychain.sandbox.rescue_file().exists());
}

#[test]
fn p3_a_keychain_that_locks_between_rotation_and_save_loses_nothing() {
    loses_nothing(|bus| bus.lock(), |bus| bus.unlock());
}

#[test]
fn p3_a_keychain_that_stops_between_rotation_and_save_loses_nothing() {
    loses_nothing(
        |bus| bus.signal_keyring("STOP"),
        |bus| bus.signal_keyring("CONT"),
    );
}

#[test]
fn p3_a_keychain_that_is_killed_between_rotation_and_save_loses_nothing() {
    // The bus starts another one for the next call, and that one is locked.
    loses_nothing(PrivateBus::kill_keyring, |bus| bus.unlock());
}

#[test]
fn p9_locked_is_not_signed_out_and_starts_no_device_flow() {
    let Some(keychain) = Keychain::new() else {
        return;
    };
    keychain.seed(HOUR);
    keychain.bus.lock();
    for arguments in [
        &["get"][..],
        &["refresh"],
        &["status", "--check"],
        &["logout"],
    ] {
        let began = Instant::now();
        let told = keychain.run(arguments).expect_code(6);
        assert!(began.elapsed() < Duration::from_secs(6), "{arguments:?}");
        let said = format!("{}{}", told.stdout, told.stderr);
        assert!(
            said.contains("is locked") && said.contains("ghtok login"),
            "{said}"
        );
    }
    keychain.bus.unlock();
    assert_eq!(keychain.run(&["get"]).code, Some(0), "nothing was lost");
    assert_eq!(keychain.fake.count(Endpoint::DeviceCode), 0);
}

#[test]
fn p9_a_stopped_keychain_is_given_up_in_time() {
    let Some(keychain) = Keychain::new() else {
        return;
    };
    keychain.seed(HOUR);
    keychain.bus.signal_keyring("STOP");
    let began = Instant::now();
    let told = keychain.run(&["get"]).expect_code(6);
    keychain.bus.signal_keyring("CONT");
    let took = began.elapsed();
    assert!((4..8).contains(&took.as_secs()), "{took:?}");
    assert!(
        told.stderr.contains("did not answer within 5 s"),
        "{told:?}"
    );
    assert_eq!(keychain.run(&["get"]).code, Some(0), "nothing was lost");
}

/// No bus at all: nothing that is stored elsewhere is taken for it.
#[test]
fn p9_without_a_bus_the_keychain_is_out_of_reach_and_named() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let mut get = sandbox.command(Program::Real, ["get"]);
    get.env_remove("GHTOK_STORE");
    let told = run_command(&mut get).expect_code(6);
    assert!(
        told.stderr.contains("cannot reach the keychain"),
        "{told:?}"
    );
    let login = format!("sign in with:\n  ghtok login --client-id {CLIENT_ID} --host");
    assert!(told.stderr.contains(&login), "{told:?}");
    assert!(!told.stderr.contains("--store"), "{told:?}");
}

/// A sign-in that names no store, on a machine without a Secret Service.
#[test]
fn p1_without_a_secret_service_a_sign_in_goes_to_the_kernel_keyring_and_says_so() {
    let Some(kernel) = UserKeyring::new() else {
        return;
    };
    let fake = hurried_fake().start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    let command = |program, arguments: &[&str]| {
        let mut command = sandbox.command(program, arguments);
        command.env_remove("GHTOK_STORE");
        kernel.use_in(&mut command);
        command
    };
    let login = command(Program::Hurried, &["login"]);
    let told = decide(&fake, login, |code| fake.approve(code)).expect_code(0);
    assert!(told.stderr.contains("using the kernel keyring"), "{told:?}");
    let first = run_command(&mut command(Program::Real, &["get"]))
        .token()
        .to_owned();
    let forced = run_command(&mut command(Program::Real, &["refresh", "--force"]));
    assert_eq!(forced.code, Some(0), "{forced:?}");
    let second = run_command(&mut command(Program::Real, &["get"]))
        .token()
        .to_owned();
    assert!(first != second && fake.is_alive(&second));
    run_command(&mut command(Program::Real, &["logout"])).expect_code(0);
    run_command(&mut command(Program::Real, &["get"])).expect_code(4);
}
