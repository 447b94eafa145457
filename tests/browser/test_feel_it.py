"""FeelIt in a real JupyterLab: positions go up and come back through all four, natively."""

from __future__ import annotations

import math
import re

import pytest
from playwright.sync_api import Locator, Page, expect

from rtlab import TRANSPORTS
from tests.browser.axe import violations
from tests.browser.conftest import Jupyters
from tests.browser.jupyterlab import Browser, JupyterLab
from tests.browser.kernel import kernel_of
from tests.browser.views import open_view, restart_kernel, run_cell, save_and_reload

pytestmark = pytest.mark.timeout(300)

START = "import rtlab\nlab = rtlab.start()"
SHOW = "view = rtlab.widgets.FeelIt(lab)\nview"
LOOK = """came = {}
for message in lab.feed.since(None):
    via = message.data["via"]
    came[via] = came.get(via, 0) + 1
asked = {name: lab.recording(name).conversation(count=10_000).text for name in rtlab.TRANSPORTS}
print("CAME", sorted(came), "POST", [name for name in asked if "POST /" in asked[name]],
      "OPEN", sum(lab.recording(name).open_connections for name in rtlab.TRANSPORTS))"""
FIGURES = "print('LAGS', *(f'{name}={lag.back > 0}' for name, lag in view.lags.items()))"
SLOW = "lab.impair(latency=0.12)"
STOP = "rtlab.stop()"
CELLS = (START, SHOW, LOOK, FIGURES, SLOW, STOP)


@pytest.fixture
def page(chrome: Browser, hub: JupyterLab, name: str) -> Page:
    """A notebook with a view that was just made, nothing connected."""
    return opened(chrome.page, hub, name)


def opened(page: Page, jupyter: JupyterLab, name: str) -> Page:
    return open_view(page, jupyter, name, ".pad", *CELLS)


def button(page: Page, name: str) -> Locator:
    return page.locator(".rtlab-feel").get_by_role("button", name=name)


def row(page: Page, transport: str) -> Locator:
    return page.locator(".rtlab-feel tbody tr").nth(TRANSPORTS.index(transport))


def back(page: Page, transport: str) -> int:
    text = row(page, transport).locator("td").nth(1).inner_text()
    return int(text.partition(" / ")[0].replace(",", ""))


def lag(page: Page, transport: str) -> float:
    return float(row(page, transport).locator("td").nth(2).inner_text().removesuffix(" ms"))


def start(page: Page, way: str = "direct") -> None:
    page.get_by_label("direct" if way == "direct" else "through Jupyter's proxy").check()
    button(page, "Start").click()
    for transport in TRANSPORTS:
        expect(row(page, transport).locator("td").first).to_have_text("open")


def wander(page: Page, steps: int) -> None:
    """Move the pointer in circles over the pad."""
    pad = page.locator(".pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box is not None
    for step in range(steps):
        x = box["x"] + box["width"] * (0.5 + 0.4 * math.cos(step / 10))
        y = box["y"] + box["height"] * (0.5 + 0.4 * math.sin(step / 10))
        page.mouse.move(x, y)
        page.wait_for_timeout(30)


def wander_until(page: Page, more: int, transports: tuple[str, ...] = TRANSPORTS) -> None:
    """Move until so many more positions have come back through each of the transports."""
    before = {transport: back(page, transport) for transport in transports}
    for _ in range(100):
        wander(page, 20)
        if all(back(page, name) >= before[name] + more for name in transports):
            return
    raise AssertionError(page.locator(".rtlab-feel").inner_text())


def output(page: Page, number: int) -> str:
    run_cell(page, number)
    shown = page.locator(".jp-CodeCell").nth(number).locator(".jp-OutputArea-output")
    return shown.last.inner_text()


def dots(page: Page) -> list[str]:
    shown = page.locator(".pad g[visibility=visible] .dot")
    return [
        name.split()[1] for name in shown.evaluate_all("all => all.map(it => it.className.baseVal)")
    ]


WAYS = pytest.mark.parametrize(
    ("base", "way"), [("/", "direct"), ("/", "proxied"), ("/user/jane/", "proxied")]
)


@WAYS
def test_positions_go_round_through_all_four_and_come_back_after_a_cut(
    chrome: Browser, jupyters: Jupyters, base: str, way: str, name: str
) -> None:
    page = opened(chrome.page, jupyters.at(base), name)
    start(page, way)
    wander_until(page, 10)
    assert sorted(dots(page)) == sorted(TRANSPORTS)
    button(page, "Cut the links").click()
    expect(row(page, "websocket").locator("td").first).to_have_text(re.compile("again in"))
    wander_until(page, 3)
    for transport in TRANSPORTS:
        expect(row(page, transport).locator("td").first).to_have_text("open")
    button(page, "Pause").click()
    expect(row(page, "sse").locator("td").first).to_have_text("off")
    found = output(page, 2)
    assert "CAME ['long_polling', 'polling', 'sse', 'websocket']" in found
    assert "POST ['polling', 'long_polling', 'sse']" in found
    assert "LAGS " + " ".join(f"{name}=True" for name in TRANSPORTS) in output(page, 3)


def test_latency_is_felt_and_the_slider_follows_the_lab(page: Page) -> None:
    start(page)
    run_cell(page, 4)
    expect(page.locator(".rtlab-feel output")).to_have_text("120 ms each way")
    page.get_by_role("slider").fill("200")
    expect(page.locator(".rtlab-feel output")).to_have_text("200 ms each way")
    page.wait_for_timeout(1500)  # what was under way comes back first
    wander_until(page, 12)
    for transport in TRANSPORTS:
        assert lag(page, transport) >= 400, transport  # never early
    assert lag(page, "websocket") < lag(page, "long_polling")
    assert back(page, "websocket") > back(page, "sse")  # a POST waits for its answer


def test_it_can_be_used_with_the_keyboard_and_keeps_nobody_out(page: Page) -> None:
    expect(button(page, "Start")).to_be_enabled()
    button(page, "Start").focus()
    page.keyboard.press("Enter")
    expect(button(page, "Pause")).to_be_focused()
    for transport in TRANSPORTS:
        expect(row(page, transport).locator("td").first).to_have_text("open")
    page.locator(".pad").focus()
    cells = page.locator(".jp-CodeCell").count()
    before = {transport: back(page, transport) for transport in TRANSPORTS}
    for key in ("ArrowRight", "ArrowDown", "Shift+ArrowLeft", "ArrowUp"):
        page.keyboard.press(key)
        page.wait_for_timeout(150)
    for _ in range(100):
        if all(back(page, name) > before[name] for name in TRANSPORTS):
            break
        page.wait_for_timeout(100)
    else:
        raise AssertionError("arrow keys moved nothing")
    expect(page.locator(".pad")).to_be_focused()  # the notebook did not take the arrow keys
    assert page.locator(".jp-CodeCell").count() == cells
    assert violations(page, ".rtlab-feel") == []


def test_only_what_is_wanted_is_connected(page: Page) -> None:
    opened: list[str] = []
    page.on("request", lambda request: opened.append(request.url))
    wander(page, 10)
    urls = [url for url in opened if re.search(r"/(messages|wait|events)\b", url)]
    assert urls == []
    start(page)
    row(page, "polling").get_by_role("checkbox").uncheck()
    expect(row(page, "polling").locator("td").first).to_have_text("off")
    before = back(page, "polling")
    wander_until(page, 5, ("sse", "websocket"))
    assert back(page, "polling") == before
    row(page, "polling").get_by_role("checkbox").check()
    wander_until(page, 2, ("polling",))
    button(page, "Pause").click()
    page.wait_for_timeout(500)
    del opened[:]
    wander(page, 20)
    assert [url for url in opened if re.search(r"/(messages|wait|events)\b", url)] == []


def test_it_survives_a_reload_and_its_cell_and_notices_the_end_of_lab_and_kernel(
    page: Page, hub: JupyterLab, name: str
) -> None:
    start(page)
    wander_until(page, 5)
    with kernel_of(hub, f"{name}.ipynb") as kernel:  # a page reports once a second
        kernel.until("min(lag.back for lag in view.lags.values())", lambda count: count >= 5)
    button(page, "Pause").click()
    save_and_reload(page)
    page.wait_for_selector(".pad")
    expect(button(page, "Start")).to_be_visible()
    for transport in TRANSPORTS:
        assert back(page, transport) >= 5

    start(page)
    run_cell(page, 1)
    expect(page.locator(".pad")).to_have_count(1)
    expect(button(page, "Start")).to_be_visible()
    # A browser keeps idle connections for a while, those of streams and WebSockets it closes.
    assert page.evaluate("globalThis[Symbol.for('rtlab.held')].size") == 0

    start(page)
    run_cell(page, 5)
    expect(page.locator(".rtlab-feel")).to_contain_text("The lab is stopped")
    expect(button(page, "Start")).to_be_disabled()

    run_cell(page, 0)
    run_cell(page, 1)
    start(page)
    restart_kernel(page)
    expect(page.locator(".rtlab-feel")).to_contain_text("The kernel was restarted")
    expect(row(page, "websocket").locator("td").first).to_have_text("off")
