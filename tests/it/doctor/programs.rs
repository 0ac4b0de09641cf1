//! Timer, network settings and the session bus.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::patient::{Findings, Patient};
use crate::support::cron::CronDaemon;
use crate::support::records::FRESH;

fn signed_in() -> Patient {
    let patient = Patient::new();
    patient.sandbox.seed(&patient.fake, FRESH);
    patient
}

fn program(patient: &Patient, name: &str, text: &str) {
    let file = patient.write(&format!("bin/{name}"), text);
    fs::set_permissions(file, Permissions::from_mode(0o755)).expect("a mode");
}

/// One with the timer in a crontab; no cron is asked but this stand-in.
fn with_timer() -> Patient {
    let patient = signed_in();
    let table = patient.path("crontab-of-me");
    program(
        &patient,
        "crontab",
        &format!(
            "#!/bin/sh\ncase $1 in\n-l) cat '{table}' 2>/dev/null || {{ echo 'no crontab for me' >&2; exit 1; }};;\n-r) rm '{table}';;\n*) cat >'{table}';;\nesac\n",
            table = table.display()
        ),
    );
    program(&patient, "systemctl", "#!/bin/sh\nexit 1\n");
    patient
        .run("ghtok schedule install --scheduler cron")
        .expect_code(0);
    patient
}

#[test]
fn no_timer_and_one_as_it_was_installed() {
    let patient = signed_in();
    let finding = patient.has("timer_missing", "ok");
    assert_eq!(finding["command"], "ghtok schedule install");
    let _cron = CronDaemon::start();
    with_timer().has("timer_installed", "ok");
}

/// In a list of processes of its own, which has no cron.
#[test]
fn a_timer_whose_scheduler_does_not_run() {
    if !rustix::process::geteuid().is_root() {
        skip!("only root can have a list of processes of its own");
        return;
    }
    let _cron = CronDaemon::start();
    let patient = with_timer();
    let line = "unshare --pid --fork --mount-proc sh -c 'ghtok doctor --json --full; exit $?'";
    let finding = Findings::of(&patient.run(line)).get("timer_stopped");
    assert_eq!(finding["level"], "problem");
    assert!(
        finding["fix"].as_str().is_some_and(|text| !text.is_empty()),
        "{finding}"
    );
}

#[test]
fn a_timer_that_was_changed() {
    let _cron = CronDaemon::start();
    let patient = with_timer();
    fs::write(patient.path("crontab-of-me"), "").expect("an empty crontab");
    patient.is_fixed_of("timer_changed", "problem");
}

#[test]
fn a_timer_that_did_not_run_for_days() {
    let _cron = CronDaemon::start();
    let patient = with_timer();
    let last = patient.sandbox.state_dir().join("timer.run");
    fs::write(&last, "{\"version\":1,\"at\":1700000000,\"apps\":[]}").expect("a note");
    fs::set_permissions(&last, Permissions::from_mode(0o600)).expect("a mode");
    patient.is_fixed_of("timer_idle", "warning");
}

#[test]
fn a_proxy_and_certificates() {
    let patient = signed_in();
    patient.has("network_settings", "ok");
    patient.sandbox.configure("proxy = 'ftp://proxy.example'\n");
    let other = patient.with("GHTOK_HOST", "ghes.example");
    other.is_advised_about("config_invalid", "problem");
    other.sandbox.configure("ca_file = 'missing.pem'\n");
    other.is_advised_about("config_invalid", "problem");
    other.write("config/ca.pem", "");
    other.sandbox.configure("ca_file = 'ca.pem'\n");
    fs::set_permissions(other.path("config/ca.pem"), Permissions::from_mode(0o666))
        .expect("a mode");
    other.is_fixed_of("file", "problem");
}

#[test]
fn a_proxy_is_shown_without_its_password_and_shortened() {
    let patient = signed_in()
        .with("GHTOK_HOST", "ghes.example")
        .with("HTTPS_PROXY", "http://me:hunter2@proxy.example:3128");
    let finding = patient.has("network_settings", "ok");
    let told = "ghes.example: through the proxy http://proxy.example:3128 (HTTPS_PROXY)";
    assert!(
        finding["message"]
            .as_str()
            .is_some_and(|text| text.starts_with(told)),
        "{finding}"
    );
    let report = patient.report("").stdout;
    assert!(
        !report.contains("proxy.example") && !report.contains("hunter2"),
        "{report}"
    );
}

#[test]
fn certificates_of_the_environment_that_are_not_there() {
    let patient = signed_in().with("SSL_CERT_FILE", "/nonexistent/ca.pem");
    patient.is_fixed_of("certificates_missing", "problem");
}

#[test]
#[cfg(target_os = "linux")]
fn a_session_bus_that_is_not_there() {
    signed_in().has("bus_not_needed", "ok");
    let patient = signed_in().with("GHTOK_STORE", "keychain");
    let finding = patient.is_advised_about("bus_unreachable", "warning");
    assert!(
        finding["message"]
            .as_str()
            .is_some_and(|text| text.contains("DBUS_SESSION_BUS_ADDRESS"))
    );
}

#[test]
#[cfg(target_os = "linux")]
fn a_session_bus_that_is_another_than_the_one_that_is_named() {
    let Some(bus) = crate::secret_service::bus::PrivateBus::without_keyring() else {
        return;
    };
    let at = bus.session().bus_address.expect("an address");
    let connected = signed_in().with("DBUS_SESSION_BUS_ADDRESS", at);
    connected.has("bus_connected", "ok");
    let runtime = connected.path("run");
    fs::create_dir(&runtime).expect("a folder");
    std::os::unix::fs::symlink(bus.socket(), Path::new(&runtime).join("bus")).expect("a link");
    let gone = connected
        .with("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus")
        .with("XDG_RUNTIME_DIR", runtime.to_string_lossy());
    gone.is_advised_about("bus_fallback", "warning");
}
