"""Pages that are not on the lab's machine, and Jupyter servers without a proxy: what is said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import HUB
from tests.browser.jupyterlab import Browser, JupyterLab, jupyterlab
from tests.browser.kernel import Kernel, kernel_of
from tests.browser.views import PATIENCE, run_cell, write_notebook

pytestmark = pytest.mark.timeout(300)

START = "import rtlab\nlab = rtlab.start(['sse', 'websocket'])"
SHOW = "view = rtlab.widgets.BrowserClient(lab, ['sse', 'websocket'], connect=True)\nview"
STRICT = "import rtlab.widgets.base as b; b.LiveView._let_in = lambda self, origin: None\n"


@contextmanager
def reading(
    chrome: Browser, jupyter: JupyterLab, name: str, *cells: str, host: str = "127.0.0.1"
) -> Iterator[tuple[Page, Kernel]]:
    notebook = write_notebook(jupyter.folder, f"{name}.ipynb", *cells)
    jupyter.start_kernel(notebook)
    url = jupyter.notebook(notebook).replace("127.0.0.1", host)
    assert chrome.run_all(url) == []
    with kernel_of(jupyter, notebook) as kernel:
        yield chrome.page, kernel


def way(page: Page, name: str) -> str:
    """What is said of a way."""
    return page.locator(".rtlab-ways label", has_text=name).inner_text()


def test_a_page_from_elsewhere_goes_through_the_proxy_and_is_let_in(
    chrome: Browser, hub: JupyterLab, name: str
) -> None:
    with reading(chrome, hub, name, START, SHOW, host=HUB) as (page, kernel):
        for state in page.locator(".state").all():
            expect(state).to_contain_text("OPEN", timeout=PATIENCE)
        expect(page.get_by_label("through Jupyter's proxy")).to_be_checked()
        expect(page.get_by_label("direct")).to_be_disabled()
        assert "another machine" in way(page, "direct")
        kernel.run("lab.publish('far away')")
        for row in page.locator("tr[data-what=message]").all():
            expect(row).to_contain_text("far away")
        expect(page.locator("tr[data-what=message]")).to_have_count(2, timeout=PATIENCE)


def test_a_page_that_is_not_let_in_is_told_how(chrome: Browser, hub: JupyterLab, name: str) -> None:
    with reading(chrome, hub, name, STRICT + START, SHOW, host=HUB) as (page, kernel):
        said = page.locator(".rtlab-said")
        expect(said).to_contain_text("No way leads", timeout=PATIENCE)
        allow = re.search(r"lab\.allow\('http://hub\.example\.org:\d+'\)", way(page, "proxy"))
        assert allow is not None, way(page, "proxy")
        kernel.run(allow[0])
        run_cell(page, 1)
        for number in range(2):
            state = page.locator(".state").nth(number)
            expect(state).to_contain_text("OPEN", timeout=PATIENCE)


def test_without_a_proxy_it_says_what_to_install(chrome: Browser, tmp_path: Path) -> None:
    folder = tmp_path / "course"
    folder.mkdir()
    options = [
        "--ServerApp.allow_remote_access=True",
        "--ServerApp.jpserver_extensions=jupyter_server_proxy=False",
    ]
    settings = tmp_path / "settings"
    settings.mkdir()
    with jupyterlab(folder, settings, "/", options) as jupyter:
        with reading(chrome, jupyter, "far", START, SHOW, host=HUB) as (page, _):
            expect(page.locator(".rtlab-said")).to_contain_text("No way leads", timeout=PATIENCE)
            assert "pip install jupyter-server-proxy" in way(page, "proxy")
            for button in page.get_by_role("button", name="Connect").all():
                expect(button).to_be_disabled()
        with reading(chrome, jupyter, "near", START, SHOW) as (page, _):
            for number in range(2):
                state = page.locator(".state").nth(number)
                expect(state).to_contain_text("OPEN", timeout=PATIENCE)
            expect(page.get_by_label("direct")).to_be_checked()
            assert "pip install jupyter-server-proxy" in way(page, "proxy")
