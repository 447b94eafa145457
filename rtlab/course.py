"""The notebooks: where they are, and how they get to where the user stands."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from rtlab.errors import UsageError

FIRST = "index.ipynb"
_MANIFEST = ".rtlab-course.json"  # file name to the digest of what was copied
_PACKAGE = Path(__file__).resolve().parent


def source() -> Path:
    """Return the folder of the notebooks: the checkout's, or the one inside the wheel.

    Raises:
        UsageError: there is none; the installation is broken.
    """
    for folder in (_PACKAGE.parent / "notebooks", _PACKAGE / "_course"):
        if (folder / FIRST).is_file():
            return folder
    raise UsageError("This installation has no notebooks: install rtlab again.")


def copy_course(target: Path) -> list[str]:
    """Bring the notebooks in a folder up to date and return what was left alone.

    A file is written if it is not there, or if it still is what an earlier call wrote. What the
    user changed is theirs.
    """
    origin = source()
    target.mkdir(parents=True, exist_ok=True)
    manifest = _read_manifest(target)
    kept = []
    for file in sorted(path for path in origin.rglob("*") if path.is_file()):
        name = file.relative_to(origin).as_posix()
        if any(part.startswith((".", "__")) for part in Path(name).parts):
            continue
        copy = target / name
        new = _digest(file)
        if copy.exists():
            present = _digest(copy)
            if present not in (new, manifest.get(name)):
                kept.append(name)
                continue
        if not copy.exists() or present != new:
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
        manifest[name] = new
    (target / _MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    return kept


def open_course(directory: str | None, arguments: Sequence[str]) -> int:
    """Open JupyterLab on the course and return its exit status.

    Args:
        directory: where the notebooks are to be; ``None`` takes the checkout's own, or else
            ``rtlab-course`` in the current directory.
        arguments: for JupyterLab.

    Raises:
        UsageError: the folder cannot be written.
    """
    if directory is None and source().parent == _PACKAGE.parent:
        folder = source()
    else:
        folder = Path(directory or "rtlab-course").resolve()
        try:
            kept = copy_course(folder)
        except OSError as error:
            raise UsageError(
                f"The notebooks cannot be put into {folder} ({error}). Name another folder with "
                "--directory."
            ) from error
        print(f"The course is in {folder}")
        for name in kept:
            print(f"  {name}: left as you have it")
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        str(folder / FIRST),
        f"--ServerApp.root_dir={folder}",
        # The course fetches nothing from outside, and JupyterLab need not either.
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        *arguments,
    ]
    sys.stdout.flush()
    if os.name == "posix":
        os.execv(sys.executable, command)  # signals reach JupyterLab itself
    return subprocess.call(command)


def _read_manifest(target: Path) -> dict[str, str]:
    try:
        manifest = json.loads((target / _MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return manifest if isinstance(manifest, dict) else {}


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
