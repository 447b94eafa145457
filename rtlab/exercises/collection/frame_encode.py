"""A frame encoder (notebook 05)."""

from __future__ import annotations

import random

from rtlab.dissect import dissect
from rtlab.examples import HELLO, MASK, MASKED_HELLO
from rtlab.exercises.answer import Answer
from rtlab.exercises.exercise import Exercise, Wrong
from rtlab.exercises.mistakes import Slip, expect, explained

CLAUSE = "RFC 6455 §5.2"

EXERCISE = Exercise(
    name="frame-encode",
    notebook="05",
    title="A frame encoder",
    prompt="""\
Write `encode(message, mask=None)`: the bytes of one WebSocket frame with the whole message, text
(`str`, opcode 1) or binary (`bytes`, opcode 2). With a `mask` of four bytes it is a client's frame:
the mask bit is set, and the key stands before the masked payload. (RFC 6455 §5.2)
""",
    stub='''\
def encode(message, mask=None):
    """Return a frame with the whole message."""
    payload = message.encode()
    return bytes([0x81, len(payload)]) + payload
''',
    solution='''\
def encode(message, mask=None):
    """Return a frame with the whole message."""
    opcode = 1 if isinstance(message, str) else 2
    payload = message.encode() if isinstance(message, str) else message
    size = len(payload)
    if size < 126:
        length = bytes([size])
    elif size < 65536:
        length = bytes([126]) + size.to_bytes(2, "big")
    else:
        length = bytes([127]) + size.to_bytes(8, "big")
    if mask is None:
        return bytes([0x80 | opcode]) + length + payload
    masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))
    return bytes([0x80 | opcode, 0x80 | length[0]]) + length[1:] + mask + masked
''',
    hints=(
        "The length counts the bytes of the payload, not the characters of the text.",
        "Up to 125 the length is in the second byte; 126 there says that two bytes follow, 127 "
        "that "
        "eight do. Big-endian, and as few as will do.",
        "The mask bit is the highest of the second byte. Only the payload is masked, nothing else.",
    ),
    wrong=(
        Wrong(
            "characters for bytes",
            "characters, not in bytes",
            (("size = len(payload)", "size = len(message)"),),
        ),
        Wrong("125 too long", "125 bytes", (("size < 126", "size < 125"),)),
        Wrong(
            "65,536 in two bytes", "It raised OverflowError", (("size < 65536", "size <= 65536"),)
        ),
        Wrong("little-endian", "little-endian", (('to_bytes(2, "big")', 'to_bytes(2, "little")'),)),
        Wrong("no mask bit", "mask bit", (("0x80 | length[0]", "length[0]"),)),
        Wrong("key left out", "masking key", (("+ mask + masked", "+ masked"),)),
        Wrong("not masked", "not masked", (("+ mask + masked", "+ mask + payload"),)),
        Wrong(
            "text alone",
            "A message may be bytes",
            (
                ("1 if isinstance(message, str) else 2", "1"),
                ("message.encode() if isinstance(message, str) else message", "message.encode()"),
            ),
        ),
        Wrong("always text", "opcode", (("0x80 | opcode", "0x81"),)),
        Wrong("no FIN", "FIN", (("0x80 | opcode", "opcode"),)),
    ),
)


def _frame(payload: bytes, opcode: int, mask: bytes | None) -> bytes:
    size = len(payload)
    if size < 126:
        length = bytes([size])
    elif size < 2**16:
        length = b"\x7e" + size.to_bytes(2, "big")
    else:
        length = b"\x7f" + size.to_bytes(8, "big")
    if mask is None:
        return bytes([0x80 | opcode]) + length + payload
    return bytes([0x80 | opcode, 0x80 | length[0]]) + length[1:] + mask + _masked(payload, mask)


def _masked(payload: bytes, mask: bytes) -> bytes:
    return bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))


def _slips(message: str | bytes, payload: bytes, opcode: int, mask: bytes | None) -> list[Slip]:
    right = _frame(payload, opcode, mask)
    size, start = len(payload), len(right) - len(payload)
    slips = [
        Slip(b"\x81" + right[1:], "The opcode says text: it is 2 for binary."),
        Slip(
            bytes([opcode]) + right[1:], "The FIN bit, 0x80, is not set: more frames would follow."
        ),
    ]
    if isinstance(message, str) and len(message) != size < 126:
        second = len(message) | (0x80 if mask else 0)
        wrong = right[:1] + bytes([second]) + right[2:]
        slips.append(Slip(wrong, "The length is counted in characters, not in bytes."))
    if size >= 126:
        width = 2 if size < 2**16 else 8
        swapped = right[:2] + size.to_bytes(width, "little") + right[2 + width :]
        slips.append(Slip(swapped, "The length is little-endian: on the network it is big-endian."))
    if size == 125:
        longer = right[:1] + bytes([right[1] & 0x80 | 126]) + b"\0\x7d" + right[2:]
        slips.append(Slip(longer, "125 bytes still fit into the short form."))
    if 126 <= size < 2**16:
        longer = right[:1] + bytes([right[1] | 1]) + size.to_bytes(8, "big") + right[4:]
        slips.append(Slip(longer, "Up to 65,535 bytes the length takes two bytes, not eight."))
    if mask is not None:
        ignored = "The mask was ignored: with a mask it is a client's frame."
        clear_bit = right[:1] + bytes([right[1] & 0x7F]) + right[2:]
        slips += [
            Slip(_frame(payload, opcode, None), ignored),
            Slip(clear_bit, "The mask bit, 0x80 of the second byte, is not set."),
            Slip(
                right[: start - 4] + right[start:], "The masking key is missing before the payload."
            ),
            Slip(right[:start] + payload, "The payload is not masked, though the key is there."),
            Slip(
                right[:start] + _masked(right[start:], mask), "The mask was applied once too often."
            ),
        ]
    return slips


async def _compare(answer: Answer, message: str | bytes, mask: bytes | None = None) -> None:
    opcode = 1 if isinstance(message, str) else 2
    payload = message.encode() if isinstance(message, str) else message
    got = await (answer(message) if mask is None else answer(message, mask))
    right = _frame(payload, opcode, mask)
    otherwise = ""
    if isinstance(got, bytes) and got != right:
        errors = dissect(got, "websocket", sender="client" if mask else "server").root.errors
        otherwise = f"The lab reads it so: {errors[0].error}." if errors else ""
    expect(
        got,
        right,
        *_slips(message, payload, opcode, mask),
        otherwise=otherwise,
        protocol="websocket" if len(right) < 2_000 else "",
    )


@EXERCISE.case("“Hello” of the standard, both ways", clause="RFC 6455 §5.7")
async def sample(answer: Answer, rng: random.Random) -> None:
    """What everybody can look up."""
    assert _frame(b"Hello", 1, None) == HELLO and _frame(b"Hello", 1, MASK) == MASKED_HELLO
    await _compare(answer, "Hello")
    await _compare(answer, "Hello", MASK)


@EXERCISE.case("text that is not ASCII", clause="RFC 6455 §5.6")
async def text(answer: Answer, rng: random.Random) -> None:
    """Bytes, not characters."""
    await _compare(answer, "für 5 €")
    await _compare(answer, "🙂" * 20, rng.randbytes(4))


@EXERCISE.case("binary, and nothing at all", clause="RFC 6455 §5.6")
async def binary(answer: Answer, rng: random.Random) -> None:
    """Opcode 2."""
    with explained(AttributeError="A message may be bytes: its payload is as it is, its opcode 2."):
        await _compare(answer, b"\0\xff")
        await _compare(answer, b"")
        await _compare(answer, rng.randbytes(9), rng.randbytes(4))
    await _compare(answer, "", rng.randbytes(4))


@EXERCISE.case("lengths at the edges: 125, 126, 65,535, 65,536", points=2, clause=CLAUSE)
async def edges(answer: Answer, rng: random.Random) -> None:
    """The minimal form MUST be used; of text, so that who forgot bytes hears of it once."""
    for size in (124, 125, 126, 127, 255, 256, 65_535, 65_536):
        await _compare(answer, "x" * size)
        await _compare(answer, "x" * size, rng.randbytes(4))
