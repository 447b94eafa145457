"""The live ladder in a real JupyterLab: arrows of real clients, and their bytes at a click."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.axe import violations
from tests.browser.jupyterlab import Browser, JupyterLab
from tests.browser.views import PATIENCE, open_notebook, restart_kernel, run_cell, save_and_reload

pytestmark = pytest.mark.timeout(300)

START = "import asyncio, rtlab\nlab = rtlab.start()\nlab.impair(latency=0.05)"
SHOW = "view = rtlab.widgets.LiveLadder(lab, 'sse', 'websocket', window=20)\nview"
RECEIVE = """async with asyncio.TaskGroup() as tasks:
    for name in ("sse", "websocket"):
        tasks.create_task(rtlab.receive(lab.url(name), name, 4, lab.feed.last))
        while not lab.recording(name).down.received:
            await asyncio.sleep(0.05)
    for number in range(4):
        await asyncio.sleep(0.4)  # apart enough to be drawn as one arrow each
        lab.publish({"number": number})"""
FLOOD = """import time
async def flood():
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(rtlab.receive(lab.url("sse"), "sse", 3000, lab.feed.last))
        for number in range(3000):
            lab.publish(number)
            await asyncio.sleep(0.001)
lab.impair()
await flood()"""
EVIL = """evil = "</script><img src=x onerror='window.harmed = true'>"
await rtlab.send(lab.url("websocket"), "websocket", [evil])
await rtlab.receive(lab.url("sse"), "sse", 1)"""
STALL = """lab.impair("sse", stalled=True)
client = asyncio.create_task(rtlab.receive(lab.url("sse"), "sse", 1))
await asyncio.sleep(0.5)"""
CUT = "client.cancel(); lab.cut()"
STOP = "rtlab.stop()"
CELLS = (START, SHOW, RECEIVE, FLOOD, EVIL, STALL, CUT, STOP)
RUN = {
    name: place
    for place, name in enumerate(
        ("start", "show", "receive", "flood", "evil", "stall", "cut", "stop")
    )
}


@pytest.fixture
def page(chrome: Browser, hub: JupyterLab, name: str) -> Page:
    """A notebook with a lab and an empty ladder."""
    page = chrome.page
    open_notebook(page, hub, name, *CELLS)
    run(page, "start")
    run(page, "show")
    expect(page.locator(".lane")).to_have_count(2)
    return page


def run(page: Page, name: str) -> None:
    run_cell(page, RUN[name])


def lane(page: Page, number: int) -> Locator:
    return page.locator(".lane").nth(number)


def labels(page: Page, number: int = 0) -> list[str]:
    """What a screen reader says of the arrows of a lane."""
    return (
        lane(page, number)
        .locator(".arrow")
        .evaluate_all("arrows => arrows.map(arrow => arrow.getAttribute('aria-label'))")
    )


def until(page: Page, condition: Callable[[], object]) -> None:
    for _ in range(PATIENCE // 100):
        if condition():
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"it never happened; arrows: {labels(page)}, {labels(page, 1)}")


def shown(page: Page, number: int, words: str) -> None:
    until(page, lambda: any(words in label for label in labels(page, number)))


def look_back(page: Page, words: str) -> None:
    """Go back to the oldest segments, and find one there: it may have moved out of sight."""

    def back() -> bool:
        page.get_by_label("earlier").focus()
        page.keyboard.press("Home")
        return any(words in label for label in labels(page))

    until(page, back)


def pick(page: Page, number: int, words: str) -> None:
    """Click the last arrow of a lane that carries this, even if another one lies above it."""
    arrow = lane(page, number).locator(f".arrow[aria-label*='{words}']").last
    arrow.dispatch_event("click")


def test_segments_appear_and_their_bytes_open(page: Page) -> None:
    expect(lane(page, 0).get_by_text("nothing yet")).to_be_visible()
    run(page, "receive")
    shown(page, 0, "GET /events")
    shown(page, 0, "event 3")
    shown(page, 1, "101 Switching Protocols")
    first = labels(page)[0]
    assert first.startswith("client → server, #1: GET /events, ")
    assert first.endswith(" ms on the link")
    expect(lane(page, 0).locator(".counts")).to_contain_text("B up,")
    page.get_by_role("button", name="Pause", exact=True).click()
    lane(page, 1).locator(".arrow[aria-label*='message 3'] .hit").click(force=True)
    details = page.locator("section.bytes")
    expect(details.locator(".rtlab-bytes")).to_contain_text("message 3")
    pick(page, 1, "101 Switching Protocols")
    details = page.locator("section.bytes")
    expect(details.locator(".rtlab-bytes")).to_contain_text("Sec-WebSocket-Accept")
    expect(details).to_contain_text("websocket")
    details.locator(".hex i").first.hover()  # the byte view is alive
    assert details.locator("i.lit").count() == 1
    expect(page.get_by_role("button", name="Go on")).to_be_visible()  # what is looked at stays
    details.get_by_role("button", name="Close").click()
    expect(details).to_be_hidden()


def test_it_is_used_with_the_keyboard_alone(page: Page) -> None:
    run(page, "receive")
    shown(page, 0, "GET /events")
    shown(page, 0, "FIN")
    box = lane(page, 0).get_by_role("listbox")
    box.focus()
    page.keyboard.press("Home")
    expect(page.locator(".arrow.active")).to_have_attribute("aria-label", labels(page)[0])
    page.keyboard.press("ArrowDown")
    expect(page.locator(".arrow.active")).to_have_attribute("aria-label", labels(page)[1])
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    details = page.locator("section.bytes")
    expect(details.locator(".rtlab-bytes")).to_contain_text("GET")
    expect(details.locator(".title")).to_be_focused()
    page.keyboard.press("Escape")
    expect(details).to_be_hidden()
    expect(box).to_be_focused()
    assert page.locator(".jp-CodeCell").count() == len(CELLS)
    page.locator("summary", has_text="as a table").focus()
    page.keyboard.press("Enter")
    row = page.locator(".table tbody tr", has_text="GET /events")
    row.get_by_role("button").focus()
    page.keyboard.press("Enter")
    expect(details.locator(".rtlab-bytes")).to_contain_text("GET")


def test_it_stands_still_goes_back_and_goes_on(page: Page) -> None:
    run(page, "receive")
    shown(page, 0, "event 3")
    page.get_by_role("button", name="Pause", exact=True).click()
    moving = lane(page, 0).locator("svg > g")
    before = moving.get_attribute("transform")
    count = len(labels(page))
    run(page, "evil")
    expect(page.get_by_role("button", name="Go on (")).to_contain_text("new")
    assert moving.get_attribute("transform") == before
    assert len(labels(page)) == count
    page.get_by_label("show", exact=True).select_option("2")
    look_back(page, "GET /events")
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("show", exact=True).select_option("60")
    shown(page, 0, "#2: ")
    until(page, lambda: moving.get_attribute("transform") != before)


def test_what_is_on_its_way_is_shown_as_such_until_it_is_lost(page: Page) -> None:
    run(page, "stall")
    shown(page, 0, "on its way")
    run(page, "cut")
    shown(page, 0, "never arrived")
    shown(page, 0, "cut")
    assert not any("on its way" in label for label in labels(page))


def test_a_flood_neither_freezes_the_page_nor_fills_it(page: Page) -> None:
    run(page, "flood")
    until(page, lambda: "B down" in lane(page, 0).locator(".counts").inner_text())
    assert 10 < lane(page, 0).locator(".arrow").count() < 800
    expect(lane(page, 0).locator(".note")).to_contain_text("too fast to be drawn")
    assert any("segments, " in label for label in labels(page))
    assert page.evaluate("new Promise(done => setTimeout(() => done(1 + 1), 0))") == 2


def test_what_crossed_the_wire_is_text(page: Page) -> None:
    run(page, "evil")
    shown(page, 1, "FIN")
    page.get_by_role("button", name="Pause", exact=True).click()
    page.locator("summary", has_text="as a table").click()
    # The client's hello, and what it has to say: in one segment, or in two.
    sent = page.get_by_role("row").filter(has=page.get_by_role("cell", name=re.compile("^text")))
    client = page.get_by_role("cell", name="client", exact=True)
    sent.filter(has=client).last.get_by_role("button").click()
    expect(page.locator("section.bytes .rtlab-bytes")).to_contain_text("onerror")
    assert page.locator(".rtlab-view img").count() == 0
    assert page.evaluate("window.harmed") is None


def test_it_survives_a_reload_another_run_and_the_end_of_the_lab(page: Page) -> None:
    run(page, "receive")
    shown(page, 0, "event 3")
    save_and_reload(page)
    look_back(page, "event 3")
    assert labels(page)[0].startswith("client → server, #1: GET /events")
    run(page, "show")
    expect(page.locator(".lane")).to_have_count(2)
    look_back(page, "event 3")
    run(page, "stop")
    status = page.locator(".rtlab-status")
    expect(status).to_contain_text("The lab is stopped")
    expect(page.get_by_role("button", name="Go on")).to_be_disabled()
    pick(page, 0, "GET /events")
    expect(page.locator("section.bytes .rtlab-bytes")).to_contain_text("text/event-stream")
    save_and_reload(page)
    expect(status).to_contain_text("The lab is stopped", timeout=PATIENCE)
    look_back(page, "event 3")


def test_a_kernel_that_was_restarted_is_said(page: Page) -> None:
    run(page, "receive")
    shown(page, 0, "event 3")
    restart_kernel(page)
    expect(page.locator(".rtlab-status")).to_contain_text("Run the notebook again")
    shown(page, 0, "event 3")  # what was there stays


def test_everybody_can_use_it(page: Page) -> None:
    assert violations(page, ".rtlab-view") == []
    run(page, "receive")
    shown(page, 0, "event 3")
    page.locator("summary", has_text="as a table").click()
    pick(page, 0, "GET /events")
    expect(page.locator("section.bytes .rtlab-bytes")).to_be_visible()
    assert violations(page, ".rtlab-view .ladder > :not(section)") == []


def test_it_moves_in_steps_for_whoever_asks_for_calm(page: Page) -> None:
    page.emulate_media(reduced_motion="reduce")
    run(page, "show")
    run(page, "receive")
    shown(page, 0, "event 3")
    moves = page.evaluate("""() => new Promise(done => {
        const moving = document.querySelector('.lane svg > g');
        let count = 0;
        new MutationObserver(() => count++).observe(moving, {attributeFilter: ['transform']});
        setTimeout(() => done(count), 3000);
    })""")
    assert moves <= 8
