//! The log of what sandboxes asked for: a line of JSON for each request, without tokens. It is moved aside when it
//! is full, so that there are at most two files.

use std::fs;
use std::io::Write;

use serde::Serialize;

use crate::auth::ports::StoreError;
use crate::store::lock::Lock;
use crate::store::state_file::{self, failed};
use crate::store::state_folder::StateFolder;

/// A larger file is moved aside.
const FULL: u64 = 1024 * 1024;

/// A line of the log.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct LogEntry<'a> {
    /// RFC 3339.
    pub(crate) time: String,
    pub(crate) sandbox: &'a str,
    pub(crate) verb: &'static str,
    pub(crate) app: &'a str,
    pub(crate) host: String,
    pub(crate) repositories: &'a [String],
    pub(crate) peer: Option<LogPeer>,
    pub(crate) outcome: &'a str,
    /// The first digits of the token's SHA-256.
    pub(crate) token: Option<String>,
}

/// Who asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct LogPeer {
    pub(crate) uid: u32,
    pub(crate) pid: Option<u32>,
    /// What the process calls itself.
    pub(crate) program: Option<String>,
}

/// Appends a line.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn append(folder: &StateFolder, entry: &LogEntry<'_>) -> Result<(), StoreError> {
    let path = folder.sandbox_log();
    let mut line = serde_json::to_vec(entry).expect("plain structs become JSON");
    line.push(b'\n');
    let mut file = state_file::append_to(&path)?;
    // In one call, so that lines of other processes do not come between.
    file.write_all(&line)
        .map_err(|error| failed("write", &path, &error))?;
    if file.metadata().is_ok_and(|now| now.len() >= FULL) {
        move_aside(folder);
    }
    Ok(())
}

/// The lines of this sandbox, or all, the oldest first.
///
/// # Errors
/// If a file is there and cannot be read.
pub(crate) fn lines(
    folder: &StateFolder,
    sandbox: Option<&str>,
) -> Result<Vec<String>, StoreError> {
    let mut lines = Vec::new();
    for path in [folder.old_sandbox_log(), folder.sandbox_log()] {
        let bytes = state_file::read_note(&path)?.unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let is_wanted =
            |line: &&str| sandbox.is_none_or(|name| sandbox_of(line).as_deref() == Some(name));
        lines.extend(text.lines().filter(is_wanted).map(str::to_owned));
    }
    Ok(lines)
}

fn sandbox_of(line: &str) -> Option<String> {
    let line: serde_json::Value = serde_json::from_str(line).ok()?;
    Some(line.get("sandbox")?.as_str()?.to_owned())
}

/// One process does it; the others go on writing to the file that they have open.
fn move_aside(folder: &StateFolder) {
    let Ok(Some(_lock)) = Lock::try_take(&folder.sandbox_log_lock()) else {
        return;
    };
    let path = folder.sandbox_log();
    if fs::metadata(&path).is_ok_and(|now| now.len() >= FULL) {
        // If it stays, it is moved after the next line.
        let _ = fs::rename(&path, folder.old_sandbox_log());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_moved_aside_when_it_is_full_and_keeps_the_last_lines() {
        let root = tempfile::tempdir().expect("a folder");
        let folder = StateFolder::at(root.path().to_owned());
        let long = "x".repeat(10_000);
        let write = |sandbox: &str| {
            let entry = LogEntry {
                time: "2026-11-22T21:00:00Z".into(),
                sandbox,
                verb: "token",
                app: "work",
                host: "github.com".into(),
                repositories: &[],
                peer: None,
                outcome: &long,
                token: None,
            };
            append(&folder, &entry).expect("written");
        };
        for _ in 0..250 {
            write("a");
        }
        write("b");
        let size = |path| fs::metadata(path).expect("a file").len();
        let (old, new) = (size(folder.old_sandbox_log()), size(folder.sandbox_log()));
        assert!(
            (FULL..FULL + 20_000).contains(&old) && new < FULL,
            "{old} {new}"
        );
        let count = |name| lines(&folder, name).expect("readable").len();
        assert_eq!(count(Some("b")), 1);
        assert_eq!(count(None), count(Some("a")) + 1);
        assert!(count(None) > 100);
    }
}
