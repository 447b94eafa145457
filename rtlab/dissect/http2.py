r"""HTTP/2: the frames of many streams, interleaved on one connection (RFC 9113).

    PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n     a client begins with these 24 bytes
    length type flags stream  payload    then both sides send frames, of 9 bytes and a payload

What was one message after another in HTTP/1.1 is taken to pieces here: HEADERS hold the fields,
compressed (``http2_hpack``), DATA the body, each marked with its stream. A receiver closes stream
or connection at the first violation; a dissector notes it where it lies, and goes on, because the
learner wants to see the rest.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from rtlab.dissect.cursor import Cursor, Cut, Dissector, Steps
from rtlab.dissect.field import in_bytes
from rtlab.dissect.http2_control import LEAST_FRAME_SIZE
from rtlab.dissect.http2_frames import (
    ACK,
    DATA,
    END_STREAM,
    HEADER_SIZE,
    HEADERS,
    KINDS,
    PING,
    SETTINGS,
    UNKNOWN,
    Frame,
)
from rtlab.dissect.http2_hpack import DEFAULT_TABLE_SIZE
from rtlab.dissect.http2_payloads import payload
from rtlab.dissect.http2_remarks import REMARKS
from rtlab.dissect.http2_rules import judge
from rtlab.dissect.http2_streams import Connection

__all__ = ["DEFAULT_TABLE_SIZE", "LEAST_FRAME_SIZE", "PREFACE", "REMARKS", "dissector", "grammar"]

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""What every client sends first (RFC 9113 §3.4)."""

_TOLD = 3  # bytes of it that tell it from a frame: they would be a length of 5 MB


def dissector(**options: Any) -> Dissector:
    """Return a dissector of one direction of a connection; the options are those of ``grammar``."""
    return Dissector(lambda cursor: grammar(cursor, **options), REMARKS)


def grammar(
    cursor: Cursor,
    *,
    sender: str | None = None,
    max_frame_size: int = LEAST_FRAME_SIZE,
    header_table_size: int = DEFAULT_TABLE_SIZE,
    push: bool = True,
    tunnels: Mapping[int, str] | Sequence[int] = (),
    client_streams: Collection[int] | None = None,
) -> Steps[None]:
    """Take the frames of one direction of a connection.

    Args:
        cursor: where the bytes are, from the first one of the connection.
        sender: ``"client"`` or ``"server"``; ``None``: a client if the preface is there.
        max_frame_size: the receiver's SETTINGS_MAX_FRAME_SIZE, in bytes.
        header_table_size: the receiver's SETTINGS_HEADER_TABLE_SIZE, in bytes.
        push: the receiver's SETTINGS_ENABLE_PUSH.
        tunnels: streams that carry a WebSocket, and the ``Sec-WebSocket-Extensions`` that the
            server answered. What a client asks for shows which (RFC 8441 §4), but only on its side.
        client_streams: those that the client has opened, to judge a server's; ``None``: not known.
    """
    cursor.remarks = REMARKS
    start = yield from cursor.ahead(_TOLD)
    preface = bool(start) and PREFACE.startswith(start)
    sender = sender or ("client" if preface else "server")
    if preface or (start and sender == "client"):
        yield from _preface(cursor, sender, preface)
    extensions = tunnels if isinstance(tunnels, Mapping) else dict.fromkeys(tunnels, "")
    connection = Connection(
        sender, max_frame_size, header_table_size, push, extensions, client_streams
    )
    try:
        while (yield from cursor.more()):
            yield from _frame(cursor, connection)
    except Cut:
        connection.end()
        raise
    connection.end()


def _preface(cursor: Cursor, sender: str, there: bool) -> Steps[None]:
    if not there:
        missing = cursor.take("connection preface", 0, "")
        missing.wrong("a client begins with PRI * HTTP/2.0", "RFC 9113 §3.4")
        return
    text = yield from cursor.text("connection preface", len(PREFACE))
    if text.encode("latin-1") != PREFACE:
        cursor.last.wrong("not the 24 bytes with which a client begins", "RFC 9113 §3.4")
    elif sender == "server":
        cursor.last.wrong("only a client begins with it", "RFC 9113 §3.4")


def _frame(cursor: Cursor, connection: Connection) -> Steps[None]:
    with cursor.group("frame") as field:
        head = yield from cursor.ahead(HEADER_SIZE)
        kind = KINDS.get(head[3], UNKNOWN) if len(head) > 3 else UNKNOWN
        row = yield from cursor.row(kind.row)
        frame = Frame(field, row, kind, head[4])
        field.value = _brief(frame)
        remark = REMARKS.get(f"frame: {kind.name}")
        if remark is not None:
            field.note, field.reference = remark
        judge(frame, connection)
        yield from payload(cursor, frame, connection)


def _brief(frame: Frame) -> str:
    """Say in a few words what a frame is; its payload adds to it."""
    brief = frame.kind.name
    if frame.kind is UNKNOWN:
        brief += f" 0x{frame.type:x}"
    if frame.stream:
        brief += f", stream {frame.stream}"
    if frame.type == DATA or frame.kind is UNKNOWN:
        brief += f", {in_bytes(frame.length)}"
    if frame.flags & END_STREAM and frame.type in (DATA, HEADERS):
        brief += ", END_STREAM"
    elif frame.flags & ACK and frame.type in (SETTINGS, PING):
        brief += ", ACK"
    return brief
