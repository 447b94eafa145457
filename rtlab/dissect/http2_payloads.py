"""The payloads of HTTP/2 frames, type by type (RFC 9113 §6, RFC 9218 §7.1)."""

from __future__ import annotations

from collections.abc import Callable

from rtlab.dissect.cursor import Cursor, Cut, Row, Steps
from rtlab.dissect.field import Field, in_bytes
from rtlab.dissect.http2_control import (
    explain_error,
    goaway,
    judge_reserved,
    ping,
    priority_update,
    settings,
    window_update,
)
from rtlab.dissect.http2_frames import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    GOAWAY,
    HEADERS,
    PADDED,
    PING,
    PRIORITY,
    PRIORITY_FLAG,
    PRIORITY_UPDATE,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    Frame,
)
from rtlab.dissect.http2_remarks import REMARKS
from rtlab.dissect.http2_streams import Connection

_PRIORITY = Row(REMARKS, ("exclusive", 1), ("stream dependency", 31), ("weight", 8))
_PROMISED = Row(REMARKS, ("reserved", 1), ("promised stream", 31))


def payload(cursor: Cursor, frame: Frame, connection: Connection) -> Steps[None]:
    """Take the payload of a frame whose header is taken."""
    take = _BY_TYPE.get(frame.type)
    if take is None:
        yield from _rest(cursor, frame.length)
    elif _judge_length(frame):
        yield from take(cursor, frame, connection)
    else:
        yield from _rest(cursor, frame.length)
        _spoil(frame, connection)


def _judge_length(frame: Frame) -> bool:
    """Return whether a payload is long enough for what must be in it, and no longer."""
    least = frame.kind.least
    if frame.kind.exact:
        if frame.length != least:
            frame.wrong("length", f"{frame.kind.name} has {least} bytes, always")
            return False
        return True
    least += bool(frame.flags & PADDED) + 5 * bool(frame.flags & PRIORITY_FLAG)
    if frame.length < least:
        frame.wrong("length", f"too short for what must be in it: {least} bytes", "RFC 9113 §4.2")
        return False
    return True


def _rest(cursor: Cursor, count: int) -> Steps[None]:
    if count:
        yield from cursor.raw("payload", count)


def _spoil(frame: Frame, connection: Connection) -> None:
    """Take note that a fragment of a field block, if this was one, cannot be read."""
    if frame.type in (HEADERS, PUSH_PROMISE):
        connection.begin(frame).spoilt = True
        if frame.flags & END_HEADERS:
            connection.finish(frame)


# ── what fields of bits and bytes have in common ──


def _pad_length(cursor: Cursor, frame: Frame) -> Steps[Field | None]:
    if not frame.flags & PADDED:
        return None
    yield from cursor.bits("pad length", 8)
    return cursor.last


def _fits(frame: Frame, pad_length: Field | None, left: int) -> bool:
    """Return whether the padding leaves what it is the padding of."""
    if pad_length is None or pad_length.value <= left:
        return True
    pad_length.wrong(f"more than what is left: {in_bytes(left)}", frame.kind.clause)
    return False


def _padding(cursor: Cursor, frame: Frame, pad_length: Field | None) -> Steps[None]:
    if pad_length is not None and pad_length.value:
        padding = yield from cursor.raw("padding", pad_length.value)
        if padding.strip(b"\0"):
            cursor.last.wrong("padding must be zeros", frame.kind.clause)


# ── frames of a stream ──


def _data(cursor: Cursor, frame: Frame, connection: Connection) -> Steps[None]:
    pad_length = yield from _pad_length(cursor, frame)
    left = frame.length - (pad_length is not None)
    if not _fits(frame, pad_length, left):
        yield from _rest(cursor, left)
        return
    count = left - (pad_length.value if pad_length is not None else 0)
    try:
        data = yield from cursor.raw("data", count)
    except Cut:  # what came of it is shown as well
        connection.data(frame, cursor.last, cursor.last.value, whole=False)
        raise
    connection.data(frame, cursor.last, data, whole=True)
    yield from _padding(cursor, frame, pad_length)


def _headers(cursor: Cursor, frame: Frame, connection: Connection) -> Steps[None]:
    pad_length = yield from _pad_length(cursor, frame)
    left = frame.length - (pad_length is not None)
    if frame.flags & PRIORITY_FLAG:
        yield from _priority(cursor, frame, connection)
        left -= 5
    connection.begin(frame)
    yield from _padded_fragment(cursor, frame, connection, pad_length, left)


def _promise(cursor: Cursor, frame: Frame, connection: Connection) -> Steps[None]:
    pad_length = yield from _pad_length(cursor, frame)
    left = frame.length - (pad_length is not None) - 4
    row = yield from cursor.row(_PROMISED)
    judge_reserved(row)
    connection.begin(frame)
    _judge_promised(frame, connection, row[1])
    yield from _padded_fragment(cursor, frame, connection, pad_length, left)


def _judge_promised(frame: Frame, connection: Connection, promised: Field) -> None:
    number, opened = promised.value, connection.opened
    frame.say(f"promises {number}")
    if not number or number % 2:
        promised.wrong("a server promises even streams", "RFC 9113 §5.1.1")
    elif connection.sender == "server":
        if number <= opened:
            error = f"numbers only go up, and {opened} was there before"
            promised.wrong(error, "RFC 9113 §5.1.1")
        else:
            connection.open(number)


def _padded_fragment(
    cursor: Cursor, frame: Frame, connection: Connection, pad_length: Field | None, left: int
) -> Steps[None]:
    if _fits(frame, pad_length, left):
        left -= pad_length.value if pad_length is not None else 0
        yield from _fragment(cursor, frame, connection, left)
        yield from _padding(cursor, frame, pad_length)
        return
    assert connection.block is not None
    connection.block.spoilt = True
    yield from _rest(cursor, left)
    if frame.flags & END_HEADERS:
        connection.finish(frame)


def _fragment(cursor: Cursor, frame: Frame, connection: Connection, count: int) -> Steps[None]:
    block = connection.block
    assert block is not None
    try:
        data = yield from cursor.raw("field block fragment", count)
    except Cut:  # what came of it is shown as well
        block.add(cursor.last, cursor.last.value)
        raise
    block.add(cursor.last, data)
    if frame.flags & END_HEADERS:
        connection.finish(frame)


def _continuation(cursor: Cursor, frame: Frame, connection: Connection) -> Steps[None]:
    if connection.block is not None and connection.block.frame.stream == frame.stream:
        yield from _fragment(cursor, frame, connection, frame.length)
        return
    connection.blocks.lost = True  # whatever it is a part of, the sender's table may have changed
    yield from cursor.raw("field block fragment", frame.length)


def _priority(cursor: Cursor, frame: Frame, connection: Connection) -> Steps[None]:
    _, dependency, weight = yield from cursor.row(_PRIORITY)
    weight.value += 1
    if dependency.value == frame.stream:
        dependency.wrong("a stream cannot depend on itself", "RFC 7540 §5.3.1")


def _reset(cursor: Cursor, frame: Frame, connection: Connection) -> Steps[None]:
    yield from cursor.bits("error code", 32)
    explain_error(frame, cursor.last)
    connection.reset(frame)


_BY_TYPE: dict[int, Callable[[Cursor, Frame, Connection], Steps[None]]] = {
    DATA: _data,
    HEADERS: _headers,
    PRIORITY: _priority,
    RST_STREAM: _reset,
    SETTINGS: settings,
    PUSH_PROMISE: _promise,
    PING: ping,
    GOAWAY: goaway,
    WINDOW_UPDATE: window_update,
    CONTINUATION: _continuation,
    PRIORITY_UPDATE: priority_update,
}
