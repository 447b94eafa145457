"""What WebSocket frames carry: messages, from their first fragment to the last, and close codes.

A message may come in several frames (RFC 6455 §5.4), masked, and compressed as a whole (RFC 7692).
"""

from __future__ import annotations

import codecs

from rtlab.dissect.field import Field
from rtlab.dissect.inflate import InflateError, Inflater
from rtlab.dissect.masking import unmask
from rtlab.dissect.parts import derived, part
from rtlab.dissect.websocket_remarks import CLOSE_CODES, INTERNAL_CODES, REMARKS

CONTINUATION, TEXT, CLOSE = 0, 1, 8


class Message:
    """A data message, from its first frame to its last."""

    __slots__ = ("begun", "pieces", "rsv1", "text")

    def __init__(self, text: bool, rsv1: bool) -> None:
        self.text = text  # to be read as such; no more once it was found not to be UTF-8
        self.rsv1 = rsv1
        self.pieces: list[bytes] = []  # the fragments; none if the first frame is the last
        self.begun: bytes | None = b""  # of a character that the next fragment completes


class Stream:
    """What one sender's earlier frames mean for the next."""

    def __init__(self, sender: str | None, inflater: Inflater | None) -> None:
        self.sender = sender
        self.inflater = inflater
        self.message: Message | None = None  # the one that is not finished yet
        self.closed = False

    def take(self, frame: Field, field: Field, data: bytes, key: bytes, *, whole: bool) -> None:
        """Take a payload, as it is on the wire; ``whole`` unless the bytes ended within it."""
        if key and data:
            data = unmask(data, key)
            field = derived(field, "unmasked", "unmasked", data, REMARKS)
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

    def _message(self, opcode: int, rsv1: bool, fin: bool) -> Message:
        if opcode == CONTINUATION:
            message = self.message or Message(text=False, rsv1=False)
            if fin:
                self.message = None
            return message
        message = Message(opcode == TEXT, rsv1)
        if not fin:  # one that comes whole leaves an unfinished one as it is
            self.message = message
        return message

    def _data(
        self, message: Message, field: Field, data: bytes, *, last: bool, whole: bool
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
            field = derived(field, "message", "message", data, REMARKS)
            if message.text and not message.rsv1 and message.begun is not None:
                field.value = data.decode(errors="replace")
        if message.rsv1 and self.inflater is not None:
            _inflated(self.inflater, field, data, message.text)


def _inflated(inflater: Inflater, field: Field, data: bytes, text: bool) -> None:
    try:
        inflated, whole = inflater.inflate(data), True
    except InflateError as error:
        field.wrong(str(error), error.reference)
        inflated, whole = error.inflated, error.whole
    field = derived(field, "inflated", "inflated", inflated, REMARKS)
    if text:
        _text(field, inflated, final=whole)


def _close(field: Field, data: bytes, whole: bool) -> int | None:
    """Describe a Close frame's payload, and return its code, if it has one."""
    if len(data) < 2:
        if data and whole:
            code = part(field, "close code", 1, data[0], REMARKS)
            code.wrong("a close code takes 2 bytes, and this is 1", "RFC 6455 §5.5.1")
        return None
    code = part(field, "close code", 2, int.from_bytes(data[:2], "big"), REMARKS)
    _judge_code(code)
    if len(data) > 2:
        reason = part(field, "reason", len(data) - 2, data[2:], REMARKS)
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
        part(field, "text", bad, good, REMARKS)
    wrong = part(field, "not UTF-8", len(data) - bad, data[bad:], REMARKS)
    error_ = "the text ends within a character" if ends else f"0x{data[bad]:02x} cannot stand here"
    wrong.wrong(error_, "RFC 6455 §8.1")
    return None
