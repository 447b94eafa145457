"""State machines of clients, live: the state lights up as the client moves, backoff counts down."""

from __future__ import annotations

import contextlib
import contextvars
import threading
import time
from collections import deque
from html import escape
from typing import TYPE_CHECKING, Any

import traitlets

from rtlab.arguments import one_of
from rtlab.errors import UnexpectedMove, UsageError
from rtlab.link.redaction import blotted
from rtlab.render.table import html_table, text_table
from rtlab.states import START, Follower, Machine, Transition, machine
from rtlab.widgets.base import BEAT, View

if TYPE_CHECKING:
    from collections.abc import Callable

    from rtlab.transports.delivery import Report

LOG = 30
"""Reports of each client that are shown, the newest ones."""

_LOG_COLUMNS = ("s", "client", "report")


class Client:
    """One client, followed. It is a listener: ``rtlab.subscribe(..., listener=view["sse"])``.

    Attributes:
        name: of the client, among those of its view.
        follower: knows where it is, and which moves it has made.
        log: what it reported, and when in seconds of Unix time; oldest first.
    """

    def __init__(self, name: str, table: Machine, changed: Callable[[], None]) -> None:
        self.name = name
        self.follower = Follower(table)
        self.log: deque[tuple[float, str]] = deque(maxlen=LOG)
        self._changed = changed
        self._lock = threading.Lock()
        self._count = 0  # of reports
        self._last: Transition | None = None
        self._detail = ""
        self._delay: float | None = None

    def __call__(self, report: Report) -> None:
        """Take a report, in whichever thread."""
        with self._lock:
            before = self.follower.taken.copy()
            self.follower(report)
            made = next(iter(self.follower.taken - before), None)
            age = (time.perf_counter_ns() - report.at_ns) / 1e9
            self._note(made, _blotted(str(report)), time.time() - age)
            self._detail, self._delay = _blotted(report.detail), report.delay
        self._changed()

    def delivered(self) -> None:
        """Count a message; the log, which is short, is for what changes."""
        with self._lock:
            self.follower.delivered()
        self._changed()

    def see(self, sign: str, target: str | None = None) -> Transition:
        """Make a move that is in no report; see ``Follower.see``.

        Raises:
            UnexpectedMove: the table has no such move.
        """
        with self._lock:
            move = self.follower.see(sign, target)
            self._note(move, move.event, time.time())
        self._changed()
        return move

    def _note(self, move: Transition | None, words: str, at: float) -> None:
        self._count += 1
        self._last, self._detail, self._delay = move, "", None
        self.log.append((at, words))

    def as_json(self) -> dict[str, Any]:
        """Return what a page shows of it. Times are ms, of Unix time those that say when."""
        with self._lock:
            follower, table = self.follower, self.follower.machine
            rows = [(table.transitions.index(move), n) for move, n in follower.taken.items()]
            strange: UnexpectedMove | None = next(reversed(follower.violations), None)
            return {
                "name": self.name,
                "machine": table.name,
                "count": self._count,
                "state": None if follower.state == START else follower.state,
                "last": None if self._last is None else table.transitions.index(self._last),
                "taken": sorted(rows),
                "detail": self._detail,
                "delay": None if self._delay is None else self._delay * 1000,
                "at": self.log[-1][0] * 1000 if self.log else 0,
                "sent": time.time() * 1000,
                "strange": "" if strange is None else str(strange),
                "log": [[at * 1000, words] for at, words in self.log],
            }


class StateView(View, module="state_view"):
    """What clients are doing, as their state machines: one machine, or several side by side.

        view = rtlab.widgets.StateView("sse", "websocket")
        rtlab.subscribe(lab.url("sse"), "sse", listener=view["sse"])

    Args:
        *machines: names of state machines, as in ``rtlab.machine``. Of several with one name, the
            second client is called ``"sse 2"``, and so on.

    Raises:
        UsageError: there is no such machine, or none is given.
    """

    machines = traitlets.Dict().tag(sync=True)
    clients: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)

    def __init__(self, *machines: str) -> None:
        if not machines:
            raise UsageError("Whose states? StateView('sse'), or several names.")
        tables = [machine(name) for name in machines]
        super().__init__(machines={table.name: _described(table) for table in tables})
        self._clients: dict[str, Client] = {}
        for table in tables:
            count = sum(other.follower.machine is table for other in self._clients.values())
            name = table.name if not count else f"{table.name} {count + 1}"
            self._clients[name] = Client(name, table, self._changed)
        self._lock = threading.Lock()  # one thread at a time tells the page
        self._timer: threading.Timer | None = None
        self._told = 0.0
        self._tell()

    def __getitem__(self, name: str) -> Client:
        """Return one of the clients, which is a listener."""
        return self._clients[one_of("client in this view", name, self._clients)]

    @property
    def listener(self) -> Client:
        """The listener, if there is just one client."""
        if len(self._clients) > 1:
            names = ", ".join(f"view[{name!r}]" for name in self._clients)
            raise UsageError(f"This view has several listeners: {names}.")
        return next(iter(self._clients.values()))

    # ── telling the page ──

    def _changed(self) -> None:
        """Tell the page soon, but not more often than it can show.

        A client may report in any thread, and its event loop may end with this very report: so
        neither is waited in.
        """
        with self._lock:
            if self._timer is None:
                wait = max(0.0, self._told + BEAT - time.monotonic())
                context = contextvars.copy_context()
                self._timer = threading.Timer(wait, context.run, (self._tell,))
                self._timer.daemon = True
                with contextlib.suppress(RuntimeError):  # Python is about to end
                    self._timer.start()

    def _tell(self) -> None:
        with self._lock:
            self._timer, self._told = None, time.monotonic()
            self.clients = [client.as_json() for client in self._clients.values()]

    # ── without a script ──

    def _log(self) -> list[list[str]]:
        rows = [(at, c.name, words) for c in self._clients.values() for at, words in list(c.log)]
        rows.sort()
        return [[f"{at - rows[0][0]:.2f}", name, words] for at, name, words in rows]

    def as_text(self) -> str:
        """Return the machines and the log, as text."""
        parts = [
            client.follower.diagram().text
            if client.name == client.follower.machine.name
            else f"{client.name}: {client.follower.diagram().text}"
            for client in self._clients.values()
        ]
        rows = self._log()
        return "\n\n".join([*parts, text_table(_LOG_COLUMNS, rows)] if rows else parts)

    def as_html(self) -> str:
        """Return the machines as diagrams that stand still, and the log."""
        cells = "".join(
            f"<div style='flex:1 1 300px;max-width:420px'><strong>{escape(client.name)}</strong>"
            f"{client.follower.diagram()._repr_html_()}</div>"
            for client in self._clients.values()
        )
        rows = self._log()
        log = html_table(_LOG_COLUMNS, rows) if rows else "<p>No client has reported yet.</p>"
        return f"<div style='display:flex;flex-wrap:wrap;gap:12px'>{cells}</div>{log}"


def _blotted(words: str) -> str:
    """Blot out the token of a URL."""
    return blotted(words.encode()).decode(errors="replace")


def _described(table: Machine) -> dict[str, Any]:
    """Return what a page must know of a machine."""
    return {
        "title": table.title,
        "states": [[state.name, state.note] for state in table.states],
        "moves": [move.event for move in table.transitions],
        "svg": table.diagram().svg,
    }
