//! Whether a timer can rely on the path of this program.

use std::path::{Component, Path};

/// What a timer would find at a path in a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasting {
    /// The program.
    Yes,
    /// Nothing, once somebody builds anew or cleans up: cargo marks such folders.
    BuildFolder,
    /// A version manager's stand-in, which looks for the program by the folder and the environment
    /// that it is run in: a timer has neither.
    Shim,
    /// Nothing, once the machine is started anew.
    TemporaryFolder,
    /// Perhaps nothing, after an upgrade: a version manager keeps each version in a folder of its own.
    VersionFolder,
}

/// Judges a path; `is_tagged` says whether a folder is marked as one that can be made anew
/// (<https://bford.info/cachedir/>), as cargo does.
pub fn lasting(program: &Path, is_tagged: &dyn Fn(&Path) -> bool) -> Lasting {
    let has = |names: &[&str]| {
        program.components().any(|part| match part {
            Component::Normal(name) => names.iter().any(|known| name == *known),
            _ => false,
        })
    };
    if program.ancestors().skip(1).any(is_tagged) {
        return Lasting::BuildFolder;
    }
    if has(&["shims"]) {
        return Lasting::Shim;
    }
    let temporary = [
        "/tmp",
        "/var/tmp",
        "/private/tmp",
        "/dev/shm",
        "/var/folders",
    ];
    if temporary.iter().any(|folder| program.starts_with(folder)) || has(&["Temp"]) {
        return Lasting::TemporaryFolder;
    }
    if has(&["installs", "Cellar"]) || program.starts_with("/nix/store") {
        return Lasting::VersionFolder;
    }
    Lasting::Yes
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn build_folders_and_shims_do_not_last() {
        let tagged = |folder: &Path| folder == Path::new("/src/ghtok/target");
        for (program, expected) in [
            ("/usr/local/bin/ghtok", Lasting::Yes),
            ("/home/me/.cargo/bin/ghtok", Lasting::Yes),
            ("/opt/targets/ghtok", Lasting::Yes),
            ("/home/linuxbrew/.linuxbrew/bin/ghtok", Lasting::Yes),
            ("/src/ghtok/target/release/ghtok", Lasting::BuildFolder),
            ("/home/me/.asdf/shims/ghtok", Lasting::Shim),
            ("/home/me/.local/share/mise/shims/ghtok", Lasting::Shim),
            ("/tmp/ghtok", Lasting::TemporaryFolder),
            (
                "/home/me/.local/share/mise/installs/ghtok/1.2/bin/ghtok",
                Lasting::VersionFolder,
            ),
            ("/nix/store/abc-ghtok-1.2/bin/ghtok", Lasting::VersionFolder),
        ] {
            assert_eq!(lasting(Path::new(program), &tagged), expected, "{program}");
        }
    }
}
