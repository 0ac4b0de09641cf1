//! git's helpers and old tokens, and those of MCP clients.

use std::fs;

use fake_github::CLIENT_ID;

use super::patient::Patient;
use crate::support::records::FRESH;

const TOKEN: &str = "ghp_0123456789abcdef0123456789abcdef0123";

/// One that git asks, in the ways of `setup git`.
fn set_up() -> Patient {
    let patient = signed_in();
    patient.run("ghtok setup git --yes").expect_code(0);
    patient
}

/// Signed in, with the App in the configuration.
fn signed_in() -> Patient {
    let patient = Patient::new();
    patient.sandbox.seed(&patient.fake, FRESH);
    let host = patient.fake.host();
    patient.sandbox.configure(&format!(
        "store = 'file'\n[[app]]\nname = 'work'\nclient_id = '{CLIENT_ID}'\nhost = '{host}'\n"
    ));
    patient.without(&["GHTOK_CLIENT_ID", "GHTOK_HOST", "GHTOK_STORE"])
}

fn append(patient: &Patient, lines: &str) {
    let file = patient.path(".gitconfig");
    let before = fs::read_to_string(&file).unwrap_or_default();
    fs::write(file, before + lines).expect("git's file");
}

#[test]
fn git_that_is_set_up_and_git_that_is_not() {
    let patient = signed_in();
    let finding = patient.has("git_not_set_up", "ok");
    assert_eq!(finding["command"], "ghtok setup git");
    set_up().has("git_asks_ghtok", "ok");
    let program = patient.path("bin/ghtok");
    let patient = patient.with("PATH", "/nonexistent");
    let run = patient.run(&format!("{} doctor --json --full", program.display()));
    super::patient::Findings::of(&run).get("git_missing");
}

#[test]
fn a_helper_behind_the_include() {
    let patient = set_up();
    append(&patient, "[credential]\n\thelper = cache\n");
    patient.is_fixed_of("git_helper_after", "warning");
}

#[test]
fn a_reset_behind_the_include() {
    let patient = set_up();
    append(&patient, "[credential]\n\thelper =\n\thelper = cache\n");
    patient.is_fixed_of("git_helper_reset", "problem");
}

#[test]
fn a_reset_in_a_repository_is_taken_out_of_it() {
    let patient = set_up();
    patient
        .run("git init -q . && git config --local credential.helper ''")
        .expect_code(0);
    patient.is_fixed_of("git_helper_reset", "problem");
}

#[test]
fn a_helper_before_ghtok() {
    let patient = signed_in();
    let program = patient.path("bin/ghtok");
    append(
        &patient,
        &format!(
            "[credential]\n\thelper = \"!echo password={TOKEN}; :\"\n\thelper = \"{} git-credential\"\n",
            program.display()
        ),
    );
    let finding = patient.has("git_helper_before", "problem");
    assert!(
        !finding["message"]
            .as_str()
            .expect("a text")
            .contains("ghp_")
    );
    patient.is_fixed_of("git_helper_before", "problem");
}

#[test]
fn settings_of_one_command_are_named() {
    let patient = set_up()
        .with("GIT_CONFIG_COUNT", "1")
        .with("GIT_CONFIG_KEY_0", "credential.helper")
        .with("GIT_CONFIG_VALUE_0", "cache");
    patient.is_advised_about("git_helper_after", "warning");
}

#[test]
fn a_host_that_came_later() {
    let patient = set_up();
    let file = patient.sandbox.config_dir().join("config.toml");
    let text = fs::read_to_string(&file).expect("it");
    patient.sandbox.configure(&format!(
        "default_app = 'work'\n{text}[[app]]\nname = 'ghes'\nclient_id = 'Iv1.b'\nhost = 'ghes.example'\n"
    ));
    patient.is_fixed_of("git_host_missing", "warning");
}

#[test]
fn a_ghtok_that_moved() {
    let patient = set_up();
    let own = patient.path(".config/git/ghtok.gitconfig");
    let text = fs::read_to_string(&own).expect("ghtok's file");
    let program = patient.path("bin/ghtok");
    let moved = text.replace(&*program.to_string_lossy(), "/nonexistent/ghtok");
    assert_ne!(moved, text);
    fs::write(own, moved).expect("ghtok's file");
    patient.is_fixed_of("git_program_missing", "problem");
}

#[test]
fn a_file_that_git_cannot_read() {
    let patient = set_up();
    append(&patient, "[credential\n");
    patient.is_advised_about("git_config", "problem");
}

#[test]
fn an_old_token_in_the_plain_store() {
    let patient = signed_in();
    let (base, host) = (patient.fake.base_url(), patient.fake.host());
    let scheme = base.split("://").next().expect("a scheme").to_owned();
    patient.write(
        ".git-credentials",
        &format!("{scheme}://me:{TOKEN}@{host}\n"),
    );
    patient.is_fixed_of("git_plain_token", "warning");
}

#[test]
fn a_token_in_an_address_and_a_header() {
    let patient = signed_in();
    let base = patient.fake.base_url();
    append(
        &patient,
        &format!("[http \"{base}/\"]\n\textraHeader = AUTHORIZATION: basic eDp5\n"),
    );
    let finding = patient.has("git_header", "warning");
    assert!(!finding.to_string().contains("eDp5"));
    patient.is_fixed_of("git_header", "warning");
    append(
        &patient,
        &format!("[url \"https://{TOKEN}@github.com/\"]\n\tinsteadOf = https://github.com/\n"),
    );
    let finding = patient.is_advised_about("git_token", "warning");
    assert!(!finding.to_string().contains(TOKEN), "{finding}");
}

#[test]
fn a_token_in_the_file_of_an_mcp_client() {
    let patient = signed_in();
    patient.has("mcp_clean", "ok");
    let entry = format!("{{\"env\": {{\"GITHUB_PERSONAL_ACCESS_TOKEN\": \"{TOKEN}\"}}}}");
    let file = patient.write(".cursor/mcp.json", &entry);
    let finding = patient.has("mcp_token", "warning");
    assert!(
        finding["message"]
            .as_str()
            .is_some_and(|text| text.contains(".cursor/mcp.json:1"))
    );
    let command = finding["command"].as_str().expect("a command");
    let printed = patient.run(command).expect_code(0).stdout;
    fs::write(file, printed).expect("the new entry");
    assert!(!patient.findings().has("mcp_token"));
}
