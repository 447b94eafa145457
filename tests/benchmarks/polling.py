"""A question on an open connection: the delayed-ACK trap would show here as 40 ms."""

from __future__ import annotations

import rtlab
from tests.benchmarks.report import at_most, elsewhere


def main() -> None:
    """Print the round trips."""
    with rtlab.Lab(["polling"]) as lab:
        lab.publish({"price": 1})
        linked = elsewhere("poll", url=lab.url("polling"), rounds=500)
        direct = elsewhere("poll", url=lab.url("polling", direct=True), rounds=500)
    at_most("polling round trip through the link, httpx", linked["httpx"], "ms", 5)
    at_most("polling round trip through the link, raw socket", linked["raw"], "ms", 5)
    at_most("polling round trip, direct, raw socket", direct["raw"], "ms", 5)
