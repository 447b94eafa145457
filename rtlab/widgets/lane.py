"""A lane: the client of one transport, and what is known of each message's way to it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from rtlab.subscription import subscribe
from rtlab.transports.delivery import Delivery, Report
from rtlab.widgets.crossings import Crossings
from rtlab.widgets.rows import Rows

if TYPE_CHECKING:
    from rtlab.lab import Lab, Row

HELD = 5000
"""Rows of each kind that a page which is loaded again gets back."""
RECENT_NS = 10_000_000_000
"""How far back the latencies that are shown go."""


class Count(NamedTuple):
    """What was counted of a lane, from the beginning or since ``count_anew``.

    Attributes:
        transport: its name.
        client: what its client does: ``open``, ``reconnecting in 0.7 s``, ...
        delivered: messages that the client received, each once.
        lost: messages that it will never receive: the feed no longer held them.
        duplicated: messages that it received once more.
        requests: how many the server received; of WebSocket, handshakes.
        bytes_up: bytes that clients sent over the link, those of other cells included.
        bytes_down: bytes that the server sent over it.
    """

    transport: str
    client: str
    delivered: int
    lost: int
    duplicated: int
    requests: int
    bytes_up: int
    bytes_down: int


class Lane:
    """A client of one transport, and what is known of each message's way to it.

    Attributes:
        messages: a row each: its number; in ms since the epoch, when it was published, when the
            link had it, when the client had it.
        crossings: what else crossed the link, a row each: its kind, and when it began and ended.
        begin: the newest message that there was when the client began.
        last: the newest message that it has.
    """

    def __init__(self, lab: Lab, transport: str, epoch_ns: int) -> None:
        self.transport = transport
        self.messages = Rows(4, HELD)
        self.crossings = Rows(3, HELD)
        self.begin = self.last = 0
        self.client = "not started"
        self.delivered = self.lost = self.duplicated = 0
        self._lab = lab
        self._epoch_ns = epoch_ns
        self._crossings = Crossings(lab.recording(transport))
        self._arrived: list[tuple[int, int, int]] = []
        self._subscriptions = 0

    async def follow(self, **options: Any) -> None:
        """Subscribe after ``last``, until cancelled."""
        self._subscriptions += 1
        number = self._subscriptions

        def listen(report: Report) -> None:
            # News does not change what it does, and the one before may say goodbye later.
            if report.state != "lost" and number == self._subscriptions:
                self.client = _words(report)

        url = self._lab.url(self.transport)
        stream: AsyncGenerator[Delivery, None] = subscribe(
            url, self.transport, self.last, listener=listen, **options
        )
        async with aclosing(stream):
            async for message, received_ns in stream:
                self._take(message.seq, message.published_ns, received_ns)

    def _take(self, seq: int, published_ns: int, received_ns: int) -> None:
        # A feed is read in order: what is jumped over will not come any more.
        if seq <= self.last:
            self.duplicated += 1
            return
        self.lost += seq - self.last - 1
        self.delivered += 1
        self.last = seq
        self._arrived.append((seq, published_ns, received_ns))

    def look(self) -> None:
        """Put what has happened since the last look into the rows."""
        epoch = self._epoch_ns
        for crossing in self._crossings.look():
            began, ended = crossing.began_ns - epoch, crossing.ended_ns - epoch
            self.crossings.add(crossing.kind, began / 1e6, ended / 1e6)
        arrived, self._arrived = self._arrived, []
        for seq, published_ns, received_ns in arrived:
            sent_ns = max(published_ns, self._crossings.sent(received_ns))
            times = (at - epoch for at in (published_ns, sent_ns, received_ns))
            self.messages.add(seq, *(at / 1e6 for at in times))

    def count(self, row: Row, before: Row) -> Count:
        """Return what was counted, if the lab's table said ``before`` when it began."""
        return Count(
            self.transport,
            self.client,
            self.delivered,
            self.lost,
            self.duplicated,
            row.requests - before.requests,
            row.bytes_up - before.bytes_up,
            row.bytes_down - before.bytes_down,
        )

    def latency(self, now_ns: int) -> float | None:
        """The median latency of the last ten seconds, in ms."""
        begin = (now_ns - self._epoch_ns - RECENT_NS) / 1e6
        recent = [row[3] - row[1] for row in self.messages if row[3] > begin]
        return median(recent) if recent else None


def _words(report: Report) -> str:
    if report.state == "reconnecting":
        return f"reconnecting in {report.delay:.1f} s"
    return f"closed: {report.detail}" if report.state == "closed" else report.state
