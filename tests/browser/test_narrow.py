"""What is shown without a script, in a narrow column: nothing is cut.

What needs more room scrolls in a box of its own, and the page does not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import pytest

import rtlab
from rtlab import examples
from tests.browser.jupyterlab import Browser

WIDTH = 300


@cache
def lab() -> rtlab.Lab:
    """A lab that was used through every transport, and stopped."""

    async def use(lab: rtlab.Lab) -> None:
        lab.publish({"text": "hello " * 20})
        for transport in lab.transports:
            await rtlab.receive(lab.url(transport), transport, 1)

    with rtlab.Lab([*rtlab.TRANSPORTS, "http2"]) as used:
        used.thread.call(use(used))
    return used


def in_a_thread(work: Coroutine[Any, Any, Any]) -> Any:
    """Run it where no loop runs: in this thread, that is Playwright's."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def verdict() -> Any:
    return rtlab.check("accept-key", lambda key: "no answer at all, but one of many words")


SHOWN: dict[str, Callable[[], Any]] = {
    "a request": lambda: rtlab.dissect(examples.LESSON_REQUEST, "http1"),
    "an answer": lambda: rtlab.dissect(examples.LESSON_RESPONSE, "http1"),
    "a broken frame": lambda: rtlab.dissect(b"\xf3\xff" + b"\xff" * 12, "websocket"),
    **{
        f"the conversation of {name}": lambda name=name: lab().recording(name)
        for name in [*rtlab.TRANSPORTS, "http2"]
    },
    "the lab": lab,
    "ladders": lambda: lab().ladder(),
    "a state machine": lambda: rtlab.machine("EventSource"),
    "a comparison": lambda: in_a_thread(rtlab.compare(messages=2, interval=0.01)),
    "a verdict": verdict,
    "questions": lambda: rtlab.quiz("04"),
}


@pytest.mark.parametrize("what", SHOWN)
def test_nothing_is_cut_and_the_page_does_not_scroll_sideways(what: str, chrome: Browser) -> None:
    html = SHOWN[what]()._repr_html_()
    page = chrome.page
    page.set_viewport_size({"width": WIDTH, "height": 900})
    page.set_content(
        f"<!doctype html><meta charset=utf-8>{html.replace('<details', '<details open')}"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= WIDTH
    cut = page.evaluate(
        """() => [...document.body.querySelectorAll('*')]
            .filter(e => ['hidden', 'clip'].includes(getComputedStyle(e).overflowX)
                && e.clientWidth > 1 && e.scrollWidth > e.clientWidth)
            .map(e => e.outerHTML.slice(0, 200))"""
    )
    assert cut == []
