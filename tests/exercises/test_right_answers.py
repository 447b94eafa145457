"""Right answers that look like none of the solutions, and pass all the same."""

from __future__ import annotations

import asyncio

import pytest

from rtlab.exercises import catalogue
from rtlab.exercises.run import run
from rtlab.exercises.verdict import Verdict

ALL_THAT_WAS_SEEN = """
def dedupe(received, cursor):
    seen = {}
    for seq, data in received:
        if seq > cursor:
            seen.setdefault(seq, data)
    last = max(seen, default=cursor)
    return list(seen.items()), last, [n for n in range(cursor + 1, last) if n not in seen]
"""


async def judge(name: str, source: str, seed: int = 5) -> Verdict:
    exercise = catalogue.find(name)
    return await run(exercise, exercise.load(source), seed)


async def test_dedupe_may_keep_all_that_was_seen() -> None:
    for verdict in await asyncio.gather(
        *(judge("dedupe", ALL_THAT_WAS_SEEN, seed) for seed in range(6))
    ):
        assert verdict.passed, verdict


ASKED_WITH_AIOHTTP = """
import asyncio
import aiohttp


async def messages(url):
    cursor = 0
    async with aiohttp.ClientSession() as session:
        while True:
            try:
                asked = {"since": str(cursor), "timeout": "3"}
                async with session.get(url, params=asked) as answer:
                    listed = await answer.json() if answer.status == 200 else []
            except (aiohttp.ClientError, TimeoutError, OSError):
                await asyncio.sleep(0.2)
                continue
            for message in listed:
                yield message["data"]
                cursor = message["seq"]
"""
A_SET_OF_NUMBERS = """
import asyncio
import json
import websockets


async def messages(url):
    seen = {0}
    while True:
        try:
            connection = await websockets.connect(url, proxy=None)
            await connection.send(json.dumps({"since": max(seen)}))
            while True:
                match json.loads(await connection.recv()):
                    case {"seq": seq, "data": data} if seq not in seen:
                        seen.add(seq)
                        yield data
        except (OSError, websockets.WebSocketException):
            await asyncio.sleep(0.2)
"""


@pytest.mark.parametrize(
    ("name", "source"),
    [("long-poll-client", ASKED_WITH_AIOHTTP), ("exactly-once", A_SET_OF_NUMBERS)],
)
async def test_a_client_may_be_written_in_another_way(name: str, source: str) -> None:
    verdict = await judge(name, source)
    assert verdict.passed, verdict
