"""Packs one archive: archive.py TARGET PROGRAM SHARE OUT.

The same input gives the same bytes: entries are sorted and carry the time of SOURCE_DATE_EPOCH.
"""

import gzip
import io
import os
import pathlib
import sys
import tarfile
import time
import zipfile

import project


def entries(target, program, share):
    """Each file of the archive: its name in it, whether it can be run, and its bytes."""
    top = f"{project.NAME}-{project.VERSION}-{target}"
    files = {project.program(target): program}
    files |= {name: project.ROOT / name for name in ["README.md", *project.LICENSES]}
    files["CHANGELOG.md"] = project.ROOT / "docs/changelog.md"
    files |= {str(path.relative_to(share)): path for path in share.rglob("*") if path.is_file()}
    for name in sorted(files):
        yield f"{top}/{pathlib.PurePath(name).as_posix()}", files[name] == program, files[name].read_bytes()


def tar(out, files, epoch):
    """Writes a .tar.gz."""
    with open(out, "wb") as raw, gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=epoch) as packed:
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for name, runs, content in files:
                entry = tarfile.TarInfo(name)
                entry.size, entry.mtime, entry.mode = len(content), epoch, 0o755 if runs else 0o644
                archive.addfile(entry, io.BytesIO(content))


def zip_(out, files, epoch):
    """Writes a .zip."""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, runs, content in files:
            entry = zipfile.ZipInfo(name, time.gmtime(max(epoch, 315532800))[:6])
            entry.external_attr = (0o100755 if runs else 0o100644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)


def main(target, program, share, out):
    """Writes the archive and prints its path."""
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH", "315532800"))
    path = pathlib.Path(out) / project.archive(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    pack = zip_ if path.suffix == ".zip" else tar
    pack(path, entries(target, pathlib.Path(program), pathlib.Path(share)), epoch)
    print(path)


if __name__ == "__main__":
    main(*sys.argv[1:])
