"""A page without a browser: what it would say to a view, and what it would be told."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

from rtlab.widgets.base import LiveView

GUARD = 20.0  # seconds after which something will never happen


class Page:
    """Shows a live view; several pages may show the same one.

    Attributes:
        told: every message of the view to this page or to all, oldest first, as JSON hands it on.
        buffers: what came with each of them.
    """

    def __init__(self, view: LiveView, name: str = "page") -> None:
        self.name = name
        self.told: list[dict[str, Any]] = []
        self.buffers: list[Sequence[bytes]] = []
        self._view = view
        before = view.send

        def send(content: Any, buffers: Any = None) -> None:
            if content.get("for") in (None, name):
                self._hear(json.loads(json.dumps(content)), buffers or ())
            before(content, buffers)

        view.send = send  # type: ignore[method-assign]

    def _hear(self, content: dict[str, Any], buffers: Sequence[bytes]) -> None:
        self.buffers.append(buffers)
        self.told.append(content)

    def say(self, kind: str, **content: Any) -> None:
        """Send what the view's module would."""
        self._view._hear(None, {"view": self.name, "kind": kind, **content}, [])

    def open(self, origin: str = "http://127.0.0.1:8888") -> dict[str, Any]:
        """Appear, and return the snapshot that comes back."""
        before = len(self.of("snapshot"))
        self.say("ready", origin=origin)
        self.until(lambda: len(self.of("snapshot")) > before)
        return self.of("snapshot")[-1]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Return the messages of one kind."""
        return [content for content in list(self.told) if content.get("kind") == kind]

    def until(self, condition: Callable[[], object]) -> None:
        """Return when a condition holds."""
        end = time.monotonic() + GUARD
        while not condition():
            assert time.monotonic() < end, f"it never happened; told: {self.told[-3:]}"
            time.sleep(0.005)
