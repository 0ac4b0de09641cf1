//! Where the tasks are done: two hosts, an App at the first, and a helper of git that knows a second
//! account at both.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use fake_github::{App, CLIENT_ID, FakeGitHub, Installation, Installed};
use tempfile::TempDir;

use super::ssh::SshServer;
use crate::git::reach::{HOUR, all_have_asked};
use crate::secret_service::bus::PrivateBus;
use crate::support::deadline::{run, run_command};
use crate::support::git::{Desk, Git, add_repository, feed};
use crate::support::sandbox::{Program, Sandbox, as_configured};

/// The helper that git asked before ghtok.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Other {
    Store,
    /// A script that finds as little as the real one does where a path is given.
    OsxKeychain,
    /// The real one, on a gnome-keyring.
    LibSecret,
}

const OSXKEYCHAIN: &str = r#"#!/bin/sh
protocol= host= path= username= password=
while IFS== read -r key value; do
  case $key in protocol|host|path|username|password) eval "$key=\$value" ;; esac
done
file=$HOME/keychain; touch "$file"
[ -z "$path" ] || exit 0
case $1 in
  get) while read -r p h u s; do
      if [ "$p $h" = "$protocol $host" ] && { [ -z "$username" ] || [ "$u" = "$username" ]; }; then
        printf 'username=%s\npassword=%s\n' "$u" "$s"; exit
      fi
    done <"$file" ;;
  store) [ -z "$password" ] || printf '%s %s %s %s\n' "$protocol" "$host" "$username" "$password" >>"$file" ;;
  erase) grep -vF "$protocol $host $username" "$file" >"$file.new"; mv "$file.new" "$file" ;;
esac
"#;

/// What a git of Debian has of this helper.
const LIBSECRET: &str =
    "/usr/share/doc/git/contrib/credential/libsecret/git-credential-libsecret.c";

pub struct TaskBench {
    pub fake: FakeGitHub,
    pub enterprise: FakeGitHub,
    pub sandbox: Sandbox,
    pub git: Git,
    second: String,
    other: Other,
    bus: Option<PrivateBus>,
    ssh: SshServer,
    /// The repositories; the server's until the end.
    _root: TempDir,
}

impl TaskBench {
    /// `None` where this machine lacks the helper.
    pub fn new(git: Git, other: Other) -> Option<Self> {
        let bus = match other {
            Other::LibSecret => Some(PrivateBus::with_keyring()?),
            Other::Store | Other::OsxKeychain => None,
        };
        if !has_lfs() {
            skip!("git-lfs is not installed");
            return None;
        }
        let root = TempDir::new().expect("a folder");
        let ssh = SshServer::new(root.path())?;
        for name in ["octocat/hello", "acme/private", "else/open"] {
            add_repository(root.path(), name);
        }
        let at = |installation: Installation| {
            FakeGitHub::builder()
                .app(App::new(CLIENT_ID).installation(installation))
                .user("octocat", 583_231)
                .user("second", 2)
                .public_repository("else/open")
                .git_root(root.path())
                .start()
                .expect("a fake")
        };
        let fake = at(Installation::On(vec![Installed::on("octocat")]));
        let enterprise = at(Installation::Nowhere);
        let sandbox = Sandbox::new(&fake);
        sandbox.seed(&fake, HOUR);
        run(&sandbox, &["refresh", "--force"]).expect_code(0);
        all_have_asked(&sandbox);
        let app = |name: &str, host: &str| {
            format!("[[app]]\nname = \"{name}\"\nclient_id = \"{CLIENT_ID}\"\nhost = \"{host}\"\n")
        };
        let (main, ghes) = (app("main", &fake.host()), app("ghes", &enterprise.host()));
        sandbox.configure(&format!("store = \"file\"\n{main}{ghes}"));
        let reaches = || vec![Installed::on("octocat"), Installed::on("acme")];
        let bench = Self {
            second: fake.personal_token("second", reaches()),
            fake,
            enterprise,
            sandbox,
            git,
            other,
            bus,
            ssh,
            _root: root,
        };
        if !bench.install_helper() {
            return None;
        }
        let ghes = bench.enterprise.personal_token("second", reaches());
        for (host, token) in [(&bench.fake, &bench.second), (&bench.enterprise, &ghes)] {
            let known = format!(
                "url={}\nusername=second\npassword={token}\n",
                host.base_url()
            );
            let approve = bench.command(bench.sandbox.home(), &["credential", "approve"]);
            feed(&mut { approve }, known.as_bytes()).expect_code(0);
        }
        Some(bench)
    }

    fn bin(&self) -> PathBuf {
        self.sandbox.home().join("bin")
    }

    fn program(&self, name: &str, text: &str) {
        let path = self.bin().join(name);
        fs::write(&path, text).expect("a program");
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("mode");
    }

    /// The helper, and a helper for one command.
    fn install_helper(&self) -> bool {
        fs::create_dir(self.bin()).expect("a folder");
        let second = format!(
            "#!/bin/sh\n[ \"$1\" != get ] || printf 'username=second\\npassword=%s\\n' {}\n",
            self.second
        );
        self.program("second", &second);
        let name = match self.other {
            Other::Store => "store",
            Other::OsxKeychain => {
                self.program("git-credential-osxkeychain", OSXKEYCHAIN);
                "osxkeychain"
            }
            Other::LibSecret if self.compile_libsecret() => "libsecret",
            Other::LibSecret => {
                skip!(
                    "this machine has no source of git-credential-libsecret, or no libsecret-1-dev"
                );
                return false;
            }
        };
        Desk::new(&self.sandbox, self.git.clone()).configure(&[name]);
        true
    }

    fn compile_libsecret(&self) -> bool {
        let line = format!(
            "cc -o '{}' '{LIBSECRET}' $(pkg-config --cflags --libs libsecret-1)",
            self.bin().join("git-credential-libsecret").display()
        );
        let compiled = Command::new("sh").args(["-c", &line]).output();
        compiled.is_ok_and(|output| output.status.success())
    }

    pub fn set_up(&self) {
        let mut setup = self
            .sandbox
            .command(Program::Real, ["setup", "git", "--yes"]);
        as_configured(&mut setup);
        let desk = Desk {
            sandbox: &self.sandbox,
            git: self.git.clone(),
        };
        setup
            .env("PATH", self.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", desk.config());
        run_command(&mut setup).expect_code(0);
        let text = fs::read_to_string(desk.config()).expect("a file");
        assert!(text.contains("ghtok.gitconfig"), "{text}");
    }

    fn path(&self) -> std::ffi::OsString {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(self.bin()).chain(std::env::split_paths(&path));
        std::env::join_paths(folders).expect("a path")
    }

    fn command(&self, folder: &Path, arguments: &[&str]) -> Command {
        let desk = Desk {
            sandbox: &self.sandbox,
            git: self.git.clone(),
        };
        let mut command = desk.command(arguments);
        as_configured(&mut command);
        if let Some(bus) = &self.bus {
            let address = bus.session().bus_address.expect("an address");
            command.env("DBUS_SESSION_BUS_ADDRESS", address);
        }
        command
            .env("PATH", self.path())
            .env("GIT_SSH_COMMAND", &self.ssh.command)
            .current_dir(folder);
        command
    }

    pub fn assert_no_token_of_ghtok_in_the_keyring(&self) {
        let Some(bus) = &self.bus else { return };
        let search = ["search", "--all", "protocol", "http"];
        let found = bus.secret_tool(&search, b"");
        let text = String::from_utf8_lossy(&found.stdout).into_owned();
        assert!(text.contains("ghp_") && !text.contains("ghu_"), "{text}");
    }
}

/// One task, in a folder of its own.
pub struct Task<'a> {
    pub bench: &'a TaskBench,
    turn: &'a str,
    folder: PathBuf,
}

impl<'a> Task<'a> {
    pub fn new(bench: &'a TaskBench, turn: &'a str, name: &str) -> Self {
        let folder = bench.sandbox.home().join(turn).join(name);
        fs::create_dir_all(&folder).expect("a folder");
        Self {
            bench,
            turn,
            folder,
        }
    }

    pub fn turn(&self) -> &str {
        self.turn
    }

    pub fn url(&self, name: &str) -> String {
        format!("{}/{name}.git", self.bench.fake.base_url())
    }

    /// A repository as people write it for SSH.
    pub fn ssh_url(&self, name: &str) -> String {
        let host = self.bench.fake.host();
        let host = host.split(':').next().expect("a name");
        format!("{}@{host}:{name}.git", self.bench.ssh.user)
    }

    /// True if git did its work.
    pub fn git(&self, arguments: &[&str]) -> bool {
        self.prints(arguments).is_some()
    }

    pub fn prints(&self, arguments: &[&str]) -> Option<String> {
        let run = run_command(&mut self.bench.command(&self.folder, arguments));
        if run.code == Some(0) {
            return Some(run.stdout);
        }
        println!("{arguments:?}: {}", run.stderr);
        None
    }

    pub fn second_helper(&self) -> String {
        self.bench.bin().join("second").display().to_string()
    }

    pub fn clone_own(&self) -> bool {
        self.git(&["clone", "--quiet", &self.url("octocat/hello"), "it"])
    }

    pub fn commit(&self, folder: &str) -> bool {
        let message = format!("{} {}", self.turn, self.folder.display());
        self.git(&[
            "-C",
            folder,
            "commit",
            "--quiet",
            "--allow-empty",
            "-m",
            &message,
        ])
    }

    pub fn reads(&self, below: &str) -> String {
        fs::read_to_string(self.folder.join(below)).unwrap_or_default()
    }

    pub fn write(&self, below: &str, text: &str) -> bool {
        fs::write(self.folder.join(below), text).is_ok()
    }
}

fn has_lfs() -> bool {
    let version = Command::new("git-lfs").arg("version").output();
    version.is_ok_and(|output| output.status.success())
}
