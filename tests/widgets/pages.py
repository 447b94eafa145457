"""Stands in for the page of a live view: hears what it is sent, and asks."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from rtlab.widgets.base import LiveView

GUARD = 20.0  # seconds after which something hangs; no assertion on speed


class Page:
    """The page of one view.

    Attributes:
        heard: what the view has sent, oldest first.
    """

    def __init__(self, view: LiveView) -> None:
        self.heard: list[dict[str, Any]] = []
        self._view = view
        view.send = self._hear  # type: ignore[method-assign]

    def _hear(self, content: Any, buffers: Any = None) -> None:
        self.heard.append(content)

    def ask(self, **wish: Any) -> None:
        """Send what a page sends."""
        self._view._hear(self._view, {"view": "page", **wish}, [])

    def open(self) -> dict[str, Any]:
        """Appear, and return the snapshot."""
        self.ask(kind="ready")
        self.until(lambda: any(content["kind"] == "snapshot" for content in self.heard))
        return next(content for content in self.heard if content["kind"] == "snapshot")

    def until(self, condition: Callable[[], object]) -> None:
        """Return when a condition holds."""
        end = time.monotonic() + GUARD
        while not condition():
            assert time.monotonic() < end, self.heard[-3:]
            time.sleep(0.005)
