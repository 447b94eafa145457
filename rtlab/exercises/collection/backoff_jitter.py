"""Backoff with jitter (notebook 06)."""

from __future__ import annotations

import random
from statistics import fmean

from rtlab.exercises.answer import Answer
from rtlab.exercises.exercise import LATER, Exercise, Wrong
from rtlab.exercises.mistakes import Mistake, explained
from rtlab.exercises.plain import Seeded

EXERCISE = Exercise(
    name="backoff-jitter",
    notebook="06",
    title="Backoff with jitter",
    takes="class",
    prompt="""\
The lesson's `Math.min(1000 * 2 ** retries, 30000)` never counts `retries` up, never back, and sends
all clients back at once. Write a class `Backoff(base, cap, rng)`, all in seconds: `next()` notes a
failure and returns how long to wait, at random between nothing and a ceiling that begins at `base`,
doubles with every failure, and never exceeds `cap`; `reset()` notes a success. All chance comes
from `rng`, a `random.Random`.
""",
    stub='''\
class Backoff:
    """How long to wait before the next attempt."""

    def __init__(self, base, cap, rng):
        self.base, self.cap, self.rng = base, cap, rng
        self.retries = 0

    def next(self):
        """Note a failure and return the seconds to wait."""
        return min(self.base * 2**self.retries, self.cap)

    def reset(self):
        """Note a success."""
''',
    solution='''\
class Backoff:
    """How long to wait before the next attempt."""

    def __init__(self, base, cap, rng):
        self.base, self.cap, self.rng = base, cap, rng
        self.retries = 0

    def next(self):
        """Note a failure and return the seconds to wait."""
        ceiling = min(self.base * 2 ** min(self.retries, 60), self.cap)
        self.retries += 1
        return self.rng.uniform(ceiling / 2, ceiling)

    def reset(self):
        """Note a success."""
        self.retries = 0
''',
    hints=(
        "Who counts retries up? And who sets them back to zero, and when?",
        "rng.uniform(low, high) draws between two numbers. (Half the ceiling is a good low: then "
        "nobody comes back at once.)",
        "Draw first, or limit first? The longest wait must not exceed the cap.",
        "After a night without a server retries is in the thousands: 0.5 * 2**2000 is no float.",
    ),
    wrong=(
        Wrong("never counted up", "does not grow", (("        self.retries += 1\n", ""),)),
        Wrong(
            "never reset",
            "after a success",
            (('"""Note a success."""\n        self.retries = 0\n', '"""Note a success."""\n'),),
        ),
        Wrong("no jitter", "all at once", (("self.rng.uniform(ceiling / 2, ceiling)", "ceiling"),)),
        Wrong(
            "jitter on top of the cap",
            "exceeds the cap",
            (("uniform(ceiling / 2, ceiling)", "uniform(ceiling, 1.5 * ceiling)"),),
        ),
        Wrong(
            "a random second on top",
            "not put on top",
            (("self.rng.uniform(ceiling / 2, ceiling)", "ceiling + self.rng.random()"),),
        ),
        Wrong(
            "OverflowError after a night",
            "OverflowError",
            (("2 ** min(self.retries, 60)", "2.0 ** self.retries"),),
        ),
        Wrong(
            "chance from elsewhere",
            "repeat",
            (("self.rng.uniform", "__import__('random').uniform"),),
        ),
        Wrong(
            "grows by adding", "doubles", (("2 ** min(self.retries, 60)", "(self.retries + 1)"),)
        ),
        Wrong(
            "hardly any jitter",
            "too close together",
            (("ceiling / 2, ceiling", "ceiling * 0.99, ceiling"),),
        ),
    ),
)

BASE, CAP = 0.5, 30.0


async def _delays(answer: Answer, seed: int, count: int) -> list[float]:
    backoff = await answer.make(BASE, CAP, Seeded(seed))
    delays = []
    for _ in range(count):
        delay = await backoff.call("next")
        if isinstance(delay, bool) or not isinstance(delay, (int, float)) or delay < 0:
            raise Mistake("next() returns a number of seconds.", expected="a number", got=delay)
        delays.append(float(delay))
    return delays


@EXERCISE.case("it grows, up to the cap", points=2, timeout=LATER)
async def grows(answer: Answer, rng: random.Random) -> None:
    """The mean of many doubles with every failure."""
    runs = [await _delays(answer, rng.randrange(10**6), 10) for _ in range(60)]
    longest = [max(run[n] for run in runs) for n in range(10)]
    means = [round(fmean(run[n] for run in runs), 2) for n in range(10)]
    if longest[0] > BASE * 1.001 and longest[0] <= 2 * BASE:
        raise (
            Mistake(
                "The first wait is at most base: retries is 0 then, or it exceeds the cap later.",
                expected=f"at most {BASE}",
                got=longest[0],
            )
            if longest[-1] <= CAP * 1.001
            else Mistake(
                f"The longest wait exceeds the cap of {CAP:g} s: draw below the ceiling, not "
                "above it.",
                expected=f"at most {CAP:g}",
                got=max(longest),
            )
        )
    if max(longest) > CAP * 1.001:
        raise Mistake(
            f"The wait exceeds the cap of {CAP:g} s.", expected=f"at most {CAP:g}", got=max(longest)
        )
    if means[5] < 2 * means[0]:
        raise Mistake(
            "The wait does not grow: who counts the failures?",
            expected="means that double, such as 0.4, 0.8, 1.5, 3, …",
            got=means,
        )
    if not 2.5 < means[4] / means[2] < 6.5:
        raise Mistake(
            "The ceiling doubles with every failure; this grows otherwise.",
            expected="means that double, such as 0.4, 0.8, 1.5, 3, …",
            got=means,
        )


@EXERCISE.case("a thousand clients do not come back at once", points=2, timeout=LATER)
async def spread(answer: Answer, rng: random.Random) -> None:
    """Jitter."""
    third = sorted([(await _delays(answer, rng.randrange(10**6), 4))[3] for _ in range(60)])
    if third[0] == third[-1]:
        raise Mistake(
            "Clients that were cut together come back together, all at once: there is no jitter.",
            expected="different waits for different clients",
            got=third[:5],
        )
    if third[-1] - third[0] < 0.3 * third[-1]:
        raise Mistake(
            "Their waits are too close together: draw from at least a third of the ceiling.",
            expected="waits between half the ceiling and the ceiling, or wider",
            got=[round(third[0], 3), round(third[-1], 3)],
        )


@EXERCISE.case("a success begins anew")
async def success(answer: Answer, rng: random.Random) -> None:
    """Else the next hiccup costs half a minute."""
    longest = 0.0
    for _ in range(10):
        backoff = await answer.make(BASE, CAP, Seeded(rng.randrange(10**6)))
        for _ in range(8):
            await backoff.call("next")
        await backoff.call("reset")
        longest = max(longest, await backoff.call("next"))
    if longest > BASE * 1.001:
        why = (
            "is as long as if nothing had gone well: reset() sets the count back."
            if longest > CAP / 3
            else "exceeds base: jitter is drawn below the ceiling, not put on top of it."
        )
        raise Mistake(
            f"The first wait after a success {why}", expected=f"at most {BASE}", got=longest
        )


@EXERCISE.case("the same seed, the same waits")
async def seeded(answer: Answer, rng: random.Random) -> None:
    """So that a test can repeat them."""
    seed = rng.randrange(10**6)
    first, second = await _delays(answer, seed, 5), await _delays(answer, seed, 5)
    if first != second:
        raise Mistake(
            "The same rng does not repeat the same waits: all chance comes from rng.",
            expected=first,
            got=second,
        )


@EXERCISE.case("a night without a server", timeout=LATER)
async def night(answer: Answer, rng: random.Random) -> None:
    """2,000 failures."""
    backoff = await answer.make(BASE, CAP, Seeded(1))
    too_large = "After a night without a server 2 ** retries is no float any more"
    with explained(OverflowError=too_large):
        for _ in range(2_000):
            delay = await backoff.call("next")
    if delay > CAP:
        raise Mistake("The wait exceeds the cap.", expected=f"at most {CAP:g}", got=delay)
