"""Which transport, and why (notebook 08)."""

from __future__ import annotations

import random
from typing import Any, NamedTuple

from rtlab.arguments import TRANSPORTS
from rtlab.exercises.answer import Answer
from rtlab.exercises.exercise import Exercise, Run, Wrong
from rtlab.exercises.mistakes import Mistake
from rtlab.exercises.plain import Other

REASONS = {
    "both ways": "both sides have news at any time",
    "down only": "only the server has news; what goes up is seldom, and can be POSTed",
    "fast": "many small messages a second up and down: bytes and milliseconds count",
    "seldom": "news is seldom, or may be minutes late",
    "sleeping": "the client sleeps most of the time and cannot keep a connection open",
}

EXERCISE = Exercise(
    name="choose-transport",
    notebook="08",
    title="Which transport, and why",
    takes="value",
    prompt="""\
Fill in the dict: for each of seven features a transport and the reason that decides, as a pair. The
transports are polling, long_polling, sse and websocket; the reasons:

"""
    + "\n".join(f"- `{name}`: {what};" for name, what in REASONS.items())
    + """

The features: a **chat** (people type, all see it at once); a **ticker** (prices, several a second);
a **game** (positions of players, 20 a second from each); a **dashboard** on a wall (figures that
change every few minutes); **editing** a text together (every keystroke of everybody);
**notifications** (must be seen within seconds); an **iot** sensor with a battery (reports once an
hour and fetches its settings then).
""",
    stub="""\
choice = {
    "chat": ("websocket", ...),
    "ticker": ("websocket", ...),
    "game": ("websocket", ...),
    "dashboard": ("websocket", ...),
    "editing": ("websocket", ...),
    "notifications": ("websocket", ...),
    "iot": ("websocket", ...),
}
""",
    solution="""\
choice = {
    "chat": ("websocket", "both ways"),
    "ticker": ("sse", "down only"),
    "game": ("websocket", "fast"),
    "dashboard": ("polling", "seldom"),
    "editing": ("websocket", "both ways"),
    "notifications": ("sse", "down only"),
    "iot": ("polling", "sleeping"),
}
""",
    hints=(
        "First ask who has news. If it is only the server, why pay for the other direction?",
        "Then ask how late it may be. If minutes are fine, the simplest thing that works will do.",
        "What goes up now and then can be POSTed: then SSE is enough even for a chat.",
    ),
    wrong=(
        Wrong(
            "WebSocket for everything",
            "a direction that nobody uses",
            (('("sse", "down only"),\n    "game"', '("websocket", "both ways"),\n    "game"'),),
        ),
        Wrong("a game over SSE", "POST", (('("websocket", "fast")', '("sse", "fast")'),)),
        Wrong(
            "polling for notifications",
            "late",
            (('"notifications": ("sse", "down only")', '"notifications": ("polling", "seldom")'),),
        ),
        Wrong(
            "right, for a wrong reason",
            "the reason",
            (('"ticker": ("sse", "down only")', '"ticker": ("sse", "fast")'),),
        ),
        Wrong(
            "two reasons at once",
            "One reason",
            (('("websocket", "fast")', '("websocket", ["both ways", "fast"])'),),
        ),
        Wrong(
            "a sensor that stays connected",
            "sleeps",
            (('"iot": ("polling", "sleeping")', '"iot": ("websocket", "both ways")'),),
        ),
        Wrong(
            "a transport that is none",
            "no transport",
            (('("polling", "seldom")', '("rest", "seldom")'),),
        ),
    ),
)


class Scenario(NamedTuple):
    """A feature: what serves it, for which reasons, and what to say of what does not."""

    good: dict[str, tuple[str, ...]]
    bad: dict[str, str]


_UNUSED = "It works, but you pay for a direction that nobody uses, and reconnect by hand."
_LATE = "News is late by half a period on average; ask more often and it costs more."
_HOLDS = "It works, but every message costs a request; SSE does the same with one answer."
_POSTS = "Every keystroke or move would be a POST with some 500 bytes of headers."

SCENARIOS = {
    "chat": Scenario(
        {"websocket": ("both ways",), "sse": ("down only",)},
        {"polling": _LATE, "long_polling": _HOLDS},
    ),
    "ticker": Scenario(
        {"sse": ("down only",)}, {"websocket": _UNUSED, "polling": _LATE, "long_polling": _HOLDS}
    ),
    "game": Scenario(
        {"websocket": ("fast", "both ways")},
        {"sse": _POSTS, "polling": _LATE, "long_polling": _HOLDS},
    ),
    "dashboard": Scenario(
        {"polling": ("seldom",), "sse": ("down only",)},
        {
            "websocket": _UNUSED,
            "long_polling": "A held request a wall, for figures that may be late.",
        },
    ),
    "editing": Scenario(
        {"websocket": ("both ways", "fast")},
        {"sse": _POSTS, "polling": _LATE, "long_polling": _HOLDS},
    ),
    "notifications": Scenario(
        {"sse": ("down only",), "long_polling": ("down only",)},
        {"websocket": _UNUSED, "polling": _LATE + " They must be seen within seconds."},
    ),
    "iot": Scenario(
        {"polling": ("sleeping", "seldom")},
        dict.fromkeys(
            ("sse", "websocket", "long_polling"),
            "It sleeps most of the time: a connection that is open keeps its radio on.",
        ),
    ),
}


def judge(feature: str, choice: Any) -> None:
    """Judge what was chosen for one feature.

    Raises:
        Mistake: it does not serve, or not for this reason.
    """
    if not isinstance(choice, dict):
        raise Mistake("A dict is due: feature to (transport, reason).")
    pair = choice.get(feature)
    if not isinstance(pair, (list, tuple)) or len(pair) != 2:
        raise Mistake(
            f"There is no pair (transport, reason) for {feature!r}.", got=pair, expected="a pair"
        )
    transport, reason = pair
    if transport not in TRANSPORTS:
        raise Mistake(f"{transport!r} is no transport: {', '.join(TRANSPORTS)} are.")
    scenario = SCENARIOS[feature]
    if transport in scenario.bad:
        raise Mistake(scenario.bad[transport])
    if isinstance(reason, Other):
        raise Mistake("There is still a “...” to fill in: the reason.")
    if not isinstance(reason, str):
        raise Mistake(
            "One reason of the list is due, as text: the one that decides.",
            expected="one reason",
            got=reason,
        )
    if reason not in REASONS:
        raise Mistake(f"{reason!r} is no reason of the list: {', '.join(REASONS)}.")
    if reason not in scenario.good[transport]:
        raise Mistake(
            f"{transport} serves, but the reason is another than that {REASONS[reason]}. What is "
            "it "
            "that decides here?"
        )


def _case(feature: str) -> Run:
    async def run(answer: Answer, rng: random.Random) -> None:
        judge(feature, await answer())

    return run


for _feature in SCENARIOS:
    EXERCISE.case(_feature)(_case(_feature))
