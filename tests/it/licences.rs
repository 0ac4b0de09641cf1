//! `LICENSE-THIRD-PARTY`: the notices of C and assembly code that is linked into the program, taken from
//! the sources of the locked crates.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::snapshot;

/// The crates whose notices the file has.
const COVERED: [&str; 2] = ["libdbus-sys", "ring"];

const HEAD: &str = "\
Notices for third-party C and assembly code in ghtok

The ghtok program contains code in C and assembly that is built from the sources of the Rust crates
below and linked statically (libdbus on Linux only). Their licenses ask for these notices in copies of
the program. Crates in Rust alone are named in Cargo.lock; their licenses are in their sources.
";

const LIBDBUS: &str = "\
libdbus is used under the Academic Free License version 2.1 (it may also be used under the GNU General
Public License version 2 or later). Its source code is in the crate libdbus-sys (https://crates.io) and
at https://gitlab.freedesktop.org/dbus/dbus.
";

/// What cargo knows of a crate.
struct Package {
    version: String,
    folder: PathBuf,
    compiles_c: bool,
}

/// The crates of the lock file, by name.
fn packages() -> BTreeMap<String, Package> {
    let run = |arguments: &[&str]| {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command
            .args(arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"));
        command.output().expect("cargo")
    };
    // Sources of crates for other systems may not be on this machine.
    let about = String::from_utf8(run(&["-vV"]).stdout).expect("text");
    let host = about.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.expect("the host's triple");
    let told = run(&[
        "metadata",
        "--format-version=1",
        "--locked",
        "--offline",
        "--filter-platform",
        host,
    ]);
    assert!(told.status.success(), "{told:?}");
    let metadata: Value = serde_json::from_slice(&told.stdout).expect("JSON");
    let list = |value: &Value| value.as_array().expect("a list").clone();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let build_tools = ["cc", "cmake", "nasm-rs", "bindgen"];
    let packages = list(&metadata["packages"]).into_iter().map(|package| {
        let manifest = PathBuf::from(text(&package["manifest_path"]));
        let compiles_c = list(&package["dependencies"]).iter().any(|dependency| {
            dependency["kind"] == "build"
                && build_tools.contains(&text(&dependency["name"]).as_str())
        });
        let found = Package {
            version: text(&package["version"]),
            folder: manifest.parent().expect("a folder").to_owned(),
            compiles_c,
        };
        (text(&package["name"]), found)
    });
    packages.collect()
}

/// Which crates of the lock file depend on a compiler of C as they are built here.
fn locked_users_of_cc() -> BTreeSet<String> {
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock");
    let lock = fs::read_to_string(lock).expect("a lock file");
    let packages = lock.split("[[package]]");
    let users = packages.filter(|package| package.contains("\n \"cc\",\n"));
    let name = |package: &str| package.split('"').nth(1).expect("a name").to_owned();
    users.map(name).collect()
}

#[test]
fn every_crate_with_c_code_has_its_notices() {
    let covered: BTreeSet<String> = COVERED.map(str::to_owned).into();
    assert_eq!(locked_users_of_cc(), covered);
    for name in COVERED {
        assert!(packages()[name].compiles_c, "{name}");
    }
}

#[test]
fn the_notices_are_those_of_the_locked_crates_snapshot() {
    let packages = packages();
    let mut text = HEAD.to_owned();
    let mut add = |title: String, body: String| {
        let rule = "=".repeat(78);
        text.push_str(&format!(
            "\n{rule}\n{title}\n{rule}\n\n{}\n",
            body.trim_end()
        ));
    };
    let libdbus = &packages["libdbus-sys"];
    add(
        format!("libdbus, from the crate libdbus-sys {}", libdbus.version),
        notices_of_libdbus(&libdbus.folder.join("vendor/dbus")),
    );
    let ring = &packages["ring"];
    add(
        format!(
            "ring {}, with code from BoringSSL, OpenSSL and fiat-crypto",
            ring.version
        ),
        notices_of_ring(&ring.folder),
    );
    snapshot::check("../../../LICENSE-THIRD-PARTY", &text);
}

fn notices_of_libdbus(folder: &Path) -> String {
    let sources = sources(&folder.join("dbus"));
    let own = sources.values().flat_map(|source| comments(source));
    let others: BTreeSet<String> = own
        .filter(|comment| {
            comment.contains("Permission is hereby granted") || comment.contains("Tcl distribution")
        })
        .collect();
    assert!(others.len() > 1, "{others:?}");
    let license = read(&folder.join("COPYING"));
    let (academic, _) = license
        .split_once("GNU GENERAL PUBLIC LICENSE")
        .expect("two licenses");
    let from = academic
        .find("The Academic Free License\nv. 2.1")
        .expect("its title");
    let academic = academic[from..]
        .trim_end()
        .trim_end_matches(['-', '\n', ' ']);
    format!(
        "{LIBDBUS}\n{}\n\n{academic}\n\n{}",
        copyright_lines(&sources),
        others.into_iter().collect::<Vec<_>>().join("\n\n")
    )
}

fn notices_of_ring(folder: &Path) -> String {
    let mut all = BTreeMap::new();
    for part in ["crypto", "include", "pregenerated", "third_party"] {
        all.extend(sources(&folder.join(part)));
    }
    let licenses = [
        "LICENSE",
        "LICENSE-other-bits",
        "LICENSE-BoringSSL",
        "third_party/fiat/LICENSE",
    ];
    let licenses =
        licenses.map(|name| format!("--- {name}\n\n{}", read(&folder.join(name)).trim_end()));
    format!("{}\n\n{}", copyright_lines(&all), licenses.join("\n\n"))
}

/// The sources of C and assembly below a folder.
fn sources(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let kind = path
            .extension()
            .and_then(|kind| kind.to_str())
            .unwrap_or_default();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if ["c", "h", "inl", "S", "asm", "pl"].contains(&kind) {
            found.insert(path.clone(), read(&path));
        }
    }
    found
}

fn read(path: &Path) -> String {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    String::from_utf8_lossy(&bytes).replace("\r\n", "\n")
}

/// The lines that name a holder of a copyright, each once.
fn copyright_lines(sources: &BTreeMap<PathBuf, String>) -> String {
    let lines = sources.values().flat_map(|source| source.lines());
    let named = lines.filter_map(|line| {
        let line = line
            .trim_start_matches(|c: char| " \t*/#;!".contains(c))
            .trim_end();
        let is_notice =
            line.starts_with("Copyright") && line.contains(|c: char| c.is_ascii_digit());
        is_notice.then(|| line.split_whitespace().collect::<Vec<_>>().join(" "))
    });
    named
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect::<Vec<_>>()
        .join("\n")
}

/// The comments of a source in C, without what begins their lines.
fn comments(source: &str) -> Vec<String> {
    let parts = source.split("/*").skip(1);
    let bodies = parts.filter_map(|part| part.split_once("*/").map(|(body, _)| body));
    bodies
        .map(|body| {
            let lines = body.lines().map(|line| {
                let line = line.trim_start();
                let line = line.strip_prefix('*').unwrap_or(line);
                line.strip_prefix(' ').unwrap_or(line).trim_end()
            });
            lines.collect::<Vec<_>>().join("\n").trim().to_owned()
        })
        .collect()
}
