"""The kinds of middleboxes by their names, and those that leave the answers alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from rtlab.arguments import number, one_of
from rtlab.errors import UsageError
from rtlab.middlebox.buffering import Buffering
from rtlab.middlebox.caching import Caching
from rtlab.middlebox.compressing import Compressing
from rtlab.middlebox.kind import Kind

Ending = Literal["cut", "reset"]


@dataclass(frozen=True, slots=True)
class Idle(Kind):
    """Kills a connection on which nothing was said for a while, in either direction.

    So do load balancers and firewalls, most after a minute, some much sooner.

    Attributes:
        seconds: how long it waits.
        ending: ``"cut"`` for an orderly end (FIN), ``"reset"`` for a TCP reset (RST).
    """

    seconds: float = 60.0
    ending: Ending = "cut"

    def __post_init__(self) -> None:
        number("seconds", self.seconds, "seconds", above=True)
        one_of("ending", self.ending, ("cut", "reset"))


@dataclass(frozen=True, slots=True)
class NoUpgrade(Kind):
    """Knows nothing of WebSocket, and so takes ``Upgrade`` out of every request.

    It is right to: the header is for the next hop only (RFC 9110 §7.6.1, §7.8), and a proxy that
    cannot do what it asks for must not forward it. The server sees a plain GET. nginx is like
    this until it is told otherwise.
    """


KINDS: dict[str, type[Kind]] = {
    "transparent": Kind,
    "buffering": Buffering,
    "idle": Idle,
    "no-upgrade": NoUpgrade,
    "compressing": Compressing,
    "caching": Caching,
}


def make(name: str, settings: dict[str, Any]) -> Kind:
    """Return a kind by its name and settings.

    Raises:
        UsageError: a name is unknown or a value out of bounds; the message says what is known.
    """
    kind = KINDS[one_of("kind of middlebox", name, KINDS)]
    known = [setting.name for setting in fields(kind) if setting.init]
    for setting in settings:
        if not known:
            raise UsageError(f"A {name} middlebox has no settings: leave out {setting}.")
        one_of(f"setting of a {name} middlebox", setting, known)
    return kind(**settings)


def describe(name: str, settings: Mapping[str, Any]) -> str:
    """Return name and settings in one line."""
    return ", ".join([name, *(f"{setting}={value!r}" for setting, value in settings.items())])
