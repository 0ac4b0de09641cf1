"""Renders the manifests of Homebrew, Scoop and winget: manifests.py DIR [REPOSITORY].

DIR holds the release's SHA256SUMS, and gets the manifests. They name the address of the archives, so
without a repository (in Cargo.toml or as an argument) nothing is rendered. A manifest whose archives are
not in SHA256SUMS is not rendered either.
"""

import json
import pathlib
import sys

import project

WINGET = "1.10.0"


class Release:
    """The archives of one release: where they are, and their checksums."""

    def __init__(self, repository, sums):
        self.repository = repository.removesuffix("/")
        self.owner = self.repository.split("/")[-2]
        pairs = (line.split(maxsplit=1) for line in sums.splitlines() if line)
        self.sums = {name.lstrip("*"): digest for digest, name in pairs}

    def has(self, *targets):
        """Whether all these archives are in the release."""
        return all(project.archive(target) in self.sums for target in targets)

    def url(self, target):
        """The address of an archive."""
        return f"{self.repository}/releases/download/v{project.VERSION}/{project.archive(target)}"

    def sha256(self, target):
        """The checksum of an archive."""
        return self.sums[project.archive(target)]


def homebrew(release):
    """A formula for a tap: Formula/ghtok.rb."""
    def place(target):
        return f'      url "{release.url(target)}"\n      sha256 "{release.sha256(target)}"\n'

    def system(name, intel, arm):
        return (
            f"  on_{name} do\n    on_intel do\n{place(intel)}    end\n"
            f"    on_arm do\n{place(arm)}    end\n  end\n\n"
        )

    licenses = ", ".join(f'"{one}"' for one in project.LICENSE.split(" OR "))
    return (
        f'class Ghtok < Formula\n  desc "{project.DESCRIPTION}"\n  homepage "{release.repository}"\n'
        f'  version "{project.VERSION}"\n  license any_of: [{licenses}]\n\n'
        + system("macos", "x86_64-apple-darwin", "aarch64-apple-darwin")
        + system("linux", "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu")
        + '  def install\n    bin.install "ghtok"\n    man1.install Dir["man/man1/*.1"]\n'
        '    bash_completion.install "completions/ghtok.bash" => "ghtok"\n'
        '    zsh_completion.install "completions/_ghtok"\n'
        '    fish_completion.install "completions/ghtok.fish"\n'
        "    pkgshare.install Dir[\"LICENSE-*\"]\n  end\n\n"
        "  def caveats\n    <<~EOS\n      Before you uninstall ghtok, run:\n"
        "        ghtok setup remove --all\n        ghtok logout --all\n    EOS\n  end\n\n"
        '  test do\n    assert_match version.to_s, shell_output("#{bin}/ghtok --version")\n  end\nend\n'
    )


def scoop(release):
    """A manifest for a bucket: bucket/ghtok.json."""
    windows = "x86_64-pc-windows-msvc"
    top = f"{project.NAME}-{project.VERSION}-{windows}"
    newer = release.url(windows).replace(project.VERSION, "$version")
    manifest = {
        "version": project.VERSION,
        "description": project.DESCRIPTION,
        "homepage": release.repository,
        "license": project.LICENSE.replace(" OR ", "|"),
        "architecture": {
            "64bit": {"url": release.url(windows), "hash": release.sha256(windows), "extract_dir": top}
        },
        "bin": "ghtok.exe",
        "notes": ["Before you uninstall ghtok, run:", "  ghtok setup remove --all", "  ghtok logout --all"],
        "checkver": {"github": release.repository},
        "autoupdate": {
            "architecture": {
                "64bit": {"url": newer, "extract_dir": top.replace(project.VERSION, "$version")}
            }
        },
    }
    return json.dumps(manifest, indent=4) + "\n"


def yaml(kind, fields):
    """A winget manifest. JSON values are YAML values too."""
    schema = f"https://aka.ms/winget-manifest.{kind.lower()}.{WINGET}.schema.json"
    kind_name = kind[0].lower() + kind[1:]
    fields = fields | {"ManifestType": kind_name, "ManifestVersion": WINGET}
    lines = [f"{key}: {json.dumps(value)}" for key, value in fields.items()]
    return "\n".join([f"# yaml-language-server: $schema={schema}", *lines, ""])


def winget(release):
    """The three files of a winget package, by name."""
    windows = "x86_64-pc-windows-msvc"
    name = f"{release.owner}.{project.NAME}"
    package = {"PackageIdentifier": name, "PackageVersion": project.VERSION}
    inside = f"{project.NAME}-{project.VERSION}-{windows}\\ghtok.exe"
    installer = package | {
        "InstallerType": "zip",
        "NestedInstallerType": "portable",
        "NestedInstallerFiles": [{"RelativeFilePath": inside, "PortableCommandAlias": "ghtok"}],
        "Installers": [
            {
                "Architecture": "x64",
                "InstallerUrl": release.url(windows),
                "InstallerSha256": release.sha256(windows).upper(),
            }
        ],
    }
    locale = package | {
        "PackageLocale": "en-US",
        "Publisher": release.owner,
        "PackageName": project.NAME,
        "PackageUrl": release.repository,
        "License": project.LICENSE,
        "ShortDescription": project.DESCRIPTION,
        "Moniker": project.NAME,
    }
    return {
        f"{name}.yaml": yaml("version", package | {"DefaultLocale": "en-US"}),
        f"{name}.installer.yaml": yaml("installer", installer),
        f"{name}.locale.en-US.yaml": yaml("defaultLocale", locale),
    }


def rendered(release):
    """Each manifest that can be rendered, by its path."""
    unix = [target for target in project.TARGETS if "windows" not in target]
    if release.has(*unix):
        yield "homebrew/ghtok.rb", homebrew(release)
    if release.has("x86_64-pc-windows-msvc"):
        yield "scoop/ghtok.json", scoop(release)
        for name, text in winget(release).items():
            yield f"winget/{name}", text


def main(folder, repository=project.REPOSITORY):
    """Writes the manifests below `folder`, and prints their paths."""
    folder = pathlib.Path(folder)
    if not repository:
        print("manifests: Cargo.toml names no repository, so none is rendered", file=sys.stderr)
        return
    release = Release(repository, (folder / "SHA256SUMS").read_text())
    for name, text in rendered(release):
        path = folder / "manifests" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        print(path)


if __name__ == "__main__":
    main(*sys.argv[1:])
