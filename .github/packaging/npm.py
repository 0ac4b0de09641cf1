"""Makes the npm packages: npm.py OUT TARGET=PROGRAM...

`ghtok` depends on one package for each platform; npm installs the one that fits. Its install script puts
the program in the place of the launcher, so that no node process runs in between.
"""

import json
import pathlib
import shutil
import sys

import project

HERE = pathlib.Path(__file__).resolve().parent


def about(name, description):
    """The fields that all packages share."""
    fields = {"name": name, "version": project.VERSION, "description": description}
    fields |= {"license": f"({project.LICENSE})", "keywords": project.KEYWORDS}
    if project.REPOSITORY:
        fields["repository"] = {"type": "git", "url": f"git+{project.REPOSITORY}.git"}
    return fields


def write(folder, manifest, files, runs):
    """Writes one package: its manifest, the files by name, and the licenses."""
    for name in project.LICENSES:
        files[name] = project.ROOT / name
    for name, source in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, path)
        path.chmod(0o755 if name == runs else 0o644)
    (folder / "package.json").write_text(json.dumps(manifest, indent=2) + "\n")


def platform(out, target, program):
    """Writes the package of one platform, and returns its name."""
    system, processor, libc = project.TARGETS[target]
    name = f"{project.NAME}-{system}-{processor}"
    runs = f"bin/{project.program(target)}"
    manifest = about(name, f"The program of {project.NAME} for {system} {processor}")
    manifest |= {"os": [system], "cpu": [processor], "preferUnplugged": True}
    if libc:
        manifest["libc"] = [libc]
    readme = HERE / "npm/platform.md"
    write(out / name, manifest, {runs: pathlib.Path(program), "README.md": readme}, runs)
    return name


def main(out, *programs):
    """Writes the package of each platform, and the one that people install."""
    out = pathlib.Path(out)
    names = [platform(out, *one.split("=", 1)) for one in programs]
    manifest = about(project.NAME, project.DESCRIPTION)
    manifest |= {
        "bin": {project.NAME: "bin/ghtok"},
        "scripts": {"postinstall": "node install.js"},
        "engines": {"node": ">=18"},
        "optionalDependencies": {name: project.VERSION for name in names},
    }
    files = {"bin/ghtok": HERE / "npm/launcher.js", "install.js": HERE / "npm/install.js"}
    files |= {"program.js": HERE / "npm/program.js", "README.md": project.ROOT / "README.md"}
    write(out / project.NAME, manifest, files, "bin/ghtok")


if __name__ == "__main__":
    main(*sys.argv[1:])
