"""Capture files, packet by packet: pcap, and pcapng with its sections and interfaces.

    magic  version  ...  link type                      pcap: a head of 24 bytes, then each packet:
    seconds  fraction  captured  size  bytes...

    type  length  body...  length                       pcapng: blocks, each with its length twice
    0A0D0D0A  a section: says which end of a number comes first
    00000001  an interface: its link type, and what its clock counts
    00000006  a packet of one of these interfaces

dpkt's readers know one section and one interface, and give times as floats, which cannot hold
nanoseconds; so the frames are taken from the file here, and dpkt reads what is in them.

References: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from rtlab.errors import RecordingError

LARGEST = 16 << 20
"""Bytes of the largest packet or block that is believed: more than any that a network carries."""

_SECTION = b"\x0a\x0d\x0d\x0a"
_PCAP = {  # magic: order of bytes, nanoseconds that a fraction of the second counts
    b"\xd4\xc3\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\xc3\xd4": (">", 1000),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
    b"\xa1\xb2\x3c\x4d": (">", 1),
}
_CONVERT = "is a capture of another kind: open it in Wireshark and save it as pcapng."
_FOREIGN = {
    b"\x1f\x8b": "is compressed: unpack it with gunzip first.",
    b"\x28\xb5\x2f\xfd": "is compressed: unpack it with zstd first.",
    b"snoop": _CONVERT,
    b"\x34\xcd\xb2\xa1": _CONVERT,  # pcap with longer heads of packets, of an old Linux
    b"\xa1\xb2\xcd\x34": _CONVERT,
}


class Frame(NamedTuple):
    """A packet as it was captured.

    Attributes:
        time_ns: when, in nanoseconds since 1970.
        link_type: how it begins (the registry of LINKTYPE values, draft-ietf-opsawg-pcaplinktype).
        data: the bytes that were captured.
        size: how many there were on the wire; more, if the capture kept only the first of each.
    """

    time_ns: int
    link_type: int
    data: bytes
    size: int


class _Interface(NamedTuple):
    link_type: int
    snaplen: int
    ticks: int  # per second
    offset: int  # seconds to add


def is_capture(head: bytes) -> bool:
    """Whether a file that begins with these bytes (four are enough) is pcap or pcapng."""
    return head[:4] == _SECTION or head[:4] in _PCAP


def foreign(head: bytes) -> str:
    """Say what to do with a file that begins so, if that is known; or nothing."""
    return next((remedy for start, remedy in _FOREIGN.items() if head.startswith(start)), "")


def frames(file: BinaryIO, name: str, notes: list[str]) -> Iterator[Frame]:
    """Yield the packets of a capture file, in its order.

    A file that is cut off, as one is that is still being written, gives what is whole.

    Args:
        file: read once, from where it stands to its end.
        name: of the file, for messages.
        notes: takes what there is to say of the file.

    Raises:
        RecordingError: it is no capture, or damaged; the message says where.
    """
    source = _Source(file, name)
    try:
        magic = source.take(4)
        if magic in _PCAP:
            yield from _pcap(source, *_PCAP[magic])
        elif magic == _SECTION:
            yield from _pcapng(source)
        else:
            raise RecordingError(f"{name} is no capture: it begins with {magic.hex(' ')}.")
    except _CutOff:
        if not source.begun:
            raise RecordingError(f"{name} is cut off within its first {source.at} bytes.") from None
        notes.append(
            f"The file is cut off: what begins at byte {source.begin:,} is incomplete, and left "
            "out."
        )


class _CutOff(Exception):
    """The file ends within a packet."""


class _Source:
    """A file, and how far it was read."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self.name = name
        self.at = 0
        self.begin = 0  # of the block that is being read
        self.begun = False  # whether there is more than a head
        self._file = file

    def block(self, count: int) -> bytes:
        """Begin a block: return its first bytes, none at the end of the file."""
        self.begin = self.at
        data = self._file.read(1)
        self.at += len(data)
        return data and data + self.take(count - 1)

    def take(self, count: int) -> bytes:
        """Return the next bytes."""
        data = self._file.read(count)
        self.at += len(data)
        if len(data) < count:
            raise _CutOff
        return data

    def damaged(self, what: str) -> RecordingError:
        return RecordingError(f"{self.name} is damaged at byte {self.begin:,}: {what}.")


# ── pcap ──


def _pcap(source: _Source, order: str, unit_ns: int) -> Iterator[Frame]:
    major, _, _, _, _, link_type = struct.unpack(order + "HHiIII", source.take(20))
    if major != 2:
        raise source.damaged(f"its version is {major}, and only 2 is known")
    source.begun = True
    link_type &= 0xFFFF  # above it lies the length of a checksum
    while head := source.block(16):
        seconds, fraction, captured, size = struct.unpack(order + "IIII", head)
        if captured > LARGEST:
            raise source.damaged(f"a packet of {captured:,} bytes")
        time_ns = seconds * 1_000_000_000 + fraction * unit_ns
        yield Frame(time_ns, link_type, source.take(captured), size)


# ── pcapng ──


def _pcapng(source: _Source) -> Iterator[Frame]:
    head = _SECTION + source.take(8)
    order = ""
    interfaces: list[_Interface] = []
    time_ns = 0  # of the last packet: a simple one (type 3) has no time of its own
    while head:
        if head[:4] == _SECTION:
            order, interfaces = _order(source, head), []
        kind, length = struct.unpack(order + "II", head[:8])
        if length < 12 or length % 4 or length > LARGEST:
            raise source.damaged(f"a block of {length:,} bytes")
        body = head[8:] + source.take(length - 12)
        if body[-4:] != head[4:8]:
            raise source.damaged("a block whose two lengths differ")
        try:
            if head[:4] == _SECTION:
                _check_version(source, *struct.unpack_from(order + "HH", body, 4))
            elif kind == 1:
                interfaces.append(_interface(order, body[:-4]))
            elif kind in (2, 3, 6):
                frame = _packet(order, kind, body[:-4], interfaces, time_ns)
                time_ns = frame.time_ns
                yield frame
        except (struct.error, IndexError) as error:
            raise source.damaged(f"a block of type {kind} that does not hold together") from error
        source.begun = True
        head = source.block(12)


def _order(source: _Source, head: bytes) -> str:
    order = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}.get(head[8:12])
    if order is None:
        raise source.damaged("a section that does not say in which order its bytes are")
    return order


def _check_version(source: _Source, major: int, minor: int) -> None:
    if major != 1:
        raise source.damaged(f"a section of version {major}.{minor}, and only 1 is known")


def _interface(order: str, body: bytes) -> _Interface:
    link_type, _, snaplen = struct.unpack_from(order + "HHI", body)
    ticks, offset, at = 1_000_000, 0, 8
    while at < len(body):
        code, length = struct.unpack_from(order + "HH", body, at)
        value = body[at + 4 : at + 4 + length]
        if code == 0:
            break
        if code == 9:  # if_tsresol: a negative power of ten, or with the top bit of two
            ticks = (2 if value[0] & 0x80 else 10) ** (value[0] & 0x7F)
        elif code == 14:  # if_tsoffset
            (offset,) = struct.unpack(order + "q", value)
        at += 4 + length + -length % 4
    return _Interface(link_type, snaplen, ticks, offset)


def _packet(
    order: str, kind: int, body: bytes, interfaces: list[_Interface], last_ns: int
) -> Frame:
    if kind == 3:  # simple: always of the first interface (pcapng §4.4)
        (size,) = struct.unpack_from(order + "I", body)
        interface = interfaces[0]
        captured = min(size, interface.snaplen or size)
        time_ns, start = last_ns, 4
    else:  # 6, and the obsolete 2, whose interface number has two bytes and a count follows it
        place, high, low, captured, size = struct.unpack_from(order + "IIIII", body)
        if kind == 2:
            (place,) = struct.unpack_from(order + "H", body)
        interface = interfaces[place]
        time_ns = ((high << 32) | low) * 1_000_000_000 // interface.ticks
        time_ns, start = time_ns + interface.offset * 1_000_000_000, 20
    if captured > len(body) - start:
        raise IndexError("more bytes than the block has")
    return Frame(time_ns, interface.link_type, body[start : start + captured], size)
