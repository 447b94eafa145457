"""What browser tests share: a JupyterLab for each base path, one Chromium, a page for each test."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.jupyterlab import (
    Browser,
    JupyterLab,
    chromium,
    chromium_context,
    jupyterlab,
    new_page,
)
from tests.browser.views import PATIENCE

HUB = "hub.example.org"
"""A name under which Chromium finds this machine: of a page from there nothing is local."""
FLAGS = (f"--host-resolver-rules=MAP {HUB} 127.0.0.1",)


class Jupyters:
    """JupyterLabs, each started when a test wants it for the first time."""

    def __init__(self, factory: pytest.TempPathFactory, running: ExitStack) -> None:
        self._factory = factory
        self._running = running
        self._at: dict[str, JupyterLab] = {}

    def at(self, base: str) -> JupyterLab:
        """Return the one with a base path."""
        if base not in self._at:
            folder, settings = (self._factory.mktemp(name) for name in ("notebooks", "settings"))
            options = ["--ServerApp.allow_remote_access=True"]
            running = jupyterlab(folder, settings, base, options)
            self._at[base] = self._running.enter_context(running)
        return self._at[base]

    def shut_down_kernels(self) -> None:
        """End what a test has left."""
        for jupyter in self._at.values():
            jupyter.shut_down_kernels()


@pytest.fixture(scope="session")
def jupyters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyters]:
    with ExitStack() as running:
        yield Jupyters(tmp_path_factory, running)


# Not for the session: while Playwright runs, no test in this process can have a loop of its own.
@pytest.fixture(scope="package")
def context() -> Iterator[BrowserContext]:
    if chromium() is None and not os.environ.get("CI"):
        pytest.skip("there is no Chromium on this machine")
    expect.set_options(timeout=PATIENCE)
    with chromium_context(FLAGS) as context:
        context.set_default_timeout(PATIENCE)
        yield context


@pytest.fixture
def chrome(context: BrowserContext, jupyters: Jupyters) -> Iterator[Browser]:
    """A page of the test's own, in which nothing may go wrong."""
    with new_page(context) as opened:
        yield opened
    jupyters.shut_down_kernels()
    assert opened.errors == []


@pytest.fixture
def plain(jupyters: Jupyters) -> JupyterLab:
    """JupyterLab as on one's own machine."""
    return jupyters.at("/")


@pytest.fixture
def hub(jupyters: Jupyters) -> JupyterLab:
    """JupyterLab with a base path, as on Binder and hubs."""
    return jupyters.at("/user/jane/")


@pytest.fixture
def name() -> str:
    """A name for the notebook of this test; no word of it is one that is looked for in the page."""
    return uuid.uuid4().hex
