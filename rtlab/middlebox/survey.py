"""Each transport behind each kind of middlebox: what arrives, what stalls, who is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, aclosing
from dataclasses import dataclass
from time import monotonic
from typing import Any

from rtlab.arguments import TRANSPORTS, number
from rtlab.errors import Refused, UsageError
from rtlab.lab import Lab
from rtlab.middlebox.box import Middlebox
from rtlab.middlebox.kinds import describe
from rtlab.render.table import html_table, text_table
from rtlab.subscription import subscribe
from rtlab.transports.delivery import Report

AS_MET: dict[str, dict[str, Any]] = {
    "transparent": {},
    "buffering": {},
    "idle": {"seconds": 0.5},
    "no-upgrade": {},
    "compressing": {},
    "caching": {"respect": False},
}
"""The kinds with settings that show what they do; those that kill silence wait longer elsewhere."""
NOT_SPOKEN = "HTTP/2 is not spoken"
"""What becomes of HTTP/2 behind a middlebox that reads HTTP/1.1: a client need not even try."""


@dataclass(frozen=True, repr=False)
class Survey:
    """What became of one message behind each middlebox; it shows itself as a table.

    Attributes:
        kinds: the kinds of middleboxes and their settings.
        transports: what they stood before.
        outcomes: by kind and transport: ``delivered``, ``delivered, reconnected``,
            ``refused (426)``, ``stalled`` or, of ``http2``, ``NOT_SPOKEN``.
    """

    kinds: Mapping[str, Mapping[str, Any]]
    transports: Sequence[str]
    outcomes: Mapping[tuple[str, str], str]

    def __getitem__(self, place: tuple[str, str]) -> str:
        return self.outcomes[place]

    def _table(self) -> tuple[list[str], list[list[str]]]:
        rows = [
            [describe(kind, settings), *(self[kind, name] for name in self.transports)]
            for kind, settings in self.kinds.items()
        ]
        return ["behind", *self.transports], rows

    def __repr__(self) -> str:
        return text_table(*self._table())

    def _repr_html_(self) -> str:
        return html_table(*self._table())


async def survey(
    lab: Lab, kinds: Mapping[str, Mapping[str, Any]] | None = None, *, patience: float = 3.0
) -> Survey:
    """Subscribe through each kind of middlebox, stay silent, publish one message, and wait.

    Args:
        lab: which publishes; every transport of it takes part that speaks HTTP/1.1.
        kinds: kinds of middleboxes and their settings; ``AS_MET`` if not given.
        patience: seconds after which what has not arrived is said to have stalled.

    Raises:
        UsageError: a kind or a setting is unknown, or there is nothing to survey.
        NotRunning: the lab is stopped.
    """
    number("patience", patience, "seconds", above=True)
    chosen = AS_MET if kinds is None else kinds
    names = [name for name in lab.transports if name in TRANSPORTS]
    if not chosen or not names:
        raise UsageError(
            "A survey takes one kind of middlebox at least, and a lab with a transport over "
            "HTTP/1.1, such as 'sse'."
        )
    with ExitStack() as stack:
        clients = {
            (kind, name): _Client(
                stack.enter_context(Middlebox(lab.url(name), kind, **settings)), name, lab.feed.last
            )
            for kind, settings in chosen.items()
            for name in names
        }
        tasks = [asyncio.create_task(client.run()) for client in clients.values()]
        try:
            silences = [
                settings["seconds"] for settings in chosen.values() if "seconds" in settings
            ]
            end = monotonic() + patience
            while monotonic() < end and not all(client.ready for client in clients.values()):
                await asyncio.wait(tasks, timeout=0.02)
            await asyncio.sleep(2 * max(silences, default=0.1))
            lab.publish("survey")
            await asyncio.wait(tasks, timeout=patience)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    places = ((kind, name) for kind in chosen for name in lab.transports)
    outcomes = {
        place: clients[place].outcome if place in clients else NOT_SPOKEN for place in places
    }
    return Survey(chosen, lab.transports, outcomes)


class _Client:
    """A client that waits for one message."""

    def __init__(self, box: Middlebox, transport: str, cursor: int) -> None:
        self.box = box
        self._transport = transport
        self._cursor = cursor
        self._states: set[str] = set()
        self.outcome = "stalled"

    @property
    def ready(self) -> bool:
        """Whether a message would now show what becomes of it."""
        held = len(self.box.log) > 0
        return held or self.outcome != "stalled" or bool(self._states & {"open", "waiting"})

    async def run(self) -> None:
        """Wait for the message, however long it takes."""
        options = {"period": 0.1} if self._transport == "polling" else {}
        stream = subscribe(
            self.box.url, self._transport, self._cursor, listener=self._listen, **options
        )
        async with aclosing(stream):
            try:
                await anext(stream)
                self.outcome = "delivered" + (
                    ", reconnected" if "reconnecting" in self._states else ""
                )
            except Refused as error:
                self.outcome = f"refused ({error.code})"

    def _listen(self, report: Report) -> None:
        self._states.add(report.state)
