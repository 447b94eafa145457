"""The notebooks as a reader opens them: JupyterLab in Chromium, Run All."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.browser.conftest import Jupyters
from tests.browser.jupyterlab import Browser

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
ARTEFACTS = Path(__file__).parents[1] / "artefacts"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("base", ["/", "/user/jane/"], ids=["plain", "hub"])
@pytest.mark.parametrize("notebook", sorted(path.name for path in NOTEBOOKS.glob("*.ipynb")))
def test_a_notebook_runs_from_top_to_end(
    notebook: str, base: str, chrome: Browser, jupyters: Jupyters
) -> None:
    jupyter = jupyters.at(base)
    if not (jupyter.folder / "course").exists():
        shutil.copytree(NOTEBOOKS, jupyter.folder / "course")
    try:
        broken = chrome.run_all(jupyter.notebook(f"course/{notebook}"))
    finally:
        if base == "/":  # it looks the same elsewhere
            chrome.screenshots(ARTEFACTS, Path(notebook).stem)
    assert broken == []
