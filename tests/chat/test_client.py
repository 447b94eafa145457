"""The Python side of a room."""

from __future__ import annotations

import asyncio

import pytest
from websockets.asyncio.server import ServerConnection

import rtlab
from rtlab.chat import Chat, Line, join
from rtlab.errors import Refused, UsageError
from rtlab.transports.http import Unavailable
from tests.chat.peers import GUARD, dialled, say


async def test_what_is_said_is_read_by_the_others(chat: Chat) -> None:
    async with chat.join("Ada", "general") as ada, chat.join("Bob", "general") as bob:
        await bob.say("hi")
        lines = []
        async for line in ada:
            lines.append(str(line))
            if line.type == "say":
                break
    assert lines == ["Bob has come; here: Ada, Bob", "Bob: hi"]


async def test_a_room_knows_its_name_and_who_is_here(chat: Chat) -> None:
    async with chat.join("Ada") as ada, chat.join("Ada") as second:
        assert (second.name, second.here) == ("Ada 2", ["Ada", "Ada 2"])
        assert ada.here == ["Ada"]  # as of the last line it read
        await anext(ada)
        assert ada.here == ["Ada", "Ada 2"]
        assert repr(ada) == "<Room 'general' as 'Ada'; here: Ada, Ada 2>"
        await ada.who()
        assert (await anext(ada)) == Line("who", here=("Ada", "Ada 2"))


async def test_leaving_the_block_leaves_the_room_with_1000(chat: Chat) -> None:
    async with chat.join("Ada") as ada:
        async with chat.join("Bob") as bob:
            pass
        assert bob.connection.close_code == 1000
        assert [(await anext(ada)).type for _ in range(2)] == ["join", "leave"]
    with pytest.raises(RuntimeError, match="mine"):
        async with chat.join("Cleo") as cleo:
            raise RuntimeError("mine")
    assert cleo.connection.close_code == 1000


async def test_stopping_the_chat_ends_the_loop(chat: Chat) -> None:
    async with chat.join("Ada") as ada:
        await asyncio.to_thread(chat.stop)
        assert [line async for line in ada] == []
        assert (ada.connection.close_code, ada.connection.close_reason) == (
            1001,
            "the chat is stopped",
        )
        with pytest.raises(Unavailable, match="1001"):
            await ada.say("anybody?")


async def test_a_cut_is_an_error_that_says_what_happened(chat: Chat) -> None:
    async with chat.join("Ada") as ada:
        chat.cut()
        with pytest.raises(Unavailable, match="1006"):
            async with asyncio.timeout(GUARD):
                await anext(ada)


async def test_a_close_that_blames_the_client_is_a_refusal(chat: Chat) -> None:
    async with chat.join("Ada") as ada:
        await ada.connection.send(b"\0")
        with pytest.raises(Refused, match="binary") as refused:
            await anext(ada)
    assert refused.value.code == 1003


async def test_what_cannot_travel_is_refused_before_it_is_sent(chat: Chat) -> None:
    async with chat.join("Ada") as ada:
        with pytest.raises(UsageError, match="JSON"):
            await ada.say(b"bytes")  # type: ignore[arg-type]


async def test_an_error_of_the_server_is_a_line(chat: Chat) -> None:
    async with chat.join("Ada") as ada:
        await ada.say(7)  # type: ignore[arg-type]
        line = await anext(ada)
    assert line.type == "error"
    assert str(line).startswith("error: What you say has a text")


async def test_joining_fails_with_the_reason(chat: Chat) -> None:
    with pytest.raises(UsageError, match="1 to 40"):
        async with chat.join("x" * 41):
            pass
    with pytest.raises(Refused, match="404"):
        async with join(chat.url + "x", "Ada"):
            pass
    url = chat.url
    chat.stop()
    with pytest.raises(Unavailable, match="cannot be reached"):
        async with join(url, "Ada"):
            pass
    with pytest.raises(rtlab.NotRunning):
        chat.join("Ada")


@pytest.mark.parametrize("answer", ["[]", '{"type": "hello"}', "nonsense"])
async def test_a_server_of_another_kind_is_told_from_ours(lab: rtlab.Lab, answer: str) -> None:
    async def other(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send(answer)

    with pytest.raises(UsageError, match=r"welcome|Not"):
        async with rtlab.chat.start(lab, other).join("Ada"):
            pass


async def test_lines_of_a_hostile_server_are_read_as_text() -> None:
    line = Line.read('{"type": ["say"], "name": {"a": 1}, "text": null, "here": "all"}')
    assert line == Line("['say']", "{'a': 1}", "None", ())


async def test_a_plain_client_and_this_one_share_a_room(chat: Chat) -> None:
    async with chat.join("Ada") as ada, dialled(chat.url, "Bob") as bob:
        await say(bob, type="say", text="from elsewhere")
        await anext(ada)
        assert str(await anext(ada)) == "Bob: from elsewhere"
