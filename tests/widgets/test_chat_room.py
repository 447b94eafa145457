"""ChatRoom in Python: what a page is told, what it may ask, and what is shown without one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

import rtlab
from rtlab.chat import Chat
from rtlab.errors import NotRunning, UsageError
from rtlab.widgets import ChatRoom
from tests.widgets.pages import Page


@pytest.fixture
def chat() -> Iterator[Chat]:
    with rtlab.Lab("polling", token="secret") as lab:
        yield rtlab.chat.start(lab)


def talk(chat: Chat, *texts: str, name: str = "Ada") -> None:
    async def said() -> None:
        async with chat.join(name) as room:
            for text in texts:
                await room.say(text)

    asyncio.run(said())


def test_a_page_that_appears_is_told_everything(chat: Chat) -> None:
    view = ChatRoom(chat, panes=3)
    page = Page(view)
    talk(chat, "hi")
    page.until(lambda: len(view.lines) == 3)
    told = page.open()
    assert told["url"] == chat.url
    assert told["beside"] == chat.direct_url != chat.url
    assert [pane["name"] for pane in told["panes"]] == ["Ada", "Grace", "Alan"]
    assert [(line["type"], line["text"]) for line in told["lines"]] == [
        ("join", ""),
        ("say", "hi"),
        ("leave", ""),
    ]
    assert told["server"]["running"] is True
    assert told["server"]["up"] == chat.recording.up.received > 0


def test_news_are_what_the_server_knows_and_only_when_it_changes(chat: Chat) -> None:
    page = Page(ChatRoom(chat))
    page.open()

    async def stay() -> None:
        async with chat.join("Ada", "quiet"):
            await asyncio.to_thread(
                page.until,
                lambda: page.told[-1].get("server", {}).get("rooms") == {"quiet": ["Ada"]},
            )

    asyncio.run(stay())
    page.until(lambda: page.told[-1]["server"]["connections"] == 0)
    count = len(page.told)
    asyncio.run(asyncio.sleep(0.5))
    assert len(page.told) <= count + 1


def test_what_a_pane_says_of_itself_is_kept_for_the_next_page(chat: Chat) -> None:
    page = Page(ChatRoom(chat))
    page.say("pane", pane=1, name="Bob", room="quiet", wanted=True)
    told = page.open()
    assert told["panes"][0] == {"name": "Ada", "room": "general", "wanted": False}
    assert told["panes"][1] == {"name": "Bob", "room": "quiet", "wanted": True}


def test_a_page_can_cut_the_link(chat: Chat) -> None:
    page = Page(ChatRoom(chat))

    async def cut() -> None:
        async with chat.join("Ada") as room:
            page.say("cut", seconds=0)
            with pytest.raises(rtlab.RtlabError, match="1006"):
                await anext(room)

    asyncio.run(cut())


@pytest.mark.parametrize(
    "wish",
    [
        {"kind": "pane", "pane": 7, "name": "x", "room": "y", "wanted": True},
        {"kind": "pane", "pane": "first", "name": "x", "room": "y", "wanted": True},
        {"kind": "pane"},
        {"kind": "cut", "seconds": "many"},
        {"kind": "cut", "seconds": -1},
        {"kind": "cut"},
        {"kind": "dance"},
        {},
    ],
)
def test_what_a_page_cannot_ask_for_changes_nothing(chat: Chat, wish: dict[str, Any]) -> None:
    page = Page(ChatRoom(chat))
    page.say(**{"kind": "nothing", **wish})
    assert [pane["name"] for pane in page.open()["panes"]] == ["Ada", "Grace"]


def test_names_of_panes_are_kept_short(chat: Chat) -> None:
    page = Page(ChatRoom(chat))
    page.say("pane", pane=0, name="x" * 10_000, room=None, wanted=1)
    pane = page.open()["panes"][0]
    assert (len(pane["name"]), pane["room"], pane["wanted"]) == (41, "None", False)


def test_lines_are_bounded_in_number_and_in_length(chat: Chat) -> None:
    view = ChatRoom(chat)
    talk(chat, "x" * 100_000, *map(str, range(300)))
    page = Page(view)
    page.until(lambda: view.lines and view.lines[-1].type == "leave")
    assert len(view.lines) == 200
    talk(chat, "y" * 100_000)
    page.until(lambda: len([line for line in view.lines if line.text.startswith("y")]) == 1)
    [long] = [line.text for line in view.lines if line.text.startswith("y")]
    assert long.endswith("y… (100,000 characters)")
    assert len(long) < 600


def test_without_a_script_it_shows_who_is_where_and_what_was_said(chat: Chat) -> None:
    view = ChatRoom(chat)
    assert "Nothing was said yet." in view.as_text()
    assert "Nothing was said yet." in view.as_html()
    talk(chat, "<script>alert(1)</script>", "\u202eevil\x1b[31m", name="<b>Eve</b>")
    Page(view).until(lambda: len(view.lines) == 4)
    text, html = view.as_text(), view.as_html()
    assert "<b>Eve</b>" in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "<script>" not in html
    assert "<b>" not in html
    assert "&lt;script&gt;" in html
    assert "has left" in text
    assert "secret" not in text + html
    bundle = view._repr_mimebundle_()
    assert bundle is not None
    assert bundle[0]["text/html"] == html
    assert bundle[0]["text/plain"] == text


def test_a_chat_that_is_replaced_says_so_to_the_page(chat: Chat) -> None:
    view = ChatRoom(chat)
    page = Page(view)
    page.open()
    rtlab.chat.start(chat.lab)
    page.until(lambda: page.told[-1].get("server", {}).get("running") is False)
    assert view.alive
    assert view.as_text().startswith("A chat that is stopped.")


def test_a_lab_that_stops_ends_it_and_what_was_said_can_still_be_read(chat: Chat) -> None:
    view = ChatRoom(chat)
    page = Page(view)
    page.open()
    talk(chat, "last words")
    chat.lab.stop()
    assert not view.alive
    assert "last words" in view.as_text()
    assert chat._listeners == []


def test_a_view_that_is_closed_listens_no_more(chat: Chat) -> None:
    view = ChatRoom(chat)
    view.close()
    Page(view).until(lambda: chat._listeners == [])


def test_a_handler_of_ones_own_can_be_shown_as_well(chat: Chat) -> None:
    async def mute(connection: Any) -> None:
        async for _ in connection:
            pass

    told = Page(ChatRoom(rtlab.chat.start(chat.lab, mute))).open()
    assert told["server"]["rooms"] == {}


@pytest.mark.parametrize("panes", [0, 5, "two"])
def test_as_many_panes_as_fit(chat: Chat, panes: Any) -> None:
    with pytest.raises(UsageError, match="1 to 4"):
        ChatRoom(chat, panes)


def test_without_a_chat_there_is_nothing_to_show(chat: Chat) -> None:
    with pytest.raises(UsageError, match=r"rtlab\.chat\.start"):
        ChatRoom(chat.lab)  # type: ignore[arg-type]
    chat.stop()
    with pytest.raises(NotRunning):
        ChatRoom(chat)
