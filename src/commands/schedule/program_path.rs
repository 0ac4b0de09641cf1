//! Whether a timer can rely on the path of this program.

use std::path::{Component, Path};

/// What a timer would find at a path in a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProgramPath {
    /// The program.
    Lasting,
    /// Nothing, once somebody builds again or cleans up: cargo marks such folders.
    BuildFolder,
    /// A version manager's stand-in, which looks for the program by the folder and the environment
    /// that it is run in: a timer has neither.
    Shim,
    /// Nothing, after a restart of the machine.
    TemporaryFolder,
    /// Perhaps nothing, after an upgrade: a version manager keeps each version in a folder of its own.
    VersionFolder,
}

impl ProgramPath {
    /// Judges a path; `is_tagged` says whether a folder is marked as a cache, as cargo marks build folders
    /// (<https://bford.info/cachedir/>).
    pub(super) fn of(program: &Path, is_tagged: &dyn Fn(&Path) -> bool) -> Self {
        let has = |names: &[&str]| {
            program.components().any(|part| match part {
                Component::Normal(name) => names.iter().any(|known| name == *known),
                _ => false,
            })
        };
        if program.ancestors().skip(1).any(is_tagged) {
            return Self::BuildFolder;
        }
        if has(&["shims"]) {
            return Self::Shim;
        }
        let temporary = [
            "/tmp",
            "/var/tmp",
            "/private/tmp",
            "/dev/shm",
            "/var/folders",
        ];
        if temporary.iter().any(|folder| program.starts_with(folder)) || has(&["Temp"]) {
            return Self::TemporaryFolder;
        }
        if has(&["installs", "Cellar"]) || program.starts_with("/nix/store") {
            return Self::VersionFolder;
        }
        Self::Lasting
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn build_folders_and_shims_do_not_last() {
        let tagged = |folder: &Path| folder == Path::new("/src/ghtok/target");
        for (program, expected) in [
            ("/usr/local/bin/ghtok", ProgramPath::Lasting),
            ("/home/me/.cargo/bin/ghtok", ProgramPath::Lasting),
            ("/opt/targets/ghtok", ProgramPath::Lasting),
            ("/home/linuxbrew/.linuxbrew/bin/ghtok", ProgramPath::Lasting),
            ("/src/ghtok/target/release/ghtok", ProgramPath::BuildFolder),
            ("/home/me/.asdf/shims/ghtok", ProgramPath::Shim),
            ("/home/me/.local/share/mise/shims/ghtok", ProgramPath::Shim),
            ("/tmp/ghtok", ProgramPath::TemporaryFolder),
            (
                "/home/me/.local/share/mise/installs/ghtok/1.2/bin/ghtok",
                ProgramPath::VersionFolder,
            ),
            (
                "/nix/store/abc-ghtok-1.2/bin/ghtok",
                ProgramPath::VersionFolder,
            ),
        ] {
            assert_eq!(
                ProgramPath::of(Path::new(program), &tagged),
                expected,
                "{program}"
            );
        }
    }
}
