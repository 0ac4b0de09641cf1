"""Looks into the packages of DIST: check.py DIST. Contents, glibc, checksums, manifests, the crate."""

import json
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".github/packaging"))
import manifests  # noqa: E402
import project  # noqa: E402


def output(*command):
    """What a command prints; it must succeed."""
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def newest_glibc(program):
    """The newest version of glibc that a program asks for."""
    versions = re.findall(r"GLIBC_(\d+)\.(\d+)", output("objdump", "-p", program))
    return max((int(major), int(minor)) for major, minor in versions)


def check_archive(path, target):
    """An archive holds the program, manual pages, completions and licenses, and runs with glibc 2.17."""
    top = path.name.removesuffix(".tar.gz")
    with tarfile.open(path) as packed, tempfile.TemporaryDirectory() as folder:
        names = set(packed.getnames())
        for name in ["ghtok", "README.md", "CHANGELOG.md", *project.LICENSES, "man/man1/ghtok.1", "man/man1/ghtok-get.1"]:
            assert f"{top}/{name}" in names, f"{path.name} lacks {name}"
        for name in ["ghtok.bash", "_ghtok", "ghtok.fish", "_ghtok.ps1", "ghtok.elv"]:
            assert f"{top}/completions/{name}" in names, f"{path.name} lacks {name}"
        packed.extract(f"{top}/ghtok", folder)
        glibc = newest_glibc(f"{folder}/{top}/ghtok")
        assert glibc <= (2, 17), f"{path.name} needs glibc {glibc}"
        size = pathlib.Path(f"{folder}/{top}/ghtok").stat().st_size
    print(f"{path.name}: {len(names)} files, program {size:,} bytes, glibc {glibc[0]}.{glibc[1]}")


def check_wheel(path):
    """A wheel is for manylinux2014 and holds the program and the licenses."""
    assert "manylinux2014" in path.name or "manylinux_2_17" in path.name, path.name
    names = zipfile.ZipFile(path).namelist()
    assert any(name.endswith(".data/scripts/ghtok") for name in names), names
    for license_ in project.LICENSES:
        assert any(name.endswith(f"/{license_}") for name in names), f"{path.name} lacks {license_}: {names}"
    print(f"{path.name}: {len(names)} files")


def check_sums(dist):
    """SHA256SUMS names each file, rightly."""
    names = {line.split()[1] for line in (dist / "SHA256SUMS").read_text().splitlines()}
    there = {path.name for path in dist.iterdir() if path.is_file()} - {"SHA256SUMS"}
    assert names == there, names ^ there
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=dist, check=True)


# What the documentation of each package manager asks for.
SCOOP = ["version", "description", "homepage", "license", "architecture", "bin", "checkver", "autoupdate"]
WINGET = {
    "": ["PackageIdentifier", "PackageVersion", "DefaultLocale", "ManifestType", "ManifestVersion"],
    ".installer": ["PackageIdentifier", "PackageVersion", "InstallerType", "NestedInstallerType"]
    + ["NestedInstallerFiles", "Installers", "ManifestType", "ManifestVersion"],
    ".locale.en-US": ["PackageIdentifier", "PackageVersion", "PackageLocale", "Publisher", "PackageName"]
    + ["License", "ShortDescription", "ManifestType", "ManifestVersion"],
}


def check_manifests():
    """The manifests of a release with all archives have their fields; one without a repository has none."""
    sums = {project.archive(target): f"{number:064x}" for number, target in enumerate(project.TARGETS, 1)}
    text = "".join(f"{digest}  {name}\n" for name, digest in sums.items())
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "SHA256SUMS").write_text(text)
        manifests.main(folder, None)
        assert not (pathlib.Path(folder) / "manifests").exists(), "rendered without a repository"
    release = manifests.Release("https://github.com/octo-org/ghtok", text)
    made = dict(manifests.rendered(release))
    assert len(made) == 5, made.keys()
    formula = made["homebrew/ghtok.rb"]
    assert formula.count("sha256 ") == 4 and all(digest in formula for name, digest in sums.items() if "windows" not in name)
    scoop = json.loads(made["scoop/ghtok.json"])
    assert all(key in scoop for key in SCOOP), scoop.keys()
    windows = sums[project.archive("x86_64-pc-windows-msvc")]
    assert scoop["architecture"]["64bit"]["hash"] == windows
    for kind, keys in WINGET.items():
        manifest = made[f"winget/octo-org.ghtok{kind}.yaml"]
        assert all(re.search(f"^{key}: ", manifest, re.M) for key in keys), manifest
    assert windows.upper() in made["winget/octo-org.ghtok.installer.yaml"]
    # A release without one archive has no manifest that names it.
    fewer = manifests.Release("https://github.com/octo-org/ghtok", text.splitlines()[0])
    assert not dict(manifests.rendered(fewer))
    print("manifests: all fields")


def check_crate():
    """The crate has no tests, is small, and nothing is to be said against it."""
    names = output("cargo", "package", "--list", "--allow-dirty").split()
    assert not [name for name in names if name.startswith(("tests/", ".github/", ".ci/"))], names
    command = ["cargo", "publish", "--dry-run", "--no-verify", "--locked", "--allow-dirty"]
    run = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    said = [line for line in run.stderr.splitlines() if line.startswith("warning") and not re.search("dry run|not included in the published package", line)]
    assert not said, said
    packed = re.search(r"Packaged .*\(([0-9.]+)KiB compressed\)", run.stderr)
    assert packed and float(packed[1]) * 1024 < 1_000_000, run.stderr
    print(f"the crate: {len(names)} files, {packed[1]} KiB")


def main(dist):
    """Checks everything."""
    dist = pathlib.Path(dist)
    archives = [(dist / project.archive(target), target) for target in project.TARGETS]
    built = [pair for pair in archives if pair[0].exists()]
    assert built, "no archive"
    for path, target in built:
        check_archive(path, target)
    for path in dist.glob("*.whl"):
        check_wheel(path)
    check_sums(dist)
    check_manifests()
    check_crate()


if __name__ == "__main__":
    main(sys.argv[1])
