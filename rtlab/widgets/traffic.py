"""Messages for the eye: one stream of them through a lab, and a client on each of its transports.

All views of a lab share it, so two of them do not publish twice.
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from rtlab.arguments import number, whole
from rtlab.errors import CursorOutOfRange, NotRunning, UsageError
from rtlab.feed import to_json
from rtlab.log import logger
from rtlab.widgets.lane import HELD, Count, Lane
from rtlab.widgets.rows import Rows

if TYPE_CHECKING:
    from rtlab.lab import Lab, Row

LINGER = 2.0
"""Seconds that it goes on when nobody looks any more: a cell that is run again takes it over."""
LAG = 0.1
"""Seconds of messages that are made up for when the lab's thread was late; more are left out."""
LEAST_PAYLOAD = 32
MOST_PAYLOAD = 100_000
MOST_BYTES = 1_000_000
"""Bytes of payload a second: more than this would fill the buffers of four transports."""

_log = logger("lanes")


@dataclass(frozen=True, slots=True)
class Settings:
    """What is published, and how often polling asks.

    Attributes:
        rate: messages per second, 0 to 1,000.
        payload_size: bytes of JSON of each message's data.
        period: seconds between two questions of the polling client.
    """

    rate: float = 2.0
    payload_size: int = 100
    period: float = 1.0

    def __post_init__(self) -> None:
        number("rate", self.rate, "messages per second", most=1000)
        whole("payload_size", self.payload_size, "bytes", least=LEAST_PAYLOAD, most=MOST_PAYLOAD)
        number("period", self.period, "seconds", most=60, above=True)
        if self.rate * self.payload_size > MOST_BYTES:
            raise UsageError(
                f"{self.rate:g} messages of {self.payload_size:,} bytes a second are more than "
                f"the {MOST_BYTES:,} bytes that this view sends: choose a lower rate or a smaller "
                "payload first."
            )


class Traffic:
    """One stream of messages through a lab, while somebody looks.

    Everything but ``of`` and ``change`` is for the lab's thread.

    Attributes:
        lanes: one a transport.
        published: a row a message: its number, and when it was published, in ms since the epoch.
        settings: what is published.
    """

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.feed = lab.feed  # held, so that its id stays its own
        self.settings = Settings()
        self.epoch_ns = time.perf_counter_ns()
        self.lanes = [Lane(lab, name, self.epoch_ns) for name in lab.transports]
        self.published = Rows(2, HELD)
        self._cursor = 0
        self._before: dict[str, Row] = {}
        self._watchers: set[object] = set()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._parting: asyncio.TimerHandle | None = None
        self._price = 100.0
        self._rng = random.Random(0)

    @classmethod
    def of(cls, lab: Lab) -> Traffic:
        """Return the lab's one traffic. A lab that is started anew has another one."""
        with _lock:
            traffic = _all.get(id(lab.feed))
            if traffic is None:
                traffic = _all[id(lab.feed)] = cls(lab)
            return traffic

    # ── who looks ──

    def join(self, watcher: object) -> None:
        """Run, as long as this one looks."""
        self._watchers.add(watcher)
        self._stay()
        if not self._tasks:
            self._start()

    def leave(self, watcher: object, linger: float = 0.0) -> None:
        """Stop when the last one has left, after some seconds in which another may join."""
        self._watchers.discard(watcher)
        if self._watchers:
            return
        self._stay()
        if linger:
            self._parting = asyncio.get_running_loop().call_later(linger, self._stop)
        else:
            self._stop()

    def _stay(self) -> None:
        if self._parting is not None:
            self._parting.cancel()
            self._parting = None

    def _start(self) -> None:
        self._cursor = self.feed.last
        if not self._before:
            self.count_anew()
        for lane in self.lanes:
            lane.begin = lane.last = self._cursor
            self._follow(lane)
        self._run("publish", self._publish())

    def _stop(self) -> None:
        for name in list(self._tasks):
            self._end(name)

    def _run(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        self._end(name)
        task = self._tasks[name] = asyncio.get_running_loop().create_task(work)
        self._ending.add(task)
        task.add_done_callback(self._ended)

    def _end(self, name: str) -> None:
        task = self._tasks.pop(name, None)
        if task is not None:
            task.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._ending.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.warning("a lane's client has ended: %s", task.exception())

    def _follow(self, lane: Lane) -> None:
        polls = lane.transport == "polling"
        options = {"period": self.settings.period} if polls else {}
        self._run(lane.transport, lane.follow(**options))

    # ── publishing ──

    def change(self, **settings: Any) -> None:
        """Publish otherwise from now on. Any thread may call it.

        Raises:
            UsageError: a setting cannot be used; nothing is changed.
            NotRunning: the lab is stopped.
        """
        thread = self.lab.thread
        with _lock:  # two changes at once must not undo each other
            before, self.settings = self.settings, replace(self.settings, **settings)
            thread.soon(self._changed, before, self.settings)

    def _changed(self, before: Settings, after: Settings) -> None:
        if not self._tasks:
            return
        if after.rate != before.rate:
            self._run("publish", self._publish())
        if after.period != before.period:
            for lane in self.lanes:
                if lane.transport == "polling":
                    self._follow(lane)

    async def _publish(self) -> None:
        rate = self.settings.rate
        if not rate:
            return
        due = time.perf_counter()
        while True:
            due = max(due + 1 / rate, time.perf_counter() - LAG)
            await asyncio.sleep(due - time.perf_counter())
            try:
                self.feed.publish(self._data())
            except NotRunning:
                return

    def _data(self) -> dict[str, Any]:
        """Return a price and a text that fills it up to the payload's size."""
        self._price = round(max(1.0, self._price + self._rng.gauss(0, 0.2)), 2)
        data = {"price": self._price, "text": ""}
        data["text"] = "x" * (self.settings.payload_size - len(to_json(data)))
        return data

    # ── counting ──

    def look(self) -> None:
        """Bring all rows up to date."""
        try:
            fresh = self.feed.since(self._cursor)
        except CursorOutOfRange as gap:
            self._cursor = gap.resume
            fresh = self.feed.since(self._cursor)
        for message in fresh:
            self.published.add(message.seq, (message.published_ns - self.epoch_ns) / 1e6)
            self._cursor = message.seq
        for lane in self.lanes:
            lane.look()

    def count_anew(self) -> None:
        """Count from here on."""
        self._before = {row.transport: row for row in self.lab.rows()}
        for lane in self.lanes:
            lane.delivered = lane.lost = lane.duplicated = 0

    def counts(self) -> list[Count]:
        """Return what was counted. Requests and bytes are those of all clients of the lab."""
        return [
            lane.count(row, self._before.get(lane.transport, row))
            for lane, row in zip(self.lanes, self.lab.rows(), strict=True)
        ]


_all: WeakValueDictionary[int, Traffic] = WeakValueDictionary()
_lock = threading.Lock()
