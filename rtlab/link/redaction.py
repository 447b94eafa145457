"""Blots out secrets before a recording leaves memory.

Behind a Jupyter server the browser's requests carry its login: ``Cookie`` and ``Authorization``
headers reach the kernel's servers. A lab's own token travels in its URLs. What is blotted out are
the values of these headers, of the usual ones for API keys, and of parameters named ``token``,
``api_key``, ``password`` and the like; what a body says is left.

In HTTP/2 headers are compressed: there the whole value goes, the path with its token included, and
what comes after a gap cannot be read by anybody.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import accumulate

from rtlab.link.segment import Segment

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"  # RFC 9113 §3.4

_SECRET = re.compile(
    rb"(?im)"
    rb"^(?:(?:set-)?cookie|(?:proxy-)?authorization|x-(?:api-key|auth-token|xsrftoken))"
    rb"[ \t]*:[ \t]*"
    rb"([^\r\n]*(?:\r?\n[ \t]+[^\r\n]*)*)"  # with obsolete line folding, RFC 9112 §5.2
    rb"|[?&;](?:[a-z_-]*token|api[_-]?key|password|secret|signature)=([^&\s\"'#<>]+)"
)
# Where what came before is not held, what comes first may be half a cookie: the text
# up to the first line end, with its folded lines, or all of it if it is nothing but text. What
# begins with a request or status line, or with a control byte, lost no half; and no server takes a
# header line that is longer than these 8 KiB.
_REMAINDER = re.compile(
    rb"(?![A-Z]+ /\S* HTTP/1\.[01]\r\n|HTTP/1\.[01] \d{3} )"
    rb"(?:[\t\x20-\xff]{0,8192}(?:\r?\n[ \t]+[^\r\n]*)*(?=\r?\n)|[\t\x20-\x7e]{0,8192}\Z)"
)


def redacted(segments: list[Segment]) -> list[bytes]:
    """Return the data of each segment, with secrets replaced by as many ``*``.

    A secret may lie across segments, so each direction of a connection is looked at as a whole, or
    as far as nothing is missing of it. Lengths stay as they are: every offset and count in the
    recording remains true.
    """
    result = [segment.data for segment in segments]
    http2 = _http2(segments)
    for places in _unbroken(segments):
        joined = b"".join(segments[place].data for place in places)
        starts = [0, *accumulate(len(segments[place].data) for place in places)]
        begun = segments[places[0]].offset == 0
        connection = segments[places[0]].connection
        if begun and connection in http2:
            from rtlab.link.redaction_http2 import secrets

            found = [tuple(secret) for secret in secrets(joined)]
        else:
            found = [(*span, ord("*")) for span in _secrets(joined, whole=begun)]
        for start, stop, filler in found:
            first, last = bisect_right(starts, start) - 1, bisect_right(starts, stop - 1) - 1
            for index in range(first, last + 1):
                place, base = places[index], starts[index]
                data = bytearray(result[place])
                low, high = max(start - base, 0), min(stop - base, len(data))
                data[low:high] = bytes([filler]) * (high - low)
                result[place] = bytes(data)
    return result


def _http2(segments: list[Segment]) -> set[int]:
    """Return the numbers of the connections that begin with the preface of HTTP/2."""
    beginnings: dict[int, bytes] = {}
    for segment in segments:
        known = beginnings.setdefault(segment.connection, b"")
        if segment.direction == "up" and segment.offset == len(known) < len(PREFACE):
            beginnings[segment.connection] = known + segment.data
    return {number for number, data in beginnings.items() if data.startswith(PREFACE)}


def _unbroken(segments: list[Segment]) -> list[list[int]]:
    """Return the places of the segments with data, those together that follow each other."""
    runs: list[list[int]] = []
    latest: dict[tuple[int, str], tuple[list[int], int]] = {}  # a stream's run, and what it needs
    for place, segment in enumerate(segments):
        if segment.data:
            stream = segment.connection, segment.direction
            run, following = latest.get(stream, ([], -1))
            if segment.offset != following:
                run = []
                runs.append(run)
            run.append(place)
            latest[stream] = run, segment.offset + len(segment.data)
    return runs


def blotted(data: bytes) -> bytes:
    """Return one piece of data with the secrets that can be seen in it replaced by ``*``."""
    result = bytearray(data)
    for start, stop in _secrets(data, whole=True):
        result[start:stop] = b"*" * (stop - start)
    return bytes(result)


def _secrets(stream: bytes, whole: bool) -> list[tuple[int, int]]:
    found = [match.span(match.lastindex or 0) for match in _SECRET.finditer(stream)]
    if not whole:
        remainder = _REMAINDER.match(stream)
        if remainder is not None:
            found.append(remainder.span())
    return [(start, stop) for start, stop in found if stop > start]
