"""Where long polling begins to ask more often than polling (notebook 02)."""

from __future__ import annotations

import random

from rtlab.exercises.answer import Answer
from rtlab.exercises.exercise import Exercise, Wrong
from rtlab.exercises.mistakes import Slip, expect

EXERCISE = Exercise(
    name="crossover",
    notebook="02",
    title="Where the curves cross",
    prompt="""\
Write `crossover(rate, period, round_trip, hold)`. Messages come evenly, `rate` a second. A polling
client asks every `period` seconds. A long-polling client asks again as soon as it has an answer,
which takes a `round_trip`; the server answers at once if there is news, otherwise with the next
message. Without any the client has an empty answer `hold` seconds after it asked, the round trip
included. (`hold` is longer than `period` and `round_trip`.)

Return three numbers: the requests per second of polling, those of long polling, and the rate of
messages beyond which long polling makes more of them; `None` for that one if it never does.
""",
    stub='''\
def crossover(rate, period, round_trip, hold):
    """Return requests/s of polling, of long polling, and the rate at which they are equal."""
    polling = ...
    long_polling = ...
    return polling, long_polling, ...
''',
    solution='''\
def crossover(rate, period, round_trip, hold):
    """Return requests/s of polling, of long polling, and the rate at which they are equal."""
    polling = 1 / period
    long_polling = min(max(rate, 1 / hold), 1 / round_trip)
    equal = 1 / period if period > round_trip else None
    return polling, long_polling, equal
''',
    hints=(
        "Polling does not care how many messages there are. Long polling makes one request for "
        "each answer: how many answers are there?",
        "Slow: an answer for each message, but at least one every hold seconds. Fast: messages "
        "that come during a round trip share the next answer, so there are at most 1 / round_trip.",
        "It is min(max(rate, 1 / hold), 1 / round_trip). It can exceed 1 / period only if a round "
        "trip is shorter than the period.",
    ),
    wrong=(
        Wrong(
            "no bound above",
            "share an answer",
            (("min(max(rate, 1 / hold), 1 / round_trip)", "max(rate, 1 / hold)"),),
        ),
        Wrong("silent when quiet", "empty-handed", (("max(rate, 1 / hold)", "rate"),)),
        Wrong(
            "held, and a round trip",
            "the round trip is in them",
            (("1 / hold", "1 / (hold + round_trip)"),),
        ),
        Wrong(
            "always a crossing", "never makes more", ((" if period > round_trip else None", ""),)
        ),
        Wrong(
            "a period for a rate",
            "a period, not a rate",
            (("equal = 1 / period", "equal = period"),),
        ),
    ),
)


async def _compare(
    answer: Answer, rate: float, period: float, round_trip: float, hold: float
) -> None:
    polling = 1 / period
    long_polling = min(max(rate, 1 / hold), 1 / round_trip)
    equal = 1 / period if period > round_trip else None
    got = await answer(rate, period, round_trip, hold)
    right = (polling, long_polling, equal)
    parts = list(got) if isinstance(got, (list, tuple)) and len(got) == 3 else None
    if parts is None:
        expect(got, right, otherwise="Three numbers are due: polling, long polling, the crossing.")
        return
    expect(
        parts[0],
        polling,
        Slip(rate / period, "Polling asks every period, however many messages there are."),
        Slip(period, "This is the period of polling, not how often it asks in a second."),
        otherwise="The first number is not that of polling.",
    )
    expect(
        parts[1],
        long_polling,
        Slip(
            max(rate, 1 / hold),
            "Messages that come faster than a round trip share an answer: there are at most "
            "1 / round_trip requests a second.",
        ),
        Slip(
            min(rate, 1 / round_trip),
            "Even when nothing happens the server answers empty-handed after hold seconds, and the "
            "client asks again.",
        ),
        Slip(
            min(max(rate, 1 / (hold + round_trip)), 1 / round_trip),
            "The hold seconds end when the client has the empty answer: the round trip is in them.",
        ),
        otherwise="The second number is not that of long polling.",
    )
    expect(
        parts[2],
        equal,
        Slip(period, "The third number is a period, not a rate: messages per second."),
        Slip(
            1 / period,
            "Here long polling never makes more requests: a round trip takes longer than a period.",
        ),
        Slip(None, "There is a rate beyond which long polling makes more requests."),
        otherwise="The third number is not the rate at which both make as many requests.",
    )


@EXERCISE.case("a message now and then")
async def slow(answer: Answer, rng: random.Random) -> None:
    """One request a message."""
    await _compare(answer, 0.2, 1.0, 0.1, 25)


@EXERCISE.case("nothing happens")
async def quiet(answer: Answer, rng: random.Random) -> None:
    """The held request still comes back."""
    await _compare(answer, 0.0, 5.0, 0.1, 25)


@EXERCISE.case("messages faster than a round trip")
async def fast(answer: Answer, rng: random.Random) -> None:
    """They share an answer."""
    await _compare(answer, 200.0, 1.0, 0.1, 25)


@EXERCISE.case("any other figures", points=2)
async def others(answer: Answer, rng: random.Random) -> None:
    """Also where the curves never cross."""
    for _ in range(20):
        period, round_trip = rng.uniform(0.05, 5), rng.uniform(0.01, 0.6)
        hold = max(period, round_trip) * rng.uniform(2, 20)
        await _compare(answer, rng.choice([0.01, 0.5, 3, 40]), period, round_trip, hold)
    await _compare(answer, 10, 0.2, 0.56, 25)
