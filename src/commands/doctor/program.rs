//! Which ghtok runs here, and which one other programs find.

use std::fs;
use std::path::{Path, PathBuf};

use super::finding::{Findings, Level};
use crate::config::Environment;
use crate::formats::shell::word;
use crate::plain_file;
use crate::session::{programs_in_path, this_program};

const SUBJECT: &str = "program";

/// The system that this ghtok was built for.
pub(super) fn system() -> String {
    format!("{} {}", std::env::consts::OS, std::env::consts::ARCH)
}

/// Looks at this program and at those of its name in PATH.
pub(super) fn check(environment: &Environment, found: &mut Findings) {
    let version = env!("CARGO_PKG_VERSION");
    let Some(program) = this_program() else {
        found.ok(SUBJECT, "program", format!("ghtok {version}, {}", system()));
        return;
    };
    found.ok(
        SUBJECT,
        "program",
        format!("ghtok {version}, {}, {}", system(), program.display()),
    );
    check_rights(&program, found);
    let is_this = |other: &PathBuf| {
        let [other, this] = [other, &program].map(|path| fs::canonicalize(path).ok());
        other.is_some() && other == this
    };
    let in_path = programs_in_path(environment);
    match in_path.iter().position(is_this) {
        Some(0) => {}
        None if in_path.is_empty() => {
            found
                .add(
                    SUBJECT,
                    "program_not_in_path",
                    Level::Warning,
                    "ghtok is not in PATH: programs that start it by its name do not find it"
                        .into(),
                )
                .fix("add its folder to PATH in your shell's startup file");
        }
        Some(_) | None => other_first(&in_path[0], found),
    }
}

fn other_first(other: &Path, found: &mut Findings) {
    found
        .add(
            SUBJECT,
            "program_shadowed",
            Level::Warning,
            format!("another ghtok is first in PATH: {}", other.display()),
        )
        .fix("remove the one that you do not want, or change the order of PATH");
}

fn check_rights(program: &Path, found: &mut Findings) {
    let is_exposed = plain_file::open(program).is_ok_and(|(_, metadata)| {
        matches!(
            plain_file::trust(&metadata),
            Err(plain_file::Distrust::Writable { .. })
        )
    });
    if is_exposed {
        found
            .add(
                SUBJECT,
                "program_exposed",
                Level::Problem,
                format!("other users may replace {}", program.display()),
            )
            .run(
                "close it:",
                format!("chmod go-w {}", word(&program.to_string_lossy())),
            );
    }
}
