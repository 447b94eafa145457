"""How old news is when it is seen (notebook 01)."""

from __future__ import annotations

import random

from rtlab.exercises.answer import Answer
from rtlab.exercises.exercise import Exercise, Wrong
from rtlab.exercises.mistakes import Slip, expect

EXERCISE = Exercise(
    name="staleness",
    notebook="01",
    title="How old news is when it is seen",
    prompt="""\
Write `staleness(published, first, period)`: a client asks at `first`, then every `period`, for
ever. All times are whole milliseconds. Return a list: for each time in `published`, how many
milliseconds pass until the first question at or after it. (Take the wire to be infinitely fast.)
""",
    stub='''\
def staleness(published, first, period):
    """Return, for each time of publishing, how long it takes until somebody asks."""
    return [... for at in published]
''',
    solution='''\
def staleness(published, first, period):
    """Return, for each time of publishing, how long it takes until somebody asks."""
    return [first - at if at < first else (first - at) % period for at in published]
''',
    hints=(
        "Draw a line with the questions on it, and a message between two of them.",
        "What is published in the very moment of a question waits 0, not a whole period.",
        "In Python, (first - at) % period is never negative. What if the first question is far "
        "off?",
    ),
    wrong=(
        Wrong(
            "the question before",
            "the question before",
            (("(first - at) % period", "(at - first) % period"),),
        ),
        Wrong(
            "a whole period for none",
            "in the very moment",
            (("(first - at) % period", "period - (at - first) % period"),),
        ),
        Wrong(
            "always the mean",
            "the mean",
            (("first - at if at < first else (first - at) % period", "period / 2"),),
        ),
        Wrong(
            "before the first",
            "before the first question",
            (("first - at if at < first else ", ""),),
        ),
    ),
)


def _wait(at: int, first: int, period: int) -> int:
    return first - at if at < first else (first - at) % period


async def _compare(answer: Answer, published: list[int], first: int, period: int) -> None:
    def slip(message: str, *waits: float) -> Slip:
        return Slip(list(waits), message)

    right = [_wait(at, first, period) for at in published]
    expect(
        await answer(published, first, period),
        right,
        slip(
            "This counts from the question before: how long ago somebody asked, not how long "
            "until somebody does.",
            *(at - first if at < first else (at - first) % period for at in published),
        ),
        slip(
            "This counts from the question before: how long ago somebody asked, not how long "
            "until somebody does.",
            *(first - at if at < first else (at - first) % period for at in published),
        ),
        slip(
            "What is published in the very moment of a question waits 0, not a whole period.",
            *(wait or period for wait in right),
        ),
        slip("This is the mean, period / 2, for every message.", *([period / 2] * len(right))),
        slip(
            "What is published long before the first question waits for that one: nobody asks "
            "before the first question.",
            *((first - at) % period for at in published),
        ),
    )


@EXERCISE.case("between two questions")
async def between(answer: Answer, rng: random.Random) -> None:
    """The plain case."""
    await _compare(answer, [1100, 1500, 1999, 2001, 7250], 1000, 1000)


@EXERCISE.case("in the very moment of a question")
async def at_once(answer: Answer, rng: random.Random) -> None:
    """Not a whole period."""
    await _compare(answer, [1000, 1250, 3500, 3400], 1000, 500)


@EXERCISE.case("before the first question, and any other time", points=2)
async def before(answer: Answer, rng: random.Random) -> None:
    """Nobody asks before the first question."""
    for _ in range(10):
        period, first = rng.randint(50, 2_000), rng.randint(3_000, 9_000)
        await _compare(answer, sorted(rng.sample(range(20_000), 20)), first, period)
