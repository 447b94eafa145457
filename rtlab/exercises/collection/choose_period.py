"""A period for a budget (notebook 01)."""

from __future__ import annotations

import random

from rtlab.exercises.answer import Answer
from rtlab.exercises.exercise import Exercise, Wrong
from rtlab.exercises.mistakes import Slip, expect

EXERCISE = Exercise(
    name="choose-period",
    notebook="01",
    title="A period for a budget",
    prompt="""\
Write `choose_period(clients, size, budget, staleness)`: each poll moves `size` bytes, all clients
together may use `budget` bits per second, and news may be `staleness` seconds old on average when a
client sees it (leave the wire out of account). Return the shortest period in seconds that the
budget allows; or `None`, if even that one is too long for the staleness.
""",
    stub='''\
def choose_period(clients, size, budget, staleness):
    """Return the shortest period that the budget allows, or None if news would be too old."""
    period = ...
    return period
''',
    solution='''\
def choose_period(clients, size, budget, staleness):
    """Return the shortest period that the budget allows, or None if news would be too old."""
    period = clients * size * 8 / budget
    if period / 2 > staleness:
        return None
    return period
''',
    hints=(
        "Turn the formula of polling-cost round: which period makes the cost equal to the budget?",
        "A message comes at any moment between two polls. How long does it wait on average?",
        "It waits half the period. So there is an answer if period / 2 is at most the staleness.",
    ),
    wrong=(
        Wrong("the worst case for the mean", "half the period", (("period / 2 >", "period >"),)),
        Wrong("bytes for bits", "eight bits", ((" * 8", ""),)),
        Wrong("the longest one", "longest", (("return period", "return 2 * staleness"),)),
        Wrong("never None", "None is due", (("        return None", "        pass"),)),
    ),
)


async def _compare(answer: Answer, clients: int, size: int, budget: int, staleness: float) -> None:
    period = clients * size * 8 / budget
    right = period if period / 2 <= staleness else None
    got = await answer(clients, size, budget, staleness)
    slips = [
        Slip(period / 8, "The budget is in bits: a byte has eight bits."),
        Slip(1 / period, "This is how often each may ask, not the period between two questions."),
    ]
    if right is None:
        slips.append(
            Slip(period, "None is due: with this period news is older than it may be, on average.")
        )
    else:
        longest = (
            "This is the longest period that the staleness allows, not the shortest in the budget."
        )
        slips += [
            Slip(2 * staleness, longest),
            Slip(
                None,
                "There is a period that keeps both: news waits half the period on average, not the "
                "whole of it.",
            ),
        ]
    expect(got, right, *slips)


@EXERCISE.case("plenty of room")
async def easy(answer: Answer, rng: random.Random) -> None:
    """1,000 clients, 1 kB, 10 Mbit/s: 0.8 s."""
    await _compare(answer, 1_000, 1_000, 10_000_000, 5.0)


@EXERCISE.case("just fresh enough on average, though not in the worst case", points=2)
async def close(answer: Answer, rng: random.Random) -> None:
    """The mean is half the period."""
    for _ in range(5):
        clients, size = rng.randint(100, 5_000), rng.randint(300, 1_200)
        period = rng.uniform(1, 20)
        await _compare(answer, clients, size, round(clients * size * 8 / period), period * 0.7)


@EXERCISE.case("no period does both")
async def impossible(answer: Answer, rng: random.Random) -> None:
    """A budget can ask too much."""
    for _ in range(5):
        clients, size = rng.randint(100, 5_000), rng.randint(300, 1_200)
        period = rng.uniform(1, 20)
        await _compare(answer, clients, size, round(clients * size * 8 / period), period * 0.3)
