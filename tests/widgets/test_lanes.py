"""Lanes in Python: a page is played by what it sends, and what it is sent is read back."""

from __future__ import annotations

import json
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from statistics import median
from typing import Any

import pytest

import rtlab
from rtlab.errors import NotRunning, UsageError
from rtlab.widgets import Lanes
from rtlab.widgets import traffic as traffic_module
from rtlab.widgets.crossings import Kind
from tests.widgets.pages import Page

GUARD = 30.0
EMPTY = "data-x='\"><script>alert(1)</script>"


def until(condition: Callable[[], Any]) -> Any:
    end = time.monotonic() + GUARD
    while not (found := condition()):
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)
    return found


class Reader(Page):
    """A page that shows lanes from the beginning: the rows it has, and how it asks."""

    def __init__(self, view: Lanes, name: str = "page") -> None:
        super().__init__(view, name)
        self.rows: list[list[float]] = []
        self.wishes = 0
        self.say("ready")

    def _hear(self, content: dict[str, Any], buffers: Sequence[bytes]) -> None:
        if content["kind"] == "snapshot":
            self.rows = [[] for _ in buffers]
        if self.rows:  # as in the page: news before the snapshot is in the snapshot
            for rows, data in zip(self.rows, buffers, strict=True):
                rows += array("d", data)
            super()._hear(content, buffers)

    @property
    def latest(self) -> dict[str, Any]:
        return until(lambda: self.told and self.told[-1])

    def ask(self, kind: str = "", **wish: Any) -> dict[str, Any]:
        """Ask for something and return what is said of it."""
        self.wishes += 1
        self.say(kind, **wish, wish=self.wishes)
        until(lambda: self.latest["done"] == self.wishes)
        return dict(self.latest["said"])

    def published(self) -> list[tuple[float, ...]]:
        return self._read(0, 2)

    def messages(self, lane: int) -> list[tuple[float, ...]]:
        return self._read(1 + 2 * lane, 4)

    def crossings(self, lane: int) -> list[tuple[float, ...]]:
        return self._read(2 + 2 * lane, 3)

    def _read(self, place: int, width: int) -> list[tuple[float, ...]]:
        until(lambda: self.rows)
        return list(zip(*[iter(self.rows[place])] * width, strict=True))


@pytest.fixture
def view(lab: rtlab.Lab) -> Iterator[Lanes]:
    view = Lanes(lab, rate=20, period=0.1)
    yield view
    view.close()


def delivered(view: Lanes) -> list[int]:
    return [count.delivered for count in view.counts()]


# ── what a page gets ──


def test_every_message_arrives_once_in_every_lane_with_times_in_order(lab, view):
    lab.impair(latency=0.03)
    page = Reader(view)
    until(lambda: min(delivered(view)) >= 20)
    until(lambda: all(len(page.messages(lane)) >= 20 for lane in range(4)))
    for lane in range(4):
        rows = page.messages(lane)
        assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
        times = dict(page.published())
        for seq, published, sent, received in rows:
            assert published == times[seq]
            assert published <= sent <= received
            assert received - sent >= 30 * 0.9  # ms: it crosses the link


def test_what_waits_at_the_server_waits_there_and_not_on_the_link(lab):
    lab.impair(latency=0.02)
    with_long_period = Lanes(lab, rate=50, period=0.5)
    page = Reader(with_long_period)
    until(lambda: min(delivered(with_long_period)) >= 60)
    rows = {lab.transports[lane]: page.messages(lane) for lane in range(4)}
    waited = {name: median(row[2] - row[1] for row in rows[name]) for name in rows}
    crossed = {name: median(row[3] - row[2] for row in rows[name]) for name in rows}
    assert waited["polling"] > 3 * waited["sse"]
    assert waited["polling"] > 3 * waited["websocket"]
    assert max(crossed.values()) < waited["polling"]
    with_long_period.close()


def test_requests_travel_up_and_a_question_without_news_is_answered_with_nothing(lab):
    view = Lanes(lab, rate=0, period=0.05)
    page = Reader(view)
    until(lambda: len(page.crossings(0)) > 6)
    kinds = [Kind(int(row[0])) for row in page.crossings(0)]
    assert {Kind.UP, Kind.NOTHING} == set(kinds)
    assert abs(kinds.count(Kind.UP) - kinds.count(Kind.NOTHING)) <= 1
    assert [row[0] for row in page.crossings(1)] == [Kind.UP]  # the question that is held
    assert page.published() == []
    view.close()


def test_a_page_that_is_loaded_again_gets_what_there_was_and_then_what_is_new(view):
    page = Reader(view)
    until(lambda: len(page.messages(3)) >= 10)
    again = Reader(view, "again")
    until(lambda: len(again.messages(3)) >= 20)
    for lane in range(4):
        rows = again.messages(lane)
        assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
    assert [seq for seq, _ in again.published()] == list(range(1, len(again.published()) + 1))


def test_what_another_view_has_looked_at_comes_once_as_well(lab, view):
    page = Reader(view)
    until(lambda: len(page.messages(3)) >= 5)
    again = Reader(view, "again")

    async def between_two_beats() -> None:
        view._traffic.look()
        again.rows.clear()
        view._handle({"view": "again", "kind": "ready"})

    lab.thread.call(between_two_beats())
    before = len(again.messages(3))
    until(lambda: len(again.messages(3)) > before + 5)
    assert [row[0] for row in again.messages(3)] == list(range(1, len(again.messages(3)) + 1))


def test_the_state_is_plain_json_with_the_counts_of_the_lab(lab, view):
    page = Reader(view)
    until(lambda: min(delivered(view)) >= 5)
    state = page.latest
    assert [lane[0] for lane in state["lanes"]] == list(rtlab.TRANSPORTS)
    assert state["settings"] == {"rate": 20, "payload_size": 100, "period": 0.1}
    names = {"kind", "settings", "link", "lanes", "last", "said", "done", "now"}
    assert set(state) - {"for", "transports"} == names
    page.say("set", rate=0)
    until(lambda: delivered(view) == [lab.feed.last] * 4)
    for count, row in zip(view.counts(), lab.rows(), strict=True):
        assert count.lost == count.duplicated == 0
        assert count.requests <= row.requests
        assert count.bytes_down <= row.bytes_down
        assert (
            100 * count.delivered < count.bytes_down < 600 * count.delivered + 1000 * row.requests
        )


def test_what_other_cells_publish_travels_with_it(lab):
    view = Lanes(lab, rate=0)
    page = Reader(view)
    until(lambda: all(count.client in ("open", "waiting") for count in view.counts()))
    lab.publish({"text": EMPTY})
    until(lambda: delivered(view) == [1] * 4)
    until(lambda: page.published())
    assert EMPTY not in json.dumps(page.told)
    view.close()


def test_a_beat_without_news_says_nothing(lab):
    view = Lanes(lab, rate=0, period=30)
    page = Reader(view)
    until(lambda: all(count.client in ("open", "waiting") for count in view.counts()))

    def silent():
        count = len(page.told)
        time.sleep(0.5)
        return len(page.told) == count

    until(silent)  # a beat is far shorter; what the beginning brought may come late
    view.close()


def test_a_thousand_a_second_arrive_once_in_batches(lab):
    lab.impair(latency=0.05)
    view = Lanes(lab, rate=1000)
    page = Reader(view)
    until(lambda: min(delivered(view)) > 2000)
    rows = page.messages(3)
    assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
    assert len(page.told) < len(rows) / 10
    view.close()


# ── who looks ──


def test_nothing_runs_until_somebody_looks_nor_when_nobody_does(lab, view, monkeypatch):
    monkeypatch.setattr("rtlab.widgets.lanes.LINGER", 0.05)
    time.sleep(0.3)
    assert lab.feed.last == 0
    assert lab.recording("websocket").accepted == 0
    page = Reader(view)
    until(lambda: min(delivered(view)) >= 3)
    page.say("gone")
    until(lambda: not lab.recording("websocket").open_connections)
    until(lambda: not lab.recording("polling").open_connections)
    last = lab.feed.last
    time.sleep(0.3)
    assert lab.feed.last == last


def test_a_view_that_comes_back_goes_on_from_what_is_new(lab, view, monkeypatch):
    monkeypatch.setattr("rtlab.widgets.lanes.LINGER", 0.0)
    page = Reader(view)
    until(lambda: min(delivered(view)) >= 3)
    page.say("gone")
    until(lambda: not lab.recording("websocket").open_connections)
    before = delivered(view)
    for number in range(50):
        lab.publish(number)  # nobody looks
    page.say("ready")
    until(lambda: min(now - then for now, then in zip(delivered(view), before, strict=True)) >= 3)
    assert all(count.lost == count.duplicated == 0 for count in view.counts())
    newest = max(page.published())[0]
    assert all(count.delivered < newest - 40 for count in view.counts())


def test_a_cell_that_is_run_again_takes_the_clients_over(lab, view):
    page = Reader(view)
    until(lambda: min(delivered(view)) >= 3)
    page.say("gone")
    again = Lanes(lab)
    Reader(again)
    until(lambda: min(delivered(again)) >= 10)
    assert lab.recording("websocket").accepted == 1
    again.close()


def test_two_views_of_a_lab_share_one_stream(lab, view):
    other = Lanes(lab)
    pages = Reader(view), Reader(other)
    until(lambda: all(len(page.messages(3)) >= 10 for page in pages))
    assert lab.recording("websocket").accepted == 1
    seqs = [[row[0] for row in page.messages(3)] for page in pages]
    assert seqs[0][:10] == seqs[1][:10] == list(range(1, 11))
    view.close()
    before = delivered(other)
    until(lambda: min(delivered(other)) > max(before) + 3)  # the other one goes on
    other.close()
    until(lambda: not lab.recording("websocket").open_connections)


def test_closing_a_view_twice_or_unseen_does_no_harm(lab):
    view = Lanes(lab)
    view.close()
    view.close()


# ── what a page asks for ──


def test_the_page_impairs_the_links_and_leaves_the_rest_as_it_is(lab, view):
    lab.impair(latency=0.02, slicing=500)
    lab.impair("sse", "up", bandwidth=5000.0)
    page = Reader(view)
    assert page.ask("impair", latency=0.25)["wrong"] is False
    for name in lab.transports:
        for way in ("up", "down"):
            assert lab.link(name).impairment(way).latency == 0.25
    assert lab.link("sse").impairment("up").bandwidth == 5000.0
    assert lab.link("sse").impairment("up").slicing is None
    assert lab.link("websocket").impairment("up").slicing == 500
    page.ask("impair", jitter=0.05, bandwidth=20_000)
    assert lab.link("polling").impairment("down").describe() == (
        "250 ± 50 ms, 20 kB/s, slices of 500 B"
    )
    page.ask("impair", bandwidth=None)
    assert lab.link("polling").impairment("down").bandwidth is None


def test_what_a_cell_impairs_is_shown(lab, view):
    page = Reader(view)
    lab.impair(latency=0.123, bandwidth=77_000)
    until(lambda: page.latest["link"]["text"] == "123 ms, 77 kB/s each way")
    assert page.latest["link"]["latency"] == 0.123
    assert page.latest["link"]["bandwidth"] == 77_000
    lab.impair(profile="broadband")
    until(lambda: page.latest["link"]["text"].startswith("14 ± 2 ms, 125 kB/s up, 14 ± 2 ms, 625"))
    lab.impair("sse", latency=1.0)
    until(lambda: "sse: 1000 ms each way; websocket: 14" in page.latest["link"]["text"])
    assert page.latest["link"]["behind"] == 1300


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"kind": "impair", "latency": 0.6}, "latency must be"),
        ({"kind": "impair", "latency": -1}, "latency must be"),
        ({"kind": "impair", "latency": None}, "latency must be"),
        ({"kind": "impair", "latency": "<b>"}, "latency must be"),
        ({"kind": "impair", "bandwidth": 1}, "bandwidth must be"),
        ({"kind": "impair", "stalled": True}, "no control 'stalled'"),
        ({"kind": "set", "rate": 1001}, "rate must be"),
        ({"kind": "set", "rate": None}, "rate must be"),
        ({"kind": "set", "payload_size": 1.5}, "payload_size must be"),
        ({"kind": "set", "payload_size": 31}, "payload_size must be"),
        ({"kind": "set", "period": 0}, "period must be"),
        ({"kind": "set", "rate": 1000, "payload_size": 10_000}, "smaller payload"),
        ({"kind": "set", "colour": 1}, "no setting 'colour'"),
        ({"kind": "cut", "transport": "sce"}, "Did you mean 'sse'"),
        ({"kind": "cut", "how": 1}, "unexpected"),
        ({"kind": "explode"}, "no wish 'explode'"),
        ({}, "no wish"),
    ],
)
def test_what_cannot_be_is_said_and_changes_nothing(lab, view, wish, words):
    page = Reader(view)
    before = page.latest["settings"]
    said = page.ask(**wish)
    assert said["wrong"] is True
    assert words in said["text"]
    assert page.latest["settings"] == before
    assert lab.link("sse").impairment("down").describe() == "nothing added"


def test_a_slider_takes_back_what_was_wrong_and_leaves_other_words(lab, view):
    page = Reader(view)
    assert page.ask("cut", transport="sce")["wrong"] is True
    assert page.ask("set", rate=5) == {"text": "", "wrong": False}
    said = page.ask("count")
    assert said["text"] == "counted from now on"
    assert page.ask("set", rate=6) == said


def test_settings_are_changed_by_page_and_cell_alike(lab, view):
    page = Reader(view)
    page.ask("set", rate=50, payload_size=300)
    view.set(period=0.2)
    other = Lanes(lab, period=0.3)
    until(lambda: page.latest["settings"] == {"rate": 50, "payload_size": 300, "period": 0.3})
    last = lab.feed.last
    until(lambda: lab.feed.last > last)
    assert len(json.dumps(lab.feed.since(lab.feed.last - 1)[0].data, separators=(",", ":"))) == 300
    other.close()


def test_two_changes_at_once_do_not_undo_each_other(view):
    for number in range(1, 50):
        view.set(rate=number)
        view.set(period=number / 10)
        assert view._traffic.settings == traffic_module.Settings(number, 100, number / 10)


def test_a_new_period_loses_and_repeats_nothing(lab, view):
    lab.impair(latency=0.05)  # most of the time a question is under way
    page = Reader(view)
    for period in (0.05, 0.2, 0.02, 0.1):
        count = delivered(view)[0]
        page.ask("set", period=period)
        until(lambda count=count: delivered(view)[0] > count + 3)
    polling = view.counts()[0]
    assert polling.lost == polling.duplicated == 0
    assert [row[0] for row in page.messages(0)] == list(range(1, len(page.messages(0)) + 1))
    assert not [news for news in page.told if news["lanes"][0][1].startswith("closed")]


def test_a_rate_of_nothing_stops_and_another_one_starts(lab, view):
    page = Reader(view)
    until(lambda: lab.feed.last > 2)
    page.ask("set", rate=0)
    last = lab.feed.last
    time.sleep(0.3)
    assert lab.feed.last == last
    page.ask("set", rate=100)
    until(lambda: lab.feed.last > last + 10)


def test_a_cut_loses_nothing_and_is_shown(lab, view):
    lab.impair(latency=0.1)
    page = Reader(view)
    page.ask("set", rate=100)
    until(lambda: min(delivered(view)) > 20)
    said = page.ask("cut", transport="websocket")
    assert said == {"text": "websocket: cut 1 connection", "wrong": False}
    until(lambda: Kind.CUT in [row[0] for row in page.crossings(3)])
    assert Kind.LOST_DOWN in [row[0] for row in page.crossings(3)]
    assert Kind.CUT not in [row[0] for row in page.crossings(2)]
    assert "all lanes: cut" in page.ask("cut")["text"]
    before = delivered(view)
    until(lambda: min(n - b for n, b in zip(delivered(view), before, strict=True)) > 100)
    assert all(count.lost == count.duplicated == 0 for count in view.counts())
    assert view.counts()[3].requests >= 2


def test_what_the_feed_no_longer_holds_is_counted_as_lost():
    with rtlab.Lab("sse", capacity=10) as lab:
        view = Lanes(lab, rate=0)
        Reader(view)
        until(lambda: view.counts()[0].client == "open")
        lab.cut("sse", 1.0)
        until(lambda: view.counts()[0].client.startswith("reconnecting in "))
        for number in range(100):
            lab.publish(number)
        until(lambda: view.counts()[0].delivered)
        (count,) = view.counts()
        assert (count.delivered, count.lost, count.duplicated) == (10, 90, 0)


def test_counting_begins_anew(lab, view):
    page = Reader(view)
    until(lambda: min(delivered(view)) > 20)
    assert page.ask("count")["text"] == "counted from now on"
    assert max(delivered(view)) < 20
    for count, row in zip(view.counts(), lab.rows(), strict=True):
        assert count.bytes_down < row.bytes_down - 20 * 100


# ── the end ──


def test_a_lab_that_stops_leaves_nothing_behind_and_the_page_is_told(lab):
    lab.impair(latency=0.3)
    view = Lanes(lab, rate=500)
    page = Reader(view)
    until(lambda: min(delivered(view)) > 20)
    begin = time.monotonic()
    lab.stop()
    assert time.monotonic() - begin < 5  # the shortest timeout of a client is longer
    assert view.alive is False
    assert not view._traffic._tasks and not view._traffic._ending
    assert page.rows
    with pytest.raises(NotRunning):
        view.set(rate=1)
    with pytest.raises(NotRunning):
        Lanes(lab)


def test_a_lab_that_is_started_anew_has_a_stream_of_its_own(lab):
    first = Lanes(lab, rate=50)
    Reader(first)
    until(lambda: min(delivered(first)) > 5)
    lab.stop()
    lab.start()
    second = Lanes(lab)
    assert second._traffic is not first._traffic
    Reader(second)
    until(lambda: min(delivered(second)) >= 1)


def test_a_setting_that_cannot_be_used_is_refused_at_once(lab):
    goodbyes = len(lab._goodbyes)
    with pytest.raises(UsageError, match="at most 1000 messages per second"):
        Lanes(lab, rate=5000)
    assert len(lab._goodbyes) == goodbyes  # nothing half made is left
    view = Lanes(lab)
    with pytest.raises(UsageError, match="Did you mean 'payload_size'"):
        view.set(payload=5)
    view.close()


# ── without a kernel ──


def test_it_reads_without_any_script(lab, view):
    Reader(view)
    until(lambda: min(delivered(view)) > 3)
    text, html = view.as_text(), view.as_html()
    for transport in rtlab.TRANSPORTS:
        assert transport in text and transport in html
    assert "median_ms" in text
    assert "20 messages a second of 100 bytes" in text
    assert "link: nothing added" in text
    assert "<script" not in html and html.count("<tr>") == 5
    lab.stop()
    assert "the lab is stopped" in view.as_text()
    bundle, _ = view._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert "polling" in bundle["text/html"]


def test_before_anything_it_says_so(lab):
    view = Lanes(lab)
    assert "not started" in view.as_text()
    view.close()
