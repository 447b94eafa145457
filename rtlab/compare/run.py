"""Carrying a scenario out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Sequence
from contextlib import aclosing
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from tqdm.auto import tqdm

from rtlab.access import Gate
from rtlab.compare.arrivals import arrivals
from rtlab.compare.comparison import Comparison, Result, Sample
from rtlab.compare.scenario import Scenario
from rtlab.errors import RtlabError
from rtlab.feed import Feed, Message
from rtlab.link.relay import Link
from rtlab.link.segment import Direction, Totals
from rtlab.loops import LoopThread
from rtlab.transports import MODULES, address
from rtlab.transports.delivery import Report
from rtlab.transports.http import HttpServer
from rtlab.transports.websocket import WebSocketServer

if TYPE_CHECKING:
    from rtlab.transports.http2 import Http2Server, Session

T = TypeVar("T")

OPEN_LIMIT = 10.0
"""Seconds, beside some round trips, in which all clients must be connected."""
GRACE = 5.0
"""Seconds, beside a polling period and some round trips, for the last messages to arrive."""
REPORTED_READY = {
    "polling": "waiting",
    "long_polling": "waiting",
    "sse": "open",
    "websocket": "open",
    "http2": "open",
}


async def run(scenario: Scenario, *, progress: bool = True) -> Comparison:
    """Run a scenario through its transports and return what was measured.

    Raises:
        RtlabError: the clients of a transport could not connect.
    """
    lanes = [_Lane(name, scenario) for name in scenario.transports]
    try:
        await asyncio.gather(*(lane.open() for lane in lanes))
        await asyncio.gather(*(lane.wait_until_ready() for lane in lanes))
        begin = time.perf_counter() + 0.05
        shift = scenario.interval / len(lanes)
        publishing = [
            asyncio.ensure_future(lane.publish(begin + place * shift))
            for place, lane in enumerate(lanes)
        ]
        try:
            await _watch(publishing, lanes, scenario, progress)
        finally:
            for task in publishing:
                task.cancel()
        results = [await lane.result() for lane in lanes]
    finally:
        await asyncio.gather(*(lane.close() for lane in lanes))
    return Comparison(scenario, {result.transport: result for result in results})


async def _watch(
    publishing: Sequence[asyncio.Future[None]],
    lanes: list[_Lane],
    scenario: Scenario,
    progress: bool,
) -> None:
    """Wait until everything has arrived, or had the time to, and show how far it is."""
    total = sum(lane.expected for lane in lanes)
    grace = GRACE + 2 * scenario.period + 4 * scenario.round_trip
    # disable=None: no bar where there is no terminal and no notebook.
    with tqdm(total=total, desc="comparing", unit="msg", disable=None if progress else True) as bar:
        deadline = float("inf")
        while time.perf_counter() < deadline:
            bar.update(sum(lane.arrived for lane in lanes) - bar.n)
            done = [task for task in publishing if task.done()]
            for task in done:
                task.result()
            if len(done) == len(publishing):
                if all(lane.arrived >= lane.expected for lane in lanes):
                    return
                deadline = min(deadline, time.perf_counter() + grace)
            await asyncio.sleep(0.02)


class _Lane:
    """One transport: a server and its link in one thread, the clients in another.

    Threads of their own make the processor time of each countable.
    """

    def __init__(self, transport: str, scenario: Scenario) -> None:
        self.transport = transport
        self.scenario = scenario
        self.expected = scenario.messages * scenario.clients
        self.feed = Feed(capacity=scenario.messages, max_bytes=1 << 40)
        self.messages: dict[int, Message] = {}
        self.samples: list[Sample] = []
        self._near = LoopThread(f"rtlab-{transport}-server").start()
        self._far = LoopThread(f"rtlab-{transport}-clients").start()
        self._ready = 0
        self._failure: BaseException | None = None
        self._clients: list[asyncio.Task[None]] = []
        self._sessions: list[Session] = []
        self._server: HttpServer | Http2Server | WebSocketServer | None = None
        self._link: Link | None = None
        self._opening = (Totals(), Totals())
        self._cpu = (0.0, 0.0)

    @property
    def arrived(self) -> int:
        return len(self.samples)

    async def open(self) -> None:
        await self._run(self._near, self._open_server())
        await self._run(self._far, self._open_clients())

    async def _open_server(self) -> None:
        scenario = self.scenario
        options = {"deflate": scenario.deflate} if self.transport == "websocket" else {}
        self._server = await MODULES[self.transport].serve(self.feed, Gate(), **options)
        assert self._server is not None
        # Headers and framing take less than 600 bytes a message and client, both ways.
        memory = (64 << 20) + self.expected * (scenario.payload_size + 600)
        self._link = Link("127.0.0.1", self._server.port, seed=scenario.seed, memory=memory)
        await self._link.open()
        for direction, way in (("up", scenario.up), ("down", scenario.down)):
            self._link.impair(cast(Direction, direction), **asdict(way))

    async def _open_clients(self) -> None:
        if self.transport == "http2":  # one connection for as many clients as it can have
            from rtlab.transports.http2_connection import MAX_STREAMS
            from rtlab.transports.http2_session import Session

            count = 1 + (self.scenario.clients - 1) // MAX_STREAMS
            self._sessions = [Session(self._url) for _ in range(count)]
        for number in range(self.scenario.clients):
            self._clients.append(asyncio.create_task(self._subscribe(number)))

    async def _subscribe(self, number: int) -> None:
        options: dict[str, Any] = {}
        if self.transport == "polling":
            options["period"] = self.scenario.period
            # Clients that started together would ask together for ever.
            await asyncio.sleep(self.scenario.period * number / self.scenario.clients)
        if self.transport == "websocket":
            options["deflate"] = self.scenario.deflate
        ready = False

        def listen(report: Report) -> None:
            nonlocal ready
            if not ready and report.state == REPORTED_READY[self.transport]:
                ready = True
                self._ready += 1

        subscribe = partial(MODULES[self.transport].subscribe, self._url)
        if self._sessions:
            subscribe = partial(self._sessions[number % len(self._sessions)].subscribe)
            options["over"] = self.scenario.over
        try:
            stream = subscribe(0, listener=listen, **options)
            async with aclosing(stream):
                async for message, received_ns in stream:
                    self.samples.append(
                        Sample(number, message.seq, message.published_ns, received_ns)
                    )
        except BaseException as error:
            self._failure = error
            raise

    @property
    def _url(self) -> str:
        assert self._link is not None
        return address(self.transport, self._link.port)

    async def wait_until_ready(self) -> None:
        scenario = self.scenario
        assert self._server is not None
        limit = OPEN_LIMIT + scenario.period + 10 * scenario.round_trip + scenario.clients / 50
        deadline = time.perf_counter() + limit
        while self._ready < scenario.clients or self._server.requests < scenario.clients:
            if self._failure is not None:
                raise self._failure
            if time.perf_counter() > deadline:
                raise RtlabError(
                    f"Only {self._ready} of {scenario.clients} clients of {self.transport} were "
                    f"connected after {limit:.0f} s. Try a better link or fewer clients."
                )
            await asyncio.sleep(0.01)
        self._opening = self._totals()
        self._cpu = await self._cpu_times()

    async def publish(self, begin: float) -> None:
        """Publish on schedule, from ``begin`` (``time.perf_counter``) on."""
        await self._run(self._near, self._publish(begin))

    async def _publish(self, begin: float) -> None:
        plan = zip(self.scenario.times(), self.scenario.payloads(), strict=True)
        for due, payload in plan:
            await asyncio.sleep(begin + due - time.perf_counter())
            message = self.feed.publish(payload)
            self.messages[message.seq] = message

    async def result(self) -> Result:
        assert self._server is not None and self._link is not None
        client, server = await self._cpu_times()
        up, down = self._totals()
        return Result(
            transport=self.transport,
            expected=self.expected,
            samples=tuple(self.samples),
            arrivals=tuple(arrivals(self._link.recording, self.messages)),
            bytes_up=up.forwarded,
            bytes_down=down.forwarded,
            opening_up=self._opening[0].forwarded,
            opening_down=self._opening[1].forwarded,
            payload_size=self.scenario.payload_size,
            requests=self._server.requests,
            connections=self._link.recording.accepted,
            cpu_client=client - self._cpu[0],
            cpu_server=server - self._cpu[1],
            recording=self._link.recording.copy(),
            published=tuple((m.seq, m.published_ns) for m in self.messages.values()),
        )

    async def close(self) -> None:
        try:
            await self._run(self._far, self._close_clients())
            self.feed.close()
            await self._run(self._near, self._close_server())
        finally:
            self._far.stop()
            self._near.stop()

    async def _close_clients(self) -> None:
        for client in self._clients:
            client.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)
        for session in self._sessions:
            await session.close()

    async def _close_server(self) -> None:
        if self._link is not None:
            await self._link.close()
        if self._server is not None:
            await self._server.close()

    def _totals(self) -> tuple[Totals, Totals]:
        assert self._link is not None
        return replace(self._link.recording.up), replace(self._link.recording.down)

    async def _cpu_times(self) -> tuple[float, float]:
        """Seconds of processor time of the clients' and of the server's thread."""

        async def of_this_thread() -> float:
            return time.thread_time()

        return (
            await self._run(self._far, of_this_thread()),
            await self._run(self._near, of_this_thread()),
        )

    async def _run(self, thread: LoopThread, work: Coroutine[Any, Any, T]) -> T:
        return await asyncio.wrap_future(thread.submit(work))
