"""The price ticker in a real JupyterLab, on Chromium's own EventSource."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import violations
from tests.browser.jupyterlab import Browser, JupyterLab, until_idle
from tests.browser.kernel import Kernel, kernel_of
from tests.browser.views import (
    PATIENCE,
    note,
    restart_kernel,
    run_cell,
    save_and_reload,
    until,
    write_notebook,
)

pytestmark = pytest.mark.timeout(300)

START = "import rtlab\nlab = rtlab.start()"
SHOW = "ticker = rtlab.widgets.Ticker(lab, rate=5, seed=1)\nticker"
PUBLISHERS = """sum("_publish" in repr(task) for task in
    __import__("asyncio").all_tasks(lab.thread.loop))"""


@pytest.fixture
def opened(chrome: Browser, hub: JupyterLab, name: str) -> Iterator[tuple[Page, Kernel]]:
    """A notebook with a ticker."""
    notebook = write_notebook(hub.folder, f"{name}.ipynb", START, SHOW)
    hub.start_kernel(notebook)
    assert chrome.run_all(hub.notebook(notebook)) == []
    with kernel_of(hub, notebook) as kernel:
        yield chrome.page, kernel


def figure(page: Page, name: str) -> str:
    return (
        page.locator(".rtlab-ticker .figures div", has_text=re.compile(f"^{name}"))
        .locator("dd")
        .inner_text()
    )


def received(page: Page) -> int:
    return int(figure(page, "received").split()[0])


def is_open(page: Page) -> None:
    expect(page.locator(".state")).to_contain_text("OPEN", timeout=PATIENCE)


def test_it_waits_for_room_on_a_page_that_holds_three_answers(
    chrome: Browser, hub: JupyterLab, name: str
) -> None:
    notebook = write_notebook(hub.folder, f"{name}.ipynb", START, SHOW)
    hub.start_kernel(notebook)
    page = chrome.page
    page.goto(hub.notebook(notebook))
    until_idle(page)
    page.evaluate("globalThis[Symbol.for('rtlab.held')] = new Set([1, 2, 3])")
    assert chrome.run_cells() == []
    expect(page.locator(".rtlab-ticker")).to_contain_text(
        "3 answers are held open", timeout=PATIENCE
    )
    page.evaluate("globalThis[Symbol.for('rtlab.held')].delete(1)")
    is_open(page)
    until(page, lambda: received(page) > 0)
    expect(page.locator(".rtlab-ticker")).not_to_contain_text("held open")


@pytest.mark.parametrize("way", ["direct", "through Jupyter's proxy"])
def test_it_survives_a_cut_and_nothing_is_lost(opened: tuple[Page, Kernel], way: str) -> None:
    page, kernel = opened
    expect(page.get_by_label("direct")).to_be_checked(timeout=PATIENCE)
    page.get_by_label(way).check()
    is_open(page)
    before = received(page)
    until(page, lambda: received(page) > before + 4)
    page.get_by_label("for how long").select_option("3")
    story = page.locator(".story")
    seen = note(story)
    page.get_by_role("button", name="Cut the link").click()
    seen("No connection")
    expect(page.locator(".chart rect.cut")).to_have_count(1)
    seen(r"came afterwards: [1-9]")
    kernel.run("import time; ticker.rate = 0; lab.thread.soon(ticker.watched, True)")
    last = kernel.ask("lab.feed.last")
    until(page, lambda: figure(page, "received") == f"{last} of {last}")
    assert (figure(page, "lost"), figure(page, "twice")) == ("0", "0")
    assert figure(page, "reconnects") == "1"
    filled = re.search(r"came afterwards: (\d+)", story.inner_text())
    assert filled is not None
    assert page.locator(".chart circle.late").count() >= int(filled[1])
    up = "lab.recording('sse').stream(c.number, 'up').decode('latin-1')"
    streams = kernel.ask(f"[{up} for c in lab.recording('sse').connections]")
    asked = [text for text in streams if text.startswith("GET /events")]
    assert all("Chrome" in text for text in asked)
    if way == "direct":  # EventSource alone
        assert re.search(r"(?im)^last-event-id: \d+\r$", asked[-1])
    else:  # a 500 of the proxy ends it: a new one asks for what came after the last message
        expect(story).to_contain_text("a new one asked")
        assert re.match(r"GET /events\?since=\d+ ", asked[-1])


def test_it_survives_its_cell_the_page_and_the_kernel(opened: tuple[Page, Kernel]) -> None:
    page, kernel = opened
    is_open(page)
    until(page, lambda: page.locator(".chart circle").count() > 5)
    assert kernel.ask(PUBLISHERS) == 1

    run_cell(page, 1)
    expect(page.locator(".rtlab-ticker")).to_have_count(1)
    is_open(page)
    kernel.until(PUBLISHERS, lambda count: count == 1)
    kernel.until("lab.recording('sse').open_connections", lambda count: count == 1)

    until(page, lambda: received(page) > 10)
    page.get_by_label("prices per second").select_option("0")
    kernel.until(PUBLISHERS, lambda count: count == 0)
    last = kernel.ask("lab.feed.last")
    until(page, lambda: figure(page, "received") == f"{last} of {last}")
    shown = received(page)
    kernel.until("ticker.reports['sse'].received", lambda count: count == shown)
    save_and_reload(page)
    expect(page.locator(".rtlab-ticker")).to_have_count(1, timeout=PATIENCE)
    is_open(page)
    until(page, lambda: received(page) == shown)  # counted on, and none of them again
    assert page.locator(".chart circle").count() > 5
    assert page.get_by_label("prices per second").input_value() == "0"
    kernel.run("lab.publish({'price': 1000}); lab.publish('no price')")
    expect(page.locator(".price")).to_contain_text("1000.00 ▲", timeout=PATIENCE)
    until(page, lambda: received(page) == shown + 2)
    assert figure(page, "twice") == "0"

    restart_kernel(page)
    expect(page.locator(".rtlab-status")).to_contain_text("restarted", timeout=PATIENCE)
    expect(page.locator(".state")).to_contain_text("CLOSED", timeout=PATIENCE)
    until(page, lambda: page.evaluate("globalThis[Symbol.for('rtlab.held')].size") == 0)


def test_a_kernel_that_answers_nothing_is_no_open_stream(opened: tuple[Page, Kernel]) -> None:
    page, kernel = opened
    is_open(page)
    status, state = page.locator(".rtlab-status"), page.locator(".state")
    number = kernel.ask("__import__('os').getpid()")
    os.kill(number, signal.SIGSTOP)
    try:
        expect(state).to_contain_text("OPEN, in doubt", timeout=PATIENCE)
        expect(page.locator(".rtlab-said").first).to_contain_text("the lab is stopped")
        expect(status).to_contain_text("Nothing comes from the kernel", timeout=PATIENCE)
    finally:
        os.kill(number, signal.SIGCONT)
    expect(status).to_have_text("", timeout=PATIENCE)
    expect(state).not_to_contain_text("in doubt", timeout=PATIENCE)
    is_open(page)


def test_pause_table_keyboard_and_the_end(opened: tuple[Page, Kernel]) -> None:
    page, kernel = opened
    is_open(page)
    until(page, lambda: received(page) > 3)
    page.get_by_role("button", name="Pause").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Go on")).to_be_visible()
    page.wait_for_timeout(300)
    still = (received(page), page.locator(".price").inner_text())
    kernel.until("ticker.reports['sse'].received", lambda count: count > still[0] + 5)
    assert (received(page), page.locator(".price").inner_text()) == still
    page.get_by_role("button", name="Go on").press("Space")
    until(page, lambda: received(page) > still[0])

    page.locator("summary", has_text="as a table").press("Enter")
    rows = page.locator(".rows tbody tr")
    until(page, lambda: rows.count() > 5)
    numbers = [int(text) for text in page.locator(".rows tbody th").all_inner_texts()]
    assert numbers == sorted(numbers, reverse=True)
    assert violations(page, ".rtlab-ticker") == []

    kernel.run("lab.stop()")
    expect(page.locator(".rtlab-status")).to_contain_text("The lab is stopped")
    expect(page.locator(".state")).to_contain_text("CLOSED", timeout=PATIENCE)
    expect(page.get_by_role("button", name="Cut the link")).to_be_disabled()
    end = page.locator(".chart").inner_html()
    page.wait_for_timeout(1500)
    assert page.locator(".chart").inner_html() == end
    save_and_reload(page)
    status = page.locator(".rtlab-status")
    expect(status).to_contain_text("The lab is stopped", timeout=PATIENCE)
    expect(page.locator(".price")).to_contain_text(re.compile(r"\d"), timeout=PATIENCE)
