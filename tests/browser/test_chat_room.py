"""ChatRoom in a real JupyterLab: clients of the browser's own and Python's in one room."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.axe import violations
from tests.browser.conftest import Jupyters
from tests.browser.jupyterlab import Browser, JupyterLab
from tests.browser.views import (
    note,
    open_view,
    press_run,
    restart_kernel,
    run_cell,
    save_and_reload,
)

pytestmark = pytest.mark.timeout(300)

START = "import rtlab\nlab = rtlab.start('polling')\nchat = rtlab.chat.start(lab)"
SHOW = "view = rtlab.widgets.ChatRoom(chat)\nview"
TALK = """async with chat.join("Python") as room:
    await room.say("from Python")
    async for line in room:
        if line.type == "say":
            print("HEARD", line.name, line.text)
            break"""
LOOK = """recording = chat.recording
print("ACCEPTED", recording.accepted, "OPEN", recording.open_connections, chat.rooms())"""
HARM = "window.harmed = true"
HOSTILE = f'<script>{HARM}</script><img src=x onerror="{HARM}">\u202eevil'
STOP = "chat.stop()"
NAIVE = """import json

clients = set()

async def lesson(ws):
    clients.add(ws)
    async for data in ws:
        message = json.loads(data)
        for client in clients:
            if client is not ws:
                await client.send(json.dumps(message))
    clients.discard(ws)

rtlab.widgets.ChatRoom(rtlab.chat.start(lab, lesson))"""
CELLS = (START, SHOW, TALK, LOOK, STOP, NAIVE)


@pytest.fixture
def page(chrome: Browser, hub: JupyterLab, name: str) -> Page:
    """A notebook with a view that was just made, nobody joined."""
    return opened(chrome.page, hub, name)


def opened(page: Page, jupyter: JupyterLab, name: str) -> Page:
    return open_view(page, jupyter, name, ".pane", *CELLS)


def pane(page: Page, number: int) -> Locator:
    return page.locator(".pane").nth(number)


def join(page: Page, number: int, name: str) -> None:
    client = pane(page, number)
    client.get_by_label("Name").fill(name)
    client.get_by_label("Name").press("Enter")
    expect(client.locator(".state")).to_have_text(f"in general as {name}")


def say(page: Page, number: int, text: str, how: str = "say it") -> None:
    client = pane(page, number)
    client.get_by_label("how it is sent").select_option(how)
    client.get_by_label("Text").fill(text)
    client.get_by_label("Text").press("Enter")


def output(page: Page, number: int) -> str:
    run_cell(page, number)
    shown = page.locator(".jp-CodeCell").nth(number).locator(".jp-OutputArea-output")
    return shown.last.inner_text()


def test_the_page_and_python_talk_in_one_room(page: Page) -> None:
    join(page, 0, "Ada")
    join(page, 1, "Bob")
    say(page, 0, "hello")
    expect(pane(page, 1).locator(".log")).to_contain_text("Ada: hello")
    expect(pane(page, 0).locator(".here")).to_have_text("Here: Ada, Bob")
    press_run(page, 2)  # Python waits for somebody to say something
    for number in (0, 1):
        expect(pane(page, number).locator(".log")).to_contain_text("Python: from Python")
    say(page, 1, "hi Python")
    heard = page.locator(".jp-CodeCell").nth(2).locator(".jp-OutputArea-output")
    expect(heard).to_contain_text("HEARD Bob hi Python")
    expect(pane(page, 0).locator(".here")).to_have_text("Here: Ada, Bob")
    found = output(page, 3)
    assert re.search(r"ACCEPTED 3 OPEN 2 \{'general': \['Ada', 'Bob'\]\}", found)


@pytest.mark.parametrize("base", ["/", "/user/jane/"])
def test_a_client_that_is_cut_comes_back_and_counts(
    chrome: Browser, jupyters: Jupyters, base: str, name: str
) -> None:
    page = opened(chrome.page, jupyters.at(base), name)
    join(page, 0, "Ada")
    state, log = (pane(page, 0).locator(part) for part in (".state", ".log"))
    for way in ("direct", "through Jupyter's proxy"):
        page.get_by_label(way).check()  # a client that is there goes and comes back the other way
        where = page.locator(".rtlab-chat .line code").first
        expect(where).to_contain_text("/proxy/" if "proxy" in way else "ws://127.0.0.1:")
        expect(state).to_have_text(re.compile("in general as Ada"))
        seen = note(state)
        page.get_by_role("button", name="Cut the link").click()
        seen(r"attempt 2 in [\d.]+ s")
        expect(state).to_have_text(re.compile("in general as Ada"))
        expect(log).to_contain_text(re.compile("Closed: 100[56], no reason given"))
        proxied = log.get_by_text("Jupyter's proxy hands no codes on")
        if way == "direct":
            expect(proxied).to_have_count(0)
        else:
            expect(proxied.last).to_be_attached()
        seen = note(state)
        page.get_by_role("button", name="Cut the link").click()
        seen("attempt 1 in")  # counted from zero again


def test_what_is_wrong_is_answered_and_hostile_text_stays_text(page: Page) -> None:
    join(page, 0, "Ada")
    join(page, 1, "<b>Mallory</b>")
    log = pane(page, 0).locator(".log")
    say(page, 1, HOSTILE)
    expect(log).to_contain_text("<script>")
    say(page, 1, "x" * 100_000)
    expect(log).to_contain_text("… all 100,000 characters")
    log.locator("summary").click()
    expect(log.locator("pre")).to_have_text("x" * 100_000)
    say(page, 0, "this is no JSON", "send it as it is")
    expect(log).to_contain_text("The server: Not JSON")
    say(page, 0, "still here")
    expect(pane(page, 1).locator(".log")).to_contain_text("Ada: still here")
    assert page.locator(".rtlab-chat").locator("script, img, b").count() == 0
    assert page.evaluate("window.harmed") is None


def test_why_a_client_is_not_connected_is_said(page: Page) -> None:
    client = pane(page, 0)
    client.get_by_label("Name").fill("x" * 50)
    client.get_by_role("button", name="Join").click()
    expect(client.locator(".log")).to_contain_text("A name is a text of 1 to 40 characters")
    expect(client.locator(".state")).to_have_text("not connected")
    join(page, 1, "Bob")
    pane(page, 1).get_by_role("button", name="Leave").click()
    expect(pane(page, 1).locator(".log")).to_contain_text("Closed: 1000, no reason given")
    expect(pane(page, 1).locator(".state")).to_have_text("not connected")
    expect(page.locator(".server")).to_contain_text("0 connections; nobody is in a room")


def test_it_can_be_used_with_the_keyboard_and_keeps_nobody_out(page: Page) -> None:
    page.get_by_label("direct").focus()
    expect(page.get_by_label("direct")).to_be_checked()
    reached = []
    for _ in range(7):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.outerHTML.slice(0, 400)"))
    assert "Cut the link" in reached[0]
    assert "name" in reached[1]
    assert "room" in reached[2]
    assert "Join" in reached[3]
    assert 'role="log"' in reached[4]
    join(page, 0, "Ada")
    say(page, 0, "hello")
    assert violations(page, ".rtlab-chat") == []


def test_the_lessons_own_server_can_be_broken_from_here(page: Page) -> None:
    run_cell(page, 5)
    panes = page.locator(".jp-CodeCell").nth(5).locator(".pane")
    expect(panes).to_have_count(2)
    for number in (0, 1):
        panes.nth(number).get_by_role("button", name="Join").click()
        expect(panes.nth(number).locator(".state")).to_contain_text("open")
    panes.nth(0).get_by_label("Text").fill("hello")
    panes.nth(0).get_by_label("Text").press("Enter")
    expect(panes.nth(1).locator(".log")).to_contain_text('{"type": "say", "text": "hello"}')
    panes.nth(0).get_by_label("how it is sent").select_option("send it as it is")
    panes.nth(0).get_by_label("Text").fill("this is no JSON")
    panes.nth(0).get_by_label("Text").press("Enter")
    expect(panes.nth(0).locator(".log")).to_contain_text("Closed: 1011")


def test_it_survives_a_reload_and_its_cell_and_says_when_its_chat_or_kernel_is_gone(
    page: Page,
) -> None:
    join(page, 0, "Ada")
    join(page, 1, "Bob")
    say(page, 0, "before the reload")
    expect(pane(page, 1).locator(".log")).to_contain_text("before the reload")
    save_and_reload(page)
    page.wait_for_selector(".pane")
    for number, name in ((0, "Ada"), (1, "Bob")):
        expect(pane(page, number).locator(".state")).to_have_text(f"in general as {name}")
        expect(pane(page, number).locator(".log")).to_contain_text("Ada: before the reload")

    run_cell(page, 1)
    expect(page.locator(".pane")).to_have_count(2)
    expect(pane(page, 0).locator(".state")).to_have_text("not connected")
    expect(page.locator(".server")).to_contain_text("0 connections")
    assert "OPEN 0 {}" in output(page, 3)

    join(page, 0, "Ada")
    run_cell(page, 4)
    expect(page.locator(".rtlab-chat")).to_contain_text("This chat was stopped")
    expect(pane(page, 0).locator(".log")).to_contain_text("1001 “the chat is stopped”")
    expect(pane(page, 0).get_by_role("button", name="Join")).to_be_disabled()

    run_cell(page, 0)
    run_cell(page, 1)
    join(page, 0, "Ada")
    restart_kernel(page)
    expect(page.locator(".rtlab-chat")).to_contain_text("The kernel was restarted")
    expect(pane(page, 0).locator(".state")).to_have_text("not connected")
