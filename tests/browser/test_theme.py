"""What is shown without a script can be read on any page, whatever the reader's system prefers."""

from __future__ import annotations

from typing import Literal

import pytest

import rtlab
from rtlab.exercises.verdict import Outcome, Verdict
from tests.browser.jupyterlab import Browser

VERDICT = Verdict("tally", (Outcome("one", "failed", 1, 0, "It went wrong."),), 1, "", 0)
SHOWN = {
    ".rtlab-bytes": lambda: rtlab.dissect(b"\x81\x00", "websocket"),
    ".rtlab-verdict": lambda: VERDICT,
    "svg": lambda: rtlab.machine("websocket"),
}
INK = "e => getComputedStyle(e.tagName == 'svg' ? e.querySelector('text') : e)"


@pytest.mark.parametrize("selector", SHOWN)
@pytest.mark.parametrize("page_is", ["#fff", "#1e1e1e"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_on_a_page_of_the_other_shade(
    scheme: Literal["light", "dark"], page_is: str, selector: str, chrome: Browser
) -> None:
    chrome.page.emulate_media(color_scheme=scheme)
    chrome.page.set_content(f"<body style='background:{page_is}'>{SHOWN[selector]()._repr_html_()}")
    shown = chrome.page.locator(selector).first
    ink = shown.evaluate(f"{INK}{'.fill' if selector == 'svg' else '.color'}")
    assert (ink, shown.evaluate("e => getComputedStyle(e).backgroundColor")) == {
        "light": ("rgb(34, 34, 34)", "rgb(255, 255, 255)"),
        "dark": ("rgb(232, 232, 232)", "rgb(17, 17, 17)"),
    }[scheme]
