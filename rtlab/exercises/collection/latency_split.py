"""Propagation and queueing (notebook 07)."""

from __future__ import annotations

import random

from rtlab.exercises.answer import Answer
from rtlab.exercises.exercise import Exercise, Wrong
from rtlab.exercises.mistakes import Slip, expect

EXERCISE = Exercise(
    name="latency-split",
    notebook="07",
    title="What a transport can remove",
    prompt="""\
Write `split(samples, round_trip)`: `samples` is a list of `(published, received)` in milliseconds,
taken over a wire with this `round_trip`. Return two things: the list of how long each message
waited apart from the way itself (its queueing), and the share of the whole latency that another
transport could remove at best: all queueing by all latency.
""",
    stub='''\
def split(samples, round_trip):
    """Return the queueing of each message, and the share of it in the whole latency."""
    queueing = [received - published for published, received in samples]
    return queueing, 1.0
''',
    solution='''\
def split(samples, round_trip):
    """Return the queueing of each message, and the share of it in the whole latency."""
    one_way = round_trip / 2
    latencies = [received - published for published, received in samples]
    queueing = [latency - one_way for latency in latencies]
    return queueing, sum(queueing) / sum(latencies)
''',
    hints=(
        "A message crosses the wire once, not there and back.",
        "Take the way off each latency: what is left is waiting, and waiting is up to the "
        "transport.",
        "Divide sums, not means of quotients: a long wait counts for more than a short one.",
    ),
    wrong=(
        Wrong("a round trip for one way", "there and back", (("round_trip / 2", "round_trip"),)),
        Wrong("the way not taken off", "way itself", (("latency - one_way", "latency"),)),
        Wrong(
            "mean of quotients",
            "mean of quotients",
            (
                (
                    "sum(queueing) / sum(latencies)",
                    "sum(q / l for q, l in zip(queueing, latencies)) / len(samples)",
                ),
            ),
        ),
        Wrong(
            "the other share",
            "no transport can remove",
            (("sum(queueing) / sum(latencies)", "1 - sum(queueing) / sum(latencies)"),),
        ),
        Wrong(
            "percent",
            "per cent",
            (("sum(queueing) / sum(latencies)", "100 * sum(queueing) / sum(latencies)"),),
        ),
    ),
)


async def _compare(answer: Answer, samples: list[tuple[int, int]], round_trip: int) -> None:
    latencies = [received - published for published, received in samples]
    queueing = [latency - round_trip / 2 for latency in latencies]
    share = sum(queueing) / sum(latencies)
    got = await answer(samples, round_trip)
    if not isinstance(got, (list, tuple)) or len(got) != 2:
        expect(got, (queueing, share), otherwise="Two things are due: a list, and a share.")
        return
    expect(
        got[0],
        queueing,
        Slip(latencies, "The way itself is still in it: half a round trip."),
        Slip(
            [latency - round_trip for latency in latencies],
            "A message goes one way, not there and back: half a round trip.",
        ),
    )
    quotients = [part / whole for part, whole in zip(queueing, latencies, strict=True)]
    expect(
        got[1],
        share,
        Slip(1 - share, "This is the share that no transport can remove: the way itself."),
        Slip(100 * share, "A share is a number from 0 to 1; this is in per cent."),
        Slip(
            sum(quotients) / len(quotients),
            "This is the mean of quotients: divide the sum of all waiting by that of all "
            "latencies.",
        ),
        otherwise="This is not the share of queueing in the whole latency.",
    )


@EXERCISE.case("polling every second over 80 ms each way")
async def polling(answer: Answer, rng: random.Random) -> None:
    """Nearly all of it can be removed."""
    await _compare(answer, [(0, 580), (400, 1080), (900, 1080), (1500, 2080)], 160)


@EXERCISE.case("no waiting at all")
async def none(answer: Answer, rng: random.Random) -> None:
    """Then no transport helps."""
    await _compare(answer, [(0, 80), (400, 480)], 160)


@EXERCISE.case("any samples", points=2)
async def anything(answer: Answer, rng: random.Random) -> None:
    """Of different length."""
    for _ in range(10):
        round_trip = rng.randrange(2, 600, 2)
        starts = [rng.randrange(10_000) for _ in range(8)]
        samples = [(at, at + round_trip // 2 + rng.randrange(1, 900)) for at in starts]
        await _compare(answer, samples, round_trip)
