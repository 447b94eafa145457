"""Finds secrets in HTTP/2, where headers are compressed (RFC 7541).

A value that is blotted out must still be one that can be decoded, or no later block could be read:
a text becomes as many ``*``, and Huffman codes become those of ``*``, which has 8 bits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from rtlab.link.redaction import PREFACE

if TYPE_CHECKING:
    from rtlab.dissect.field import Field

STAR, STAR_CODE = 0x2A, 0xF9  # RFC 7541, Appendix B: '*' is 11111001

_NAMES = re.compile(r"(?:set-)?cookie|(?:proxy-)?authorization|x-(?:api-key|auth-token|xsrftoken)")
_PARAMETERS = re.compile(r"[?&;](?:[a-z_-]*token|api[_-]?key|password|secret|signature)=", re.I)


class Secret(NamedTuple):
    """Bytes to be blotted out, and with what."""

    start: int
    stop: int
    filler: int = STAR


def secrets(stream: bytes) -> Iterator[Secret]:
    """Yield what must not be seen of one direction of a connection, from its first byte on."""
    from rtlab.dissect.http2 import dissector  # loads hpack

    sender = "client" if stream.startswith(PREFACE) else "server"
    reader = dissector(sender=sender)
    reader.feed(stream)
    fragments: list[Field] = []
    for frame in reader.end().children:
        found = [part for part in frame.children if part.name == "field block fragment"]
        fragments += found
        ends = any(part.name == "END_HEADERS" and part.value for part in frame.children)
        if found and ends:
            yield from _in_block(fragments)
            fragments = []


def _in_block(fragments: list[Field]) -> Iterator[Secret]:
    """Yield the secrets of a field block that lies in these fragments."""
    wire = [place for part in fragments for place in range(part.start >> 3, part.stop >> 3)]
    blocks = [part.buffer.root for part in fragments if part.buffer is not None]
    for line in (line for block in blocks for line in block.children):
        if not isinstance(line.value, tuple) or not _is_secret(*line.value):
            continue
        for string in (part for part in line.children if part.name == "value"):
            coded = any(part.name == "Huffman" and part.value for part in string.children)
            text = string.children[-1]
            for place in range(text.start >> 3, text.stop >> 3):
                if place < len(wire):
                    at = wire[place]
                    yield Secret(at, at + 1, STAR_CODE if coded else STAR)


def _is_secret(name: str, value: str) -> bool:
    return bool(_NAMES.fullmatch(name.lower()) or _PARAMETERS.search(value))
