"""What a close code means (notebook 05)."""

from __future__ import annotations

import random

from rtlab.exercises.answer import Answer
from rtlab.exercises.exercise import Exercise, Wrong
from rtlab.exercises.mistakes import Mistake, Raised, Slip, expect, explained

EXERCISE = Exercise(
    name="close-codes",
    notebook="05",
    title="What a close code means",
    prompt="""\
Write `on_close(payload)`: the payload of the server's Close frame as a client reads it; `None` if
the connection broke without one. Return `(code, reason, again)`: the close code (1005 for an empty
payload, 1006 for `None`), the reason as text, and whether it makes sense to connect again. It does
after 1001, 1005, 1006, 1011, 1012, 1013 and 1014: the server went, broke or is busy. All other
codes say that the connection is done, or that the client is at fault. A payload that the standard
forbids raises `ValueError`: one byte, a reason that is not UTF-8, a code that must not be sent:
below 1000, 1004 to 1006, 1015 to 2999, or from 5000 on (RFC 6455 §7.4 and IANA's registry).
""",
    stub='''\
def on_close(payload):
    """Return code, reason, and whether to connect again."""
    code = int.from_bytes(payload[:2], "big")
    return code, payload[2:].decode(), True
''',
    solution='''\
AGAIN = {1001, 1005, 1006, 1011, 1012, 1013, 1014}


def on_close(payload):
    """Return code, reason, and whether to connect again."""
    if payload is None:
        code, reason = 1006, ""
    elif payload == b"":
        code, reason = 1005, ""
    else:
        code, reason = int.from_bytes(payload[:2], "big"), payload[2:].decode()
        if len(payload) == 1 or code < 1000 or code in (1004, 1005, 1006) or code >= 5000:
            raise ValueError(f"{payload!r} must not be sent")
        if 1015 <= code < 3000:
            raise ValueError(f"{code} must not be sent")
    return code, reason, code in AGAIN
''',
    hints=(
        "Three cases: no frame at all, a frame without payload, a frame with a code.",
        "1005, 1006 and 1015 are what a program says to itself: they never cross the wire.",
        "bytes.decode() raises UnicodeDecodeError, which is a ValueError already.",
    ),
    wrong=(
        Wrong("always again", "hammer", (("code in AGAIN", "True"),)),
        Wrong("empty is normal", "1005", (("code, reason = 1005", "code, reason = 1000"),)),
        Wrong(
            "no frame forgotten",
            "without a Close frame",
            (("payload is None", "payload == 'none'"),),
        ),
        Wrong(
            "no frame taken for an empty one",
            "No Close frame at all is 1006",
            (
                (
                    'payload is None:\n        code, reason = 1006, ""\n    elif payload == b"":',
                    "not payload:",
                ),
            ),
        ),
        Wrong("little-endian", "big-endian", (('"big"', '"little"'),)),
        Wrong(
            "reserved codes let in", "must not be sent", ((" or code in (1004, 1005, 1006)", ""),)
        ),
        Wrong(
            "one byte let in",
            "half a code",
            (("len(payload) == 1 or code < 1000", "0 < len(payload) > 1 and code < 1000"),),
        ),
        Wrong(
            "struct.error for one byte",
            "half a code. on_close(b'\\x03') must raise ValueError",
            (
                (
                    'int.from_bytes(payload[:2], "big"), payload',
                    '__import__("struct").unpack("!H", payload[:2])[0], payload',
                ),
            ),
        ),
        Wrong("2999 let in", "must not be sent", (("1015 <= code < 3000", "1015 <= code < 2000"),)),
    ),
)

AGAIN = {1001, 1005, 1006, 1011, 1012, 1013, 1014}
SENT = [*range(1000, 1004), *range(1007, 1015), 3000, 3999, 4000, 4999]
NEVER = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 65_535]


async def _compare(answer: Answer, payload: bytes | None, code: int, reason: str = "") -> None:
    again = code in AGAIN
    without_code = {
        None: "No Close frame at all is 1006, and the reason is empty.",
        b"": "A Close frame without payload is 1005, and the reason is empty.",
    }
    expect(
        await answer(payload),
        (code, reason, again),
        Slip(
            (code, reason, not again),
            f"After {code} it makes sense to connect again: the server went, broke or is busy."
            if again
            else f"After {code} connecting again changes nothing: it would only hammer the server.",
        ),
        Slip(
            (int.from_bytes(code.to_bytes(2, "big"), "little"), reason, False),
            "The code is big-endian, as every number on the network.",
        ),
        Slip((code, reason.encode(), again), "The reason is text, not bytes."),
        otherwise=without_code.get(payload, ""),
    )


@EXERCISE.case("codes that a server sends", points=2, clause="RFC 6455 §7.4.1")
async def codes(answer: Answer, rng: random.Random) -> None:
    """With and without a reason."""
    for code in SENT:
        reason = rng.choice(["", "bye", "zu groß"])
        what = f"{code} may be sent: is it read as a big-endian number?"
        with explained(ValueError=what):
            await _compare(answer, code.to_bytes(2, "big") + reason.encode(), code, reason)


@EXERCISE.case("an empty Close frame", clause="RFC 6455 §7.1.5")
async def empty(answer: Answer, rng: random.Random) -> None:
    """1005."""
    await _compare(answer, b"", 1005)


@EXERCISE.case("no Close frame at all", clause="RFC 6455 §7.1.5")
async def none(answer: Answer, rng: random.Random) -> None:
    """1006, the one that everybody meets."""
    try:
        await _compare(answer, None, 1006)
    except Raised as error:
        raise Mistake(
            f"payload is None when the connection broke without a Close frame, and it raised "
            f"{error.type}.",
            frame=error.frame,
        ) from None


@EXERCISE.case("what must not be sent", points=2, clause="RFC 6455 §7.4")
async def forbidden(answer: Answer, rng: random.Random) -> None:
    """It raises ValueError."""
    payloads = [(b"\x03", "A Close frame of one byte has half a code.")]
    payloads += [(code.to_bytes(2, "big"), f"{code} must not be sent.") for code in NEVER]
    payloads += [(b"\x03\xe8\xff", "The reason must be UTF-8.")]
    for payload, why in payloads:
        try:
            got = await answer(payload)
        except Raised as error:
            if "ValueError" in error.kinds:
                continue
            raise Mistake(
                f"{why} on_close({payload!r}) must raise ValueError. {error}",
                expected="ValueError",
                got=error.type,
                frame=error.frame,
            ) from None
        raise Mistake(f"{why} It must raise ValueError.", expected="ValueError", got=got)
