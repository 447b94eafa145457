"""What is shown without a script can be read on any page, whatever its styles and its shade."""

from __future__ import annotations

from typing import Any, Literal

import pytest

import rtlab
from rtlab.diagnosis import Diagnosis, Finding
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


BOOTSTRAP = "<style>summary{display:block}table{border-collapse:collapse}td,th{padding:0}</style>"
"""What its third version, on which nbgrader's pages are built, does to what folds and to tables."""


@pytest.mark.parametrize(
    "shown",
    [
        lambda: rtlab.dissect(b"\x81\x00", "websocket"),
        lambda: rtlab.machine("websocket"),
        lambda: rtlab.quiz("01"),
        lambda: Verdict("tally", VERDICT.cases, 1, "it printed this", 0),
        lambda: Diagnosis((Finding("ok", "fine"), Finding("note", "odd", "look"))),
    ],
    ids=["bytes", "machine", "quiz", "verdict", "diagnosis"],
)
def test_what_opens_says_so_and_cells_stand_apart(shown: Any, chrome: Browser) -> None:
    chrome.page.set_content(f"{BOOTSTRAP}{shown()._repr_html_()}")
    marks = "all => all.map(e => getComputedStyle(e).display)"
    assert set(chrome.page.locator("summary").evaluate_all(marks)) == {"list-item"}
    gaps = "all => all.map(e => getComputedStyle(e).paddingLeft)"
    assert set(chrome.page.locator("td, th").evaluate_all(gaps)) <= {"8px"}
