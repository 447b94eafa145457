"""What was said on a connection, turn by turn: requests and responses, events, frames."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import NamedTuple

from rtlab.dissect.field import Dissection, Field
from rtlab.link.recording import Recording
from rtlab.link.segment import Direction, Ending, Segment
from rtlab.render import names

ENDINGS: dict[Ending, str] = {"eof": "FIN", "reset": "RST", "cut": "cut"}
"""What the end of a direction is called."""


Stream = tuple[int, Direction]
"""One direction of a connection, by the connection's number."""


class Turn(NamedTuple):
    """One thing that one side said.

    Attributes:
        connection: the number of the connection, 1 for the first.
        direction: ``"up"`` or ``"down"``.
        start: where its first byte is in that direction of the connection.
        size: how many bytes it took, with all that carried it: an event's chunk counts as well.
        sent_ns: when the link had its first byte.
        arrived_ns: when the link gave on its last byte; ``None`` if it never did.
        field: what it is; ``None`` for the end of a direction.
        data: the buffer in which the field's positions count.
        ending: how the direction ended, if that is what this is.
    """

    connection: int
    direction: Direction
    start: int
    size: int
    sent_ns: int
    arrived_ns: int | None
    field: Field | None
    data: bytes | bytearray
    ending: Ending | None = None

    @property
    def what(self) -> str:
        """In a few words, what it is: ``"GET /events"``, ``"event 17 (stream 1)"``, ``"ping"``."""
        if self.field is None:
            return ENDINGS[self.ending or "eof"]
        return names.what(self.field, self.data, news=self.direction == "down")

    @property
    def content(self) -> bytes:
        """What the application gets of it: a body, the data of an event, a payload."""
        return b"" if self.field is None else names.content(self.field, self.data)

    @property
    def carried(self) -> list[int]:
        """The sequence numbers of the feed's messages that it carries from the server."""
        if self.direction == "up" or self.field is None:
            return []
        return names.carried(self.field, self.data)


def turns(recording: Recording, since: Mapping[Stream, int] | None = None) -> list[Turn]:
    """Return everything that was said, of all connections, in the order in which it was sent.

    Connections whose beginning is no longer held cannot be read: of them, only the end is there.

    Args:
        recording: what crossed a link.
        since: takes of each connection and direction only what ends after this many bytes, and
            nothing of those that it does not name.
    """
    streams: dict[Stream, list[Segment]] = defaultdict(list)
    for segment in recording.segments:
        streams[segment.connection, segment.direction].append(segment)
    found: list[Turn] = []
    for conversation in recording.dissect():
        sides: dict[Direction, Dissection] = {"up": conversation.up, "down": conversation.down}
        for direction, side in sides.items():
            stream = conversation.connection, direction
            if since is None or stream in since:
                least = 0 if since is None else since[stream]
                found += _of(stream, side, streams[stream], least)
    for (number, direction), segments in streams.items():
        for end in segments:
            if end.end is not None:
                when = end.received_ns, end.forwarded_ns
                found.append(Turn(number, direction, end.offset, 0, *when, None, b"", end.end))
    return sorted(found, key=lambda turn: turn.sent_ns)


def first_turns(recording: Recording, count: int) -> tuple[list[Turn], bool]:
    """Return the first turns without reading more of the recording than that takes.

    Args:
        recording: what crossed a link.
        count: how many are wanted.

    Returns:
        At least so many, unless there are fewer; and whether these are all.
    """
    segments = recording.segments
    most = 2 * count + 100
    while most < len(segments):
        unread = {(segment.connection, segment.direction) for segment in segments[most:]}
        found = turns(recording.copy(most))
        # What was said last in a direction of which more is to come may not be complete.
        last = {(turn.connection, turn.direction): place for place, turn in enumerate(found)}
        certain = min((last[key] for key in unread if key in last), default=len(found))
        if certain >= count:
            return found[:certain], False
        most *= 4
    return turns(recording), True


def _of(stream: Stream, side: Dissection, held: list[Segment], since: int) -> Iterator[Turn]:
    segments = [segment for segment in held if segment.data]
    offsets = [segment.offset for segment in segments]
    for field, data, start, stop in _parts(side):
        if stop < since or not segments:
            continue
        first = segments[bisect_right(offsets, start) - 1]
        last = segments[bisect_right(offsets, max(start, stop - 1)) - 1]
        when = first.received_ns, last.forwarded_ns
        yield Turn(*stream, start, stop - start, *when, field, data)


def _parts(side: Dissection) -> Iterator[tuple[Field, bytes, int, int]]:
    """Yield what is said by itself, the buffer it is in, and where it is on the wire."""
    for field in side.root.children:
        start, stop = field.start >> 3, (field.stop + 7) >> 3
        body = _event_stream(field)
        if body is None or body.buffer is None:
            yield field, side.data, start, stop
            continue
        # The head of an answer is there long before its last event.
        head = Field(field.name, field.start, body.start, field.value, field.note, field.reference)
        head.add(*(part for part in field.children if part.stop <= body.start))
        yield head, side.data, start, body.start >> 3
        wire = _Wire(body)
        for block in body.buffer.root.children:
            yield (
                block,
                body.buffer.data,
                *wire.span(block.start >> 3, (block.stop + 7) >> 3),
            )


def _event_stream(message: Field) -> Field | None:
    """Return the body of a message whose content is an event stream, if it is."""
    if message.name != "response" or message.folded:
        return None
    for part in message.children:
        if part.name == "body" and part.buffer is not None:
            blocks = part.buffer.root.children[:2]
            return part if any(block.name == "block" for block in blocks) else None
    return None


class _Wire:
    """Where on the wire the bytes of a body's content are: each in a chunk, if it is chunked."""

    def __init__(self, body: Field) -> None:
        chunks = [chunk for chunk in body.children if chunk.name == "chunk"]
        self._start = body.start >> 3
        self._spans = [(chunk.start >> 3, chunk.stop >> 3) for chunk in chunks]
        self._ends = list(accumulate(chunk.value or 0 for chunk in chunks))

    def span(self, start: int, stop: int) -> tuple[int, int]:
        """Return the bytes on the wire that carry those from ``start`` to ``stop``."""
        if not self._spans:
            return self._start + start, self._start + stop
        first = bisect_right(self._ends, start)
        last = max(first, bisect_right(self._ends, stop - 1))
        least = len(self._spans) - 1
        return self._spans[min(first, least)][0], self._spans[min(last, least)][1]
