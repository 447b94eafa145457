"""Four lanes: the same messages through each transport, live, over a link to be made worse."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from html import escape
from typing import TYPE_CHECKING, Any

from rtlab.arguments import number, one_of
from rtlab.errors import RtlabError
from rtlab.link.impairment import CLEAR
from rtlab.link.segment import Direction
from rtlab.render.table import Cell, html_table, text_table
from rtlab.widgets.base import LiveView
from rtlab.widgets.lane import HELD, Count
from rtlab.widgets.traffic import LINGER, Traffic

if TYPE_CHECKING:
    from rtlab.lab import Lab
    from rtlab.link.impairment import Impairment

WAYS: tuple[Direction, Direction] = ("up", "down")
BEHIND = 0.3
"""Seconds by which the page draws later than things happen: until then it has heard of them."""
MOST_TRANSIT = 3.0
"""Seconds of latency, at the most, for which it waits as well: it draws what it knows to arrive."""
MOST_LATENCY = 0.5
"""Seconds each way that the page can ask for; a cell may set more."""
SAID_FOR = 8.0
"""Seconds for which it is said what came of a wish."""
LEAST_BANDWIDTH = 1000.0
"""Bytes per second: with less, one answer takes longer than anybody looks."""


class Lanes(LiveView, module="lanes", uses=("motion", "controls", "lanes_drawing")):
    """Messages on their way from server to client, through every transport of a lab, in real time.

    While it is shown somewhere, messages are published and a Python client of each transport
    receives them, all in the lab's thread; both end when nobody looks any more, and with the lab.
    All ``Lanes`` of one lab share that stream, its clients and its counts: a second one shows the
    same and publishes nothing of its own. What other cells publish travels with it.

    The page changes the link with ``lab.impair`` and ``lab.cut``: of an impairment it sets what
    its controls name and leaves the rest. What other cells set, it shows.

    A setting that is not given stays as it is: at first 2 messages a second of 100 bytes, and
    a polling period of 1 s.

    Args:
        lab: whose transports to show.
        rate: messages per second, 0 to 1,000.
        payload_size: bytes of JSON of each message's data.
        period: seconds between two questions of the polling client.

    Raises:
        UsageError: a setting cannot be used; the message says what can.
        NotRunning: the lab is stopped.
    """

    def __init__(
        self,
        lab: Lab,
        *,
        rate: float | None = None,
        payload_size: int | None = None,
        period: float | None = None,
    ) -> None:
        given = {"rate": rate, "payload_size": payload_size, "period": period}
        traffic = Traffic.of(lab)
        traffic.change(**{name: value for name, value in given.items() if value is not None})
        super().__init__(lab)
        self._traffic = traffic
        self._rows = [self._traffic.published]
        for lane in self._traffic.lanes:
            self._rows += [lane.messages, lane.crossings]
        self._told = [0] * len(self._rows)  # how many of each the page has
        self._state: dict[str, Any] = {}
        self._said = ("", False, 0.0)  # what came of the last wish, whether that is bad, and when
        self._done: object = None  # the last wish, as the page calls it

    def set(self, **settings: Any) -> None:
        """Change ``rate``, ``payload_size`` or ``period``, for all ``Lanes`` of this lab.

        Raises:
            UsageError: there is no such setting, or it cannot be that; nothing is changed.
            NotRunning: the lab is stopped.
        """
        for name in settings:
            one_of("setting", name, asdict(self._traffic.settings))
        self._traffic.change(**settings)

    def counts(self) -> list[Count]:
        """Return what was counted, a row a transport."""
        return self._traffic.counts()

    # ── in the lab's thread ──

    def watched(self, anyone: bool) -> None:
        """Let messages run while somebody looks."""
        if anyone:
            self._traffic.join(self)
        else:
            self._traffic.leave(self, LINGER)

    def ended(self) -> None:
        """Let go of them."""
        self._traffic.leave(self)

    def snapshot(self) -> dict[str, Any]:
        """Return how it stands, and what happened lately."""
        recent = [
            rows.between(told - HELD, told)
            for rows, told in zip(self._rows, self._told, strict=True)
        ]
        return {**self._now(), "transports": self.lab.transports, "buffers": recent}

    def beat(self) -> dict[str, Any] | None:
        """Return what is new; ``None`` if nothing is."""
        self._traffic.look()
        before, self._told = self._told, [len(rows) for rows in self._rows]
        fresh = [
            rows.between(first, stop)
            for rows, first, stop in zip(self._rows, before, self._told, strict=True)
        ]
        known, now = self._state, self._now()
        if self._state == known and not any(fresh):
            return None
        return {**now, "buffers": fresh}

    def _now(self) -> dict[str, Any]:
        traffic = self._traffic
        text, wrong, at = self._said
        said = {"text": text if time.monotonic() < at + SAID_FOR else "", "wrong": wrong}
        self._state = {
            "settings": asdict(traffic.settings),
            "link": _link(self.lab),
            "lanes": [
                [*count, lane.begin]
                for count, lane in zip(traffic.counts(), traffic.lanes, strict=True)
            ],
            "last": traffic.feed.last,
            "said": said,
            "done": self._done,
        }
        return {**self._state, "now": (time.perf_counter_ns() - traffic.epoch_ns) / 1e6}

    def asked(self, content: dict[str, Any]) -> None:
        """Do what the page asks for, and say what came of it, or why it cannot be."""
        kind = content.pop("kind", None)
        content.pop("view", None)
        self._done = content.pop("wish", None)
        try:
            action = one_of("wish", kind, self._wishes)
            text, wrong = self._wishes[action](**content) or "", False
        except (RtlabError, TypeError) as error:
            text, wrong = str(error), True
        if text or self._said[1]:  # a slider has nothing to say, and takes back what was wrong
            self._said = (text, wrong, time.monotonic())

    @property
    def _wishes(self) -> dict[str, Callable[..., str | None]]:
        return {"set": self.set, "impair": self._impair, "cut": self._cut, "count": self._count}

    def _impair(self, **settings: Any) -> None:
        _check(settings)
        for name in self.lab.transports:
            link = self.lab.link(name)
            for way in WAYS:
                self.lab.impair(name, way, **{**asdict(link.impairment(way)), **settings})

    def _cut(self, transport: str | None = None) -> str:
        count = self.lab.cut(transport)
        where = transport or "all lanes"
        return f"{where}: cut {count} connection{'' if count == 1 else 's'}"

    def _count(self) -> str:
        self._traffic.count_anew()
        return "counted from now on"

    # ── without a kernel ──

    def as_text(self) -> str:
        """Return the counts as a table, and the conditions."""
        return f"{text_table(_COLUMNS, self._table())}\n{self._conditions()}"

    def as_html(self) -> str:
        """Return the same as HTML."""
        return f"{html_table(_COLUMNS, self._table(), 'Lanes')}<p>{escape(self._conditions())}</p>"

    def _table(self) -> list[list[Cell]]:
        now_ns = time.perf_counter_ns()
        rows: list[list[Cell]] = []
        for count, lane in zip(self.counts(), self._traffic.lanes, strict=True):
            latency = lane.latency(now_ns)
            rows.append([*count, "-" if latency is None else f"{latency:.1f}"])
        return rows

    def _conditions(self) -> str:
        settings = self._traffic.settings
        link = f"link: {_link(self.lab)['text']}" if self.lab.running else "the lab is stopped"
        return (
            f"{settings.rate:g} messages a second of {settings.payload_size:,} bytes; polling asks "
            f"every {settings.period:g} s; {link}"
        )


_COLUMNS = (*Count._fields, "median_ms")


def _check(settings: dict[str, Any]) -> None:
    """Refuse what the page should not ask for.

    Raises:
        UsageError: an impairment has no control, or is out of its bounds.
    """
    for name, value in settings.items():
        match one_of("control", name, ("latency", "jitter", "bandwidth")):
            case "latency" | "jitter":
                number(name, value, "seconds", most=MOST_LATENCY)
            case _ if value is not None:
                number(name, value, "bytes per second", least=LEAST_BANDWIDTH)


def _link(lab: Lab) -> dict[str, Any]:
    """Return what the lanes' links do: the first one's for the controls, all of them in words."""
    impairments = {
        name: tuple(lab.link(name).impairment(way) for way in WAYS) for name in lab.transports
    }
    first = next(iter(impairments.values()))
    words = {name: _both(*ways) for name, ways in impairments.items()}
    text = words[lab.transports[0]]
    if len(set(words.values())) > 1:
        text = "; ".join(f"{name}: {said}" for name, said in words.items())
    transit = max(way.latency + way.jitter for ways in impairments.values() for way in ways)
    return {
        "latency": first[1].latency,
        "jitter": first[1].jitter,
        "bandwidth": first[1].bandwidth,
        "text": text,
        "transit": transit * 1000,
        "behind": (BEHIND + min(transit, MOST_TRANSIT)) * 1000,
    }


def _both(up: Impairment, down: Impairment) -> str:
    if up == down:
        return f"{down.describe()} each way" if up != CLEAR else CLEAR.describe()
    return f"{up.describe()} up, {down.describe()} down"
