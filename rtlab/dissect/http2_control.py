"""Payloads of frames about the connection: SETTINGS, PING, GOAWAY, windows and priorities."""

from __future__ import annotations

from rtlab.dissect.cursor import Cursor, Row, Steps
from rtlab.dissect.field import Field
from rtlab.dissect.http2_frames import ACK, Frame
from rtlab.dissect.http2_remarks import ERROR_CODES, REMARKS, SETTINGS
from rtlab.dissect.http2_streams import Connection

MAX_WINDOW = 2**31 - 1
LEAST_FRAME_SIZE, MOST_FRAME_SIZE = 2**14, 2**24 - 1

_SETTING = Row(REMARKS, ("identifier", 16), ("value", 32))
_GOAWAY = Row(REMARKS, ("reserved", 1), ("last stream", 31), ("error code", 32))
_WINDOW = Row(REMARKS, ("reserved", 1), ("window size increment", 31))
_PRIORITIZED = Row(REMARKS, ("reserved", 1), ("prioritized stream", 31))


def judge_reserved(row: list[Field]) -> None:
    """Judge the reserved bit with which a row begins."""
    if row[0].value:
        row[0].wrong("must be sent as 0", "RFC 9113 §4.1")


def explain_error(frame: Frame, code: Field) -> None:
    """Say what an error code means, and name it in the frame."""
    name, meaning = ERROR_CODES.get(code.value, (f"error 0x{code.value:x}", ""))
    frame.say(name)
    if meaning:
        code.note = meaning


def settings(cursor: Cursor, frame: Frame, connection: Connection) -> Steps[None]:
    """Take settings, one after another."""
    if frame.flags & ACK and frame.length:
        frame.wrong("length", "an acknowledgment is empty")
    elif frame.length % 6:
        frame.wrong("length", "each setting takes 6 bytes")
    for _ in range(frame.length // 6):
        with cursor.group("setting") as group:
            identifier, value = yield from cursor.row(_SETTING)
            unknown = (f"unknown setting 0x{identifier.value:x}", group.note)
            name, group.note = SETTINGS.get(identifier.value, unknown)
            group.value = f"{name} = {value.value}"
            _judge_setting(identifier.value, value, connection)
            connection.settings[identifier.value] = value.value
    if frame.length % 6:
        yield from cursor.raw("payload", frame.length % 6)


def _judge_setting(identifier: int, field: Field, connection: Connection) -> None:
    value, before = field.value, connection.settings.get(identifier)
    match identifier:
        case 2 if value > 1:
            field.wrong("must be 0 or 1", "RFC 9113 §6.5.2")
        case 2 if value and connection.sender == "server":
            field.wrong("a server may only say 0: a client never pushes", "RFC 9113 §6.5.2")
        case 4 if value > MAX_WINDOW:
            field.wrong(f"a window has at most {MAX_WINDOW:,} bytes", "RFC 9113 §6.5.2")
        case 5 if not LEAST_FRAME_SIZE <= value <= MOST_FRAME_SIZE:
            error = f"must be from {LEAST_FRAME_SIZE:,} to {MOST_FRAME_SIZE:,} bytes"
            field.wrong(error, "RFC 9113 §6.5.2")
        case 8 if value > 1:
            field.wrong("must be 0 or 1", "RFC 8441 §3")
        case 8 if before == 1 and not value:
            field.wrong("once allowed, it stays allowed", "RFC 8441 §3")
        case 9 if value > 1:
            field.wrong("must be 0 or 1", "RFC 9218 §2.1")
        case 9 if before not in (None, value):
            field.wrong("the first SETTINGS decide it for good", "RFC 9218 §2.1")


def ping(cursor: Cursor, frame: Frame, connection: Connection) -> Steps[None]:
    """Take what the answer repeats."""
    yield from cursor.raw("opaque data", 8)


def goaway(cursor: Cursor, frame: Frame, connection: Connection) -> Steps[None]:
    """Take the last stream, and why."""
    row = yield from cursor.row(_GOAWAY)
    judge_reserved(row)
    _, last, code = row
    frame.say(f"last stream {last.value}")
    explain_error(frame, code)
    before = connection.last_stream
    if before is not None and last.value > before:
        last.wrong(f"it only goes down, and {before} was there before", "RFC 9113 §6.8")
    connection.last_stream = last.value
    if frame.length > 8:
        yield from cursor.raw("debug data", frame.length - 8)


def window_update(cursor: Cursor, frame: Frame, connection: Connection) -> Steps[None]:
    """Take an increment."""
    row = yield from cursor.row(_WINDOW)
    judge_reserved(row)
    frame.say(f"+{row[1].value:,}")
    if not row[1].value:
        row[1].wrong("must be at least 1: this opens nothing", "RFC 9113 §6.9")


def priority_update(cursor: Cursor, frame: Frame, connection: Connection) -> Steps[None]:
    """Take which stream it is for, and its priority."""
    row = yield from cursor.row(_PRIORITIZED)
    judge_reserved(row)
    frame.say(f"for {row[1].value}")
    if not row[1].value:
        row[1].wrong("must be a stream, not the connection", "RFC 9218 §7.1")
    if connection.sender == "server":
        frame.wrong("type", "only a client sends it", "RFC 9218 §7.1")
    if frame.length > 4:
        yield from cursor.text("priority", frame.length - 4)
