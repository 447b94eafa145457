import asyncio
import gzip
import json
import ssl
from contextlib import aclosing

import httpx
import pytest

from rtlab.access import Gate
from rtlab.errors import Refused, UsageError
from rtlab.feed import MAX_MESSAGE, Feed
from rtlab.transports import http, long_polling, polling, sse

from .helpers import answer, canned, dial, give_up, read_answer, request, until


@pytest.fixture
async def url(feed):
    server = await polling.serve(feed, Gate())
    yield http.address(server.port, polling.PATH, None)
    feed.close()
    await server.close()


@pytest.fixture
async def client():
    async with http.connection(read_timeout=10) as client:
        yield client


# ── server ──


async def test_an_answer_has_the_messages_after_the_cursor(feed, url, client):
    sent = [feed.publish(text) for text in ("a", "b", "c")]
    answer = await client.get(url, params={"since": 1})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.json() == [
        {"seq": message.seq, "published_ns": message.published_ns, "data": message.data}
        for message in sent[1:]
    ]


@pytest.mark.parametrize("query", ["", "?since="])
async def test_without_a_cursor_all_that_is_held_comes(feed, url, client, query):
    feed.publish(1)
    feed.publish(2)
    answer = await client.get(url + query)
    assert [message["seq"] for message in answer.json()] == [1, 2]


async def test_an_unchanged_url_is_answered_with_304_and_no_body(feed, url, client):
    feed.publish(1)
    first = await client.get(url, params={"since": 1})
    assert (first.status_code, first.json()) == (200, [])
    again = await client.get(
        url, params={"since": 1}, headers={"If-None-Match": first.headers["ETag"]}
    )
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]


async def test_news_are_answered_with_200_and_another_entity_tag(feed, url, client):
    first = await client.get(url, params={"since": 0})
    feed.publish("news")
    again = await client.get(
        url, params={"since": 0}, headers={"If-None-Match": first.headers["ETag"]}
    )
    assert again.status_code == 200
    assert [message["data"] for message in again.json()] == ["news"]
    assert again.headers["ETag"] != first.headers["ETag"]


@pytest.mark.parametrize("query", ["", "?since=0", "?since=1"])
async def test_messages_that_the_client_has_already_are_304_as_well(feed, url, client, query):
    """RFC 9110 §13.1.2 makes no difference between an empty list and one that is there already."""
    feed.publish(1)
    feed.publish(2)
    first = await client.get(url + query)
    tag = {"If-None-Match": first.headers["ETag"]}
    again = await client.get(url + query, headers=tag)
    assert (again.status_code, again.content) == (304, b"")
    feed.publish(3)
    news = await client.get(url + query, headers=tag)
    assert news.json() == [*first.json(), *news.json()[-1:]]
    assert news.json()[-1]["seq"] == 3


async def test_the_tag_is_that_of_the_answer_whatever_is_published_meanwhile(client):
    class Busy(Feed):
        def since(self, cursor):
            messages = super().since(cursor)
            if not self.last:
                self.publish("as if another thread had been quicker")
            return messages

    feed = Busy()
    server = await polling.serve(feed, Gate())
    url = http.address(server.port, polling.PATH, None)
    first = await client.get(url, params={"since": 0})
    tag = {"If-None-Match": first.headers["ETag"]}
    again = await client.get(url, params={"since": 0}, headers=tag)
    assert (again.status_code, [message["seq"] for message in again.json()]) == (200, [1])
    await server.close()


async def test_who_asks_from_now_on_gets_nothing_that_was_before(feed, url, client):
    feed.publish(1)
    assert (await client.get(url, params={"since": "now"})).json() == []


async def test_messages_are_never_hidden_behind_a_304(feed, url, client):
    feed.publish(1)
    tag = (await client.get(url, params={"since": 1})).headers["ETag"]
    other_url = await client.get(url, params={"since": 0}, headers={"If-None-Match": tag})
    assert [message["seq"] for message in other_url.json()] == [1]


async def test_a_cursor_that_is_too_old_is_410_with_what_was_lost_and_where_to_resume(client):
    feed = Feed(capacity=2)
    server = await polling.serve(feed, Gate())
    for number in range(1, 8):
        feed.publish(number)
    url = http.address(server.port, polling.PATH, None)
    answer = await client.get(url, params={"since": 3})
    assert answer.status_code == 410
    body = answer.json()
    assert (body["lost"], body["resume"]) == ([4, 5], 5)
    assert "4 to 5" in body["error"]
    resumed = await client.get(url, params={"since": body["resume"]})
    assert [message["seq"] for message in resumed.json()] == [6, 7]
    await server.close()


async def test_a_cursor_ahead_of_the_feed_is_410_with_nothing_lost(feed, url, client):
    feed.publish(1)
    answer = await client.get(url, params={"since": 9})
    assert answer.status_code == 410
    assert (answer.json()["lost"], answer.json()["resume"]) == (None, 0)


@pytest.mark.parametrize("cursor", ["x", "-1", "1.0", "٣", "+1", "1_0", " 1", "9" * 19, "0x1"])
async def test_a_cursor_that_is_no_number_is_400(url, client, cursor):
    answer = await client.get(url, params={"since": cursor})
    assert answer.status_code == 400
    assert "whole number" in answer.json()["error"]


async def test_a_posted_value_becomes_a_message_and_201_says_which(feed, url, client):
    feed.publish("before")
    answer = await client.post(url, content='{"ü": [1, null]}'.encode())
    assert (answer.status_code, answer.json()) == (201, {"seq": 2})
    assert feed.since(1)[0].data == {"ü": [1, None]}


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"nope", b"NaN", b"1e999", b'"\xff"', b'"\\ud800"', b"[" * 100_000, b"1 2"],
    ids=repr,
)
async def test_a_body_that_is_no_json_is_400_and_publishes_nothing(feed, url, client, body):
    answer = await client.post(url, content=body)
    assert answer.status_code == 400
    assert "JSON" in answer.json()["error"]
    assert feed.last == 0


async def test_a_compressed_body_is_415(feed, url, client):
    """A bomb of some bytes that become gigabytes must not be unpacked."""
    for body in (b"42", gzip.compress(b"42")):
        answer = await client.post(url, content=body, headers={"Content-Encoding": "gzip"})
        assert answer.status_code == 415
    assert feed.last == 0


async def test_a_body_over_the_limit_is_413_and_one_of_the_limit_is_taken(feed, url, client):
    largest = json.dumps("x" * (MAX_MESSAGE - 2)).encode()
    assert (await client.post(url, content=largest)).status_code == 201
    answer = await client.post(url, content=largest + b" ")
    assert answer.status_code == 413
    assert "1,048,576" in answer.json()["error"]
    assert feed.last == 1


async def test_a_body_that_does_not_arrive_is_408(feed, url, monkeypatch):
    monkeypatch.setattr(http, "BODY_LIMIT", 0.05)
    half = request("polling", method="POST", headers=["Content-Length: 10"], body=b"[1,")

    def post() -> int | None:
        with dial(httpx.URL(url).port) as sock:
            sock.sendall(half)
            return read_answer(sock)[0]

    assert await asyncio.to_thread(post) == 408
    assert feed.last == 0


async def test_an_unknown_path_is_404_and_the_answer_names_the_one_there_is(url, client):
    answer = await client.get(httpx.URL(url).join("/nothing"))
    assert answer.status_code == 404
    assert "/messages" in answer.json()["error"]


@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH", "HEAD"])
async def test_another_method_is_405_with_allow(url, client, method):
    answer = await client.request(method, url)
    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(",")) >= {"GET", "POST"}


# ── client ──


async def test_polls_share_one_connection_and_say_304_when_nothing_is_new(lab):
    lab.publish("a")
    reports = []
    url = lab.url("polling")
    async with aclosing(polling.subscribe(url, period=0.001, listener=reports.append)) as client:
        assert (await anext(client)).message.data == "a"
        waiting = asyncio.ensure_future(anext(client))
        await until(lambda: sum(r.detail == "304 Not Modified" for r in reports) >= 5)
        lab.publish("b")
        assert (await waiting).message.data == "b"
    assert lab.recording("polling").accepted == 1


async def test_an_entity_tag_is_said_again_for_its_own_url_only(quick):
    news = b'[{"seq": 1, "published_ns": 5, "data": null}]'
    async with canned(
        answer("200 OK", b"[]", ETag='"0"'),
        answer("200 OK", news, ETag='"1"'),
        answer("200 OK", b"[]", ETag='"1"'),
        answer("304 Not Modified", ETag='"1"'),
        answer("403 Forbidden"),
    ) as server:
        client = polling.subscribe(f"http://127.0.0.1:{server.port}/", 0, period=0.0)
        with pytest.raises(Refused):
            async for _ in client:
                pass
    tags = [server.header(number, "If-None-Match") for number in range(5)]
    assert tags == [None, b'"0"', None, b'"1"', b'"1"']
    assert server.requests[2].startswith(b"GET /?since=1 ")


async def test_a_client_reports_what_it_does(lab):
    lab.publish("a")
    lab.publish("b")
    reports = []
    url = lab.url("polling")
    async with aclosing(polling.subscribe(url, 1, period=0.25, listener=reports.append)) as client:
        await anext(client)
        waiting = asyncio.ensure_future(anext(client))
        await until(lambda: reports[-1].state == "waiting")
        await give_up(waiting)
    assert [report.state for report in reports] == ["connecting", "open", "waiting", "closed"]
    assert reports[2].delay == 0.25
    assert [report.at_ns for report in reports] == sorted(report.at_ns for report in reports)


async def test_after_a_410_what_is_held_is_asked_for_at_once_and_without_the_old_tag():
    """The period is for quiet times, and the tag belonged to another URL."""
    gone = b'{"error": "gone", "resume": 6}'
    async with canned(
        answer("200 OK", b"[]", ETag='"9"'),
        answer("410 Gone", gone, ETag='"9"'),
        answer("200 OK", b'[{"seq": 7, "published_ns": 5, "data": null}]'),
    ) as server:
        reports = []
        url = f"http://127.0.0.1:{server.port}/"
        client = polling.subscribe(url, 3, period=0.01, listener=reports.append)
        async with aclosing(client):
            assert (await anext(client)).message.seq == 7
    assert server.requests[2].startswith(b"GET /?since=6 ")
    assert [server.header(number, "If-None-Match") for number in range(3)] == [None, b'"9"', None]
    assert [(report.state, report.delay) for report in reports] == [
        ("connecting", None), ("open", None), ("waiting", 0.01),
        ("open", None), ("lost", None), ("waiting", 0.0), ("open", None), ("closed", None),
    ]  # fmt: skip


@pytest.mark.parametrize("period", [-1, float("nan"), "1", None])
async def test_a_period_that_is_no_time_is_turned_down(period):
    with pytest.raises(UsageError, match="period"):
        await anext(polling.subscribe("http://127.0.0.1:1/", period=period))


async def test_a_server_that_fails_for_a_while_is_asked_again(quick):
    reports = []
    body = b'[{"seq": 1, "published_ns": 5, "data": "at last"}]'
    async with canned(
        answer("503 Service Unavailable"),
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[{",
        answer("429 Too Many Requests"),
        answer("200 OK", body),
    ) as server:
        url = f"http://127.0.0.1:{server.port}/"
        client = polling.subscribe(url, backoff=quick(), listener=reports.append)
        async with aclosing(client):
            assert (await anext(client)).message.data == "at last"
    assert [report.state for report in reports].count("reconnecting") == 4


@pytest.mark.parametrize(
    "wrong",
    [
        answer("403 Forbidden", b'{"error": "because"}'),
        answer("404 Not Found"),
        answer("200 OK", b"<html>"),
        answer("200 OK", b"42"),
        answer("200 OK", b'{"seq": 1}'),
        answer("200 OK", b"{}"),
        answer("200 OK", b'""'),
        answer("200 OK", b'[{"seq": "x"}]'),
        answer("410 Gone", b"gone"),
        answer("204 No Content"),
    ],
    ids=lambda wrong: wrong[9:40].decode().split("\r")[0],
)
async def test_an_answer_that_will_not_change_ends_the_subscription(wrong, quick):
    async with canned(wrong) as server:
        with pytest.raises(Refused) as refused:
            await anext(polling.subscribe(f"http://127.0.0.1:{server.port}/", backoff=quick()))
    assert refused.value.code == int(wrong[9:12])
    assert len(server.requests) == 1


async def test_an_answer_that_cannot_be_decompressed_is_asked_for_again(quick):
    broken = answer("200 OK", b"no gzip at all", Content_Encoding="gzip")
    message = b'[{"seq": 1, "published_ns": 1, "data": "x"}]'
    async with canned(broken, answer("200 OK", message)) as server:
        url = f"http://127.0.0.1:{server.port}/"
        async with aclosing(polling.subscribe(url, period=0.01, backoff=quick())) as stream:
            assert (await anext(stream)).message.seq == 1


async def test_the_reason_that_a_server_gives_is_passed_on(quick):
    async with canned(answer("403 Forbidden", b'{"error": "no entry on Mondays"}')) as server:
        with pytest.raises(Refused, match="no entry on Mondays"):
            await anext(polling.subscribe(f"http://127.0.0.1:{server.port}/"))


async def test_a_proxy_that_the_environment_names_is_left_alone(lab, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    lab.publish(1)
    async with aclosing(polling.subscribe(lab.url("polling"))) as client:
        assert (await anext(client)).message.data == 1


async def test_clients_share_the_certificates_that_take_long_to_load(monkeypatch):
    make, made = ssl.create_default_context, []
    monkeypatch.setattr(ssl, "create_default_context", lambda **how: made.append(1) or make(**how))
    http._tls.cache_clear()
    for _ in range(3):
        async with http.connection(read_timeout=1):
            pass
    assert len(made) == 1


@pytest.mark.parametrize("tags", ['"1-9", "1-1"', 'W/"1-1"'])
async def test_the_right_entity_tag_may_be_weak_or_one_of_several(feed, url, client, tags):
    feed.publish("x")
    answer = await client.get(url, params={"since": 1}, headers={"If-None-Match": tags})
    assert answer.status_code == 304


@pytest.mark.parametrize("client", [polling, long_polling])
async def test_a_stream_that_never_ends_is_refused_and_not_read(client):
    feed = Feed()
    server = await sse.serve(feed, Gate())
    url = http.address(server.port, sse.PATH, None)
    async with aclosing(client.subscribe(url)) as stream:
        with pytest.raises(Refused, match="text/event-stream"):
            await anext(stream)
    feed.close()
    await server.close()
