//! Whether a cron daemon is running, and the command that starts one. A crontab can be written where
//! nothing reads it: in containers, on WSL and on minimal systems.

use std::fs;
use std::path::{Path, PathBuf};

use crate::schedule::installer::Stopped;

/// Names of cron daemons: Debian's; cronie's, busybox's and dcron's; fcron's; bcron's.
const DAEMONS: [&str; 4] = ["cron", "crond", "fcron", "bcron-sched"];

/// Names of the services that run one.
const SERVICES: [&str; 4] = ["cron", "crond", "cronie", "fcron"];

/// `None` if a daemon is running, or if this system does not show it.
pub(super) fn stopped() -> Option<Stopped> {
    // On macOS launchd starts cron as soon as there is a crontab.
    if cfg!(target_os = "macos") {
        return None;
    }
    let system = System::at("/");
    (system.shows_all_processes() && !system.has_systemd_cron() && !system.has_daemon()).then(
        || Stopped {
            cause: "no cron daemon is running".into(),
            fix: system.fix(is_root()),
        },
    )
}

/// The system below a root folder, which is another one in tests.
struct System(PathBuf);

impl System {
    fn at(root: impl Into<PathBuf>) -> Self {
        Self(root.into())
    }

    fn has(&self, path: &str) -> bool {
        self.0.join(path).exists()
    }

    /// False where there is no `/proc`, or where it hides the processes of other users.
    fn shows_all_processes(&self) -> bool {
        fs::read(self.0.join("proc/1/cmdline")).is_ok_and(|command| !command.is_empty())
    }

    fn has_daemon(&self) -> bool {
        let processes = fs::read_dir(self.0.join("proc")).into_iter().flatten();
        processes
            .flatten()
            .any(|process| is_daemon(&process.path()))
    }

    /// systemd-cron has no daemon: systemd makes timers from the crontabs.
    fn has_systemd_cron(&self) -> bool {
        let generator = "lib/systemd/system-generators/systemd-crontab-generator";
        self.runs_systemd() && (self.has(generator) || self.has(&format!("usr/{generator}")))
    }

    fn runs_systemd(&self) -> bool {
        self.has("run/systemd/system")
    }

    /// What to run for a daemon that is installed here.
    fn fix(&self, as_root: bool) -> String {
        match self.start_command() {
            Some(command) if as_root => format!("start it with:\n  {command}"),
            Some(command) => format!("start it with:\n  sudo {command}"),
            None => "install a cron daemon and start it, or run this every hour with another scheduler:\n  ghtok schedule run".into(),
        }
    }

    fn start_command(&self) -> Option<String> {
        let service = |is_installed: &dyn Fn(&str) -> bool| {
            SERVICES.into_iter().find(|name| is_installed(name))
        };
        let is_unit = |name: &str| {
            ["etc", "usr/lib", "lib"]
                .iter()
                .any(|folder| self.has(&format!("{folder}/systemd/system/{name}.service")))
        };
        let is_script = |name: &str| self.has(&format!("etc/init.d/{name}"));
        if self.runs_systemd() {
            return service(&is_unit).map(|name| format!("systemctl enable --now {name}.service"));
        }
        let by_script = service(&is_script).map(|name| {
            if self.has("sbin/rc-service") || self.has("usr/sbin/rc-service") {
                format!("rc-service {name} start")
            } else {
                format!("/etc/init.d/{name} start")
            }
        });
        let programs = ["usr/sbin", "sbin", "usr/bin"]
            .iter()
            .flat_map(|folder| DAEMONS.map(|name| format!("{folder}/{name}")));
        let by_program = || {
            let mut programs = programs;
            programs.find(|path| self.has(path))
        };
        by_script.or_else(|| by_program().map(|path| format!("/{path}")))
    }
}

/// Whether a process, named by its folder in `/proc`, is a cron daemon of root's or our own. Another
/// user's does not read our crontab.
fn is_daemon(process: &Path) -> bool {
    let command = fs::read(process.join("cmdline")).unwrap_or_default();
    runs_cron(&command) && belongs_to_root_or_us(process)
}

/// Judges a command line; `busybox crond` is a daemon too.
fn runs_cron(command: &[u8]) -> bool {
    let mut words = command.split(|byte| *byte == 0).map(|word| {
        let text = String::from_utf8_lossy(word);
        // Some programs write a title into their command line: "crond: running".
        let program = text.split([' ', ':']).next().unwrap_or_default();
        program.rsplit('/').next().unwrap_or_default().to_owned()
    });
    let program = words
        .next()
        .filter(|name| name != "busybox")
        .or_else(|| words.next());
    program.is_some_and(|name| DAEMONS.contains(&name.as_str()))
}

#[cfg(unix)]
fn belongs_to_root_or_us(process: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let owner = fs::metadata(process).map(|metadata| metadata.uid());
    owner.is_ok_and(|owner| owner == 0 || owner == rustix::process::getuid().as_raw())
}

#[cfg(not(unix))]
fn belongs_to_root_or_us(_: &Path) -> bool {
    true
}

fn is_root() -> bool {
    #[cfg(unix)]
    return rustix::process::geteuid().is_root();
    #[cfg(not(unix))]
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn system(files: &[&str]) -> (tempfile::TempDir, System) {
        let root = tempfile::tempdir().expect("a folder");
        for file in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, "").expect("a file");
        }
        let system = System::at(root.path());
        (root, system)
    }

    #[test]
    fn a_daemon_is_known_by_its_command_line() {
        for daemon in [
            "/usr/sbin/cron\0-f\0",
            "cron",
            "/usr/sbin/crond\0-n\0",
            "crond: running",
            "/bin/busybox\0crond\0-f\0",
            "/usr/sbin/fcron\0",
        ] {
            assert!(runs_cron(daemon.as_bytes()), "{daemon}");
        }
        for other in [
            "",
            "busybox\0sh\0",
            "vim\0/etc/cron\0",
            "crontab\0-e\0",
            "/usr/sbin/anacron\0",
            "sh\0-c\0cron\0",
        ] {
            assert!(!runs_cron(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn the_command_that_starts_the_daemon_fits_the_system() {
        let booted = "run/systemd/system/x";
        for (files, command) in [
            (
                &[booted, "lib/systemd/system/cron.service", "etc/init.d/cron"][..],
                "systemctl enable --now cron.service",
            ),
            (
                &[booted, "usr/lib/systemd/system/cronie.service"],
                "systemctl enable --now cronie.service",
            ),
            (
                &["lib/systemd/system/cron.service", "etc/init.d/cron"],
                "/etc/init.d/cron start",
            ),
            (
                &["sbin/rc-service", "etc/init.d/crond"],
                "rc-service crond start",
            ),
            (&["usr/sbin/crond"], "/usr/sbin/crond"),
        ] {
            let (_root, system) = system(files);
            assert_eq!(system.fix(true), format!("start it with:\n  {command}"));
            assert_eq!(
                system.fix(false),
                format!("start it with:\n  sudo {command}")
            );
        }
        let (_root, system) = system(&[]);
        assert!(system.fix(true).starts_with("install a cron daemon"));
    }

    #[test]
    fn a_system_that_hides_processes_says_nothing_about_daemons() {
        assert!(!system(&["proc/1/cmdline"]).1.shows_all_processes());
        assert!(!system(&[]).1.shows_all_processes());
    }

    #[test]
    fn systemd_cron_needs_no_daemon() {
        let generator = "usr/lib/systemd/system-generators/systemd-crontab-generator";
        assert!(
            system(&["run/systemd/system/x", generator])
                .1
                .has_systemd_cron()
        );
        assert!(!system(&[generator]).1.has_systemd_cron());
    }
}
