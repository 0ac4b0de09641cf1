//! The folders that `GHTOK_CONFIG_DIR` and `GHTOK_STATE_DIR` name: other users must not be able to change
//! what decides where tokens go, nor to look at or replace locks and records. Folders of ghtok's own
//! choice are made private by ghtok itself.

use std::path::Path;

use crate::error::Result;

/// Refuses a folder of `config.toml` in which others may write.
pub(super) fn check_config(folder: &Path) -> Result<()> {
    check(folder, 0o022, "write", "go-w")
}

/// Refuses a state folder on which others have any right.
pub(super) fn check_state(folder: &Path) -> Result<()> {
    check(folder, 0o077, "read or write", "700")
}

#[cfg(unix)]
fn check(folder: &Path, mask: u32, rights: &'static str, change: &str) -> Result<()> {
    use std::io::ErrorKind;
    use std::os::unix::fs::MetadataExt;

    use crate::error::{Error, system_reason};
    use crate::formats::shell::word;

    let refuse = |cause: String| {
        Err(Error::File {
            doing: "use",
            path: folder.to_owned(),
            cause,
        })
    };
    let metadata = match std::fs::metadata(folder) {
        Ok(metadata) => metadata,
        // It can still be made.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(());
        }
        Err(error) => return refuse(system_reason(&error)),
    };
    let (owner, us) = (metadata.uid(), rustix::process::geteuid().as_raw());
    if owner != 0 && owner != us {
        return refuse("it belongs to another user".into());
    }
    let mode = metadata.mode() & 0o7777;
    if !metadata.is_dir() || mode & mask == 0 {
        return Ok(());
    }
    // Such as /tmp: it is not ours to close.
    if mode & 0o1000 != 0 || owner != us {
        return refuse("it is a shared folder; use one that is only for ghtok".into());
    }
    Err(Error::Exposed {
        fix: format!("chmod {change} {}", word(&folder.to_string_lossy())),
        path: folder.to_owned(),
        rights,
        mode,
    })
}

/// On Windows the user's profile folders carry access lists that keep other users out.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "on Unix this can fail")]
fn check(_: &Path, _: u32, _: &'static str, _: &str) -> Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::error::Error;

    #[test]
    fn a_folder_that_others_may_change_is_refused_and_the_hint_cures_it() {
        let base = std::env::temp_dir().join(format!("ghtok's folders {}", std::process::id()));
        fs::create_dir_all(&base).expect("a folder");
        for (check, mode, fine) in [
            (check_config as fn(&Path) -> Result<()>, 0o755, true),
            (check_config, 0o700, true),
            (check_config, 0o775, false),
            (check_config, 0o757, false),
            (check_state, 0o700, true),
            (check_state, 0o500, true),
            (check_state, 0o750, false),
            (check_state, 0o701, false),
            (check_state, 0o777, false),
        ] {
            fs::set_permissions(&base, fs::Permissions::from_mode(mode)).expect("a mode");
            let checked = check(&base);
            assert_eq!(checked.is_ok(), fine, "{mode:o}: {checked:?}");
            let Err(Error::Exposed { fix, .. }) = checked else {
                continue;
            };
            #[expect(clippy::disallowed_methods, reason = "what a person would type")]
            let fixed = std::process::Command::new("sh").args(["-c", &fix]).status();
            assert!(fixed.expect("sh").success(), "{fix}");
            assert!(check(&base).is_ok(), "{mode:o}: {fix}");
        }
        fs::set_permissions(&base, fs::Permissions::from_mode(0o1777)).expect("a mode");
        let error = check_state(&base).expect_err("for everybody").to_string();
        assert!(error.ends_with("use one that is only for ghtok"), "{error}");
        fs::remove_dir(&base).expect("gone");
        assert!(check_state(&base).is_ok() && check_config(&base).is_ok());
    }
}
