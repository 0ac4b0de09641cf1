//! Where programs are.

use std::path::{Path, PathBuf};

/// Where a program that can be run is, of these folders: on Unix with the executable bit, on Windows by
/// the extensions of `PATHEXT` (`.cmd` too). Relative folders are left out: what is found there would
/// depend on the current folder.
pub(crate) fn find_program(name: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    if Path::new(name).file_name() != Some(name.as_ref()) {
        return None;
    }
    let absolute = folders.iter().filter(|folder| folder.is_absolute());
    let mut places = absolute.map(|folder| folder.join(name));
    // An absolute name is looked up where it is, and nowhere else.
    places.find_map(|place| which::which_in_global(place, None::<&str>).ok()?.next())
}

/// The path of this program that outlives an upgrade: by its name in these folders, where package
/// managers keep a link, and not where that link leads.
pub(crate) fn stable_path(program: PathBuf, folders: &[PathBuf]) -> PathBuf {
    let itself = std::fs::canonicalize(&program).ok();
    let name = format!("ghtok{}", std::env::consts::EXE_SUFFIX);
    let mut places = folders.iter().map(|folder| folder.join(&name));
    places
        .find(|place| itself.is_some() && std::fs::canonicalize(place).ok() == itself)
        .unwrap_or(program)
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn file(folder: &Path, name: &str, mode: u32) {
        fs::write(folder.join(name), "#!/bin/sh\n").expect("a file");
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(mode)).expect("a mode");
    }

    #[test]
    fn what_cannot_be_run_is_passed_over() {
        let root = tempfile::tempdir().expect("a folder");
        let folders: Vec<PathBuf> = ["a", "b", "c", "d"]
            .map(|name| root.path().join(name))
            .into();
        for folder in &folders {
            fs::create_dir(folder).expect("a folder");
        }
        fs::create_dir(folders[0].join("tool")).expect("a folder of that name");
        file(&folders[1], "tool", 0o644);
        symlink("nowhere", folders[2].join("tool")).expect("a dangling link");
        assert_eq!(find_program("tool", &folders), None);
        file(&folders[3], "tool", 0o755);
        let found = folders[3].join("tool");
        assert_eq!(find_program("tool", &folders), Some(found.clone()));
        fs::remove_file(folders[2].join("tool")).expect("gone");
        symlink("../d/tool", folders[2].join("tool")).expect("a link");
        let by_link = folders[2].join("tool");
        assert_eq!(find_program("tool", &folders), Some(by_link));
    }

    #[test]
    fn neither_relative_folders_nor_names_with_a_folder_are_looked_up() {
        let root = tempfile::tempdir().expect("a folder");
        file(root.path(), "tool", 0o755);
        let absolute = vec![root.path().to_owned()];
        assert!(find_program("tool", &absolute).is_some());
        let up = "../".repeat(root.path().components().count() + 20);
        let below = root.path().strip_prefix("/").expect("a path");
        let relative = vec![Path::new(&up).join(below), PathBuf::new(), ".".into()];
        assert_eq!(find_program("tool", &relative), None);
        let by_path = root.path().join("tool");
        for name in [
            by_path.to_str().expect("text"),
            "./tool",
            "x/../tool",
            "..",
            "",
        ] {
            assert_eq!(find_program(name, &absolute), None, "{name}");
        }
    }
}
