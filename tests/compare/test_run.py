from __future__ import annotations

import sys
import threading
from pathlib import Path
from xml.etree import ElementTree

import pytest

import rtlab
from rtlab.compare.comparison import Comparison, quantile
from rtlab.errors import RtlabError, UsageError
from rtlab.render.turns import turns


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    return rtlab.compare_sync(
        30, 0.05, latency=0.03, period=0.5, clients=2, payload_size=80, progress=False
    )


def test_everything_arrives_once_and_in_order(comparison: Comparison) -> None:
    assert comparison.valid
    assert set(comparison.results) == set(rtlab.TRANSPORTS)
    for result in comparison.results.values():
        assert result.delivered == 60


def test_no_message_is_faster_than_the_link(comparison: Comparison) -> None:
    for result in comparison.results.values():
        assert min(result.latencies) >= 0.03
        assert min(result.link_latencies) >= 0.03


def test_the_client_sees_a_message_after_the_link_gave_it_on(comparison: Comparison) -> None:
    for result in comparison.results.values():
        assert len(result.arrivals) == result.delivered
        assert quantile(result.link_latencies, 0.5) <= quantile(result.latencies, 0.5)


def test_the_transports_come_in_the_order_that_the_course_explains(comparison: Comparison) -> None:
    median = {name: quantile(r.latencies, 0.5) for name, r in comparison.results.items()}
    assert max(median["sse"], median["websocket"]) < median["long_polling"] < median["polling"]


def test_polling_is_late_by_about_half_a_period(comparison: Comparison) -> None:
    # A question takes 30 ms up, its answer 30 ms down, the next one comes half a second later.
    cycle = 0.5 + 2 * 0.03
    latencies = comparison["polling"].latencies
    mean = sum(latencies) / len(latencies)
    assert mean - 0.03 == pytest.approx(cycle / 2, rel=0.5)


def test_bytes_and_requests_are_those_of_the_recording(comparison: Comparison) -> None:
    for name, result in comparison.results.items():
        requests = sum(
            segment.data.startswith(b"GET ") for segment in result.recording if segment.data
        )
        assert result.requests == requests, name
        assert result.connections == 2
        assert result.bytes_up + result.bytes_down > result.delivered * 80
        assert 0 < result.overhead < 1


def test_streams_need_fewer_requests_than_questions(comparison: Comparison) -> None:
    requests = {name: result.requests for name, result in comparison.results.items()}
    assert requests["sse"] == requests["websocket"] == 2
    assert requests["polling"] < requests["long_polling"]


def test_processor_time_is_counted(comparison: Comparison) -> None:
    for result in comparison.results.values():
        assert result.cpu_client > 0
        assert result.cpu_server > 0


def test_it_can_be_looked_at(comparison: Comparison, tmp_path: Path) -> None:
    for name in rtlab.TRANSPORTS:
        assert name in repr(comparison)
        assert name in comparison._repr_html_()
    comparison.figure().save(tmp_path / "figure.svg")
    assert "payload" in (tmp_path / "figure.svg").read_text(encoding="utf-8")
    ElementTree.fromstring(comparison.ladder("sse", "websocket").svg)


def test_no_thread_is_left(comparison: Comparison) -> None:
    assert [t.name for t in threading.enumerate() if t.name.startswith("rtlab")] == []


async def test_it_is_awaited_where_a_loop_runs() -> None:
    with pytest.raises(UsageError, match=r"await rtlab\.compare"):
        rtlab.compare_sync(1)
    found = await rtlab.compare(3, 0.01, transports="sse", progress=False)
    assert found.valid


def test_compression_hides_messages_from_the_link_and_nothing_else() -> None:
    found = rtlab.compare_sync(
        10, 0.01, transports=["websocket"], deflate=True, payload_size=2000, progress=False
    )
    assert found.valid
    assert found["websocket"].arrivals == ()
    assert found["websocket"].bytes_down < 10 * 2000


def test_a_link_that_lets_nobody_through_is_an_error_and_leaves_nothing(monkeypatch) -> None:
    monkeypatch.setattr(sys.modules["rtlab.compare.run"], "OPEN_LIMIT", 0.3)
    with pytest.raises(RtlabError, match="clients of sse were connected"):
        rtlab.compare_sync(1, 0.01, transports="sse", stalled=True, period=0.1, progress=False)
    assert [t.name for t in threading.enumerate() if t.name.startswith("rtlab")] == []


def test_what_a_narrow_link_loses_is_reported_not_hidden() -> None:
    # The connection is cut after 4 kB, again and again: the cursor makes up for it.
    found = rtlab.compare_sync(
        20, 0.01, transports=["sse", "websocket"], cut_after=4000, progress=False
    )
    for result in found.results.values():
        assert result.lost == 0
        assert result.connections >= 1
    assert found["sse"].connections + found["websocket"].connections > 2 or found.valid


@pytest.mark.parametrize("over", ["sse", "websocket"])
def test_clients_of_http2_share_one_connection(over: str) -> None:
    comparison = rtlab.compare_sync(
        20, 0.02, transports=[over, "http2"], over=over, clients=8, progress=False
    )
    assert comparison.valid
    assert f"over HTTP/2 {over}" in repr(comparison)
    one, many = comparison["http2"], comparison[over]
    assert (one.connections, many.connections) == (1, 8)
    assert one.requests == many.requests == 8
    assert len(one.arrivals) == one.delivered == 160
    # Fields that were there before are an index in a table (HPACK): one byte each.
    assert one.opening_up < many.opening_up / 2
    # And a frame's header costs 9 bytes where a chunk's costs 6, and TCP none.
    sizes = [
        {turn.carried[0]: turn.size for turn in turns(result.recording) if turn.carried}
        for result in (one, many)
    ]
    framing = 3 if over == "sse" else 9
    assert sizes[0] == {seq: size + framing for seq, size in sizes[1].items()}
    assert len(sizes[0]) == 20
