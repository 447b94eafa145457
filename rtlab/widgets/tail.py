"""What is new in a recording, again and again, and never more than can be drawn."""

from __future__ import annotations

import time
from asyncio import Future
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

from rtlab.link.recording import Recording
from rtlab.link.segment import Segment
from rtlab.log import logger
from rtlab.render.labels import Label
from rtlab.render.live_labels import LiveLabels

HISTORY = 3000
"""Segments that a view can scroll back to."""
FIRST = 2000
"""Segments that are read at once: of those before, nothing is known."""
MOST = 30
"""Segments of each direction that are drawn for each slice of time; of more, some stand for all."""
SLICE_NS = 100_000_000
"""A slice of time."""
LONGEST = 80
"""Characters of a label: a URL may have thousands."""
SHARE = 4
"""Naming rests this many times as long as it took: it shares the processor with what it watches."""

_log = logger("widgets")


@dataclass(slots=True, eq=False)
class Row:
    """A segment that is drawn.

    Attributes:
        number: how many segments came before it, ever.
        segment: itself.
        more: how many of the same direction after it are not drawn.
        rest: how many bytes those have.
        label: what it carries; ``None`` if that is not known yet.
        lost: whether it will never arrive.
    """

    number: int
    segment: Segment
    more: int = 0
    rest: int = 0
    label: Label | None = None
    lost: bool = False


class _Names(NamedTuple):
    found: list[tuple[int, Label]]
    unread: list[int]  # connections
    took: float


Submit = Callable[[Callable[[], _Names]], "Future[_Names]"]


class Tail:
    """Reads a growing recording to its end, again and again.

    Args:
        recording: of a link.
        begin_ns: what times are counted from.
    """

    def __init__(self, recording: Recording, begin_ns: int) -> None:
        self.recording = recording
        self._begin_ns = begin_ns
        self._seen = max(0, recording.added - FIRST)
        self._left_out = 0
        self._rows: dict[int, Row] = {}  # oldest first
        self._under_way: dict[int, Row] = {}
        self._labels = LiveLabels()  # of one thread at a time
        self._unnamed: list[tuple[int | None, Segment]] = []
        self._naming: Future[_Names] | None = None
        self._rest_until = 0.0
        self._unread: list[int] = []
        self._told: dict[str, Any] = {}

    def news(self, submit: Submit | None = None) -> dict[str, Any] | None:
        """Return what is new; ``None`` if nothing is.

        Args:
            submit: has another thread name the segments; the names then come a beat later.

        Shape: ``rows`` as in ``all``; ``on``, pairs of a number and when that segment was forwarded
        (``False``: never will be); ``names``, triples of a number, words and whether it brings a
        message; and the ``counts`` if they changed.
        """
        rows = [self._as_json(row) for row in self._read()]
        arrived = [[row.number, self._on(row)] for row in self._arrived()]
        names = [[row.number, *_words(row)] for row in self._named(submit)]
        told, self._told = self._told, self.counts()
        counts = None if told == self._told else self._told
        if not (rows or arrived or names or counts):
            return None
        return {"rows": rows, "on": arrived, "names": names, "counts": counts}

    def all(self) -> dict[str, Any]:
        """Return everything there is to draw.

        Shape: ``rows``, each number, connection, whether it goes up, when the link had it and when
        it gave it on (ms; ``None``: not yet, ``False``: never), bytes, ending, ``more``, ``rest``,
        words, and whether it brings a message; and ``counts``.
        """
        rows = [self._as_json(row) for row in self._rows.values()]
        return {"rows": rows, "counts": self.counts()}

    def counts(self) -> dict[str, Any]:
        """Return the exact counts, and a note if something is left out."""
        return {
            "up": self.recording.up.received,
            "down": self.recording.down.received,
            "open": self.recording.open_connections,
            "note": self._note(),
        }

    # ── reading ──

    def _read(self) -> list[Row]:
        first, segments = self.recording.since(self._seen)
        self._left_out += first - self._seen + max(0, len(segments) - FIRST)
        self._seen = first + len(segments)
        new = [Row(number, segment) for number, segment in enumerate(segments, first)][-FIRST:]
        drawn = thinned(new)
        numbers = {row.number for row in drawn}
        self._unnamed += [(r.number if r.number in numbers else None, r.segment) for r in new]
        del self._unnamed[:-FIRST]
        self._left_out += len(new) - len(drawn)
        for row in drawn:
            self._rows[row.number] = row
            if row.segment.forwarded_ns is None:
                self._under_way[row.number] = row
        while len(self._rows) > HISTORY:
            oldest = next(iter(self._rows))
            del self._rows[oldest]
            self._under_way.pop(oldest, None)
        return drawn

    def _arrived(self) -> Iterator[Row]:
        """Yield those whose way has ended, at the client, at the server or nowhere."""
        for row in list(self._under_way.values()):
            if row.segment.forwarded_ns is None:
                connection = self.recording.connection(row.segment.connection)
                row.lost = connection is None or connection.closed_ns is not None
            if row.lost or row.segment.forwarded_ns is not None:
                del self._under_way[row.number]
                yield row

    def _named(self, submit: Submit | None) -> Iterator[Row]:
        """Yield those that have a name now, and have the others named."""
        done: list[_Names] = []
        if self._naming is not None and self._naming.done():
            done.append(self._naming.result())
            self._naming = None
        if self._naming is None and self._unnamed and time.perf_counter() >= self._rest_until:
            work, self._unnamed = partial(self._name, self._unnamed), []
            if submit is None:
                done.append(work())
            else:
                self._naming = submit(work)
        for names in done:
            self._unread = names.unread
            self._rest_until = time.perf_counter() + SHARE * names.took
            for number, label in names.found:
                row = self._rows.get(number)
                if row is not None:
                    row.label = label
                    yield row

    def _name(self, segments: list[tuple[int | None, Segment]]) -> _Names:
        begin = time.perf_counter()
        try:
            for number, segment in segments:
                self._labels.add(number, segment)
            found = self._labels.name()
        except Exception:  # whatever it was, arrows without words are better than none
            _log.exception("segments could not be named")
            self._labels, found = LiveLabels(), []
        return _Names(found, sorted(self._labels.unread), time.perf_counter() - begin)

    # ── telling ──

    def _as_json(self, row: Row) -> list[Any]:
        segment = row.segment
        return [
            row.number,
            segment.connection,
            segment.direction == "up",
            self._ms(segment.received_ns),
            self._on(row),
            len(segment.data),
            segment.end or "",
            row.more,
            row.rest,
            *_words(row),
        ]

    def _on(self, row: Row) -> float | bool | None:
        if row.lost:
            return False
        forwarded = row.segment.forwarded_ns
        return None if forwarded is None else self._ms(forwarded)

    def _ms(self, at_ns: int) -> float:
        return round((at_ns - self._begin_ns) / 1e6, 2)

    def _note(self) -> str:
        notes = []
        if self._left_out:
            notes.append(f"{self._left_out:,} segments came too fast to be drawn")
        if self._unread:
            named = ", ".join(f"#{number}" for number in self._unread[:3])
            more = ", …" if len(self._unread) > 3 else ""
            notes.append(f"of {named}{more} not all was read: only messages are named")
        return "; ".join(notes)


def thinned(rows: Sequence[Row], most: int = MOST) -> list[Row]:
    """Return at most so many rows of each direction and slice of time, and every end of a stream.

    Those returned know what is left out after them.
    """
    kept = [row for row in rows if row.segment.end is not None]
    slices: dict[tuple[str, int], list[Row]] = {}
    for row in rows:
        if row.segment.end is None:
            key = row.segment.direction, row.segment.received_ns // SLICE_NS
            slices.setdefault(key, []).append(row)
    for data in slices.values():
        step = max(1.0, len(data) / most)
        places = [round(place * step) for place in range(min(most, len(data)))]
        for place, stop in pairwise([*places, len(data)]):
            left_out = data[place + 1 : stop]
            data[place].more = len(left_out)
            data[place].rest = sum(len(row.segment.data) for row in left_out)
            kept.append(data[place])
    return sorted(kept, key=lambda row: row.number)


def _words(row: Row) -> tuple[str, bool]:
    if row.label is None:
        return "", False
    words = row.label.words
    return words if len(words) <= LONGEST else words[: LONGEST - 1] + "…", row.label.news
