"""The capstone (notebook 08): a rubric for a feature of one's own."""

from __future__ import annotations

import math
import random
import re
from typing import Any

from rtlab.arguments import TRANSPORTS
from rtlab.exercises.answer import Answer
from rtlab.exercises.exercise import Exercise, Wrong
from rtlab.exercises.mistakes import Mistake

EXERCISE = Exercise(
    name="capstone",
    notebook="08",
    title="Build it, choose, defend",
    takes="value",
    prompt="""\
Build a small live feature, pick its transport, and defend it with your own measurements, in a dict.
`latency` and `bytes_per_message` have the figures of your choice and of at least one other, in
seconds and bytes, as `rtlab.compare` gave them: `comparison["sse"].latency(0.5)`, and the bytes up
and down for each message. `lost` and `twice` are what your client lost, and got twice, when you cut
its link. `because` argues with at least one of these figures; `not_when` says when you would take
another transport, and which.
""",
    stub="""\
capstone = {
    "feature": "",
    "transport": "",
    "latency": {},
    "bytes_per_message": {},
    "lost": None,
    "twice": None,
    "because": "",
    "not_when": "",
}
""",
    solution="""\
capstone = {
    "feature": "the number of free seats in a library, on a screen at its door",
    "transport": "sse",
    "latency": {"sse": 0.081, "websocket": 0.081, "polling": 0.583},
    "bytes_per_message": {"sse": 92, "websocket": 71, "polling": 640},
    "lost": 0,
    "twice": 0,
    "because": "Seats change at any time, and only the server knows. sse shows them after 81 ms, "
    "polling after 583. websocket takes 71 bytes instead of 92, but it needs code to reconnect.",
    "not_when": "If visitors could book a seat on the screen I would take websocket.",
}
""",
    hints=(
        "Measure first: comparison = await rtlab.compare(messages=40, interval=0.5, latency=0.08).",
        "Cut your own feature's link in the middle, and count what came. With a cursor it is all.",
        "If another transport was better in your own figures, say why you do not take it.",
    ),
    wrong=(
        Wrong(
            "nothing to compare with",
            "at least two",
            (('{"sse": 0.081, "websocket": 0.081, "polling": 0.583}', '{"sse": 0.081}'),),
        ),
        Wrong(
            "milliseconds",
            "in seconds",
            (
                (
                    '{"sse": 0.081, "websocket": 0.081, "polling": 0.583}',
                    '{"sse": 81, "websocket": 81, "polling": 583}',
                ),
            ),
        ),
        Wrong(
            "no figure in the argument",
            "one of your own figures",
            (
                ("after 81 ms, ", "soon, "),
                (
                    "polling after 583. websocket takes 71 bytes instead of 92, but it needs "
                    "code to reconnect.",
                    "polling does not, and websocket needs code.",
                ),
            ),
        ),
        Wrong("loses messages", "lost", (('"lost": 0', '"lost": 3'),)),
        Wrong(
            "a better one passed over",
            "why not websocket",
            (("websocket takes 71 bytes instead of 92, but it needs code to reconnect.", ""),),
        ),
        Wrong(
            "no other side",
            "not_when",
            (("If visitors could book a seat on the screen I would take websocket.", "Never."),),
        ),
        Wrong(
            "only its own name",
            "not_when names the transport",
            (
                ('"sse"', '"long_polling"'),
                ("sse shows", "long polling shows"),
                (
                    "If visitors could book a seat on the screen I would take websocket.",
                    "Never: long polling is the best of all.",
                ),
            ),
        ),
        Wrong(
            "no such transport", "no transport", (('"transport": "sse"', '"transport": "http"'),)
        ),
    ),
)

_FIGURES = {"latency": ("seconds", 60.0), "bytes_per_message": ("bytes", 1e7)}


async def _read(answer: Answer) -> dict[str, Any]:
    value = await answer()
    if not isinstance(value, dict):
        raise Mistake("A dict is due, as in the stub.")
    return value


def _text(value: dict[str, Any], name: str, least: int) -> str:
    text = value.get(name)
    if not isinstance(text, str) or len(text.split()) < least:
        raise Mistake(
            f"{name} takes a sentence, of {least} words at least.", expected="text", got=text
        )
    return text


def _named(text: str) -> set[str]:
    """Return the transports that a text names; who says “long polling” does not say “polling”."""
    found = re.findall(r"\b(long[ _-]?polling|polling|sse|websocket)", text.lower())
    return {"long_polling" if name.startswith("long") else name for name in found}


def _transport(value: dict[str, Any]) -> str:
    transport = value.get("transport")
    if transport not in TRANSPORTS:
        raise Mistake(f"{transport!r} is no transport: {', '.join(TRANSPORTS)} are.")
    return str(transport)


def _figures(value: dict[str, Any], name: str) -> dict[str, float]:
    unit, most = _FIGURES[name]
    figures = value.get(name)
    if not isinstance(figures, dict) or len(set(figures) & set(TRANSPORTS)) < 2:
        raise Mistake(
            f"{name} has figures of at least two transports.", expected="two", got=figures
        )
    if _transport(value) not in figures:
        raise Mistake(f"{name} lacks the transport that you chose.")
    for transport, figure in figures.items():
        number = isinstance(figure, (int, float)) and not isinstance(figure, bool)
        if not number or not math.isfinite(figure) or figure <= 0 or figure >= most:
            raise Mistake(
                f"{name} is in {unit}: what is given for {transport} cannot be.",
                expected=f"more than 0, less than {most:g}",
                got=figure,
            )
    return figures


@EXERCISE.case("a feature, and a transport for it")
async def feature(answer: Answer, rng: random.Random) -> None:
    """In a sentence."""
    value = await _read(answer)
    _text(value, "feature", 4)
    _transport(value)


@EXERCISE.case("measured against at least one other", points=2)
async def measured(answer: Answer, rng: random.Random) -> None:
    """Latency and bytes."""
    value = await _read(answer)
    for name in _FIGURES:
        _figures(value, name)


@EXERCISE.case("it survives a cut", points=2)
async def survives(answer: Answer, rng: random.Random) -> None:
    """Nothing lost, nothing twice."""
    value = await _read(answer)
    for name, what in (("lost", "were lost"), ("twice", "came twice")):
        count = value.get(name)
        if count is None:
            raise Mistake(f"{name} is missing: cut its link while messages come, and count.")
        if isinstance(count, bool) or not isinstance(count, int) or count != 0:
            raise Mistake(
                f"When you cut it, {count!r} messages {what}: resume with a cursor, cut it "
                "again, and "
                "count again.",
                expected=0,
                got=count,
            )


@EXERCISE.case("an argument with your own figures", points=2)
async def argued(answer: Answer, rng: random.Random) -> None:
    """A figure in ``because`` is one of those that were measured."""
    value = await _read(answer)
    text = _text(value, "because", 10)
    known = [*_figures(value, "bytes_per_message").values()]
    for seconds in _figures(value, "latency").values():
        known += [seconds, seconds * 1000]
    said = [float(number.replace(",", "")) for number in re.findall(r"\d[\d,]*\.?\d*", text)]
    if not any(math.isclose(a, b, rel_tol=0.06) for a in said for b in known):
        raise Mistake(
            "because has none of one of your own figures: which of them decides?",
            expected=f"one of {', '.join(f'{number:g}' for number in known)}",
            got=said or "no number",
        )


@EXERCISE.case("the others, and why not them", points=2)
async def others(answer: Answer, rng: random.Random) -> None:
    """Who was better in both is to be mentioned."""
    value = await _read(answer)
    chosen, text = _transport(value), _text(value, "because", 10)
    latency, sizes = _figures(value, "latency"), _figures(value, "bytes_per_message")
    for other in set(latency) & set(sizes) - {chosen}:
        better = latency[other] <= latency[chosen] and sizes[other] <= sizes[chosen]
        if better and other not in _named(text):
            raise Mistake(
                f"In your own figures {other} was as fast and as cheap, or better: why not "
                f"{other}? "
                "Say so in because."
            )


@EXERCISE.case("when not")
async def limits(answer: Answer, rng: random.Random) -> None:
    """Every choice has an end."""
    value = await _read(answer)
    text = _text(value, "not_when", 5)
    if not _named(text) - {_transport(value)}:
        raise Mistake(
            "not_when names the transport that you would take then.", got=text, expected="a name"
        )
