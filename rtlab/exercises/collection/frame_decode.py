"""A frame decoder for a server (notebook 05): a ladder."""

from __future__ import annotations

import random
from typing import Any

from rtlab.examples import MASKED_HELLO
from rtlab.exercises.answer import Answer
from rtlab.exercises.exercise import Exercise, Wrong
from rtlab.exercises.mistakes import Mistake, Raised, kind
from rtlab.exercises.mistakes import same as alike

EXERCISE = Exercise(
    name="frame-decode",
    notebook="05",
    title="A frame decoder",
    takes="class",
    prompt="""\
Write a class `Receiver`, the ears of a WebSocket server. `feed(data)` takes the next bytes from a
client, cut anywhere, and returns a list of what they complete, as tuples `(kind, payload)`: kind is
`"text"` (payload a `str`), `"binary"`, `"ping"`, `"pong"` or `"close"` (payload `bytes`, unmasked).
Fragments become one message. What the standard forbids raises `Violation(code)`, with the close
code that the server would send: 1002, or 1007 for text that is not UTF-8. Six levels, RFC 6455 §5.
""",
    stub='''\
class Violation(Exception):
    """The client broke the protocol."""

    def __init__(self, code):
        super().__init__(f"close with {code}")
        self.code = code


class Receiver:
    """Turns the bytes of a client into messages."""

    def __init__(self):
        self.buffer = b""

    def feed(self, data):
        """Take bytes and return the messages (kind, payload) that they complete."""
        length = data[1] & 0x7F
        mask, payload = data[2:6], data[6 : 6 + length]
        text = bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))
        return [("text", text.decode())]
''',
    solution='''\
class Violation(Exception):
    """The client broke the protocol."""

    def __init__(self, code):
        super().__init__(f"close with {code}")
        self.code = code


KINDS = {1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong"}
CLOSE_CODES = {*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)}


class Receiver:
    """Turns the bytes of a client into messages."""

    def __init__(self):
        self.buffer = b""
        self.kind = None  # of the message whose fragments are coming
        self.parts = []

    def feed(self, data):
        """Take bytes and return the messages (kind, payload) that they complete."""
        self.buffer += data
        messages = []
        while (frame := self.next_frame()) is not None:
            message = self.take(*frame)
            if message is not None:
                messages.append(message)
        return messages

    def next_frame(self):
        """Return fin, opcode and payload of the next frame, None if it is not all there."""
        if len(self.buffer) < 2:
            return None
        first, second = self.buffer[:2]
        fin, opcode, length = first & 0x80, first & 0x0F, second & 0x7F
        if first & 0x70 or (opcode and opcode not in KINDS) or not second & 0x80:
            raise Violation(1002)
        if opcode >= 8 and (length > 125 or not fin):
            raise Violation(1002)
        start = 2
        if length > 125:
            start, least = (4, 126) if length == 126 else (10, 2**16)
            if len(self.buffer) < start:
                return None
            length = int.from_bytes(self.buffer[2:start], "big")
            if not least <= length < 2**63:
                raise Violation(1002)
        stop = start + 4 + length
        if len(self.buffer) < stop:
            return None
        mask, payload = self.buffer[start : start + 4], self.buffer[start + 4 : stop]
        self.buffer = self.buffer[stop:]
        return fin, opcode, bytes(b ^ mask[i % 4] for i, b in enumerate(payload))

    def take(self, fin, opcode, payload):
        """Return the message that a frame completes, None if it is a fragment."""
        if opcode >= 8:
            if opcode == 8:
                self.judge_close(payload)
            return KINDS[opcode], payload
        if (opcode == 0) == (self.kind is None):
            raise Violation(1002)
        self.kind = self.kind or KINDS[opcode]
        self.parts.append(payload)
        if not fin:
            return None
        kind, whole = self.kind, b"".join(self.parts)
        self.kind, self.parts = None, []
        return kind, as_text(whole) if kind == "text" else whole

    def judge_close(self, payload):
        if len(payload) == 1:
            raise Violation(1002)
        if payload and int.from_bytes(payload[:2], "big") not in CLOSE_CODES:
            raise Violation(1002)
        as_text(payload[2:])


def as_text(payload):
    try:
        return payload.decode()
    except UnicodeDecodeError:
        raise Violation(1007) from None
''',
    hints=(
        "Keep a buffer. As long as a whole frame is in it, take it off the front.",
        "Two bytes of header, then 0, 2 or 8 bytes of length, four of key, and the payload.",
        "Control frames (opcode 8 and above) may come between two fragments of a message, and are "
        "never fragments themselves.",
        "What is forbidden can be seen in the first two bytes: RSV bits, unknown opcodes, no mask, "
        "control frames that are long or without FIN. Raise at once, without waiting for the rest. "
        "A length of two or eight bytes can be wrong, too.",
        "Text is decoded when the message is whole: a character may be cut by a fragment's end.",
    ),
    wrong=(
        Wrong(
            "not unmasked",
            "still masked",
            (("bytes(b ^ mask[i % 4] for i, b in enumerate(payload))", "payload"),),
        ),
        Wrong(
            "masked once too often",
            "once too often",
            (("b ^ mask[i % 4] for", "b ^ mask[i % 4] ^ mask[i % 4] for"),),
        ),
        Wrong(
            "one frame a read",
            "all of them",
            (
                (
                    "while (frame := self.next_frame()) is not None:",
                    "if (frame := self.next_frame()) is not None:",
                ),
            ),
        ),
        Wrong(
            "126 as a length",
            "two bytes of length",
            (("(4, 126) if length == 126 else (10, 2**16)", "4, 126"),),
        ),
        Wrong(
            "little-endian",
            "big-endian",
            (
                (
                    'int.from_bytes(self.buffer[2:start], "big")',
                    'int.from_bytes(self.buffer[2:start], "little")',
                ),
            ),
        ),
        Wrong(
            "the rest thrown away", "cut anywhere", (("self.buffer += data", "self.buffer = data"),)
        ),
        Wrong("unmasked clients", "must mask", ((" or not second & 0x80", ""),)),
        Wrong("RSV bits ignored", "RSV", (("first & 0x70 or ", ""),)),
        Wrong(
            "long forms let in",
            "shortest form",
            (("not least <= length < 2**63", "length >= 2**63"),),
        ),
        Wrong("fragments as messages", "one message", (("if not fin:", "if False:"),)),
        Wrong(
            "interleaved messages",
            "is not finished",
            (
                (
                    "if (opcode == 0) == (self.kind is None):",
                    "if opcode == 0 and self.kind is None:",
                ),
            ),
        ),
        Wrong(
            "fragments decoded alone",
            "cut a character",
            (("self.parts.append(payload)", "self.parts.append(as_text(payload).encode())"),),
        ),
        Wrong(
            "text not judged", "1007", (("payload.decode()", 'payload.decode(errors="replace")'),)
        ),
        Wrong(
            "close not judged",
            "Close frame",
            (("                self.judge_close(payload)\n", "                pass\n"),),
        ),
    ),
)

KEY = b"\x37\xfa\x21\x3d"
_PARTIAL = "A frame may be cut anywhere: keep what is not complete, and return what is."


def frame(
    payload: bytes, opcode: int = 1, *, fin: bool = True, rsv: int = 0, mask: bytes | None = KEY
) -> bytes:
    """Return a client's frame, right or, on purpose, wrong."""
    size = len(payload)
    bit = 0 if mask is None else 0x80
    if size < 126:
        length = bytes([bit | size])
    elif size < 2**16:
        length = bytes([bit | 126]) + size.to_bytes(2, "big")
    else:
        length = bytes([bit | 127]) + size.to_bytes(8, "big")
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode]) + length
    if mask is None:
        return head + payload
    return head + mask + bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))


async def _feed(answer: Answer, *pieces: bytes) -> list[Any]:
    receiver = await answer.make()
    got: list[Any] = []
    for piece in pieces:
        messages = await receiver.call("feed", piece)
        if not isinstance(messages, (list, tuple)):
            raise Mistake(f"feed() returns a list of messages, not {kind(messages)}.")
        got += messages
    return got


async def _expect(answer: Answer, pieces: list[bytes], right: list[Any], otherwise: str) -> None:
    try:
        got = await _feed(answer, *pieces)
    except Raised as error:
        if "Violation" in error.kinds:
            what = f"This is allowed, but it raised Violation({error.code}). {otherwise}"
            raise Mistake(what, expected=right, got=f"Violation({error.code})") from None
        raise
    if not alike(got, right):
        raise Mistake(otherwise, expected=right, got=got)


async def _refuse(answer: Answer, code: int, why: str, *pieces: bytes, clause: str = "") -> None:
    expected = f"Violation({code})"
    try:
        got = await _feed(answer, *pieces)
    except Raised as error:
        if "Violation" not in error.kinds:
            raise Mistake(
                f"{why} It raised {error.type} ({error.text}) instead of {expected}.",
                frame=error.frame,
                clause=clause,
            ) from None
        if error.code != code:
            raise Mistake(
                f"{why} The close code is {code}.",
                expected=expected,
                got=f"Violation({error.code})",
                clause=clause,
            ) from None
        return
    raise Mistake(why, expected=expected, got=got, clause=clause)


@EXERCISE.case("“Hello” of the standard", level=1, clause="RFC 6455 §5.7")
async def hello(answer: Answer, rng: random.Random) -> None:
    """One frame, one message."""
    data = frame(b"Hello", 2)  # binary: what comes of it wrongly unmasked may be no text
    masked = [("binary", data[6:])]
    got = await _feed(answer, data)
    if alike(got, masked):
        raise Mistake(
            "The payload is still masked: the mask was never applied, or once too often.",
            expected=[("binary", b"Hello")],
            got=got,
        )
    await _expect(
        answer, [MASKED_HELLO], [("text", "Hello")], "This is one text message, unmasked: “Hello”."
    )


@EXERCISE.case("any key", level=1, clause="RFC 6455 §5.3")
async def keys(answer: Answer, rng: random.Random) -> None:
    """Each frame has its own."""
    for _ in range(10):
        text = "".join(rng.choices("abcdef", k=rng.randint(1, 40)))
        data = frame(text.encode(), mask=rng.randbytes(4))
        await _expect(
            answer, [data], [("text", text)], "The payload was not unmasked with its key."
        )


@EXERCISE.case("text, binary, ping, pong, close", level=2, clause="RFC 6455 §5.2")
async def kinds(answer: Answer, rng: random.Random) -> None:
    """Several in one read, too."""
    right = [
        ("text", "é"),
        ("binary", b"\0\xff"),
        ("ping", b"p"),
        ("pong", b""),
        ("close", b"\x03\xe8bye"),
    ]
    stream = (
        frame("é".encode())
        + frame(b"\0\xff", 2)
        + frame(b"p", 9)
        + frame(b"", 10)
        + frame(b"\x03\xe8bye", 8)
    )
    await _expect(answer, [stream], right, "One read may hold several frames: all of them count.")


@EXERCISE.case("the three lengths", level=2, clause="RFC 6455 §5.2")
async def lengths(answer: Answer, rng: random.Random) -> None:
    """At their edges."""
    for size in (0, 125, 126, 65_535, 65_536):
        data = rng.randbytes(size)
        what = "126 says that two bytes of length follow, 127 that eight do; both big-endian."
        try:
            got = await _feed(answer, frame(data, 2))
        except Raised as error:
            if "Violation" not in error.kinds:
                raise
            raise Mistake(f"A message of {size:,} bytes was refused. {what}") from None
        if not alike(got, [("binary", data)]):
            shown = [
                (one[0], len(one[1])) for one in got if len(one) == 2 and hasattr(one[1], "__len__")
            ]
            raise Mistake(
                f"This is a binary message of {size:,} bytes. {what}",
                expected=[("binary", f"{size:,} bytes")],
                got=[(name, f"{count:,} bytes") for name, count in shown],
            )


@EXERCISE.case("cut anywhere", level=3, points=2, clause="RFC 6455 §5.2")
async def cut(answer: Answer, rng: random.Random) -> None:
    """A network knows no frames."""
    stream = frame(b"one") + frame(bytes(200), 2) + frame(b"two")
    right = [("text", "one"), ("binary", bytes(200)), ("text", "two")]
    for at in (1, 2, 3, 5, 8, 10, 12, 13, 15, 60, len(stream) - 1):
        await _expect(answer, [stream[:at], stream[at:]], right, _PARTIAL)
    single = [stream[at : at + 1] for at in range(25)]
    await _expect(answer, [*single, stream[25:]], right, _PARTIAL)


@EXERCISE.case("what the head of a frame forbids", level=4, points=2, clause="RFC 6455 §5.2")
async def forbidden(answer: Answer, rng: random.Random) -> None:
    """All of it closes with 1002."""
    await _refuse(
        answer,
        1002,
        "A client must mask every frame: this one is not masked.",
        frame(b"x", mask=None),
        clause="RFC 6455 §5.1",
    )
    for rsv in (4, 2, 1):
        await _refuse(
            answer, 1002, "A RSV bit is set, but no extension was agreed on.", frame(b"x", rsv=rsv)
        )
    for opcode in (3, 7, 11, 15):
        await _refuse(answer, 1002, f"Opcode {opcode} is reserved.", frame(b"x", opcode))
    await _refuse(
        answer,
        1002,
        "A control frame must not be fragmented.",
        frame(b"", 9, fin=False),
        clause="RFC 6455 §5.5",
    )
    await _refuse(
        answer,
        1002,
        "A control frame has at most 125 bytes.",
        frame(bytes(126), 9),
        clause="RFC 6455 §5.5",
    )
    huge = b"\x82\xff" + b"\xff" * 8 + KEY
    await _refuse(answer, 1002, "The highest bit of a length of eight bytes must be 0.", huge)
    for size, count in ((5, 2), (125, 2), (5, 8), (126, 8), (65_535, 8)):
        head = bytes([0x82, 0xFE if count == 2 else 0xFF]) + size.to_bytes(count, "big")
        await _refuse(
            answer,
            1002,
            f"A length of {size:,} in {count} bytes: it must have the shortest form that holds it.",
            head + bytes(4 + size),
        )


@EXERCISE.case(
    "fragments, and control frames between them", level=5, points=2, clause="RFC 6455 §5.4"
)
async def fragments(answer: Answer, rng: random.Random) -> None:
    """They become one message."""
    first, last = frame(b"Hel", fin=False), frame(b"lo", 0)
    whole = "The fragments of a message are one message, when the last has come."
    await _expect(answer, [first, last], [("text", "Hello")], whole)
    await _expect(
        answer,
        [first + frame(b"p", 9) + frame(b"", 0, fin=False) + last],
        [("ping", b"p"), ("text", "Hello")],
        f"{whole} A control frame between them comes out at once.",
    )
    await _refuse(answer, 1002, "There is no message that this could continue.", frame(b"x", 0))
    await _refuse(
        answer, 1002, "The message before is not finished.", frame(b"a", fin=False) + frame(b"b")
    )


@EXERCISE.case("text is UTF-8", level=6, clause="RFC 6455 §8.1")
async def text(answer: Answer, rng: random.Random) -> None:
    """Judged when the message is whole."""
    euro = "€".encode()
    await _expect(
        answer,
        [frame(euro[:1], fin=False), frame(euro[1:], 0)],
        [("text", "€")],
        "Fragments may cut a character in two: the text is decoded as a whole.",
    )
    for data in (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", euro[:2]):
        await _refuse(
            answer, 1007, f"Text that is not UTF-8 ({data.hex(' ')}) closes with 1007.", frame(data)
        )


@EXERCISE.case("what a Close frame may say", level=6, clause="RFC 6455 §5.5.1")
async def close(answer: Answer, rng: random.Random) -> None:
    """A code that may be sent, and a reason that is text."""
    for data in (b"", b"\x03\xe8", b"\x03\xe8" + "adiós".encode(), b"\x0f\xa0"):
        await _expect(answer, [frame(data, 8)], [("close", data)], "This Close frame is in order.")
    await _refuse(answer, 1002, "A Close frame of one byte has half a code.", frame(b"\x03", 8))
    for code in (0, 999, 1004, 1005, 1006, 1015, 2999, 5000):
        data = frame(code.to_bytes(2, "big"), 8)
        await _refuse(
            answer, 1002, f"A Close frame must not say {code}.", data, clause="RFC 6455 §7.4"
        )
    bad = frame(b"\x03\xe8\xff", 8)
    await _refuse(answer, 1007, "The reason in a Close frame is UTF-8, too.", bad)
