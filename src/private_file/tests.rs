//! What a replaced file looks like afterwards, and what it looked like in between.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use super::*;

/// A folder of one test, removed with it.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    fn file(&self, name: &str, mode: u32) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, "old").expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
        path
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.0.path())
            .expect("a folder")
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .into_string()
                    .expect("text")
            })
            .collect();
        names.sort();
        names
    }
}

fn mode_of(path: &Path) -> u32 {
    fs::metadata(path).expect("it").mode() & 0o7777
}

fn content(path: &Path) -> String {
    fs::read_to_string(path).expect("a file")
}

#[test]
fn a_file_keeps_its_mode_or_gets_the_one_that_is_asked_for() {
    let folder = Folder::new();
    for old in [0o600, 0o640, 0o644, 0o755, 0o200] {
        let file = folder.file("a", old);
        replace(&file, b"new", Mode::KeepOr(0o600)).expect("replaced");
        assert_eq!(mode_of(&file), old);
        replace(&file, b"new", Mode::PRIVATE).expect("replaced");
        assert_eq!(mode_of(&file), 0o600);
    }
    replace(&folder.path("b"), b"new", Mode::KeepOr(0o644)).expect("written");
    assert_eq!(mode_of(&folder.path("b")), 0o644);
    assert_eq!(folder.names(), ["a", "b"]);
}

#[test]
fn the_temporary_file_is_private_until_the_content_is_complete() {
    let folder = Folder::new();
    let file = folder.file("a", 0o644);
    let mut new = PendingFile::begin(&file).expect("begun");
    assert_eq!(mode_of(&new.temporary), 0o600);
    new.fill(b"new", Mode::KeepOr(0o600)).expect("filled");
    assert_eq!(mode_of(&new.temporary), 0o644);
    assert_eq!(content(&file), "old");
    new.commit().expect("committed");
    assert_eq!(
        (content(&file), folder.names()),
        ("new".into(), vec!["a".into()])
    );
}

#[test]
fn what_is_given_up_leaves_nothing() {
    let folder = Folder::new();
    let file = folder.file("a", 0o444);
    let refused = replace(&file, b"new", Mode::KeepOr(0o600)).expect_err("read-only");
    assert_eq!(refused.to_string(), "it is read-only");
    assert_eq!(
        (content(&file), folder.names()),
        ("old".into(), vec!["a".into()])
    );
    fs::create_dir(folder.path("d")).expect("a folder");
    assert!(replace(&folder.path("d"), b"new", Mode::PRIVATE).is_err());
    assert_eq!(folder.names(), ["a", "d"]);
}

#[test]
fn links_are_followed_and_stay() {
    let folder = Folder::new();
    fs::create_dir(folder.path("dotfiles")).expect("a folder");
    let real = folder.file("dotfiles/real", 0o640);
    symlink("real", folder.path("dotfiles/second")).expect("a link");
    symlink(folder.path("dotfiles/second"), folder.path("first")).expect("a link");
    replace(&folder.path("first"), b"new", Mode::KeepOr(0o600)).expect("replaced");
    assert_eq!((content(&real).as_str(), mode_of(&real)), ("new", 0o640));
    fs::remove_file(&real).expect("gone");
    replace(&folder.path("first"), b"newer", Mode::KeepOr(0o600)).expect("created");
    assert_eq!(content(&real), "newer");
    assert!(folder.path("first").is_symlink() && folder.path("dotfiles/second").is_symlink());
    symlink("nowhere/at/all", folder.path("dangling")).expect("a link");
    assert!(replace(&folder.path("dangling"), b"new", Mode::PRIVATE).is_err());
    assert!(folder.path("dangling").is_symlink());
    symlink("loop", folder.path("loop")).expect("a link");
    assert!(replace(&folder.path("loop"), b"new", Mode::PRIVATE).is_err());
    assert_eq!(folder.names(), ["dangling", "dotfiles", "first", "loop"]);
}

#[test]
fn a_name_that_is_taken_is_not_written_to() {
    let folder = Folder::new();
    let file = folder.file("a", 0o600);
    let other = folder.file("other", 0o600);
    symlink(&other, folder.path("a.lock")).expect("a link");
    let refused = PendingFile::begin_as(&file, folder.path("a.lock")).expect_err("taken");
    assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
    assert_eq!(content(&other), "old");
    assert!(folder.path("a.lock").is_symlink());
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the tests' own variable")]
fn owner_and_group_are_kept_where_root_replaces_a_users_file() {
    if !rustix::process::geteuid().is_root() {
        assert!(
            std::env::var_os("GHTOK_TEST_ALL").is_none(),
            "skipped: only root can give files away"
        );
        return;
    }
    let folder = Folder::new();
    let file = folder.file("a", 0o640);
    std::os::unix::fs::chown(&file, Some(4321), Some(1234)).expect("given away");
    replace(&file, b"new", Mode::KeepOr(0o600)).expect("replaced");
    let metadata = fs::metadata(&file).expect("it");
    assert_eq!(
        (metadata.uid(), metadata.gid(), metadata.mode() & 0o7777),
        (4321, 1234, 0o640)
    );
}
