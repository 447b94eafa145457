"""The ladder diagram, live: client left, server right, time down, segments as they happen."""

from __future__ import annotations

import time
from asyncio import Future
from collections import deque
from collections.abc import Callable
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any, TypeVar, cast

import traitlets

from rtlab.arguments import number, one_of
from rtlab.errors import CursorOutOfRange, UsageError
from rtlab.lab import Lab
from rtlab.link.recording import Recording
from rtlab.link.relay import Link
from rtlab.log import logger
from rtlab.render.ladder import MOST, ladder
from rtlab.render.segment_view import segment_html
from rtlab.widgets.base import LiveView
from rtlab.widgets.tail import Tail

if TYPE_CHECKING:
    from rtlab.render.drawing import Drawing

USES = ("ladder_segments", "ladder_lane")
MARKS = 500
"""Messages that a view can scroll back to."""

T = TypeVar("T")

_log = logger("widgets")


class LiveLadder(LiveView, module="live_ladder", uses=USES):
    """What crosses the links of a lab, as it happens. Click on an arrow, and its bytes open.

    To look is not free: naming a segment takes some 30 µs of this very process. At hundreds of
    segments a second the slowest messages are later by some milliseconds than if nobody looked.

    Args:
        source: a lab, or a link, such as one in front of a server of yours.
        *transports: of the lab, which ones side by side; all if none is given.
        window: how many seconds are shown.

    Raises:
        UsageError: the lab has no such transport, or ``source`` is neither lab nor link.
        NotRunning: the lab or link is not started.
    """

    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    window = traitlets.Float().tag(sync=True)

    def __init__(self, source: Lab | Link, *transports: str, window: float = 10.0) -> None:
        self._recordings = _recordings(source, transports)
        number("window", window, "seconds", above=True)
        # A link has what a view needs of a lab: a thread, and a word when it stops.
        super().__init__(cast(Lab, source), names=list(self._recordings), window=float(window))
        self._feed = source.feed if isinstance(source, Lab) else None
        oldest = [segment for r in self._recordings.values() for segment in r.since(0, most=1)[1]]
        times = (segment.received_ns for segment in oldest)
        self._begin_ns = min(times, default=time.perf_counter_ns())
        self._tails = [Tail(recording, self._begin_ns) for recording in self._recordings.values()]
        self._cursor: int | None = None
        self._marks: deque[list[Any]] = deque(maxlen=MARKS)

    # ── what moves ──

    def snapshot(self) -> dict[str, Any]:
        """Return all that can be drawn."""
        lanes = [tail.all() for tail in self._tails]
        return {"now": self._now(), "lanes": lanes, "marks": list(self._marks)}

    def beat(self) -> dict[str, Any] | None:
        """Return the segments and messages since the last beat, and what became of earlier ones."""
        # The last beat of all names everything at once: there is no thread any more that could.
        submit = None if self._thread is None else self._submit
        lanes, marks = [tail.news(submit) for tail in self._tails], self._published()
        if not (marks or any(lanes)):
            return None
        return {"now": self._now(), "lanes": lanes, "marks": marks}

    def _submit(self, work: Callable[[], T]) -> Future[T]:
        assert self._thread is not None
        return self._thread.loop.run_in_executor(None, work)

    def _now(self) -> float:
        return round((time.perf_counter_ns() - self._begin_ns) / 1e6, 2)

    def _published(self) -> list[list[Any]]:
        """Return the newest messages: sequence number, and when in ms."""
        if self._feed is None:
            return []
        try:
            messages = self._feed.since(self._cursor)
        except CursorOutOfRange:
            messages = self._feed.since(None)
        if messages:
            self._cursor = messages[-1].seq
        new = [[m.seq, round((m.published_ns - self._begin_ns) / 1e6, 2)] for m in messages]
        self._marks.extend(new)
        return new[-MARKS:]

    # ── what is asked for ──

    def asked(self, content: dict[str, Any]) -> None:
        """Explain a segment. It may take a moment, so another thread does it."""
        if content.get("kind") == "open" and self._thread is not None:
            work = self._submit(partial(self._explained, content))
            work.add_done_callback(self._answer)

    def _hear(self, _: Any, content: Any, buffers: Any) -> None:
        super()._hear(_, content, buffers)
        if not self.alive and isinstance(content, dict) and content.get("kind") == "open":
            self.send(self._explained(content))  # nobody else writes any more

    def _answer(self, work: Future[dict[str, Any]]) -> None:
        if not work.cancelled():
            self.send(work.result())

    def _explained(self, content: dict[str, Any]) -> dict[str, Any]:
        answer = {key: content.get(key) for key in ("view", "lane", "number")}
        try:
            html = self._html(int(content["lane"]), int(content["number"]))
        except Exception as error:  # the view must not wait for ever
            _log.exception("a segment could not be explained")
            html = f"<p>It could not be read: {escape(str(error) or type(error).__name__)}</p>"
        return {"kind": "bytes", "for": answer.pop("view"), **answer, "html": html}

    def _html(self, lane: int, number: int) -> str:
        recording = self._tails[lane].recording
        first, found = recording.since(number, most=1)
        if not found or first != number:
            return "<p>This segment is held no more: the recording is full, or was cleared.</p>"
        return segment_html(recording, found[0])

    # ── without a script ──

    def _drawing(self) -> Drawing:
        return ladder(
            {name: _newest(recording) for name, recording in self._recordings.items()},
            last=self.window,
        )

    def as_text(self) -> str:
        """Return the newest segments as lines of text."""
        return self._drawing().text

    def as_html(self) -> str:
        """Return the newest segments as a ladder diagram that stands still."""
        return self._drawing()._repr_html_()


def _recordings(source: object, transports: tuple[str, ...]) -> dict[str, Recording]:
    if isinstance(source, Lab):
        names = transports or source.transports
        known = [one_of("transport of this lab", name, source.transports) for name in names]
        _ = source.thread
        return {name: source.recording(name) for name in known}
    if isinstance(source, Link):
        if transports:
            raise UsageError("A link has no transports to choose from: LiveLadder(link).")
        return {f"port {source.server[1]}": source.recording}
    if isinstance(source, Recording):
        raise UsageError(
            "A recording alone does not grow: give its lab or link. What it holds is shown by its "
            "conversation()."
        )
    raise UsageError(f"LiveLadder takes a lab or a link, not {type(source)}.")


def _newest(recording: Recording) -> Recording:
    """Return a recording of the newest segments alone, which is quickly read."""
    _, segments = recording.since(max(0, recording.added - MOST))
    newest = Recording()
    newest.restore([], segments, 0, recording.added - len(segments))
    return newest
