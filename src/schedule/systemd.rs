//! Installer of systemd's user manager.

mod units;

use std::path::PathBuf;

use super::Timer;
use super::installer::{
    Inspection, Installer, SchedulerPaths, TimerFile, drift, erase, is_foreign, is_there, run,
    run_checked, write,
};
use crate::token::Timestamp;

/// The user manager.
pub(super) struct Systemd(pub(super) SchedulerPaths);

impl Systemd {
    fn timer(&self) -> PathBuf {
        self.0.units.join(units::timer_file())
    }

    fn service(&self) -> PathBuf {
        self.0.units.join(units::service_file())
    }

    /// By which the timer is enabled.
    fn link(&self) -> PathBuf {
        let wanted = self.0.units.join("timers.target.wants");
        wanted.join(units::timer_file())
    }

    fn stamp(&self) -> PathBuf {
        let name = format!("stamp-{}", units::timer_file());
        self.0.stamps.join(name)
    }

    fn systemctl(&self, arguments: &[&str]) -> Result<String, String> {
        let arguments = [&["--user"][..], arguments].concat();
        run_checked(&self.0, "systemctl", &arguments, b"").map(|output| output.text())
    }

    /// Whether a question to the manager is answered with a yes; silence is a no.
    fn is(&self, question: &str) -> bool {
        let timer = units::timer_file();
        let arguments = ["--user", "--quiet", question, &timer];
        run(&self.0, "systemctl", &arguments, b"").is_ok_and(|output| output.succeeded())
    }

    /// `NextElapseUSecRealtime=@1790000000`; managers before 247 do not know this form.
    fn next(&self) -> Option<Timestamp> {
        let timer = units::timer_file();
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

impl Installer for Systemd {
    fn probe(&self) -> Result<(), String> {
        self.systemctl(&["list-timers"]).map(drop)
    }

    /// The user manager ends with the last log-in, unless the user lingers (loginctl(1)).
    fn condition(&self) -> Option<String> {
        let user = user();
        let arguments = ["show-user", &user, "--property=Linger"];
        let output = run(&self.0, "loginctl", &arguments, b"").ok()?;
        (output.succeeded() && output.text().trim() == "Linger=no").then(|| {
            "the timer runs while you are logged in; on a server that you seldom log in to: loginctl enable-linger".into()
        })
    }

    fn files(&self, timer: &Timer) -> Vec<TimerFile> {
        let file = |path: PathBuf, text| TimerFile {
            place: path.display().to_string(),
            text,
        };
        vec![
            file(self.timer(), units::timer(timer)),
            file(self.service(), units::service(timer)),
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
        if !units::takes(timer) {
            return Err(
                "systemd does not accept a program path with a quote or a backslash".into(),
            );
        }
        write(&self.timer(), &units::timer(timer))?;
        write(&self.service(), &units::service(timer))?;
        self.systemctl(&["daemon-reload"])?;
        self.systemctl(&["enable", &units::timer_file()])?;
        // Also where it runs already: by its old time.
        self.systemctl(&["restart", &units::timer_file()])?;
        Ok(())
    }

    fn remove(&self) -> Result<bool, String> {
        let files = [self.link(), self.timer(), self.service(), self.stamp()];
        if !files.iter().any(|file| is_there(file)) {
            return Ok(false);
        }
        let timer = units::timer_file();
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

    fn inspect(&self, timer: &Timer) -> Inspection {
        let mut differs: Vec<String> = [
            drift(&self.timer(), &units::timer(timer)),
            drift(&self.service(), &units::service(timer)),
        ]
        .into_iter()
        .flatten()
        .collect();
        if let Err(silent) = self.probe() {
            differs.push(silent);
            return Inspection {
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
        Inspection {
            drift: differs,
            next: self.next(),
        }
    }
}
