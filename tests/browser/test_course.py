"""The notebooks as a reader opens them: JupyterLab in Chromium, Run All."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.jupyterlab import JupyterLab, browser, chromium, jupyterlab

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
ARTEFACTS = Path(__file__).parents[1] / "artefacts"

if chromium() is None and not os.environ.get("CI"):
    pytest.skip("there is no Chromium on this machine", allow_module_level=True)


@pytest.fixture(scope="module", params=["/", "/user/jane/"], ids=["plain", "hub"])
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[JupyterLab, str]]:
    """A JupyterLab with the course, as on one's own machine and as on Binder and hubs."""
    folder = tmp_path_factory.mktemp("place")
    shutil.copytree(NOTEBOOKS, folder / "course")
    settings = folder / "settings"
    settings.mkdir()
    with jupyterlab(folder / "course", settings, request.param) as lab:
        yield lab, "plain" if request.param == "/" else "hub"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", sorted(path.name for path in NOTEBOOKS.glob("*.ipynb")))
def test_a_notebook_runs_from_top_to_end(name: str, place: tuple[JupyterLab, str]) -> None:
    lab, kind = place
    with browser() as chrome:
        try:
            broken = chrome.run_all(lab.notebook(name))
        finally:
            chrome.screenshots(ARTEFACTS, f"{Path(name).stem}-{kind}")
        assert broken == []
        assert chrome.errors == []
