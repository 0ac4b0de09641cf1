"""What every package says about ghtok: read from Cargo.toml, and nowhere else."""

import pathlib
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGE = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]

NAME = PACKAGE["name"]
VERSION = PACKAGE["version"]
DESCRIPTION = PACKAGE["description"]
LICENSE = PACKAGE["license"]
KEYWORDS = PACKAGE["keywords"]
# The repository's https address. Without it, nothing that needs it is rendered.
REPOSITORY = PACKAGE.get("repository")

LICENSES = ["LICENSE-MIT", "LICENSE-APACHE", "LICENSE-THIRD-PARTY"]

# Each target: npm's names of system, processor and C library.
TARGETS = {
    "x86_64-unknown-linux-gnu": ("linux", "x64", "glibc"),
    "aarch64-unknown-linux-gnu": ("linux", "arm64", "glibc"),
    "x86_64-apple-darwin": ("darwin", "x64", None),
    "aarch64-apple-darwin": ("darwin", "arm64", None),
    "x86_64-pc-windows-msvc": ("win32", "x64", None),
}


def program(target):
    """The file name of the program for a target."""
    return NAME + (".exe" if "windows" in target else "")


def archive(target):
    """The file name of the archive for a target."""
    return f"{NAME}-{VERSION}-{target}" + (".zip" if "windows" in target else ".tar.gz")
