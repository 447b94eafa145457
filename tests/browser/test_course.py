"""The notebooks as a reader opens them: JupyterLab in Chromium, Run All."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.browser.conftest import Jupyters
from tests.browser.jupyterlab import Browser

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
ARTEFACTS = Path(__file__).parents[1] / "artefacts"
PICTURES = os.environ.get("RTLAB_PICTURES")
"""Whether pictures of all notebooks are wanted, and not only of those that fail."""
NAMES = sorted(path.name for path in NOTEBOOKS.glob("*.ipynb"))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("base", ["/", "/user/jane/"], ids=["plain", "hub"])
@pytest.mark.parametrize("notebook", NAMES)
def test_a_notebook_runs_from_top_to_end(
    notebook: str, base: str, chrome: Browser, jupyters: Jupyters
) -> None:
    jupyter = jupyters.at(base)
    if not (jupyter.folder / "course").exists():
        shutil.copytree(NOTEBOOKS, jupyter.folder / "course")
    broken = ["it did not come to its end"]
    try:
        broken = chrome.run_all(jupyter.notebook(f"course/{notebook}"), timeout=240)
    finally:
        if broken or PICTURES:
            chrome.screenshots(ARTEFACTS, f"{Path(notebook).stem}{base.replace('/', '-')}")
    assert broken == []
