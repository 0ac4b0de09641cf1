//! The state and the configuration folder: what they are, whose they are, and who else may use them.

use std::fs;
use std::path::Path;

use super::finding::{Findings, Level};
use crate::session::Session;

const SUBJECT: &str = "folders";

/// What a folder is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    State,
    Configuration,
}

/// Looks at both folders.
pub(super) fn check(session: &Session<'_>, found: &mut Findings) {
    let config = &session.config;
    check_folder(&config.state_dir, Purpose::State, found);
    if let Some(kind) = session.state_folder_network() {
        let folder = config.state_dir.display();
        found
            .add(
                SUBJECT,
                "folder_network",
                Level::Warning,
                format!("{folder} is on a network file system ({kind}), where a lock may not keep other machines out"),
            )
            .fix("set GHTOK_STATE_DIR to a folder on a local disk, or use a sign-in of its own on each machine");
    }
    if let Some(folder) = config.file.parent() {
        check_folder(folder, Purpose::Configuration, found);
    }
}

fn check_folder(folder: &Path, purpose: Purpose, found: &mut Findings) {
    let shown = folder.display();
    let Ok(itself) = fs::symlink_metadata(folder) else {
        if purpose == Purpose::State {
            found.ok(
                SUBJECT,
                "folder_missing",
                format!("{shown} does not exist yet"),
            );
        }
        return;
    };
    let metadata = match fs::metadata(folder) {
        Ok(metadata) if metadata.is_dir() => metadata,
        result => {
            let (what, fix) = match (itself.is_symlink(), result.is_ok()) {
                (true, false) => (
                    "is a link that leads nowhere",
                    "remove the link, or create the folder that it leads to",
                ),
                (true, true) => (
                    "is a link to something that is not a folder",
                    "remove the link",
                ),
                (false, _) => (
                    "is not a folder",
                    "move it away; ghtok creates the folder when it needs it",
                ),
            };
            found
                .add(
                    SUBJECT,
                    "folder_not_a_folder",
                    Level::Problem,
                    format!("{shown} {what}"),
                )
                .fix(fix);
            return;
        }
    };
    let before = found.count();
    rights::check(folder, &metadata, purpose, found);
    if found.count() > before {
        return;
    }
    let what = match purpose {
        Purpose::State => "state folder",
        Purpose::Configuration => "configuration folder",
    };
    match fs::read_link(folder) {
        Ok(target) => found.ok(
            SUBJECT,
            "folder_link",
            format!("{what} {shown} is a link to {}", target.display()),
        ),
        Err(_) => found.ok(SUBJECT, "folder_usable", format!("{what} {shown}")),
    }
}

#[cfg(unix)]
mod rights {
    use std::fs::Metadata;
    use std::os::unix::fs::MetadataExt;

    use rustix::fs::{Access, access};

    use super::{Findings, Level, Path, Purpose, SUBJECT, fs};
    use crate::formats::shell::word;

    /// The owner's rights to a folder: read, write, enter.
    const OWNERS: u32 = 0o700;

    pub(super) fn check(
        folder: &Path,
        metadata: &Metadata,
        purpose: Purpose,
        found: &mut Findings,
    ) {
        let path = word(&folder.to_string_lossy());
        if let Some(other) = foreign(folder, metadata, purpose) {
            found
                .add(
                    SUBJECT,
                    "folder_owner",
                    Level::Problem,
                    format!(
                        "{} belongs to another user, perhaps because ghtok was run with sudo",
                        other.display()
                    ),
                )
                .run(
                    "give it back to your account:",
                    format!("sudo chown -R \"$(id -u)\" {path}"),
                );
        } else {
            check_mode(folder, metadata.mode() & 0o7777, purpose, found);
        }
    }

    fn check_mode(folder: &Path, mode: u32, purpose: Purpose, found: &mut Findings) {
        let shown = folder.display();
        let path = word(&folder.to_string_lossy());
        let (others, what, change) = match purpose {
            Purpose::State => (0o077, "read or write", "700"),
            Purpose::Configuration => (0o022, "write", "go-w"),
        };
        if mode & others != 0 {
            found
                .add(
                    SUBJECT,
                    "folder_exposed",
                    Level::Problem,
                    format!("other users may {what} {shown} (mode {mode:04o})"),
                )
                .run(
                    "if you trust what is in it, close it:",
                    format!("chmod {change} {path}"),
                );
        }
        if mode & OWNERS != OWNERS {
            found
                .add(
                    SUBJECT,
                    "folder_rights",
                    Level::Problem,
                    format!("you may not read, write and enter {shown} (mode {mode:04o})"),
                )
                .run("give yourself these rights:", format!("chmod u+rwx {path}"));
        } else if purpose == Purpose::State && access(folder, Access::WRITE_OK).is_err() {
            found
                .add(
                    SUBJECT,
                    "folder_read_only",
                    Level::Warning,
                    format!("{shown} cannot be written: a read-only file system, or a sandbox"),
                )
                .fix("a token that is still valid is served; refresh it where the folder can be written");
        }
    }

    /// What in a folder belongs to another user: itself, or for state one of its files.
    fn foreign(folder: &Path, metadata: &Metadata, purpose: Purpose) -> Option<std::path::PathBuf> {
        let us = rustix::process::geteuid().as_raw();
        let is_ours = |owner: u32| owner == us || (purpose == Purpose::Configuration && owner == 0);
        if !is_ours(metadata.uid()) {
            return Some(folder.to_owned());
        }
        if purpose == Purpose::Configuration {
            return None;
        }
        let entries = fs::read_dir(folder).ok()?.flatten();
        let mut paths = entries.map(|entry| entry.path());
        paths.find(|path| fs::symlink_metadata(path).is_ok_and(|file| !is_ours(file.uid())))
    }
}

/// On Windows the user's profile folders carry access lists that keep other users out.
#[cfg(not(unix))]
mod rights {
    use super::{Findings, Path, Purpose};

    pub(super) fn check(_: &Path, _: &std::fs::Metadata, _: Purpose, _: &mut Findings) {}
}
