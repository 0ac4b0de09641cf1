//! Real git, as old and as new as this machine has it, in a sandbox's home and with ghtok as its
//! credential helper.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fake_github::FakeGitHub;

use super::deadline::{LIMIT, ends, run_command};
use super::sandbox::{Program, Run, Sandbox, path_of};

/// What a git does with a token that it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// 2.46 and later: takes the header form, which no helper stores.
    Ephemeral,
    /// Before that: takes a password.
    Password,
}

/// One git of this machine.
#[derive(Clone, Debug)]
pub struct Git {
    pub program: PathBuf,
    pub age: Age,
}

/// One git of each age; says which age was not run.
pub fn gits() -> Vec<Git> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/bin".into()]);
    let mut found: Vec<Git> = Vec::new();
    for program in folders.map(|folder| folder.join("git")) {
        if let Some(age) = age_of(&program)
            && !found.iter().any(|git| git.age == age)
        {
            found.push(Git { program, age });
        }
    }
    for age in [Age::Ephemeral, Age::Password] {
        if !found.iter().any(|git| git.age == age) {
            println!("not run: this machine has no git that takes {age:?}");
        }
    }
    assert!(!found.is_empty(), "the tests need git");
    found
}

fn age_of(program: &Path) -> Option<Age> {
    let output = Command::new(program).arg("version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let mut numbers = text.split_whitespace().nth(2)?.split('.');
    let version: (u32, u32) = (numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?);
    Some(if version >= (2, 46) {
        Age::Ephemeral
    } else {
        Age::Password
    })
}

/// A fake GitHub with the repository `octocat/hello` in it.
pub fn with_a_repository(sandbox_root: &Path) -> FakeGitHub {
    with_a_repository_and(sandbox_root, |builder| builder)
}

pub fn with_a_repository_and(
    root: &Path,
    change: impl FnOnce(fake_github::Builder) -> fake_github::Builder,
) -> FakeGitHub {
    add_repository(root, "octocat/hello");
    change(FakeGitHub::builder().git_root(root))
        .start()
        .expect("a fake")
}

/// A bare repository with one commit, below the root of a fake.
pub fn add_repository(root: &Path, full_name: &str) {
    let bare = root.join(format!("{full_name}.git"));
    fs::create_dir_all(&bare).expect("a folder");
    let git = |arguments: &[&str]| {
        let status = Command::new("git")
            .args(arguments)
            .current_dir(&bare)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .stdout(Stdio::null())
            .status();
        assert!(status.is_ok_and(|status| status.success()), "{arguments:?}");
    };
    git(&["init", "--quiet", "--bare", "--initial-branch=main"]);
    let identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"];
    let tree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
    git(&["hash-object", "-w", "-t", "tree", "/dev/null"]);
    let commit = Command::new("git")
        .args([&identity[..], &["commit-tree", "-m", "first", tree]].concat())
        .current_dir(&bare)
        .output()
        .expect("git runs");
    let commit = String::from_utf8(commit.stdout).expect("a hash");
    git(&["update-ref", "refs/heads/main", commit.trim()]);
    git(&["config", "http.receivepack", "true"]);
}

/// Runs a command with these bytes as its standard input.
#[track_caller]
pub fn feed(command: &mut Command, input: &[u8]) -> Run {
    let mut child = command.stdin(Stdio::piped()).spawn().expect("it starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    // A child may have enough of it before the end.
    let _ = stdin.write_all(input);
    drop(stdin);
    ends(child, LIMIT)
}

/// The helper's line as `setup git` would write it.
pub fn helper() -> String {
    format!("{} git-credential", path_of(Program::Real).display())
}

/// The address of the one repository.
pub fn url(fake: &FakeGitHub) -> String {
    format!("{}/octocat/hello.git", fake.base_url())
}

/// A sandbox in which git asks ghtok.
pub struct Desk<'a> {
    pub sandbox: &'a Sandbox,
    pub git: Git,
}

impl<'a> Desk<'a> {
    /// git's global configuration names ghtok alone, for every host.
    pub fn new(sandbox: &'a Sandbox, git: Git) -> Self {
        let desk = Self { sandbox, git };
        desk.configure(&[&helper()]);
        desk
    }

    /// Writes git's global configuration with these helpers in this order.
    pub fn configure(&self, helpers: &[&str]) {
        let lines: String = helpers
            .iter()
            .map(|helper| format!("\thelper = {helper}\n"))
            .collect();
        let text = format!(
            "[user]\n\tname = t\n\temail = t@example.com\n[protocol \"file\"]\n\tallow = always\n[credential]\n{lines}"
        );
        fs::write(self.config(), text).expect("a configuration");
    }

    pub fn config(&self) -> PathBuf {
        self.sandbox.home().join("gitconfig")
    }

    /// git with the sandbox's environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let ghtok = self.sandbox.command(Program::Real, [""; 0]);
        let mut command = Command::new(&self.git.program);
        command.args(arguments).env_clear();
        for (name, value) in ghtok.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        command
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", self.config())
            .env("GIT_TERMINAL_PROMPT", "0")
            .current_dir(self.sandbox.home())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> Run {
        run_command(&mut self.command(arguments))
    }

    /// Runs git, which must succeed.
    #[track_caller]
    pub fn well(&self, arguments: &[&str]) -> Run {
        self.run(arguments).expect_code(0)
    }

    /// Commits to a clone, and pushes.
    #[track_caller]
    pub fn commit_and_push(&self, clone: &str) {
        let commit = ["commit", "--quiet", "--allow-empty", "-m", "second"];
        self.well(&[&["-C", clone], &commit[..]].concat());
        self.well(&["-C", clone, "push", "--quiet"]);
    }

    /// Runs `git credential OPERATION` with this description.
    #[track_caller]
    pub fn credential(&self, operation: &str, description: &str) -> Run {
        feed(
            &mut self.command(&["credential", operation]),
            description.as_bytes(),
        )
    }
}

/// Every file below a folder that has this text in it.
pub fn files_with(folder: &Path, text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            let kind = entry.file_type().expect("a kind");
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() {
                let bytes = fs::read(&path).unwrap_or_default();
                if bytes
                    .windows(text.len())
                    .any(|part| part == text.as_bytes())
                {
                    found.push(path);
                }
            }
        }
    }
    found
}
