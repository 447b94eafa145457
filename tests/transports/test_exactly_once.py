"""What all transports promise: every message once and in order, whatever the wire does."""

import asyncio
import os
import random
import socket
import threading
from collections.abc import Iterator
from contextlib import aclosing, suppress
from pathlib import Path

import pytest

import rtlab
from rtlab.arguments import KNOWN, OVER_HTTP2
from rtlab.transports.delivery import Report

from .helpers import dial, port_of, read_head, request

OPTIONS = {"polling": {"period": 0.003}, "long_polling": {"hold": 0.5}}
EACH = pytest.mark.parametrize(
    ("transport", "over"),
    [
        *(pytest.param(transport, {}, id=transport) for transport in rtlab.TRANSPORTS),
        *(pytest.param("http2", {"over": over}, id=f"http2-{over}") for over in OVER_HTTP2),
    ],
)


@pytest.fixture
def lab() -> Iterator[rtlab.Lab]:
    """All four transports and HTTP/2, running."""
    with rtlab.Lab(KNOWN) as lab:
        yield lab


async def collect(
    lab: rtlab.Lab, transport: str, cursor: int | None, last: int, **options: object
) -> list[rtlab.Message]:
    """Return what a subscription yields, up to and with message ``last``."""
    options = {**OPTIONS.get(transport, {}), **options}
    url = lab.url(transport)
    seen = []
    async with aclosing(rtlab.subscribe(url, transport, cursor, **options)) as deliveries:
        async for delivery in deliveries:
            assert delivery.received_ns >= delivery.message.published_ns
            seen.append(delivery.message)
            if delivery.message.seq >= last:
                break
    return seen


@pytest.mark.parametrize("seed", [1, 2, 3])
@EACH
async def test_nothing_is_lost_or_doubled_when_the_link_is_cut_at_random(
    transport, over, seed, quick
):
    chance = random.Random(seed)
    last, broken = 160, 0
    with rtlab.Lab(transport) as lab:
        sent = [lab.publish({"n": n, "pad": "é" * chance.randrange(400)}) for n in range(20)]
        lab.impair(slicing=50)  # cuts then fall into the middle of messages
        async with asyncio.TaskGroup() as group:
            clients = [
                group.create_task(collect(lab, transport, cursor, last, backoff=quick(), **over))
                for cursor in (None, 0, 7, 20)
            ]
            while len(sent) < last:
                sent += [lab.publish({"n": len(sent)}) for _ in range(chance.randrange(1, 5))]
                if chance.random() < 0.12:
                    broken += chance.choice([lab.cut, lab.reset])(transport)
                await asyncio.sleep(chance.random() * 0.01)
            last = len(sent)
        for client, cursor in zip(clients, (0, 0, 7, 20), strict=True):
            got = client.result()
            assert got == sent[cursor : len(got) + cursor]
            assert len(got) >= 160 - cursor
    assert broken >= 4


@EACH
async def test_clients_that_join_while_a_thread_publishes_miss_nothing(lab, transport, over, quick):
    total = 1500

    def publish() -> None:
        for number in range(total):
            lab.publish(number)

    thread = threading.Thread(target=publish)
    thread.start()
    async with asyncio.TaskGroup() as group:
        clients = []
        for _ in range(8):
            clients.append(
                group.create_task(collect(lab, transport, None, total, backoff=quick(), **over))
            )
            await asyncio.sleep(0.002)
    thread.join()
    for client in clients:
        assert [message.data for message in client.result()] == list(range(total))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks into /proc")
@pytest.mark.parametrize("direct", [True, False], ids=["server", "link"])
@pytest.mark.parametrize("transport", rtlab.TRANSPORTS)
def test_small_answers_leave_at_once(lab, transport, direct):
    """Without TCP_NODELAY they would wait some 40 ms for a delayed acknowledgement."""
    with dial(port_of(lab.url(transport, direct=direct))) as client:
        client.sendall(request(transport, query="?timeout=0"))
        assert read_head(client)
        with other_end(client) as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def other_end(client: socket.socket) -> socket.socket:
    """Return the accepted socket of this process that belongs to a client's."""
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            descriptor = os.dup(int(name))
            try:
                sock = socket.socket(fileno=descriptor)
            except OSError:  # something else than a socket
                os.close(descriptor)
                continue
            with suppress(OSError):
                if sock.getpeername() == client.getsockname():
                    return sock
            sock.close()
    raise AssertionError("nobody has accepted this connection")


@EACH
async def test_a_gap_is_reported_and_the_client_goes_on_from_the_oldest_message(
    transport, over, quick
):
    reports: list[Report] = []
    with rtlab.Lab(transport, capacity=3) as lab:
        for number in range(1, 11):
            lab.publish(number)
        got = await collect(lab, transport, 2, 10, listener=reports.append, backoff=quick(), **over)
    assert [message.seq for message in got] == [8, 9, 10]
    (lost,) = [report for report in reports if report.state == "lost"]
    assert "3 to 7" in lost.detail


@EACH
async def test_a_client_from_before_a_restart_begins_anew(transport, over, quick):
    reports: list[Report] = []
    with rtlab.Lab(transport) as lab:
        lab.publish("after the restart")
        got = await collect(
            lab, transport, 500, 1, listener=reports.append, backoff=quick(), **over
        )
    assert [message.data for message in got] == ["after the restart"]
    assert "lost" in [report.state for report in reports]


@EACH
async def test_a_client_waits_for_a_server_that_is_not_there_and_finds_it_again(
    transport, over, quick
):
    reports: list[Report] = []
    with rtlab.Lab(transport) as lab:
        lab.publish(1)
        url = lab.url(transport)
        port = lab.link(transport).port
        lab.cut(transport, seconds=0.2)
        task = asyncio.create_task(
            collect(lab, transport, None, 1, listener=reports.append, backoff=quick(), **over)
        )
        assert [message.data for message in await task] == [1]
        assert lab.url(transport) == url
        assert lab.link(transport).port == port
    states = [report.state for report in reports]
    assert "reconnecting" in states
    assert states.index("reconnecting") < states.index("open")
    assert all(report.delay for report in reports if report.state == "reconnecting")


@EACH
async def test_what_a_client_sends_reaches_the_feed_and_comes_back_with_its_number(
    lab, transport, over
):
    lab.publish("first")
    value = {"text": "ü\u2028\x00", "n": [1, 2.5, None, True]}
    assert await rtlab.send(lab.url(transport), transport, value, **over) == 2
    assert lab.feed.since(1)[0].data == value


@EACH
async def test_sending_to_nobody_says_that_the_lab_may_not_run(transport, over):
    with rtlab.Lab(transport) as lab:
        url = lab.url(transport)
    with pytest.raises(rtlab.RtlabError, match="Is its lab running"):
        await rtlab.send(url, transport, 1, **over)


@EACH
def test_a_url_of_another_kind_is_turned_down_at_once(transport, over):
    wrong = "http://127.0.0.1:1/" if transport == "websocket" else "ws://127.0.0.1:1/"
    with pytest.raises(rtlab.UsageError, match="begins with"):
        rtlab.subscribe(wrong, transport, **over)


@EACH
async def test_the_largest_message_arrives_and_a_larger_one_is_turned_down(
    lab, transport, over, quick
):
    largest = "x" * ((1 << 20) - 2)
    lab.publish(largest)
    got = await collect(lab, transport, None, 1, backoff=quick(), **over)
    assert got[0].data == largest
    with pytest.raises(rtlab.UsageError, match="1,048,576"):
        lab.publish(largest + "x")
