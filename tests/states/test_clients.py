"""rtlab's own clients, held to their tables.

They run against real servers. Whatever they report must be a move of the table, and every move of
the table must be made in some scenario: so it is neither too narrow nor too wide.
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import NamedTuple

import pytest
import websockets

import rtlab
from rtlab.arguments import OVER_HTTP2
from rtlab.sockets import listen
from rtlab.states import DELIVERY, Transition
from tests.transports.helpers import answer, canned, until


class Kind(NamedTuple):
    """A client: the transport, the machine that it is held to, and what it takes to get it."""

    transport: str
    machine: str
    options: dict[str, object]


KINDS = {transport: Kind(transport, transport, {}) for transport in rtlab.TRANSPORTS}
KINDS |= {f"http2-{over}": Kind("http2", over, {"over": over}) for over in OVER_HTTP2}


class Watched:
    """A client that runs in the background, and who follows it."""

    def __init__(self, url: str, kind: Kind, cursor: int | None = None, **options: object):
        self.follower = rtlab.machine(kind.machine).follow()
        self.states: list[str] = []
        self.stream = rtlab.subscribe(
            url, kind.transport, cursor, listener=self._listen, **kind.options, **options
        )
        self.task = asyncio.ensure_future(asyncio.sleep(0))
        self.messages = 0

    def _listen(self, report: rtlab.Report) -> None:
        self.states.append(report.state)
        self.follower(report)

    def run(self) -> None:
        """Go on in the background."""
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        async for _ in self.stream:
            self._message()

    async def one(self) -> None:
        """Take one message and no more: the client then stands where it yielded it."""
        async with asyncio.timeout(20):
            await anext(self.stream)
        self._message()

    def _message(self) -> None:
        self.follower.see(DELIVERY)
        self.messages += 1

    async def made(self, source: str, sign: str) -> None:
        """Wait until the client has made a move."""
        move = self.follower.machine.move(source, sign)
        await until(lambda: self.follower.taken[move] or self.task.done())
        assert self.follower.taken[move], self.states

    async def leave(self) -> None:
        """Stop as a reader would: interrupt what runs, or take no more."""
        self.task.cancel()
        await asyncio.wait([self.task])
        await self.stream.aclose()


OPTIONS: dict[str, dict[str, object]] = {
    "polling": {"period": 0.01},
    "long_polling": {"hold": 0.03},
}
Scenario = Callable[[Kind], Awaitable[Watched]]


@asynccontextmanager
async def client(lab: rtlab.Lab, kind: Kind, **options: object) -> AsyncIterator[Watched]:
    options = {
        "backoff": rtlab.Backoff(base=0.02, cap=0.05),
        **OPTIONS.get(kind.machine, {}),
        **options,
    }
    watched = Watched(lab.url(kind.transport), kind, **options)  # type: ignore[arg-type]
    try:
        yield watched
    finally:
        await watched.leave()


async def cut_and_come_back(kind: Kind) -> Watched:
    """First connect, a message, nothing for a while, a long cut, a message."""
    with rtlab.Lab(kind.transport) as lab:
        async with client(lab, kind) as watched:
            lab.publish("first")
            watched.run()
            await until(lambda: watched.messages == 1)
            if kind.machine == "polling":
                await watched.made("waiting", "open")
            if kind.machine == "long_polling":
                await until(lambda: watched.states.count("open") >= 3)  # 204, and again
            lab.cut(kind.transport, 3600)
            await until(lambda: watched.states.count("reconnecting") >= 3)
            lab.cut(kind.transport)  # lets new connections through again
            lab.publish("second")
            await until(lambda: watched.messages == 2)
            quiet = "open" if kind.machine in ("sse", "websocket") else "waiting"
            await until(lambda: watched.follower.state == quiet)
        return watched


async def nobody_there(kind: Kind) -> Watched:
    """A port at which nobody listens; you leave while the client waits to try again."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = rtlab.transports.address(kind.transport, taken.getsockname()[1])
        watched = Watched(url, kind, backoff=rtlab.Backoff(base=60))
        watched.run()
        await until(lambda: watched.follower.state == "reconnecting")
        await watched.leave()
    return watched


async def nobody_answers(kind: Kind) -> Watched:
    """A server that accepts and says nothing; you leave before it does."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = rtlab.transports.address(kind.transport, silent.getsockname()[1])
        watched = Watched(url, kind)
        watched.run()
        await until(lambda: watched.states)
        for _ in range(20):
            await asyncio.sleep(0)
        await watched.leave()
    return watched


async def refused(kind: Kind) -> Watched:
    """A lab with a token, asked without it: 403."""
    with rtlab.Lab(kind.transport, token=True) as lab:
        watched = Watched(lab.url(kind.transport).partition("?")[0], kind)
        with pytest.raises(rtlab.Refused, match="403"):
            await watched.one()
    return watched


async def overrun(kind: Kind) -> Watched:
    """The feed has gone on without the client; it takes what is left, and you have enough."""
    with rtlab.Lab(kind.transport, capacity=2) as lab:
        for number in range(9):
            lab.publish(number)
        async with client(lab, kind, cursor=1) as watched:
            await watched.one()
        assert watched.states[-2:] in (["open", "closed"], ["lost", "closed"])
    return watched


async def lab_stopped(kind: Kind) -> Watched:
    """The server says goodbye and does not come back."""
    with rtlab.Lab(kind.transport) as lab:
        async with client(lab, kind) as watched:
            lab.publish("last words")
            watched.run()
            await until(lambda: watched.messages)
            await asyncio.to_thread(lab.stop)
            await until(lambda: watched.states.count("reconnecting") >= 3)
    return watched


SCENARIOS: list[Scenario] = [
    cut_and_come_back, nobody_there, nobody_answers, refused, overrun, lab_stopped,
]  # fmt: skip
EACH_CLIENT = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


@EACH_CLIENT
async def test_a_client_makes_every_move_of_its_table_and_no_other(kind):
    made: Counter[Transition] = Counter()
    for scenario in SCENARIOS:
        watched = await scenario(kind)
        where = f"{scenario.__name__}: {watched.states}"
        assert not watched.follower.violations, where
        assert watched.follower.state == "closed", where
        assert watched.states.count("closed") == 1, where
        made += watched.follower.taken
    missing = [move for move in rtlab.machine(kind.machine).transitions if not made[move]]
    assert not missing


@EACH_CLIENT
async def test_one_cut_four_transports(kind):
    """What each does when its connection is cut once, in a quiet moment."""
    with rtlab.Lab(kind.transport) as lab:
        options = {"period": 0.4} if kind.machine == "polling" else {"hold": 20}
        options = options if kind.machine in OPTIONS else {}
        async with client(lab, kind, **options) as watched:
            lab.publish("before")
            watched.run()
            await until(lambda: watched.messages == 1)
            quiet = "open" if kind.machine in ("sse", "websocket") else "waiting"
            await until(lambda: watched.follower.state == quiet)
            until_now = len(watched.states)
            assert lab.cut(kind.transport) == 1
            lab.publish("after")
            await until(lambda: watched.messages == 2)
            states = watched.states[until_now:]
    assert states[: states.index("open") + 1] == {
        "polling": ["open"],  # between two questions nobody notices
        "long_polling": ["reconnecting", "waiting", "open"],
        "sse": ["reconnecting", "connecting", "open"],
        "websocket": ["reconnecting", "connecting", "open"],
    }[kind.machine]  # fmt: skip


STREAM = {"Content_Type": "text/event-stream"}


@pytest.mark.parametrize(
    ("transport", "said", "states"),
    [
        ("polling", answer("204 No Content"), ["connecting", "open", "closed"]),
        ("polling", answer("404 Not Found"), ["connecting", "closed"]),
        ("long_polling", answer("200 OK", b"{}"), ["connecting", "waiting", "open", "closed"]),
        ("sse", answer("204 No Content"), ["connecting", "closed"]),
        ("sse", answer("200 OK", b"<html>", Content_Type="text/html"), ["connecting", "closed"]),
        ("sse", answer("200 OK", b"data: x\n\n", **STREAM), ["connecting", "open", "closed"]),
        ("websocket", answer("404 Not Found"), ["connecting", "closed"]),
    ],
)
async def test_an_answer_that_will_not_change_closes_from_wherever_it_comes(
    transport, said, states
):
    async with canned(said) as server:
        scheme = "ws" if transport == "websocket" else "http"
        watched = Watched(f"{scheme}://127.0.0.1:{server.port}/", KINDS[transport])
        with pytest.raises(rtlab.Refused):
            await watched.one()
    assert watched.states == states
    assert not watched.follower.violations


@pytest.mark.parametrize(("code", "then"), [(1008, "closed"), (1012, "reconnecting")])
async def test_a_close_code_says_whether_a_websocket_comes_back(code, then):
    async def serve(connection: websockets.ServerConnection) -> None:
        await connection.recv()
        await connection.send('{"hello": {"last": 0}}')
        await connection.close(code)

    async with websockets.serve(serve, sock=listen()) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        url = f"ws://127.0.0.1:{port}/"
        watched = Watched(url, KINDS["websocket"], backoff=rtlab.Backoff(base=60))
        watched.run()
        await until(lambda: watched.states[-1:] == [then])
        if then == "closed":
            await asyncio.wait([watched.task])
            assert isinstance(watched.task.exception(), rtlab.Refused)
        await watched.leave()
    assert watched.states == ["connecting", "open", *dict.fromkeys((then, "closed"))]
    assert not watched.follower.violations


async def test_a_server_that_is_not_ours_is_told_by_its_moves():
    """Messages before the hello are no move of the table."""

    async def serve(connection: websockets.ServerConnection) -> None:
        await connection.send('{"seq": 1, "published_ns": 1, "data": null}')
        await connection.wait_closed()

    async with websockets.serve(serve, sock=listen()) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        watched = Watched(f"ws://127.0.0.1:{port}/", KINDS["websocket"])
        with pytest.raises(rtlab.UnexpectedMove, match="in connecting there is no 'delivery'"):
            await watched.one()
        await watched.leave()


@EACH_CLIENT
async def test_the_harness_sees_a_table_that_is_too_narrow_or_too_wide(kind):
    """Without any one of its moves, the table does not pass what the client does."""
    with rtlab.Lab(kind.transport) as lab:
        async with client(lab, kind) as watched:
            lab.publish("x")
            await watched.one()
    whole = rtlab.machine(kind.machine)
    for without in watched.follower.taken:
        moves = tuple(move for move in whole.transitions if move != without)
        follower = replace(whole, transitions=moves).follow()
        for state in watched.states:
            follower(rtlab.Report(state))  # type: ignore[arg-type]
        assert follower.violations or without.action == DELIVERY
