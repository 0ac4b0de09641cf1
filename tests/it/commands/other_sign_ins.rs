//! Records that no configured App uses: each is shown by `status` with the command that removes it, and
//! `logout --all` removes them all, whichever store holds them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use fake_github::{CLIENT_ID, FakeGitHub};
use ghtok::testing::app::App;
use ghtok::testing::store::Slot;
use ghtok::testing::store::file::FileSlot;
use ghtok::testing::store::record::encode;
use ghtok::testing::store::secret_service::SecretServiceSlot;
use serde_json::{Value, json};

use super::{HOUR, configured, error_code};
use crate::secret_service::bus::PrivateBus;
use crate::support::deadline::run_command;
use crate::support::sandbox::{Program, Run, Sandbox, path_of, record_of};
use crate::support::user_keyring::UserKeyring;

fn start() -> (FakeGitHub, Sandbox) {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    (fake, sandbox)
}

fn app(key: &str) -> App {
    App::of_key(key).expect(key)
}

/// A record in the file store.
fn put(fake: &FakeGitHub, sandbox: &Sandbox, key: &str) {
    let bytes = encode(&record_of(&fake.mint(CLIENT_ID), HOUR));
    put_bytes(sandbox, key, &bytes);
}

fn put_bytes(sandbox: &Sandbox, key: &str, bytes: &[u8]) {
    FileSlot::new(&sandbox.state_folder(), &app(key).key())
        .write(bytes)
        .expect("a record");
}

fn is_there(sandbox: &Sandbox, key: &str) -> bool {
    let records = sandbox.state_folder().records();
    records.join(app(key).key().file_name()).exists()
}

fn run(sandbox: &Sandbox, arguments: &[&str]) -> Run {
    run_command(&mut configured(sandbox, Program::Real, arguments))
}

/// The records that `status` shows as no configured App's.
fn others(told: &Run) -> Vec<Value> {
    let document: Value = serde_json::from_str(&told.stdout).expect("JSON");
    let apps = document["apps"].as_array().expect("a list");
    let others = apps.iter().filter(|app| app["configured"] == json!(false));
    others.cloned().collect()
}

/// Types a command into a shell.
fn typed(sandbox: &Sandbox, line: &str) -> Run {
    let program = path_of(Program::Real);
    let folder = program.parent().expect("a folder").display();
    let ghtok = configured(sandbox, Program::Real, &[]);
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-c", line])
        .env_clear()
        .envs(
            ghtok
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .env("PATH", format!("{folder}:/usr/bin:/bin"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    run_command(&mut shell)
}

/// A command that may use all stores, with this kernel keyring.
fn in_all_stores(kernel: &UserKeyring, sandbox: &Sandbox, arguments: &[&str]) -> Run {
    let mut command = configured(sandbox, Program::Real, arguments);
    kernel.use_in(&mut command);
    run_command(command.env_remove("GHTOK_STORE"))
}

#[test]
fn p12_every_record_is_shown_with_the_command_that_removes_it_and_no_other() {
    let (fake, sandbox) = start();
    let host = fake.host();
    // The configured App, one of the same client ID for an account, and three that nothing names.
    let [main, without_account, with_account, cloud, damaged] = [
        format!("{host}/{CLIENT_ID}/octocat"),
        format!("{host}/{CLIENT_ID}"),
        format!("{host}/{CLIENT_ID}/hubot"),
        "github.com/Iv23liELSEWHERE".to_owned(),
        "ghes.example:8443/Iv1.damaged".to_owned(),
    ];
    sandbox.configure(&format!(
        "[[app]]\nname = \"main\"\nclient_id = \"{CLIENT_ID}\"\nhost = \"{host}\"\naccount = \"octocat\"\n"
    ));
    for key in [&main, &without_account, &with_account, &cloud] {
        put(&fake, &sandbox, key);
    }
    put_bytes(&sandbox, &damaged, b"{\"v\":1,");
    let told = run(&sandbox, &["status", "--json"]).expect_code(0);
    let found = others(&told);
    let row = |found: &Value| {
        let text = |name: &str| found[name].as_str().expect(name).to_owned();
        format!("{}/{} {}", text("host"), text("client_id"), text("state"))
    };
    let rows: Vec<String> = found.iter().map(row).collect();
    for expected in [
        format!("{host}/{CLIENT_ID} valid"),
        "github.com/Iv23liELSEWHERE valid".into(),
        "ghes.example:8443/Iv1.damaged problem".into(),
    ] {
        assert!(rows.contains(&expected), "{expected}: {rows:?}");
    }
    assert_eq!(rows.len(), 4, "{rows:?}");
    assert_eq!(
        run(&sandbox, &["status", "--check"]).code,
        Some(0),
        "others do not count"
    );
    let text = run(&sandbox, &["status"]).expect_code(0).stdout;
    let mut left = vec![&main, &without_account, &with_account, &cloud, &damaged];
    for found in &found {
        let logout = found["logout"].as_str().expect("a command");
        assert!(
            text.contains(&format!("  remove with    {logout}\n")),
            "{text}"
        );
        typed(&sandbox, logout).expect_code(0);
        let gone: Vec<_> = left.iter().filter(|key| !is_there(&sandbox, key)).collect();
        assert_eq!(gone.len(), 1, "{logout} removed {gone:?}");
        left.retain(|key| is_there(&sandbox, key));
    }
    assert_eq!(left, [&main]);
    assert_eq!(
        others(&run(&sandbox, &["status", "--json"])),
        Vec::<Value>::new()
    );
}

#[test]
fn p12_logout_all_removes_what_no_configured_app_uses() {
    let (fake, sandbox) = start();
    let host = fake.host();
    let main = format!("{host}/{CLIENT_ID}");
    let keys = [
        "github.com/Iv23liELSEWHERE",
        "ghes.example/Iv1.damaged",
        "[::1]:3000/Iv1.a/octo",
        &main,
    ];
    for key in keys {
        put(&fake, &sandbox, key);
    }
    put_bytes(&sandbox, keys[1], b"\xff");
    sandbox.configure(&format!(
        "[[app]]\nname = \"main\"\nclient_id = \"{CLIENT_ID}\"\nhost = \"{host}\"\n"
    ));
    let told = run(&sandbox, &["logout", "--all"]).expect_code(0);
    for key in keys {
        assert!(!is_there(&sandbox, key), "{key}: {told:?}");
    }
    assert_eq!(
        told.stderr.matches("signed out").count(),
        keys.len(),
        "{told:?}"
    );
    let again = run(&sandbox, &["logout", "--all"]).expect_code(0);
    assert_eq!(
        again.stderr,
        "ghtok: main: not signed in; nothing was stored\n"
    );
    assert_eq!(fake.connections(), 0);
}

#[test]
fn p12_without_any_configured_app_the_stored_ones_are_shown_and_removed() {
    let (fake, sandbox) = start();
    run(&sandbox, &["status", "--check"]).expect_code(2);
    let told = run(&sandbox, &["logout", "--all"]).expect_code(0);
    assert_eq!(told.stderr, "ghtok: nothing is stored\n");
    let key = "github.com/Iv23liELSEWHERE";
    put(&fake, &sandbox, key);
    let told = run(&sandbox, &["status"]).expect_code(0);
    assert!(
        told.stdout
            .contains("ghtok logout --client-id Iv23liELSEWHERE --host github.com")
    );
    // What `get` would end with.
    run(&sandbox, &["status", "--check"]).expect_code(2);
    run(&sandbox, &["logout", "--all"]).expect_code(0);
    assert!(!is_there(&sandbox, key));
}

#[test]
fn p12_logout_all_removes_what_a_record_left_in_the_state_folder_and_nothing_else_there() {
    let (_fake, sandbox) = start();
    let folder = sandbox.state_folder();
    folder.create().expect("a folder");
    fs::create_dir(folder.records()).expect("a folder");
    let key = app("github.com/Iv23liELSEWHERE").key();
    let written_halfway = folder.records().join(format!("{}.new", key.file_name()));
    let leftovers = [
        folder.rescue(&key),
        folder.log(&key),
        folder.chosen_store(&key),
        written_halfway,
    ];
    let kept = [
        folder.timer(),
        folder.timer_run(),
        folder.records().join("a note"),
        folder.path().join("x.store"),
    ];
    for path in leftovers.iter().chain(&kept) {
        fs::write(path, "file\n").expect("a file");
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("a mode");
    }
    run(&sandbox, &["logout", "--all"]).expect_code(0);
    for path in &leftovers {
        assert!(!path.exists(), "{}", path.display());
    }
    for path in &kept {
        assert!(path.exists(), "{}", path.display());
    }
}

#[test]
fn p12_a_record_left_in_another_store_is_shown_and_removed() {
    let (fake, sandbox) = start();
    let host = fake.host();
    let key = format!("{host}/{CLIENT_ID}");
    sandbox.configure(&format!(
        "store = \"kernel\"\n[[app]]\nname = \"main\"\nclient_id = \"{CLIENT_ID}\"\nhost = \"{host}\"\n"
    ));
    put(&fake, &sandbox, &key);
    let Some(kernel) = UserKeyring::new() else {
        return;
    };
    let told = in_all_stores(&kernel, &sandbox, &["status", "--json"]).expect_code(0);
    let [found] = &others(&told)[..] else {
        panic!("{told:?}")
    };
    assert_eq!(found["app"], "main");
    assert_eq!(found["logout"], "ghtok logout main --store file");
    in_all_stores(&kernel, &sandbox, &["logout", "--all"]).expect_code(0);
    assert!(!is_there(&sandbox, &key));
}

#[test]
fn p12_records_on_the_kernel_keyring_are_shown_and_removed() {
    let (fake, sandbox) = start();
    let record = sandbox.home().join("record");
    fs::write(&record, encode(&record_of(&fake.mint(CLIENT_ID), HOUR))).expect("a file");
    let ghtok = path_of(Program::Real);
    let script = format!(
        "set -eu\n\
         keyctl padd user ghtok:ghes.example/Iv1.kernel @u <{record} >/dev/null\n\
         keyctl padd user 'ghtok:ghes.example/Iv1.kernel (probe)' @u <{record} >/dev/null\n\
         keyctl padd user other:thing @u <{record} >/dev/null\n\
         {ghtok} status --json\n\
         {ghtok} logout --all\n\
         keyctl rlist @u >/dev/null; keyctl search @u user other:thing >/dev/null\n\
         if keyctl search @u user ghtok:ghes.example/Iv1.kernel 2>/dev/null; then exit 9; fi",
        record = record.display(),
        ghtok = ghtok.display(),
    );
    let mut shell = Command::new("/bin/sh");
    let command = configured(&sandbox, Program::Real, &[]);
    shell
        .args(["-c", &script])
        .env_clear()
        .envs(
            command
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .env_remove("GHTOK_STORE")
        .env("PATH", "/usr/bin:/bin")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let Some(kernel) = UserKeyring::new() else {
        return;
    };
    kernel.use_in(&mut shell);
    let told = run_command(&mut shell).expect_code(0);
    let [found] = &others(&told)[..] else {
        panic!("{told:?}")
    };
    assert_eq!(found["client_id"], "Iv1.kernel");
    assert_eq!(found["login"], "octocat");
    assert_eq!(
        found["logout"],
        "ghtok logout --client-id Iv1.kernel --host ghes.example --store kernel"
    );
}

/// A command that sees the keychain of this bus, and no other store.
fn with_keychain(sandbox: &Sandbox, bus: &PrivateBus, arguments: &[&str]) -> Run {
    let session = bus.session();
    let mut command = configured(sandbox, Program::Real, arguments);
    command
        .env("GHTOK_STORE", "keychain")
        .env(
            "DBUS_SESSION_BUS_ADDRESS",
            session.bus_address.expect("an address"),
        )
        .env("XDG_RUNTIME_DIR", session.runtime_dir.expect("a folder"));
    run_command(&mut command)
}

#[test]
fn p12_records_in_a_real_keychain_are_shown_and_removed_and_a_locked_one_is_named() {
    let Some(bus) = PrivateBus::with_keyring() else {
        return;
    };
    let (fake, sandbox) = start();
    let keys = ["ghes.example/Iv1.first", "github.com/Iv23liSECOND/octo"];
    let slot = |key: &str| SecretServiceSlot::new(&app(key).key(), bus.session(), super::TWO_HOURS);
    for key in keys {
        let bytes = encode(&record_of(&fake.mint(CLIENT_ID), HOUR));
        slot(key).write(&bytes).expect("written");
    }
    let told = with_keychain(&sandbox, &bus, &["status", "--json"]).expect_code(0);
    let commands: Vec<Value> = others(&told)
        .iter()
        .map(|found| found["logout"].clone())
        .collect();
    assert_eq!(
        commands,
        [
            "ghtok logout --client-id Iv1.first --host ghes.example --store keychain",
            "ghtok logout --client-id Iv23liSECOND --host github.com --account octo --store keychain",
        ]
    );
    bus.lock();
    let told = with_keychain(&sandbox, &bus, &["logout", "--all", "--json"]).expect_code(6);
    for line in told.stderr.lines() {
        let error: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(error["error"]["exit_code"], 6, "{told:?}");
    }
    assert!(told.stderr.contains("locked"), "{told:?}");
    let shown = with_keychain(&sandbox, &bus, &["status", "--json"]);
    assert!(
        shown.stdout.contains("locked") || shown.stderr.contains("no GitHub App"),
        "{shown:?}"
    );
    bus.unlock();
    with_keychain(&sandbox, &bus, &["logout", "--all"]).expect_code(0);
    for key in keys {
        assert_eq!(
            slot(key).read().expect("open").map(|bytes| bytes.len()),
            None,
            "{key}"
        );
    }
    let told = with_keychain(&sandbox, &bus, &["logout", "--all"]).expect_code(0);
    assert_eq!(told.stderr, "ghtok: nothing is stored\n");
}

#[test]
fn p9_a_locked_keychain_is_not_taken_for_an_empty_one_by_logout_all() {
    let Some(bus) = PrivateBus::with_keyring() else {
        return;
    };
    let (_fake, sandbox) = start();
    bus.lock();
    let told = with_keychain(&sandbox, &bus, &["logout", "--all", "--json"]).expect_code(6);
    assert_eq!(error_code(&told), "store_not_listed");
}

/// A store that is not there holds nothing, unless a sign-in went to it.
#[test]
fn p12_a_keychain_out_of_reach_is_named_where_a_sign_in_went_to_it() {
    let (_fake, sandbox) = start();
    let arguments = ["logout", "--all", "--json"];
    let Some(kernel) = UserKeyring::new() else {
        return;
    };
    in_all_stores(&kernel, &sandbox, &arguments).expect_code(0);
    let folder = sandbox.state_folder();
    folder.create().expect("a folder");
    let note = folder.chosen_store(&app("github.com/Iv23liELSEWHERE").key());
    fs::write(&note, "keychain\n").expect("a note");
    fs::set_permissions(&note, fs::Permissions::from_mode(0o600)).expect("a mode");
    let told = in_all_stores(&kernel, &sandbox, &arguments).expect_code(6);
    assert_eq!(error_code(&told), "store_unreachable");
    assert!(note.exists(), "it is still known where the sign-in is");
    let told = in_all_stores(&kernel, &sandbox, &["status", "--json"]).expect_code(0);
    assert_eq!(others(&told)[0]["problem"]["code"], "store_unreachable");
}
