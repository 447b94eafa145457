"""The byte view in a real browser: bytes and fields point at each other."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, expect

import rtlab
from tests.browser.jupyterlab import Browser

HELLO = bytes.fromhex("818537fa213d7f9f4d5158")


@pytest.fixture
def page(chrome: Browser) -> Page:
    html = rtlab.dissect(HELLO + b"\x88\x00", "websocket")._repr_html_()
    chrome.page.set_content(f"<!doctype html><meta charset='utf-8'><button>before</button>{html}")
    chrome.page.mouse.move(0, 0)
    return chrome.page


def lit(page: Page, what: str) -> list[str]:
    return page.locator(f"{what}.lit").all_inner_texts()


def lit_fields(page: Page) -> list[str]:
    return page.locator("summary.lit .name").all_inner_texts()


def test_pointing_at_a_byte_shows_its_field(page: Page) -> None:
    page.locator(".hex i").nth(3).hover()
    assert lit(page, "i") == ["fa"]
    assert lit_fields(page) == ["masking key"]


def test_a_byte_of_several_fields_shows_all_of_them(page: Page) -> None:
    page.locator(".hex i").nth(0).hover()
    assert lit_fields(page) == ["FIN", "RSV1", "RSV2", "RSV3", "opcode"]


def test_pointing_at_a_field_shows_its_bytes_and_no_others(page: Page) -> None:
    page.locator("summary", has_text="masking key").hover()
    assert lit(page, "i") == ["37", "fa", "21", "3d"]
    assert lit(page, ".hex b") == ["7", "·", "!", "="]
    page.locator("button").hover()
    expect(page.locator(".lit")).to_have_count(0)


def test_bytes_that_are_scrolled_away_come_into_sight(page: Page) -> None:
    lines = b"".join(b"X-%d: abcdefgh\r\n" % n for n in range(25))
    html = rtlab.dissect(b"GET / HTTP/1.1\r\nHost: a\r\n" + lines + b"\r\n", "http1")._repr_html_()
    page.set_content(html)
    if not page.locator(".hex").is_visible():
        page.locator(".part > summary").click()
    page.locator("summary", has_text="X-24: abc").hover()
    top, height = page.evaluate(
        """() => { const hex = document.querySelector('.hex');
            const lit = hex.querySelector('i.lit').getBoundingClientRect();
            return [lit.top - hex.getBoundingClientRect().top, hex.clientHeight] }"""
    )
    assert 0 <= top < height
    assert page.evaluate("document.querySelector('.hex').scrollTop") > 0


def test_what_was_made_from_the_wire_has_bytes_of_its_own(page: Page) -> None:
    page.locator(".derived .name", has_text="unmasked").hover()
    assert "".join(lit(page, ".hex b")) == "Hello"
    page.locator(".derived .hex i").nth(1).hover()
    assert lit(page, "i") == ["65"]


def test_the_second_part_counts_its_bytes_from_its_own_beginning(page: Page) -> None:
    part = page.locator(".part").nth(1)
    part.locator("summary", has_text="MASK").hover()
    assert lit(page, "i") == ["00"]
    part.locator(".hex i").nth(0).hover()
    assert "opcode" in lit_fields(page)


def test_arrow_keys_walk_through_the_bytes_and_enter_goes_to_the_field(page: Page) -> None:
    page.locator(".hex").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert lit(page, "i") == ["37"]
    expect(page.locator(".said")).to_have_text("byte 2, 37: masking key")
    page.keyboard.press("ArrowDown")
    assert lit(page, "i") == ["58"]
    page.keyboard.press("End")  # not ours: the page keeps its keys
    page.keyboard.press("Enter")
    focused = page.evaluate("document.activeElement.querySelector('.name').textContent")
    assert focused == "payload"
    assert lit(page, "i") == ["7f", "9f", "4d", "51", "58"]


def test_fields_are_reached_with_tab_and_opened_with_space(page: Page) -> None:
    note = page.locator("p", has_text="the message ends with this frame").first
    assert not note.is_visible()
    page.locator(".hex").first.focus()
    page.keyboard.press("Tab")
    assert lit_fields(page) == ["FIN"]
    page.keyboard.press("Space")
    assert note.is_visible()


def test_clicking_a_byte_opens_what_hides_its_field(page: Page) -> None:
    html = rtlab.dissect(b"GET / HTTP/1.1\r\nHost: abc\r\n\r\n", "http1")._repr_html_()
    page.set_content(html)
    value = page.locator("summary", has_text="'abc'")
    assert not value.is_visible()
    page.locator(".hex i").nth(22).hover()
    assert lit_fields(page) == ["header"]  # what it is folded into stands for it
    page.locator(".hex i").nth(22).click()
    assert value.is_visible()
    assert lit(page, "i") == ["61", "62", "63"]


def test_two_views_on_one_page_do_not_meddle_with_each_other(page: Page) -> None:
    html = rtlab.dissect(HELLO, "websocket")._repr_html_()
    page.set_content(html + html)
    page.locator(".rtlab-bytes").nth(1).locator(".hex i").nth(3).hover()
    assert page.locator(".rtlab-bytes").nth(0).locator(".lit").count() == 0
    assert lit_fields(page) == ["masking key"]


def test_it_reads_without_any_script(context: BrowserContext) -> None:
    assert context.browser is not None
    silent = context.browser.new_context(java_script_enabled=False)
    page = silent.new_page()
    page.set_content(rtlab.dissect(HELLO, "websocket")._repr_html_())
    assert "37 fa 21 3d" in page.locator(".hex").first.inner_text()
    assert page.locator(".value", has_text="Hello").first.is_visible()
    silent.close()
