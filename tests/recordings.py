"""Recordings whose every byte and time is written down: what a drawing of them shows is fixed."""

from __future__ import annotations

from rtlab import examples
from rtlab.link.recording import Recording
from rtlab.link.segment import Connection, Direction, Ending, Segment

MS = 1_000_000
Piece = tuple[Direction, float, float | None, bytes | Ending]
"""Direction; when the link had it and when it gave it on, in ms (``None``: never); bytes or end."""

ASK = b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n"
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def recorded(*pieces: Piece, number: int = 1, into: Recording | None = None) -> Recording:
    """Return a recording of one connection, opened at 0 ms; ``into`` adds one to another."""
    recording = Recording(epoch_ns=0) if into is None else into
    connection = Connection(number, ("127.0.0.1", 50_000 + number), ("127.0.0.1", 8000), 0)
    recording.add_connection(connection)
    offsets = {"up": 0, "down": 0}
    for direction, received, forwarded, what in pieces:
        data, end = (what, None) if isinstance(what, bytes) else (b"", what)
        at = round(received * MS)
        segment = Segment(number, direction, offsets[direction], at, None, data, end)
        offsets[direction] += len(data)
        recording.add(segment)
        if forwarded is not None:
            recording.forwarded(segment, round(forwarded * MS))
    return recording


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def message(seq: int) -> bytes:
    return b'{"seq":%d,"published_ns":5,"data":1}' % seq


def lesson(latency: float = 80.0) -> Recording:
    """The lesson's handshake, “Hello”, a message, a goodbye, over a link with a latency in ms."""
    way = latency + 1  # and a moment to think
    frame = bytes([0x81, len(message(7))]) + message(7)
    goodbye = bytes.fromhex("8882 37fa213d 3412"), bytes.fromhex("8802 03e8")
    pieces: list[tuple[Direction, bytes | Ending]] = [
        ("up", examples.LESSON_REQUEST),
        ("down", examples.LESSON_RESPONSE),
        ("up", examples.MASKED_HELLO),
        ("down", frame),
        ("up", goodbye[0]),
        ("down", goodbye[1]),
        ("up", "eof"),
        ("down", "eof"),
    ]
    return recorded(
        *(
            (direction, place * way, place * way + latency, what)
            for place, (direction, what) in enumerate(pieces)
        )
    )
