"""A hub that stops the lab's server, or logs the reader out: what is said, on a page of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

import rtlab
from rtlab import widgets
from tests.browser.bare import Bare
from tests.browser.conftest import HUB
from tests.browser.jupyterlab import Browser
from tests.browser.serving import Quiet, serving

pytestmark = pytest.mark.timeout(200)

PAGE = b"<!doctype html><html lang=en><meta charset=utf-8><title>hub</title>"
LED_TO = {
    "stopping": "/hub/spawn-pending/jane",
    "stopped": "/hub/user/jane/lab",
    "logged out": "/hub/login",
}


class Hub(Quiet):
    """Hands on what is below ``/proxy/PORT``, while the reader's server runs.

    What was open stays open when it is stopped: configurable-http-proxy does the same.
    """

    state = "running"

    def do_GET(self) -> None:
        if not self.path.startswith("/proxy/"):
            self.answer(424 if self.path.startswith("/hub/user") else 200, "text/html", PAGE)
        elif Hub.state == "running":
            self.hand_on()
        else:
            self.send_response(303)
            self.send_header("Location", LED_TO[Hub.state])
            self.end_headers()

    def hand_on(self) -> None:
        _, _, port, path = self.path.split("/", 3)
        url = f"http://127.0.0.1:{port}/{path}"
        headers = {"Accept": self.headers.get("Accept", "*/*")}
        with httpx.stream("GET", url, headers=headers, timeout=None, trust_env=False) as answer:
            self.send_response(answer.status_code)
            self.send_header("Content-Type", answer.headers.get("Content-Type", ""))
            self.end_headers()
            for data in answer.iter_raw():
                self.wfile.write(data)


@contextmanager
def through_a_hub(chrome: Browser, lab: rtlab.Lab, view: Any) -> Iterator[Bare]:
    """Show a view on a page of the hub, from which no direct way leads to the lab."""
    view._let_in = lambda origin: None
    Hub.state = "running"
    with serving(Hub) as server:
        yield Bare(chrome.page, view, f"http://{HUB}:{server.server_port}/")


def test_a_server_that_was_stopped_is_told_from_a_reader_who_is_logged_out(
    chrome: Browser,
) -> None:
    loops = ["polling", "long_polling"]
    with rtlab.Lab(loops) as lab:
        view = widgets.BrowserClient(lab, loops, period=0.2, connect=True)
        with through_a_hub(chrome, lab, view) as bare:
            lab.publish("before")
            bare.until(lambda: chrome.page.locator("tr[data-what=message]").count() == 2)

            def tells(transport: str, *words: str) -> None:
                log = chrome.page.locator(f".pane[aria-label^='{transport}:'] .log")
                bare.until(lambda: all(word in log.inner_text() for word in words))

            Hub.state = "logged out"
            lab.publish("ends the answer that is held")
            for transport in loops:
                tells(transport, "200 OK: a page for people", "You are logged out: log in")
            Hub.state = "stopping"
            for transport in loops:
                tells(transport, "Your server is not running: start it in the hub's control panel")
            Hub.state = "stopped"
            for transport in loops:
                tells(transport, "424 Failed Dependency: a page for people")
            shown = chrome.page.inner_text("body")
            assert "Unexpected token" not in shown
            assert shown.count("Your server is not running") == 2  # told once, not each time


@pytest.mark.parametrize("kind", ["BrowserClient", "Ticker"])
def test_a_stream_that_a_proxy_holds_open_for_a_stopped_server_is_in_doubt(
    chrome: Browser, kind: str
) -> None:
    with rtlab.Lab("sse") as lab:
        view: Any = (
            widgets.BrowserClient(lab, ["sse"], connect=True)
            if kind == "BrowserClient"
            else widgets.Ticker(lab, rate=0)
        )
        with through_a_hub(chrome, lab, view) as bare:
            plain = chrome.page.locator(".state[data-state=OPEN]", has_not_text="doubt")
            bare.until(plain.count)
            Hub.state = "stopped"
            bare.says("OPEN, in doubt", "Your server is not running")
            Hub.state = "running"
            bare.until(plain.count)
