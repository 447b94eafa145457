"""WebSocket frames, bit by bit (RFC 6455 §5.2); ``websocket_payload`` has what they carry.

A receiver fails the connection at the first violation; a dissector notes it where it lies, and
goes on, because the learner wants to see the rest.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any

from rtlab.dissect.cursor import Cursor, Cut, Dissector, Fold, Row, Steps
from rtlab.dissect.field import Field, in_bytes
from rtlab.dissect.inflate import Inflater
from rtlab.dissect.masking import is_text
from rtlab.dissect.websocket_payload import CLOSE, CONTINUATION, TEXT, Stream
from rtlab.dissect.websocket_remarks import REMARKS

NAMES = {0: "continuation", 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong"}
"""Opcode to what a frame with it is called."""

_FIN = 0x80

_HEADER = Row(
    REMARKS,
    ("FIN", 1),
    ("RSV1", 1),
    ("RSV2", 1),
    ("RSV3", 1),
    ("opcode", 4),
    ("MASK", 1),
    ("payload length", 7),
)


def dissector(**options: Any) -> Dissector:
    """Return a dissector of one direction of a WebSocket connection; see ``grammar``."""
    return Dissector(partial(grammar, **options), REMARKS)


def grammar(
    cursor: Cursor,
    *,
    sender: str | None = None,
    deflate: bool = False,
    takeover: bool = True,
    window_bits: int = 15,
) -> Steps[None]:
    """Take the frames of one direction of a connection.

    Args:
        cursor: where the bytes are, from the first one after the opening handshake.
        sender: ``"client"`` or ``"server"``, who must mask or must not; ``None``: not judged.
        deflate: whether permessage-deflate was negotiated.
        takeover: whether this sender keeps its compression window from message to message.
        window_bits: what was agreed on the size of that window, 8 to 15.
    """
    cursor.remarks = REMARKS
    stream = Stream(sender, Inflater(takeover, window_bits, sender) if deflate else None)
    fold = Fold(cursor, partial(_frame, stream=Stream(sender, None)))
    while (yield from cursor.more()):
        if not _in_order(cursor, stream, fold):
            yield from _frame(cursor, stream)


def _in_order(cursor: Cursor, stream: Stream, fold: Fold) -> bool:
    """Take the next frame folded, if it is all there, in order, and means nothing for the next.

    These are a data message in one frame, not compressed, and a ping or pong.
    """
    data, at = cursor.data, cursor.at >> 3
    if cursor.left < 2:
        return False
    opcode, mask, length = data[at] ^ _FIN, data[at + 1] & 0x80, data[at + 1] & 0x7F
    if opcode not in NAMES or opcode in (CONTINUATION, CLOSE):
        return False
    if opcode < CLOSE and (stream.message is not None or stream.closed):
        return False
    if stream.sender is not None and bool(mask) != (stream.sender == "client"):
        return False
    start = at + 2
    if length > 125:
        least, start = (126, at + 4) if length == 126 else (2**16, at + 10)
        length = int.from_bytes(data[at + 2 : start], "big")
        if opcode >= CLOSE or not least <= length < 2**63:
            return False
    start += 4 if mask else 0
    stop = start + length
    if stop > len(data):
        return False
    key = data[start - 4 : start] if mask else b""
    if opcode == TEXT and not is_text(data, start, stop, key):
        return False
    cursor.fold("frame", stop - at, _summary(opcode, 1, length), fold)
    return True


def _frame(cursor: Cursor, stream: Stream) -> Steps[None]:
    with cursor.group("frame") as frame:
        header = yield from cursor.row(_HEADER)
        fin, rsv1, rsv2, rsv3, opcode, mask, length = [field.value for field in header]
        _judge_header(frame, header, stream)
        if not fin or rsv1 or rsv2 or rsv3 or opcode >= CLOSE:
            _judge_rare(header, stream)
        if length > 125:
            length = yield from _extended_length(cursor, length)
            if opcode >= CLOSE and length > 125:
                # They must get through at once, between the fragments of something big.
                header[6].wrong("a control frame carries at most 125 bytes", "RFC 6455 §5.5")
        frame.value = _summary(opcode, fin, length)
        key = (yield from cursor.raw("masking key", 4)) if mask else b""
        try:
            data = yield from cursor.raw("payload", length)
        except Cut:  # what came of it is shown as well
            stream.take(frame, cursor.last, cursor.last.value, key, whole=False)
            raise
        stream.take(frame, cursor.last, data, key, whole=True)


def _extended_length(cursor: Cursor, length: int) -> Steps[int]:
    if length == 126:
        length = yield from cursor.bits("extended payload length", 16)
        shorter = length < 126
    else:
        length = yield from cursor.bits("extended payload length", 64)
        shorter = length < 2**16
    if shorter:
        # RFC 6455 §5.2 binds who sends: "the minimal number of bytes MUST be used". Two readers
        # that disagree on where a frame ends can be played off against each other.
        cursor.last.wrong(f"{length} fits into a shorter form", "RFC 6455 §5.2")
    elif length >= 2**63:
        # Languages without unsigned numbers would read it as negative.
        cursor.last.wrong("the most significant bit must be 0", "RFC 6455 §5.2")
    return length


@lru_cache(maxsize=1024)  # most frames of a connection are of a few lengths
def _summary(opcode: int, fin: int, length: int) -> str:
    name = NAMES.get(opcode) or f"reserved opcode {opcode}"
    size = in_bytes(length)
    if opcode >= CLOSE:
        return f"{name}, {size}" if length else name
    if opcode == CONTINUATION:
        return f"{name}, {size}, FIN" if fin else f"{name}, {size}"
    return f"{name}, {size}" if fin else f"{name}, {size}, no FIN"


# ── what each frame must keep to ──


def _judge_header(frame: Field, header: list[Field], stream: Stream) -> None:
    """Judge what every frame may have wrong."""
    code, mask = header[4], header[5]
    opcode = code.value
    if opcode not in NAMES:
        code.wrong(f"opcode {opcode} is reserved", "RFC 6455 §5.2")
    elif opcode == CONTINUATION:
        if stream.message is None:
            code.wrong("there is no message to continue", "RFC 6455 §5.4")
    elif opcode < CLOSE and stream.message is not None:
        # Fragments carry no name of their message, so two cannot be interleaved.
        code.wrong("the message before is not finished", "RFC 6455 §5.4")
    if stream.sender is not None and mask.value != (stream.sender == "client"):
        must = "a server must not mask" if mask.value else "a client must mask every frame"
        mask.wrong(must, "RFC 6455 §5.1")
    if stream.closed and opcode < CLOSE:
        # Pings and pongs are no data frames.
        frame.wrong("data after a Close frame", "RFC 6455 §5.5.1")


def _judge_rare(header: list[Field], stream: Stream) -> None:
    """Judge control frames, and bits that most frames have the other way."""
    fin, rsv1, rsv2, rsv3, opcode, _, _ = header
    if opcode.value >= CLOSE and not fin.value:
        fin.wrong("a control frame must not be fragmented", "RFC 6455 §5.5")
    if rsv1.value and stream.inflater is None:
        rsv1.wrong("set, but no extension that defines it was negotiated", "RFC 6455 §5.2")
    elif rsv1.value and (opcode.value == CONTINUATION or opcode.value >= CLOSE):
        rsv1.wrong("may only be set on the first frame of a data message", "RFC 7692 §6")
    for bit in (rsv2, rsv3):
        if bit.value:
            bit.wrong("set, but no extension that defines it was negotiated", "RFC 6455 §5.2")
