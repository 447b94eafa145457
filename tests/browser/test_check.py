"""A check in a real JupyterLab: a line that says how far it is, and the verdict in its place."""

from __future__ import annotations

import nbformat
import pytest
from playwright.sync_api import expect

from tests.browser.jupyterlab import Browser, JupyterLab
from tests.browser.views import PATIENCE, open_notebook, press_run, until

CELL = """import time, rtlab, rtlab.exercises.waiting
rtlab.exercises.waiting.PATIENCE = 0.0

def accept_key(key):
    time.sleep(1.5)

print("mine")
rtlab.check("accept-key", accept_key)"""


@pytest.mark.timeout(300)
def test_the_verdict_takes_the_place_of_the_line(
    chrome: Browser, plain: JupyterLab, name: str
) -> None:
    page = chrome.page
    notebook = open_notebook(page, plain, name, CELL)
    press_run(page, 0)
    outputs = page.locator(".jp-OutputArea-output")
    expect(outputs.nth(1)).to_contain_text("checking case", timeout=PATIENCE)
    expect(page.locator(".rtlab-verdict")).to_contain_text("0 of 3 cases", timeout=PATIENCE)
    expect(outputs).to_have_count(2)
    expect(outputs.nth(0)).to_have_text("mine")
    page.keyboard.press("Control+s")
    path = plain.folder / notebook
    until(page, lambda: nbformat.read(path, as_version=4).cells[0].get("outputs"))
    _, verdict = nbformat.read(path, as_version=4).cells[0].outputs
    assert "0 of 3 cases" in verdict.data["text/plain"]
