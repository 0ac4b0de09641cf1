//! A timer and its service as systemd's user manager reads them (systemd.timer(5),
//! systemd.service(5), systemd.syntax(7)).

use crate::schedule::Timer;

/// The units' common name.
pub(super) const NAME: &str = "ghtok";

/// How long a refresh that goes on at the end of a run may take: it holds off the signal to end
/// until the new tokens are stored.
const STOP_GRACE: &str = "90s";

pub(super) fn timer_file() -> String {
    format!("{NAME}.timer")
}

pub(super) fn service_file() -> String {
    format!("{NAME}.service")
}

/// Whether systemd takes the program's path: it refuses quotes and backslashes there, however written.
pub(super) fn takes(timer: &Timer) -> bool {
    !timer.program.contains(['\'', '"', '\\'])
}

/// The timer: a run that the machine slept through is made up for, and the machine is not woken.
pub(super) fn timer(timer: &Timer) -> String {
    format!(
        "# Written by \"ghtok schedule install\"; \"ghtok schedule remove\" takes it away.\n\
         # Changes belong into a drop-in: systemctl --user edit {NAME}.timer\n\
         [Unit]\n\
         Description=Keeps GitHub sign-ins alive, hourly\n\
         \n\
         [Timer]\n\
         OnCalendar=*-*-* *:{minute:02}:00\n\
         Persistent=true\n\
         \n\
         [Install]\n\
         WantedBy=timers.target\n",
        minute = timer.minute,
    )
}

/// The service. Exit codes for a temporary failure, or for a missing sign-in, do not mark the unit as failed.
pub(super) fn service(timer: &Timer) -> String {
    let arguments = timer.arguments.iter().map(|word| argument(word));
    let command: Vec<String> = std::iter::once(quoted(&timer.program))
        .chain(arguments)
        .collect();
    let environment: String = timer
        .environment
        .iter()
        .map(|(name, value)| format!("Environment={}\n", quoted(&format!("{name}={value}"))))
        .collect();
    format!(
        "# Written by \"ghtok schedule install\"; \"ghtok schedule remove\" takes it away.\n\
         [Unit]\n\
         Description=Keeps GitHub sign-ins alive\n\
         \n\
         [Service]\n\
         Type=oneshot\n\
         ExecStart={command}\n\
         {environment}\
         SuccessExitStatus=4 5 6 7\n\
         TimeoutStartSec=15min\n\
         TimeoutStopSec={STOP_GRACE}\n\
         NoNewPrivileges=true\n\
         LockPersonality=true\n\
         MemoryDenyWriteExecute=true\n\
         RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6\n\
         RestrictNamespaces=true\n\
         RestrictRealtime=true\n\
         RestrictSUIDSGID=true\n\
         SystemCallArchitectures=native\n\
         SystemCallFilter=@system-service @keyring\n",
        command = command.join(" "),
    )
}

/// In an argument a dollar names a variable, too; in the program's path it is a dollar.
fn argument(word: &str) -> String {
    quoted(&word.replace('$', "$$"))
}

/// A word in quotes: escapes as in C, and a percent sign begins a specifier (systemd.syntax(7),
/// systemd.unit(5)).
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-=:".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    let escaped = word
        .replace('\\', r"\\")
        .replace('"', "\\\"")
        .replace('%', "%%");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::tests::{awkward, plain};

    #[test]
    fn a_plain_timer() {
        let text = timer(&plain());
        assert!(
            text.contains("\nOnCalendar=*-*-* *:42:00\nPersistent=true\n"),
            "{text}"
        );
        assert!(!text.contains("WakeSystem"), "{text}");
        let text = service(&plain());
        assert!(
            text.contains("\nExecStart=/usr/local/bin/ghtok schedule run\nSuccess"),
            "{text}"
        );
    }

    #[test]
    fn words_are_quoted_as_systemd_reads_them() {
        let text = service(&awkward());
        let expected = "ExecStart=\"/opt/it's 100%%/gh$tok\\\\x\" schedule run \"--client-id=Iv1.a$$b\\\"<&>\"\n\
                        Environment=\"GHTOK_STATE_DIR=/home/me/a b%%c\\\"d'$e\"\n";
        assert!(text.contains(expected), "{text}");
        assert!(takes(&plain()) && !takes(&awkward()));
    }
}
