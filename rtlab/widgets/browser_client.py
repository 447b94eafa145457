"""The reader's own browser as the client: fetch, EventSource and WebSocket against the lab."""

from __future__ import annotations

import html
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rtlab import arguments
from rtlab.arguments import number, whole
from rtlab.render.table import html_table, text_table
from rtlab.widgets.native import NativeView, code_of

if TYPE_CHECKING:
    from rtlab.lab import Lab

COLUMNS = ("transport", "state", "received", "lost", "twice", "reconnects", "cursor", "latency")
LINES = 12
"""Lines of the log that are shown where nothing moves."""


class BrowserClient(NativeView, module="browser_client"):
    """The reader's own browser as a client of the lab.

    What every browser has built in connects to the lab's servers: ``fetch`` for polling and long
    polling, ``EventSource``, ``WebSocket``. The few lines that do it are shown, and it is these
    lines that run. The view shows the state, every event, which messages came, and how long each
    took from publish to receive, with the error of that figure.

    When the browser and the kernel are on one machine it connects directly, everywhere else through
    ``jupyter-server-proxy``; the reader can choose where both ways work.

    Args:
        lab: whose servers.
        transport: which one, or several.
        cursor: the last message already seen; ``None`` begins with the oldest one held.
        period: seconds from one answer to the next question, in polling.
        connect: whether to connect at once, and not when the reader asks for it.

    Raises:
        UsageError: an argument cannot be used, or the lab has no such transport.
        NotRunning: the lab is stopped.
    """

    def __init__(
        self,
        lab: Lab,
        transport: str | Iterable[str] = "sse",
        *,
        cursor: int | None = None,
        period: float = 1.0,
        connect: bool = False,
    ) -> None:
        seen = None if cursor is None else whole("cursor", cursor, "messages")
        self._period = number("period", period, "seconds", above=True)
        super().__init__(lab, arguments.transports(transport), cursor=seen, connect=connect)

    def snapshot(self) -> dict[str, Any]:
        """Return where the servers are, and how far each client had come."""
        return {**super().snapshot(), "period": self._period}

    def as_text(self) -> str:
        """Return what the page has told: states, figures, and the newest lines of each log."""
        parts = ["The browser as a client of the lab", text_table(COLUMNS, self._rows())]
        for name, lines in self._lines().items():
            parts += [f"{name}, newest last:", *("  ".join(line) for line in lines)]
        return "\n".join(parts)

    def as_html(self) -> str:
        """Return the same as tables, and the code that runs."""
        parts = [html_table(COLUMNS, self._rows(), "The browser as a client of the lab")]
        for name, lines in self._lines().items():
            if lines:
                parts.append(html_table(("time", "what", "data"), lines, f"{name}, newest last"))
            parts.append(f"<p>The code that runs for {name}:</p>")
            parts.append(f"<pre>{html.escape(code_of(name))}</pre>")
        return "".join(parts)

    def _rows(self) -> list[tuple[str | int, ...]]:
        rows: list[tuple[str | int, ...]] = []
        for name, report in self.reports.items():
            median = report.figures.get("median")
            latency = "-" if median is None else f"{median:.1f} ms"
            cursor = "-" if report.cursor is None else report.cursor
            counts = (report.received, report.lost, report.twice, report.reconnects)
            rows.append((name, report.state, *counts, cursor, latency))
        return rows

    def _lines(self) -> dict[str, list[tuple[str, str, str]]]:
        return {
            name: [
                (time.strftime("%H:%M:%S", time.localtime(line["at"] / 1000)), *_words(line))
                for line in report.lines[-LINES:]
            ]
            for name, report in self.reports.items()
        }


def _words(line: dict[str, Any]) -> tuple[str, str]:
    return str(line["what"]), str(line["text"])
