//! `ghtok setup git` and `--undo` on the configurations that people have: there and back to the byte.

mod migration;
mod others;
mod ssh;
mod table;

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use fake_github::{CLIENT_ID, FakeGitHub};
use tempfile::TempDir;

use crate::support::deadline::run_command;
use crate::support::git::{Age, Desk, files_with, gits, url, with_a_repository};
use crate::support::sandbox::{Program, Run, Sandbox, as_configured};

const HOUR: Duration = Duration::from_secs(3600);
const APPS: &str = "store = \"file\"\n[[app]]\nname = \"main\"\nclient_id = \"Iv1.a\"\n\
    [[app]]\nname = \"work\"\nclient_id = \"Iv1.b\"\nhost = \"ghes.example\"\nowners = [\"org\"]\n";

/// A home without git's usual variables, as a person has it.
struct Home {
    sandbox: Sandbox,
    _fake: FakeGitHub,
}

impl Home {
    fn new() -> Self {
        let fake = FakeGitHub::start().expect("a fake");
        let sandbox = Sandbox::new(&fake);
        sandbox.configure(APPS);
        Self {
            sandbox,
            _fake: fake,
        }
    }

    fn path(&self, below: &str) -> PathBuf {
        self.sandbox.home().join(below)
    }

    fn write(&self, below: &str, text: &str) -> PathBuf {
        let path = self.path(below);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, text).expect("a file");
        path
    }

    fn in_it(&self, mut command: Command) -> Command {
        as_configured(&mut command);
        command
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("GIT_CONFIG_SYSTEM", self.path("system-gitconfig"))
            .current_dir(self.sandbox.home());
        command
    }

    fn setup(&self, flags: &[&str]) -> Run {
        let arguments = [&["setup", "git"], flags].concat();
        run_command(&mut self.in_it(self.sandbox.command(Program::Real, arguments)))
    }

    /// What git prints, outside of any repository.
    fn git(&self, git: &Path, arguments: &[&str]) -> String {
        let mut command = Command::new(git);
        command.args(arguments).env_clear();
        command
            .env("HOME", self.sandbox.home())
            .env("GIT_DIR", "/no-repository");
        let output = self.in_it(command).output().expect("git runs");
        let code = output.status.code();
        assert!(matches!(code, Some(0 | 1)), "{arguments:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// The helpers that git of any age has in the sections of exactly this address.
    fn helpers(&self, url: &str) -> Vec<String> {
        let key = format!("credential.{url}.helper");
        let mut said: Vec<String> = gits()
            .iter()
            .map(|git| self.git(&git.program, &["config", "--includes", "--get-all", &key]))
            .collect();
        said.dedup();
        assert_eq!(said.len(), 1, "{said:?}");
        said[0].lines().map(str::to_owned).collect()
    }

    fn included(&self) -> PathBuf {
        self.path(".config/git/ghtok.gitconfig")
    }

    /// There and back, with git's own eyes in between.
    #[track_caller]
    fn there_and_back(&self, what: &str) {
        let before = snapshot(self.sandbox.home());
        let done = self.setup(&["--yes"]).expect_code(0);
        assert_eq!(done.stdout, "");
        for url in [
            "https://github.com",
            "https://gist.github.com",
            "https://ghes.example",
        ] {
            let helpers = self.helpers(url);
            let at = helpers.iter().rposition(String::is_empty).expect("a reset");
            assert!(
                helpers[at + 1].contains("/ghtok git-credential --config-dir /"),
                "{what}: {helpers:?}"
            );
        }
        let between = snapshot(self.sandbox.home());
        assert_ne!(between, before, "{what}");
        self.setup(&["--yes"]).expect_code(0);
        assert_eq!(
            snapshot(self.sandbox.home()),
            between,
            "{what}: twice is once"
        );
        let told = self.setup(&["--undo"]).expect_code(0).stderr;
        assert_eq!(snapshot(self.sandbox.home()), before, "{what}");
        assert!(told.contains("is as it was"), "{what}: {told}");
        self.setup(&["--undo"]).expect_code(0);
        assert_eq!(
            snapshot(self.sandbox.home()),
            before,
            "{what}: nothing to undo"
        );
    }
}

/// Every file and folder with its bytes, mode, and where it leads.
fn snapshot(folder: &Path) -> Vec<(PathBuf, Vec<u8>, u32, Option<PathBuf>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            let metadata = fs::symlink_metadata(&path).expect("metadata");
            let mode = metadata.permissions().mode();
            if metadata.is_dir() {
                found.push((path.clone(), Vec::new(), mode, None));
                folders.push(path);
            } else {
                let bytes = fs::read(&path).unwrap_or_default();
                let target = fs::read_link(&path).ok();
                found.push((path, bytes, mode, target));
            }
        }
    }
    found.sort();
    found
}

const USUAL: &str = "# mine\n[user]\n\tname = t ; a comment\n[alias]\n\tl = \"log --oneline\"\n";

#[test]
fn a_system_helper_and_own_sections_for_the_same_hosts() {
    let home = Home::new();
    home.write("system-gitconfig", "[credential]\n\thelper = cache\n");
    home.write(
        ".gitconfig",
        "[credential \"https://github.com\"]\n\thelper = store\n[credential]\n\thelper = store\n",
    );
    home.there_and_back("other helpers");
}

#[test]
fn a_link_to_a_file_of_another_folder_with_a_mode_of_its_own() {
    let home = Home::new();
    let real = home.write("dotfiles/gitconfig", USUAL);
    fs::set_permissions(&real, Permissions::from_mode(0o640)).expect("mode");
    symlink("dotfiles/gitconfig", home.path(".gitconfig")).expect("a link");
    home.there_and_back("a link");
}

#[test]
fn a_worktree_with_a_configuration_of_its_own() {
    let home = Home::new();
    home.write(".gitconfig", USUAL);
    for arguments in [
        &["init", "--quiet", "."][..],
        &["config", "extensions.worktreeConfig", "true"],
        &["config", "--worktree", "credential.helper", "store"],
    ] {
        let mut command = Command::new("git");
        command.args(arguments).env("HOME", home.sandbox.home());
        assert!(
            home.in_it(command)
                .status()
                .is_ok_and(|status| status.success())
        );
    }
    home.there_and_back("a worktree");
    let told = home.setup(&["--yes"]).stderr;
    assert!(
        told.contains("the helper \"store\" (file:.git/config.worktree) comes after ghtok: git before 2.46 gives it the token for https://github.com"),
        "{told}"
    );
}

#[test]
fn a_read_only_file_is_left_alone() {
    let home = Home::new();
    let file = home.write(".gitconfig", USUAL);
    fs::set_permissions(&file, Permissions::from_mode(0o444)).expect("mode");
    let before = snapshot(home.sandbox.home());
    let refused = home.setup(&["--yes"]).expect_code(1);
    assert!(
        refused.stderr.contains("it is read-only\n")
            && refused.stderr.contains("ghtok setup git --print"),
        "{refused:?}"
    );
    assert_eq!(snapshot(home.sandbox.home()), before);
}

#[test]
fn a_held_lock_of_git_is_waited_for_and_then_named() {
    let home = Home::new();
    home.write(".gitconfig", USUAL);
    let lock = home.write(".gitconfig.lock", "half");
    let before = snapshot(home.sandbox.home());
    for flag in ["--yes", "--undo"] {
        let refused = home.setup(&[flag]);
        assert_eq!(snapshot(home.sandbox.home()), before);
        if flag == "--yes" {
            let refused = refused.expect_code(1);
            let named = format!("{} exists: another program", lock.display());
            assert!(refused.stderr.contains(&named), "{refused:?}");
        }
    }
    let mut setup = home.in_it(
        home.sandbox
            .command(Program::Real, ["setup", "git", "--yes"]),
    );
    let started = setup.spawn().expect("ghtok starts");
    std::thread::sleep(Duration::from_millis(300));
    fs::remove_file(&lock).expect("the lock");
    let done = started.wait_with_output().expect("an end");
    assert!(done.status.success(), "{done:?}");
}

#[test]
fn a_private_file_is_never_readable_for_others_while_it_is_replaced() {
    let home = Home::new();
    let file = home.write(".gitconfig", USUAL);
    fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("mode");
    let told = traced(&home, &["setup", "git", "--yes"]);
    for line in told.lines().filter(|line| line.contains("O_CREAT")) {
        assert!(line.contains("0600"), "{line}");
    }
    assert!(told.contains(".gitconfig.lock"), "{told}");
    let mode = fs::metadata(&file).expect("it").permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
}

/// The files that a ghtok under umask 0 opens, as strace prints them.
fn traced(home: &Home, arguments: &[&str]) -> String {
    let log = home.path("strace.log");
    let real = home.sandbox.command(Program::Real, [""; 0]);
    let mut command = Command::new("sh");
    command
        .args([
            "-c",
            "umask 0; exec strace -f -e trace=openat -o \"$@\"",
            "-",
        ])
        .arg(&log)
        .arg(real.get_program())
        .args(arguments)
        .env_clear()
        .envs(
            real.get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
    run_command(&mut home.in_it(command)).expect_code(0);
    fs::read_to_string(log).expect("a log")
}

#[test]
fn nobody_agrees_so_nothing_is_changed() {
    let home = Home::new();
    home.write(".gitconfig", USUAL);
    let before = snapshot(home.sandbox.home());
    let refused = home.setup(&[]).expect_code(2);
    assert!(
        refused.stderr.contains("helper =") && refused.stderr.contains("--yes"),
        "{refused:?}"
    );
    assert_eq!(snapshot(home.sandbox.home()), before);
    let printed = home.setup(&["--print"]).expect_code(0);
    let lines = printed.stdout.replace(
        &format!(" --config-dir {}", home.sandbox.config_dir().display()),
        "",
    );
    assert!(
        lines.starts_with("[credential \"https://github.com\"]\n\thelper =\n\thelper = /")
            && lines.contains("/ghtok git-credential\n\tuseHttpPath = true\n["),
        "{printed:?}"
    );
    assert_ne!(lines, printed.stdout, "git finds the configuration");
    assert_eq!(lines.matches("useHttpPath").count(), 3);
    assert_eq!(snapshot(home.sandbox.home()), before);
}

#[test]
fn a_link_in_path_is_named_and_not_where_it_leads() {
    let home = Home::new();
    let folder = home.path("my bin");
    fs::create_dir(&folder).expect("a folder");
    let real = home.sandbox.command(Program::Real, [""; 0]);
    symlink(real.get_program(), folder.join("ghtok")).expect("a link");
    let mut command = home.in_it(
        home.sandbox
            .command(Program::Real, ["setup", "git", "--print"]),
    );
    command.env("PATH", &folder);
    let printed = run_command(&mut command).expect_code(0).stdout;
    let line = format!(
        "\thelper = !'{}/ghtok' git-credential --config-dir ",
        folder.display()
    );
    assert!(printed.contains(&line), "{printed}");
}

#[test]
fn old_tokens_and_who_keeps_them_are_named() {
    let home = Home::new();
    home.write(".gitconfig", "[credential]\n\thelper = libsecret\n");
    home.write(
        ".git-credentials",
        "https://me:ghp_old@github.com\nhttps://x:y@example.com\n",
    );
    let told = home.setup(&["--yes"]).expect_code(0).stderr;
    assert!(
        told.contains("still has an old token for github.com") && !told.contains("ghp_old"),
        "{told}"
    );
    assert!(
        told.contains(
            "remove it with:\n  echo url=https://github.com | git credential-libsecret erase\n"
        ),
        "{told}"
    );
    assert_eq!(told.matches("old token").count(), 2, "{told}");
}

#[test]
fn p6_the_helpers_of_before_never_get_the_token_with_a_git_of_any_age() {
    for git in gits() {
        let root = TempDir::new().expect("a folder");
        let fake = with_a_repository(root.path());
        let sandbox = Sandbox::new(&fake);
        let pair = sandbox.seed(&fake, HOUR);
        let desk = Desk::new(&sandbox, git);
        desk.configure(&["store"]);
        let mut setup = sandbox.command(Program::Real, ["setup", "git", "--yes"]);
        setup.env("GIT_CONFIG_GLOBAL", desk.config());
        run_command(&mut setup).expect_code(0);
        desk.well(&["ls-remote", &url(&fake)]);
        assert_eq!(
            files_with(sandbox.home(), &pair.access_token),
            [sandbox.record_file()]
        );
        // The test can tell: with the helper itself in the list, an older git writes the token down.
        if desk.git.age == Age::Password {
            let mut text = fs::read_to_string(desk.config()).expect("a file");
            text.push_str("[credential]\n\thelper = store\n");
            fs::write(desk.config(), text).expect("a file");
            desk.well(&["ls-remote", &url(&fake)]);
            assert_eq!(files_with(sandbox.home(), &pair.access_token).len(), 2);
        }
    }
}

#[test]
fn p13_where_ghtok_is_silent_the_helper_of_before_answers_as_before_with_a_git_of_any_age() {
    for git in gits() {
        let root = TempDir::new().expect("a folder");
        let fake = with_a_repository(root.path());
        let sandbox = Sandbox::new(&fake);
        let pair = sandbox.seed(&fake, HOUR);
        let desk = Desk::new(&sandbox, git);
        desk.configure(&["store"]);
        let host = fake.host().replace(':', "%3a");
        let kept = format!("http://me:{}@{host}\n", pair.access_token);
        fs::write(sandbox.home().join(".git-credentials"), &kept).expect("a file");
        sandbox.configure(&format!(
            "store = \"file\"\n[[app]]\nname = \"main\"\nclient_id = \"{CLIENT_ID}\"\nhost = \"{}\"\nowners = [\"another\"]\n",
            fake.base_url()
        ));
        let mut setup = sandbox.command(Program::Real, ["setup", "git", "--yes"]);
        as_configured(&mut setup);
        setup.env("GIT_CONFIG_GLOBAL", desk.config());
        run_command(&mut setup).expect_code(0);
        let ls_remote = || {
            let mut command = desk.command(&["ls-remote", &url(&fake)]);
            as_configured(&mut command);
            run_command(&mut command)
        };
        ls_remote().expect_code(0);
        let after = fs::read_to_string(sandbox.home().join(".git-credentials")).expect("a file");
        assert_eq!(after, kept);
        // The test can tell: ghtok has no answer for this owner.
        fs::remove_file(sandbox.home().join(".git-credentials")).expect("gone");
        ls_remote().expect_code(128);
    }
}
