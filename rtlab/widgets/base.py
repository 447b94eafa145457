"""What the views share: one ES module each, and the same content without any script.

Python is the truth, JavaScript draws. A view that appears asks for everything, so a page that is
loaded again is as it was; from then on it gets what is new, ten times a second in one message.
(One message an event would be too many: Jupyter drops what exceeds 1,000 a second.)
"""

from __future__ import annotations

import contextlib
import html
import time
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from rtlab import loops
from rtlab.errors import UsageError
from rtlab.log import logger

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterable

    from rtlab.lab import Lab

BEAT = 0.1
"""Seconds between two messages with news."""
SILENCE = 150.0
"""Seconds after which a view that says nothing is held for gone, as when its page was loaded again.
It says that it is there every 20 s, or once a minute in a tab that is hidden."""

_STATIC = files("rtlab.widgets").joinpath("static")
_log = logger("widgets")


def _read(name: str, uses: Iterable[str] = ()) -> str:
    """Return a file of the views: what all of them share, what some do, and what this one adds."""
    stem, _, kind = name.partition(".")
    names = dict.fromkeys(("common", *uses, stem))
    parts = [_STATIC.joinpath(f"{part}.{kind}") for part in names]
    return "\n".join(part.read_text("utf-8") for part in parts if part.is_file())


class View(anywidget.AnyWidget):
    """A view: a widget in a notebook, a static picture everywhere else.

    A subclass names its module, ``class Predict(View, module="predict")``: the files
    ``static/predict.js`` and, if there is one, ``static/predict.css``. What it shares with some
    other views it names as well, ``uses=("clock",)``; those files come before its own.
    """

    def __init_subclass__(cls, module: str = "", uses: Iterable[str] = (), **options: Any) -> None:
        if module:
            cls._esm = _read(f"{module}.js", uses)
            cls._css = _read(f"{module}.css", uses)
        super().__init_subclass__(**options)

    def as_text(self) -> str:
        """Return what it shows, as text."""
        return f"<{type(self).__name__}>"

    def as_html(self) -> str:
        """Return what it shows, as HTML that needs no script and no kernel."""
        return f"<pre>{html.escape(self.as_text())}</pre>"

    def __repr__(self) -> str:
        return self.as_text()

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        bundle = super()._repr_mimebundle_(**options)
        if bundle is not None:
            bundle[0].update({"text/plain": self.as_text(), "text/html": self.as_html()})
        return bundle


class LiveView(View):
    """A view of a lab that goes on while the lab does.

    Everything here happens in the lab's thread: ``snapshot``, ``beat``, ``asked`` and ``watched``
    are called there, and only there is anything sent. So they never meet, and must not wait. What
    ``snapshot`` and ``beat`` return is JSON, but for ``buffers``, a list of bytes. Of a lab that
    was stopped, views that appear later get the last snapshot.

    A page that shows one may connect to the lab's servers: Jupyter has let it in, and it could run
    any code in this kernel.

    Attributes:
        alive: whether the lab still runs; what is shown stays, but nothing moves any more.

    Args:
        lab: what it is a view of.
        **traits: of the subclass.

    Raises:
        NotRunning: the lab is stopped.
    """

    alive = traitlets.Bool(True).tag(sync=True)
    _thread: loops.LoopThread | None = None  # so that one whose arguments are refused can go

    def __init__(self, lab: Lab, **traits: Any) -> None:
        thread = lab.thread  # a lab that is stopped says so before there is a widget
        super().__init__(**traits)
        self.lab = lab
        self._shown: dict[str, float] = {}  # the views that are there, and when each last said so
        self._watched = False
        self._next: asyncio.TimerHandle | None = None
        self._thread = thread
        self._remains: dict[str, Any] | None = None
        self.on_msg(self._hear)
        lab.when_stopped(self.end)

    # ── for subclasses ──

    def snapshot(self) -> dict[str, Any]:
        """Return everything that a view which appears must know."""
        return {}

    def beat(self) -> dict[str, Any] | None:
        """Return what is new since the last beat; ``None`` if nothing is."""
        return None

    def watched(self, anyone: bool) -> None:
        """Begin what is only needed while the view is shown somewhere, or end it."""

    def asked(self, content: dict[str, Any]) -> None:
        """Do what the reader asks for in the view: what its module sent with ``model.send``."""

    def ended(self) -> None:
        """Let go of what the view holds: the lab is stopped, or the view was closed."""

    # ── the two ends of the wire ──

    def _hear(self, _: Any, content: Any, buffers: Any) -> None:
        # Which thread this is depends on the kernel's version: it only hands over.
        if not isinstance(content, dict):
            return
        if self._thread is not None:
            self._thread.soon(self._handle, content)
        elif self._remains is not None and content.get("kind") == "ready":
            self._tell({"kind": "snapshot", "for": str(content.get("view")), **self._remains})

    def _handle(self, content: dict[str, Any]) -> None:
        view, kind = str(content.get("view")), content.get("kind")
        if kind == "gone":
            self._shown.pop(view, None)
            self._look()
        elif kind in ("ready", "here"):
            known = view in self._shown
            self._shown[view] = time.monotonic()
            self._look()
            if kind == "ready":
                self._let_in(str(content.get("origin")))
            if kind == "ready" or not known:
                self._tell({"kind": "snapshot", "for": view, **self.snapshot()})
            else:  # so that it knows of us as well
                self._tell({"kind": "here", "for": view})
            self._schedule()
        elif self.alive:
            self.asked(content)

    def _let_in(self, origin: str) -> None:
        allow = getattr(self.lab, "allow", None)  # a link in front of another server has no door
        with contextlib.suppress(UsageError):  # "null": a page that has no origin
            if allow is not None:
                allow(origin)

    def _look(self) -> None:
        anyone = bool(self._shown)
        if anyone != self._watched and self.alive:
            self._watched = anyone
            self.watched(anyone)

    def _tell(self, content: dict[str, Any]) -> None:
        buffers = content.pop("buffers", None)
        self.send(content, buffers)

    def _schedule(self) -> None:
        if self._next is None and self._shown and self._thread is not None:
            self._next = self._thread.loop.call_later(BEAT, self._beat)

    def _beat(self) -> None:
        self._next = None
        silent = time.monotonic() - SILENCE
        self._shown = {view: at for view, at in self._shown.items() if at > silent}
        self._look()
        self._send_news()
        self._schedule()

    def _send_news(self) -> None:
        news = self.beat()
        if news is not None:
            self._tell({"kind": "news", **news})

    def end(self) -> None:
        """Show nothing new any more; called when the lab is stopped."""
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.soon(self._end)

    def _end(self) -> None:
        if self._next is not None:
            self._next.cancel()
        self._send_news()
        self._remains = self.snapshot()
        self.ended()
        self.alive = False

    def close(self) -> None:
        """Take the view away, wherever it is shown."""
        self.end()
        super().close()
