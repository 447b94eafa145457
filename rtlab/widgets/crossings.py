"""When bytes crossed a link, read from its recording as it grows: times only, nothing is parsed."""

from __future__ import annotations

from collections import deque
from enum import IntEnum
from typing import NamedTuple

from rtlab.link.recording import Recording
from rtlab.link.segment import Segment

_NOTHING_NEW = (b"HTTP/1.1 204 ", b"HTTP/1.1 304 ")


class Kind(IntEnum):
    """What a crossing is, as the page knows it by number."""

    UP = 0
    """Bytes on their way to the server: a request, or a WebSocket frame."""
    NOTHING = 1
    """An answer that says that there is nothing new."""
    LOST_UP = 2
    """Bytes on their way to the server that a cut took."""
    LOST_DOWN = 3
    """Bytes on their way to the client that a cut took."""
    CUT = 4
    """The connection itself, when it was cut or reset."""


class Crossing(NamedTuple):
    """The way of some bytes across a link.

    Attributes:
        kind: what they are.
        began_ns: when the link had them.
        ended_ns: when it gave them on, or was cut.
    """

    kind: Kind
    began_ns: int
    ended_ns: int


class Crossings:
    """Follows a recording from now on. Ask it in the lab's thread only.

    Args:
        recording: of the link.
    """

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._seen = recording.added  # segments
        self._under_way: list[Segment] = []
        self._forwarded: deque[tuple[int, int]] = deque()  # of segments to the client
        self._sent_ns = 0  # when the link had the newest that is known to have crossed

    def look(self) -> list[Crossing]:
        """Return what has crossed since the last look, but for what carried messages."""
        first, fresh = self._recording.since(self._seen)
        self._seen = first + len(fresh)
        cuts = {s.connection: s.received_ns for s in fresh if s.end in ("cut", "reset")}
        found = [Crossing(Kind.CUT, at, at) for at in cuts.values()]
        waiting, crossed = [], []
        for segment in [*self._under_way, *(s for s in fresh if s.data)]:
            up = segment.direction == "up"
            if segment.forwarded_ns is not None:
                if not up:
                    crossed.append((segment.forwarded_ns, segment.received_ns))
                if up or segment.data.startswith(_NOTHING_NEW):
                    kind = Kind.UP if up else Kind.NOTHING
                    found.append(Crossing(kind, segment.received_ns, segment.forwarded_ns))
            elif segment.connection in cuts:
                kind = Kind.LOST_UP if up else Kind.LOST_DOWN
                found.append(Crossing(kind, segment.received_ns, cuts[segment.connection]))
            else:
                waiting.append(segment)
        self._under_way = waiting
        self._forwarded.extend(sorted(crossed))
        return sorted(found, key=lambda crossing: crossing.ended_ns)

    def sent(self, received_ns: int) -> int:
        """Return when the link had the bytes that a client received at a time.

        They are those that it gave on last before that. Ask for times in order, after a look.
        """
        while self._forwarded and self._forwarded[0][0] <= received_ns:
            self._sent_ns = self._forwarded.popleft()[1]
        return self._sent_ns
