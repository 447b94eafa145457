"""The types of HTTP/2 frames: their flags, whose they may be, how long they must be (RFC 9113 §6).

One table says it for each type; ``Frame`` is a frame whose header was taken.
"""

from __future__ import annotations

from typing import NamedTuple

from rtlab.dissect.cursor import Row
from rtlab.dissect.field import Field
from rtlab.dissect.http2_remarks import REMARKS

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE = range(6)
PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(6, 10)
PRIORITY_UPDATE = 0x10

END_STREAM = ACK = 0x01  # what END_STREAM is for some types, ACK is for others
END_HEADERS, PADDED, PRIORITY_FLAG = 0x04, 0x08, 0x20

HEADER_SIZE = 9


class Kind(NamedTuple):
    """A type of frames.

    Attributes:
        name: what it is called.
        clause: the section that defines it.
        row: the fields of its header.
        unused: the bits of the flags that mean nothing for it.
        stream: whether it must be of a stream (true), of the connection (false), or may be either.
        least: the bytes that its payload has at least.
        exact: whether it has just as many.
    """

    name: str
    clause: str
    row: Row
    unused: int
    stream: bool | None
    least: int = 0
    exact: bool = False


def _kind(
    name: str,
    clause: str,
    stream: bool | None,
    flags: dict[int, str] | None = None,
    least: int = 0,
    exact: bool = False,
) -> Kind:
    flags = flags or {}
    return Kind(name, clause, _row(flags), 0xFF & ~sum(flags), stream, least, exact)


def _row(flags: dict[int, str]) -> Row:
    """Return a frame header: flags bit by bit, those without a meaning together."""
    layout: list[tuple[str, int]] = []
    for bit in (0x80, 0x40, 0x20, 0x10, 0x08, 0x04, 0x02, 0x01):
        name = flags.get(bit, "unused flags")
        if layout and name == layout[-1][0]:
            layout[-1] = (name, layout[-1][1] + 1)
        else:
            layout.append((name, 1))
    head, tail = (("length", 24), ("type", 8)), (("reserved", 1), ("stream identifier", 31))
    return Row(REMARKS, *head, *layout, *tail)


_END = {END_STREAM: "END_STREAM"}
_BLOCK = {END_HEADERS: "END_HEADERS"}
_PAD = {PADDED: "PADDED"}
_ACK = {ACK: "ACK"}

KINDS = {
    DATA: _kind("DATA", "RFC 9113 §6.1", True, _END | _PAD),
    HEADERS: _kind(
        "HEADERS", "RFC 9113 §6.2", True, _END | _BLOCK | _PAD | {PRIORITY_FLAG: "PRIORITY"}
    ),
    PRIORITY: _kind("PRIORITY", "RFC 9113 §6.3", True, least=5, exact=True),
    RST_STREAM: _kind("RST_STREAM", "RFC 9113 §6.4", True, least=4, exact=True),
    SETTINGS: _kind("SETTINGS", "RFC 9113 §6.5", False, _ACK),
    PUSH_PROMISE: _kind("PUSH_PROMISE", "RFC 9113 §6.6", True, _BLOCK | _PAD, least=4),
    PING: _kind("PING", "RFC 9113 §6.7", False, _ACK, least=8, exact=True),
    GOAWAY: _kind("GOAWAY", "RFC 9113 §6.8", False, least=8),
    WINDOW_UPDATE: _kind("WINDOW_UPDATE", "RFC 9113 §6.9", None, least=4, exact=True),
    CONTINUATION: _kind("CONTINUATION", "RFC 9113 §6.10", True, _BLOCK),
    PRIORITY_UPDATE: _kind("PRIORITY_UPDATE", "RFC 9218 §7.1", False, least=4),
}
"""Type to what is known of it."""

# An unknown type may give its flags a meaning, and be of whatever stream (RFC 9113 §5.5).
UNKNOWN = Kind("unknown type", "RFC 9113 §5.5", Row(
    REMARKS, ("length", 24), ("type", 8), ("flags", 8), ("reserved", 1),
    ("stream identifier", 31),
), 0, None)  # fmt: skip


class Frame:
    """A frame whose header was taken.

    Attributes:
        field: all of it.
        header: the fields of its header.
        kind: what is known of its type.
        length, type, stream: what its header says.
        flags: those that mean something for its type.
        unused: those that do not, and should not be set.
    """

    __slots__ = ("field", "flags", "header", "kind", "length", "stream", "type", "unused")

    def __init__(self, field: Field, header: list[Field], kind: Kind, flags: int) -> None:
        self.field = field
        self.header = header
        self.kind = kind
        self.length: int = header[0].value
        self.type: int = header[1].value
        self.flags = flags & ~kind.unused
        self.unused = flags & kind.unused
        self.stream: int = header[-1].value

    def wrong(self, name: str, error: str, clause: str = "") -> None:
        """Say what is wrong with a field of the header; the clause is its type's, by default."""
        field = next(field for field in self.header if field.name == name)
        field.wrong(error, clause or self.kind.clause)

    def say(self, more: str) -> None:
        """Add to what the frame is in brief."""
        self.field.value = f"{self.field.value}, {more}"
