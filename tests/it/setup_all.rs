//! `ghtok setup status` and `ghtok setup remove --all`: git, MCP clients and the timer together.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use fake_github::FakeGitHub;
use serde_json::Value;

use crate::schedule::place;
use crate::support::cron::CronDaemon;
use crate::support::deadline::run_command;
use crate::support::sandbox::{Program, Run, Sandbox, as_configured, path_of};

const CONFIG: &str =
    "store = \"file\"\n[[app]]\nname = \"main\"\nclient_id = \"Iv1.a\"\nhost = \"ghes.example\"\n";

/// A home with another helper of git, a crontab and Cursor.
struct Home {
    sandbox: Sandbox,
    _daemon: CronDaemon,
}

impl Home {
    fn new() -> Self {
        let sandbox = Sandbox::new(&FakeGitHub::start().expect("a fake"));
        sandbox.configure(CONFIG);
        let home = Self {
            sandbox,
            _daemon: CronDaemon::start(),
        };
        home.write(".gitconfig", "[credential]\n\thelper = store\n");
        home.write(".cursor/mcp.json", "{}\n");
        let crontab = "case $1 in\n  -l) cat ~/crontab 2>/dev/null || { echo 'no crontab for me' >&2; exit 1; } ;;\n\
            \x20 -) cat >~/crontab ;;\n  -r) rm ~/crontab ;;\nesac";
        home.program("crontab", crontab);
        home.program("systemctl", "exit 1");
        place(&path_of(Program::Real), &home.ghtok());
        home
    }

    fn write(&self, below: &str, text: &str) {
        let path = self.sandbox.home().join(below);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    fn read(&self, below: &str) -> String {
        fs::read_to_string(self.sandbox.home().join(below)).unwrap_or_default()
    }

    fn program(&self, name: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt;
        self.write(&format!("bin/{name}"), &format!("#!/bin/sh\n{script}\n"));
        let path = self.sandbox.home().join("bin").join(name);
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("mode");
    }

    /// Where a person has it: no timer is installed for a program in a build folder.
    fn ghtok(&self) -> PathBuf {
        self.sandbox.home().join("bin/ghtok")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let usual = self.sandbox.command(Program::Real, [""; 0]);
        let mut command = Command::new(self.ghtok());
        command.args(arguments).env_clear();
        command.envs(
            usual
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        as_configured(&mut command);
        let bin = self.sandbox.home().join("bin");
        let path = std::env::var("PATH").expect("a path");
        command
            .env("PATH", format!("{}:{path}", bin.display()))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .current_dir(self.sandbox.home());
        command
    }

    #[track_caller]
    fn run(&self, arguments: &[&str]) -> Run {
        run_command(&mut self.command(arguments))
    }

    fn set_up(&self) {
        self.run(&["setup", "git", "--yes"]).expect_code(0);
        let entry = self.run(&["setup", "mcp", "cursor"]).expect_code(0).stdout;
        self.write(".cursor/mcp.json", &entry);
        self.run(&["schedule", "install", "--scheduler", "cron"])
            .expect_code(0);
    }
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).expect("JSON")
}

#[test]
fn status_says_who_asks_ghtok_and_whom_git_asks_after_it() {
    let home = Home::new();
    let before = home.run(&["setup", "status"]).expect_code(0);
    assert_eq!(
        before.stdout,
        "git    not set up; set it up with: ghtok setup git\n       https://ghes.example: store\n\
         mcp    no client runs ghtok; list them with: ghtok setup mcp\n\
         timer  none; install it with: ghtok schedule install\n"
    );
    home.set_up();
    let after = home.run(&["setup", "status"]).expect_code(0);
    assert_eq!(
        after.stdout,
        "git    ~/.gitconfig includes ~/.config/git/ghtok.gitconfig\n\
         \x20      https://ghes.example: ghtok, then store\n\
         mcp    cursor: \"github\" in ~/.cursor/mcp.json\ntimer  cron\n"
    );
    let told = json(&home.run(&["setup", "status", "--json"]).expect_code(0));
    assert_eq!(told["schema_version"], 1);
    assert_eq!(told["git"]["hosts"][0]["ghtok_first"], true);
    assert_eq!(
        told["git"]["hosts"][0]["helpers"],
        serde_json::json!(["ghtok", "store"])
    );
    assert_eq!(told["mcp"][0]["client"], "cursor");
    assert_eq!(told["scheduler"], "cron");
    // A helper that another tool put before ghtok's lines take effect is seen.
    let text = format!(
        "{}[credential]\n\thelper =\n\thelper = x\n",
        home.read(".gitconfig")
    );
    home.write(".gitconfig", &text);
    let told = json(&home.run(&["setup", "status", "--json"]).expect_code(0));
    assert_eq!(told["git"]["hosts"][0]["ghtok_first"], false, "{told}");
    assert_eq!(told["git"]["hosts"][0]["helpers"], serde_json::json!(["x"]));
}

#[test]
fn remove_all_takes_everything_back_and_says_what_stays() {
    let home = Home::new();
    let before = home.read(".gitconfig");
    home.set_up();
    let asked = home.run(&["setup", "remove", "--all"]).expect_code(2);
    assert!(
        asked.stderr.contains("cursor: \"github\"") && asked.stderr.contains("timer  cron"),
        "{asked:?}"
    );
    assert!(home.read("crontab").contains("ghtok"));
    let done = home
        .run(&["setup", "remove", "--all", "--yes"])
        .expect_code(0);
    assert_eq!(home.read(".gitconfig"), before);
    assert!(!home.read(".cursor/mcp.json").contains("ghtok"));
    assert!(!home.read("crontab").contains("ghtok"));
    assert!(!home.sandbox.home().join(".config/git").exists());
    for said in ["ghtok logout --all", "your Apps stay in "] {
        assert!(done.stderr.contains(said), "{done:?}");
    }
    assert_eq!(
        fs::read_to_string(home.sandbox.config_dir().join("config.toml")).expect("it"),
        CONFIG
    );
    let told = json(&home.run(&["setup", "status", "--json"]).expect_code(0));
    assert!(told["git"]["file"].is_null() && told["scheduler"].is_null());
    let again = home
        .run(&["setup", "remove", "--all", "--yes"])
        .expect_code(0);
    assert!(again.stderr.contains("nothing is set up"), "{again:?}");
    home.run(&["setup", "remove"]).expect_code(2);
}

#[test]
fn what_cannot_be_removed_keeps_nothing_else_from_going() {
    let home = Home::new();
    let before = home.read(".gitconfig");
    home.set_up();
    // Not as ghtok prints it.
    let entry = "mcp_servers = { github = { command = \"ghtok\", args = [\"mcp\"] } }\n";
    home.write(".codex/config.toml", entry);
    home.write(".gitconfig.lock", "");
    let done = home
        .run(&["setup", "remove", "--all", "--yes"])
        .expect_code(1);
    assert!(
        done.stderr.contains("remove that entry yourself"),
        "{done:?}"
    );
    assert!(done.stderr.contains(".gitconfig.lock exists"), "{done:?}");
    assert!(!home.read(".cursor/mcp.json").contains("ghtok"));
    assert!(!home.read("crontab").contains("ghtok"));
    fs::remove_file(home.sandbox.home().join(".gitconfig.lock")).expect("a lock");
    home.run(&["setup", "remove", "--all", "--yes"])
        .expect_code(1);
    assert_eq!(home.read(".gitconfig"), before);
}
