"""The notebooks and graded sets: where they are, and how they get to where the user stands."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from rtlab.errors import UsageError
from rtlab.jupyter import on_a_hub

FIRST = "index.ipynb"
SETS = "exercises"
"""The folder of the graded sets. They have solutions in them, so they are no part of the course."""
CONFIGURATION = "nbgrader_config.py"
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
    return _copy(origin, [name for name in _files(origin) if Path(name).parts[0] != SETS], target)


def copy_sets(target: Path) -> list[str]:
    """Bring the graded sets in a folder of nbgrader up to date, as ``copy_course`` does.

    Raises:
        UsageError: the folder cannot be written.
    """
    origin = source() / SETS
    # In a checkout nbgrader's own files may lie beside them.
    names = [name for name in _files(origin) if name == CONFIGURATION or name.startswith("source/")]
    try:
        return _copy(origin, names, target)
    except OSError as error:
        raise UsageError(
            f"The graded sets cannot be put into {target} ({error}). Name another folder."
        ) from error


def _files(origin: Path) -> list[str]:
    """The files below a folder, without hidden ones."""
    names = [path.relative_to(origin) for path in sorted(origin.rglob("*")) if path.is_file()]
    return [
        name.as_posix()
        for name in names
        if not any(part.startswith((".", "__")) for part in name.parts)
    ]


def _copy(origin: Path, names: list[str], target: Path) -> list[str]:
    target.mkdir(parents=True, exist_ok=True)
    manifest = _read_manifest(target)
    kept = []
    for name in names:
        file = origin / name
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


def open_course(directory: str | None, arguments: Sequence[str], copy: bool = False) -> int:
    """Open JupyterLab on the course and return its exit status.

    On a hub JupyterLab runs already, and one that was started beside it had an address of the hub's
    machine: there the course is copied, and nothing is started.

    Args:
        directory: where the notebooks are to be; ``None`` takes the checkout's own to open, and
            ``rtlab-course`` in the current directory for a copy.
        arguments: for JupyterLab.
        copy: copy the course only, wherever this is.

    Raises:
        UsageError: the folder cannot be written, or there are arguments and no JupyterLab for them.
    """
    if copy or on_a_hub():
        if arguments:
            why = "--copy starts none" if copy else "on a hub it runs already"
            raise UsageError(f"No JupyterLab for {shlex.join(arguments)}: {why}. Leave that out.")
        first = _bring(directory) / FIRST
        here = Path.cwd()
        shown = first.relative_to(here) if first.is_relative_to(here) else first
        print(f"Open {shown} in JupyterLab's file browser.")
        return 0
    ours = directory is None and source().parent == _PACKAGE.parent
    folder = source() if ours else _bring(directory)
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


def _bring(directory: str | None) -> Path:
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
    return folder


def open_classroom(directory: str) -> int:
    """Put the graded sets into a folder, say what comes next, and return the exit status.

    Raises:
        UsageError: the folder cannot be written.
    """
    folder = Path(directory).resolve()
    kept = copy_sets(folder)
    print(f"The graded sets, with their solutions, are in {folder}")
    for name in kept:
        print(f"  {name}: left as you have it")
    if find_spec("nbgrader") is None:
        print("They need nbgrader: pip install 'rtlab[classroom]'")
    quoted = shlex.quote(str(folder)) if os.name == "posix" else f'"{folder}"'
    print(f"What comes next:\n  cd {quoted}\n  nbgrader generate_assignment polling")
    return 0


def _read_manifest(target: Path) -> dict[str, str]:
    try:
        manifest = json.loads((target / _MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return manifest if isinstance(manifest, dict) else {}


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
