"""What the views of the browser's own clients have in common: where the servers are, and reports.

The connections are the page's. Python tells it what to dial, and keeps what the page reports, so
that a page which is loaded again goes on where it was, and so that there is something to show where
no script runs.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from rtlab.arguments import TRANSPORTS, number, one_of
from rtlab.errors import RtlabError, UsageError
from rtlab.log import logger
from rtlab.widgets.base import LiveView

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rtlab.lab import Lab

PARTS = (
    *("clock", "tally", "journal", "ways", "lesson"),
    *("holding", "remarks", "client", "desk"),
)
LONGEST_CUT = 60.0
"""Seconds for which a reader may have a link turn connections away."""

_log = logger("widgets")


@dataclass
class BrowserReport:
    """What a page has told of one of its clients.

    Attributes:
        state: of the native object, such as ``OPEN``, or of the loop.
        wanted: whether it is connected, or tries to be.
        cursor: the last message seen; ``None`` before the first.
        received: messages that came, each counted once.
        twice: messages that came again.
        lost: messages that did not come.
        gone: those of them that the feed no longer held.
        gaps: the others, as first and last.
        acked: messages of the page's own that have not come back.
        reconnects: how often it came back.
        waited: messages that were published while nothing was open, and came afterwards.
        figures: latency in ms: ``median``, ``p95``, ``most``, of ``count`` messages.
        lines: the newest lines of its log.
    """

    state: str = "CLOSED"
    wanted: bool = False
    cursor: int | None = None
    received: int = 0
    twice: int = 0
    lost: int = 0
    gone: int = 0
    gaps: list[list[int]] = field(default_factory=list)
    acked: list[int] = field(default_factory=list)
    reconnects: int = 0
    waited: int = 0
    figures: dict[str, Any] = field(default_factory=dict)
    lines: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def read(cls, told: dict[str, Any]) -> BrowserReport:
        """Take what a page tells, as far as it is known here."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in told.items() if name in known})


class NativeView(LiveView):
    """A view in which the page's own clients connect to the lab.

    Attributes:
        reports: what the page has told last, for each transport.

    Args:
        lab: whose servers.
        transports: which of them.
        cursor: the last message already seen; ``None`` begins with the oldest one held.
        connect: whether to connect at once.

    Raises:
        UsageError: the lab has no such transport.
        NotRunning: the lab is stopped.
    """

    def __init_subclass__(cls, module: str = "", **options: Any) -> None:
        super().__init_subclass__(module=module, uses=PARTS, **options)

    def __init__(
        self, lab: Lab, transports: Iterable[str], *, cursor: int | None, connect: bool
    ) -> None:
        known = for_pages(lab, transports)
        self.reports = {name: BrowserReport(wanted=connect, cursor=cursor) for name in known}
        self._proxied: bool | None = None
        self._cuts: list[dict[str, Any]] = []
        self._told = -1
        super().__init__(lab)

    def snapshot(self) -> dict[str, Any]:
        """Return where the servers are, and how far each client had come."""
        return {
            "servers": {
                name: {
                    "url": self.lab.url(name),
                    "direct": self.lab.url(name, direct=True),
                    "report": asdict(report),
                }
                for name, report in self.reports.items()
            },
            "proxied": self._proxied,
            "last": self.lab.feed.last,
        }

    def beat(self) -> dict[str, Any] | None:
        """Return how far the feed is, and which links were cut."""
        last = self.lab.feed.last
        cuts, self._cuts = self._cuts, []
        if last == self._told and not cuts:
            return None
        self._told = last
        return {"last": last, "cuts": cuts}

    def asked(self, content: dict[str, Any]) -> None:
        """Do what the page wishes; what cannot be done goes to the log."""
        try:
            self.wish(content)
        except (RtlabError, LookupError, TypeError, AttributeError) as error:
            _log.warning("a page asked for what cannot be done: %r", error)

    def wish(self, content: dict[str, Any]) -> None:
        """Keep what the page reports, or cut a link for it."""
        match content["kind"]:
            case "report":
                for name, told in content["clients"].items():
                    if name in self.reports:
                        self.reports[name] = BrowserReport.read(told)
                self._proxied = content.get("proxied")
            case "cut":
                self._cut(content["transport"], content["seconds"])

    def _cut(self, transport: str, seconds: float) -> None:
        seconds = min(number("seconds", seconds, "seconds"), LONGEST_CUT)
        connections = self.lab.cut(transport, seconds)
        self._cuts.append({"transport": transport, "connections": connections, "seconds": seconds})


def for_pages(lab: Lab, names: Iterable[str] | None = None) -> list[str]:
    """Return those of a lab's transports that a page can use; all of them if none is named.

    HTTP/2 is not among them: browsers speak it over TLS only.

    Raises:
        UsageError: the lab has no such transport, or none for a page.
    """
    known = [name for name in lab.transports if name in TRANSPORTS]
    chosen = known if names is None else [names] if isinstance(names, str) else names
    found = [one_of("transport of this lab for browsers", name, known) for name in chosen]
    if not found:
        raise UsageError("This lab has no transport for browsers: start it with 'sse', say.")
    return found


@cache
def code_of(transport: str) -> str:
    """Return the functions that run in the page for a transport, as they stand in its module."""
    text = files("rtlab.widgets").joinpath("static", "lesson.js").read_text("utf-8")
    function = r"^(?:export )?((?:async )?function (\w+)\(.*?^\})"
    functions = {name: source for source, name in re.findall(function, text, re.M | re.S)}
    [(run, reads)] = re.findall(rf"^  {transport}: .* run: (\w+), reads: \[(.*)\]", text, re.M)
    return "\n\n".join(functions[name] for name in (run, *reads.split(", ")))
