"""Every view under bad conditions, on a page of its own where all of them can be played."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

import rtlab
from rtlab import Report, widgets
from rtlab.chat import Chat
from rtlab.widgets.base import LiveView, View
from tests.browser.bare import Bare, blank_pages
from tests.browser.conftest import HUB
from tests.browser.jupyterlab import Browser

pytestmark = pytest.mark.timeout(200)

EVIL = "</script><img src=x onerror='window.harmed = true'>"
MANY = 10_000


@dataclass
class Scene:
    """A view on a page, and the lab behind it."""

    lab: rtlab.Lab
    view: Any
    bare: Bare

    def press(self, name: str) -> None:
        button = self.bare.page.get_by_role("button", name=name, exact=True).first
        self.bare.until(lambda: button.count() and button.is_enabled())
        button.click()

    def text(self, selector: str) -> str:
        return self.bare.page.locator(selector).first.inner_text()

    def connections(self) -> int:
        """How many sockets and answers are open: idle connections a browser keeps for a while."""
        recordings = [self.lab.recording("websocket")]
        chat = getattr(self.view, "chat", None)
        recordings += [chat.recording] if isinstance(chat, Chat) else []
        held = sum(map(len, self.lab.feed._waiters.values())) - 1  # the WebSocket server waits too
        return max(held, 0) + sum(recording.open_connections for recording in recordings)

    def tasks(self) -> list[str]:
        """What the view's module has running in the lab's thread."""

        async def names() -> list[str]:
            return [
                name
                for task in asyncio.all_tasks()
                if "widgets" in (name := repr(task.get_coro()))
                and task is not asyncio.current_task()
            ]

        return self.lab.thread.call(names())


@dataclass(frozen=True)
class Kind:
    """A view: how it is made, how it gets to work, and how one sees that it has kept up."""

    make: Callable[[rtlab.Lab], View]
    work: Callable[[Scene], None]
    flood: Callable[[Scene], None] = lambda scene: publish_many(scene.lab)
    kept_up: Callable[[Scene], bool] = field(default=lambda scene: True)


def publish_many(lab: rtlab.Lab) -> None:
    for number in range(MANY):
        lab.publish({"price": number})
        if number % 100 == 0:
            time.sleep(0.01)  # what comes faster than it is sent is dropped, and not our matter


def figure(scene: Scene, name: str, place: int = 0) -> str:
    found = scene.bare.page.locator(".figures div", has_text=re.compile(f"^{name}"))
    return found.nth(place).locator("dd").inner_text()


# ── how each gets to work ──


def open_lanes(scene: Scene) -> None:
    cells = scene.bare.page.locator(".rtlab-lanes tbody tr td:nth-child(3)")
    scene.bare.until(
        lambda: cells.count() == 4 and all(number(text) > 2 for text in cells.all_inner_texts())
    )


def number(text: str) -> int:
    return int(text.replace(",", "") or 0)


def open_clients(scene: Scene) -> None:
    scene.bare.until(lambda: scene.bare.page.locator(".state[data-state=OPEN]").count() == 2)


def open_ticker(scene: Scene) -> None:
    scene.bare.until(lambda: scene.bare.page.locator(".chart circle").count() > 2)


def open_chat(scene: Scene) -> None:
    for _ in range(2):
        scene.press("Join")
        scene.bare.until(lambda: "connecting" not in scene.text(".panes"))
    scene.bare.says("in general as Ada", "in general as Grace")


def talk(scene: Scene) -> None:
    async def say() -> None:
        async with scene.view.chat.join("Python") as room:
            for number in range(MANY):
                await room.say(str(number))

    scene.lab.thread.call(say())


def open_feel(scene: Scene) -> None:
    scene.press("Start")
    cells = scene.bare.page.locator(".rtlab-feel tbody td:nth-child(2)")
    scene.bare.until(lambda: cells.all_inner_texts() == ["open"] * 4)


def move(scene: Scene) -> None:
    """Move in FeelIt, until one more position has come back over WebSocket."""

    def back() -> int:
        cell = scene.text(".rtlab-feel tbody tr:nth-child(4) td:nth-child(3)")
        return number(cell.partition(" / ")[0])

    scene.bare.until(lambda: back() > 0)  # where it was at the start
    before = back()
    scene.bare.page.locator(".pad").press("ArrowLeft")
    scene.bare.until(lambda: back() > before)


def ask(scene: Scene) -> None:
    with httpx.Client(trust_env=False) as client:
        client.get(scene.lab.url("polling")).raise_for_status()


def open_ladder(scene: Scene) -> None:
    ask(scene)
    scene.bare.until(lambda: scene.bare.page.locator(".arrow").count() > 1)


def ask_for_many(scene: Scene) -> None:
    publish_many(scene.lab)
    ask(scene)


def open_states(scene: Scene) -> None:
    scene.view.listener(Report("connecting"))
    scene.view.listener(Report("reconnecting", "away", 3600.0))
    scene.bare.says("▶ reconnecting", "in 3")  # it counts down


def report_many(scene: Scene) -> None:
    for _ in range(MANY // 2):
        scene.view.listener(Report("connecting"))
        scene.view.listener(Report("reconnecting", "away", 3600.0))
    scene.view.listener(Report("connecting"))


def predict(_: rtlab.Lab) -> View:
    return widgets.Predict(f"late-{time.perf_counter_ns()}", f"How late? {EVIL}", unit="ms")


KINDS = {
    "Lanes": Kind(
        lambda lab: widgets.Lanes(lab, rate=20, period=0.1),
        open_lanes,
        kept_up=lambda scene: all(
            number(text) > MANY
            for text in scene.bare.page.locator(
                ".rtlab-lanes tbody tr td:nth-child(3)"
            ).all_inner_texts()
        ),
    ),
    "BrowserClient": Kind(
        lambda lab: widgets.BrowserClient(lab, rtlab.TRANSPORTS, period=0.2, connect=True),
        open_clients,
        kept_up=lambda scene: all(
            figure(scene, "received", place) == str(MANY) for place in range(4)
        ),
    ),
    "Ticker": Kind(
        lambda lab: widgets.Ticker(lab, rate=20, seed=1),
        open_ticker,
        kept_up=lambda scene: number(figure(scene, "received").split()[0]) > MANY,
    ),
    "ChatRoom": Kind(
        lambda lab: widgets.ChatRoom(rtlab.chat.start(lab)),
        open_chat,
        talk,
        lambda scene: f"Python: {MANY - 1}" in scene.text(".log"),
    ),
    "FeelIt": Kind(
        lambda lab: widgets.FeelIt(lab, period=0.1),
        open_feel,
        kept_up=lambda scene: "The tab was hidden: paused." in scene.text(".rtlab-feel"),
    ),
    "LiveLadder": Kind(
        lambda lab: widgets.LiveLadder(lab, "polling"),
        open_ladder,
        ask_for_many,
        lambda scene: "kB down" in scene.text(".counts"),
    ),
    "StateView": Kind(
        lambda lab: widgets.StateView("sse"),
        open_states,
        report_many,
        lambda scene: scene.bare.page.locator("svg g.now", has_text="▶ connecting").count(),
    ),
    "Predict": Kind(predict, lambda scene: scene.bare.says("Your prediction")),
}
LIVE = [name for name in KINDS if name not in ("StateView", "Predict")]
NATIVE = ["BrowserClient", "Ticker", "ChatRoom", "FeelIt"]
each = pytest.mark.parametrize("kind", KINDS)
each_live = pytest.mark.parametrize("kind", LIVE)


@contextmanager
def scene(chrome: Browser, kind: str, *, busy: bool = False, work: bool = True) -> Iterator[Scene]:
    with rtlab.Lab(capacity=50_000) as lab, blank_pages() as home:
        view = KINDS[kind].make(lab)
        shown = Scene(lab, view, Bare(chrome.page, view, home, busy=busy))
        if work:
            KINDS[kind].work(shown)
        yield shown


@each
def test_nothing_is_left_of_a_cell_that_is_deleted(chrome: Browser, kind: str) -> None:
    with scene(chrome, kind) as shown:
        assert shown.bare.left() or kind == "Predict"
        shown.bare.take_away()
        shown.bare.until(lambda: shown.bare.left() == {})
        shown.bare.until(lambda: shown.connections() == 0)
        shown.bare.until(lambda: shown.tasks() == [])
        if isinstance(shown.view, LiveView):
            assert shown.view._shown == {}


@each_live
def test_a_view_that_appears_while_a_cell_runs_waits_and_says_so(
    chrome: Browser, kind: str
) -> None:
    with scene(chrome, kind, busy=True, work=False) as shown:
        shown.bare.says("This view waits for the kernel: a cell is running.")
        shown.bare.busy = False
        KINDS[kind].work(shown)
        assert shown.text(".rtlab-status") == ""


@each_live
def test_a_cell_that_blocks_stops_nothing_that_moves(chrome: Browser, kind: str) -> None:
    with scene(chrome, kind) as shown:
        shown.bare.busy = True
        if kind == "FeelIt":
            move(shown)
        elif kind == "ChatRoom":
            shown.bare.page.get_by_label("Text").first.fill("hello")
            shown.press("Send")
            shown.bare.until(lambda: "Ada: hello" in shown.text(".pane:nth-child(2) .log"))
        else:
            before = shown.bare.page.inner_text("body")
            shown.lab.publish({"price": 1})
            if kind == "LiveLadder":
                ask(shown)
            shown.bare.until(lambda: shown.bare.page.inner_text("body") != before)
        assert shown.text(".rtlab-status") == ""


@each_live
def test_when_nothing_comes_from_the_kernel_it_says_so_until_something_does(
    chrome: Browser, kind: str
) -> None:
    with scene(chrome, kind) as shown:
        told: list[str] = []
        tell = shown.view.send

        def send(content: Any, buffers: Any = None) -> None:
            told.append(content["kind"])
            tell(content, buffers)

        shown.view.send = send
        for count in (1, 2):
            shown.bare.ring()  # it says that it is there, and waits for an answer to that
            shown.bare.until(lambda so_many=count: told.count("here") >= so_many)
            shown.bare.turn()
            assert shown.text(".rtlab-status") == ""
        shown.bare.apart = True
        shown.bare.ring()
        assert shown.text(".rtlab-status") == ""
        shown.bare.ring()
        shown.bare.says("Nothing comes from the kernel: a cell keeps it busy, or Jupyter's server")
        shown.bare.apart = False
        shown.bare.until(lambda: shown.text(".rtlab-status") == "")
        shown.bare.take_away()
        shown.bare.until(lambda: shown.bare.left() == {})


@each_live
def test_when_the_lab_stops_it_says_so_and_everything_ends(chrome: Browser, kind: str) -> None:
    with scene(chrome, kind) as shown:
        shown.lab.stop()
        shown.bare.says("The lab is stopped: what you see is how it ended.")
        shown.bare.until(lambda: not {"sockets", "fetches"} & set(shown.bare.left()))
        for button in shown.bare.page.get_by_role(
            "button", name=re.compile("Cut|Start|Join")
        ).all():
            shown.bare.until(button.is_disabled)
        shown.bare.take_away()
        shown.bare.until(lambda: shown.bare.left() == {})


@each
def test_when_the_kernel_is_restarted_it_says_what_to_do_and_everything_ends(
    chrome: Browser, kind: str
) -> None:
    with scene(chrome, kind) as shown:
        shown.bare.busy = True
        shown.bare.lose_kernel()
        expect(chrome.page.locator(".rtlab-status").first).to_have_text(
            "The kernel was restarted. Run the notebook again from its first cell."
        )
        shown.bare.until(lambda: not {"sockets", "fetches"} & set(shown.bare.left()))
        shown.bare.take_away()
        shown.bare.until(lambda: shown.bare.left() == {})


@each
def test_ten_thousand_messages_while_nobody_looks(chrome: Browser, kind: str) -> None:
    with scene(chrome, kind) as shown:
        if kind == "BrowserClient":  # what was there before is what comes: see that it has begun
            shown.bare.says("received")
        shown.bare.hide()
        KINDS[kind].flood(shown)
        for _ in range(10):
            shown.bare.turn()
        chrome.page.evaluate("{ const now = Date.now; Date.now = () => now() + 180_000 }")
        shown.bare.look()
        shown.bare.until(lambda: KINDS[kind].kept_up(shown))
        assert shown.bare.page.locator("body *").count() < 4000
        if kind == "BrowserClient":
            rows = shown.bare.page.locator(".pane").last.locator("tr[data-what=message]")
            cells = rows.locator("td:nth-child(3)").all_inner_texts()
            seen = [number(text.partition(":")[0]) for text in cells]
            shown.bare.says("The tab was hidden for 18")  # and some seconds
            assert 0 < len(seen) <= 100
            assert seen == list(range(MANY, MANY - len(seen), -1))  # without a hole
        if kind == "ChatRoom":
            assert shown.bare.page.locator(".pane").first.locator(".log li").count() <= 201
        assert chrome.page.evaluate("new Promise(done => setTimeout(() => done(2), 0))") == 2


def long(text: str) -> dict[str, Any]:
    return {"price": 5, "text": text + "x" * 900_000}


@each
def test_what_is_hostile_or_enormous_stays_text(chrome: Browser, kind: str) -> None:
    with scene(chrome, kind) as shown:
        bare = shown.bare
        for _ in range(3):
            shown.lab.publish(long(EVIL))
        match kind:
            case "Lanes":
                before = shown.view.counts()[0].delivered
                bare.until(lambda: shown.view.counts()[0].delivered > before + 3)
            case "BrowserClient":
                bare.until(lambda: all(figure(shown, "received", n) == "3" for n in range(4)))
                bare.says("onerror", "characters)")
            case "Ticker":
                shown.lab.thread.soon(setattr, shown.view, "rate", 0)
                shown.lab.thread.soon(shown.view.watched, True)
                shown.lab.publish(long(EVIL))
                bare.says("5.00")
            case "ChatRoom":
                bare.page.get_by_label("Text").first.fill(EVIL + "x" * 100_000)
                shown.press("Send")
                bare.until(lambda: "onerror" in shown.text(".pane:nth-child(2) .log"))
            case "FeelIt":
                move(shown)
            case "LiveLadder":
                ask(shown)
                arrow = bare.page.locator(".arrow[aria-label^='server']").last
                bare.until(lambda: "MB" in shown.text(".counts") or "kB" in shown.text(".counts"))
                arrow.dispatch_event("click")
                bare.until(lambda: bare.page.locator("section.bytes .rtlab-bytes").count() == 1)
            case "StateView":
                shown.view.listener(Report("connecting", EVIL + "x" * 900_000))
                bare.until(lambda: "onerror" in shown.text(".detail"))
                bare.page.locator("summary", has_text="log").click()
                bare.until(lambda: "onerror" in shown.text(".log tbody"))
            case "Predict":
                bare.says("onerror")
        assert bare.page.locator("body img").count() == 0
        assert bare.page.evaluate("window.harmed") is None


def test_binary_messages_are_said_to_be_binary(chrome: Browser) -> None:
    async def binary(connection: Any) -> None:
        async for _ in connection:
            await connection.send(b"\x00\xff" * 100_000)

    with rtlab.Lab("polling") as lab, blank_pages() as home:
        view = widgets.ChatRoom(rtlab.chat.start(lab, binary))
        shown = Scene(lab, view, Bare(chrome.page, view, home))
        shown.press("Join")
        shown.bare.says("binary, 200000 bytes")


@pytest.mark.parametrize("kind", NATIVE)
def test_where_no_way_leads_to_the_server_it_says_what_to_do(chrome: Browser, kind: str) -> None:
    with rtlab.Lab() as lab, blank_pages(HUB) as home:
        view: Any = KINDS[kind].make(lab)
        view._let_in = lambda origin: None
        shown = Scene(lab, view, Bare(chrome.page, view, home))
        allow = f"lab.allow({json.dumps(home.rstrip('/'))})".replace('"', "'")
        shown.bare.says("No way leads", allow, "pip install jupyter-server-proxy")
        for button in chrome.page.get_by_role(
            "button", name=re.compile("Connect|Join|Start")
        ).all():
            assert button.is_disabled()
        lab.allow(home.rstrip("/"))
        shown.press("Try again")
        KINDS[kind].work(shown)
