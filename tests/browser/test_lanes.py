"""Lanes in a real JupyterLab: messages move, controls do what they say, and everything ends."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.axe import violations
from tests.browser.jupyterlab import Browser, JupyterLab, until_idle
from tests.browser.kernel import kernel_of
from tests.browser.views import (
    blocking,
    delete_cell,
    open_view,
    press_run,
    release,
    restart_kernel,
    run_cell,
    save_and_reload,
    until,
)

pytestmark = pytest.mark.timeout(300)

START = "import rtlab, time\nlab = rtlab.start(capacity=50_000)\nlab.impair(latency=0.08)"
SHOW = "lanes = rtlab.widgets.Lanes(lab, rate=10, period=0.2)\nlanes"
LOOK = """print("LINK", lab.link("sse").impairment("down").describe(), "END")
print("OPEN", lab.recording("websocket").open_connections, "END")
print("SETTINGS", lanes._traffic.settings, "END")"""
FLOOD = """lab.publish("</script><script>window.harmed = true</script>" * 1000)
for number in range(10_000):
    lab.publish({"<b>": number})"""
STOP = "rtlab.stop()"
CELLS = (START, SHOW, LOOK, FLOOD, STOP)

COUNT_FRAMES = """() => new Promise((done) => {
    const canvas = document.querySelector('.rtlab-lanes canvas'), seen = new Set()
    const look = (left) => {
        seen.add(canvas.toDataURL())
        if (left) requestAnimationFrame(() => look(left - 1))
        else done(seen.size)
    }
    look(20)
})"""


@pytest.fixture
def page(chrome: Browser, plain: JupyterLab, name: str) -> Page:
    """A notebook with a lab and a view that were just made."""
    page = chrome.page
    page.set_viewport_size({"width": 1280, "height": 1400})
    return open_view(page, plain, name, ".rtlab-lanes tbody tr", *CELLS, blocking(name))


def cell(page: Page, transport: str, column: int) -> Locator:
    row = page.locator(".rtlab-lanes tbody tr", has=page.get_by_text(transport, exact=True))
    return row.locator("td").nth(column - 1)


def number(page: Page, transport: str, column: int = 2) -> int:
    text = cell(page, transport, column).inner_text()
    return int(text.replace(",", "") or 0)


def until_delivered(page: Page, count: int) -> None:
    page.wait_for_function(
        """count => [...document.querySelectorAll('.rtlab-lanes tbody tr')]
            .every(row => +row.cells[2].innerText.replace(/,/g, '') >= count)""",
        arg=count,
    )


def until_moving(page: Page) -> None:
    """Wait until frames differ: a page that is busy with something else may take a moment."""
    until(page, lambda: page.evaluate(COUNT_FRAMES) > 5)


def until_still(page: Page) -> None:
    """Wait until what was under way has arrived."""
    until(page, lambda: page.evaluate(COUNT_FRAMES) == 1)


def said_in_kernel(page: Page, word: str) -> str:
    run_cell(page, 2)
    output = page.locator(".jp-CodeCell").nth(2).locator(".jp-OutputArea-output")
    expect(output).to_contain_text(re.compile(f"{word} .* END"))
    found = re.search(f"{word} (.*) END", output.inner_text())
    assert found is not None
    return found[1]


def until_one_client(page: Page) -> None:
    """Wait until one is connected: of a view that was replaced it may still be leaving."""
    until(page, lambda: said_in_kernel(page, "OPEN") == "1")


def test_messages_move_and_arrive_in_every_lane(page: Page) -> None:
    until_delivered(page, 15)
    until_moving(page)
    expect(page.locator(".head .client").nth(3)).to_have_text("open")
    expect(page.locator(".head .latency").nth(2)).to_have_text(re.compile(r"^\d+ ms median$"))
    assert number(page, "sse", 3) == number(page, "sse", 4) == 0  # lost, duplicated
    assert number(page, "polling", 5) > number(page, "sse", 5) == 1  # requests
    assert number(page, "websocket", 7) > 1000  # bytes down


def test_sliders_work_with_the_keyboard_alone_and_change_the_link(page: Page) -> None:
    latency = page.get_by_label("latency, each way")
    latency.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("The links: 90 ms each way.")).to_be_visible()
    assert latency.get_attribute("aria-valuetext") == "90 ms"
    page.keyboard.press("End")
    expect(page.get_by_text("The links: 500 ms each way.")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("The links: 500 ± 5 ms each way.")).to_be_visible()
    page.get_by_label("bandwidth").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_text("The links: 500 ± 5 ms, 1000 kB/s each way.")).to_be_visible()
    assert said_in_kernel(page, "LINK") == "500 ± 5 ms, 1000 kB/s"


def test_what_is_published_and_asked_follows_its_sliders(page: Page) -> None:
    for label, key in (("publish", "ArrowRight"), ("payload", "Home"), ("polling asks", "End")):
        page.get_by_label(label).focus()
        page.keyboard.press(key)
    expect(page.locator(".scroll + .note")).to_contain_text("20 messages/s")
    expect(page.locator(".scroll + .note")).to_contain_text("of 32 B")
    settings = said_in_kernel(page, "SETTINGS")
    assert settings == "Settings(rate=20, payload_size=32, period=5)"


def test_what_cannot_be_is_said_and_the_slider_goes_back(page: Page) -> None:
    page.get_by_label("payload").focus()
    page.keyboard.press("End")
    expect(page.locator(".scroll + .note")).to_contain_text("of 10 kB")
    page.get_by_label("publish").focus()
    page.keyboard.press("End")
    expect(page.locator(".said.wrong")).to_contain_text("choose a lower rate or a smaller payload")
    expect(page.get_by_label("publish")).to_have_attribute("aria-valuetext", "10 messages/s")


def test_a_cut_of_one_lane_and_of_all(page: Page) -> None:
    until_delivered(page, 5)
    page.get_by_role("button", name="Cut websocket").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".said")).to_have_text("websocket: cut 1 connection")
    expect(cell(page, "websocket", 5)).to_have_text("2")  # handshakes
    expect(cell(page, "websocket", 1)).to_have_text("open")
    assert number(page, "sse", 5) == 1
    page.get_by_role("button", name="Cut all 4").click()
    expect(page.locator(".said")).to_have_text(re.compile("all lanes: cut [34] connections"))
    expect(cell(page, "sse", 5)).to_have_text("2")
    until_delivered(page, number(page, "sse") + 20)
    for transport in ("polling", "long_polling", "sse", "websocket"):
        assert number(page, transport, 3) == number(page, transport, 4) == 0


def test_a_pause_stops_the_drawing_and_says_how_many_went_by(page: Page) -> None:
    until_delivered(page, 5)
    page.get_by_role("button", name="Pause").click()
    expect(
        page.get_by_text(re.compile(r"The drawing is paused: \d\d messages went by"))
    ).to_be_visible()
    assert page.evaluate(COUNT_FRAMES) == 1
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("Drawn 0.4 s late")).to_be_visible()
    until_moving(page)


def test_counting_anew(page: Page) -> None:
    until_delivered(page, 20)
    page.get_by_label("publish").press("Home")
    expect(page.locator(".scroll + .note")).to_contain_text(re.compile(r"^0 messages/s"))
    page.get_by_role("button", name="Count anew").click()
    expect(page.locator(".said")).to_have_text("counted from now on")
    expect(cell(page, "sse", 2)).to_have_text(re.compile(r"^\d$"))  # what was under way


def test_a_flood_while_the_drawing_rests_and_a_cell_that_blocks(
    page: Page, plain: JupyterLab, name: str
) -> None:
    page.get_by_role("button", name="Pause").click()
    run_cell(page, 3)
    until_delivered(page, 10_000)
    page.get_by_role("button", name="Go on").click()
    before = number(page, "sse")
    press_run(page, 5)
    until_delivered(page, before + 10)  # the lab's thread goes on meanwhile
    assert page.locator(".jp-CodeCell .jp-InputArea-prompt").nth(5).inner_text() == "[*]:"
    page.get_by_role("button", name="Cut sse").click()  # whether at once depends on the kernel
    expect(page.locator(".said")).to_have_text(re.compile("busy with a cell|cut 1 connection"))
    release(plain, name)
    expect(page.locator(".said")).to_have_text("sse: cut 1 connection")
    assert page.evaluate("window.harmed") is None
    until_idle(page)


def test_a_page_that_is_loaded_again_shows_what_there_was(page: Page) -> None:
    until_delivered(page, 30)
    before = number(page, "sse")
    save_and_reload(page)
    until_delivered(page, before)
    expect(page.locator(".rtlab-status")).to_have_text("")
    until_moving(page)
    until_one_client(page)


def test_the_cell_run_again_replaces_the_view_and_keeps_the_clients(page: Page) -> None:
    until_delivered(page, 5)
    before = number(page, "sse")
    for _ in range(3):
        run_cell(page, 1)
    expect(page.locator(".rtlab-lanes")).to_have_count(1)
    until_delivered(page, before + 10)
    until_one_client(page)


def test_a_view_that_is_gone_takes_its_clients_with_it(
    page: Page, plain: JupyterLab, name: str
) -> None:
    until_delivered(page, 5)
    delete_cell(page, 1)
    expect(page.locator(".rtlab-lanes")).to_have_count(0)
    with kernel_of(plain, f"{name}.ipynb") as kernel:
        kernel.until("sum(lab.recording(t).open_connections for t in lab.transports) == 0")
        kernel.until("not lanes._traffic._ending")  # tasks


def test_a_lab_that_stops_and_a_kernel_that_is_restarted_are_noticed(page: Page) -> None:
    until_delivered(page, 5)
    run_cell(page, 4)
    expect(page.locator(".rtlab-status")).to_have_text(
        "The lab is stopped: what you see is how it ended. "
        "Start it again, then run this cell again."
    )
    expect(page.get_by_role("button", name="Cut all 4")).to_be_disabled()
    expect(page.get_by_label("publish")).to_be_disabled()
    until_still(page)
    run_cell(page, 0)
    run_cell(page, 1)
    until_delivered(page, 5)
    restart_kernel(page)
    expect(page.locator(".rtlab-status")).to_have_text(
        "The kernel was restarted. Run the notebook again from its first cell."
    )


def test_who_wants_less_motion_starts_with_a_still_picture_and_live_numbers(page: Page) -> None:
    page.emulate_media(reduced_motion="reduce")
    run_cell(page, 1)
    until_delivered(page, 10)
    expect(page.get_by_text("paused, as your system asks for less motion")).to_be_visible()
    assert page.evaluate(COUNT_FRAMES) == 1
    page.get_by_role("button", name="Go on").click()
    until_moving(page)


def test_nothing_keeps_people_out(page: Page) -> None:
    until_delivered(page, 5)
    page.keyboard.press("Control+b")  # the side bar leaves its room to the notebook
    for width in (1280, 460):
        page.set_viewport_size({"width": width, "height": 1400})
        page.wait_for_timeout(300)
        assert violations(page, ".rtlab-lanes") == []
        inside = page.evaluate(
            """() => { const view = document.querySelector('.rtlab-lanes')
                const right = view.getBoundingClientRect().right + 1
                return [...view.querySelectorAll('button, input, .head, canvas, .note')]
                    .every(element => element.getBoundingClientRect().right <= right) }"""
        )
        assert inside
