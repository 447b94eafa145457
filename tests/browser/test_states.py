"""The browser's own EventSource and WebSocket, held to their tables, and the diagrams as drawn.

A blank page of a server of ours dials a lab. It notes every event, with ``readyState``, and what it
does itself; what it cannot see in an event it sees by looking at ``readyState`` often.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

import rtlab
from rtlab.states import MACHINES, START, Follower, Machine, State, Transition
from tests.browser.jupyterlab import Browser
from tests.browser.serving import Quiet, serving

PAGE = """<!doctype html><meta charset=utf-8><title>states</title><script>
let seen = []
const note = (object, sign) => {
  object.last = object.readyState
  seen.push([sign, object.last])
}
const watch = (object, sign, events) => {
  note(object, sign)
  for (const event of events) object.addEventListener(event, () => note(object, event))
  return object
}
const source = url =>
  watch(new EventSource(url), 'new EventSource(url)', ['open', 'message', 'error'])
const socket = (url, sign = 'new WebSocket(url)') => {
  const made = watch(new WebSocket(url), sign, ['open', 'message', 'error', 'close'])
  made.addEventListener('open', () => made.send('{"since": null}'))
  const look = setInterval(() => {
    if (made.readyState === 2 && made.last === 1) note(made, 'a Close frame comes')
    if (made.readyState === 3) clearInterval(look)
  }, 2)
  return made
}
const close = object => { object.close(); note(object, 'close()') }
</script>"""


class Pages(Quiet):
    """A blank page, answers that are no event stream, and one that never comes."""

    def do_GET(self) -> None:
        status = {"/204": 204, "/404": 404, "/500": 500}.get(self.path, 200)
        if self.path == "/silence":
            self.server.over.wait()  # type: ignore[attr-defined]
            return
        body = PAGE.encode() if status == 200 else b""
        kind = "text/html" if self.path in ("/", "/html") else "text/event-stream"
        self.answer(status, kind, body)


@contextmanager
def pages() -> Iterator[str]:
    with serving(Pages) as server:
        server.over = threading.Event()  # type: ignore[attr-defined]
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.over.set()  # type: ignore[attr-defined]


class Watched:
    """The page, and who follows what it sees."""

    def __init__(self, chrome: Browser, name: str, home: str) -> None:
        self.page = chrome.page
        self.machine = MACHINES[name]
        self.home = home
        self.made: Counter[Transition] = Counter()
        self.page.goto(f"{home}/")

    def do(self, script: str) -> None:
        self.page.evaluate(script)

    def seen(self) -> list[tuple[str, str]]:
        """What the page saw, each with the name of the state that the object was in then."""
        numbers = {state.ready_state: state.name for state in self.machine.states}
        return [(sign, numbers[number]) for sign, number in self.page.evaluate("seen")]

    def until(self, condition: Callable[[list[tuple[str, str]]], object]) -> None:
        end = time.monotonic() + 30
        while not condition(self.seen()):
            assert time.monotonic() < end, self.seen()
            self.page.wait_for_timeout(10)

    def follow(self) -> Follower:
        """Hold everything since the last time to the table, and forget it."""
        follower = self.machine.follow()
        for sign, state in self.seen():
            if self.machine.name == "WebSocket" and sign == "error":
                assert state == "CLOSED"  # fired just before close, which is in the table
                continue
            follower.see(sign, state)
        self.made += follower.taken
        self.do("seen.length = 0")
        return follower


@contextmanager
def watched(chrome: Browser, name: str) -> Iterator[Watched]:
    with pages() as home:
        page = Watched(chrome, name, home)
        yield page
    missing = [move for move in page.machine.transitions if not page.made[move]]
    assert not missing


def came(sign: str, state: str, times: int = 1) -> Callable[[list[tuple[str, str]]], bool]:
    return lambda seen: seen.count((sign, state)) >= times


@pytest.mark.timeout(120)
def test_an_event_source_makes_every_move_of_its_table_and_no_other(chrome: Browser) -> None:
    with watched(chrome, "EventSource") as page, rtlab.Lab("sse") as lab:
        page.do(f"window.one = source('{lab.url('sse')}')")
        page.until(came("open", "OPEN"))
        lab.publish("a message")
        page.until(came("message", "OPEN"))
        lab.cut("sse", 3600)
        page.until(came("error", "CONNECTING", 2))  # the cut, and an attempt that failed
        lab.cut("sse")  # lets new connections through again
        page.until(came("open", "OPEN", 2))
        page.do("close(one)")
        assert page.follow().state == "CLOSED"
        for path in ("/204", "/404", "/500", "/html"):
            page.do(f"source('{page.home}{path}')")
            page.until(came("error", "CLOSED"))
            assert page.follow().state == "CLOSED"
        page.do(f"close(source('{page.home}/silence'))")
        assert page.follow().state == "CLOSED"


@pytest.mark.timeout(120)
def test_a_websocket_makes_every_move_of_its_table_and_no_other(chrome: Browser) -> None:
    with watched(chrome, "WebSocket") as page, rtlab.Lab("websocket") as lab:
        url = lab.url("websocket")
        page.do(f"window.one = socket('{url}')")
        page.until(came("message", "OPEN"))
        page.do("close(one)")
        page.until(came("close", "CLOSED"))
        (by_hand,) = [move.event for move in page.machine.transitions if move.by_hand]
        page.do(f"window.one = socket('{url}', '{by_hand}')")
        page.until(came("open", "OPEN", 2))
        lab.cut("websocket")
        page.until(came("close", "CLOSED", 2))
        assert page.follow().state == "CLOSED"

        lab.impair(direction="up", latency=0.5)  # the browser's Close frame is on its way so long
        page.do(f"window.one = socket('{url}')")
        page.until(came("message", "OPEN"))
        page.do("one.send(new Uint8Array([1]))")  # which the server answers with 1003
        page.until(came("close", "CLOSED"))
        assert ("a Close frame comes", "CLOSING") in page.seen()
        assert page.follow().state == "CLOSED"
        lab.impair()

        page.do(f"window.one = socket('{url.replace('chat', 'nothing')}')")
        page.until(came("close", "CLOSED"))
        assert page.seen()[-2:] == [("error", "CLOSED"), ("close", "CLOSED")]
        page.follow()
        page.do(f"window.one = socket('ws{page.home.removeprefix('http')}/silence'); close(one)")
        page.until(came("close", "CLOSED"))
        assert page.follow().state == "CLOSED"


@pytest.mark.timeout(60)
def test_a_websocket_stays_closed_and_an_event_source_does_not(chrome: Browser) -> None:
    """One cut, and nobody writes a line of code: who comes back?"""
    with pages() as home, rtlab.Lab(["sse", "websocket"]) as lab:
        page = Watched(chrome, "WebSocket", home)
        page.do(f"window.one = socket('{lab.url('websocket')}')")
        page.do(f"window.two = source('{lab.url('sse')}')")
        page.until(lambda seen: sum(sign == "open" for sign, _ in seen) == 2)
        lab.cut()
        page.until(lambda seen: sum(sign == "open" for sign, _ in seen) == 3)
        assert page.page.evaluate("[one.readyState, two.readyState]") == [3, 1]


ODD = Machine(
    "odd",
    "As many lanes as there can be",
    tuple(State(name, "Note.", "RFC 9110 §9") for name in "abcdef"),
    tuple(
        Transition(source, event, target, "Note.", "RFC 9110 §9")
        for source, event, target in (
            (START, "go", "a"),
            ("a", "one", "b"),
            ("b", "back to the first", "a"),
            ("a", "over two states", "c"),
            ("a", "over all of them", "f"),
            ("b", "to the fourth", "d"),
            ("c", "on", "d"),
            ("d", "home again, all the way", "a"),
            ("d", "back a little", "b"),
            ("e", "up to the third", "c"),
            ("d", "from the fourth to the fifth", "e"),
            ("b", "stay", "b"),
            ("b", "stay again, please", "b"),
            ("d", "turn", "d"),
            ("a", "turn and turn", "a"),
            *((name, "everything fails", "f") for name in "cde"),
        )
    ),
)
MEASURE = """() => {
  const box = shape => { const b = shape.getBBox(); return [b.x, b.y, b.width, b.height] }
  const svg = document.querySelector('svg')
  return {
    texts: [...svg.querySelectorAll('text')].map(text => [text.textContent, ...box(text)]),
    boxes: [...svg.querySelectorAll('rect.b')].map(box),
    size: [svg.viewBox.baseVal.width, svg.viewBox.baseVal.height],
    shown: svg.getBoundingClientRect().width,
  }
}"""
Shape = tuple[float, float, float, float]


def meet(one: Shape, other: Shape, slack: float = 1.0) -> bool:
    (x, y, w, h), (a, b, c, d) = one, other
    return x + slack < a + c and a + slack < x + w and y + slack < b + d and b + slack < y + h


def inside(one: Shape, other: Shape) -> bool:
    (x, y, w, h), (a, b, c, d) = one, other
    return a <= x and b <= y and x + w <= a + c and y + h <= b + d


def test_no_label_is_cut_or_lies_on_another_or_on_a_box(chrome: Browser) -> None:
    for machine in (*MACHINES.values(), ODD):
        for trail in ([], machine.transitions * 77):
            drawn = machine.diagram(machine.states[1].name, trail)
            chrome.page.set_content(f"<meta charset=utf-8>{drawn._repr_html_()}")
            found = chrome.page.evaluate(MEASURE)
            texts = [(text, tuple(box)) for text, *box in found["texts"]]
            boxes = [tuple(box) for box in found["boxes"]]
            for place, (text, shape) in enumerate(texts):
                said = f"{machine.name}: {text}"
                assert inside(shape, (0, 0, *found["size"])), said
                over = [t for t, other in texts[place + 1 :] if meet(shape, other)]
                assert not over, said
                assert all(inside(shape, b) or not meet(shape, b) for b in boxes), said


def test_a_diagram_is_not_wider_than_a_narrow_notebook(chrome: Browser) -> None:
    chrome.page.set_viewport_size({"width": 360, "height": 800})
    for machine in MACHINES.values():
        chrome.page.set_content(f"<meta charset=utf-8>{machine._repr_html_()}")
        assert chrome.page.evaluate(MEASURE)["shown"] <= 360 - 16  # the page's own margins
