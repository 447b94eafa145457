"""What a link does to the bytes that cross it, as a timetable.

``Impairment`` says what is wanted; ``Schedule`` keeps the state of one direction of one connection
and turns arriving bytes into pieces with due times. It does no input or output and reads no clock,
so its arithmetic can be tested on invented times.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, fields
from typing import NamedTuple

from rtlab.arguments import number, one_of, whole, yes_or_no
from rtlab.errors import UsageError

PIECE = 4096
"""Bytes per piece under a bandwidth limit: small enough to be exact to 1 %."""

SLICE_GAP_NS = 500_000
"""Between two slices, so that they do not reach the reader in one read."""

BACKLOG = 32 * 1024
"""Bytes that may wait for a limited bandwidth before the sender is made to wait: an honest modem
has a small buffer. With the system's default buffers a sender of 1 MB would notice nothing."""

WINDOW = 4 << 20
"""Bytes that may be on the way under latency alone, as a TCP window would limit them."""


@dataclass(frozen=True, slots=True)
class Impairment:
    """What one direction of a link does to its bytes. All off by default.

    Attributes:
        latency: seconds added to every byte's way.
        jitter: seconds by which the latency varies, uniformly and either way; order is kept.
        bandwidth: bytes per second; ``None`` is unlimited.
        slicing: the most bytes that go out at a time, half a millisecond apart; ``None`` is off.
        stalled: nothing goes out until this is set to false again; nothing is lost either.
        cut_after: the connection is closed when this many bytes have crossed; ``None`` is off.
        reset_after: the same, ended with a TCP reset.
    """

    latency: float = 0.0
    jitter: float = 0.0
    bandwidth: float | None = None
    slicing: int | None = None
    stalled: bool = False
    cut_after: int | None = None
    reset_after: int | None = None

    def __post_init__(self) -> None:
        number("latency", self.latency, "seconds")
        number("jitter", self.jitter, "seconds")
        if self.bandwidth is not None:
            number("bandwidth", self.bandwidth, "bytes per second", least=1.0)
        if self.slicing is not None:
            whole("slicing", self.slicing, "bytes", least=1)
        yes_or_no("stalled", self.stalled)
        for name in ("cut_after", "reset_after"):
            if getattr(self, name) is not None:
                whole(name, getattr(self, name), "bytes")

    @property
    def limit(self) -> int | None:
        """After how many bytes the connection ends, whichever way."""
        limits = [n for n in (self.cut_after, self.reset_after) if n is not None]
        return min(limits) if limits else None

    @property
    def delays(self) -> bool:
        """Whether bytes cannot simply be passed on."""
        return bool(self.latency or self.jitter or self.bandwidth or self.slicing or self.stalled)

    @property
    def window(self) -> int:
        """How many bytes may be held before the sender has to wait."""
        if self.bandwidth is None:
            return WINDOW
        return BACKLOG + round(self.bandwidth * (self.latency + self.jitter))

    def describe(self) -> str:
        """Return it in a few words."""
        words = []
        if self.latency or self.jitter:
            jitter = f" ± {self.jitter * 1000:g}" if self.jitter else ""
            words.append(f"{self.latency * 1000:g}{jitter} ms")
        if self.bandwidth:
            words.append(f"{self.bandwidth / 1000:g} kB/s")
        if self.slicing:
            words.append(f"slices of {self.slicing} B")
        if self.stalled:
            words.append("stalled")
        if self.cut_after is not None:
            words.append(f"cut after {self.cut_after} B")
        if self.reset_after is not None:
            words.append(f"reset after {self.reset_after} B")
        return ", ".join(words) or "nothing added"


CLEAR = Impairment()


class Profile(NamedTuple):
    """A named pair of impairments and where its figures are from."""

    up: Impairment
    down: Impairment
    source: str


_MEGABIT = 1_000_000 / 8

PROFILES: dict[str, Profile] = {
    "lan": Profile(
        Impairment(latency=0.0005, bandwidth=1000 * _MEGABIT),
        Impairment(latency=0.0005, bandwidth=1000 * _MEGABIT),
        "Gigabit Ethernet (IEEE 802.3ab); half of a 1 ms round trip in a building.",
    ),
    "broadband": Profile(
        Impairment(latency=0.014, jitter=0.002, bandwidth=1 * _MEGABIT),
        Impairment(latency=0.014, jitter=0.002, bandwidth=5 * _MEGABIT),
        "WebPageTest's 'Cable' profile: 5/1 Mbit/s, 28 ms round trip; the jitter is ours.",
    ),
    "4g": Profile(
        Impairment(latency=0.085, jitter=0.010, bandwidth=9 * _MEGABIT),
        Impairment(latency=0.085, jitter=0.010, bandwidth=9 * _MEGABIT),
        "WebPageTest's '4G' profile: 9 Mbit/s, 170 ms round trip; the jitter is ours.",
    ),
    "satellite": Profile(
        Impairment(latency=0.279, jitter=0.010, bandwidth=3 * _MEGABIT),
        Impairment(latency=0.279, jitter=0.010, bandwidth=25 * _MEGABIT),
        "RFC 2488 §2: 279 ms over a geostationary satellite at the edge of its view, 558 ms both "
        "ways; 25/3 Mbit/s was the FCC's benchmark for broadband from 2015; the jitter is ours.",
    ),
}


def profile(name: object) -> Profile:
    """Return a named profile.

    Raises:
        UsageError: there is none of that name; the message names the nearest.
    """
    return PROFILES[one_of("profile", name, PROFILES)]


def make(profile_name: str | None, settings: dict[str, object]) -> tuple[Impairment, Impairment]:
    """Return the impairments up and down for a profile or for single settings.

    Raises:
        UsageError: both are given, or one of them is unknown or out of bounds.
    """
    if profile_name is not None:
        if settings:
            raise UsageError(
                f"Give either profile={profile_name!r} or {', '.join(settings)}: a profile sets "
                "them all."
            )
        chosen = profile(profile_name)
        return chosen.up, chosen.down
    known = [setting.name for setting in fields(Impairment)]
    for name in settings:
        one_of("impairment", name, known)
    both = Impairment(**settings)  # type: ignore[arg-type]
    return both, both


class Schedule:
    """When the bytes of one direction of one connection are due.

    Args:
        impairment: what to do to them; may be replaced at any time.
        rng: where the jitter comes from.
        ready_ns: before this time nothing goes out: the TCP handshake that the link stands for
            would still be under way.
    """

    def __init__(self, impairment: Impairment, rng: random.Random, ready_ns: int = 0) -> None:
        self.impairment = impairment
        self._rng = rng
        self.ready_ns = ready_ns
        self._free_ns = ready_ns  # when the line has sent what it was given
        self._due_ns = 0  # when the last piece is due: later ones may not overtake it

    def pieces(self, now_ns: int, data: bytes) -> list[tuple[int, bytes]]:
        """Return ``data`` in pieces, each with the nanosecond at which it is due."""
        impairment = self.impairment
        size = min(PIECE if impairment.bandwidth else len(data), impairment.slicing or len(data))
        return [
            (self._due(now_ns, min(size, len(data) - start)), data[start : start + size])
            for start in range(0, len(data), size or 1)
        ]

    def end(self, now_ns: int) -> int:
        """Return when the end of the stream is due: it too crosses the line, in order."""
        return self._due(now_ns, 0)

    def _due(self, now_ns: int, size: int) -> int:
        impairment = self.impairment
        self._free_ns = max(now_ns, self._free_ns)
        if impairment.bandwidth:
            self._free_ns += round(size / impairment.bandwidth * 1e9)
        delay = impairment.latency
        if impairment.jitter:
            delay = max(0.0, delay + self._rng.uniform(-impairment.jitter, impairment.jitter))
        self._due_ns = max(self._free_ns + round(delay * 1e9), self._due_ns)
        if impairment.slicing:
            self._free_ns += SLICE_GAP_NS
        return self._due_ns
