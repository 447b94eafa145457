"""Predicting in a real JupyterLab: typing, moving, committing, and thinking again."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.axe import violations
from tests.browser.jupyterlab import Browser, JupyterLab
from tests.browser.views import (
    PATIENCE,
    press_run,
    restart_kernel,
    run_cell,
    save_and_reload,
    write_notebook,
)

pytestmark = pytest.mark.timeout(300)

NUMBER = """import rtlab
late = rtlab.widgets.Predict("late", "How late is a message?", unit="ms")
late"""
ORDER = """first = rtlab.widgets.Predict(
    "first", "Which comes first? </script><b>bold</b>", kind="order", choices=["a", "b<i>", "c"])
first"""
SAY = "print(late.answer, late.earlier, late.late, first.answer)"
COMPARE = "late.compare(modelled=80, measured=83)"


@pytest.fixture
def page(chrome: Browser, plain: JupyterLab, name: str) -> Page:
    notebook = write_notebook(plain.folder, f"{name}.ipynb", NUMBER, ORDER, SAY, COMPARE)
    plain.start_kernel(notebook)
    assert chrome.run_all(plain.notebook(notebook)) == []
    expect(chrome.page.locator(".rtlab-view")).to_have_count(2)
    return chrome.page


def view(page: Page, number: int) -> Locator:
    return page.locator(".rtlab-view").nth(number)


def said(page: Page) -> str:
    """Run the cell that prints the answers, and return what it prints."""
    run_cell(page, 2)
    return page.locator(".jp-CodeCell").nth(2).locator(".jp-OutputArea-output").inner_text().strip()


def choices(page: Page) -> list[str]:
    return view(page, 1).locator("ol li .name, ol.order li:not(:has(.name))").all_inner_texts()


def test_a_number_is_committed_locked_and_changed(page: Page) -> None:
    assert said(page) == "None [] False None"  # running all cells waited for nobody
    number = view(page, 0)
    field = number.get_by_label("Your prediction")
    field.fill("1,000")
    field.press("Enter")
    expect(number.get_by_role("alert")).to_contain_text("two ways")
    expect(field).to_be_focused()
    field.fill("40 ms")
    field.press("Enter")
    expect(number).to_contain_text("You predicted")
    expect(field).to_have_count(0)
    # The measurement was shown when all cells were run, and this is said.
    expect(number).to_contain_text("after the measurement was shown", timeout=PATIENCE)
    assert said(page) == "40.0 [] True None"
    again = number.get_by_role("button", name="Change my mind")
    expect(again).to_be_visible()
    again.click()
    field.fill("0,5")
    number.get_by_role("button", name="Commit").click()
    expect(number).to_contain_text("Before, you said 40 ms", timeout=PATIENCE)
    assert said(page) == "0.5 [40.0] True None"
    run_cell(page, 3)
    comparison = page.locator(".jp-CodeCell").nth(3)
    expect(comparison).to_contain_text("82.5 ms more than you predicted", timeout=PATIENCE)
    expect(comparison).to_contain_text("before, you said 40 ms")


def test_an_order_is_made_with_the_keyboard_alone(page: Page) -> None:
    order = view(page, 1)
    assert choices(page) == ["a", "b<i>", "c"]
    order.get_by_role("button", name="move a down").focus()
    page.keyboard.press("Enter")
    assert choices(page) == ["b<i>", "a", "c"]
    expect(order.get_by_role("button", name="move a down")).to_be_focused()
    page.keyboard.press("Space")
    assert choices(page) == ["b<i>", "c", "a"]
    expect(order.get_by_role("button", name="move a up")).to_be_focused()
    expect(order.get_by_role("status").first).to_have_text("a is now 3 of 3.")
    cells = page.locator(".jp-CodeCell").count()
    for key in ("d", "d", "x", "ArrowDown", "b", "m"):  # a notebook has plans of its own for these
        page.keyboard.press(key)
    expect(page.locator(".jp-CodeCell")).to_have_count(cells)
    order.get_by_role("button", name="Commit").focus()
    page.keyboard.press("Enter")
    expect(order).to_contain_text("You predicted")
    assert said(page).endswith("['b<i>', 'c', 'a']")
    expect(order.locator("i, b")).to_have_count(0)


def test_an_order_is_made_by_dragging(page: Page) -> None:
    grips = view(page, 1).locator(".grip")
    start, end = grips.nth(0).bounding_box(), grips.nth(2).bounding_box()
    assert start is not None and end is not None
    page.mouse.move(start["x"] + 8, start["y"] + 8)
    page.mouse.down()
    page.mouse.move(start["x"] + 8, end["y"] - 10, steps=6)
    page.mouse.move(start["x"] + 8, end["y"] + end["height"], steps=6)
    page.mouse.up()
    assert choices(page) == ["b<i>", "c", "a"]
    start = view(page, 1).locator(".grip").nth(2).bounding_box()
    assert start is not None
    page.mouse.move(start["x"] + 8, start["y"] + 8)
    page.mouse.down()
    page.mouse.move(start["x"] + 8, start["y"] - 200, steps=6)
    page.mouse.up()
    assert choices(page) == ["a", "b<i>", "c"]


def test_an_answer_survives_another_run_and_a_reload(page: Page) -> None:
    field = view(page, 0).get_by_label("Your prediction")
    field.fill("40")
    field.press("Enter")
    assert said(page) == "40.0 [] True None"
    run_cell(page, 0)
    expect(view(page, 0)).to_contain_text("You predicted", timeout=PATIENCE)
    assert said(page) == "40.0 [] True None"
    save_and_reload(page)
    expect(view(page, 0)).to_contain_text("40 ms", timeout=PATIENCE)
    expect(view(page, 0).get_by_label("Your prediction")).to_have_count(0)


def test_without_its_kernel_it_takes_no_answer_and_says_why(page: Page) -> None:
    view(page, 0).get_by_label("Your prediction").fill("40")
    restart_kernel(page)
    expect(page.locator(".rtlab-status").first).to_contain_text(
        "Run the notebook again", timeout=PATIENCE
    )
    expect(view(page, 0).get_by_label("Your prediction")).to_be_disabled()
    expect(view(page, 1).get_by_role("button", name="Commit")).to_be_disabled()
    press_run(page, 0)
    expect(view(page, 0).get_by_label("Your prediction")).to_be_enabled(timeout=PATIENCE)


def test_everybody_can_use_it(page: Page) -> None:
    assert violations(page, ".rtlab-view") == []
    view(page, 0).get_by_label("Your prediction").fill("40")
    view(page, 0).get_by_role("button", name="Commit").click()
    view(page, 1).get_by_role("button", name="Commit").click()
    expect(view(page, 1)).to_contain_text("You predicted")
    assert violations(page, ".rtlab-view") == []
    assert violations(page, ".jp-CodeCell:last-child .jp-OutputArea-output") == []
