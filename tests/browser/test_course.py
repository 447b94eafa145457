"""The notebooks as a reader opens them: JupyterLab in Chromium, Run All."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.browser.jupyterlab import browser, chromium, jupyterlab

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
ARTEFACTS = Path(__file__).parents[1] / "artefacts"

if chromium() is None and not os.environ.get("CI"):
    pytest.skip("there is no Chromium on this machine", allow_module_level=True)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("base", ["/", "/user/jane/"])
@pytest.mark.parametrize("name", sorted(path.name for path in NOTEBOOKS.glob("*.ipynb")))
def test_a_notebook_runs_from_top_to_end(name: str, base: str, tmp_path: Path) -> None:
    folder = tmp_path / "course"
    shutil.copytree(NOTEBOOKS, folder)
    settings = tmp_path / "settings"
    settings.mkdir()
    with jupyterlab(folder, settings, base) as lab, browser() as chrome:
        try:
            broken = chrome.run_all(lab.notebook(name))
        finally:
            kind = "hub" if base != "/" else "plain"
            chrome.screenshots(ARTEFACTS, f"{Path(name).stem}-{kind}")
        assert broken == []
        assert chrome.errors == []
