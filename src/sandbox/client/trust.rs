//! Whether the socket that the environment names is used. Anybody who can set a variable, such as a
//! project's `.envrc`, could name a socket of their own.

use crate::config::SocketVariables;
use crate::error::SandboxProblem;

/// Why the variable is ignored, so that ghtok works as on any machine; `None` if it counts. Of a
/// configuration and of sign-ins only the existence is looked at.
#[cfg(unix)]
pub(super) fn reason_to_ignore(variables: &SocketVariables) -> Option<String> {
    let sign_in = unix::sign_in(variables)?;
    if unix::is_own(variables) {
        return None;
    }
    let own = variables.own_folders.iter();
    let own: Vec<String> = own.map(|folder| folder.display().to_string()).collect();
    Some(format!(
        "ghtok is set up on this machine ({}), and {} is not in a private folder of its own ({})",
        sign_in.display(),
        variables.socket.display(),
        own.join(", ")
    ))
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "on Unix there may be none")]
pub(super) fn reason_to_ignore(_: &SocketVariables) -> Option<String> {
    Some("sandboxes are not available on this system".into())
}

/// Checks whose socket it is.
#[cfg(unix)]
pub(super) fn check(variables: &SocketVariables) -> Result<(), SandboxProblem> {
    unix::check(variables)
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "on Unix this can fail")]
pub(super) fn check(_: &SocketVariables) -> Result<(), SandboxProblem> {
    Ok(())
}

#[cfg(unix)]
mod unix {
    use std::fs;
    use std::io::ErrorKind;
    use std::os::unix::fs::{FileTypeExt, MetadataExt};
    use std::path::{Path, PathBuf};

    use super::{SandboxProblem, SocketVariables};
    use crate::error::system_reason;

    const ROOT: u32 = 0;

    /// The end of the name of the note that says where a sign-in is stored.
    const NOTE: &str = ".store";

    /// A configuration or a sign-in of this machine.
    pub(super) fn sign_in(variables: &SocketVariables) -> Option<PathBuf> {
        let mut files = variables.config_files.iter();
        if let Some(file) = files.find(|file| fs::symlink_metadata(file).is_ok()) {
            return Some(file.clone());
        }
        variables.state_folders.iter().find_map(|folder| {
            let mut entries = fs::read_dir(folder).ok()?.filter_map(Result::ok);
            let note = entries.find(|entry| {
                let name = entry.file_name();
                name.as_encoded_bytes().ends_with(NOTE.as_bytes())
            });
            note.map(|note| note.path())
        })
    }

    /// Whether the socket lies in a folder in which only ghtok of this user puts sockets.
    pub(super) fn is_own(variables: &SocketVariables) -> bool {
        let folder = variables.socket.parent();
        let own = folder.filter(|folder| variables.own_folders.iter().any(|own| own == folder));
        own.is_some_and(is_private)
    }

    fn is_private(folder: &Path) -> bool {
        fs::symlink_metadata(folder).is_ok_and(|metadata| {
            let rights_of_others = metadata.mode() & 0o077;
            metadata.is_dir() && metadata.uid() == own_user() && rights_of_others == 0
        })
    }

    pub(super) fn check(variables: &SocketVariables) -> Result<(), SandboxProblem> {
        let socket = &variables.socket;
        let untrusted = |reason: String, fix: &str| {
            Err(SandboxProblem::Untrusted {
                socket: socket.clone(),
                reason,
                fix: fix.to_owned(),
            })
        };
        if !socket.is_absolute() {
            return untrusted(
                "GHTOK_SOCKET is not an absolute path".into(),
                "set GHTOK_SOCKET to the path that the host printed, or unset it",
            );
        }
        let metadata = match fs::metadata(socket) {
            Ok(metadata) => metadata,
            Err(error) => {
                return Err(SandboxProblem::Unreachable {
                    socket: socket.clone(),
                    cause: match error.kind() {
                        ErrorKind::NotFound => "there is no such file".into(),
                        _ => system_reason(&error),
                    },
                });
            }
        };
        if !metadata.file_type().is_socket() {
            return untrusted(
                "it is not a socket".into(),
                "set GHTOK_SOCKET to the path that the host printed, or unset it",
            );
        }
        let owner = metadata.uid();
        if owner == own_user() || owner == ROOT || is_accepted(owner, variables) {
            return Ok(());
        }
        untrusted(
            format!("it belongs to another user (user ID {owner})"),
            &format!(
                "if that user's ghtok serves this sandbox:\n  export GHTOK_SOCKET_OWNER={owner}"
            ),
        )
    }

    /// Whether the environment names this owner, where that counts: for root, and where nobody is signed in.
    fn is_accepted(owner: u32, variables: &SocketVariables) -> bool {
        let named = variables.owner.as_deref().map(str::trim);
        let is_named = named.and_then(|text| text.parse().ok()) == Some(owner);
        is_named && (own_user() == ROOT || sign_in(variables).is_none())
    }

    fn own_user() -> u32 {
        rustix::process::geteuid().as_raw()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixListener;
    use std::path::Path;

    use super::*;

    fn variables(home: &Path, socket: &str) -> SocketVariables {
        SocketVariables {
            socket: home.join(socket),
            own_folders: vec![home.join("runtime/ghtok"), home.join("state/run")],
            config_files: vec![home.join("config.toml")],
            state_folders: vec![home.join("state")],
            ..SocketVariables::default()
        }
    }

    fn home() -> tempfile::TempDir {
        let home = tempfile::tempdir().expect("a folder");
        for folder in ["runtime/ghtok", "state/run", "project"] {
            fs::create_dir_all(home.path().join(folder)).expect("a folder");
            let private = fs::Permissions::from_mode(0o700);
            fs::set_permissions(home.path().join(folder), private).expect("a mode");
        }
        home
    }

    #[test]
    fn p11_where_there_is_a_sign_in_only_sockets_of_ghtoks_own_folders_count() {
        for sign_in in ["config.toml", "state/github.com%2FIv1.a.store"] {
            let home = home();
            let (home, ignored) = (home.path(), |socket: &str| {
                reason_to_ignore(&variables(home.path(), socket)).is_some()
            });
            assert!(!ignored("project/x.sock"), "nobody is signed in");
            fs::write(home.join(sign_in), "").expect("a file");
            assert!(ignored("project/x.sock"));
            for below in [
                "runtime/ghtok/../../project/x.sock",
                "state/run/deep/x.sock",
                "state/x.sock",
            ] {
                assert!(ignored(below), "{below}");
            }
            for own in ["runtime/ghtok/x.sock", "state/run/x.sock"] {
                assert!(!ignored(own), "{own}");
            }
            let open = fs::Permissions::from_mode(0o755);
            fs::set_permissions(home.join("state/run"), open).expect("a mode");
            assert!(ignored("state/run/x.sock"), "others can look into it");
        }
    }

    #[test]
    fn p11_what_is_no_socket_or_not_there_is_refused() {
        let home = home();
        let checked = |socket: &str| check(&variables(home.path(), socket));
        assert!(matches!(
            checked("none.sock"),
            Err(SandboxProblem::Unreachable { .. })
        ));
        fs::write(home.path().join("file"), "").expect("a file");
        assert!(matches!(
            checked("file"),
            Err(SandboxProblem::Untrusted { .. })
        ));
        let _listener = UnixListener::bind(home.path().join("x.sock")).expect("a socket");
        assert_eq!(checked("x.sock"), Ok(()));
        let relative = SocketVariables {
            socket: "x.sock".into(),
            ..SocketVariables::default()
        };
        assert!(matches!(
            check(&relative),
            Err(SandboxProblem::Untrusted { .. })
        ));
    }
}
