"""FeelIt: dots that follow the reader's pointer by way of the server, one for each transport."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

from rtlab.arguments import number, whole
from rtlab.errors import RtlabError
from rtlab.link.segment import Direction
from rtlab.log import logger
from rtlab.render.table import html_table, text_table
from rtlab.widgets.base import LiveView
from rtlab.widgets.native import for_pages

if TYPE_CHECKING:
    from rtlab.lab import Lab

USES = ("ways", "lesson", "holding", "feel_lane", "feel_pad")
MOST_RATE = 30
"""Positions a second for each transport: all of them see those of all others."""
MOST_LATENCY = 0.5
"""Seconds each way that the page can ask for."""
LONGEST_CUT = 60.0
"""Seconds for which a reader may have the links turn connections away."""
BOTH: tuple[Direction, Direction] = ("up", "down")
COLUMNS = ("transport", "sent", "back", "median lag", "p95 lag")
WHAT = (
    "Lag: from when the page sent a position until it got it back by way of the server, up and "
    "down, on the page's own clock."
)

_log = logger("widgets")


class Lag(NamedTuple):
    """What a page measured of one transport: round trips on its own clock.

    Attributes:
        sent: positions that it sent.
        back: how many of them came back.
        median: seconds, over the newest ones; ``None`` if none came back.
        p95: the same, that 95 % stay below.
    """

    sent: int = 0
    back: int = 0
    median: float | None = None
    p95: float | None = None

    @classmethod
    def read(cls, told: dict[str, Any]) -> Lag:
        """Take what a page tells.

        Raises:
            UsageError: it is no measurement.
            LookupError: something is missing.
        """
        lags = [told["median"], told["p95"]]
        return cls(
            whole("sent", told["sent"]),
            whole("back", told["back"]),
            *(None if lag is None else number("lag", lag, "seconds") for lag in lags),
        )


class FeelIt(LiveView, module="feel_it", uses=USES):
    """A dot for each transport that follows the reader's pointer by way of the server.

    It is what a game or a shared cursor feels like over each of them, under the same latency. The
    page sends positions up, HTTP transports by POST (one at a time, always the newest), WebSocket
    on its connection, and gets them back as messages; WebSocket as the acknowledgement that ends
    the same round trip. Clients are the browser's own. The positions are messages of the lab's
    feed, and every other client of the lab gets them as well.

    Attributes:
        lags: for each transport what the page has measured so far.

    Args:
        lab: whose transports to feel.
        transports: which of them; all of the lab's if not given.
        rate: positions a second for each transport, 1 to 30.
        period: seconds between two questions of the polling client.

    Raises:
        UsageError: the lab has no such transport, or a number is out of its bounds.
        NotRunning: the lab is stopped.
    """

    def __init__(
        self,
        lab: Lab,
        transports: Iterable[str] | None = None,
        *,
        rate: int = 20,
        period: float = 0.5,
    ) -> None:
        self.lags = {name: Lag() for name in for_pages(lab, transports)}
        self._rate = whole("rate", rate, "positions a second", least=1, most=MOST_RATE)
        self._period = number("period", period, "seconds", above=True)
        self._told: dict[str, Any] = {}
        super().__init__(lab)

    # ── what the page gets ──

    def snapshot(self) -> dict[str, Any]:
        """Return where the servers are, the state of the links, and what was measured."""
        return {
            "urls": {name: self.lab.url(name) for name in self.lags},
            "beside": self.lab.url(next(iter(self.lags)), direct=True),
            "lags": {name: lag._asdict() for name, lag in self.lags.items()},
            "rate": self._rate,
            "period": self._period,
            **self._now(),
        }

    def beat(self) -> dict[str, Any] | None:
        """Return the state of the links and of the feed, if it has changed."""
        now = self._now()
        if now == self._told:
            return None
        self._told = now
        return now

    def _now(self) -> dict[str, Any]:
        links = [self.lab.link(name) for name in self.lags]
        ways = [link.impairment(way).latency for link in links for way in BOTH]
        return {"latency": max(ways, default=0.0), "last": self.lab.feed.last}

    # ── what the page asks for ──

    def asked(self, content: dict[str, Any]) -> None:
        """Change or cut the links, keep what was measured; what cannot be done goes to the log."""
        try:
            match content["kind"]:
                case "impair":
                    latency = number("latency", content["latency"], "seconds")
                    self._set_latency(min(latency, MOST_LATENCY))
                case "cut":
                    seconds = number("seconds", content["seconds"], "seconds")
                    for name in self.lags:
                        self.lab.cut(name, min(seconds, LONGEST_CUT))
                case "lags":
                    told = {name: Lag.read(lag) for name, lag in content["lags"].items()}
                    self.lags |= {name: lag for name, lag in told.items() if name in self.lags}
        except (RtlabError, LookupError, TypeError, AttributeError) as error:
            _log.warning("a page asked for what cannot be done: %r", error)

    def _set_latency(self, latency: float) -> None:
        for name in self.lags:
            for way in BOTH:
                others = asdict(self.lab.link(name).impairment(way))
                self.lab.impair(name, way, **{**others, "latency": latency})

    # ── without any script ──

    def as_text(self) -> str:
        """Return what was measured, as a table in text."""
        return f"{text_table(COLUMNS, self._rows())}\n{WHAT}"

    def as_html(self) -> str:
        """Return the same as HTML."""
        return f"{html_table(COLUMNS, self._rows())}<p>{escape(WHAT)}</p>"

    def _rows(self) -> list[tuple[str, int, int, str, str]]:
        return [
            (name, lag.sent, lag.back, _in_ms(lag.median), _in_ms(lag.p95))
            for name, lag in self.lags.items()
        ]


def _in_ms(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.0f} ms"
