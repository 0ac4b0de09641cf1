//! The environment as an attacker: whose sockets are used.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::time::Duration;

use fake_github::FakeGitHub;

use super::TOKEN;
use super::host::{Reply, TestHost, token_json};
use crate::support::deadline::run_command;
use crate::support::sandbox::{Program, Run, Sandbox};

/// A project that names a socket of its own.
struct Project {
    _fake: FakeGitHub,
    home: Sandbox,
    host: TestHost,
    own: String,
}

impl Project {
    fn new() -> Self {
        let fake = FakeGitHub::start().expect("a fake");
        let home = Sandbox::new(&fake);
        let own = home.seed(&fake, Duration::from_secs(3600)).access_token;
        let address = fake.host();
        let socket = home.home().join("evil.sock");
        let host = TestHost::at(&socket, move |_, _| Reply::ok(&token_json(&address, TOKEN)));
        Self {
            _fake: fake,
            home,
            host,
            own,
        }
    }

    fn get(&self, variables: &[(&str, &str)]) -> Run {
        let mut command = self.home.command(Program::Real, ["get"]);
        command.env("GHTOK_SOCKET", self.home.home().join("evil.sock"));
        run_command(command.envs(variables.iter().copied()))
    }

    /// The sign-in's own token came, after one line.
    #[track_caller]
    fn assert_ignored(&self, variables: &[(&str, &str)]) {
        let run = self.get(variables);
        assert_eq!(run.token(), self.own);
        assert!(
            run.stderr.starts_with("ghtok: GHTOK_SOCKET is ignored: "),
            "{}",
            run.stderr
        );
        assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
        assert!(self.host.requests().is_empty());
    }
}

#[test]
fn p11_a_projects_socket_is_ignored_where_there_is_a_configuration() {
    let project = Project::new();
    project.home.configure("");
    project.assert_ignored(&[]);
    // Nor do other variables of the project change that.
    let home = project.home.home();
    fs::create_dir_all(home.join(".config/ghtok")).expect("a folder");
    fs::write(home.join(".config/ghtok/config.toml"), "").expect("a file");
    let text = |name: &str| home.join(name).to_string_lossy().into_owned();
    project.assert_ignored(&[("GHTOK_CONFIG_DIR", &text("elsewhere"))]);
    project.assert_ignored(&[("XDG_CONFIG_HOME", &text("elsewhere"))]);
    // The folder of the socket is not ghtok's, whatever the runtime folder is.
    project.assert_ignored(&[("XDG_RUNTIME_DIR", &text(""))]);
}

#[test]
fn p11_a_projects_socket_is_ignored_where_somebody_signed_in() {
    let project = Project::new();
    let note = project
        .home
        .state_folder()
        .chosen_store(&project.home.app().key());
    fs::write(note, "file\n").expect("a note");
    project.assert_ignored(&[]);
    let socket = project.home.home().join("evil.sock");
    let mut command = project
        .home
        .command(Program::Real, ["git-credential", "capability"]);
    let run = run_command(command.env("GHTOK_SOCKET", socket)).expect_code(0);
    assert!(run.stdout.contains("capability authtype"), "{run:?}");
}

/// Needs root, as which the tests run in containers and in CI.
#[test]
fn p11_a_socket_of_another_user_is_used_only_if_its_owner_is_named() {
    let project = Project::new();
    let socket = project.home.home().join("evil.sock");
    if !rustix::process::geteuid().is_root() {
        return;
    }
    chown(&socket, Some(4321), None).expect("root may");
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o666)).expect("a mode");
    for owner in [
        &[][..],
        &[("GHTOK_SOCKET_OWNER", "1234")],
        &[("GHTOK_SOCKET_OWNER", "x")],
    ] {
        let run = project.get(owner).expect_code(6);
        assert!(
            run.stderr
                .contains("belongs to another user (user ID 4321)"),
            "{}",
            run.stderr
        );
        assert!(
            run.stderr.contains("\n  export GHTOK_SOCKET_OWNER=4321\n"),
            "{}",
            run.stderr
        );
    }
    assert!(project.host.requests().is_empty());
    assert_eq!(
        project.get(&[("GHTOK_SOCKET_OWNER", "4321")]).token(),
        TOKEN
    );
}
