"""A notebook of the course in Notebook 7: another page around the same kernel and views."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.jupyterlab import Browser, JupyterLab

COURSE = Path(__file__).parents[2] / "notebooks"
NOTEBOOK = "00_start_here.ipynb"


@pytest.mark.timeout(300)
def test_four_lanes_run_there_as_well(chrome: Browser, hub: JupyterLab, name: str) -> None:
    shutil.copy(COURSE / NOTEBOOK, hub.folder / f"{name}.ipynb")
    page = chrome.page
    page.goto(f"{hub.url}notebooks/{name}.ipynb?token={hub.token}")
    while not any(_connected(session) for session in hub.ask("GET", "sessions")):
        page.wait_for_timeout(200)
    chrome.errors.clear()  # Notebook 7.6 has one of its own when it loads its settings
    assert chrome.run_cells(timeout=240) == []
    lanes = page.locator(".rtlab-view", has=page.get_by_role("button", name="Cut all 4"))
    expect(lanes).to_contain_text("The lab is stopped")  # as the last cell of the notebook does
    assert page.locator("#jp-main-statusbar").count() == 0  # this is not JupyterLab


def _connected(session: dict[str, Any]) -> bool:
    kernel = session["kernel"]
    return kernel["connections"] > 0 and kernel["execution_state"] == "idle"
