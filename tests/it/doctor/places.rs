//! Configuration, folders, variables and the program.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;

use super::patient::Patient;
use crate::support::records::FRESH;

const DESCRIPTION: [&str; 2] = ["GHTOK_CLIENT_ID", "GHTOK_HOST"];

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("a mode");
}

/// One that is signed in, and well but for what a test does to it.
fn signed_in() -> Patient {
    let patient = Patient::new();
    patient.sandbox.seed(&patient.fake, FRESH);
    patient
}

#[test]
fn a_healthy_installation_has_neither_problem_nor_warning() {
    let patient = signed_in();
    let findings = patient.findings();
    let levels: Vec<_> = findings.all().filter(|one| one["level"] != "ok").collect();
    assert!(levels.is_empty(), "{levels:#?}");
    assert_eq!(findings.exit_code, 0);
    for code in [
        "program",
        "config_missing",
        "app_found",
        "folder_usable",
        "store_readable",
        "signed_in",
        "environment_clean",
        "own_variables",
    ] {
        findings.get(code);
    }
    let report = patient.report("").expect_code(0);
    assert!(
        report.stdout.ends_with("\nno problems, no warnings\n"),
        "{report:?}"
    );
    assert_eq!(report.stderr, "");
}

#[test]
fn a_configuration_with_a_mistake() {
    let patient = signed_in();
    patient
        .sandbox
        .configure("[[app]]\nname = 'a'\nclient_id = 'Iv1.a'\n[[app]]\ncolour = 1\n");
    let finding = patient.is_advised_about("config_invalid", "problem");
    assert!(
        finding["message"]
            .as_str()
            .is_some_and(|text| text.contains("line 5")),
        "{finding}"
    );
    assert_eq!(patient.findings().get("not_checked")["level"], "ok");
}

#[test]
fn a_store_or_a_log_level_that_there_is_not() {
    signed_in()
        .with("GHTOK_STORE", "moon")
        .is_advised_about("config_invalid", "problem");
    signed_in()
        .with("GHTOK_LOG", "loud")
        .is_advised_about("config_invalid", "problem");
    signed_in()
        .with("GHTOK_STATE_DIR", "state")
        .is_advised_about("config_invalid", "problem");
}

#[test]
fn a_configuration_that_others_may_write() {
    let patient = signed_in();
    patient.sandbox.configure("");
    set_mode(&patient.sandbox.config_dir().join("config.toml"), 0o666);
    patient.is_fixed_of("file", "problem");
    set_mode(&patient.sandbox.config_dir(), 0o777);
    patient.is_fixed_of("file", "problem");
}

#[test]
fn a_usual_configuration_folder_that_others_may_write() {
    let patient = signed_in().without(&["GHTOK_CONFIG_DIR"]);
    let folder = patient.path(".config/ghtok");
    fs::create_dir_all(&folder).expect("a folder");
    set_mode(&folder, 0o777);
    patient.is_fixed_of("folder_exposed", "problem");
}

#[test]
fn a_state_folder_that_others_may_read() {
    let patient = signed_in();
    set_mode(&patient.sandbox.state_dir(), 0o750);
    patient.is_fixed_of("file", "problem");
    let usual = patient.without(&["GHTOK_STATE_DIR"]);
    let folder = usual.path(".local/state/ghtok");
    fs::create_dir_all(folder.parent().expect("a folder")).expect("folders");
    fs::rename(usual.sandbox.state_dir(), &folder).expect("moved");
    set_mode(&folder, 0o755);
    usual.is_fixed_of("folder_exposed", "problem");
}

#[test]
fn a_folder_without_rights_for_its_owner() {
    let patient = signed_in();
    set_mode(&patient.sandbox.state_dir(), 0o500);
    patient.is_fixed_of("folder_rights", "problem");
}

#[test]
fn something_else_in_the_place_of_a_folder() {
    let patient = Patient::new();
    fs::write(patient.sandbox.state_dir(), "").expect("a file");
    patient.is_advised_about("folder_not_a_folder", "problem");
    fs::remove_file(patient.sandbox.state_dir()).expect("gone");
    symlink("nowhere", patient.sandbox.state_dir()).expect("a link");
    patient.is_advised_about("folder_not_a_folder", "problem");
    fs::remove_file(patient.sandbox.state_dir()).expect("gone");
    let elsewhere = patient.path("elsewhere");
    fs::create_dir(&elsewhere).expect("a folder");
    set_mode(&elsewhere, 0o700);
    symlink("elsewhere", patient.sandbox.state_dir()).expect("a link");
    patient.has("folder_link", "ok");
    symlink("bin/ghtok", patient.sandbox.config_dir()).expect("a link");
    patient.is_advised_about("folder_not_a_folder", "problem");
}

#[test]
fn files_that_a_ghtok_under_sudo_left() {
    if !rustix::process::geteuid().is_root() {
        skip!("only root can give a file away");
        return;
    }
    let patient = signed_in();
    let file = patient.sandbox.state_dir().join("timer");
    fs::write(&file, "").expect("a file");
    chown(&file, Some(65_534), None).expect("another owner");
    let finding = patient.has("folder_owner", "problem");
    let command = finding["command"].as_str().expect("a command");
    let line = command.replacen("sudo ", "", 1);
    assert!(patient.run(&line).code == Some(0));
    assert!(!patient.findings().has("folder_owner"));
}

#[test]
fn no_app_and_apps_of_which_none_is_the_default() {
    let patient = Patient::new().without(&DESCRIPTION);
    patient.is_advised_about("no_app", "problem");
    let two = "store = 'file'\n[[app]]\nname = 'a'\nclient_id = 'Iv1.a'\n[[app]]\nname = 'b'\nclient_id = 'Ov23b'\n";
    patient.sandbox.configure(two);
    patient.has("config_read", "ok");
    patient.is_advised_about("app_ambiguous", "warning");
    patient.is_advised_about("oauth_app", "warning");
    let apps: Vec<_> = patient
        .findings()
        .all()
        .filter(|one| one["code"] == "signed_out")
        .map(|one| one["app"].clone())
        .collect();
    assert_eq!(apps, ["a", "b"]);
    let other = patient.with("GHTOK_APP", "c");
    other.is_advised_about("app_unknown", "problem");
}

#[test]
fn variables_with_tokens_and_hosts() {
    let patient = signed_in().with("GH_TOKEN", "ghp_0123456789abcdef0123");
    patient.is_fixed_of("token_variable", "warning");
    let patient = signed_in()
        .with("GITHUB_TOKEN", "x")
        .with("GH_HOST", "ghes.example");
    patient.is_fixed_of("token_variable", "warning");
    patient.is_fixed_of("host_variable", "warning");
    let report = patient.report("--full");
    assert!(!report.stdout.contains("ghes.example"), "{report:?}");
}

#[test]
fn another_ghtok_in_the_path_and_none() {
    let patient = signed_in();
    let usual = patient.run("printf %s \"$PATH\"").stdout;
    let other = patient.write("other/ghtok", "#!/bin/sh\n");
    set_mode(&other, 0o755);
    let path = format!("{}:{usual}", patient.path("other").display());
    let program = patient.path("bin/ghtok");
    let doctor = |patient: &Patient| {
        let line = format!("{} doctor --json --full", program.display());
        super::patient::Findings::of(&patient.run(&line))
    };
    let patient = patient.with("PATH", path);
    let finding = doctor(&patient).get("program_shadowed");
    assert!(
        finding["message"]
            .as_str()
            .is_some_and(|text| text.ends_with("other/ghtok"))
    );
    let patient = patient.with("PATH", "/nonexistent");
    let line = format!("{} doctor --json --full", program.display());
    let mut shell = patient.shell(&line);
    let run = crate::support::deadline::run_command(&mut shell);
    let finding = super::patient::Findings::of(&run).get("program_not_in_path");
    assert_eq!(finding["level"], "warning");
}

#[test]
fn a_program_that_others_may_replace() {
    let patient = signed_in();
    let link = patient.path("bin/ghtok");
    let real = fs::canonicalize(&link).expect("the program");
    fs::remove_file(&link).expect("gone");
    fs::copy(real, &link).expect("a copy");
    set_mode(&link, 0o757);
    patient.is_fixed_of("program_exposed", "problem");
}

/// The list of mounts is another one for this process alone.
#[test]
#[cfg(target_os = "linux")]
fn a_state_folder_on_a_network_file_system() {
    if !rustix::process::geteuid().is_root() {
        skip!("only root can mount another list of mounts");
        return;
    }
    let patient = signed_in();
    let home = patient.sandbox.home().display();
    let mounts = patient.write(
        "mounts",
        &format!("36 1 0:5 / {home} rw - nfs4 server:/ rw\n"),
    );
    let line = format!(
        "exec unshare -m sh -c 'mount --bind {} /proc/$$/mountinfo && exec ghtok doctor --json --full'",
        mounts.display()
    );
    let finding = super::patient::Findings::of(&patient.run(&line)).get("folder_network");
    assert_eq!(finding["level"], "warning");
    assert!(
        finding["message"]
            .as_str()
            .is_some_and(|text| text.contains("(nfs4)")),
        "{finding}"
    );
}
