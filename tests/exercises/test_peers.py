"""What is said of a client that does not give each message once, and how peers leave."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

import pytest
from websockets.asyncio.server import ServerConnection

from rtlab.exercises import catalogue, serving
from rtlab.exercises.mistakes import Mistake
from rtlab.exercises.peers import data_of, each_data_once, talking
from rtlab.exercises.run import run
from rtlab.sockets import LOOPBACK

RIGHT = [data_of(seq) for seq in range(1, 8)]


@pytest.mark.parametrize(
    ("got", "says"),
    [
        ([1, 2, 3, 4, 5, 6, 7], "seq and not the data"),
        ([{"seq": 1, "data": data_of(1)}], "whole messages"),
        (RIGHT[:2] + RIGHT[3:], "One of messages 2 and 3 never came: they have the same data"),
        (RIGHT[:4] + RIGHT[5:], "Message 5 never came"),
        (RIGHT[:3], "It stopped after 3 of 7"),
        (RIGHT + RIGHT[:1], "Message 1 came more than once"),
        (RIGHT[::-1], "another order"),
        ([{}, [], {}], "more than once"),
    ],
)
def test_mistakes_with_messages_are_told_apart(got: list[object], says: str) -> None:
    with pytest.raises(Mistake, match=says) as told:
        each_data_once(got, 7)
    assert told.value.expected == RIGHT
    assert told.value.got == got


def test_the_data_of_each_once_is_right() -> None:
    each_data_once(list(RIGHT), 7)


async def test_a_client_that_begins_with_now_is_told_in_every_case_what_it_lost() -> None:
    """Notebook 02 has one, so no peer may refuse what it asks."""
    exercise = catalogue.find("long-poll-client")
    source = exercise.solution.replace("cursor = 0", 'cursor = "now"')
    source = source.replace("answer.status_code == 200", "answer.status_code != 204")
    verdict = await run(exercise, exercise.load(source), seed=5)
    for case in verdict.cases:
        assert "never came" in case.message or "It stopped after 0" in case.message, case


async def _wait(connection: ServerConnection) -> None:
    await connection.wait_closed()


async def _say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


@asynccontextmanager
async def _served(kind: str) -> AsyncIterator[int]:
    handler = _say_nothing if kind == "streams" else _wait
    async with getattr(serving, kind)(handler) as served:
        yield served.port


@pytest.mark.parametrize("kind", ["talking", "websocket", "streams"])
@pytest.mark.parametrize("turns", range(5))
async def test_who_dials_while_a_peer_leaves_is_hung_up_on(kind: str, turns: int) -> None:
    """An answer that dials without a pause is accepted in whatever turn of the loop it is."""
    opened = talking(_wait) if kind == "talking" else _served(kind)
    with ExitStack() as clients:
        async with opened as port:
            for _ in range(3):
                clients.enter_context(socket.create_connection((LOOPBACK, port)))
            for _ in range(turns):
                await asyncio.sleep(0)
    await asyncio.sleep(0)
    gc.collect()  # which tells of a socket that nobody closed, and that fails the test
