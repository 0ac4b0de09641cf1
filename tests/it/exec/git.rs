//! git in a command of `exec`: it asks ghtok about the hosts of the command's Apps, and everybody else as
//! before.

use std::path::Path;

use fake_github::{App, CLIENT_ID, Installation, Installed};
use tempfile::TempDir;

use super::*;
use crate::support::git::{Desk, Git, add_repository, gits};
use crate::support::sandbox::{as_configured, path_of};

/// A fake where the App is installed on octocat's repositories, and a second account reaches acme's.
struct Bench {
    fake: FakeGitHub,
    sandbox: Sandbox,
    /// The second account's token.
    second: String,
    _root: TempDir,
}

impl Bench {
    fn new() -> Self {
        let root = TempDir::new().expect("a folder");
        for name in ["octocat/hello", "acme/app"] {
            add_repository(root.path(), name);
        }
        let installed = Installation::On(vec![Installed::on("octocat")]);
        let fake = FakeGitHub::builder()
            .app(App::new(CLIENT_ID).installation(installed))
            .user("octocat", 583_231)
            .user("second", 2)
            .git_root(root.path())
            .start()
            .expect("a fake");
        let sandbox = Sandbox::new(&fake);
        sandbox.seed(&fake, HOUR);
        run(&sandbox, &["refresh", "--force"]).expect_code(0);
        let second = fake.personal_token("second", vec![Installed::on("acme")]);
        Self {
            fake,
            sandbox,
            second,
            _root: root,
        }
    }

    fn url(&self, name: &str) -> String {
        format!("{}/{name}.git", self.fake.base_url())
    }

    /// `ghtok exec -- COMMAND` where git is this one, and asks the second account's helper.
    fn command(&self, git: &Git, command: &[&str]) -> Command {
        let desk = Desk::new(&self.sandbox, git.clone());
        let second = format!("username=second\\\\npassword={}\\\\n", self.second);
        let helper = format!("\"!f() {{ [ $1 != get ] || printf '{second}'; }}; f\"");
        desk.configure(&[&helper]);
        let mut child = exec(&self.sandbox, &[&["--"], command].concat(), &[]);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folder = git.program.parent().map(Path::to_owned);
        let folders = folder.into_iter().chain(std::env::split_paths(&path));
        child
            .env("PATH", std::env::join_paths(folders).expect("a path"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", desk.config())
            .env("GIT_TERMINAL_PROMPT", "0")
            .current_dir(self.sandbox.home());
        child
    }

    fn git(&self, git: &Git, arguments: &[&str]) -> Run {
        run_command(&mut self.command(git, &[&["git"], arguments].concat()))
    }
}

#[test]
fn git_in_a_command_asks_ghtok_where_the_app_is_installed_and_others_elsewhere() {
    for git in gits() {
        let bench = Bench::new();
        bench
            .git(
                &git,
                &["clone", "--quiet", &bench.url("octocat/hello"), "one"],
            )
            .expect_code(0);
        let commit = [
            "-C",
            "one",
            "commit",
            "--quiet",
            "--allow-empty",
            "-m",
            "second",
        ];
        bench.git(&git, &commit).expect_code(0);
        bench
            .git(&git, &["-C", "one", "push", "--quiet"])
            .expect_code(0);
        let other = bench.git(&git, &["clone", "--quiet", &bench.url("acme/app"), "two"]);
        assert_eq!(other.expect_code(0).stderr, "", "{git:?}");
        assert!(bench.fake.violations().is_empty());
    }
}

#[test]
fn p7_a_long_command_pushes_after_its_token_was_replaced() {
    for git in gits() {
        let bench = Bench::new();
        let ghtok = path_of(Program::Real);
        let script = format!(
            "set -e; git clone --quiet {} one; old=$GH_ENTERPRISE_TOKEN\n\
             '{ghtok}' refresh --force >/dev/null 2>&1\n\
             cd one; git commit --quiet --allow-empty -m later; git push --quiet; echo $old",
            bench.url("octocat/hello"),
            ghtok = ghtok.display(),
        );
        let run = run_command(&mut bench.command(&git, &["sh", "-c", &script]));
        let old = run.token();
        assert!(!bench.fake.is_alive(old), "{git:?}");
    }
}

#[test]
fn p6_git_is_told_of_the_apps_host_alone_and_after_the_callers_settings() {
    let bench = Bench::new();
    let inherited = [
        ("GIT_CONFIG_COUNT", "1"),
        ("GIT_CONFIG_KEY_0", "user.name"),
        ("GIT_CONFIG_VALUE_0", "caller"),
        ("GIT_CONFIG_KEY_1", "left.over"),
    ];
    let settings = |arguments: &[&str], inherited: &[(&str, &str)]| {
        let list = ["--", "git", "config", "--list", "--show-scope"];
        let mut command = exec(&bench.sandbox, &[arguments, &list].concat(), inherited);
        command.env("GIT_CONFIG_NOSYSTEM", "1");
        command.env("GIT_CONFIG_GLOBAL", "/dev/null");
        run_command(command.current_dir(bench.sandbox.home()))
    };
    let told = settings(&[], &inherited).expect_code(0).stdout;
    let lines: Vec<&str> = told.lines().collect();
    let ours = format!("command\tcredential.{}.", bench.fake.base_url());
    assert_eq!(lines[0], "command\tuser.name=caller");
    assert_eq!(lines.len(), 5, "{told}");
    assert!(
        lines[1..].iter().all(|line| line.starts_with(&ours)),
        "{told}"
    );
    // What git cannot read stays what git cannot read.
    let told = settings(&[], &[("GIT_CONFIG_COUNT", "x")]);
    assert!(told.stderr.contains("bogus count"), "{told:?}");
}

#[test]
fn the_app_that_is_named_is_the_one_that_git_asks() {
    let bench = Bench::new();
    let app = |name: &str, id: &str| {
        let host = bench.fake.host();
        format!("[[app]]\nname = \"{name}\"\nclient_id = \"{id}\"\nhost = \"{host}\"\n")
    };
    bench.sandbox.configure(&format!(
        "store = \"file\"\ndefault_app = \"own\"\n{}{}",
        app("own", CLIENT_ID),
        app("other", "Iv1.other")
    ));
    let helper = |arguments: &[&str]| {
        let print = ["--", "printenv", "GIT_CONFIG_VALUE_1"];
        let mut command = exec(&bench.sandbox, &[arguments, &print].concat(), &[]);
        as_configured(&mut command);
        let run = run_command(&mut command);
        run.token()
            .split(" git-credential")
            .nth(1)
            .map(str::to_owned)
    };
    assert_eq!(helper(&[]).as_deref(), Some(""));
    assert_eq!(helper(&["own"]).as_deref(), Some(" --app=own"));
    assert_eq!(helper(&["-e", "X:own"]).as_deref(), Some(" --app=own"));
    let stored = helper(&["own", "--store", "file"]);
    assert_eq!(stored.as_deref(), Some(" --app=own --store=file"));
}
