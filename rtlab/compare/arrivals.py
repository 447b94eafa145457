"""When messages crossed a link, read from its recording.

A client measures its own library as well: asking with httpx takes longer than reading a WebSocket
frame. The link stands before all of them, and every transport carries a message as the same text.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping
from itertools import accumulate
from typing import NamedTuple

from rtlab.feed import Message
from rtlab.link.recording import Recording
from rtlab.link.segment import Segment

HEAD = re.compile(rb'\{"seq":(\d{1,18}),"published_ns":')
"""How a message begins on the wire, in every transport."""


class Arrival(NamedTuple):
    """The way of one message across a link, on one connection.

    Attributes:
        connection: its number in the recording.
        seq: the message's.
        published_ns: when it was published.
        received_ns: when the link had its last byte from the server.
        forwarded_ns: when the link gave that byte on to the client.
    """

    connection: int
    seq: int
    published_ns: int
    received_ns: int
    forwarded_ns: int


def arrivals(recording: Recording, messages: Mapping[int, Message]) -> list[Arrival]:
    """Return the messages that crossed a link to a client, oldest first.

    Compressed ones cannot be recognised, and neither can those that HTTP/2 has cut into several
    frames, or that the recording holds no more.

    Args:
        recording: of one transport's link.
        messages: sequence number to message, as published.
    """
    streams: dict[int, list[Segment]] = {}
    for segment in recording.segments:
        if segment.direction == "down" and segment.data:
            streams.setdefault(segment.connection, []).append(segment)
    found = []
    for connection, segments in streams.items():
        ends = list(accumulate(len(segment.data) for segment in segments))
        joined = b"".join(segment.data for segment in segments)
        for match in HEAD.finditer(joined):
            message = messages.get(int(match[1]))
            if message is None:
                continue
            text = message.json.encode()
            stop = match.start() + len(text)
            if joined[match.start() : stop] != text:
                continue
            last = segments[bisect_left(ends, stop)]
            if last.forwarded_ns is not None:
                found.append(
                    Arrival(
                        connection,
                        message.seq,
                        message.published_ns,
                        last.received_ns,
                        last.forwarded_ns,
                    )
                )
    return sorted(found, key=lambda arrival: arrival.forwarded_ns)
