"""The price ticker, seen from Python: who publishes prices, and what a page is told."""

from __future__ import annotations

import asyncio

import pytest

import rtlab
from rtlab.errors import UsageError
from rtlab.widgets import Ticker
from rtlab.widgets.ticker import HISTORY

from .pages import Page


def prices(lab):
    return [message.data["price"] for message in lab.feed.since(None)]


def test_prices_are_published_while_somebody_looks(lab):
    view = Ticker(lab, rate=50, seed=1)
    page = Page(view)
    assert lab.feed.last == 0  # nobody looks yet
    page.open()
    page.until(lambda: lab.feed.last >= 5)
    message = lab.feed.since(None)[0].data
    assert set(message) == {"price", "timestamp"}
    assert isinstance(message["timestamp"], int) and message["timestamp"] > 1_700_000_000_000
    page.say("gone")
    page.until(lambda: view._publishing is None)
    before = lab.feed.last
    lab.thread.call(asyncio.sleep(0.1))
    assert lab.feed.last == before


def test_they_are_the_same_with_the_same_seed():
    walks = []
    for _ in "ab":
        with rtlab.Lab("sse") as lab:
            page = Page(Ticker(lab, rate=50, seed=7))
            page.open()
            page.until(lambda lab=lab: lab.feed.last >= 4)
            walks.append(prices(lab)[:4])
    assert walks[0] == walks[1]
    assert len(set(walks[0])) > 1


def test_a_second_ticker_goes_on_from_the_price_that_is_there(lab):
    lab.publish({"price": 5_000})
    lab.publish({"price": "dear"})
    page = Page(Ticker(lab, rate=50))
    page.open()
    page.until(lambda: lab.feed.last >= 4)
    assert 4_900 < lab.feed.since(2)[0].data["price"] < 5_100


def test_the_reader_may_be_the_only_one_who_publishes(lab):
    view = Ticker(lab, rate=0)
    page = Page(view)
    page.open()
    lab.publish({"price": 3})
    page.until(lambda: page.of("news") and page.of("news")[-1]["last"] == 1)
    assert view._publishing is None


def test_a_page_chooses_another_rate(lab):
    view = Ticker(lab, rate=0)
    page = Page(view)
    page.open()
    page.say("rate", rate=50)
    page.until(lambda: lab.feed.last >= 2)
    page.say("rate", rate=0)
    page.until(lambda: view._publishing is None)
    assert view.rate == 0
    page.say("rate", rate=1e9)
    page.until(lambda: view.rate == 50)  # no more than a page can draw
    for nonsense in (-1, "fast", None):
        page.say("rate", rate=nonsense)
    page.say("rate")
    page.say("rate", rate=20)
    page.until(lambda: view.rate == 20)


@pytest.mark.parametrize("rate", [-1, "fast", float("nan")])
def test_a_rate_that_is_none_is_refused(lab, rate):
    with pytest.raises(UsageError, match="rate"):
        Ticker(lab, rate)


def test_a_lab_without_event_streams_is_refused():
    with rtlab.Lab("polling") as lab, pytest.raises(UsageError, match="Known: polling"):
        Ticker(lab)


def test_a_page_begins_with_the_newest_messages(lab):
    for number in range(HISTORY + 30):
        lab.publish({"price": number})
    content = Page(Ticker(lab, rate=0)).open()
    assert content["start"] == 30
    assert content["servers"]["sse"]["report"]["cursor"] == 30
    assert content["servers"]["sse"]["report"]["wanted"] is True
    assert content["history"] == []


def test_a_page_that_is_loaded_again_gets_what_the_last_one_had_seen(lab):
    view = Ticker(lab, rate=0)
    page = Page(view)
    page.open()
    for number in range(4):
        lab.publish({"price": number})
    lab.publish("no price")
    page.say("report", clients={"sse": {"cursor": 3, "received": 3}})
    history = page.open()["history"]
    assert [message["seq"] for message in history] == [1, 2, 3]
    assert history[0]["data"] == {"price": 0}
    assert history[0]["published_ns"] == lab.feed.since(None)[0].published_ns


def test_without_a_script_there_are_a_line_and_a_table(lab):
    view = Ticker(lab, rate=0)
    assert "no price yet" in view.as_text()
    assert "<svg" in view.as_html()
    for price in (101.5, "<b>", None, True, 10**400, 102.25):
        lab.publish({"price": price})
    text = view.as_text()
    assert "102.25" in text and "101.50" in text
    html = view.as_html()
    assert "<polyline" in html and "102.25" in html
    assert "<b>" not in html


def test_nothing_of_it_is_left_when_the_lab_stops(lab):
    view = Ticker(lab, rate=50)
    page = Page(view)
    page.open()
    page.until(lambda: lab.feed.last >= 2)
    task = view._publishing
    lab.stop()
    page.until(lambda: not view.alive)
    assert task.done()
    assert view._publishing is None
    assert len(page.open()["history"]) <= HISTORY


def test_nothing_of_it_is_left_when_it_is_closed(lab):
    view = Ticker(lab, rate=50)
    page = Page(view)
    page.open()
    page.until(lambda: lab.feed.last >= 2)
    task = view._publishing
    view.close()
    page.until(task.done)
    assert lab.running
