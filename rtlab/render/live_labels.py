"""Labels of a recording that still grows.

To name what begins in a segment, its connection must be read from the beginning, and again and
again that would take ever longer. But what HTTP has finished saying means nothing for what comes
next, and of a stream of events or frames only its head does. So this is all that is kept of a
connection: heads, and what was said last, which may go on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from operator import itemgetter

from rtlab.link.recording import Recording
from rtlab.link.segment import Direction, Segment
from rtlab.render.labels import Label, glance, label
from rtlab.render.turns import Stream, Turn, turns

LIMIT = 1 << 20
"""Bytes of one direction that are kept unfinished. Of a connection with more, what can be seen in
a segment alone is named from there on."""

Named = Iterator[tuple[int, Label]]
"""Labels, and the numbers of the segments that have them."""


class LiveLabels:
    """Names segments of a recording as they come.

    Attributes:
        unread: numbers of open connections that cannot be read: their beginning is held no more,
            or they said too much at once.
    """

    def __init__(self) -> None:
        self.unread: set[int] = set()
        self._open: dict[int, _Connection] = {}
        self._new: dict[int, _Connection] = {}  # of the open ones, those with new segments
        self._glances: list[tuple[int, Label]] = []

    def add(self, number: int | None, segment: Segment) -> None:
        """Take the next segment.

        Args:
            number: by which its label is told; ``None`` if nobody asks for it, which is cheaper.
            segment: in the order of the recording.
        """
        name = segment.connection
        ended = segment.end is not None
        if name not in self._open and (ended or segment.offset or name in self.unread):
            (self.unread.discard if ended else self.unread.add)(name)
            if number is not None:
                self._glances.append((number, glance(segment)))
            return
        connection = self._open.setdefault(name, _Connection())
        whole = connection.side(segment.direction).add(number, segment)
        if whole and connection.size <= LIMIT:
            self._new[name] = connection
        else:
            self._give_up(name)

    def name(self) -> list[tuple[int, Label]]:
        """Return the labels of what came since the last time.

        Segments that were named before come again if what follows shows what they are.
        """
        found, self._glances = self._glances, []
        new, self._new = self._new, {}
        recording = Recording()
        segments = [piece.segment for connection in new.values() for piece in connection.pieces]
        recording.restore([], segments, len(new), 0)
        said: dict[Stream, list[Turn]] = defaultdict(list)
        for turn in turns(recording):
            if turn.ending is None:
                said[turn.connection, turn.direction].append(turn)
        for name, connection in new.items():
            up, down = said[name, "up"], said[name, "down"]
            found += connection.up.name(up)
            found += connection.down.name(down)
            if connection.ended:
                del self._open[name]
                continue
            for side, (start, stop), spoken in zip(
                (connection.up, connection.down), _finished(up, down), (up, down), strict=True
            ):
                if stop > start:
                    side.drop(start, stop, spoken)
        return sorted(found, key=itemgetter(0))

    def _give_up(self, name: int) -> None:
        connection = self._open.pop(name)
        self._new.pop(name, None)
        if not connection.ended:
            self.unread.add(name)
        self._glances += [
            (piece.number, glance(piece.segment))
            for piece in connection.pieces
            if piece.number is not None and piece.label is None
        ]


@dataclass(slots=True, eq=False)
class _Piece:
    """A segment, or what is left of it, among the bytes that are kept.

    Attributes:
        number: of the segment; ``None`` if its label is not asked for.
        segment: its offset is where its bytes are now.
        settled: what begins in it and is kept no more.
        label: the one it has.
    """

    number: int | None
    segment: Segment
    settled: list[Turn] = field(default_factory=list)
    label: Label | None = None


class _Side:
    """One direction of a connection: the bytes that are kept of it."""

    def __init__(self) -> None:
        self.pieces: list[_Piece] = []
        self.size = 0
        self.ended = False
        self._next = 0  # where the next segment must begin

    def add(self, number: int | None, segment: Segment) -> bool:
        """Take the next segment; false if there is a gap before it."""
        expected, self._next = self._next, segment.offset + len(segment.data)
        self.ended = self.ended or segment.end is not None
        self.pieces.append(_Piece(number, _part(segment, self.size, segment.data)))
        self.size += len(segment.data)
        return segment.offset == expected

    def name(self, said: Sequence[Turn]) -> Named:
        """Yield the labels that are new, by what was said."""
        place = 0
        for piece in self.pieces:
            stop = piece.segment.offset + len(piece.segment.data)
            begun = []
            while place < len(said) and said[place].start < stop:
                begun.append(said[place])
                place += 1
            if piece.number is not None:
                found = label(piece.segment, piece.settled + begun)
                if found != piece.label:
                    piece.label = found
                    yield piece.number, found

    def drop(self, start: int, stop: int, said: Sequence[Turn]) -> None:
        """Forget the bytes from ``start`` to ``stop``; what begins there keeps its names."""
        data = b"".join(piece.segment.data for piece in self.pieces)
        kept = [_Piece(None, _part(self.pieces[0].segment, 0, data[:start]))] if start else []
        for piece in self.pieces:
            begin = piece.segment.offset
            end = begin + len(piece.segment.data)
            if end <= stop and piece.segment.end is None:
                continue
            if begin < stop:
                piece.settled += [turn for turn in said if begin <= turn.start < stop]
            begin = max(begin, stop)
            piece.segment = _part(piece.segment, begin - stop + start, data[begin:end])
            kept.append(piece)
        self.pieces = kept
        self.size -= stop - start


class _Connection:
    def __init__(self) -> None:
        self.up, self.down = _Side(), _Side()

    def side(self, direction: Direction) -> _Side:
        return self.up if direction == "up" else self.down

    @property
    def pieces(self) -> list[_Piece]:
        return self.up.pieces + self.down.pieces

    @property
    def size(self) -> int:
        return max(self.up.size, self.down.size)

    @property
    def ended(self) -> bool:
        return self.up.ended and self.down.ended


def _part(segment: Segment, offset: int, data: bytes) -> Segment:
    times = segment.received_ns, segment.forwarded_ns
    return Segment(segment.connection, segment.direction, offset, *times, data, segment.end)


# ── what means nothing any more for what comes next ──

Span = tuple[int, int]
_NOTHING: Span = (0, 0)


def _finished(up: Sequence[Turn], down: Sequence[Turn]) -> tuple[Span, Span]:
    """Return the bytes of both directions that need not be read again.

    What was said last in a direction is never among them, because it may go on.
    """
    requests = [turn for turn in up if _is(turn, "request")]
    answers = [turn for turn in down if _is(turn, "response") and not _interim(turn)]
    if not answers:
        return _NOTHING, _NOTHING
    last = answers[-1]
    if _status(last) == "101":
        return _finished_frames(up, down, requests[len(answers) - 1 : len(answers)], last)
    count = min(len(requests), len(answers)) - 1
    if count > 0:  # exchanges that are through
        through = answers[count - 1]
        following = next(t for t in down if t.start > through.start and _is(t, "response"))
        return (0, requests[count].start), (0, following.start)
    head = bytes(last.data[last.start : last.start + last.size])
    if b"content-length" in head.lower():  # it would not be true any more
        return _NOTHING, _NOTHING
    events = [turn for turn in down if _is(turn, "block")]
    return _NOTHING, _between(last, events)


def _finished_frames(
    up: Sequence[Turn], down: Sequence[Turn], asked: Sequence[Turn], answer: Turn
) -> tuple[Span, Span]:
    head = bytes(answer.data[answer.start : answer.start + answer.size])
    if not asked or b"permessage-deflate" in head.lower():  # each message may refer to earlier ones
        return _NOTHING, _NOTHING
    sides = ((asked[0], up), (answer, down))
    sent, received = (
        _between(message, [t for t in said if _is(t, "frame") and _begins_message(t)])
        for message, said in sides
    )
    return sent, received


def _between(head: Turn, said: Sequence[Turn]) -> Span:
    """Return the bytes from the end of a head to the last turn that begins after all others."""
    start = head.start + head.size
    ends = accumulate((turn.start + turn.size for turn in said), max)
    free = [turn.start for turn, end in zip(said[1:], ends, strict=False) if end <= turn.start]
    return (start, free[-1]) if free and free[-1] > start else _NOTHING


def _is(turn: Turn, name: str) -> bool:
    return turn.field is not None and turn.field.name == name


def _status(turn: Turn) -> str:
    return str(turn.field.value)[:3] if turn.field is not None else ""


def _interim(turn: Turn) -> bool:
    return _status(turn).startswith("1") and _status(turn) != "101"


def _begins_message(turn: Turn) -> bool:
    return turn.field is not None and str(turn.field.value).startswith(("text", "binary"))
