"""Checks of what people pass in: one message per mistake, with the way out."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable

from rtlab.errors import UsageError

_ALIASES = {
    "ws": "websocket",
    "wss": "websocket",
    "eventsource": "sse",
    "server_sent_events": "sse",
    "comet": "long_polling",
    "http": "http1",
    "h2": "http2",
    "size": "payload_size",
}
"""What people call things elsewhere."""

MOST = 1e12
"""Beyond this no number of seconds, bytes or bytes per second means anything."""

TRANSPORTS = ("polling", "long_polling", "sse", "websocket")
KNOWN = (*TRANSPORTS, "http2")
"""What a lab can serve: the four, and event streams and WebSockets over HTTP/2."""
OVER_HTTP2 = ("sse", "websocket")
"""What a client can use over HTTP/2."""


def one_of(kind: str, name: object, known: Iterable[str]) -> str:
    """Return ``name`` if it is known.

    Raises:
        UsageError: it is not; the message names the nearest known one.
    """
    names = list(known)
    hint = ""
    if isinstance(name, str):
        if name in names:
            return name
        plain = name.lower().replace("-", "_").replace(" ", "_")
        near = [known for known in names if known.lower() == plain]
        plain = _ALIASES.get(plain, plain)
        near = near or difflib.get_close_matches(plain, names, n=1, cutoff=0.4)
        hint = f"Did you mean {near[0]!r}? " if near else ""
    shown = repr(name) if isinstance(name, (str, int, float)) else f"of {type(name)}"
    raise UsageError(f"There is no {kind} {shown}. {hint}Known: {', '.join(names)}.")


def transports(names: object) -> tuple[str, ...]:
    """Return transport names, each once, in the order given; ``None`` means all four."""
    if names is None:
        return TRANSPORTS
    given = [names] if isinstance(names, str) else names
    if not isinstance(given, Iterable):
        raise UsageError(f"transports must be names such as {TRANSPORTS}, not {names!r}.")
    chosen = tuple(dict.fromkeys(one_of("transport", name, KNOWN) for name in given))
    if not chosen:
        raise UsageError(f"Choose at least one transport of {', '.join(KNOWN)}.")
    return chosen


def number(
    name: str,
    value: object,
    unit: str,
    *,
    least: float = 0.0,
    most: float = MOST,
    above: bool = False,
) -> float:
    """Return ``value`` as a float of at least (with ``above``: more than) ``least``.

    Raises:
        UsageError: it is no number, NaN, too small or too large; without ``most`` absurdly large.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise UsageError(f"{name} must be a number of {unit}, not {value!r}.")
    try:
        result = float(value)
    except OverflowError:
        result = math.inf
    if not least <= result <= most or (above and result == least):
        bound = f"more than {least:g}" if above else f"{least:g} or more"
        if result > most or most < MOST:
            bound += f", and at most {most:g}"
        raise UsageError(f"{name} must be {bound} {unit}, not {value!r}.")
    return result


def whole(
    name: str, value: object, unit: str = "", *, least: int = 0, most: int | None = None
) -> int:
    """Return ``value`` as an int between ``least`` and ``most``.

    Raises:
        UsageError: it is no whole number, or out of bounds.
    """
    in_bounds = (
        isinstance(value, int)
        and not isinstance(value, bool)
        and value >= least
        and (most is None or value <= most)
    )
    if not in_bounds:
        bound = f"{least} or more" if most is None else f"{least} to {most}"
        kind = f"whole number of {unit}" if unit else "whole number"
        raise UsageError(f"{name} must be a {kind}, {bound}, not {value!r}.")
    assert isinstance(value, int)
    return value


def yes_or_no(name: str, value: object) -> bool:
    """Return ``value`` if it is True or False.

    Raises:
        UsageError: it is neither.
    """
    if not isinstance(value, bool):
        raise UsageError(f"{name} must be True or False, not {value!r}.")
    return value
