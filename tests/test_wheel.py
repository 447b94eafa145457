"""The wheel: the notebooks travel in it, and are found without a checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
COPY = "from rtlab import course; from pathlib import Path; print(course.copy_course(Path('here')))"

WORK = (
    ".rtlab-progress.json",
    ".ipynb_checkpoints/01_polling-checkpoint.ipynb",
    "exercises/gradebook.db",
    "exercises/release/polling/polling.ipynb",
    "exercises/submitted/somebody/polling/polling.ipynb",
)
"""What lies about in a checkout, below its notebooks, and is nobody else's business."""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the wheel installs, built where somebody has worked."""
    folder = tmp_path_factory.mktemp("wheel")
    checkout = folder / "checkout"
    for name in ("rtlab", "notebooks"):
        shutil.copytree(ROOT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(ROOT / name, checkout)
    for name in WORK:
        (checkout / "notebooks" / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / "notebooks" / name).write_text("mine")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=checkout, check=True, capture_output=True)
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_every_notebook_is_in_it(installed: Path) -> None:
    shipped = {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert shipped == {path.name for path in (installed / "rtlab" / "_course").glob("*.ipynb")}


def test_the_graded_sets_are_in_it_for_teachers(installed: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "rtlab", "classroom", "here"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "nbgrader generate_assignment polling" in done.stdout
    ours = ROOT / "notebooks" / "exercises"
    shipped = {path.relative_to(ours) for path in (ours / "source").rglob("*.ipynb")}
    shipped.add(Path("nbgrader_config.py"))
    here = tmp_path / "here"
    assert shipped == {
        path.relative_to(here)
        for path in here.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }
    for name in shipped:
        assert (here / name).read_bytes() == (ours / name).read_bytes()


def test_learners_get_no_solutions(installed: Path, tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-c", COPY],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(installed)},
        capture_output=True,
        check=True,
    )
    for path in (tmp_path / "here").rglob("*"):
        assert path.is_dir() or b"BEGIN SOLUTION" not in path.read_bytes(), path


def test_a_copy_is_put_where_the_user_stands(installed: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", COPY],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
    notebook = "00_start_here.ipynb"
    assert (tmp_path / "here" / notebook).read_bytes() == (
        ROOT / "notebooks" / notebook
    ).read_bytes()


def test_nothing_of_who_built_it_is_in_it(installed: Path) -> None:
    course = installed / "rtlab" / "_course"
    assert [name for name in WORK if (course / name).exists()] == []


def test_nothing_but_the_package_is_in_it(installed: Path) -> None:
    assert {path.name.partition("-")[0] for path in installed.iterdir()} == {"rtlab"}
