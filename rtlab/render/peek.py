"""A few words on what a segment carries, for the label of an arrow."""

from __future__ import annotations

import re

from rtlab.compare.arrivals import HEAD
from rtlab.link.recording import Segment
from rtlab.link.redaction import blotted

_REQUEST = re.compile(rb"([A-Z]{3,7} [^ \r\n]{1,200}) HTTP/1\.[01]\r\n")
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3} [^\r\n]{0,40})")
_COMMENT = re.compile(rb"(?:^|\n): ?([^\r\n]{1,40})")
_CONTROL = {0x88: "Close", 0x89: "Ping", 0x8A: "Pong"}


def peek(segment: Segment) -> str:
    """Return a label such as ``"200 OK, message 3"``; what it does not know, it does not name."""
    if segment.end is not None:
        return {"eof": "FIN", "reset": "RST", "cut": "cut"}[segment.end]
    if not segment.data:
        return "not captured"
    data = segment.data
    words = []
    for pattern in (_REQUEST, _STATUS):
        if match := pattern.match(data):
            words.append(blotted(match[1]).decode("ascii", "replace").removesuffix(" "))
    if numbers := carried(segment):
        first, last = numbers[0], numbers[-1]
        words.append(f"message {first}" if len(numbers) == 1 else f"messages {first}–{last}")
    elif not words and data and data[0] in _CONTROL:
        words.append(_CONTROL[data[0]])
    elif match := _COMMENT.search(data):
        words.append(match[1].decode("utf-8", "replace"))
    # Control characters would end a drawing (XML 1.0 §2.2), and take over a terminal.
    return "".join(c if c.isprintable() else "·" for c in ", ".join(words))


def carried(segment: Segment) -> list[int]:
    """Return the sequence numbers of the messages that begin in a segment from the server."""
    if segment.direction == "up":
        return []
    return [int(number) for number in HEAD.findall(segment.data)]
