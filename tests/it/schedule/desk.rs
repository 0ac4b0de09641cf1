//! Stand-ins for the schedulers' own programs. They keep what they are given, write down what they
//! were asked, and refuse when a test says so. The real ones of Linux are in `real_systemd`, `real_cron`.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Stage, script};
use crate::support::cron::CronDaemon;
use crate::support::sandbox::Run;

/// Begins each: the folder, the log, and what a test wants refused.
const HEAD: &str = r#"
dir=$(dirname "$0"); name=$(basename "$0")
echo "$name $*" >> "$dir/log"
[ -e "$dir/without-$name" ] && { echo "$name: out of order" >&2; exit 1; }
for word in "$@"; do
  [ -e "$dir/no-$name-$word" ] && { echo "$name: refused $word" >&2; exit 5; }
done
"#;

const SYSTEMCTL: &str = r#"
[ "$1" = --user ] || exit 9
shift
case "$*" in
  list-timers|daemon-reload) ;;
  "enable ghtok.timer") mkdir -p "$HOME/.config/systemd/user/timers.target.wants"
    ln -sf "$HOME/.config/systemd/user/ghtok.timer" "$HOME/.config/systemd/user/timers.target.wants/ghtok.timer" ;;
  "restart ghtok.timer") mkdir -p "$HOME/.local/share/systemd/timers"
    : > "$HOME/.local/share/systemd/timers/stamp-ghtok.timer"; : > "$dir/active" ;;
  "stop ghtok.timer") rm -f "$dir/active" ;;
  "disable ghtok.timer") [ -e "$HOME/.config/systemd/user/ghtok.timer" ] || exit 1
    rm -f "$HOME/.config/systemd/user/timers.target.wants/ghtok.timer" ;;
  "clean --what=state ghtok.timer") [ -e "$HOME/.config/systemd/user/ghtok.timer" ] || exit 1
    rm -f "$HOME/.local/share/systemd/timers/stamp-ghtok.timer" ;;
  "--quiet is-enabled ghtok.timer") [ -L "$HOME/.config/systemd/user/timers.target.wants/ghtok.timer" ] ;;
  "--quiet is-active ghtok.timer") [ -e "$dir/active" ] ;;
  "--timestamp=unix --property=NextElapseUSecRealtime show ghtok.timer") echo "NextElapseUSecRealtime=@1999999999" ;;
  *) echo "systemctl: $*?" >&2; exit 9 ;;
esac
"#;

const CRONTAB: &str = r#"
case "$*" in
  -l) [ -e "$dir/crontab.kept" ] || { echo "no crontab for me" >&2; exit 1; }
    cat "$dir/crontab.kept" ;;
  -) cat > "$dir/crontab.kept" ;;
  -r) rm "$dir/crontab.kept" ;;
  *) exit 9 ;;
esac
"#;

const LAUNCHCTL: &str = r#"
domain="gui/$(id -u)"
case "$*" in
  "print $domain") ;;
  "print $domain/ghtok.schedule") [ -e "$dir/loaded" ] ;;
  "bootout $domain/ghtok.schedule") rm "$dir/loaded" ;;
  "bootstrap $domain $HOME/Library/LaunchAgents/ghtok.schedule.plist") [ ! -e "$dir/loaded" ] || exit 37; : > "$dir/loaded" ;;
  *) exit 9 ;;
esac
"#;

const SCHTASKS: &str = r#"
case "$*" in
  /query) ;;
  "/query /tn ghtok schedule /xml") [ -e "$dir/task" ] || exit 1; iconv -f UTF-16 -t UTF-8 "$dir/task" ;;
  "/create /tn ghtok schedule /xml "*" /f") cp "$5" "$dir/task" ;;
  "/delete /tn ghtok schedule /f") rm "$dir/task" ;;
  *) exit 9 ;;
esac
"#;

/// The stand-ins, in a folder beside the home, so that the home's bytes are ghtok's alone.
pub struct Desk {
    folder: tempfile::TempDir,
    _daemon: CronDaemon,
}

impl Desk {
    /// All four work.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("ghtok-desk")
            .tempdir()
            .expect("a folder");
        let all = [
            ("systemctl", SYSTEMCTL),
            ("crontab", CRONTAB),
            ("launchctl", LAUNCHCTL),
            ("schtasks", SCHTASKS),
        ];
        for (name, text) in all {
            script(folder.path(), name, &format!("{HEAD}{text}"));
        }
        Self {
            folder,
            _daemon: CronDaemon::start(),
        }
    }

    /// Only these programs work.
    pub fn with_only(programs: &[&str]) -> Self {
        let desk = Self::new();
        for program in ["systemctl", "crontab", "launchctl", "schtasks"] {
            if !programs.contains(&program) {
                desk.put(&format!("without-{program}"), "");
            }
        }
        desk
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn put(&self, name: &str, text: &str) {
        fs::write(self.at(name), text).expect("a file");
    }

    pub fn take(&self, name: &str) {
        fs::remove_file(self.at(name)).expect("a file");
    }

    pub fn kept(&self, name: &str) -> Option<String> {
        let bytes = fs::read(self.at(name)).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// What the programs were asked since the last call, a line each.
    pub fn asked(&self) -> Vec<String> {
        let log = self.kept("log").unwrap_or_default();
        self.put("log", "");
        log.lines().map(str::to_owned).collect()
    }

    /// Runs the stage's ghtok with these schedulers, and the shell tools that they are made of.
    pub fn run(&self, stage: &Stage, arguments: &[&str]) -> Run {
        let folders = [self.folder.path(), Path::new("/usr/bin"), Path::new("/bin")];
        stage.run_in(&folders, arguments)
    }
}
