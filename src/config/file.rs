//! Reads the bytes of `config.toml` with one open, and never blocks on a pipe. `settings` parses them.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use crate::error::{Error, Result, system_reason};
use crate::formats::plain_text::without_tricks;
use crate::formats::shell::word;
use crate::plain_file::{self, Distrust};

/// The most that a configuration file may hold, in bytes: tens of thousands of Apps.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// The text of the file; `None` if it, or a folder on the way to it, does not exist.
pub(super) fn read(path: &Path) -> Result<Option<String>> {
    let refuse = |cause: String| Error::File {
        doing: "read",
        path: path.to_owned(),
        cause,
    };
    let (file, metadata) = match plain_file::open(path) {
        Ok(opened) => opened,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(refuse(system_reason(&error))),
    };
    check_rights(path, &metadata)?;
    let bytes = read_some(file, metadata.len()).map_err(|error| refuse(system_reason(&error)))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(refuse(format!(
            "it is larger than {} MiB",
            MAX_BYTES / (1024 * 1024)
        )));
    }
    into_text(path, bytes).map(Some)
}

/// One line of the file, as errors name it.
pub(super) fn origin(path: &Path, line: usize) -> String {
    format!("{}, line {line}", without_tricks(&path.to_string_lossy()))
}

/// The line of a byte, from 1.
pub(super) fn line_at(text: &[u8], offset: usize) -> usize {
    memchr::memchr_iter(b'\n', &text[..offset.min(text.len())]).count() + 1
}

/// Refuses a file that others could have written.
fn check_rights(path: &Path, metadata: &Metadata) -> Result<()> {
    plain_file::trust(metadata).map_err(|distrust| match distrust {
        Distrust::Owner => Error::File {
            doing: "trust",
            path: path.to_owned(),
            cause: "it belongs to another user".into(),
        },
        Distrust::Writable { mode } => Error::Exposed {
            rights: "write",
            mode,
            fix: format!("chmod go-w {}", word(&path.to_string_lossy())),
            path: path.to_owned(),
        },
    })
}

fn read_some(file: File, length: u64) -> io::Result<Vec<u8>> {
    let capacity = length.min(MAX_BYTES) + 1;
    let mut bytes = Vec::with_capacity(usize::try_from(capacity).unwrap_or(0));
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn into_text(path: &Path, bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let line = line_at(error.as_bytes(), error.utf8_error().valid_up_to());
        Error::Config {
            origin: origin(path, line),
            problem: "it is not UTF-8 text".into(),
        }
    })
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::super::scratch::Scratch;
    use super::*;

    fn refusal(folder: &Scratch) -> String {
        let error = read(&folder.file()).expect_err("refused").to_string();
        error.replace(&*folder.path().to_string_lossy(), "/c")
    }

    #[test]
    fn a_missing_file_is_none_and_a_linked_one_is_read() {
        let folder = Scratch::new();
        assert_eq!(read(&folder.file()).expect("nothing"), None);
        fs::write(folder.path().join("dot"), "é").expect("a file");
        symlink("dot", folder.file()).expect("a link");
        assert_eq!(read(&folder.file()).expect("it").as_deref(), Some("é"));
        fs::remove_file(folder.path().join("dot")).expect("gone");
        assert_eq!(read(&folder.file()).expect("nothing"), None);
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let folder = Scratch::new();
        fs::create_dir(folder.file()).expect("a folder");
        assert_eq!(
            refusal(&folder),
            "cannot read /c/config.toml: it is a folder, not a file"
        );
        let device = Scratch::new();
        symlink("/dev/null", device.file()).expect("a link");
        assert_eq!(
            refusal(&device),
            "cannot read /c/config.toml: it is not a regular file"
        );
        let ring = Scratch::new();
        symlink("config.toml", ring.file()).expect("a link");
        assert!(refusal(&ring).starts_with("cannot read /c/config.toml: "));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_pipe_that_nobody_writes_is_refused_at_once() {
        use rustix::fs::{CWD, FileType, Mode, mknodat};

        let folder = Scratch::new();
        mknodat(
            CWD,
            folder.file(),
            FileType::Fifo,
            Mode::RUSR | Mode::WUSR,
            0,
        )
        .expect("a pipe");
        let (sender, receiver) = std::sync::mpsc::channel();
        let file = folder.file();
        std::thread::spawn(move || sender.send(read(&file).is_err()));
        let refused = receiver.recv_timeout(std::time::Duration::from_secs(10));
        assert_eq!(refused, Ok(true), "opening the pipe took for ever");
        assert_eq!(
            refusal(&folder),
            "cannot read /c/config.toml: it is not a regular file"
        );
    }

    #[test]
    fn a_file_that_others_could_have_written_is_refused() {
        use std::os::unix::fs::PermissionsExt;

        let folder = Scratch::new().with("");
        let user = rustix::process::geteuid().as_raw();
        for (group, mode, fine) in [
            (user, 0o600, true),
            (user, 0o644, true),
            (user, 0o400, true),
            (user, 0o664, true),
            (user, 0o602, false),
            (1, 0o640, true),
            (1, 0o620, false),
            (user, 0o666, false),
        ] {
            // Only root can choose any group.
            if std::os::unix::fs::chown(folder.file(), None, Some(group)).is_err() {
                continue;
            }
            let permissions = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(folder.file(), permissions).expect("a mode");
            let read = read(&folder.file());
            assert_eq!(read.is_ok(), fine, "{group} {mode:o}: {read:?}");
        }
        let error = read(&folder.file()).expect_err("exposed");
        let hint = format!("chmod go-w {}", folder.file().display());
        assert!(error.hint().is_some_and(|told| told.ends_with(&hint)));
    }

    #[test]
    fn a_file_of_another_user_is_refused_but_for_the_systems() {
        // Only root can give a file away.
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let folder = Scratch::new().with("");
        std::os::unix::fs::chown(folder.file(), Some(65_534), None).expect("another owner");
        let error = read(&folder.file()).expect_err("another's").to_string();
        assert!(
            error.ends_with("config.toml: it belongs to another user"),
            "{error}"
        );
        std::os::unix::fs::chown(folder.file(), Some(0), None).expect("the system's");
        assert!(read(&folder.file()).is_ok());
    }

    #[test]
    fn a_file_that_cannot_be_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;

        let folder = Scratch::new().with("");
        fs::set_permissions(folder.file(), fs::Permissions::from_mode(0o0)).expect("a mode");
        if !rustix::process::geteuid().is_root() {
            assert_eq!(
                refusal(&folder),
                "cannot read /c/config.toml: permission denied"
            );
        }
    }

    #[test]
    fn size_and_encoding_are_checked() {
        let limit = usize::try_from(MAX_BYTES).expect("a size");
        let full = Scratch::new().with("#".repeat(limit));
        assert_eq!(
            read(&full.file()).expect("it").map(|text| text.len()),
            Some(limit)
        );
        let over = Scratch::new().with("#".repeat(limit + 1));
        assert_eq!(
            refusal(&over),
            "cannot read /c/config.toml: it is larger than 4 MiB"
        );
        let latin = Scratch::new().with(b"a = 1\nb = '\xe9'\n");
        assert_eq!(
            refusal(&latin),
            "/c/config.toml, line 2: it is not UTF-8 text"
        );
    }

    #[test]
    fn lines_are_counted_from_one() {
        let text = b"a\nb\r\nc";
        assert_eq!(
            [0, 1, 2, 4, 5, 99].map(|offset| line_at(text, offset)),
            [1, 1, 2, 2, 3, 3]
        );
    }
}
