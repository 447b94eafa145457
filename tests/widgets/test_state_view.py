"""State views without a browser: what the page is told of real clients."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

import rtlab
from rtlab.errors import UnexpectedMove, UsageError
from rtlab.transports.delivery import Report
from rtlab.widgets import StateView
from rtlab.widgets.state_view import LOG

GUARD = 20.0


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + GUARD
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def told(view: StateView, place: int = 0) -> dict[str, Any]:
    return view.clients[place]


async def test_a_real_client_is_followed_through_a_cut(lab: rtlab.Lab) -> None:
    view = StateView("sse")
    states: list[str | None] = []
    view.observe(lambda change: states.append(change.new[0]["state"]), ["clients"])
    async with asyncio.TaskGroup() as tasks:
        backoff = rtlab.Backoff(base=3.0)  # long enough for the page to be told of it
        stream = rtlab.receive(
            lab.url("sse"), "sse", 2, lab.feed.last, listener=view.listener, backoff=backoff
        )
        tasks.create_task(stream)
        await asyncio.to_thread(until, lambda: told(view)["state"] == "open")
        lab.publish(1)
        lab.cut()
        await asyncio.to_thread(until, lambda: told(view)["state"] == "reconnecting")
        lab.publish(2)
    await asyncio.to_thread(until, lambda: told(view)["state"] == "closed")
    assert [state for state in states if state in ("reconnecting", "closed")] == [
        "reconnecting",
        "closed",
    ]
    words = [line for _, line in told(view)["log"]]
    assert words[0].startswith("connecting (http://127.0.0.1")
    assert any(line.startswith("reconnecting in ") for line in words)
    machine = view.machines["sse"]
    taken = {machine["moves"][row]: count for row, count in told(view)["taken"]}
    assert taken["subscribe()"] == 1
    assert taken["the stream ends or breaks"] == 1
    assert taken["200, text/event-stream"] == 2
    assert machine["moves"][told(view)["last"]] == "refused, or you leave"
    assert told(view)["strange"] == ""


@pytest.mark.parametrize("name", rtlab.TRANSPORTS)
async def test_every_transport_is_followed_without_a_surprise(lab: rtlab.Lab, name: str) -> None:
    view = StateView(*rtlab.TRANSPORTS)
    lab.publish("a")
    await rtlab.receive(lab.url(name), name, 1, listener=view[name])
    place = rtlab.TRANSPORTS.index(name)
    await asyncio.to_thread(until, lambda: told(view, place)["state"] == "closed")
    assert told(view, place)["strange"] == ""
    assert all(told(view, n)["state"] is None for n in range(4) if n != place)


def test_a_delay_is_told_with_what_a_countdown_needs() -> None:
    view = StateView("sse")
    view.listener(Report("connecting", "x"))
    view.listener(Report("reconnecting", "why", 2.0, time.perf_counter_ns() - 500_000_000))
    until(lambda: told(view)["state"] == "reconnecting")
    client = told(view)
    assert client["delay"] == 2000
    assert client["detail"] == "why"
    left = client["at"] + client["delay"] - client["sent"]
    assert left <= 1500
    assert abs(client["sent"] / 1000 - time.time()) < 3600
    view.listener(Report("connecting", "y"))
    until(lambda: told(view)["delay"] is None)


def test_many_reports_are_few_messages_and_the_last_one_counts() -> None:
    view = StateView("long_polling")
    messages: list[int] = []
    view.observe(lambda change: messages.append(change.new[0]["count"]), ["clients"])
    begin = time.monotonic()
    view.listener(Report("connecting"))
    for _ in range(1000):
        view.listener(Report("waiting"))
        view.listener(Report("open"))
    took = time.monotonic() - begin
    until(lambda: messages and messages[-1] == 2001)
    assert len(messages) <= 3 + took / 0.1
    assert len(told(view)["log"]) == LOG


def test_reports_come_from_any_thread_and_from_loops_that_end() -> None:
    view = StateView("sse", "sse", "sse")

    def client(name: str) -> None:
        async def run() -> None:
            for _ in range(200):
                view[name](Report("connecting"))
                view[name](Report("open"))
                view[name](Report("reconnecting", "", 0.1))
            view[name](Report("closed", "at the very end"))

        asyncio.run(run())

    threads = [threading.Thread(target=client, args=(name,)) for name in ("sse", "sse 2", "sse 3")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until(lambda: [client["state"] for client in view.clients] == ["closed"] * 3)
    assert [client["count"] for client in view.clients] == [601] * 3
    until(lambda: not [t for t in threading.enumerate() if isinstance(t, threading.Timer)])


def test_what_the_table_does_not_have_is_said() -> None:
    view = StateView("sse")
    view.listener(Report("open"))
    until(lambda: told(view)["count"] == 1)
    assert told(view)["state"] == "open"
    assert told(view)["last"] is None
    assert "open" in told(view)["strange"]


def test_moves_that_no_report_has_are_seen_by_hand() -> None:
    view = StateView("sse")
    view.listener(Report("connecting"))
    view.listener(Report("open"))
    assert view.listener.see("delivery").event == "a message"
    until(lambda: told(view)["count"] == 3)
    with pytest.raises(UnexpectedMove):
        view["sse"].see("nothing like it")


def test_a_token_is_blotted_out() -> None:
    view = StateView("sse")
    view.listener(Report("connecting", "http://127.0.0.1:1/events?token=hunter2"))
    until(lambda: told(view)["count"] == 1)
    assert "hunter2" not in repr(view.clients) + view.as_text() + view.as_html()


def test_it_is_a_diagram_and_a_log_where_no_script_runs() -> None:
    view = StateView("sse", "polling")
    assert "No client has reported yet" in view.as_html()
    view["sse"](Report("connecting", "</td><script>alert(1)</script>"))
    html, text = view.as_html(), view.as_text()
    assert html.count("<svg") == 2
    assert "<script" not in html
    assert "▶ connecting" in text
    assert "connecting (</td>" in text
    bundle = view._repr_mimebundle_()
    assert bundle is not None
    assert bundle[0]["text/plain"] == text


def test_what_cannot_be_shown_is_refused_with_the_way_out() -> None:
    with pytest.raises(UsageError, match="Did you mean 'sse'"):
        StateView("see")
    with pytest.raises(UsageError, match="Whose states"):
        StateView()
    view = StateView("sse", "websocket")
    with pytest.raises(UsageError, match=r"view\['sse'\], view\['websocket'\]"):
        _ = view.listener
    with pytest.raises(UsageError, match="websocket"):
        _ = view["web"]


def test_a_view_that_is_closed_does_not_disturb_its_client() -> None:
    view = StateView("sse")
    listener = view.listener
    view.close()
    listener(Report("connecting"))
    until(lambda: view._timer is None)


def test_the_browsers_machines_are_shown_as_well() -> None:
    view = StateView("EventSource")
    view.listener.see("new EventSource(url)")
    view.listener.see("open")
    view.listener.see("error", "CONNECTING")
    until(lambda: told(view)["state"] == "CONNECTING")
