//! The App that `login` writes into the configuration, and the commands that it advises: each is typed
//! into a shell as it is printed.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use fake_github::{App, CLIENT_ID, FakeGitHub};
use ghtok::testing::cli::Cli;
use serde_json::Value;

use crate::support::deadline::{run, run_command};
use crate::support::sandbox::{Program, Run, Sandbox, as_configured, path_of};
use crate::support::signing_in::{decide, hurried_fake};

const SECOND: &str = "Iv23liSECONDCLIENT02";

fn start() -> (FakeGitHub, Sandbox) {
    let fake = hurried_fake()
        .app(App::new(CLIENT_ID))
        .app(App::new(SECOND))
        .start()
        .expect("a fake");
    let sandbox = Sandbox::new(&fake);
    (fake, sandbox)
}

/// A command that is told nothing but where its folders are.
fn bare(sandbox: &Sandbox, program: Program, arguments: &[&str]) -> Command {
    let mut command = sandbox.command(program, arguments);
    as_configured(&mut command);
    command
}

fn log_in(fake: &FakeGitHub, sandbox: &Sandbox, arguments: &[&str]) -> Run {
    let host = fake.host();
    let whole = [&["login", "--host", &host], arguments].concat();
    let login = bare(sandbox, Program::Hurried, &whole);
    decide(fake, login, |code| fake.approve(code)).expect_code(0)
}

fn config(sandbox: &Sandbox) -> String {
    fs::read_to_string(sandbox.config_dir().join("config.toml")).expect("a configuration")
}

/// The commands that a sign-in advises.
fn advised(told: &Run) -> Vec<String> {
    let lines = told
        .stderr
        .lines()
        .filter_map(|line| line.strip_prefix("  "));
    lines
        .filter(|line| line.starts_with("ghtok "))
        .map(|line| line.split("   ").next().expect("a command").to_owned())
        .collect()
}

/// Types a command into a shell that finds this ghtok.
fn typed(sandbox: &Sandbox, line: &str, variables: &[(&str, &str)]) -> Run {
    let program = path_of(Program::Real);
    let folder = program.parent().expect("a folder").display();
    let ghtok = bare(sandbox, Program::Real, &[]);
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
        .envs(variables.iter().copied())
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    run_command(&mut shell)
}

/// Every advised command is one, `exec` and `get` have this App's token, and a `logout` with the same
/// arguments leaves no record.
#[track_caller]
fn advice_works(sandbox: &Sandbox, told: &Run, client_id: &str, variables: &[(&str, &str)]) {
    let commands = advised(told);
    for command in &commands {
        let words = command
            .split(' ')
            .map(|word| word.trim_matches('\'').into());
        assert!(Cli::read(words).is_ok(), "{command}");
    }
    let get = advised_get(told);
    let token = typed(sandbox, &get, variables);
    let record = stored(sandbox, client_id);
    assert!(record.contains(token.token()), "{get}: another App's token");
    let exec = commands
        .iter()
        .find(|command| command.starts_with("ghtok exec"));
    typed(sandbox, exec.expect("one"), variables).expect_code(0);
    let with = |verb| get.replacen("get", verb, 1);
    let shown = typed(sandbox, &with("status"), variables).expect_code(0);
    assert!(shown.stdout.contains(client_id), "{shown:?}");
    typed(sandbox, &with("logout"), variables).expect_code(0);
    assert!(!path_of_record(sandbox, client_id).exists(), "{get}");
}

/// The last command that a sign-in advises.
#[track_caller]
fn advised_get(told: &Run) -> String {
    let get = advised(told).pop().expect("a command");
    assert!(get.starts_with("ghtok get"), "{told:?}");
    get
}

fn path_of_record(sandbox: &Sandbox, client_id: &str) -> std::path::PathBuf {
    let app = ghtok::testing::app::App {
        client_id: ghtok::testing::app::ClientId::parse(client_id).expect("an ID"),
        ..sandbox.app()
    };
    sandbox.state_folder().records().join(app.key().file_name())
}

fn stored(sandbox: &Sandbox, client_id: &str) -> String {
    fs::read_to_string(path_of_record(sandbox, client_id)).expect("a record")
}

#[test]
fn p12_the_first_app_is_written_also_without_a_terminal_and_its_advice_needs_no_flag() {
    let (fake, sandbox) = start();
    let told = log_in(
        &fake,
        &sandbox,
        &["--client-id", CLIENT_ID, "--store", "file"],
    );
    assert_eq!(
        config(&sandbox),
        format!(
            "[[app]]\nname = \"ghes\"\nclient_id = \"{CLIENT_ID}\"\nhost = \"{}\"\n",
            fake.host()
        )
    );
    let file = sandbox.config_dir().join("config.toml");
    let mode = fs::metadata(file).expect("it").permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    assert_eq!(
        advised(&told),
        [
            "ghtok setup git",
            "ghtok setup mcp",
            "ghtok exec -- sh",
            "ghtok schedule install",
            "ghtok get"
        ]
    );
    advice_works(&sandbox, &told, CLIENT_ID, &[]);
}

#[test]
fn p12_a_second_app_is_advised_by_its_name_and_the_first_becomes_the_default() {
    let (fake, sandbox) = start();
    let host = fake.host();
    let first = format!(
        "# mine\n[[app]]\nname = \"main\"\nclient_id = \"{CLIENT_ID}\"\nhost = \"{host}\"\n"
    );
    sandbox.configure(&first);
    log_in(&fake, &sandbox, &["main", "--store", "file"]);
    assert_eq!(config(&sandbox), first, "it was there already");
    let told = log_in(&fake, &sandbox, &["--client-id", SECOND, "--store", "file"]);
    assert_eq!(
        config(&sandbox),
        format!(
            "default_app = \"main\"\n\n{first}\n[[app]]\nname = \"ghes\"\nclient_id = \"{SECOND}\"\nhost = \"{host}\"\n"
        )
    );
    assert!(
        told.stderr.contains("the default is still \"main\""),
        "{told:?}"
    );
    assert_eq!(advised_get(&told), "ghtok get ghes");
    let plain = run_command(&mut bare(&sandbox, Program::Real, &["get"]));
    assert!(stored(&sandbox, CLIENT_ID).contains(plain.token()));
    advice_works(&sandbox, &told, SECOND, &[]);
}

#[test]
fn the_app_argument_names_a_new_app() {
    let (fake, sandbox) = start();
    let told = log_in(
        &fake,
        &sandbox,
        &["play", "--client-id", CLIENT_ID, "--store", "file"],
    );
    assert!(config(&sandbox).contains("name = \"play\""));
    advice_works(&sandbox, &told, CLIENT_ID, &[]);
    let told = log_in(
        &fake,
        &sandbox,
        &["side", "--client-id", SECOND, "--store", "file"],
    );
    assert!(config(&sandbox).contains("name = \"side\""));
    assert_eq!(advised_get(&told), "ghtok get side");
    advice_works(&sandbox, &told, SECOND, &[]);
}

#[test]
fn p12_without_saving_the_advice_names_everything() {
    let (fake, sandbox) = start();
    let told = log_in(
        &fake,
        &sandbox,
        &["--client-id", CLIENT_ID, "--store", "file", "--no-save"],
    );
    assert!(!sandbox.config_dir().exists());
    assert_eq!(
        advised_get(&told),
        format!("ghtok get --client-id {CLIENT_ID} --host {}", fake.host()),
        "the store is remembered"
    );
    advice_works(&sandbox, &told, CLIENT_ID, &[]);
}

/// A link into a store where nothing can be changed, a file that is read-only, and one that ghtok
/// cannot read again with an App added.
#[test]
fn p12_a_file_that_cannot_be_written_gets_a_note_with_its_lines_and_advice_with_flags() {
    for case in ["link", "read-only", "inline"] {
        let (fake, sandbox) = start();
        let host = fake.host();
        let table =
            format!("{{ name = \"main\", client_id = \"{CLIENT_ID}\", host = \"{host}\" }}");
        sandbox.configure(&match case {
            "inline" => format!("app = [{table}]\n"),
            _ => format!(
                "[[app]]\nname = \"main\"\nclient_id = \"{CLIENT_ID}\"\nhost = \"{host}\"\n"
            ),
        });
        let file = sandbox.config_dir().join("config.toml");
        let fixed = sandbox.home().join("fixed.toml");
        if case == "link" {
            fs::rename(&file, &fixed).expect("moved");
            symlink(&fixed, &file).expect("a link");
        }
        if case != "inline" {
            fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).expect("a mode");
        }
        let before = config(&sandbox);
        let told = log_in(&fake, &sandbox, &["--client-id", SECOND, "--store", "file"]);
        assert_eq!(config(&sandbox), before, "{case}");
        for line in [
            "default_app = \"main\"",
            "[[app]]",
            "name = \"ghes\"",
            &format!("client_id = \"{SECOND}\""),
        ] {
            assert!(told.stderr.contains(line), "{case}: {told:?}");
        }
        assert!(
            told.stderr
                .contains("The App was not added to the configuration: "),
            "{told:?}"
        );
        let get = &advised_get(&told);
        assert!(
            get.contains(&format!("--client-id {SECOND}")),
            "{case}: {get}"
        );
        advice_works(&sandbox, &told, SECOND, &[]);
    }
}

#[test]
fn p12_what_variables_say_of_other_apps_is_seen_by_the_advice() {
    for (name, value) in [
        ("GHTOK_APP", "main"),
        ("GHTOK_STORE", "kernel"),
        ("GHTOK_HOST", "ghes.example"),
    ] {
        let (fake, sandbox) = start();
        let host = fake.host();
        sandbox.configure(&format!(
            "[[app]]\nname = \"main\"\nclient_id = \"{CLIENT_ID}\"\nhost = \"{host}\"\n"
        ));
        let mut login = bare(
            &sandbox,
            Program::Hurried,
            &[
                "login",
                "--client-id",
                SECOND,
                "--host",
                &host,
                "--store",
                "file",
            ],
        );
        login.env(name, value);
        let told = decide(&fake, login, |code| fake.approve(code)).expect_code(0);
        advice_works(&sandbox, &told, SECOND, &[(name, value)]);
    }
}

/// The next shell does not have the variables of a single call.
#[test]
fn p12_an_app_that_variables_describe_is_advised_so_that_it_is_found_without_them() {
    for more in [&[][..], &["--no-save"]] {
        let (fake, sandbox) = start();
        let host = fake.host();
        sandbox.configure(&format!(
            "[[app]]\nname = \"main\"\nclient_id = \"{CLIENT_ID}\"\nhost = \"{host}\"\n"
        ));
        let described = [("GHTOK_CLIENT_ID", SECOND), ("GHTOK_HOST", &host)];
        for kept in [&described[..], &[]] {
            let arguments = [&["login", "--force"], more].concat();
            let mut login = bare(&sandbox, Program::Hurried, &arguments);
            login.envs(described).env("GHTOK_STORE", "file");
            let told = decide(&fake, login, |code| fake.approve(code)).expect_code(0);
            advice_works(&sandbox, &told, SECOND, kept);
        }
    }
}

#[test]
fn a_store_chosen_by_a_flag_is_found_again_whatever_the_configuration_says() {
    let (fake, sandbox) = start();
    sandbox.configure("store = \"kernel\"\n");
    let told = log_in(
        &fake,
        &sandbox,
        &["--client-id", CLIENT_ID, "--store", "file"],
    );
    assert!(stored(&sandbox, CLIENT_ID).contains("ghu_"));
    assert_eq!(advised_get(&told), "ghtok get");
    advice_works(&sandbox, &told, CLIENT_ID, &[]);
}

#[test]
fn a_program_is_told_the_name_and_a_file_that_cannot_be_written() {
    let (fake, sandbox) = start();
    let signed_in = |told: &Run| -> Value {
        let last = told.stdout.lines().last().expect("an event");
        serde_json::from_str(last).expect("JSON")
    };
    let told = log_in(
        &fake,
        &sandbox,
        &["--client-id", CLIENT_ID, "--store", "file", "--json"],
    );
    assert_eq!(signed_in(&told)["configured_as"], "ghes");
    assert_eq!(told.stderr, "");
    let told = log_in(
        &fake,
        &sandbox,
        &[
            "--client-id",
            SECOND,
            "--store",
            "file",
            "--json",
            "--no-save",
        ],
    );
    assert_eq!(signed_in(&told)["configured_as"], Value::Null);
    let file = sandbox.config_dir().join("config.toml");
    fs::set_permissions(file, fs::Permissions::from_mode(0o444)).expect("a mode");
    let arguments = [
        "--client-id",
        SECOND,
        "--store",
        "file",
        "--json",
        "--force",
    ];
    let told = log_in(&fake, &sandbox, &arguments);
    assert_eq!(signed_in(&told)["configured_as"], Value::Null);
    assert!(
        told.stderr.contains("was not added to the configuration"),
        "{told:?}"
    );
}

#[test]
fn an_app_that_is_signed_in_already_is_written_too() {
    let (fake, sandbox) = start();
    log_in(
        &fake,
        &sandbox,
        &["--client-id", CLIENT_ID, "--store", "file", "--no-save"],
    );
    let host = fake.host();
    let again = ["login", "--client-id", CLIENT_ID, "--host", &host];
    let told = run_command(&mut bare(&sandbox, Program::Real, &again)).expect_code(0);
    assert!(told.stderr.contains("already signed in"), "{told:?}");
    assert!(config(&sandbox).contains(CLIENT_ID));
    advice_works(&sandbox, &told, CLIENT_ID, &[]);
}

/// Many sign-ins at once, as of a script: each App is in the file, under a name of its own.
#[test]
fn p12_sign_ins_at_once_lose_none_of_each_others_apps() {
    let (fake, sandbox) = start();
    let ids: Vec<String> = (0..6)
        .map(|number| format!("Iv23liATONCE{number:08}"))
        .collect();
    for id in &ids {
        let app = ghtok::testing::app::App {
            client_id: ghtok::testing::app::ClientId::parse(id).expect("an ID"),
            ..sandbox.app()
        };
        let pair = fake.mint(CLIENT_ID);
        let record = crate::support::sandbox::record_of(&pair, super::HOUR);
        let slot = ghtok::testing::store::file::FileSlot::new(&sandbox.state_folder(), &app.key());
        ghtok::testing::store::Slot::write(&slot, &ghtok::testing::store::record::encode(&record))
            .expect("a record");
    }
    let running: Vec<_> = ids
        .iter()
        .map(|id| {
            let mut login = sandbox.command(Program::Real, ["login"]);
            login.env("GHTOK_CLIENT_ID", id);
            login.spawn().expect("ghtok starts")
        })
        .collect();
    for child in running {
        Run::of(child).expect_code(0);
    }
    let text = config(&sandbox);
    for id in &ids {
        assert_eq!(text.matches(id.as_str()).count(), 1, "{text}");
    }
    assert_eq!(text.matches("[[app]]").count(), ids.len());
    assert_eq!(text.matches("default_app = \"ghes\"").count(), 1, "{text}");
    run(&sandbox, &["status", "--json"]).expect_code(0);
    let left: Vec<_> = fs::read_dir(sandbox.config_dir())
        .expect("a folder")
        .collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

/// `https` on loopback is no usual host: its scheme has to be said, and brackets quoted.
#[test]
fn a_host_that_needs_more_than_its_name_is_advised_so_that_a_shell_reads_it_back() {
    let app = |host: &str| ghtok::testing::app::App {
        name: None,
        client_id: ghtok::testing::app::ClientId::parse(CLIENT_ID).expect("an ID"),
        host: ghtok::testing::host::Host::parse(host).expect("a host"),
        account: None,
        owners: vec![],
    };
    for (host, words) in [
        ("https://localhost:8443", "https://localhost:8443"),
        ("[::1]:3000", "'[::1]:3000'"),
    ] {
        assert_eq!(
            ghtok::testing::session::login_command(&app(host), None),
            format!("ghtok login --client-id {CLIENT_ID} --host {words}")
        );
    }
}
