"""Unmasking (notebook 05): fill in a line."""

from __future__ import annotations

import random

from rtlab.examples import MASK
from rtlab.exercises.answer import Answer
from rtlab.exercises.exercise import Exercise, Wrong
from rtlab.exercises.mistakes import Slip, expect

CLAUSE = "RFC 6455 §5.3"

EXERCISE = Exercise(
    name="unmask",
    notebook="05",
    title="Unmasking",
    prompt="""\
Write `unmask(payload, key)`: the bytes of a client's frame, without the mask. The key has four
bytes, and byte `i` of the payload was combined with byte `i mod 4` of the key by exclusive or.
""",
    stub='''\
def unmask(payload, key):
    """Return the payload without the mask."""
    return payload
''',
    solution='''\
def unmask(payload, key):
    """Return the payload without the mask."""
    return bytes(byte ^ key[place % 4] for place, byte in enumerate(payload))
''',
    hints=(
        "Exclusive or undoes itself: masking and unmasking are the same.",
        "enumerate(payload) gives each byte with its place; the key repeats every four bytes.",
        "A generator of numbers from 0 to 255 becomes bytes with bytes(…).",
    ),
    wrong=(
        Wrong(
            "key not repeated",
            "repeats",
            (
                (
                    "for place, byte in enumerate(payload)",
                    "for place, byte in enumerate(payload[:4])",
                ),
                ("payload[:4])", "payload[:4])) + bytes(payload[4:]"),
            ),
        ),
        Wrong(
            "one byte of the key", "first byte of the key alone", (("key[place % 4]", "key[0]"),)
        ),
        Wrong("key backwards", "from its end", (("key[place % 4]", "key[3 - place % 4]"),)),
        Wrong("a list", "a list instead of bytes", (("bytes(byte", "list(byte"),)),
        Wrong("and for exclusive or", "exclusive or", (("byte ^", "byte &"),)),
    ),
)


def _with(payload: bytes, key: bytes) -> bytes:
    return bytes(byte ^ key[place % len(key)] for place, byte in enumerate(payload))


async def _compare(answer: Answer, clear: bytes, key: bytes) -> None:
    masked = _with(clear, key)
    expect(
        await answer(masked, key),
        clear,
        Slip(masked, "This is the payload as it came, still masked."),
        Slip(
            _with(masked[:4], key) + masked[4:],
            "Only the first four bytes are unmasked: the key repeats every four bytes.",
        ),
        Slip(
            _with(masked[:4], key),
            "Only four bytes came back: the key repeats, the payload goes on.",
        ),
        Slip(
            _with(masked, key[:1]), "Every byte was unmasked with the first byte of the key alone."
        ),
        Slip(_with(masked, key[::-1]), "The key was read from its end: its first byte is key[0]."),
        otherwise="Not unmasked: each byte is combined with one of the key by exclusive or, ^.",
    )


@EXERCISE.case("“Hello” of the standard", clause="RFC 6455 §5.7")
async def sample(answer: Answer, rng: random.Random) -> None:
    """Five bytes, so the key begins again."""
    await _compare(answer, b"Hello", MASK)


@EXERCISE.case("nothing, and one byte", clause=CLAUSE)
async def short(answer: Answer, rng: random.Random) -> None:
    """An empty payload is one."""
    await _compare(answer, b"", MASK)
    await _compare(answer, b"x", MASK)


@EXERCISE.case("any payload and key", points=2, clause=CLAUSE)
async def anything(answer: Answer, rng: random.Random) -> None:
    """Every length modulo four."""
    for size in (2, 3, 4, 6, 7, 8, 125, 1_000):
        await _compare(answer, rng.randbytes(size), rng.randbytes(4))
