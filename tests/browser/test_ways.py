"""Pages that are not on the lab's machine, and Jupyter servers without a proxy: what is said."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.jupyterlab import JupyterLab, browser, chromium, jupyterlab
from tests.browser.kernel import Kernel, kernel_of
from tests.browser.views import PATIENCE, run_cell, write_notebook

if chromium() is None and not os.environ.get("CI"):
    pytest.skip("there is no Chromium on this machine", allow_module_level=True)

pytestmark = pytest.mark.timeout(300)

HUB = "hub.example.org"
FLAGS = (f"--host-resolver-rules=MAP {HUB} 127.0.0.1",)
START = "import rtlab\nlab = rtlab.start(['sse', 'websocket'])"
SHOW = "view = rtlab.widgets.BrowserClient(lab, ['sse', 'websocket'], connect=True)\nview"
STRICT = "import rtlab.widgets.base as b; b.LiveView._let_in = lambda self, origin: None\n"


@contextmanager
def reading(
    jupyter: JupyterLab, folder: Path, name: str, *cells: str, host: str = "127.0.0.1"
) -> Iterator[tuple[Page, Kernel]]:
    notebook = write_notebook(folder, f"{name}.ipynb", *cells)
    with browser(flags=FLAGS) as chrome:
        chrome.page.set_default_timeout(PATIENCE)
        url = jupyter.notebook(notebook).replace("127.0.0.1", host)
        assert chrome.run_all(url) == []
        with kernel_of(jupyter, notebook) as kernel:
            yield chrome.page, kernel
        assert chrome.errors == []


def way(page: Page, name: str) -> str:
    """What is said of a way."""
    return page.locator(".rtlab-ways label", has_text=name).inner_text()


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[JupyterLab, Path]]:
    folder = tmp_path_factory.mktemp("course")
    settings = tmp_path_factory.mktemp("settings")
    options = ["--ServerApp.allow_remote_access=True"]
    with jupyterlab(folder, settings, "/user/jane/", options) as jupyter:
        yield jupyter, folder


def test_a_page_from_elsewhere_goes_through_the_proxy_and_is_let_in(
    hub: tuple[JupyterLab, Path],
) -> None:
    with reading(*hub, "hub", START, SHOW, host=HUB) as (page, kernel):
        for state in page.locator(".state").all():
            expect(state).to_contain_text("OPEN", timeout=PATIENCE)
        expect(page.get_by_label("through Jupyter's proxy")).to_be_checked()
        expect(page.get_by_label("direct")).to_be_disabled()
        assert "another machine" in way(page, "direct")
        kernel.run("lab.publish('far away')")
        for row in page.locator("tr[data-what=message]").all():
            expect(row).to_contain_text("far away")
        expect(page.locator("tr[data-what=message]")).to_have_count(2, timeout=PATIENCE)


def test_a_page_that_is_not_let_in_is_told_how(hub: tuple[JupyterLab, Path]) -> None:
    with reading(*hub, "refused", STRICT + START, SHOW, host=HUB) as (page, kernel):
        said = page.locator(".rtlab-said")
        expect(said).to_contain_text("No way leads", timeout=PATIENCE)
        allow = re.search(r"lab\.allow\('http://hub\.example\.org:\d+'\)", way(page, "proxy"))
        assert allow is not None, way(page, "proxy")
        kernel.run(allow[0])
        run_cell(page, 1)
        for number in range(2):
            state = page.locator(".state").nth(number)
            expect(state).to_contain_text("OPEN", timeout=PATIENCE)


def test_without_a_proxy_it_says_what_to_install(tmp_path: Path) -> None:
    folder = tmp_path / "course"
    folder.mkdir()
    options = [
        "--ServerApp.allow_remote_access=True",
        "--ServerApp.jpserver_extensions=jupyter_server_proxy=False",
    ]
    settings = tmp_path / "settings"
    settings.mkdir()
    with jupyterlab(folder, settings, "/", options) as jupyter:
        with reading(jupyter, folder, "far", START, SHOW, host=HUB) as (page, _):
            expect(page.locator(".rtlab-said")).to_contain_text("No way leads", timeout=PATIENCE)
            assert "pip install jupyter-server-proxy" in way(page, "proxy")
            for button in page.get_by_role("button", name="Connect").all():
                expect(button).to_be_disabled()
        with reading(jupyter, folder, "near", START, SHOW) as (page, _):
            for number in range(2):
                state = page.locator(".state").nth(number)
                expect(state).to_contain_text("OPEN", timeout=PATIENCE)
            expect(page.get_by_label("direct")).to_be_checked()
            assert "pip install jupyter-server-proxy" in way(page, "proxy")
