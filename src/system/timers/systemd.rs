//! Timers of systemd's user manager.

use std::path::PathBuf;

use super::{File, Look, Places, Timers, drift, erase, is_foreign, is_there, must, run, write};
use crate::schedule::{Timer, systemd};
use crate::token::Timestamp;

/// The user manager.
pub(super) struct Systemd(pub(super) Places);

impl Systemd {
    fn timer(&self) -> PathBuf {
        self.0.units.join(systemd::timer_file())
    }

    fn service(&self) -> PathBuf {
        self.0.units.join(systemd::service_file())
    }

    /// By which the timer is enabled.
    fn link(&self) -> PathBuf {
        let wanted = self.0.units.join("timers.target.wants");
        wanted.join(systemd::timer_file())
    }

    fn stamp(&self) -> PathBuf {
        let name = format!("stamp-{}", systemd::timer_file());
        self.0.stamps.join(name)
    }

    fn systemctl(&self, arguments: &[&str]) -> Result<String, String> {
        let arguments = [&["--user"][..], arguments].concat();
        must(&self.0, "systemctl", &arguments, b"").map(|said| said.text())
    }

    /// Whether a question to the manager is answered with a yes; silence is a no.
    fn is(&self, question: &str) -> bool {
        let timer = systemd::timer_file();
        let arguments = ["--user", "--quiet", question, &timer];
        run(&self.0, "systemctl", &arguments, b"").is_ok_and(|said| said.is_good())
    }

    /// `NextElapseUSecRealtime=@1790000000`; managers before 247 do not know this form.
    fn next(&self) -> Option<Timestamp> {
        let timer = systemd::timer_file();
        let property = "--property=NextElapseUSecRealtime";
        let told = self.systemctl(&["--timestamp=unix", property, "show", &timer]);
        let seconds = told.ok()?.trim().split_once("=@")?.1.parse().ok()?;
        Some(Timestamp(seconds))
    }
}

fn user() -> String {
    #[cfg(unix)]
    let user = rustix::process::getuid().as_raw();
    #[cfg(not(unix))]
    let user = 0;
    user.to_string()
}

impl Timers for Systemd {
    fn probe(&self) -> Result<(), String> {
        self.systemctl(&["list-timers"]).map(drop)
    }

    /// The user manager ends with the last log-in, unless the user lingers (loginctl(1)).
    fn condition(&self) -> Option<String> {
        let user = user();
        let arguments = ["show-user", &user, "--property=Linger"];
        let said = run(&self.0, "loginctl", &arguments, b"").ok()?;
        (said.is_good() && said.text().trim() == "Linger=no").then(|| {
            "the timer runs while you are logged in; on a server that you seldom log in to: loginctl enable-linger".into()
        })
    }

    fn files(&self, timer: &Timer) -> Vec<File> {
        let file = |path: PathBuf, text| File {
            place: path.display().to_string(),
            text,
        };
        vec![
            file(self.timer(), systemd::timer(timer)),
            file(self.service(), systemd::service(timer)),
        ]
    }

    fn folders(&self) -> Vec<PathBuf> {
        let files = [self.link(), self.stamp()];
        files
            .iter()
            .flat_map(|file| file.ancestors().skip(1).take(4).map(PathBuf::from))
            .collect()
    }

    fn foreign(&self) -> Option<PathBuf> {
        [self.timer(), self.service()]
            .into_iter()
            .find(|path| is_foreign(path))
    }

    fn install(&self, timer: &Timer) -> Result<(), String> {
        if !systemd::takes(timer) {
            return Err("systemd takes no program with a quote or a backslash in its path".into());
        }
        write(&self.timer(), &systemd::timer(timer))?;
        write(&self.service(), &systemd::service(timer))?;
        self.systemctl(&["daemon-reload"])?;
        self.systemctl(&["enable", &systemd::timer_file()])?;
        // Also where it runs already: by its old time.
        self.systemctl(&["restart", &systemd::timer_file()])?;
        Ok(())
    }

    fn remove(&self) -> Result<bool, String> {
        let files = [self.link(), self.timer(), self.service(), self.stamp()];
        if !files.iter().any(|file| is_there(file)) {
            return Ok(false);
        }
        let timer = systemd::timer_file();
        // A manager that does not answer has nothing to stop; the files go all the same. Nor does it
        // disable or clean what has lost its file.
        let _ = self.systemctl(&["stop", &timer]);
        let _ = self.systemctl(&["disable", &timer]);
        let _ = self.systemctl(&["clean", "--what=state", &timer]);
        for file in files {
            erase(&file)?;
        }
        let _ = self.systemctl(&["daemon-reload"]);
        Ok(true)
    }

    fn look(&self, timer: &Timer) -> Look {
        let mut differs: Vec<String> = [
            drift(&self.timer(), &systemd::timer(timer)),
            drift(&self.service(), &systemd::service(timer)),
        ]
        .into_iter()
        .flatten()
        .collect();
        if let Err(silent) = self.probe() {
            differs.push(silent);
            return Look {
                drift: differs,
                next: None,
            };
        }
        for (question, words) in [
            ("is-enabled", "the timer is not enabled"),
            ("is-active", "the timer is not active"),
        ] {
            if !self.is(question) {
                differs.push(words.into());
            }
        }
        Look {
            drift: differs,
            next: self.next(),
        }
    }
}
