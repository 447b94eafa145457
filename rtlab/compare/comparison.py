"""What a comparison found: raw samples, and the figures that are derived from them."""

from __future__ import annotations

import json
import os
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rtlab.arguments import one_of
from rtlab.compare.arrivals import Arrival
from rtlab.compare.scenario import Scenario
from rtlab.link.recording import Recording

if TYPE_CHECKING:
    from rtlab.render.drawing import Drawing

FORMAT = "rtlab-comparison"
VERSION = 1
QUANTILES = {"p50": 0.50, "p90": 0.90, "p99": 0.99, "max": 1.0}


class Sample(NamedTuple):
    """One message at one client.

    Attributes:
        client: the client's number, from 0.
        seq: the message's sequence number.
        published_ns: when it was published (``time.perf_counter_ns``).
        received_ns: when the client had it.
    """

    client: int
    seq: int
    published_ns: int
    received_ns: int


def quantile(values: Sequence[float], share: float) -> float | None:
    """Return the value below which ``share`` of the values lie, interpolated; ``None`` of none."""
    if not values:
        return None
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


@dataclass(frozen=True)
class Result:
    """What was measured of one transport.

    Attributes:
        transport: its name.
        expected: deliveries that there should be: messages times clients.
        samples: every delivery, as it came.
        arrivals: every message at the link.
        bytes_up: bytes that clients sent, everything included.
        bytes_down: bytes that the server sent, everything included.
        opening_up: of these, bytes before the first message was published.
        opening_down: the same from the server.
        payload_size: bytes of the application's data in a message.
        requests: HTTP requests, handshakes included.
        connections: TCP connections.
        cpu_client: seconds of processor time of the clients, from the first message on.
        cpu_server: the same of the server and its link.
        recording: what crossed the link.
        published: sequence number and time of each message.
    """

    transport: str
    expected: int
    samples: tuple[Sample, ...]
    arrivals: tuple[Arrival, ...]
    bytes_up: int
    bytes_down: int
    opening_up: int
    opening_down: int
    payload_size: int
    requests: int
    connections: int
    cpu_client: float
    cpu_server: float
    recording: Recording = field(repr=False)
    published: tuple[tuple[int, int], ...] = field(repr=False)

    @cached_property
    def firsts(self) -> list[Sample]:
        """The first delivery of each message to each client."""
        first: dict[tuple[int, int], Sample] = {}
        for sample in self.samples:
            first.setdefault((sample.client, sample.seq), sample)
        return list(first.values())

    @property
    def delivered(self) -> int:
        """Messages that arrived, each counted once a client."""
        return len(self.firsts)

    @property
    def lost(self) -> int:
        """Messages that never arrived."""
        return self.expected - self.delivered

    @property
    def duplicated(self) -> int:
        """Deliveries of a message that was there already."""
        return len(self.samples) - self.delivered

    @property
    def disordered(self) -> int:
        """Deliveries that came after a later message."""
        newest: Counter[int] = Counter()
        count = 0
        for sample in self.samples:
            count += sample.seq < newest[sample.client]
            newest[sample.client] = max(newest[sample.client], sample.seq)
        return count

    @cached_property
    def latencies(self) -> list[float]:
        """Seconds from publish to the client, one way, of each message that arrived."""
        return [(sample.received_ns - sample.published_ns) / 1e9 for sample in self.firsts]

    def latency(self, share: float = 0.5) -> float | None:
        """Seconds that ``share`` of the messages stay below: 0.5 is the median, 1.0 the most."""
        return quantile(self.latencies, share)

    @cached_property
    def link_latencies(self) -> list[float]:
        """Seconds from publish to where the link hands the message to the client's socket."""
        return [(arrival.forwarded_ns - arrival.published_ns) / 1e9 for arrival in self.arrivals]

    @property
    def overhead(self) -> float | None:
        """Share of all bytes, both ways, that is not the application's data; 0 to 1."""
        total = self.bytes_up + self.bytes_down
        return None if total == 0 else 1 - self.delivered * self.payload_size / total

    def per_message(self, amount: float) -> float | None:
        """Return an amount for each message that arrived."""
        return amount / self.delivered if self.delivered else None

    def as_json(self) -> dict[str, Any]:
        """Return the derived figures; times in seconds, sizes in bytes."""

        def spread(values: Sequence[float]) -> dict[str, float | None]:
            return {name: quantile(values, share) for name, share in QUANTILES.items()}

        return {
            "expected": self.expected,
            "delivered": self.delivered,
            "lost": self.lost,
            "duplicated": self.duplicated,
            "disordered": self.disordered,
            "latency": spread(self.latencies),
            "latency_at_link": spread(self.link_latencies),
            "bytes_up": self.bytes_up,
            "bytes_down": self.bytes_down,
            "opening_bytes_up": self.opening_up,
            "opening_bytes_down": self.opening_down,
            "bytes_up_per_message": self.per_message(self.bytes_up),
            "bytes_down_per_message": self.per_message(self.bytes_down),
            "overhead": self.overhead,
            "requests": self.requests,
            "connections": self.connections,
            "cpu_client": self.cpu_client,
            "cpu_server": self.cpu_server,
        }


@dataclass(frozen=True)
class Comparison:
    """The measured table. Show it as a cell's result, print it, or take it apart.

    Attributes:
        scenario: the conditions.
        results: transport to what was measured of it.
    """

    scenario: Scenario
    results: Mapping[str, Result]

    def __getitem__(self, transport: str) -> Result:
        return self.results[one_of("transport", transport, self.results)]

    @property
    def valid(self) -> bool:
        """Whether every message arrived exactly once, in order, through every transport."""
        return not any(r.lost or r.duplicated or r.disordered for r in self.results.values())

    def figure(self) -> Drawing:
        """Draw the distribution of latency and the bytes per message."""
        from rtlab.render.figure import figure

        return figure(self)

    def ladder(self, *transports: str, last: float | None = None) -> Drawing:
        """Draw what crossed the links, one panel a transport."""
        from rtlab.render.ladder import ladder

        chosen = [self[name] for name in transports] or list(self.results.values())
        return ladder(
            {result.transport: result.recording for result in chosen},
            published={result.transport: result.published for result in chosen},
            title=self.scenario.describe(),
            last=last,
        )

    def as_json(self) -> dict[str, Any]:
        """Return everything but the raw samples; times in seconds, sizes in bytes."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "environment": {
                "python": platform.python_version(),
                "system": f"{platform.system()} {platform.machine()}",
                **{name: version(name) for name in ("aiohttp", "httpx", "websockets")},
            },
            "scenario": self.scenario.as_json(),
            "valid": self.valid,
            "transports": {name: result.as_json() for name, result in self.results.items()},
        }

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write ``as_json`` to a file."""
        Path(path).write_text(json.dumps(self.as_json(), indent=2) + "\n", encoding="utf-8")

    def __repr__(self) -> str:
        from rtlab.render.comparison import as_text

        return as_text(self)

    def _repr_html_(self) -> str:
        from rtlab.render.comparison import as_html

        return as_html(self)
