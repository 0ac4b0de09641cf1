//! Adds an `[[app]]` to the configuration file: everything that stands there stays byte for byte, and
//! a kill at any instant leaves either the old file or the new one.

use std::fs;
use std::io;
#[cfg(unix)]
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{file, settings};
use crate::app::App;
use crate::error::{Error, Result, system_reason};
use crate::host::Host;
use crate::private_file::{Mode, Replacement, sync_folder_of};

/// The lines that describe `app` under the name `name` (see [`check_app_name`](super::check_app_name)).
pub fn app_section(app: &App, name: &str) -> String {
    let mut lines = vec!["[[app]]".to_owned()];
    lines.push(format!("name = {}", basic_string(name)));
    lines.push(format!("client_id = \"{}\"", app.client_id));
    let host = written(&app.host);
    if host != Host::DEFAULT {
        lines.push(format!("host = \"{host}\""));
    }
    if let Some(account) = &app.account {
        lines.push(format!("account = \"{account}\""));
    }
    if !app.owners.is_empty() {
        let owners: Vec<String> = app.owners.iter().map(|owner| basic_string(owner)).collect();
        lines.push(format!("owners = [{}]", owners.join(", ")));
    }
    lines.join("\n") + "\n"
}

/// Appends lines to the file, or begins it (folder 0700, file 0600). A linked file is written where
/// the link leads. What ghtok could not read again is not written.
pub fn append_app(file: &Path, section: &str) -> Result<()> {
    let target = target_of(file)?;
    let before = file::read(&target)?;
    let text = joined(before.as_deref().unwrap_or_default(), section);
    settings::parse(file, &text)?;
    let refuse = |error: io::Error| Error::File {
        doing: "write",
        path: target.clone(),
        cause: system_reason(&error),
    };
    let folder = target.parent().unwrap_or(Path::new("."));
    create_folder(folder).map_err(refuse)?;
    let mut new = Replacement::begin(&target).map_err(refuse)?;
    new.fill(text.as_bytes(), Mode::KeepOr(0o600))
        .map_err(refuse)?;
    if file::read(&target)? != before {
        let cause = "it was changed by somebody else at the same moment".into();
        return Err(Error::File {
            doing: "write",
            path: target,
            cause,
        });
    }
    new.commit().map_err(refuse)?;
    // A system that cannot do so has lost nothing but its haste.
    let _ = sync_folder_of(&target);
    Ok(())
}

/// Where a linked file really is: people keep their dot-files elsewhere.
fn target_of(file: &Path) -> Result<PathBuf> {
    let is_link = fs::symlink_metadata(file).is_ok_and(|metadata| metadata.is_symlink());
    if !is_link {
        return Ok(file.to_owned());
    }
    fs::canonicalize(file).map_err(|error| Error::File {
        doing: "follow the link",
        path: file.to_owned(),
        cause: system_reason(&error),
    })
}

fn joined(before: &str, section: &str) -> String {
    let gap = match before {
        "" => "",
        before if before.ends_with('\n') => "\n",
        _ => "\n\n",
    };
    format!("{before}{gap}{section}")
}

/// The host so that [`Host::parse`] reads the same one: only https on loopback needs its scheme.
fn written(host: &Host) -> String {
    if host.is_loopback() && host.is_https() {
        host.web_url()
    } else {
        host.to_string()
    }
}

/// A TOML basic string (toml.io, v1.0.0, "String").
fn basic_string(text: &str) -> String {
    let escaped = |c: char| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_control() => format!("\\u{:04X}", u32::from(c)),
        c => c.to_string(),
    };
    format!("\"{}\"", text.chars().map(escaped).collect::<String>())
}

/// Creates what is missing of a folder, each part for its owner alone whatever the umask says.
#[cfg(unix)]
fn create_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};

    if folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        create_folder(parent)?;
    }
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => fs::set_permissions(folder, fs::Permissions::from_mode(0o700)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
fn create_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::super::scratch::Scratch;
    use super::*;
    use crate::app::{AccountName, ClientId};

    fn app(host: &str) -> App {
        App {
            name: None,
            client_id: ClientId::parse("Iv1.a").expect("an id"),
            host: Host::parse(host).expect("a host"),
            account: Some(AccountName::parse("octo").expect("a login")),
            owners: vec!["a".into(), "b".into()],
        }
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("it").permissions().mode() & 0o7777
    }

    fn content(path: &Path) -> String {
        fs::read_to_string(path).expect("a file")
    }

    const SECTION: &str = "[[app]]\nname = \"work\"\nclient_id = \"Iv1.b\"\n";

    #[test]
    fn a_section_is_read_back_as_the_same_app() {
        for host in [
            "github.com",
            "ghes.example:8443",
            "http://127.0.0.1:443",
            "https://localhost:80",
            "https://localhost",
            "http://[::1]:3000",
        ] {
            let named = App {
                name: Some("work".into()),
                ..app(host)
            };
            let settings =
                settings::parse(Path::new("c"), &app_section(&app(host), "work")).expect(host);
            assert_eq!(settings.apps, [named]);
        }
        let plain = App {
            account: None,
            owners: vec![],
            ..app("github.com")
        };
        assert_eq!(
            app_section(&plain, "x"),
            "[[app]]\nname = \"x\"\nclient_id = \"Iv1.a\"\n"
        );
    }

    #[test]
    fn a_hostile_name_stays_a_name_and_is_never_written() {
        let folder = Scratch::new();
        let section = app_section(&app("github.com"), "x\"\nstore = \"file\\");
        assert!(
            section.contains("name = \"x\\\"\\u000Astore = \\\"file\\\\\"\n"),
            "{section}"
        );
        assert!(append_app(&folder.file(), &section).is_err());
        assert!(!folder.file().exists());
    }

    #[test]
    fn the_first_app_begins_a_private_file() {
        let folder = Scratch::new();
        let file = folder.path().join("a/b/config.toml");
        append_app(&file, SECTION).expect("written");
        assert_eq!(content(&file), SECTION);
        assert_eq!(mode(&file), 0o600);
        assert_eq!(mode(file.parent().expect("a folder")), 0o700);
        assert_eq!(mode(&folder.path().join("a")), 0o700);
    }

    #[test]
    fn what_stands_there_stays_byte_for_byte() {
        for (before, gap) in [
            ("# mine\r\n[git]\r\nquit = true\r\n", "\n"),
            ("store = \"file\" # no line end", "\n\n"),
            ("\u{feff}# é\n", "\n"),
            ("", ""),
        ] {
            let folder = Scratch::new().with(before);
            fs::set_permissions(folder.file(), fs::Permissions::from_mode(0o640)).expect("a mode");
            append_app(&folder.file(), SECTION).expect("written");
            assert_eq!(content(&folder.file()), format!("{before}{gap}{SECTION}"));
            assert_eq!(mode(&folder.file()), 0o640);
            assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
        }
    }

    #[test]
    fn a_link_is_followed_and_stays_a_link() {
        let folder = Scratch::new();
        let real = folder.path().join("dotfiles.toml");
        fs::write(&real, "store = \"file\"\n").expect("a file");
        symlink("dotfiles.toml", folder.file()).expect("a link");
        append_app(&folder.file(), SECTION).expect("written");
        assert!(folder.file().is_symlink());
        assert_eq!(content(&real), format!("store = \"file\"\n\n{SECTION}"));
        fs::remove_file(&real).expect("gone");
        let error = append_app(&folder.file(), SECTION)
            .expect_err("a dangling link")
            .to_string();
        assert!(error.starts_with("cannot follow the link "), "{error}");
    }

    #[test]
    fn what_could_not_be_read_again_is_not_written() {
        for before in [
            "[[app]]\nname = \"work\"\nclient_id = \"Iv1.x\"\n",
            "app = []\n",
            "store = 1\n",
        ] {
            let folder = Scratch::new().with(before);
            assert!(append_app(&folder.file(), SECTION).is_err(), "{before}");
            assert_eq!(content(&folder.file()), before);
            assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
        }
    }

    #[test]
    fn a_read_only_file_and_a_folder_in_its_place_are_left_alone() {
        let folder = Scratch::new().with("# fixed\n");
        fs::set_permissions(folder.file(), fs::Permissions::from_mode(0o444)).expect("a mode");
        let error = append_app(&folder.file(), SECTION)
            .expect_err("read-only")
            .to_string();
        assert!(error.ends_with("config.toml: it is read-only"), "{error}");
        assert_eq!(content(&folder.file()), "# fixed\n");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
        let taken = Scratch::new();
        fs::create_dir(taken.file()).expect("a folder");
        assert!(append_app(&taken.file(), SECTION).is_err());
    }
}
