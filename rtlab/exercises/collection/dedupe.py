"""From at least once to exactly once (notebook 06)."""

from __future__ import annotations

import random

from rtlab.exercises.answer import Answer
from rtlab.exercises.exercise import Exercise, Wrong
from rtlab.exercises.mistakes import Slip, expect

EXERCISE = Exercise(
    name="dedupe",
    notebook="06",
    title="From at least once to exactly once",
    prompt="""\
Write `dedupe(received, cursor)`. `received` is a list of messages `(seq, data)` as they came over
several connections, one after another: each of them in order, but a new one may begin with what was
seen already. `cursor` is the last `seq` seen before. Return three things: the list of those
messages that are new; the new cursor; and the list of numbers that were skipped, and so are lost.
""",
    stub='''\
def dedupe(received, cursor):
    """Return new messages, the new cursor, and the numbers that are lost."""
    fresh, lost = [], []
    for seq, data in received:
        fresh.append((seq, data))
    return fresh, cursor, lost
''',
    solution='''\
def dedupe(received, cursor):
    """Return new messages, the new cursor, and the numbers that are lost."""
    fresh, lost = [], []
    for seq, data in received:
        if seq > cursor:
            lost += range(cursor + 1, seq)
            fresh.append((seq, data))
            cursor = seq
    return fresh, cursor, lost
''',
    hints=(
        "What is the smallest thing to remember, to know whether a message is new?",
        "The cursor alone is enough: what is not beyond it was seen already.",
        "If the next one is not cursor + 1, the numbers between were skipped.",
    ),
    wrong=(
        Wrong(
            "only neighbours compared", "came twice", (("if seq > cursor:", "if seq != cursor:"),)
        ),
        Wrong(
            "by content",
            "same data",
            (("if seq > cursor:", "if seq > cursor and data not in [d for _, d in fresh]:"),),
        ),
        Wrong(
            "off by one",
            "seen before",
            (
                ("if seq > cursor:", "if seq >= cursor:"),
                ("            cursor = seq\n", "            cursor = seq + 1\n"),
                ("range(cursor + 1, seq)", "range(cursor, seq)"),
            ),
        ),
        Wrong(
            "cursor not returned",
            "the new cursor",
            (
                (
                    "return fresh, cursor, lost",
                    "return fresh, received[0][0] if received else cursor, lost",
                ),
            ),
        ),
        Wrong("losses unseen", "skipped", (("            lost += range(cursor + 1, seq)\n", ""),)),
    ),
)

Message = tuple[int, str]


def _dedupe(received: list[Message], cursor: int) -> tuple[list[Message], int, list[int]]:
    fresh: list[Message] = []
    lost: list[int] = []
    for seq, data in received:
        if seq > cursor:
            lost += range(cursor + 1, seq)
            fresh.append((seq, data))
            cursor = seq
    return fresh, cursor, lost


async def _compare(answer: Answer, received: list[Message], cursor: int) -> None:
    right = fresh, last, lost = _dedupe(received, cursor)
    got = await answer(received, cursor)
    if not isinstance(got, (list, tuple)) or len(got) != 3:
        expect(got, right, otherwise="Three things are due: new messages, cursor, lost numbers.")
        return
    what = "These are not the messages that are new."
    if isinstance(got[0], (list, tuple)):
        came = [tuple(one) for one in got[0] if isinstance(one, (list, tuple))]
        if len(set(came)) < len(came):
            what = "A message came twice: one that is not beyond the cursor was seen already."
        elif any(one not in fresh for one in came):
            what = "A message that was seen before is among the new ones."
        elif any(one not in came for one in fresh):
            texts = [data for _, data in fresh]
            same = len(set(texts)) < len(texts)
            what = "A new message was dropped" + (
                ": two messages may have the same data, what tells them apart is their number."
                if same
                else ": it is beyond the cursor."
            )
    expect(got[0], fresh, otherwise=what)
    expect(got[1], last, otherwise="This is not the new cursor: the last number that was seen.")
    expect(
        got[2],
        lost,
        Slip([], "Numbers were skipped, and not said to be lost."),
        otherwise="These are not the numbers that were skipped.",
    )


@EXERCISE.case("a new connection repeats what was seen")
async def repeated(answer: Answer, rng: random.Random) -> None:
    """1 2 3, and again 2 3 4."""
    await _compare(answer, [(1, "a"), (2, "b"), (3, "c"), (2, "b"), (3, "c"), (4, "d")], 0)


@EXERCISE.case("a cursor from before, and nothing new")
async def resumed(answer: Answer, rng: random.Random) -> None:
    """The edges."""
    await _compare(answer, [(5, "e"), (6, "f")], 5)
    await _compare(answer, [(4, "d"), (5, "e")], 5)
    await _compare(answer, [], 7)


@EXERCISE.case("the same words twice")
async def words(answer: Answer, rng: random.Random) -> None:
    """Two messages may say the same."""
    await _compare(answer, [(1, "ok"), (2, "ok"), (3, "no"), (4, "ok")], 0)


@EXERCISE.case("losses")
async def lost(answer: Answer, rng: random.Random) -> None:
    """What the server no longer had."""
    await _compare(answer, [(3, "c"), (4, "d"), (8, "h")], 0)


@EXERCISE.case("any number of connections", points=2)
async def anything(answer: Answer, rng: random.Random) -> None:
    """All of it at once."""
    for _ in range(20):
        # Drawn once: what the server no longer has comes over none of the connections.
        held = [(seq, rng.choice("abc")) for seq in range(1, 50) if rng.random() < 0.8]
        seen = rng.randint(0, 3)
        cursor = held[seen - 1][0] if seen else 0
        received: list[Message] = []
        for _ in range(rng.randint(1, 6)):
            start = max(0, seen - rng.randint(0, 3))
            stop = start + rng.randint(0, 5)
            received += held[start:stop]
            seen = max(seen, stop)
        await _compare(answer, received, cursor)
