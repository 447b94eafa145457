"""What polling costs (notebook 01): fill in a formula."""

from __future__ import annotations

import random

from rtlab.exercises.answer import Answer
from rtlab.exercises.exercise import Exercise, Wrong
from rtlab.exercises.mistakes import Slip, expect

EXERCISE = Exercise(
    name="polling-cost",
    notebook="01",
    title="What polling costs",
    prompt="""\
Write `polling_cost(clients, period, up, down)`: so many clients each ask once in `period` seconds,
with a request of `up` bytes and an answer of `down` bytes. Return two numbers: requests per second,
and megabits per second (10⁶ bits) over both directions.
""",
    stub='''\
def polling_cost(clients, period, up, down):
    """Return requests per second and megabits per second."""
    requests = ...
    megabits = ...
    return requests, megabits
''',
    solution='''\
def polling_cost(clients, period, up, down):
    """Return requests per second and megabits per second."""
    requests = clients / period
    megabits = requests * (up + down) * 8 / 1_000_000
    return requests, megabits
''',
    hints=(
        "How many requests does one client make in a second, if it makes one in a minute?",
        "Every request costs its own bytes and those of its answer. A byte has eight bits.",
        "For 10,000 clients, 60 s and 850 bytes in all it is 167 requests/s and 1.13 Mbit/s.",
    ),
    wrong=(
        Wrong("bytes for bits", "eight bits", ((" * 8", ""),)),
        Wrong("only the request", "the answer", (("(up + down)", "up"),)),
        Wrong(
            "multiplied by the period",
            "divided by the period",
            (("clients / period", "clients * period"),),
        ),
        Wrong("mebibits", "2²⁰", (("1_000_000", "2**20"),)),
    ),
)


def _cost(clients: int, period: float, size: float, mega: float = 1e6) -> tuple[float, float]:
    requests = clients / period
    return requests, requests * size * 8 / mega


async def _compare(answer: Answer, clients: int, period: float, up: int, down: int) -> None:
    size = up + down
    times_period = clients * period
    requests, megabits = _cost(clients, period, size)
    expect(
        await answer(clients, period, up, down),
        (requests, megabits),
        Slip((requests, megabits / 8), "These are megabytes: a byte has eight bits."),
        Slip(_cost(clients, period, up), "Only the request is counted: the answer has bytes, too."),
        Slip(
            _cost(clients, period, down), "Only the answer is counted: the request has bytes, too."
        ),
        Slip(_cost(clients, period, size, 2**20), "A megabit is 10⁶ bits; 2²⁰ are a mebibit."),
        Slip(_cost(clients, period, size, 1), "These are bits per second, not megabits."),
        Slip(
            (times_period, times_period * size * 8 / 1e6),
            "The number of clients is to be divided by the period: who asks less often costs less.",
        ),
        Slip((megabits, requests), "The two numbers are in the wrong order: requests come first."),
    )


@EXERCISE.case(
    "10,000 clients, once a minute, 850 bytes: as High Performance Browser Networking has it"
)
async def known(answer: Answer, rng: random.Random) -> None:
    """167 requests/s and 1.13 Mbit/s."""
    await _compare(answer, 10_000, 60, 500, 350)


@EXERCISE.case("the same every second")
async def faster(answer: Answer, rng: random.Random) -> None:
    """68 Mbit/s, for no news at all."""
    await _compare(answer, 10_000, 1, 500, 350)


@EXERCISE.case("ten other sets of figures", points=2)
async def others(answer: Answer, rng: random.Random) -> None:
    """Whatever the figures."""
    for _ in range(10):
        period = rng.choice([0.25, 0.5, 2, 5, 30, 90])
        await _compare(
            answer, rng.randint(1, 10**6), period, rng.randint(80, 900), rng.randint(20, 900)
        )
