"""A view on a page of its own, without Jupyter: what stands between page and kernel is played here.

So whatever may happen to it can happen, in a moment: a kernel that is busy, a tab that nobody looks
at, a cell that is deleted. The page keeps a ledger of all that a view begins and must end.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from playwright.sync_api import Page

from rtlab.widgets.base import View
from tests.browser.serving import Quiet, serving

GUARD = 60.0  # seconds after which something will never happen
NOT_THE_VIEWS = {"comm", "keys", "layout", "tabbable", "tooltip"}  # traits of every widget

_SCRIPT = Path(__file__).with_name("bare.js")


class _Blank(Quiet):
    def do_GET(self) -> None:
        found = self.path == "/"
        body = (
            b"<!doctype html><html lang=en><meta charset=utf-8><title>bare</title>"
            if found
            else b""
        )
        self.answer(200 if found else 404, "text/html", body)


@contextmanager
def blank_pages(host: str = "127.0.0.1") -> Iterator[str]:
    """Serve a blank page, and 404 for anything else: there is no proxy here."""
    with serving(_Blank) as server:
        yield f"http://{host}:{server.server_port}/"


class Bare:
    """A page that shows one view.

    Attributes:
        page: where it is shown.
        busy: whether a cell blocks the kernel: what the page says waits, the lab's thread goes on.
        apart: whether nothing passes either way, as when the server in between was stopped.
    """

    def __init__(self, page: Page, view: View, home: str, *, busy: bool = False) -> None:
        self.page = page
        self.busy = busy
        self.apart = False
        self._view = view
        self._said: list[dict[str, Any]] = []  # by the page, while the kernel is busy
        self._news: SimpleQueue[list[Any]] = SimpleQueue()  # from any thread, for the page
        view.send = self._tell  # type: ignore[method-assign]
        names = [
            name
            for name in view.traits(sync=True)
            if not name.startswith("_") and name not in NOT_THE_VIEWS
        ]
        view.observe(lambda change: self._news.put(["update", change.name, change.new]), names)
        page.expose_function("say", self._hear)
        page.add_init_script(path=_SCRIPT)
        page.goto(home)
        page.locator("body").evaluate_all(
            "() => forget()"
        )  # Playwright listens as well, from now on
        traits = {name: getattr(view, name) for name in names}
        page.evaluate("given => show(...given)", [view._esm, view._css, traits])

    def _tell(self, content: Any, buffers: Any = None) -> None:
        packed = [base64.b64encode(data).decode() for data in buffers or ()]
        self._news.put(["message", content, packed])

    def _hear(self, said: dict[str, Any]) -> None:
        self._said.append(said)

    def turn(self) -> None:
        """Hand on what either side has said."""
        if self.apart:
            return
        if not self.busy:
            said, self._said = self._said, []
            for content in said:
                if content["kind"] == "trait":
                    setattr(self._view, content["name"], content["value"])
                else:
                    self._view._hear(None, content["content"], [])  # type: ignore[attr-defined]
        news = []
        while len(news) < 1000:
            try:
                news.append(self._news.get_nowait())
            except Empty:
                break
        if news:
            self.page.evaluate("news => news.forEach(one => take(...one))", news)

    def until(self, condition: Callable[[], object]) -> None:
        """Let both sides talk until a condition holds."""
        end = time.monotonic() + GUARD
        while True:
            self.turn()
            if condition():
                return
            shown = self.page.inner_text("body")
            assert time.monotonic() < end, f"it never happened: {shown[-1500:]}"
            self.page.wait_for_timeout(30)

    def says(self, *words: str) -> None:
        """Wait until the page shows these words."""
        self.until(lambda: all(word in self.page.inner_text("body") for word in words))

    def lose_kernel(self) -> None:
        """The kernel is restarted."""
        self.page.evaluate("fire('comm_live_update')")

    def ring(self) -> None:
        """Let every timer of the page fire."""
        self.page.evaluate("ring()")

    def hide(self) -> None:
        """Nobody looks: no frame is drawn, and no timer fires."""
        self.page.evaluate("look(false)")

    def look(self) -> None:
        """Somebody looks again."""
        self.page.evaluate("look(true)")

    def take_away(self) -> None:
        """Delete the view's cell."""
        self.page.evaluate("takeAway()")

    def left(self) -> dict[str, int]:
        """Return how much of what the view began has not ended, by kind; nothing if it has."""
        found: dict[str, int] = self.page.evaluate("left()")
        return found
