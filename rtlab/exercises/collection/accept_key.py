"""The accept key (notebook 04): fill in three lines."""

from __future__ import annotations

import base64
import hashlib
import random

from rtlab.dissect.accept_key import GUID
from rtlab.examples import ACCEPT, KEY
from rtlab.exercises.answer import Answer
from rtlab.exercises.exercise import Exercise, Wrong
from rtlab.exercises.mistakes import Slip, expect

EXERCISE = Exercise(
    name="accept-key",
    notebook="04",
    title="The accept key",
    prompt="""\
Write `accept_key(key)`: given the text of a `Sec-WebSocket-Key` header, return the text of the
`Sec-WebSocket-Accept` that answers it (RFC 6455 §4.2.2). Spaces around the key do not count.
""",
    stub='''\
import base64
import hashlib

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def accept_key(key):
    """Return the Sec-WebSocket-Accept for a Sec-WebSocket-Key."""
    digest = hashlib.sha1(...).digest()
    return ...
''',
    solution='''\
import base64
import hashlib

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def accept_key(key):
    """Return the Sec-WebSocket-Accept for a Sec-WebSocket-Key."""
    digest = hashlib.sha1((key.strip() + GUID).encode()).digest()
    return base64.b64encode(digest).decode()
''',
    hints=(
        "Three steps: append the GUID to the key, take the SHA-1 of that, write it in Base64.",
        "The key is appended as the text that it is. Nobody decodes its Base64.",
        "hashlib wants bytes, so encode() the text; b64encode gives bytes, so decode() them.",
    ),
    wrong=(
        Wrong("hexadecimal", "hexadecimal", (("digest()", "hexdigest().encode()"),)),
        Wrong("no GUID", "GUID is missing", (("key.strip() + GUID", "key.strip()"),)),
        Wrong(
            "the key decoded first",
            "decoded from Base64",
            (("(key.strip() + GUID).encode()", "base64.b64decode(key) + GUID.encode()"),),
        ),
        Wrong("bytes", "bytes where text is due", (("(digest).decode()", "(digest)"),)),
        Wrong("spaces kept", "spaces", (("key.strip()", "key"),)),
    ),
)


def _accept(text: bytes) -> str:
    return base64.b64encode(hashlib.sha1(text).digest()).decode()


def _slips(key: str) -> list[Slip]:
    text = (key + GUID).encode()
    digest = hashlib.sha1(text)
    hexadecimal = digest.hexdigest()
    in_hex = "The digest is written in hexadecimal: what Base64 takes is its 20 bytes, digest()."
    return [
        Slip(hexadecimal, in_hex),
        Slip(base64.b64encode(hexadecimal.encode()).decode(), in_hex),
        Slip(_accept(key.encode()), "The GUID is missing: it is appended to the key."),
        Slip(_accept((GUID + key).encode()), "The GUID comes after the key, not before it."),
        Slip(
            _accept(base64.b64decode(key) + GUID.encode()),
            "The key was decoded from Base64 first: it is appended to as the text that it is.",
        ),
        Slip(_accept((key + GUID.lower()).encode()), "The GUID is written with capitals, A to F."),
    ]


@EXERCISE.case("the key of the standard", clause="RFC 6455 §1.3")
async def sample(answer: Answer, rng: random.Random) -> None:
    """What everybody can look up."""
    expect(await answer(KEY), ACCEPT, *_slips(KEY))


@EXERCISE.case("ten keys that nobody has seen", points=2, clause="RFC 6455 §4.2.2")
async def fresh(answer: Answer, rng: random.Random) -> None:
    """A returned constant is no answer."""
    for _ in range(10):
        key = base64.b64encode(rng.randbytes(16)).decode()
        expect(await answer(key), _accept((key + GUID).encode()), *_slips(key))


@EXERCISE.case("a key with spaces around it", clause="RFC 6455 §4.2.2")
async def spaced(answer: Answer, rng: random.Random) -> None:
    """“with any leading and trailing whitespace removed”."""
    expect(
        await answer(f" {KEY} "),
        ACCEPT,
        Slip(
            _accept(f" {KEY} {GUID}".encode()),
            "The spaces around the key were taken for part of it.",
        ),
    )
