//! `README.md` as a new user follows it, and the pages that go on from it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use fake_github::Endpoint;
use ghtok::testing::cli::Cli;
use ghtok::testing::config::{Config, Environment, Flags};
use serde_json::Value;
use tempfile::TempDir;

use super::session::Session;
use super::{blocks, commands, document, root};
use crate::support::signing_in::hurried_fake;

#[test]
fn every_command_of_the_readme_works_from_top_to_bottom() {
    let fake = hurried_fake().start().expect("a fake");
    let session = Session::new(&fake);
    // It needs the network, and TLS.
    session.stand_in("gh", "test -n \"$GH_ENTERPRISE_TOKEN\"; echo gh: $*");
    let api = format!("{}/api/v3", fake.base_url());
    let mut lines = vec!["git config --global user.name me".to_owned()];
    lines.push("cp ~/.gitconfig ~/before".into());
    let mut installed = 0;
    for line in commands(&document("README.md")) {
        match line.as_str() {
            "cargo run --release --example tour" => is_an_example("tour"),
            "cargo install --locked --path ." => {
                session.install();
                installed += 1;
            }
            _ => lines.push(line.replace("https://api.github.com", &api)),
        }
    }
    assert_eq!(installed, 1);
    lines.push("cmp ~/before ~/.gitconfig; test ! -e ~/.crontab".into());
    let run = session.types(&lines);
    assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);
    assert!(!run.stdout.contains("error:"), "{}", run.stdout);
    for (said, why) in [
        ("Signed in to ", "login"),
        ("config.toml as \"", "app new writes the App down"),
        ("\"login\": \"octocat\"", "curl takes the header"),
        ("gh: repo list", "exec runs the command"),
        ("{\"Authorization\":\"Bearer ghu_", "headers"),
        ("done; undo with:", "setup git"),
        ("is as it was", "its undo"),
        ("installed: cron runs", "schedule install"),
        ("the timer was removed", "schedule remove"),
        ("revoked the tokens", "logout --revoke"),
    ] {
        let squeezed = run.stdout.replace("\":\"octocat\"", "\": \"octocat\"");
        assert!(squeezed.contains(said), "{why}: {}", run.stdout);
    }
    let counts =
        [Endpoint::DeviceCode, Endpoint::Refresh, Endpoint::Revoke].map(|at| fake.count(at));
    assert_eq!(
        counts,
        [1, 1, 1],
        "one sign-in, one refresh, one revocation"
    );
    let written = session.home().join(".config/ghtok/config.toml");
    assert!(
        fs::read_to_string(written)
            .expect("a file")
            .contains("client_id = \"Iv23li")
    );
}

fn is_an_example(name: &str) {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("a manifest");
    assert!(manifest.contains(&format!("[[example]]\nname = \"{name}\"")));
}

#[test]
fn the_script_that_it_names_is_there() {
    let mode = fs::metadata(root().join("tests/run"))
        .expect("it")
        .permissions()
        .mode();
    assert!(mode & 0o111 != 0);
}

#[test]
fn the_example_of_a_configuration_is_one() {
    let examples = blocks(&document("docs/configuration.md"), "toml");
    assert!(!examples.is_empty());
    for example in examples {
        let folder = TempDir::new().expect("a folder");
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).expect("a mode");
        let file = folder.path().join("config.toml");
        fs::write(&file, &example).expect("a file");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("a mode");
        let path = folder.path().as_os_str();
        let pairs = [("GHTOK_CONFIG_DIR", path), ("GHTOK_STATE_DIR", path)];
        let config = Config::load(&Flags::default(), &Environment::from_pairs(pairs));
        let config = config.expect("the example is a configuration");
        assert_eq!(config.apps.len(), 2);
        assert_eq!(config.app(None).expect("the default").label(), "main");
    }
}

#[test]
fn the_mcp_server_of_the_docs_is_a_command_that_ghtok_understands() {
    let examples: Vec<Value> = blocks(&document("docs/mcp.md"), "json")
        .iter()
        .map(|example| serde_json::from_str(example).expect("JSON"))
        .collect();
    let [before, after, remote] = examples.as_slice() else {
        panic!("before, after and a remote server: {examples:?}");
    };
    let words = |example: &Value| -> Vec<String> {
        let server = &example["mcpServers"]["github"];
        let arguments = server["args"].as_array().expect("a list").iter();
        std::iter::once(&server["command"])
            .chain(arguments)
            .map(|word| word.as_str().expect("a text").to_owned())
            .collect()
    };
    let wrapped = ["ghtok", "mcp", "--"].map(str::to_owned);
    assert_eq!(words(after), [&wrapped[..], &words(before)].concat());
    for example in [after, remote] {
        assert!(Cli::read(words(example).into_iter().map(Into::into)).is_ok());
    }
    assert_eq!(after["mcpServers"]["github"].get("env"), None);
}

/// The numbers of promises in the names of tests below a folder.
fn tested_promises(folder: &Path) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(tested_promises(&path));
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            let source = fs::read_to_string(&path).expect("a source");
            let tests = source.split("#[test]\n").skip(1);
            let names = tests.filter_map(|test| test.split_once("fn ")?.1.split_once('('));
            let numbers = names.filter_map(|(name, _)| {
                let (number, _) = name.strip_prefix('p')?.split_once('_')?;
                number.parse::<u32>().ok()
            });
            found.extend(numbers);
        }
    }
    found
}

#[test]
fn each_promise_has_tests_with_its_number_and_each_number_is_a_promise() {
    let list = document("docs/promises.md");
    let promised: BTreeSet<u32> = list
        .split("(P")
        .skip(1)
        .filter_map(|part| part.split_once(')')?.0.parse().ok())
        .collect();
    let tested = ["src", "tests/it"].map(|folder| tested_promises(&root().join(folder)));
    assert_eq!(promised, tested.into_iter().flatten().collect());
    assert_eq!(promised, (1..=13).collect());
}
