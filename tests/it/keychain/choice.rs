//! Which store a sign-in goes to and is looked for in, whatever became of the one before.
//!
//! | the last sign-in went to | that store now | keychain now | `get` | `login` without a store |
//! |---|---|---|---|---|
//! | kernel | emptied | there | vanished | keychain |
//! | kernel | good | there | served | stays; `--force`: keychain |
//! | kernel | emptied | has an old sign-in | vanished | takes that one |
//! | keychain | no bus | | out of reach | kernel |
//! | keychain | made anew, empty | there | vanished | keychain |
//! | keychain | locked or silent | | locked, no answer | the same error |
//! | file | gone | there | vanished | keychain; the hint names `--store file` |
//! | nowhere | | no collection | not signed in | kernel |

use ghtok::testing::store::chosen_store;

use super::*;
use crate::support::user_keyring::UserKeyring;

/// A keychain, and a kernel keyring beside it, both empty and of this test alone.
struct Stores {
    keychain: Keychain,
    kernel: UserKeyring,
}

impl Stores {
    fn new() -> Option<Self> {
        Self::on(PrivateBus::with_keyring()?)
    }

    fn on(bus: PrivateBus) -> Option<Self> {
        let kernel = UserKeyring::new()?;
        let fake = hurried_fake().start().expect("a fake");
        let sandbox = Sandbox::new(&fake);
        let keychain = Keychain { fake, sandbox, bus };
        Some(Self { keychain, kernel })
    }

    fn command(&self, program: Program, arguments: &[&str]) -> Command {
        let mut command = self.keychain.command(program, arguments);
        self.kernel.use_in(&mut command);
        command
    }

    fn run(&self, arguments: &[&str]) -> Run {
        run_command(&mut self.command(Program::Real, arguments))
    }

    /// A sign-in that a person approves.
    #[track_caller]
    fn login(&self, arguments: &[&str]) -> Run {
        let arguments = [&["login"], arguments].concat();
        let login = self.command(Program::Hurried, &arguments);
        let fake = &self.keychain.fake;
        decide(fake, login, |code| fake.approve(code)).expect_code(0)
    }

    /// The same where no session bus is.
    #[track_caller]
    fn login_without_bus(&self, arguments: &[&str]) -> Run {
        let arguments = [&["login"], arguments].concat();
        let login = self.without_bus(Program::Hurried, &arguments);
        let fake = &self.keychain.fake;
        decide(fake, login, |code| fake.approve(code)).expect_code(0)
    }

    fn without_bus(&self, program: Program, arguments: &[&str]) -> Command {
        let mut command = self.keychain.sandbox.command(program, arguments);
        command.env_remove("GHTOK_STORE");
        self.kernel.use_in(&mut command);
        command
    }

    fn chosen_store(&self) -> Option<String> {
        let sandbox = &self.keychain.sandbox;
        let note = sandbox.state_folder().chosen_store(&sandbox.app().key());
        chosen_store::read(&note).expect("readable")
    }

    fn is_in_kernel(&self) -> bool {
        let key = self.keychain.sandbox.app().key();
        self.kernel.has(&format!("ghtok:{}", key.as_str()))
    }

    fn is_in_keychain(&self) -> bool {
        !self.keychain.witness().is_empty()
    }

    /// What a reboot does to the kernel keyring.
    fn reboot(&self) {
        self.kernel.clear();
    }
}

#[track_caller]
fn vanished(told: &Run) {
    assert_eq!(told.code, Some(4), "{told:?}");
    assert!(told.stderr.contains("is missing from"), "{told:?}");
    assert!(told.stderr.contains("nobody signed out"), "{told:?}");
}

#[test]
fn a_kernel_keyring_emptied_by_a_reboot_is_told_and_the_next_sign_in_goes_to_the_keychain() {
    let Some(stores) = Stores::new() else {
        return;
    };
    stores.login_without_bus(&[]);
    assert_eq!(stores.chosen_store().as_deref(), Some("kernel"));
    stores.reboot();
    let told = stores.run(&["get"]);
    vanished(&told);
    assert!(
        told.stderr.contains("kernel keyring (emptied by a reboot)"),
        "{told:?}"
    );
    assert!(
        !told.stderr.contains("--store"),
        "nobody named a store: {told:?}"
    );
    let json = stores.run(&["get", "--format", "json"]);
    assert!(
        json.stderr.contains("\"code\":\"sign_in_vanished\""),
        "{json:?}"
    );
    stores.run(&["status", "--check"]).expect_code(4);

    stores.login(&[]);
    assert_eq!(stores.chosen_store().as_deref(), Some("keychain"));
    assert!(stores.is_in_keychain() && !stores.is_in_kernel());
    stores.run(&["get"]).expect_code(0);
}

#[test]
fn a_good_sign_in_stays_where_it_is_and_a_new_one_leaves_nothing_behind() {
    let Some(stores) = Stores::new() else {
        return;
    };
    stores.login_without_bus(&[]);
    let first = stores.run(&["get"]).token().to_owned();
    let told = stores.run(&["login"]).expect_code(0);
    assert!(told.stderr.contains("already signed in"), "{told:?}");
    assert!(stores.is_in_kernel() && !stores.is_in_keychain());

    stores.login(&["--force"]);
    assert!(stores.is_in_keychain() && !stores.is_in_kernel());
    assert_ne!(stores.run(&["get"]).token(), first);

    stores.login(&["--store", "file"]);
    assert!(!stores.is_in_keychain());
    assert_eq!(stores.chosen_store().as_deref(), Some("file"));
    stores.run(&["get"]).expect_code(0);
}

#[test]
fn an_older_sign_in_that_is_still_in_the_keychain_is_taken_and_found_from_then_on() {
    let Some(stores) = Stores::new() else {
        return;
    };
    stores.login(&[]);
    let told = stores.login_without_bus(&[]);
    assert!(told.stderr.contains("using the kernel keyring"), "{told:?}");
    assert!(
        told.stderr
            .contains("the earlier sign-in stays in the keychain"),
        "{told:?}"
    );
    assert!(stores.is_in_kernel() && stores.is_in_keychain());
    stores.reboot();
    vanished(&stores.run(&["get"]));
    let told = stores.run(&["login"]).expect_code(0);
    assert!(told.stderr.contains("already signed in"), "{told:?}");
    assert_eq!(stores.chosen_store().as_deref(), Some("keychain"));
    stores.run(&["get"]).expect_code(0);
}

#[test]
fn p9_without_the_bus_a_sign_in_in_the_keychain_is_out_of_reach_and_a_new_one_is_advised() {
    let Some(stores) = Stores::new() else {
        return;
    };
    stores.login(&[]);
    let mut get = stores.without_bus(Program::Real, &["get"]);
    let told = run_command(&mut get).expect_code(6);
    assert!(told.stderr.contains("DBUS_SESSION_BUS_ADDRESS"), "{told:?}");
    assert!(
        told.stderr.contains("sign in with:\n  ghtok login"),
        "{told:?}"
    );
    assert!(!told.stderr.contains("--store"), "{told:?}");
    stores.login_without_bus(&[]);
    run_command(&mut stores.without_bus(Program::Real, &["get"])).expect_code(0);
    run_command(&mut stores.without_bus(Program::Real, &["logout"])).expect_code(0);
    let told = run_command(&mut stores.without_bus(Program::Real, &["get"]));
    assert_eq!(
        told.code,
        Some(4),
        "after a sign-out nothing is missing: {told:?}"
    );
}

#[test]
fn a_keychain_that_was_made_anew_has_lost_the_sign_in() {
    let Some(mut stores) = Stores::new() else {
        return;
    };
    stores.login(&[]);
    stores.keychain.bus.replace_keyring();
    let told = stores.run(&["get"]);
    vanished(&told);
    assert!(
        told.stderr.contains("the keychain (Secret Service)"),
        "{told:?}"
    );
    stores.login(&[]);
    stores.run(&["get"]).expect_code(0);
}

#[test]
fn a_secret_service_without_a_collection_is_not_locked() {
    let Some(mut bus) = PrivateBus::without_keyring() else {
        return;
    };
    bus.start_locked_keyring();
    let Some(stores) = Stores::on(bus) else {
        return;
    };
    let named = ["login", "--store", "keychain", "--json"];
    let mut login = stores.command(Program::Hurried, &named);
    let told = run_command(&mut login).expect_code(6);
    assert!(told.stderr.contains("no keyring yet"), "{told:?}");
    assert!(
        told.stderr.contains("--store kernel"),
        "another than the named one: {told:?}"
    );
    let told = stores.login(&[]);
    assert!(told.stderr.contains("no keyring yet"), "{told:?}");
    assert!(stores.is_in_kernel());
    stores.run(&["get"]).expect_code(0);
}

#[test]
fn p9_a_locked_or_silent_keychain_is_not_passed_over_at_a_sign_in() {
    let Some(stores) = Stores::new() else {
        return;
    };
    stores.keychain.bus.lock();
    let locked = stores.run(&["login"]).expect_code(6);
    assert!(locked.stderr.contains("is still locked"), "{locked:?}");
    stores.keychain.bus.signal_keyring("STOP");
    let silent = stores.run(&["login"]).expect_code(6);
    stores.keychain.bus.signal_keyring("CONT");
    assert!(
        silent.stderr.contains("did not answer within"),
        "{silent:?}"
    );
    assert!(silent.stderr.contains("--store kernel"), "{silent:?}");
    assert!(!stores.is_in_kernel());
    assert_eq!(stores.keychain.fake.count(Endpoint::DeviceCode), 0);
}

#[test]
fn p6_a_bus_that_is_not_ours_is_not_passed_over_at_a_sign_in() {
    let Some(stores) = Stores::new() else {
        return;
    };
    let mut login = stores.command(Program::Real, &["login"]);
    let session = stores.keychain.bus.session();
    let real = session.bus_address.expect("an address");
    let (real, _) = real.split_once(",guid=").expect("a guid");
    login.env("DBUS_SESSION_BUS_ADDRESS", format!("{real},guid=0"));
    let told = run_command(&mut login).expect_code(6);
    assert!(told.stderr.contains("guid differs"), "{told:?}");
    assert!(!stores.is_in_kernel());
}

#[test]
fn plain_files_are_named_again_by_the_advice_for_somebody_once_asked_for_them() {
    let Some(stores) = Stores::new() else {
        return;
    };
    stores.login(&["--store", "file"]);
    fs::remove_file(stores.keychain.sandbox.record_file()).expect("removed");
    let told = stores.run(&["get"]);
    vanished(&told);
    assert!(told.stderr.contains("--store file"), "{told:?}");
    stores.login(&[]);
    assert_eq!(stores.chosen_store().as_deref(), Some("keychain"));
}
