"""All exercises, by name, in the order of the course; a module is loaded when it is asked for."""

from __future__ import annotations

from importlib import import_module

from rtlab.arguments import one_of
from rtlab.exercises.exercise import Exercise

_HOMES = {
    "polling-cost": "polling_cost",
    "choose-period": "choose_period",
    "staleness": "staleness",
    "long-poll-client": "long_poll_client",
    "crossover": "crossover",
    "sse-encode": "sse_encode",
    "sse-parser": "sse_parser",
    "sse-resume": "sse_resume",
    "accept-key": "accept_key",
    "handshake-server": "handshake_server",
    "unmask": "unmask",
    "frame-encode": "frame_encode",
    "frame-decode": "frame_decode",
    "close-codes": "close_codes",
    "chat-server": "chat_server",
    "rooms": "rooms",
    "backoff-jitter": "backoff_jitter",
    "dedupe": "dedupe",
    "exactly-once": "exactly_once",
    "claim-audit": "claim_audit",
    "latency-split": "latency_split",
    "middlebox": "middlebox",
    "fallback": "fallback",
    "choose-transport": "choose_transport",
    "capstone": "capstone",
}
NAMES = tuple(_HOMES)
"""Of all exercises, in the order of the course."""


def find(name: object) -> Exercise:
    """Return an exercise.

    Raises:
        UsageError: there is none of that name; the message names the nearest.
    """
    home = _HOMES[one_of("exercise", name, NAMES)]
    exercise: Exercise = import_module(f"rtlab.exercises.collection.{home}").EXERCISE
    return exercise


def everything() -> list[Exercise]:
    """Return all exercises, in the order of the course."""
    return [find(name) for name in NAMES]
