"""A laboratory for real-time web transports.

    import rtlab

    lab = rtlab.start()                      # four servers, in this very process
    lab.publish({"price": 101.2})            # one message, through all of them
    lab.impair(latency=0.08)                 # a worse wire
    rtlab.Middlebox(lab.url("sse"), "idle")  # a worse path: what stands in between
    lab.ladder()                             # what crossed it
    await rtlab.compare(messages=50)         # measured side by side
    rtlab.dissect(data, "websocket")         # every bit explained
    rtlab.machine("sse")                     # what a client does, as a diagram
    rtlab.check("accept-key", my_function)   # an exercise, checked at once

Importing it opens no socket and imports no server library; names are loaded when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

# Imported, not loaded on demand: loading the package later would bind its name to the module.
from rtlab.compare import compare, compare_sync
from rtlab.dissect import dissect

if TYPE_CHECKING:
    from rtlab.arguments import TRANSPORTS
    from rtlab.backoff import Backoff
    from rtlab.compare.comparison import Comparison
    from rtlab.compare.scenario import Scenario
    from rtlab.diagnosis import doctor
    from rtlab.dissect.field import Dissection, Field
    from rtlab.errors import (
        CursorOutOfRange,
        NotRunning,
        PortInUse,
        RecordingError,
        Refused,
        RtlabError,
        UnexpectedMove,
        UsageError,
    )
    from rtlab.exercises.grading import grade
    from rtlab.exercises.learner import check, exercise, hint, progress, solution
    from rtlab.exercises.quiz import quiz
    from rtlab.feed import Feed, Message
    from rtlab.lab import Lab, start, stop
    from rtlab.link import PROFILES, Impairment, Link, Recording, Segment
    from rtlab.middlebox import Middlebox
    from rtlab.render.picture import picture
    from rtlab.scripts import enable_asyncio_run
    from rtlab.states import Follower, Machine, machine
    from rtlab.subscription import receive, send, subscribe
    from rtlab.transports.delivery import Delivery, Report

_HOMES = {
    "rtlab.arguments": ("TRANSPORTS",),
    "rtlab.backoff": ("Backoff",),
    "rtlab.compare.comparison": ("Comparison",),
    "rtlab.compare.scenario": ("Scenario",),
    "rtlab.diagnosis": ("doctor",),
    "rtlab.dissect.field": ("Dissection", "Field"),
    "rtlab.errors": (
        "CursorOutOfRange",
        "NotRunning",
        "PortInUse",
        "RecordingError",
        "Refused",
        "RtlabError",
        "UnexpectedMove",
        "UsageError",
    ),
    "rtlab.exercises.grading": ("grade",),
    "rtlab.exercises.learner": ("check", "exercise", "hint", "progress", "solution"),
    "rtlab.exercises.quiz": ("quiz",),
    "rtlab.feed": ("Feed", "Message"),
    "rtlab.lab": ("Lab", "start", "stop"),
    "rtlab.link": ("PROFILES", "Impairment", "Link", "Recording", "Segment"),
    "rtlab.middlebox": ("Middlebox",),
    "rtlab.render.picture": ("picture",),
    "rtlab.scripts": ("enable_asyncio_run",),
    "rtlab.states": ("Follower", "Machine", "machine"),
    "rtlab.subscription": ("receive", "send", "subscribe"),
    "rtlab.transports.delivery": ("Delivery", "Report"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "PROFILES",
    "TRANSPORTS",
    "Backoff",
    "Comparison",
    "CursorOutOfRange",
    "Delivery",
    "Dissection",
    "Feed",
    "Field",
    "Follower",
    "Impairment",
    "Lab",
    "Link",
    "Machine",
    "Message",
    "Middlebox",
    "NotRunning",
    "PortInUse",
    "Recording",
    "RecordingError",
    "Refused",
    "Report",
    "RtlabError",
    "Scenario",
    "Segment",
    "UnexpectedMove",
    "UsageError",
    "check",
    "compare",
    "compare_sync",
    "dissect",
    "doctor",
    "enable_asyncio_run",
    "exercise",
    "grade",
    "hint",
    "machine",
    "picture",
    "progress",
    "quiz",
    "receive",
    "send",
    "solution",
    "start",
    "stop",
    "subscribe",
]
__version__ = "0.1.0"


# For rtlab.transports.sse?? in a cell.
_MODULES = (
    *("chat", "exercises", "feed", "lab", "link", "middlebox", "render", "states", "transports"),
    "widgets",
)


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"rtlab.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'rtlab' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
