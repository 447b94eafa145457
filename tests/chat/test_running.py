"""A chat in a lab: recorded, cut, replaced and stopped."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import InvalidStatus

import rtlab
from rtlab.chat import Chat
from rtlab.errors import NotRunning, UsageError
from tests.chat.peers import closed, dialled, receive, say, until


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


def port_answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def test_every_frame_of_it_is_recorded(chat: Chat) -> None:
    async with chat.join("Ada") as ada, chat.join("Bob") as bob:
        await bob.say("for the record")
        await anext(ada)
        await anext(ada)
    shown = chat.recording.conversation().text
    assert "GET /chat" in shown
    assert shown.count('{"type":"say"') == 2  # up from Bob, down to Ada
    up = b"".join(segment.data for segment in chat.recording if segment.direction == "up")
    assert b"for the record" not in up  # masked (RFC 6455 §5.3)


async def test_its_link_can_be_cut_and_impaired_apart_from_the_labs(chat: Chat) -> None:
    async with chat.join("Ada"), chat.join("Bob"):
        assert chat.cut() == 2
    chat.impair(latency=0.01)
    assert chat.link.impairment("up").latency == 0.01
    assert chat.lab.link("polling").impairment("up").latency == 0


async def test_starting_it_again_replaces_it(lab: rtlab.Lab, chat: Chat) -> None:
    async with dialled(chat.url, "Ada") as ada:
        again = await asyncio.to_thread(rtlab.chat.start, lab)
        assert await closed(ada) == (1001, "the chat is stopped")
    assert again.running
    assert not chat.running
    assert chat.recording.accepted == 1  # what crossed can still be read
    assert again.recording.accepted == 0


async def test_a_handler_of_ones_own_runs_beside_it_and_replaces_its_namesake(
    lab: rtlab.Lab, chat: Chat
) -> None:
    first = rtlab.chat.start(lab, echo)
    async with dialled(first.url) as client:
        await client.send("as it is")
        assert await client.recv() == "as it is"
    second = rtlab.chat.start(lab, echo)
    assert (chat.running, first.running, second.running) == (True, False, True)


def test_it_ends_with_its_lab_and_leaves_no_thread() -> None:
    with rtlab.Lab("polling") as lab:
        chat = rtlab.chat.start(lab)
        port = chat.link.port
        assert port_answers(port)
    assert not chat.running
    assert not port_answers(port)
    assert not [t for t in threading.enumerate() if t.name.startswith("rtlab")]
    chat.stop()  # does no harm


def test_it_can_be_stopped_and_begun_anew(lab: rtlab.Lab) -> None:
    with Chat(lab) as chat:
        first = chat.link.port
        assert chat.start() is chat
        assert chat.link.port == first
    assert not port_answers(first)
    with chat:
        assert port_answers(chat.link.port)


def test_a_lab_that_lives_on_does_not_keep_chats_that_were_replaced(lab: rtlab.Lab) -> None:
    for _ in range(3):
        rtlab.chat.start(lab)
    assert len(lab._goodbyes) == 1


def test_a_chat_that_is_stopped_says_so(lab: rtlab.Lab) -> None:
    chat = Chat(lab)
    for use in (
        lambda: chat.url,
        lambda: chat.direct_url,
        lambda: chat.link,
        chat.cut,
        chat.impair,
    ):
        with pytest.raises(NotRunning, match=r"rtlab\.chat\.start"):
            use()
    with pytest.raises(NotRunning):
        _ = chat.recording
    assert "stopped" in repr(chat)
    assert "stopped" in chat._repr_html_()
    lab.stop()
    with pytest.raises(NotRunning, match="This lab is stopped"):
        chat.start()


@pytest.mark.parametrize("arguments", [("lab",), (None,)])
def test_without_a_lab_there_is_none(arguments: Any) -> None:
    with pytest.raises(UsageError, match=r"rtlab\.start"):
        rtlab.chat.start(*arguments)


def test_a_handler_that_is_none_is_refused_and_changes_nothing(lab: rtlab.Lab, chat: Chat) -> None:
    with pytest.raises(UsageError, match="async function"):
        rtlab.chat.start(lab, "handler")  # type: ignore[arg-type]
    assert chat.running


async def test_it_shows_who_is_where_and_escapes_it(chat: Chat) -> None:
    async with chat.join("<b>Ada</b>", "<i>"):
        assert "<b>Ada</b>" in repr(chat)
        shown = chat._repr_html_()
    assert "&lt;b&gt;Ada&lt;/b&gt;" in shown
    assert "<b>Ada" not in shown
    assert "1 connection<" in shown


async def test_listeners_hear_what_is_said_until_they_are_taken_back(chat: Chat) -> None:
    heard: list[tuple[str, str]] = []
    forget = chat.listen(lambda room, message: heard.append((room, message["type"])))
    async with chat.join("Ada") as ada, chat.join("Bob", "other"):
        await ada.say("hi")
        await ada.who()
        await anext(ada)
        assert sorted(heard) == [("general", "join"), ("general", "say"), ("other", "join")]
        forget()
        await ada.say("unheard")
        await ada.who()
        await anext(ada)
    assert len(heard) == 3


# ── who may come in ──


async def test_pages_of_elsewhere_are_kept_out(chat: Chat) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await connect(chat.url, proxy=None, origin="https://evil.example")  # type: ignore[arg-type]
    assert refused.value.response.status_code == 403


async def test_the_labs_token_is_asked_for() -> None:
    with rtlab.Lab("polling", token="secret") as lab, Chat(lab) as chat:
        assert chat.url.endswith("?token=secret")
        assert "secret" not in repr(chat)
        async with chat.join("Ada"):
            pass
        with pytest.raises(rtlab.Refused, match="403"):
            async with rtlab.chat.join(chat.url.partition("?")[0]):
                pass


async def test_small_messages_do_not_wait_for_an_acknowledgement(chat: Chat) -> None:
    async with dialled(chat.url, "Ada") as ada, dialled(chat.url, "Bob") as bob:
        await until(ada, type="join")
        loop = asyncio.get_running_loop()
        begin = loop.time()
        for _ in range(100):
            await say(ada, type="say", text="ping")
            await receive(bob)
            await say(bob, type="say", text="pong")
            await receive(ada)
        assert loop.time() - begin < 100 * 0.04  # a delayed ACK each would take that long
