//! What keeps a timer from being installed, removed or looked after.

use ghtok::testing::error::Error;

use super::page::Page;

const INSTALL_AGAIN: &str = "then:\n  ghtok schedule install";

pub fn all(page: &mut Page) {
    page.section("A timer that cannot be");
    usage(page);
    for (doing, cause, fix) in [
        (
            "use that scheduler",
            "cron: cannot find crontab",
            "run this every hour with another scheduler:\n  ghtok schedule run",
        ),
        (
            "find a scheduler that works here",
            "launchd: cannot find launchctl; systemd: systemctl --user list-timers: \
             Failed to connect to bus (exit code 1); cron: cannot find crontab",
            "run this every hour with another scheduler:\n  ghtok schedule run",
        ),
        (
            "install the timer",
            "systemd: /home/me/.config/systemd/user/ghtok.timer: permission denied",
            "nothing was changed\nselect another with --scheduler, or run this every hour in another way:\n  ghtok schedule run",
        ),
        (
            "install the timer",
            "cron: the command is too long for cron",
            "nothing was changed\nselect another with --scheduler, or run this every hour in another way:\n  ghtok schedule run",
        ),
        (
            "install the timer",
            "cron: /usr/bin/crontab cannot be started: permission denied",
            "nothing was changed\nselect another with --scheduler, or run this every hour in another way:\n  ghtok schedule run",
        ),
        (
            "use that scheduler",
            "cron: crontab -l: could not read the whole crontab",
            "run this every hour with another scheduler:\n  ghtok schedule run",
        ),
        (
            "install the timer",
            "/home/me/.config/systemd/user/ghtok.service was not written by ghtok",
            "rename that file, or select another scheduler with --scheduler",
        ),
        (
            "install the timer",
            "systemd: systemd does not accept a program path with a quote or a backslash",
            "the previous timer stays\nselect another with --scheduler, or run this every hour in another way:\n  ghtok schedule run",
        ),
        (
            "install the timer",
            "systemd: systemctl --user enable ghtok.timer: exit code 1",
            "some changes could not be undone, remove them with:\n  ghtok schedule remove\nselect another with --scheduler, or run this every hour in another way:\n  ghtok schedule run",
        ),
        (
            "install the timer",
            "cron: crontab -: exit code 1",
            "the previous timer could not be restored, see:\n  ghtok schedule status\nselect another with --scheduler, or run this every hour in another way:\n  ghtok schedule run",
        ),
        (
            "remove the timer",
            "systemd: /usr/bin/systemctl did not end within 20 s",
            "correct this and run again:\n  ghtok schedule remove",
        ),
        (
            "remove the timer",
            "cron: crontab -r: ended by a signal",
            "correct this and run again:\n  ghtok schedule remove",
        ),
        (
            "run the timer",
            "cron: no cron daemon is running",
            "start it with:\n  sudo systemctl enable --now cron.service",
        ),
        (
            "run the timer",
            "cron: no cron daemon is running",
            "install a cron daemon and start it, or run this every hour with another scheduler:\n  ghtok schedule run",
        ),
        (
            "use its state file",
            "other users may read or write /home/me/.local/state/ghtok/timer (mode 0644); chmod 600 it if you trust its content",
            "check the state folder; this shows its path:\n  ghtok status -v",
        ),
        (
            "use its state file",
            "/home/me/.local/state/ghtok/timer was written by a newer ghtok (format 2)",
            "use that ghtok, or delete the file",
        ),
    ] {
        page.add(Error::Timer {
            doing,
            cause: cause.into(),
            fix: fix.into(),
        });
    }
}

fn usage(page: &mut Page) {
    page.add(Error::Usage {
        message: "schedule: a path has a control character or is not UTF-8, so it cannot be written into a scheduler's file".into(),
        hint: "rename it, and run again:\n  ghtok schedule install".into(),
    });
    for (what, fix) in [
        (
            "/src/ghtok/target/release/ghtok is in a build folder, which may be emptied",
            "install ghtok first, for example:\n  cargo install --locked --path .",
        ),
        (
            "/home/me/.asdf/shims/ghtok is a version manager's shim, which does not work in a timer",
            "run ghtok by its real path, or install it outside the version manager, for example:\n  cargo install ghtok",
        ),
    ] {
        page.add(Error::Usage {
            message: format!("schedule: {what}"),
            hint: format!("{fix}\n{INSTALL_AGAIN}"),
        });
    }
}
