"""The lesson's price ticker, on the browser's own EventSource."""

from __future__ import annotations

import asyncio
import contextlib
import html
import random
import time
from typing import TYPE_CHECKING, Any

from rtlab.arguments import number
from rtlab.errors import NotRunning
from rtlab.render.sparkline import sparkline
from rtlab.render.table import html_table, text_table
from rtlab.widgets.native import NativeView

if TYPE_CHECKING:
    from rtlab.feed import Message
    from rtlab.lab import Lab

FIRST_PRICE = 100.0
STEP = 0.6
"""How far a price goes from one to the next, as a standard deviation."""
FASTEST = 50.0
"""Prices a second that a reader may ask for."""
HISTORY = 120
"""Messages that a page which appears begins with."""
ROWS = 10
"""Prices that are shown where nothing moves."""


class Ticker(NativeView, module="ticker"):
    """The lesson's price ticker: published here, received by the reader's own ``EventSource``.

    While somebody looks, prices are published in the lab's thread, ``{"price": 101.25,
    "timestamp": 1730000000000}``, each a small step from the last one in the feed, whoever
    published that. ``rate=0`` leaves it to ``lab.publish``. When the link is cut, EventSource comes
    back by itself, and what was published meanwhile comes afterwards.

    Args:
        lab: whose SSE server.
        rate: prices a second, up to 50; 0 for none but the reader's own.
        seed: of the prices; ``None`` for others each time.

    Raises:
        UsageError: an argument cannot be used, or the lab has no SSE server.
        NotRunning: the lab is stopped.
    """

    def __init__(self, lab: Lab, rate: float = 2.0, *, seed: int | None = None) -> None:
        self.rate = _checked(rate)
        self._random = random.Random(seed)
        self._looked_at = False
        self._publishing: asyncio.Task[None] | None = None
        self._start = max(lab.feed.oldest - 1, lab.feed.last - HISTORY)
        super().__init__(lab, ["sse"], cursor=self._start, connect=True)

    def snapshot(self) -> dict[str, Any]:
        """Return where the server is, how far the page had come, and what it had seen."""
        cursor = self.reports["sse"].cursor or 0
        return {
            **super().snapshot(),
            "rate": self.rate,
            "start": self._start,
            "history": [
                {"seq": message.seq, "published_ns": message.published_ns, "data": message.data}
                for message in self._prices()
                if self._start < message.seq <= cursor
            ],
        }

    def watched(self, anyone: bool) -> None:
        """Publish prices while somebody looks."""
        self._looked_at = anyone
        self._begin_anew()

    def wish(self, content: dict[str, Any]) -> None:
        """Publish at another rate, or do what every view of this kind does."""
        if content["kind"] == "rate":
            self.rate = _checked(content["rate"])
            self._begin_anew()
        else:
            super().wish(content)

    def ended(self) -> None:
        """Publish no more."""
        self.watched(False)

    def _begin_anew(self) -> None:
        if self._publishing is not None:
            self._publishing.cancel()
        wanted = self._looked_at and self.rate > 0
        self._publishing = asyncio.create_task(self._publish(self.rate)) if wanted else None

    async def _publish(self, rate: float) -> None:
        with contextlib.suppress(NotRunning):
            while True:
                price = max(1.0, self._last_price() + self._random.gauss(0, STEP))
                now = time.time_ns() // 1_000_000
                self.lab.publish({"price": round(price, 2), "timestamp": now})
                await asyncio.sleep(1 / rate)

    def _prices(self) -> list[Message]:
        """The newest messages that have a price, oldest first."""
        newest = self.lab.feed.since(None)[-HISTORY:]
        return [message for message in newest if _price(message) is not None]

    def _last_price(self) -> float:
        prices = self._prices()
        return (_price(prices[-1]) or FIRST_PRICE) if prices else FIRST_PRICE

    # ── where nothing moves ──

    def as_text(self) -> str:
        """Return the newest prices as a table."""
        return f"{self._summary()}\n{text_table(('message', 'price'), self._rows())}"

    def as_html(self) -> str:
        """Return the newest prices as a line and a table."""
        prices = [_price(message) or 0.0 for message in self._prices()]
        summary = self._summary()
        return (
            f"<p>{html.escape(summary)}</p>{sparkline(prices, summary)}"
            f"{html_table(('message', 'price'), self._rows(), 'The newest prices')}"
        )

    def _summary(self) -> str:
        report = self.reports["sse"]
        seen = (
            f"the browser has received {report.received} messages, lost {report.lost}, got "
            f"{report.twice} twice, and came back {report.reconnects} times"
        )
        prices = self._prices()
        now = f"{_price(prices[-1]):.2f}" if prices else "no price yet"
        return f"Price ticker: {now}; {seen}."

    def _rows(self) -> list[tuple[str, str]]:
        newest = self._prices()[-ROWS:]
        return [(str(message.seq), f"{_price(message):.2f}") for message in reversed(newest)]


def _checked(rate: object) -> float:
    return min(number("rate", rate, "prices a second"), FASTEST)


def _price(message: Message) -> float | None:
    """Return the price of a message, ``None`` if it has none."""
    value = message.data.get("price") if isinstance(message.data, dict) else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value)
    except OverflowError:  # JSON has no largest number
        return None
