"""The wheel: the notebooks travel in it, and are found without a checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
COPY = "from rtlab import course; from pathlib import Path; print(course.copy_course(Path('here')))"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the wheel installs."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_every_notebook_is_in_it(installed: Path) -> None:
    shipped = {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert shipped == {path.name for path in (installed / "rtlab" / "_course").glob("*.ipynb")}


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


def test_nothing_but_the_package_is_in_it(installed: Path) -> None:
    assert {path.name.partition("-")[0] for path in installed.iterdir()} == {"rtlab"}
