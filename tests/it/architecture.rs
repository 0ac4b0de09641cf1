//! Which file of `src` may import which, read off the sources by a Rust parser. What is not yet as
//! it should be is listed here, and a list with an entry too many fails too: the lists only shrink.

mod circles;
mod sources;

use std::collections::BTreeSet;
use std::process::Command;

use circles::circles;
use sources::{Source, files, parse, source_root, sources};

/// The modules from the top to the bottom; each may import those below it.
const LAYERS: &[&str] = &[
    "main",
    "lib",
    "testing",
    "cli",
    "commands",
    "mcp",
    "sandbox",
    "session",
    "store",
    "schedule",
    "system",
    "bus",
    "auth",
    "config",
    "github",
    "formats",
    "app",
    "host",
    "error",
    "limits",
    "permits",
    "plain_file",
    "private_file",
    "store_choice",
    "spelling",
    "token",
];

/// What the order alone would allow, and must not be.
const FORBIDDEN: [(&str, &str); 5] = [
    ("auth", "config"),
    ("store", "config"),
    ("system", "config"),
    ("store", "system"),
    ("store", "github"),
];

/// What `session.rs` alone hands out: stores, and whatever starts a program or talks to a scheduler.
const SESSION_ONLY: [&str; 4] = [
    "store",
    "system/notification",
    "system/process",
    "system/refresher",
];

/// Files that import one of [`SESSION_ONLY`] all the same.
const NOT_BY_SESSION: &[&str] = &[
    "commands/exec.rs: system/process",
    "commands/git_credential/via.rs: system/process",
    "commands/sign_in/countdown.rs: system/process",
    "commands/mcp.rs: system/process",
    "commands/sandbox/command_env.rs: system/process",
    "commands/sandbox/gh.rs: system/process",
    "commands/sandbox/run.rs: system/process",
    "commands/sandbox/serve.rs: system/process",
    "commands/schedule/check.rs: system/notification",
    "commands/schedule/run.rs: system/notification",
    "commands/setup/mcp/own_command.rs: system/process",
    "lib.rs: system/process",
    "mcp/server_process.rs: system/process",
    "mcp/streams.rs: system/process",
    "mcp/watchdog.rs: system/process",
    "schedule/installer.rs: system/process",
];

/// Subcommands that ask nobody: they must not start a device flow nor have a keychain unlocked.
const NEVER_PROMPTING: &[&str] = &[
    "doctor",
    "exec",
    "get",
    "git_credential",
    "headers",
    "reject",
];
const CAPABILITIES: [&str; 5] = [
    "DeviceFlow",
    "DeviceFlowPermit",
    "Prompt",
    "UnlockPermit",
    "unlock",
];

/// What only some code may do, and the only files that name it. Who wants a permit must name it: the
/// permit to send a refresh token (P3) and the trait of the held lock that it is made from; the device
/// flow and the permit to start one, the permit to have a keychain unlocked, and the sign-in of `login`
/// and `app new`, which makes both (P5).
const HELD_BY: [(&str, &[&str]); 6] = [
    ("HeldLock", &["permits.rs", "store/lock.rs", "testing.rs"]),
    (
        "RefreshPermit",
        &[
            "auth/authorization_server.rs",
            "auth/ports.rs",
            "github/refresh_token.rs",
            "permits.rs",
            "store/record_store.rs",
            "testing.rs",
        ],
    ),
    (
        "DeviceFlow",
        &[
            "auth/device_flow.rs",
            "session/sign_in/new_sign_in.rs",
            "testing.rs",
        ],
    ),
    (
        "DeviceFlowPermit",
        &[
            "auth/device_flow.rs",
            "commands/sign_in.rs",
            "github/device_code.rs",
            "mcp/sign_in.rs",
            "permits.rs",
            "session/sign_in.rs",
            "session/sign_in/new_sign_in.rs",
            "testing.rs",
        ],
    ),
    (
        "UnlockPermit",
        &[
            "auth/ports.rs",
            "commands/sign_in.rs",
            "permits.rs",
            "session/stores.rs",
            "store.rs",
            "store/file.rs",
            "store/kernel.rs",
            "store/keyring.rs",
            "store/record_store.rs",
            "store/secret_service.rs",
            "testing.rs",
        ],
    ),
    (
        "SignInRun",
        &[
            "commands.rs",
            "commands/login.rs",
            "commands/new_app.rs",
            "commands/sign_in.rs",
            "commands/sign_in/countdown.rs",
            "commands/sign_in/interactive.rs",
            "commands/sign_in/messages.rs",
            "commands/sign_in/next_steps.rs",
            "commands/sign_in/saved_app.rs",
        ],
    ),
];

#[test]
fn imports_point_down_only() {
    let wrong: BTreeSet<String> = sources().iter().flat_map(upward_imports).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_module_has_its_layer() {
    for (file, _) in files() {
        let layer = file.split(['/', '.']).next().unwrap_or_default();
        assert!(LAYERS.contains(&layer), "{file} has no layer");
    }
}

#[test]
fn no_command_imports_another() {
    let wrong: BTreeSet<String> = sources().iter().flat_map(imported_commands).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn session_alone_imports_stores_and_starts_programs() {
    let found = sources().iter().filter_map(session_bypass);
    assert_listed(found, NOT_BY_SESSION);
}

#[test]
fn subcommands_that_ask_nobody_cannot_prompt() {
    let wrong: BTreeSet<String> = sources().iter().flat_map(forbidden_capabilities).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn p3_p5_capabilities_are_named_only_where_they_are_made_and_asked_for() {
    for (capability, files) in HELD_BY {
        assert_listed(holders(sources(), capability), files);
    }
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    assert_eq!(circles(sources()), Vec::<String>::new());
}

#[test]
fn every_file_lies_where_its_module_says() {
    let redirecting = sources().iter().filter(|source| source.redirects);
    let redirecting: Vec<&str> = redirecting.map(|source| source.file.as_str()).collect();
    assert!(redirecting.is_empty(), "{redirecting:?}");
}

/// `cargo fmt` follows `mod` lines, and misses what is reached in another way.
#[test]
fn the_formatter_sees_every_file() {
    let formatter = Command::new("cargo")
        .args(["fmt", "--", "--check", "--verbose"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo fmt");
    let listed = String::from_utf8_lossy(&formatter.stdout).into_owned();
    let seen = |file: &str| {
        let line = format!("Formatting {}", source_root().join(file).display());
        listed.lines().any(|listed| listed == line)
    };
    let unseen: Vec<String> = files()
        .into_iter()
        .map(|(file, _)| file)
        .filter(|file| !seen(file))
        .collect();
    assert!(unseen.is_empty(), "{unseen:?}");
}

#[test]
fn no_file_is_large() {
    for (file, text) in files() {
        let lines = text.lines().count();
        assert!(lines <= 500, "{file} has {lines} lines");
    }
}

fn assert_listed(found: impl IntoIterator<Item = String>, listed: &[&str]) {
    let found: BTreeSet<String> = found.into_iter().collect();
    let listed: BTreeSet<String> = listed.iter().map(|entry| (*entry).to_owned()).collect();
    let wrong: Vec<&String> = found.difference(&listed).collect();
    let stale: Vec<&String> = listed.difference(&found).collect();
    assert!(wrong.is_empty(), "forbidden: {wrong:#?}");
    assert!(
        stale.is_empty(),
        "no longer true, take it off the list: {stale:#?}"
    );
}

fn upward_imports(source: &Source) -> Vec<String> {
    let layer = source.layer();
    source
        .named
        .iter()
        .filter_map(|path| path.first())
        .filter(|target| LAYERS.contains(&target.as_str()) && !may_import(layer, target))
        .map(|target| format!("{} imports {target}", source.file))
        .collect()
}

fn may_import(layer: &str, target: &str) -> bool {
    let place = |name: &str| LAYERS.iter().position(|layer| *layer == name);
    layer == target || (place(layer) < place(target) && !FORBIDDEN.contains(&(layer, target)))
}

/// The other commands that a file below `commands` names; what starts with a capital letter is a
/// type that all of them share.
fn imported_commands(source: &Source) -> Vec<String> {
    let Some(own) = source.command() else {
        return Vec::new();
    };
    source
        .named
        .iter()
        .filter(|path| path.first().is_some_and(|first| first == "commands"))
        .filter_map(|path| path.get(1))
        .filter(|target| *target != own && target.starts_with(char::is_lowercase))
        .map(|target| format!("{} imports {target}", source.file))
        .collect()
}

/// What a file imports past the session, as `file: module, module`; `testing` only passes items on.
fn session_bypass(source: &Source) -> Option<String> {
    let layer = source.layer();
    if layer == "testing" {
        return None;
    }
    let imported: Vec<&str> = SESSION_ONLY
        .into_iter()
        .filter(|adapter| layer != adapter.split('/').next().unwrap_or_default())
        .filter(|adapter| source.names(adapter))
        .collect();
    (layer != "session" && !imported.is_empty())
        .then(|| format!("{}: {}", source.file, imported.join(", ")))
}

fn forbidden_capabilities(source: &Source) -> Vec<String> {
    match source.command() {
        Some(command) if NEVER_PROMPTING.contains(&command) => CAPABILITIES
            .into_iter()
            .filter(|capability| source.identifiers.contains(*capability))
            .map(|capability| format!("{} names {capability}", source.file))
            .collect(),
        _ => Vec::new(),
    }
}

fn holders<'a>(sources: &'a [Source], capability: &'a str) -> impl Iterator<Item = String> + 'a {
    let names = move |source: &&Source| source.identifiers.contains(capability);
    sources
        .iter()
        .filter(names)
        .map(|source| source.file.clone())
}

mod the_checks_see {
    use super::*;

    #[test]
    fn a_file_that_takes_a_capability_to_itself() {
        let taken = [
            parse(
                "commands/get.rs",
                "struct S; impl crate::permits::HeldLock for S {}",
            ),
            parse("commands/exec.rs", "fn f() {}"),
        ];
        let found: Vec<String> = holders(&taken, "HeldLock").collect();
        assert_eq!(found, ["commands/get.rs"]);
    }

    #[test]
    fn an_upward_import() {
        let upward = |file: &str, text: &str| !upward_imports(&parse(file, text)).is_empty();
        for (file, text) in [
            ("github/user.rs", "use crate::{app::App, auth::record};"),
            ("github/user.rs", "use super::super::auth::record;"),
            ("token.rs", "fn f() { crate::error::new() }"),
            ("token.rs", "fn f() { println!(\"{}\", crate::error::X) }"),
            (
                "auth/a.rs",
                "mod inner { use super::super::super::config::C; }",
            ),
            ("store/file.rs", "use crate::system::{clock};"),
            ("session/stores.rs", "use crate::mcp::line::Line;"),
        ] {
            assert!(upward(file, text), "{file}: {text}");
        }
        for (file, text) in [
            ("store/file.rs", "use crate::auth::record::Record;"),
            (
                "github/user.rs",
                "use super::fields::Fields; use std::auth;",
            ),
            (
                "github/user.rs",
                "#[cfg(test)] mod tests { use crate::auth::a; }",
            ),
            (
                "github/user.rs",
                "#[cfg(all(test, unix))] use crate::auth::a;",
            ),
        ] {
            assert!(!upward(file, text), "{file}: {text}");
        }
    }

    #[test]
    fn a_command_that_imports_another() {
        let other = |file: &str, text: &str| !imported_commands(&parse(file, text)).is_empty();
        for (file, text) in [
            ("commands/get.rs", "use crate::commands::{login};"),
            ("commands/get.rs", "use super::login::Login;"),
            (
                "commands/login/steps.rs",
                "use crate::{commands::get::Get};",
            ),
            ("commands/login/steps.rs", "use super::super::get;"),
        ] {
            assert!(other(file, text), "{file}: {text}");
        }
        let own = "use crate::commands::{Call, login::A}; use super::words::W;";
        assert!(!other("commands/login/steps.rs", own));
    }

    #[test]
    fn what_goes_past_the_session() {
        let bypass = |file: &str, text: &str| session_bypass(&parse(file, text));
        assert_eq!(
            bypass(
                "commands/get.rs",
                "use crate::{store, system::process::exec};"
            )
            .as_deref(),
            Some("commands/get.rs: store, system/process")
        );
        assert_eq!(bypass("session.rs", "use crate::store::Slot;"), None);
        assert_eq!(bypass("system/browser.rs", "use super::process;"), None);
        assert_eq!(bypass("mcp.rs", "use crate::system::clock::Clock;"), None);
    }

    #[test]
    fn a_prompt_where_nobody_is_asked() {
        let named = |file: &str, text: &str| forbidden_capabilities(&parse(file, text)).len();
        assert_eq!(
            named("commands/get.rs", "use crate::auth::{DeviceFlow as D};"),
            1
        );
        assert_eq!(
            named(
                "commands/git_credential/via.rs",
                "fn f(s: S) { s.unlock(1) }"
            ),
            1
        );
        assert_eq!(
            named(
                "commands/headers.rs",
                "fn f() { vec![UnlockPermit::asked_for()] }"
            ),
            1
        );
        assert_eq!(
            named("commands/sign_in.rs", "use crate::auth::DeviceFlow;"),
            0
        );
        assert_eq!(named("commands/get.rs", "#[test] fn f() { unlock() }"), 0);
    }

    #[test]
    fn a_circle_of_files() {
        let sources = [
            parse("auth/a.rs", "use crate::auth::b::B;"),
            parse("auth/b.rs", "use super::{c::C};"),
            parse("auth/c.rs", "use super::a::A;"),
            parse("auth/d.rs", "use super::d::inner::I;"),
            parse("auth/d/inner.rs", "use super::D;"),
        ];
        let circle = "auth/a.rs → auth/b.rs → auth/c.rs → auth/a.rs";
        assert_eq!(circles(&sources), [circle]);
    }

    #[test]
    fn a_file_that_is_not_where_its_module_says() {
        assert!(parse("lib.rs", "#[path = \"lib/exec.rs\"] mod exec;").redirects);
        assert!(!parse("lib.rs", "#[cfg(unix)] mod exec;").redirects);
    }
}
