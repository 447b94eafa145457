"""The claim of 500:1 (notebook 07)."""

from __future__ import annotations

import random

from rtlab.exercises.answer import Answer
from rtlab.exercises.exercise import Exercise, Wrong
from rtlab.exercises.mistakes import Slip, expect

EXERCISE = Exercise(
    name="claim-audit",
    notebook="07",
    title="The claim of 500:1",
    prompt="""\
“WebSocket reduces overhead by 500:1.” Write `ratio(http, payload, masked, packet)`: how many times
more overhead a polled message has than one in a WebSocket frame. Polling costs `http` bytes of
headers over two packets, request and answer. The frame costs its header, which depends on the size
of the `payload` and on whether it is `masked`, in one packet. Each packet adds `packet` bytes of
TCP and IP (0 leaves them out).
""",
    stub='''\
def ratio(http, payload, masked, packet):
    """Return the overhead of polling by that of a frame."""
    return http / 2
''',
    solution='''\
def ratio(http, payload, masked, packet):
    """Return the overhead of polling by that of a frame."""
    header = 2 if payload < 126 else 4 if payload < 65_536 else 10
    if masked:
        header += 4
    return (http + 2 * packet) / (header + packet)
''',
    hints=(
        "871 bytes against 2 are 435.5:1, and that is where the claim is from.",
        "A frame's header has 2, 4 or 10 bytes, and 4 more for the key if a client sends it.",
        "TCP and IP add about 40 bytes to every packet: twice to a poll, once to a frame.",
    ),
    wrong=(
        Wrong(
            "always two bytes",
            "126",
            (("2 if payload < 126 else 4 if payload < 65_536 else 10", "2"),),
        ),
        Wrong("mask forgotten", "masking key", (("header += 4", "header += 0"),)),
        Wrong("one packet for both", "two packets", (("2 * packet", "packet"),)),
        Wrong("TCP on one side only", "both sides", (("(header + packet)", "header"),)),
        Wrong("125 too long", "125 bytes", (("payload < 126", "payload < 125"),)),
        Wrong(
            "TCP and IP left out",
            "left out",
            (("2 * packet", "0"), ("(header + packet)", "header")),
        ),
        Wrong("the length without what is before it", "a length of eight", (("10", "8"),)),
        Wrong(
            "the payload counted",
            "no overhead",
            (("(header + packet)", "(header + payload + packet)"),),
        ),
    ),
)


def _header(payload: int) -> int:
    return 2 if payload < 126 else 4 if payload < 2**16 else 10


async def _compare(answer: Answer, http: int, payload: int, masked: bool, packet: int) -> None:
    header = _header(payload) + (4 if masked else 0)
    top = http + 2 * packet
    slips = [
        Slip((http + packet) / (header + packet), "A poll takes two packets: request and answer."),
        Slip(
            top / header, "TCP and IP count on both sides: the frame travels in a packet as well."
        ),
        Slip(http / (header + packet), "TCP and IP count on both sides: a poll takes two packets."),
        Slip(
            top / (header + payload + packet), "The payload is no overhead: it is what is wanted."
        ),
    ]
    if masked:
        what = "What a client sends is masked: 4 more bytes for the masking key."
        slips.append(Slip(top / (header - 4 + packet), what))
    if payload == 125:
        slips.append(Slip(top / (header + 2 + packet), "125 bytes still fit the short header."))
    if payload >= 2**16:
        what = "From 65,536 bytes on the header has 10 bytes: two, and a length of eight."
        slips.append(Slip(top / (header - 2 + packet), what))
    if packet:
        what = "TCP and IP are left out: packet bytes for each packet, on both sides."
        slips.append(Slip(http / header, what))
    if payload >= 126:
        what = "From 126 bytes on a frame's header is longer: 4 bytes, and 10 from 65,536 on."
        slips.append(Slip(top / (header - _header(payload) + 2 + packet), what))
    expect(await answer(http, payload, masked, packet), top / (header + packet), *slips)


@EXERCISE.case("as claimed: 871 bytes against 2")
async def claimed(answer: Answer, rng: random.Random) -> None:
    """435.5, which was rounded up to 500."""
    await _compare(answer, 871, 20, False, 0)


@EXERCISE.case("from the client, so masked", clause="RFC 6455 §5.3")
async def masked(answer: Answer, rng: random.Random) -> None:
    """145:1."""
    await _compare(answer, 871, 20, True, 0)


@EXERCISE.case("messages of other sizes", clause="RFC 6455 §5.2")
async def sizes(answer: Answer, rng: random.Random) -> None:
    """At the edges."""
    for payload in (125, 126, 65_535, 65_536):
        await _compare(answer, 871, payload, False, 0)


@EXERCISE.case("with TCP and IP, whatever the figures", points=2)
async def packets(answer: Answer, rng: random.Random) -> None:
    """22.6:1 for the claimed ones."""
    await _compare(answer, 871, 20, False, 40)
    for _ in range(10):
        await _compare(
            answer,
            rng.randint(100, 900),
            rng.choice([5, 125, 300, 70_000]),
            rng.random() < 0.5,
            rng.choice([40, 52, 60]),
        )
