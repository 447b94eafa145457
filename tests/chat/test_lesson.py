"""The lesson's server word for word, and each of its bugs shown; then the same against ours."""

from __future__ import annotations

import asyncio
import json

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import ServerConnection
from websockets.protocol import State

import rtlab
from rtlab.chat import Chat
from rtlab.log import ring
from rtlab.transports import endpoint
from tests.chat.peers import closed, deaf, dialled, eventually, receive, say, until

# ── the lesson's server, translated line by line ──

STALL = 3.0
"""Seconds in which nothing goes: a busy machine may stand still for one."""

clients: set[ServerConnection] = set()


async def lesson(ws: ServerConnection) -> None:
    clients.add(ws)
    async for data in ws:
        message = json.loads(data)
        for client in clients:
            if client is not ws and client.state is State.OPEN:
                await client.send(json.dumps(message))
    clients.discard(ws)


@pytest.fixture
def naive(lab: rtlab.Lab, monkeypatch: pytest.MonkeyPatch) -> Chat:
    monkeypatch.setattr(endpoint, "CLOSE_LIMIT", 0.5)  # it cannot read a Close frame that waits
    clients.clear()
    ring.lines.clear()
    return rtlab.chat.start(lab, lesson)


# ── and what is wrong with it ──


async def test_it_works_as_long_as_everybody_behaves(naive: Chat) -> None:
    async with dialled(naive.url) as ada, dialled(naive.url) as bob:
        await say(ada, text="hi")
        assert await receive(bob) == {"text": "hi"}
        await say(bob, text="hello")
        assert await receive(ada) == {"text": "hello"}


async def test_one_bad_message_ends_its_handler_and_the_client_stays_in_the_set(
    naive: Chat,
) -> None:
    async with dialled(naive.url) as ada, dialled(naive.url) as bob:
        await bob.send("this is no JSON")
        assert (await closed(bob))[0] == 1011
        await eventually(lambda: "JSONDecodeError" in "".join(naive.lab.log()))
        await say(ada, text="still here?")
        await ada.close()
        await eventually(lambda: [client.state for client in clients] == [State.CLOSED])


async def test_whoever_is_cut_stays_in_the_set_for_ever(naive: Chat) -> None:
    for _ in range(3):
        async with dialled(naive.url) as ada:
            await say(ada, text="hi")
            naive.cut()
            with pytest.raises(AssertionError, match="without a Close frame"):
                await closed(ada)
    assert len(clients) == 3
    await eventually(lambda: {client.state for client in clients} == {State.CLOSED})


async def fill(sender: ClientConnection) -> None:
    """Send until nothing goes any more: whoever should pass it on waits for somebody."""
    with pytest.raises(TimeoutError):
        for _ in range(1000):
            async with asyncio.timeout(STALL):
                await say(sender, type="say", text="x" * 200_000)


async def test_a_slow_reader_stalls_everybody(naive: Chat) -> None:
    async with (
        dialled(naive.url) as ada,
        dialled(naive.url) as bob,
        dialled(naive.url) as cleo,
        deaf(naive.url, "Zoe"),
    ):
        reading = asyncio.create_task(read_all(cleo))  # so that only Zoe can be to blame
        await fill(ada)
        await say(bob, text="first")
        await say(bob, text="second")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await until(ada, text="second")
        reading.cancel()
        naive.cut()  # nobody could say goodbye


async def read_all(connection: ClientConnection) -> None:
    while True:
        await connection.recv()


async def test_whoever_comes_while_another_waits_breaks_the_connection_of_a_third(
    naive: Chat,
) -> None:
    async with dialled(naive.url) as ada, deaf(naive.url, "Zoe") as zoe:
        await fill(ada)
        async with dialled(naive.url):  # the set changes while Ada's handler goes through it
            reading = asyncio.create_task(read_all(zoe))
            assert (await closed(ada))[0] == 1011  # Ada has done nothing wrong
            reading.cancel()
            naive.cut()
    await eventually(lambda: "Set changed size during iteration" in "".join(naive.lab.log()))


# ── the same against ours ──


async def test_ours_survives_the_same(chat: Chat) -> None:
    async with (
        dialled(chat.url, "Ada") as ada,
        dialled(chat.url, "Bob") as bob,
        dialled(chat.url, "Mallory") as mallory,
        deaf(chat.url, "Zoe"),
    ):
        await mallory.send("this is no JSON")
        await until(mallory, type="error")
        reading = [asyncio.create_task(read_all(connection)) for connection in (mallory, bob)]
        for _ in range(60):
            await say(ada, type="say", text="x" * 200_000)
        async with dialled(chat.url, "Late"):
            reading[1].cancel()
            await say(ada, type="who")
            assert (await until(ada, type="who"))["here"] == ["Ada", "Bob", "Mallory", "Late"]
            await say(bob, type="say", text="second")
            assert (await until(ada, type="say"))["text"] == "second"
        reading[0].cancel()
    await eventually(lambda: chat.rooms() == {})
