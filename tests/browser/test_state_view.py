"""State views in a real JupyterLab: real clients, one cut."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.axe import violations
from tests.browser.jupyterlab import Browser, JupyterLab
from tests.browser.views import PATIENCE, open_notebook, restart_kernel, run_cell, save_and_reload

pytestmark = pytest.mark.timeout(300)

START = "import asyncio, rtlab\nfrom rtlab import Report\nlab = rtlab.start()"
ROW = "view = rtlab.widgets.StateView(*rtlab.TRANSPORTS)\nview"
CLIENTS = """tasks = [
    asyncio.create_task(rtlab.receive(
        lab.url(name), name, 100, listener=view[name], backoff=rtlab.Backoff(base=30, cap=30)))
    for name in rtlab.TRANSPORTS]"""
CUT = "lab.cut(seconds=60)"
ONE = "one = rtlab.widgets.StateView('sse')\none"
MOVE = """one.listener(Report("connecting", "</script><b>bold</b>"))
one.listener(Report("open", "200 OK"))"""
STOP = "for task in tasks: task.cancel()\nrtlab.stop()"
CELLS = (START, ROW, CLIENTS, CUT, ONE, MOVE, STOP)


@pytest.fixture
def page(chrome: Browser, plain: JupyterLab, name: str) -> Page:
    open_notebook(chrome.page, plain, name, *CELLS)
    run_cell(chrome.page, 0)
    return chrome.page


def client(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name, exact=True)


def state(page: Page, name: str) -> Locator:
    return client(page, name).locator("li.now")


def test_one_cut_and_four_clients_do_what_they_do(page: Page) -> None:
    run_cell(page, 1)
    expect(client(page, "sse")).to_contain_text("connecting", timeout=PATIENCE)
    assert page.locator("li.now").count() == 0
    run_cell(page, 2)
    for name, quiet in (("sse", "open"), ("websocket", "open"), ("long_polling", "waiting")):
        expect(state(page, name)).to_have_text(f"▶ {quiet}", timeout=PATIENCE)
    run_cell(page, 3)
    for name in ("long_polling", "sse", "websocket", "polling"):
        expect(state(page, name)).to_have_text("▶ reconnecting", timeout=PATIENCE)
    expect(client(page, "sse")).to_contain_text("the stream ends or breaks")
    expect(page.get_by_role("status").filter(has_text="reconnecting").first).to_be_attached()
    clock = client(page, "sse").locator(".clock")
    before = float(clock.inner_text().split()[1])
    page.wait_for_function(
        "([clock, before]) => Number(clock.innerText.split(' ')[1]) < before - 0.5",
        arg=[clock.element_handle(), before],
    )
    boxes = [client(page, name).bounding_box() for name in ("polling", "websocket")]
    assert boxes[0] is not None and boxes[1] is not None
    assert boxes[0]["y"] == boxes[1]["y"]  # in one row
    page.locator("summary", has_text="log").click()
    expect(page.locator(".log tbody")).to_contain_text("reconnecting in")
    client(page, "sse").locator("summary", has_text="diagram").click()
    expect(client(page, "sse").locator("svg g.now")).to_contain_text("▶ reconnecting")
    diagram = client(page, "sse").locator("svg").bounding_box()
    assert diagram is not None and diagram["width"] > 300  # legible, in four columns as well
    run_cell(page, 6)
    expect(state(page, "sse")).to_have_text("▶ closed", timeout=PATIENCE)


def test_the_diagram_of_one_client_lights_up_and_counts(page: Page) -> None:
    run_cell(page, 4)
    diagram = client(page, "sse").locator("svg")
    expect(diagram).to_be_visible(timeout=PATIENCE)
    assert diagram.locator("g.now").count() == 0
    run_cell(page, 5)
    expect(diagram.locator("g.now")).to_contain_text("▶ open", timeout=PATIENCE)
    expect(diagram.locator("g.now")).to_have_count(1)
    made = diagram.locator("g.made")
    expect(made).to_have_count(2)
    expect(diagram.locator("g.last")).to_contain_text("200, text/event-stream ×1")
    expect(client(page, "sse").locator(".detail")).to_have_text("200 OK")
    page.locator("summary", has_text="log").click()
    expect(page.locator(".log tbody")).to_contain_text("</script><b>bold</b>")
    assert page.locator(".rtlab-view b").count() == 0


def test_it_can_be_paused_and_then_shows_where_the_client_is(page: Page) -> None:
    run_cell(page, 4)
    page.get_by_role("button", name="Pause", exact=True).focus()
    page.keyboard.press("Enter")
    run_cell(page, 5)
    page.wait_for_timeout(1000)
    assert client(page, "sse").locator("svg g.now").count() == 0
    page.get_by_role("button", name="Go on").click()
    expect(client(page, "sse").locator("svg g.now")).to_contain_text("▶ open")


def test_it_survives_a_reload_and_another_run_and_notices_a_restart(page: Page) -> None:
    run_cell(page, 4)
    run_cell(page, 5)
    now = client(page, "sse").locator("svg g.now")
    expect(now).to_contain_text("▶ open", timeout=PATIENCE)
    save_and_reload(page)
    expect(now).to_contain_text("▶ open", timeout=PATIENCE)
    run_cell(page, 4)
    expect(now).to_have_count(0, timeout=PATIENCE)
    expect(client(page, "sse")).to_have_count(1)
    run_cell(page, 5)
    expect(now).to_contain_text("▶ open", timeout=PATIENCE)
    restart_kernel(page)
    expect(page.locator(".rtlab-status")).to_contain_text(
        "Run the notebook again", timeout=PATIENCE
    )


def test_everybody_can_use_it(page: Page) -> None:
    run_cell(page, 1)
    run_cell(page, 2)
    expect(state(page, "sse")).to_have_text("▶ open", timeout=PATIENCE)
    page.locator("summary", has_text="log").click()
    client(page, "sse").locator("summary", has_text="diagram").click()
    assert violations(page, ".rtlab-view") == []
    run_cell(page, 3)
    expect(state(page, "sse")).to_have_text("▶ reconnecting", timeout=PATIENCE)
    assert violations(page, ".rtlab-view") == []
    run_cell(page, 6)
