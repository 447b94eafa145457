"""What the machines of the four Python clients have in common."""

from __future__ import annotations

from rtlab.states.table import DELIVERY, START, State, Transition

NO_ANSWER = "no answer, or 5xx"
MAY_PASS = "Nobody there, cut, or too slow; or 5xx, 408 or 429, which may pass."
LEAVE = "refused, or you leave"


def begin(note: str, reference: str) -> Transition:
    """The first move."""
    return Transition(START, "subscribe()", "connecting", note, reference, "connecting")


def message(reference: str) -> Transition:
    """A message comes, and is yielded."""
    return Transition("open", "a message", "open", "It moves the cursor on.", reference, DELIVERY)


def reconnecting(ready_state: int | None = None) -> State:
    """The state between two attempts."""
    return State(
        "reconnecting",
        "The client waits, longer after each failure and with jitter, before it tries again.",
        "rtlab.backoff",
        ready_state,
    )


def closed(ready_state: int | None = None) -> State:
    """The last state."""
    return State(
        "closed",
        "The subscription has ended. Nothing comes after it.",
        "rtlab.transports.delivery",
        ready_state,
    )
