"""The lesson's chat server over real connections: clients that behave, and others."""

from __future__ import annotations

import asyncio
import json

import pytest

from rtlab.chat import Chat
from rtlab.chat.server import MAX_HERE, MAX_MESSAGE, ChatServer
from rtlab.log import ring
from rtlab.sockets import small_buffers
from tests.chat.peers import closed, deaf, dialled, eventually, receive, say, until

# ── what it is for ──


async def test_whoever_joins_is_welcomed_and_the_others_are_told(chat: Chat) -> None:
    async with dialled(chat.url, "Ada") as ada, dialled(chat.url) as bob:
        await say(bob, type="join", room="general", name="Bob")
        assert await receive(bob) == {
            "type": "welcome",
            "room": "general",
            "name": "Bob",
            "here": ["Ada", "Bob"],
        }
        assert await receive(ada) == {"type": "join", "name": "Bob", "here": ["Ada", "Bob"]}
        assert chat.rooms() == {"general": ["Ada", "Bob"]}


async def test_what_one_says_reaches_all_others_in_its_room_and_nobody_else(chat: Chat) -> None:
    async with (
        dialled(chat.url, "Ada") as ada,
        dialled(chat.url, "Bob") as bob,
        dialled(chat.url, "Cleo") as cleo,
        dialled(chat.url, "Dora", "elsewhere") as dora,
    ):
        await say(ada, type="say", text="hi")
        said = {"type": "say", "name": "Ada", "text": "hi"}
        assert await until(bob, type="say") == said
        assert await until(cleo, type="say") == said
        await say(bob, type="say", text="hello")
        assert (await until(ada, type="say"))["name"] == "Bob"  # and not its own line
        await say(dora, type="who")
        assert await receive(dora) == {"type": "who", "here": ["Dora"]}  # the first that came


async def test_the_lessons_own_client_is_served_as_it_is(chat: Chat) -> None:
    async with dialled(chat.url) as client:
        await client.send('{"type":"join","room":"general"}')  # JSON.stringify of the lesson's
        assert (await receive(client))["name"] == "guest"


async def test_a_name_that_is_taken_gets_a_number(chat: Chat) -> None:
    async with dialled(chat.url, "Ada"), dialled(chat.url) as second, dialled(chat.url) as third:
        for connection, name in ((second, "Ada 2"), (third, "Ada 3")):
            await say(connection, type="join", room="general", name="Ada")
            assert (await receive(connection))["name"] == name


async def test_the_name_of_a_line_is_the_servers_not_what_the_sender_claims(chat: Chat) -> None:
    async with dialled(chat.url, "Ada") as ada, dialled(chat.url, "Mallory") as mallory:
        await say(mallory, type="say", text="trust me", name="Ada")
        assert (await until(ada, type="say"))["name"] == "Mallory"


async def test_joining_another_room_leaves_the_first(chat: Chat) -> None:
    async with dialled(chat.url, "Ada") as ada, dialled(chat.url, "Bob") as bob:
        await say(bob, type="join", room="quiet", name="Bob")
        assert (await receive(bob))["room"] == "quiet"
        assert await until(ada, type="leave") == {"type": "leave", "name": "Bob", "here": ["Ada"]}
        assert chat.rooms() == {"general": ["Ada"], "quiet": ["Bob"]}


async def test_leaving_is_confirmed_and_told_and_can_be_undone(chat: Chat) -> None:
    async with dialled(chat.url, "Ada") as ada, dialled(chat.url, "Bob") as bob:
        await say(bob, type="leave")
        gone = {"type": "leave", "name": "Bob", "here": ["Ada"]}
        assert await receive(bob) == gone
        assert await until(ada, type="leave") == gone
        await say(bob, type="join", room="general", name="Bob")
        assert (await receive(bob))["here"] == ["Ada", "Bob"]


async def test_what_a_client_said_before_it_left_is_heard(chat: Chat) -> None:
    async with chat.join("Ada") as ada:
        async with chat.join("Bob") as bob:
            for number in range(3000):
                await bob.say(str(number))
        heard = [await anext(ada) for _ in range(3002)]
    assert [line.text for line in heard[1:-1]] == [str(number) for number in range(3000)]
    assert (heard[0].type, heard[-1].type) == ("join", "leave")


@pytest.mark.parametrize("ending", ["close", "abort", "cut"])
async def test_a_client_that_is_gone_is_in_the_room_no_more(chat: Chat, ending: str) -> None:
    async with dialled(chat.url, "Ada") as ada, dialled(chat.url, "Bob") as bob:
        if ending == "close":
            await bob.close()
        elif ending == "abort":
            bob.transport.abort()
        else:
            chat.cut()
            async with dialled(chat.url) as other:
                await say(other, type="join", room="general", name="Ada")
                assert (await receive(other))["name"] == "Ada"  # the name is free again
            return
        assert (await until(ada, type="leave"))["here"] == ["Ada"]
    await eventually(lambda: chat.rooms() == {})


# ── hostile input ──

WRONG = {
    "no JSON": ("nope", "Not JSON"),
    "half of it": ('{"type": "say"', "Not JSON"),
    "NaN": ('{"type": "say", "text": NaN}', "Not JSON"),
    "nested too deeply": ("[" * 100_000, "Not JSON"),
    "a number with too many digits": ("1" * 5000, "Not JSON"),
    "no object": ('["say", "hi"]', "a type"),
    "nothing": ("null", "a type"),
    "no type": ('{"text": "hi"}', "a type"),
    "an unknown type": ('{"type": "dance"}', "a type"),
    "a type that is no text": ('{"type": {"say": 1}}', "a type"),
    "a type as long as a book": (json.dumps({"type": "x" * 200_000}), "a type"),
    "no text": ('{"type": "say"}', "has a text"),
    "a text that is none": ('{"type": "say", "text": ["hi"]}', "has a text"),
    "half of a surrogate pair": ('{"type": "say", "text": "\\ud83d"}', "JSON"),
    "a name that is too long": (json.dumps({"type": "join", "name": "x" * 41}), "1 to 40"),
    "a name of spaces": ('{"type": "join", "name": "  "}', "A name is a text"),
    "a name that is none": ('{"type": "join", "name": null}', "A name is a text"),
    "a name without meaning": ('{"type": "join", "name": "\\udc00"}', "JSON"),
    "a room that is too long": (json.dumps({"type": "join", "room": "x" * 41}), "A room is"),
    "a room that is none": ('{"type": "join", "room": 7}', "A room is"),
}


@pytest.mark.parametrize(("text", "why"), WRONG.values(), ids=WRONG)
async def test_a_wrong_message_is_answered_to_its_sender_only_and_changes_nothing(
    chat: Chat, text: str, why: str
) -> None:
    async with dialled(chat.url, "Ada") as ada, dialled(chat.url, "Mallory") as mallory:
        await mallory.send(text)
        answer = await until(mallory, type="error")
        assert why in answer["error"]
        assert len(answer["error"]) < 500
        await say(mallory, type="say", text="and on")
        assert (await receive(ada))["type"] == "join"
        assert (await receive(ada))["text"] == "and on"  # nothing in between
        assert chat.rooms() == {"general": ["Ada", "Mallory"]}


@pytest.mark.parametrize("verb", ["say", "who", "leave"])
async def test_whoever_has_not_joined_is_told_to(chat: Chat, verb: str) -> None:
    async with dialled(chat.url, "Ada") as ada, dialled(chat.url) as stranger:
        await say(stranger, type=verb, text="let me in")
        answer = await receive(stranger)
        assert answer["type"] == "error"
        assert answer["error"].startswith("Join a room first")
        await say(ada, type="who")
        assert (await receive(ada))["type"] == "who"  # nothing reached it before


BROKEN = {
    "binary": (b'{"type":"who"}', 1003),
    "too long": ("x" * (MAX_MESSAGE + 1), 1009),
}


@pytest.mark.parametrize(("data", "code"), BROKEN.values(), ids=BROKEN)
async def test_what_is_no_message_at_all_closes_its_connection_only(
    chat: Chat, data: str | bytes, code: int
) -> None:
    async with dialled(chat.url, "Ada") as ada, dialled(chat.url, "Mallory") as mallory:
        await mallory.send(data)
        assert (await closed(mallory))[0] == code
        assert (await until(ada, type="leave"))["here"] == ["Ada"]


async def test_text_that_is_no_utf_8_closes_with_1007(chat: Chat) -> None:
    async with dialled(chat.url, "Mallory") as mallory:
        await mallory.send(b'{"type":"say","text":"\xff"}', text=True)
        assert (await closed(mallory))[0] == 1007


async def test_the_largest_message_goes_through(chat: Chat) -> None:
    frame = len(json.dumps({"type": "say", "text": ""}))
    async with dialled(chat.url, "Ada") as ada, dialled(chat.url, "Bob") as bob:
        await say(bob, type="say", text="x" * (MAX_MESSAGE - frame))
        assert len((await until(ada, type="say"))["text"]) == MAX_MESSAGE - frame


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "\u202egnp.exe", "\0\x1b[31m", "😀" * 1000, "a\u2028b"]
)
async def test_odd_text_arrives_as_it_was_said(chat: Chat, text: str) -> None:
    async with dialled(chat.url, "Ada") as ada, dialled(chat.url, text[:40]) as odd:
        await say(odd, type="say", text=text)
        assert (await until(ada, type="say"))["text"] == text


async def test_a_slow_reader_is_dropped_with_1013_and_the_others_get_everything(chat: Chat) -> None:
    big, total = "x" * 200_000, 60
    async with (
        dialled(chat.url, "Ada") as ada,
        dialled(chat.url, "Bob") as bob,
        deaf(chat.url, "Zoe") as zoe,
    ):
        await until(ada, name="Zoe", type="join")
        for number in range(total):
            await say(ada, type="say", text=f"{number} {big}")
            assert (await until(bob, type="say"))["text"].startswith(f"{number} ")
        assert (await until(ada, type="leave"))["name"] == "Zoe"
        assert chat.rooms() == {"general": ["Ada", "Bob"]}
        code, reason = await closed(zoe)  # it reads at last
    assert code == 1013
    assert reason.startswith("too slow")


async def test_who_sends_rubbish_and_does_not_read_the_answers_is_dropped_as_well(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rtlab.transports.endpoint.BACKLOG_LIMIT", 1 << 16)
    assert chat._endpoint is not None
    beside = f"ws://127.0.0.1:{chat._endpoint.port}/chat"  # the link, which has room for much
    async with deaf(beside, "Zoe") as zoe, dialled(chat.url, "Ada") as ada:
        for connection in list(chat._endpoint._connections):  # what the system holds is not counted
            small_buffers(connection.transport, 4096)
        async with asyncio.timeout(20):
            while "Zoe" in chat.rooms()["general"]:
                await zoe.send("rubbish")
                await asyncio.sleep(0)
        await say(ada, type="who")
        assert (await until(ada, type="who"))["here"] == ["Ada"]


async def test_a_full_room_takes_nobody_in_and_whoever_asked_stays_where_it_was() -> None:
    class Silent:
        """A connection whose only use is to be one."""

    server = ChatServer()
    server.rooms["full"] = {Silent(): str(n) for n in range(MAX_HERE)}  # type: ignore[misc]
    client = Silent()
    server.rooms["mine"] = {client: "me"}  # type: ignore[dict-item]
    with pytest.raises(Exception, match="1000 are in this room"):
        server._join(client, {"room": "full"})  # type: ignore[arg-type]
    assert server.here("mine") == ["me"]


async def test_nothing_of_it_is_printed_or_fails_inside(
    chat: Chat, capfd: pytest.CaptureFixture[str]
) -> None:
    ring.lines.clear()
    async with dialled(chat.url, "Mallory") as mallory:
        for text, _ in WRONG.values():
            await mallory.send(text)
        await mallory.send(b"\0")
        await closed(mallory)
    await eventually(lambda: chat.rooms() == {})
    assert capfd.readouterr() == ("", "")
    assert not [line for line in ring.lines if "failed" in line or "Traceback" in line]
