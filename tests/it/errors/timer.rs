//! What keeps a timer from being installed, removed or looked after.

use ghtok::error::Error;

use super::page::Page;

const INSTALL_AGAIN: &str = "then: ghtok schedule install";

pub fn all(page: &mut Page) {
    page.section("A timer that cannot be");
    usage(page);
    for (doing, cause, cure) in [
        (
            "use that scheduler",
            "cron: there is no crontab",
            "have any scheduler of yours run this every hour: ghtok schedule run",
        ),
        (
            "find a scheduler that works here",
            "launchd: there is no launchctl; systemd: systemctl --user list-timers: \
             Failed to connect to bus (exit code 1); cron: there is no crontab",
            "have any scheduler of yours run this every hour: ghtok schedule run",
        ),
        (
            "install the timer",
            "systemd: /home/me/.config/systemd/user/ghtok.timer: permission denied",
            "nothing was changed; name another with --scheduler, or have anything run this every hour: ghtok schedule run",
        ),
        (
            "install the timer",
            "cron: the command is longer than cron reads",
            "nothing was changed; name another with --scheduler, or have anything run this every hour: ghtok schedule run",
        ),
        (
            "install the timer",
            "cron: /usr/bin/crontab cannot be started: permission denied",
            "nothing was changed; name another with --scheduler, or have anything run this every hour: ghtok schedule run",
        ),
        (
            "use that scheduler",
            "cron: crontab -l: the crontab could not be read whole",
            "have any scheduler of yours run this every hour: ghtok schedule run",
        ),
        (
            "install the timer",
            "/home/me/.config/systemd/user/ghtok.service was not written by ghtok",
            "give it another name, or name another scheduler with --scheduler",
        ),
        (
            "install the timer",
            "systemd: systemd takes no program with a quote or a backslash in its path",
            "the previous timer stays; name another with --scheduler, or have anything run this every hour: ghtok schedule run",
        ),
        (
            "install the timer",
            "systemd: systemctl --user enable ghtok.timer: exit code 1",
            "not all of it could be taken back: ghtok schedule remove; name another with --scheduler, or have anything run this every hour: ghtok schedule run",
        ),
        (
            "install the timer",
            "cron: crontab -: exit code 1",
            "the previous timer could not be restored: ghtok schedule status; name another with --scheduler, or have anything run this every hour: ghtok schedule run",
        ),
        (
            "take the timer away",
            "systemd: /usr/bin/systemctl did not end within 20 s",
            "correct that and run again: ghtok schedule remove",
        ),
        (
            "take the timer away",
            "cron: crontab -r: ended by a signal",
            "correct that and run again: ghtok schedule remove",
        ),
        (
            "run the timer",
            "cron: no cron daemon is running",
            "start it with: sudo systemctl enable --now cron.service",
        ),
        (
            "run the timer",
            "cron: no cron daemon is running",
            "install a cron daemon and start it, or have any scheduler of yours run this every hour: ghtok schedule run",
        ),
        (
            "use its notes",
            "others may read or write /home/me/.local/state/ghtok/timer (mode 0644); chmod 600 it if you trust its content",
            "look into the state folder, which this names: ghtok status -v",
        ),
        (
            "use its notes",
            "/home/me/.local/state/ghtok/timer was written by a newer ghtok (format 2)",
            "use that ghtok, or remove the file to have the timer forgotten",
        ),
    ] {
        page.add(Error::Timer {
            doing,
            cause: cause.into(),
            cure: cure.into(),
        });
    }
}

fn usage(page: &mut Page) {
    page.add(Error::Usage {
        message: "schedule: a path has a control character in it, or is not in UTF-8: no scheduler's file can hold it".into(),
        hint: "rename it, and run again: ghtok schedule install".into(),
    });
    for (what, cure) in [
        (
            "/src/ghtok/target/release/ghtok is in a build folder, which the next cleaning empties",
            "install ghtok first, as in: cargo install --locked --path .",
        ),
        (
            "/home/me/.asdf/shims/ghtok is a version manager's stand-in, which finds nothing when a timer runs it",
            "run ghtok once by its own path, or install it outside the version manager, as in: cargo install ghtok",
        ),
    ] {
        page.add(Error::Usage {
            message: format!("schedule: {what}"),
            hint: format!("{cure}; {INSTALL_AGAIN}"),
        });
    }
}
