"""The browser's own clients in a real JupyterLab: what they do, and what of it is in the recording.

Where the way matters it is tried twice: directly, as on the reader's own machine, and through
Jupyter's proxy under a base path, as on Binder and hubs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.axe import violations
from tests.browser.conftest import Jupyters
from tests.browser.jupyterlab import Browser, JupyterLab
from tests.browser.kernel import Kernel, kernel_of
from tests.browser.views import (
    PATIENCE,
    blocking,
    delete_cell,
    hold,
    press_run,
    release,
    restart_kernel,
    run_cell,
    save_and_reload,
    write_notebook,
)

pytestmark = pytest.mark.timeout(300)

ALL = ("polling", "long_polling", "sse", "websocket")
START = "import rtlab\nlab = rtlab.start()"
PROXY = "through Jupyter's proxy"


@dataclass
class Place:
    """A page, and the way that it takes from a JupyterLab to the lab's servers."""

    chrome: Browser
    jupyter: JupyterLab
    proxied: bool


@pytest.fixture(params=["direct", "proxied"])
def place(request: pytest.FixtureRequest, chrome: Browser, jupyters: Jupyters) -> Place:
    proxied = request.param == "proxied"
    return Place(chrome, jupyters.at("/user/jane/" if proxied else "/"), proxied)


ONCE = pytest.mark.parametrize("place", ["proxied"], indirect=True)


@dataclass
class Reader:
    """Somebody who has a notebook with a view open."""

    page: Page
    kernel: Kernel
    proxied: bool

    def pane(self, transport: str) -> Locator:
        return self.page.locator(f".pane[aria-label^='{transport}:']")

    def connect(self, transport: str) -> None:
        self.pane(transport).get_by_role("button", name="Connect").click()

    def state(self, transport: str, word: str) -> None:
        state = self.pane(transport).locator(".state")
        expect(state).to_contain_text(word, timeout=PATIENCE)

    def figure(self, transport: str, name: str) -> str:
        figure = self.pane(transport).locator(".figures div", has_text=re.compile(f"^{name}"))
        return figure.locator("dd").inner_text()

    def has(self, transport: str, name: str, value: str) -> None:
        figure = self.pane(transport).locator(".figures div", has_text=re.compile(f"^{name}"))
        expect(figure.locator("dd")).to_have_text(value, timeout=PATIENCE)

    def logged(self, transport: str, what: str, text: str = "") -> None:
        row = self.pane(transport).locator(f"tr[data-what='{what}']", has_text=text)
        expect(row.first).to_be_attached(timeout=PATIENCE)

    def sent(self, transport: str) -> list[str]:
        """What clients sent through the link, a text for each connection."""
        recording = f"lab.recording({transport!r})"
        streams = f"{recording}.stream(c.number, 'up').decode('latin-1')"
        texts: list[str] = self.kernel.ask(f"[{streams} for c in {recording}.connections]")
        return texts

    def until(self, condition: Callable[[], object]) -> None:
        for _ in range(PATIENCE // 100):
            if condition():
                return
            self.page.wait_for_timeout(100)
        raise AssertionError("it never happened")


@contextmanager
def reading(place: Place, name: str, *cells: str, chosen: bool = True) -> Iterator[Reader]:
    """Open a notebook and run it; take the way of the place, if there is one to choose."""
    notebook = write_notebook(place.jupyter.folder, f"{name}.ipynb", *cells)
    place.jupyter.start_kernel(notebook)
    page = place.chrome.page
    assert place.chrome.run_all(place.jupyter.notebook(notebook)) == []
    with kernel_of(place.jupyter, notebook) as kernel:
        if chosen:
            expect(page.get_by_label("direct")).to_be_checked(timeout=PATIENCE)
            if place.proxied:
                page.get_by_label(PROXY).check()
        yield Reader(page, kernel, place.proxied)


def header(request: str, name: str) -> str | None:
    found = re.search(rf"(?im)^{name}: (.*)\r$", request)
    return found[1] if found else None


def requests(texts: list[str], method: str = "GET") -> list[str]:
    """The heads of the requests among what was sent."""
    heads = (
        head for text in texts for head in re.split(r"(?m)^(?=[A-Z]+ /\S* HTTP/1\.1\r$)", text)
    )
    return [head for head in heads if head.startswith(f"{method} ")]


def show(*transports: str, options: str = "") -> str:
    return f"view = rtlab.widgets.BrowserClient(lab, {list(transports)}{options})\nview"


def test_native_clients_receive_everything_and_are_in_the_recording(place: Place) -> None:
    with reading(place, "all", START, show(*ALL)) as reader:
        page = reader.page
        for transport in ALL:
            expect(reader.pane(transport).locator(".state")).to_contain_text("CLOSED")
            reader.connect(transport)
        reader.state("sse", "OPEN")
        reader.state("websocket", "OPEN")
        reader.kernel.run("for number in range(5): lab.publish({'number': number})")
        for transport in ALL:
            reader.has(transport, "received", "5")
            reader.has(transport, "lost", "0")
            reader.has(transport, "twice", "0")
            reader.logged(transport, "message", '5: {"number":4}')
            first = requests(reader.sent(transport))[0]
            assert "Chrome" in (header(first, "User-Agent") or ""), first
            origin = page.evaluate("location.origin")
            same = origin if transport == "websocket" else None  # a browser names no origin at home
            assert header(first, "Origin") == (same if place.proxied else origin)
            if transport != "websocket":
                forwarded = header(first, "X-Forwarded-Context") is not None
                assert forwarded == place.proxied
        [upgrade] = requests(reader.sent("websocket"))
        assert header(upgrade, "Upgrade") == "websocket"
        assert header(upgrade, "Sec-WebSocket-Version") == "13"
        assert header(requests(reader.sent("sse"))[0], "Accept") == "text/event-stream"
        for transport in ("polling", "long_polling"):
            reader.until(lambda name=transport: any("since=5" in it for it in reader.sent(name)))
        # Whoever compares clocks does it past the links.
        for transport in ALL:
            assert not any("/clock" in text for text in reader.sent(transport))


def test_after_a_cut_each_goes_on_where_it_was(place: Place) -> None:
    with reading(place, "cut", START, show("sse", "websocket")) as reader:
        for transport in ("sse", "websocket"):
            reader.connect(transport)
            reader.state(transport, "OPEN")
        reader.kernel.run("for number in range(3): lab.publish(number)")
        for transport in ("sse", "websocket"):
            reader.has(transport, "received", "3")
            reader.pane(transport).get_by_role("button", name="Cut the link").click()
            reader.logged(transport, "cut", "connections: 1")
        reader.kernel.run("for number in range(3): lab.publish(number)")
        for transport in ("sse", "websocket"):
            reader.has(transport, "received", "6")
            reader.has(transport, "reconnects", "1")
            reader.has(transport, "lost", "0")
            reader.has(transport, "twice", "0")
        streams = reader.sent("sse")
        assert header(requests(streams)[0], "Last-Event-ID") is None
        assert header(requests(streams)[-1], "Last-Event-ID") == "3"
        assert len(requests(reader.sent("websocket"))) == 2
        # What a browser is told of the end, and why it is no more than that.
        reader.logged("websocket", "close", "1005" if place.proxied else "1006")
        reader.logged("sse", "error", "tries again by itself")
        if place.proxied:
            reader.logged("websocket", "why", "lost in Jupyter's proxy")
            note = reader.pane("websocket").locator(".note")
            expect(note).to_contain_text("close codes are lost")


def test_messages_are_sent_from_the_page(place: Place) -> None:
    with reading(place, "send", START, show(*ALL)) as reader:
        for transport in ALL:
            reader.connect(transport)
            typed = reader.pane(transport).get_by_label("message")
            typed.fill(f"dd {transport}")  # no JSON, and "dd" deletes cells in a notebook
        reader.state("websocket", "OPEN")
        for transport in ALL:
            reader.pane(transport).get_by_label("message").press("Enter")
            reader.logged(transport, "ack" if transport == "websocket" else "answer", "published")
        texts = reader.kernel.ask("sorted(message.data for message in lab.feed.since(None))")
        assert texts == sorted(f"dd {transport}" for transport in ALL)
        for transport in ALL:
            own = transport == "websocket"  # what goes up a WebSocket comes back to all the others
            reader.has(transport, "received", "3" if own else "4")
            reader.has(transport, "lost", "0")
            if not own:
                [post] = requests(reader.sent(transport), "POST")
                assert header(post, "Content-Type") == "application/json"
            asked = requests([] if own else reader.sent(transport), "OPTIONS")
            assert len(asked) == (0 if own or place.proxied else 1)  # a preflight between origins
        assert reader.page.locator(".jp-CodeCell").count() == 2


def test_latency_is_that_of_the_link_and_its_error_is_not(place: Place) -> None:
    slow = f"{START}\nlab.impair(latency=0.4)"
    with reading(place, "slow", slow, show("websocket")) as reader:
        reader.connect("websocket")
        reader.state("websocket", "OPEN")
        reader.logged("websocket", "hello")
        reader.kernel.run("for number in range(3): lab.publish(number)")
        reader.has("websocket", "received", "3")
        said = reader.page.locator(".note", has_text="Latency is right to").inner_text()
        error = in_ms(said)
        assert error < 200, said  # half a round trip through the link would be 400 ms
        assert in_ms(reader.figure("websocket", "latency: median")) >= 400 - error - 1
        reader.kernel.run("lab.impair(); [lab.publish(number) for number in range(9)]")
        reader.has("websocket", "received", "12")
        cells = reader.pane("websocket").locator("tr[data-what=message] td:last-child")
        assert all(in_ms(text) >= -error - 0.1 for text in cells.all_inner_texts())


def in_ms(text: str) -> float:
    found = re.search(r"(-?[\d.]+) (ms|s)\b", text)
    assert found is not None, text
    return float(found[1]) * (1000 if found[2] == "s" else 1)


def test_a_server_that_is_away_for_a_while(place: Place) -> None:
    with reading(place, "away", START, show("sse", "websocket", "polling")) as reader:
        for transport in ("sse", "websocket", "polling"):
            reader.connect(transport)
        reader.state("sse", "OPEN")
        reader.state("websocket", "OPEN")
        reader.kernel.run("lab.publish('before')")
        for transport in ("sse", "websocket", "polling"):
            reader.has(transport, "received", "1")
            reader.pane(transport).get_by_label("for how long").select_option("10")
            reader.pane(transport).get_by_role("button", name="Cut the link").click()
        reader.kernel.run("lab.publish('meanwhile')")
        if place.proxied:
            reader.state("sse", "CLOSED")
            reader.logged("sse", "error", "the proxy, or a login page, answered instead")
            reader.logged("sse", "close", "Connect goes on after message 1")
            reader.logged("polling", "error", "500")
        reader.kernel.run("for name in lab.transports: lab.cut(name)")  # lets clients in again
        if place.proxied:
            reader.connect("sse")
        for transport in ("sse", "websocket", "polling"):
            reader.has(transport, "received", "2")
            reader.has(transport, "lost", "0")
            reader.has(transport, "twice", "0")


def test_it_survives_its_cell_the_page_and_the_kernel(place: Place) -> None:
    # A proxy does not notice that the reader of an event stream has left; of a WebSocket it does.
    followed = ["websocket"] if place.proxied else ["sse", "websocket"]
    clients = f"[lab.recording(name).open_connections for name in {followed}]"
    with reading(place, "survive", START, show("sse", "websocket", options=", connect=True")) as (
        reader
    ):
        page = reader.page
        for transport in ("sse", "websocket"):
            reader.state(transport, "OPEN")
        reader.kernel.run("for number in range(3): lab.publish(number)")
        for transport in ("sse", "websocket"):
            reader.has(transport, "received", "3")

        run_cell(page, 1)
        expect(page.locator(".rtlab-browser")).to_have_count(1)
        for transport in ("sse", "websocket"):
            reader.has(transport, "received", "3")  # a new client, from the beginning
        reader.kernel.until(clients, lambda counts: set(counts) == {1})

        told = "[report.received for report in view.reports.values()]"
        reader.kernel.until(told, lambda counts: counts == [3, 3])
        save_and_reload(page)
        expect(page.locator(".rtlab-browser")).to_have_count(1, timeout=PATIENCE)
        for transport in ("sse", "websocket"):
            reader.state(transport, "OPEN")
            reader.has(transport, "received", "3")
        reader.kernel.run("lab.publish('after')")
        for transport in ("sse", "websocket"):
            reader.has(transport, "received", "4")
            reader.has(transport, "twice", "0")
        assert any("since=3" in text for text in reader.sent("sse"))
        reader.kernel.until(clients, lambda counts: set(counts) == {1})

        restart_kernel(page)
        expect(page.locator(".rtlab-status")).to_contain_text("restarted", timeout=PATIENCE)
        for transport in ("sse", "websocket"):
            reader.state(transport, "CLOSED")
            connect = reader.pane(transport).get_by_role("button", name="Connect")
            expect(connect).to_be_disabled()
        held = "() => globalThis[Symbol.for('rtlab.held')].size"
        reader.until(lambda: page.evaluate(held) == 0)


def test_nothing_is_left_of_a_cell_that_is_deleted(place: Place) -> None:
    options = ", connect=True"
    limited = f"{START}\nrtlab.transports.sse.PROXIED_LIMIT = 2"
    with reading(place, "deleted", limited, show(*ALL, options=options)) as reader:
        reader.state("sse", "OPEN")
        reader.state("websocket", "OPEN")
        reader.kernel.run("lab.publish('before')")
        reader.has("sse", "received", "1")
        if place.proxied:  # the stream ends, and EventSource comes back for the rest
            reader.until(lambda: reader.figure("sse", "reconnects") != "0")
            reader.kernel.run("lab.publish('after')")
            reader.has("sse", "received", "2")
            assert (reader.figure("sse", "lost"), reader.figure("sse", "twice")) == ("0", "0")
        delete_cell(reader.page, 1)
        expect(reader.page.locator(".rtlab-browser")).to_have_count(0, timeout=PATIENCE)
        # A proxy keeps what it has opened: streams to their limit, held requests to their answer.
        reader.kernel.run("lab.publish('an answer')")
        for transport in ("long_polling", "sse", "websocket"):
            reader.kernel.until(f"lab.recording({transport!r}).open_connections == 0")
        assert reader.page.evaluate("globalThis[Symbol.for('rtlab.held')].size") == 0
        before = len(requests(reader.sent("polling")))
        reader.page.wait_for_timeout(2500)
        assert len(requests(reader.sent("polling"))) == before


def test_a_lab_that_stops_says_goodbye(place: Place) -> None:
    with reading(place, "stop", START, show("sse", "websocket")) as reader:
        for transport in ("sse", "websocket"):
            reader.connect(transport)
            reader.state(transport, "OPEN")
        reader.logged("websocket", "hello")
        reader.kernel.run("lab.stop()")
        expect(reader.page.locator(".rtlab-status")).to_contain_text("The lab is stopped")
        reader.logged("websocket", "close", "1005" if place.proxied else "1001 the lab is stopped")
        for transport in ("sse", "websocket"):
            reader.state(transport, "CLOSED")
            connect = reader.pane(transport).get_by_role("button", name="Connect")
            expect(connect).to_be_disabled()


@ONCE
def test_a_busy_kernel_holds_up_wishes_and_nothing_else(place: Place, name: str) -> None:
    other = "rtlab.widgets.BrowserClient(lab, ['websocket'])"
    again = f"from IPython.display import display\ndisplay({other})\n{blocking(name)}"
    release(place.jupyter, name)  # for the first run
    with reading(place, name, START, show("sse"), again, chosen=False) as reader:
        page = reader.page
        reader.connect("sse")
        reader.state("sse", "OPEN")
        url = reader.kernel.ask("lab.url('sse')")
        hold(place.jupyter, name)
        press_run(page, 2)
        status = page.locator(".rtlab-status").last
        expect(status).to_contain_text("waits for the kernel", timeout=PATIENCE)
        for number in range(20):
            httpx.post(url, json=number, trust_env=False).raise_for_status()
        reader.has("sse", "received", "20")
        reader.pane("sse").get_by_role("button", name="Cut the link").click()
        reader.logged("sse", "cut", "asked of the kernel")
        prompt = page.locator(".jp-CodeCell .jp-InputArea-prompt").nth(2)
        expect(prompt).to_have_text("[*]:")
        release(place.jupyter, name)
        reader.logged("sse", "cut", "connections: 1")
        expect(status).to_have_text("", timeout=PATIENCE)
        expect(reader.pane("websocket")).to_have_count(1)


@ONCE
def test_hostile_and_enormous_messages_do_no_harm(place: Place) -> None:
    evil = "</script><img src=x onerror='window.harmed = true'>"
    with reading(place, "evil", START, show(*ALL, options=", connect=True")) as reader:
        reader.state("sse", "OPEN")
        reader.state("websocket", "OPEN")
        reader.kernel.run(f"lab.publish({{'text': {evil!r}}}); lab.publish('x' * 1_000_000)")
        for transport in ALL:
            reader.has(transport, "received", "2")
            reader.logged(transport, "message", "onerror=")
            reader.logged(transport, "message", "characters)")
        assert reader.page.locator(".pane img").count() == 0
        assert reader.page.evaluate("window.harmed") is None


def test_the_way_can_be_changed_while_it_is_open(place: Place) -> None:
    with reading(place, "ways", START, show("sse", "websocket", options=", connect=True")) as (
        reader
    ):
        reader.state("sse", "OPEN")
        reader.state("websocket", "OPEN")
        reader.kernel.run("lab.publish('one way')")
        reader.has("sse", "received", "1")
        address = reader.pane("sse").locator(".address")
        assert ("/proxy/" in address.inner_text()) == place.proxied
        reader.page.get_by_label("direct" if place.proxied else PROXY).check()
        expect(address).to_contain_text(re.compile("127.0.0.1.*" if place.proxied else "/proxy/"))
        reader.state("sse", "OPEN")
        reader.state("websocket", "OPEN")
        reader.kernel.run("lab.publish('the other')")
        for transport in ("sse", "websocket"):
            reader.has(transport, "received", "2")
            reader.has(transport, "twice", "0")


@ONCE
def test_three_streams_are_held_open_and_no_more(place: Place) -> None:
    cells = [START, *(show("sse", options=", connect=True") for _ in range(4))]
    with reading(place, "held", *cells, chosen=False) as reader:
        states = reader.page.locator(".state")
        reader.until(lambda: sum("OPEN" in text for text in states.all_inner_texts()) == 3)
        refused = reader.page.locator("tr[data-what='not done']")
        expect(refused).to_have_count(1, timeout=PATIENCE)
        expect(refused).to_contain_text("close one")


@ONCE
def test_keyboard_pause_what_a_screen_reader_finds_and_the_code_that_runs(place: Place) -> None:
    with reading(place, "keys", START, show("sse")) as reader:
        page = reader.page
        pane = reader.pane("sse")
        pane.get_by_role("button", name="Connect").focus()
        page.keyboard.press("Enter")
        reader.state("sse", "OPEN")
        page.keyboard.press("Tab")  # past what is disabled now
        page.get_by_role("button", name="Pause").focus()
        page.keyboard.press("Space")
        reader.kernel.run("lab.publish('unseen')")
        reader.kernel.until("view.reports['sse'].received", lambda count: count == 1)
        assert reader.figure("sse", "received") == "0"
        page.get_by_role("button", name="Go on").press("Enter")
        reader.has("sse", "received", "1")
        pane.get_by_role("button", name="Close").press("Enter")
        reader.state("sse", "CLOSED")
        assert violations(page, ".rtlab-browser") == []
        code = pane.locator("pre").inner_text()
        runs = reader.kernel.ask("__import__('rtlab.widgets.native').widgets.native.code_of('sse')")
        assert code == runs
        assert "new EventSource(" in code
