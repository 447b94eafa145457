"""Recordings whose every byte and time is written down: what a drawing of them shows is fixed."""

from __future__ import annotations

from rtlab import examples
from rtlab.link.recording import Connection, Direction, Ending, Recording, Segment

MS = 1_000_000
Line = tuple[Direction, float, float | None, bytes, Ending | None]
"""Direction; when the link had it and when it gave it on, in ms (``None``: never); data; end."""


def recorded(*lines: Line, number: int = 1, into: Recording | None = None) -> Recording:
    """Return a recording of one connection, opened at 0 ms; ``into`` adds one to another."""
    recording = Recording(epoch_ns=0) if into is None else into
    connection = Connection(number, ("127.0.0.1", 50_000 + number), ("127.0.0.1", 8000), 0)
    recording.add_connection(connection)
    offsets = {"up": 0, "down": 0}
    for direction, received, forwarded, data, end in lines:
        segment = Segment(
            number, direction, offsets[direction], round(received * MS), None, data, end
        )
        offsets[direction] += len(data)
        recording.add(segment)
        if forwarded is not None:
            recording.forwarded(segment, round(forwarded * MS))
    return recording


def lesson(latency: float = 80.0) -> Recording:
    """The lesson's handshake and a “Hello” each way, over a link with a latency in ms."""
    answered, asked = latency + 1, 2 * latency + 2
    return recorded(
        ("up", 0, latency, examples.LESSON_REQUEST, None),
        ("down", answered, answered + latency, examples.LESSON_RESPONSE, None),
        ("up", asked, asked + latency, examples.MASKED_HELLO, None),
        ("down", asked + latency + 1, asked + 2 * latency + 1, examples.HELLO, None),
    )
