import asyncio
from contextlib import aclosing

import pytest

import rtlab
from rtlab.access import Gate
from rtlab.errors import UsageError
from rtlab.feed import Feed
from rtlab.transports import http, long_polling

from .helpers import give_up, until


@pytest.fixture
async def server(feed):
    server = await long_polling.serve(feed, Gate())
    yield server
    feed.close()
    await server.close()


@pytest.fixture
def url(server):
    return http.address(server.port, long_polling.PATH, None)


@pytest.fixture
async def client():
    async with http.connection(read_timeout=30) as client:
        yield client


async def test_what_is_there_already_is_answered_at_once(feed, url, client):
    feed.publish("a")
    feed.publish("b")
    answer = await client.get(url, params={"since": 1})
    assert answer.status_code == 200
    assert [message["data"] for message in answer.json()] == ["b"]
    assert answer.headers["Cache-Control"] == "no-store"


async def test_a_request_is_held_until_something_is_published(feed, url, client):
    held = asyncio.create_task(client.get(url, params={"since": 0}))
    await until(lambda: feed._waiters)
    assert not held.done()
    feed.publish("news")
    answer = await held
    assert [message["data"] for message in answer.json()] == ["news"]


async def test_who_asks_from_now_on_gets_what_comes_next_and_loses_what_came_between(
    feed, url, client
):
    """Which is what cursors are for."""
    feed.publish("before")
    received = []
    for text in ("first", "second"):
        held = asyncio.create_task(client.get(url, params={"since": "now"}))
        await until(lambda: feed._waiters)
        feed.publish(text)
        received += [message["data"] for message in (await held).json()]
        feed.publish("between two questions")
    assert received == ["first", "second"]


async def test_a_message_from_a_thread_ends_the_wait_as_well(feed, url, client):
    held = asyncio.create_task(client.get(url))
    await until(lambda: feed._waiters)
    await asyncio.to_thread(feed.publish, "from a thread")
    assert (await held).json()[0]["data"] == "from a thread"


async def test_the_timeout_is_answered_with_204_and_no_body(url, client):
    answer = await client.get(url, params={"since": 0, "timeout": 0.05})
    assert (answer.status_code, answer.content) == (204, b"")


async def test_a_timeout_of_zero_does_not_wait(feed, url, client):
    assert (await client.get(url, params={"timeout": 0})).status_code == 204
    feed.publish(1)
    assert (await client.get(url, params={"timeout": 0})).status_code == 200


async def test_no_client_is_held_longer_than_the_server_wants(url, client, monkeypatch):
    monkeypatch.setattr(long_polling, "LONGEST", 0.05)
    assert (await client.get(url, params={"timeout": 9000})).status_code == 204


@pytest.mark.parametrize("timeout", ["-1", "nan", "inf", "soon", "1e999"])
async def test_a_timeout_that_is_no_time_is_400(url, client, timeout):
    answer = await client.get(url, params={"timeout": timeout})
    assert answer.status_code == 400
    assert "timeout" in answer.json()["error"]


async def test_a_cursor_that_falls_behind_while_it_waits_for_nothing_is_410(client):
    feed = Feed(capacity=1)
    server = await long_polling.serve(feed, Gate())
    for number in range(3):
        feed.publish(number)
    answer = await client.get(
        http.address(server.port, long_polling.PATH, None), params={"since": 0}
    )
    assert (answer.status_code, answer.json()["lost"]) == (410, [1, 2])
    await server.close()


async def test_nothing_is_lost_or_doubled_between_two_answers(feed, url):
    async def publish() -> None:
        for number in range(300):
            feed.publish(number)
            if number % 3 == 0:
                await asyncio.sleep(0)

    publishing = asyncio.create_task(publish())
    seen = []
    async with aclosing(long_polling.subscribe(url, hold=5)) as deliveries:
        async for delivery in deliveries:
            seen.append(delivery.message.data)
            if len(seen) == 300:
                break
    await publishing
    assert seen == list(range(300))


async def test_a_held_request_is_answered_with_503_when_the_feed_closes(feed, url, client):
    held = asyncio.create_task(client.get(url))
    await until(lambda: feed._waiters)
    feed.close()
    answer = await held
    assert answer.status_code == 503
    assert "stopped" in answer.json()["error"]


async def test_a_held_request_is_answered_with_503_when_the_lab_stops(client):
    with rtlab.Lab("long_polling") as lab:
        held = asyncio.create_task(client.get(lab.url("long_polling")))
        await until(lambda: lab.feed._waiters)
        await asyncio.to_thread(lab.stop)
        assert (await held).status_code == 503


async def test_a_client_that_leaves_leaves_no_one_waiting(feed, url):
    async with http.connection(read_timeout=30) as client:
        held = asyncio.create_task(client.get(url))
        await until(lambda: feed._waiters)
        held.cancel()
        await asyncio.wait([held])
    await until(lambda: not feed._waiters)


async def test_a_client_asks_again_after_a_204_on_the_same_connection(lab):
    reports = []
    url = lab.url("long_polling")
    async with aclosing(long_polling.subscribe(url, hold=0.01, listener=reports.append)) as client:
        waiting = asyncio.ensure_future(anext(client))
        await until(lambda: sum(r.detail == "204 No Content" for r in reports) >= 3)
        lab.publish("at last")
        assert (await waiting).message.data == "at last"
    assert lab.recording("long_polling").accepted == 1


async def test_a_client_does_not_hammer_a_server_that_is_stopping(feed, url, server, quick):
    reports = []
    feed.close()
    async with aclosing(
        long_polling.subscribe(url, backoff=quick(), listener=reports.append)
    ) as client:
        waiting = asyncio.ensure_future(anext(client))
        await until(lambda: sum(report.state == "reconnecting" for report in reports) >= 3)
        await give_up(waiting)
    delays = [report.delay for report in reports if report.state == "reconnecting"]
    assert all(delay > 0 for delay in delays)
    assert server.requests <= len(delays) + 1


@pytest.mark.parametrize("hold", [0, -1, float("inf"), "5"])
async def test_a_hold_that_is_no_time_is_turned_down(hold):
    with pytest.raises(UsageError, match="hold"):
        await anext(long_polling.subscribe("http://127.0.0.1:1/", hold=hold))
