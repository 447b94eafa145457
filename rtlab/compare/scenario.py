"""What is to be compared, and under which conditions."""

from __future__ import annotations

import random
import string
from dataclasses import asdict, dataclass
from typing import Any

from rtlab.arguments import OVER_HTTP2, TRANSPORTS, number, one_of, whole
from rtlab.feed import MAX_MESSAGE, to_json
from rtlab.link.impairment import CLEAR, Impairment

LEAST_PAYLOAD = 32


@dataclass(frozen=True, slots=True)
class Scenario:
    """The conditions of a comparison; the arguments of ``rtlab.compare``, checked.

    Attributes:
        messages: how many each client is to receive.
        interval: mean seconds between two.
        transports: which ones.
        payload_size: bytes of JSON of the application's data in each message.
        clients: subscribers per transport.
        period: seconds between two questions of a polling client.
        up: what the link does to the clients' bytes.
        down: what it does to the servers'.
        profile: the name of the two, if they have one.
        deflate: whether WebSocket compresses.
        over: what the clients of HTTP/2 use: ``sse`` or ``websocket``.
        seed: of everything random.
    """

    messages: int = 50
    interval: float = 0.1
    transports: tuple[str, ...] = TRANSPORTS
    payload_size: int = 100
    clients: int = 1
    period: float = 1.0
    up: Impairment = CLEAR
    down: Impairment = CLEAR
    profile: str | None = None
    deflate: bool = False
    over: str = "sse"
    seed: int = 0

    def __post_init__(self) -> None:
        whole("messages", self.messages, "messages", least=1, most=1_000_000)
        number("interval", self.interval, "seconds", above=True)
        whole("payload_size", self.payload_size, "bytes", least=LEAST_PAYLOAD, most=MAX_MESSAGE)
        whole("clients", self.clients, "clients", least=1, most=10_000)
        number("period", self.period, "seconds", above=True)
        one_of("transport over HTTP/2", self.over, OVER_HTTP2)

    def times(self) -> list[float]:
        """When each message is due, in seconds from the beginning: once in every interval."""
        rng = random.Random(f"{self.seed}/times")
        return [(place + rng.random()) * self.interval for place in range(self.messages)]

    def payloads(self) -> list[dict[str, Any]]:
        """The data of each message, exactly ``payload_size`` bytes of JSON."""
        rng = random.Random(f"{self.seed}/payloads")
        payloads = []
        for place in range(self.messages):
            frame = len(to_json({"n": place, "text": ""}))
            text = "".join(rng.choices(string.ascii_letters, k=self.payload_size - frame))
            payloads.append({"n": place, "text": text})
        return payloads

    @property
    def round_trip(self) -> float:
        """Seconds that the link adds to a question and its answer, at the most."""
        return sum(way.latency + way.jitter for way in (self.up, self.down))

    def describe(self) -> str:
        """Return the conditions in a line."""
        way = f"{self.down.describe()} each way"
        if self.up != self.down:
            way = f"{self.up.describe()} up, {self.down.describe()} down"
        if self.profile:
            way = f"{self.profile} ({way})"
        over = f"; over HTTP/2 {self.over}" if "http2" in self.transports else ""
        who = "1 client" if self.clients == 1 else f"{self.clients} clients"
        return (
            f"{self.messages} messages of {self.payload_size} bytes, one every "
            f"{self.interval:g} s, to {who} per transport; {way}; polling every {self.period:g} s"
            f"{over}; seed {self.seed}"
        )

    def as_json(self) -> dict[str, Any]:
        """Return all conditions for a JSON file."""
        return asdict(self)
