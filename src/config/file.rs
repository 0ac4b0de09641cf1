//! The bytes of `config.toml`: read with one open, never waiting for whoever should write a pipe. What
//! they mean is the affair of `settings`.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use super::quote::one_line;
use crate::error::{Error, Result};

/// The most that a configuration file may hold, in bytes: thousands of Apps.
const MAX_BYTES: u64 = 256 * 1024;

/// The text of the file; `None` if it, or a folder on the way to it, does not exist.
pub(super) fn read(path: &Path) -> Result<Option<String>> {
    let refuse = |cause: String| Error::File {
        doing: "read",
        path: path.to_owned(),
        cause,
    };
    let file = match open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        // Windows does not open a folder at all.
        Err(_) if cfg!(windows) && path.is_dir() => return Err(refuse(A_FOLDER.into())),
        Err(error) => return Err(refuse(error.to_string())),
    };
    let metadata = file.metadata().map_err(|error| refuse(error.to_string()))?;
    if metadata.is_dir() {
        return Err(refuse(A_FOLDER.into()));
    }
    if !metadata.is_file() {
        return Err(refuse("it is not a regular file".into()));
    }
    let bytes = read_some(file, metadata.len()).map_err(|error| refuse(error.to_string()))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(refuse(format!(
            "it is larger than {} KiB",
            MAX_BYTES / 1024
        )));
    }
    into_text(path, bytes).map(Some)
}

const A_FOLDER: &str = "it is a folder, not a file";

/// One line of the file, as errors name it.
pub(super) fn origin(path: &Path, line: usize) -> String {
    format!("{}, line {line}", one_line(&path.to_string_lossy()))
}

/// The line of a byte, from 1.
pub(super) fn line_at(text: &[u8], offset: usize) -> usize {
    let before = &text[..offset.min(text.len())];
    before.split(|byte| *byte == b'\n').count()
}

/// Opens for reading. A pipe without a writer opens at once too, so that it can be refused.
#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;

    let flags = (rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY).bits();
    OpenOptions::new()
        .read(true)
        .custom_flags(flags.cast_signed())
        .open(path)
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).open(path)
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
            problem: "is not UTF-8 text".into(),
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
    fn a_file_that_cannot_be_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;

        let folder = Scratch::new().with("");
        fs::set_permissions(folder.file(), fs::Permissions::from_mode(0o0)).expect("a mode");
        if !rustix::process::geteuid().is_root() {
            assert_eq!(
                refusal(&folder),
                "cannot read /c/config.toml: Permission denied (os error 13)"
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
            "cannot read /c/config.toml: it is larger than 256 KiB"
        );
        let latin = Scratch::new().with(b"a = 1\nb = '\xe9'\n");
        assert_eq!(refusal(&latin), "/c/config.toml, line 2: is not UTF-8 text");
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
