"""WebSocket frames (RFC 6455), and the messages they carry, compressed ones too (RFC 7692).

A receiver fails the connection at the first violation; a dissector notes it where it lies, and
goes on, because the learner wants to see the rest.
"""

from __future__ import annotations

import codecs
from functools import partial
from typing import Any

from rtlab.dissect.field import Buffer, Cursor, Cut, Dissector, Field, Row, Steps
from rtlab.dissect.inflate import InflateError, Inflater
from rtlab.dissect.websocket_remarks import CLOSE_CODES, INTERNAL_CODES, REMARKS

NAMES = {0: "continuation", 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong"}
"""Opcode to what a frame with it is called."""

CONTINUATION, TEXT, CLOSE = 0, 1, 8

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
_PIECE = 4096  # numbers of this size stay in the processor's cache


def dissector(
    *, sender: str | None = None, deflate: bool = False, takeover: bool = True
) -> Dissector:
    """Return a dissector of one direction of a WebSocket connection; see ``grammar``."""
    options = partial(grammar, sender=sender, deflate=deflate, takeover=takeover)
    return Dissector(options, REMARKS)


def grammar(
    cursor: Cursor, *, sender: str | None = None, deflate: bool = False, takeover: bool = True
) -> Steps[None]:
    """Take the frames of one direction of a connection.

    Args:
        cursor: where the bytes are, from the first one after the opening handshake.
        sender: ``"client"`` or ``"server"``, who must mask or must not; ``None``: not judged.
        deflate: whether permessage-deflate was negotiated.
        takeover: whether this sender keeps its compression window from message to message.
    """
    cursor.remarks = REMARKS
    stream = _Stream(sender, Inflater(takeover) if deflate else None)
    while (yield from cursor.more()):
        yield from _frame(cursor, stream)


def negotiated(sender: str, extensions: str) -> dict[str, Any]:
    """Return the options for what a server answered in ``Sec-WebSocket-Extensions``."""
    return {
        "sender": sender,
        "deflate": "permessage-deflate" in extensions,
        "takeover": f"{sender}_no_context_takeover" not in extensions,
    }


def _frame(cursor: Cursor, stream: _Stream) -> Steps[None]:
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


def _summary(opcode: int, fin: int, length: int) -> str:
    name = NAMES.get(opcode) or f"reserved opcode {opcode}"
    size = "1 byte" if length == 1 else f"{length} bytes"
    if opcode >= CLOSE:
        return f"{name}, {size}" if length else name
    if opcode == CONTINUATION:
        return f"{name}, {size}, FIN" if fin else f"{name}, {size}"
    return f"{name}, {size}" if fin else f"{name}, {size}, no FIN"


# ── what each frame must keep to ──


def _judge_header(frame: Field, header: list[Field], stream: _Stream) -> None:
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


def _judge_rare(header: list[Field], stream: _Stream) -> None:
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


# ── what they carry ──


class _Message:
    """A data message, from its first frame to its last."""

    __slots__ = ("begun", "pieces", "rsv1", "text")

    def __init__(self, text: bool, rsv1: bool) -> None:
        self.text = text  # to be read as such; no more once it was found not to be UTF-8
        self.rsv1 = rsv1
        self.pieces: list[bytes] = []  # the fragments; none if the first frame is the last
        self.begun: bytes | None = b""  # of a character that the next fragment completes


class _Stream:
    """What one sender's earlier frames mean for the next."""

    def __init__(self, sender: str | None, inflater: Inflater | None) -> None:
        self.sender = sender
        self.inflater = inflater
        self.message: _Message | None = None  # the one that is not finished yet
        self.closed = False

    def take(self, frame: Field, field: Field, data: bytes, key: bytes, *, whole: bool) -> None:
        """Take a payload, as it is on the wire; ``whole`` unless the bytes ended within it."""
        if key and data:
            data = unmask(data, key)
            field = _derived(field, "unmasked", data)
        header = frame.children
        fin, rsv1, opcode = header[0].value, header[1].value, header[4].value
        if opcode == CLOSE:
            self.closed = True
            code = _close(field, data, whole)
            frame.value = frame.value if code is None else f"close {code}"
        elif opcode <= 2 and not (opcode and fin and not rsv1):
            message = self._message(opcode, bool(rsv1), bool(fin))
            self._data(message, field, data, last=bool(fin), whole=whole)
        elif opcode == TEXT:  # all of it in this one frame, as it nearly always is
            _text(field, data, final=whole)

    def _message(self, opcode: int, rsv1: bool, fin: bool) -> _Message:
        if opcode == CONTINUATION:
            message = self.message or _Message(text=False, rsv1=False)
            if fin:
                self.message = None
            return message
        message = _Message(opcode == TEXT, rsv1)
        if not fin:  # one that comes whole leaves an unfinished one as it is
            self.message = message
        return message

    def _data(
        self, message: _Message, field: Field, data: bytes, *, last: bool, whole: bool
    ) -> None:
        # With RSV1 the bytes are not the text itself: compressed, or who knows what.
        if message.text and not message.rsv1 and message.begun is not None:
            message.begun = _text(field, data, message.begun, final=last and whole)
        if not whole:
            return
        if message.pieces or not last:
            message.pieces.append(data)
        if not last:
            return
        if len(message.pieces) > 1:
            data = b"".join(message.pieces)
            field = _derived(field, "message", data)
            if message.text and not message.rsv1 and message.begun is not None:
                field.value = data.decode(errors="replace")
        if message.rsv1 and self.inflater is not None:
            _inflated(self.inflater, field, data, message.text)


def _inflated(inflater: Inflater, field: Field, data: bytes, text: bool) -> None:
    try:
        inflated, whole = inflater.inflate(data), True
    except InflateError as error:
        field.wrong(str(error), error.reference)
        inflated, whole = error.inflated, False
    field = _derived(field, "inflated", inflated)
    if text:
        _text(field, inflated, final=whole)


def _close(field: Field, data: bytes, whole: bool) -> int | None:
    """Describe a Close frame's payload, and return its code, if it has one."""
    if len(data) < 2:
        if data and whole:
            code = _part(field, "close code", 1, data[0])
            code.wrong("a close code takes 2 bytes, and this is 1", "RFC 6455 §5.5.1")
        return None
    code = _part(field, "close code", 2, int.from_bytes(data[:2], "big"))
    _judge_code(code)
    if len(data) > 2:
        reason = _part(field, "reason", len(data) - 2, data[2:])
        _text(reason, data[2:], final=whole)
    return int(code.value)


def _judge_code(field: Field) -> None:
    code = field.value
    if code in CLOSE_CODES:
        field.note = f"{CLOSE_CODES[code]} {field.note}"
    elif code in INTERNAL_CODES:
        field.wrong(f"{code} {INTERNAL_CODES[code]}", "RFC 6455 §7.4.1")
    elif code < 1000:
        field.wrong("codes below 1000 are not used", "RFC 6455 §7.4.2")
    elif code < 3000:
        field.wrong(f"nobody has defined {code} yet", "RFC 6455 §7.4.2")
    elif code > 4999:
        field.wrong("codes end at 4999", "RFC 6455 §7.4.2")


def _text(field: Field, data: bytes, begun: bytes = b"", *, final: bool = True) -> bytes | None:
    """Read bytes as text, and say where they are not UTF-8.

    Args:
        field: what they are; text becomes its value, or it gets two parts.
        data: the bytes.
        begun: the bytes before, of a character that is completed here.
        final: whether it must be completed.

    Returns:
        The bytes of a character that is not complete yet; ``None`` if they are not UTF-8.
    """
    both = begun + data if begun else data
    try:
        text, used = codecs.utf_8_decode(both, "strict", final)
    except UnicodeDecodeError as error:
        # Python names the character; the byte that spoils it may be its second, third, fourth.
        spoilt = error.reason == "invalid continuation byte"
        bad, ends = error.end if spoilt else error.start, error.reason == "unexpected end of data"
    else:
        rest = both[used:]
        # ed a0 and up would be a surrogate (RFC 3629 §3); Python waits for a third byte.
        if not (rest[:1] == b"\xed" and rest[1:2] > b"\x9f"):
            field.value = text
            return rest
        bad, ends = used + 1, False
    good = codecs.utf_8_decode(both[:bad], "ignore", True)[0]
    bad = max(bad - len(begun), 0)
    if bad:
        _part(field, "text", bad, good)
    wrong = _part(field, "not UTF-8", len(data) - bad, data[bad:])
    error_ = "the text ends within a character" if ends else f"0x{data[bad]:02x} cannot stand here"
    wrong.wrong(error_, "RFC 6455 §8.1")
    return None


def _part(field: Field, name: str, count: int, value: object) -> Field:
    """Add a part of ``count`` bytes to a field, behind those it has."""
    start = field.children[-1].stop if field.children else field.start
    part = Field(name, start, start + count * 8, value, *REMARKS[name])
    field.children.append(part)
    return part


def _derived(field: Field, name: str, data: bytes) -> Field:
    """Hang bytes that are derived from a field's onto it, and return what describes them."""
    root = Field(name, 0, len(data) * 8, data, *REMARKS[name])
    field.buffer = Buffer(name, data, root)
    return root


def unmask(data: bytes | memoryview, key: bytes) -> bytes:
    """Return bytes XORed with a key of 4 bytes, over and over (RFC 6455 §5.3); masks as well.

    Python has no XOR of bytes, but one of numbers of any size.
    """
    size = len(data)
    if size <= _PIECE:
        keys = int.from_bytes((key * (size // 4 + 1))[:size], "little")
        return (int.from_bytes(data, "little") ^ keys).to_bytes(size, "little")
    keys = int.from_bytes(key * (_PIECE // 4), "little")
    view, end = memoryview(data), size - size % _PIECE
    pieces = [
        (int.from_bytes(view[at : at + _PIECE], "little") ^ keys).to_bytes(_PIECE, "little")
        for at in range(0, end, _PIECE)
    ]
    return b"".join((*pieces, unmask(view[end:], key)))
