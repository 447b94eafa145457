"""Recordings that the tests of the drawings share."""

from __future__ import annotations

from rtlab.link.recording import Connection, Direction, Ending, Recording, Segment

MS = 1_000_000
Piece = tuple[Direction, float, float | None, bytes | Ending]
"""Direction, milliseconds at which the link had it and gave it on, and bytes or how it ended."""

UPGRADE = (
    b"GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Version: 13\r\n\r\n"
)
SWITCHED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
HELLO = bytes.fromhex("818537fa213d7f9f4d5158")
ASK = b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n"
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def recorded(*pieces: Piece, connection: int = 1, recording: Recording | None = None) -> Recording:
    """Return a recording of one connection, or add one to a recording."""
    recording = recording or Recording(epoch_ns=0)
    address = ("127.0.0.1", 50_000 + connection)
    recording.add_connection(Connection(connection, address, ("127.0.0.1", 80), 0))
    offsets = {"up": 0, "down": 0}
    for direction, received, forwarded, what in pieces:
        data, end = (what, None) if isinstance(what, bytes) else (b"", what)
        at = round(received * MS)
        segment = Segment(connection, direction, offsets[direction], at, None, data, end)
        offsets[direction] += len(data)
        recording.add(segment)
        if forwarded is not None:
            recording.forwarded(segment, round(forwarded * MS))
    return recording


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def message(seq: int) -> bytes:
    return b'{"seq":%d,"published_ns":5,"data":1}' % seq


def handshake() -> Recording:
    """The lesson's handshake, a greeting and a goodbye, at times that never change."""
    return recorded(
        ("up", 0, 30, UPGRADE),
        ("down", 31, 61, SWITCHED),
        ("up", 62, 92, HELLO),
        ("down", 93, 123, bytes([0x81, len(message(7))]) + message(7)),
        ("up", 124, 154, bytes.fromhex("8882 00000000 03e8")),
        ("down", 155, 185, bytes.fromhex("8802 03e8")),
        ("down", 155.5, 185.5, "eof"),
        ("up", 186, 216, "eof"),
    )
