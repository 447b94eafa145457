"""Server-Sent Events, to the letter of the WHATWG HTML standard, §9.2."""

import asyncio
import json
import re
import zlib
from contextlib import aclosing
from itertools import pairwise

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rtlab
from rtlab.access import Gate
from rtlab.errors import Refused, UsageError
from rtlab.feed import Feed
from rtlab.transports import http, sse
from rtlab.transports.sse import Decoder, Event, encode

from .helpers import answer, canned, give_up, until

# ── the format ──

STREAM = {"Content_Type": "text/event-stream"}
lines = st.sampled_from(
    [
        *("data", "data:", "data: x", "data:  y", "data:a:b", "id: 1", "id", "id: a\0b", "id:  é"),
        *("event: tick", "event", "retry: 250", "retry: 2x", "retry:", "retry: -1", ":", ": note"),
        *("nonsense", "nonsense: z", "Data: no", " data: no", "\ufeffdata: bom", "", "", "", ""),
        *("data: \u2028\u2029\x85\x0b\x0c\x1c", "data: 🎈"),
    ]
)
ends = st.sampled_from(["\n", "\r", "\r\n"])
streams = st.lists(st.tuples(lines, ends), max_size=30).map(
    lambda pairs: "".join(line + end for line, end in pairs).encode()
)
anything = st.one_of(
    streams,
    st.binary(max_size=60),
    st.tuples(st.sampled_from([b"", b"\xef\xbb\xbf", b"\xef\xbb\xbf\xef\xbb\xbf"]), streams).map(
        b"".join
    ),
    st.tuples(streams, st.binary(max_size=5), streams).map(b"".join),
)


def interpret(data: bytes) -> tuple[list[Event], str, float | None]:
    """§9.2.6 word for word, for a whole stream: slow, and easy to compare with the standard."""
    text = data.decode("utf-8", "replace").removeprefix("\ufeff")
    parts = re.split("(\r\n|\r|\n)", text)
    events, last_event_id, retry = [], "", None
    data_buffer = event_type = id_buffer = ""
    for line in parts[:-1:2]:
        if line == "":
            last_event_id = id_buffer
            if data_buffer == "":
                event_type = ""
                continue
            data_buffer = data_buffer.removesuffix("\n")
            events.append(Event(data_buffer, event_type or "message", last_event_id))
            data_buffer = event_type = ""
        elif line.startswith(":"):
            continue
        else:
            field, colon, value = line.partition(":")
            if colon and value.startswith(" "):
                value = value[1:]
            if field == "event":
                event_type = value
            elif field == "data":
                data_buffer += value + "\n"
            elif field == "id":
                if "\0" not in value:
                    id_buffer = value
            elif field == "retry" and re.fullmatch("[0-9]+", value):
                retry = int(value) / 1000
    return events, last_event_id, retry


def decode(data: bytes) -> list[Event]:
    return Decoder().feed(data)


@given(anything)
def test_a_stream_means_what_the_standard_says(data):
    decoder = Decoder()
    assert (decoder.feed(data), decoder.last_event_id, decoder.retry) == interpret(data)


@given(anything, st.lists(st.integers(0, 400)))
def test_however_the_bytes_are_cut_the_events_are_the_same(data, cuts):
    whole, pieces = Decoder(), Decoder()
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    events = []
    for start, stop in pairwise(places):
        events += pieces.feed(data[start:stop])
        events += pieces.feed(b"")
    assert events == whole.feed(data)
    assert pieces.last_event_id == whole.last_event_id
    assert (pieces.retry, pieces.comments) == (whole.retry, whole.comments)


@given(anything)
def test_one_byte_at_a_time_gives_the_same_events(data):
    decoder = Decoder()
    events = [event for byte in data for event in decoder.feed(bytes([byte]))]
    assert events == decode(data)


one_line = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]))


@given(st.text(), st.none() | one_line, st.none() | one_line)
def test_what_was_encoded_is_decoded_again(data, id, event):
    (got,) = decode(encode(data, id=id, event=event))
    assert got.data == re.sub("\r\n|\r", "\n", data)
    assert got.last_event_id == (id or "")
    assert got.type == (event or "message")


@given(st.lists(st.text()))
def test_encoded_events_follow_each_other(texts):
    stream = b"".join(encode(text, id=str(place)) for place, text in enumerate(texts))
    events = decode(stream)
    assert [event.data for event in events] == [re.sub("\r\n|\r", "\n", text) for text in texts]
    assert [event.last_event_id for event in events] == [str(n) for n in range(len(texts))]


@pytest.mark.parametrize(
    ("stream", "expected"),
    [  # those of §9.2.6 first
        (b"data: YHOO\ndata: +2\ndata: 10\n\n", ["YHOO\n+2\n10"]),
        (b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third\n\n",
         ["first event", "second event", " third"]),
        (b"data\n\ndata\ndata\n\ndata:", ["", "\n"]),
        (b"data:test\n\ndata: test\n\n", ["test", "test"]),
        (b"data: 1\r\rdata: 2\n\ndata: 3\r\n\r\n", ["1", "2", "3"]),
        (b"data: 1\n\r\ndata: 2\r\n\n", ["1", "2"]),
        (b"\xef\xbb\xbfdata: bom\n\n", ["bom"]),
        (b"\xef\xbb\xbf\xef\xbb\xbfdata: two of them\n\n", []),
        (b"\n\xef\xbb\xbfdata: too late\n\n", []),
        (b"\xef\xbb\xbf\ndata: after an empty line\n\n", ["after an empty line"]),
        ("data: a\u2028b\u2029c\x85d\x0be\x0cf\n\n".encode(), ["a\u2028b\u2029c\x85d\x0be\x0cf"]),
        (b"data: \xff\xc3\n\n", ["\ufffd\ufffd"]),
        (b"data: unfinished\n", []),
        (b"data: unfinished", []),
        (b"event: nothing\n\ndata: x\n\n", ["x"]),
        (b"id: 1\n\n", []),
        (b"DATA: x\n\n data: x\n\ndata : x\n\n", []),
        (b"", []),
    ],
)  # fmt: skip
def test_examples(stream, expected):
    assert [event.data for event in decode(stream)] == expected


def test_the_last_event_id_is_kept_over_events_until_another_one_comes():
    events = decode(b"id: 7\ndata: a\n\ndata: b\n\nid\ndata: c\n\n")
    assert [event.last_event_id for event in events] == ["7", "7", ""]


def test_the_last_event_id_is_kept_over_a_reconnect():
    decoder = Decoder("41")
    assert decoder.feed(b"data: a\n\n")[0].last_event_id == "41"
    assert decoder.last_event_id == "41"


def test_an_id_counts_from_the_end_of_its_event_even_without_data():
    decoder = Decoder()
    decoder.feed(b"id: 5\n")
    assert decoder.last_event_id == ""
    decoder.feed(b"\n")
    assert decoder.last_event_id == "5"


def test_an_id_with_a_nul_is_ignored():
    assert decode(b"id: 1\nid: 2\x00\ndata: x\n\n")[0].last_event_id == "1"


def test_the_type_of_an_event_is_for_this_event_only():
    assert [event.type for event in decode(b"event: a\ndata: 1\n\ndata: 2\n\n")] == ["a", "message"]


@pytest.mark.parametrize(
    ("line", "seconds"),
    [("retry: 250", 0.25), ("retry:0", 0.0), ("retry: 007", 0.007), ("retry", None)]
    + [(f"retry: {text}", None) for text in ("2.5", "-1", "+1", "1s", "", " 1", "1 ", "٣", "²")],
)
def test_a_retry_is_ascii_digits_or_nothing(line, seconds):
    decoder = Decoder()
    decoder.feed(line.encode() + b"\n")
    assert decoder.retry == seconds


def test_a_retry_of_ten_thousand_digits_does_no_harm():
    decoder = Decoder()
    decoder.feed(b"retry: " + b"9" * 10_000 + b"\n\n")
    assert decoder.retry > 1_000_000


def test_comments_are_counted_and_are_no_events():
    decoder = Decoder()
    assert decoder.feed(b": one\n:\n\n:two: 2\n") == []
    assert decoder.comments == 3


@pytest.mark.parametrize("endless", [b"x" * 70, b"data: x\n" * 70, b"data: xxx\n"])
def test_an_event_without_end_is_given_up(endless):
    decoder = Decoder(max_event=100)
    with pytest.raises(UsageError, match="100 bytes"):
        for _ in range(60):
            decoder.feed(endless)


def test_many_short_events_are_no_long_one():
    decoder = Decoder(max_event=20)
    assert sum(len(decoder.feed(b"data: 123456\n\n")) for _ in range(100)) == 100


@pytest.mark.parametrize("id", ["a\nb", "a\rb", "a\0b"])
def test_an_id_that_cannot_be_written_is_turned_down(id):
    with pytest.raises(UsageError, match="id"):
        encode("x", id=id)


def test_an_event_type_that_cannot_be_written_is_turned_down():
    with pytest.raises(UsageError, match="event"):
        encode("x", event="a\nb")


def test_a_retry_is_written_in_milliseconds():
    decoder = Decoder()
    decoder.feed(encode("x", retry=0.25))
    assert decoder.retry == 0.25


# ── the server ──


@pytest.fixture
async def serve(feed):
    servers = []

    async def serve(feed=feed, **options):
        servers.append((feed, await sse.serve(feed, Gate(), **options)))
        return http.address(servers[-1][1].port, sse.PATH, None)

    yield serve
    for served, server in servers:
        served.close()
        await server.close()


class Stream:
    """An open event stream, read event by event."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self.decoder = Decoder()
        self.chunks = answer.aiter_raw()
        self.first = b""
        self._events: list[Event] = []

    async def more(self) -> None:
        data = await anext(self.chunks)
        self.first = self.first or data
        self._events += self.decoder.feed(data)

    async def event(self) -> Event:
        while not self._events:
            await self.more()
        return self._events.pop(0)


async def streaming(url, body, **headers):
    """Open a stream and give it to ``body``."""
    async with (
        http.connection(read_timeout=20) as client,
        client.stream("GET", url, headers=headers) as answer,
    ):
        return await body(Stream(answer))


async def test_the_headers_are_those_of_a_stream_and_the_first_bytes_are_a_comment(serve):
    async def body(stream):
        await stream.more()
        assert stream.answer.status_code == 200
        assert stream.answer.headers["Content-Type"].partition(";")[0] == "text/event-stream"
        assert stream.answer.headers["Cache-Control"] == "no-cache"
        assert "Content-Length" not in stream.answer.headers
        assert stream.first.startswith(b":")
        assert stream.decoder.retry == 0.125

    await streaming(await serve(retry=0.125), body)


async def test_each_message_is_an_event_with_its_number_as_id(feed, serve):
    feed.publish("held\r\nalready")

    async def body(stream):
        first = await stream.event()
        assert (first.type, first.last_event_id) == ("message", "1")
        assert json.loads(first.data)["data"] == "held\r\nalready"
        message = feed.publish("new")
        second = await stream.event()
        assert (second.data, second.last_event_id) == (message.json, "2")

    await streaming(await serve(), body)


async def test_a_quiet_stream_has_heartbeats(serve):
    async def body(stream):
        while stream.decoder.comments < 4:
            await stream.more()
        return stream.decoder.comments

    assert await streaming(await serve(heartbeat=0.01), body) >= 4


async def test_a_stream_through_jupyters_proxy_ends_and_one_comes_back(feed, serve, monkeypatch):
    monkeypatch.setattr(sse, "PROXIED_LIMIT", 0.05)
    feed.publish("before")

    async def body(stream):
        await stream.more()
        with pytest.raises(StopAsyncIteration):  # in order: the last chunk comes
            while True:
                await stream.more()
        return stream.decoder.last_event_id, stream.decoder.comments

    url = await serve()
    through = {"X-ProxyContextPath": "/user/jane/proxy/8001"}
    assert await streaming(url + "?since=now", body, **through) == ("1", 2)  # welcome, goodbye
    assert not feed._waiters
    feed.publish("meanwhile")

    async def next_event(stream):
        return json.loads((await stream.event()).data)["data"]

    resumed = await streaming(url + "?since=now", next_event, **through, **{"Last-Event-ID": "1"})
    assert resumed == "meanwhile"

    async def stays(stream):
        await stream.more()
        await until(lambda: feed._waiters)
        await asyncio.sleep(0.1)  # twice the limit
        feed.publish("still there")
        while (event := await stream.event()).last_event_id != "3":
            pass
        assert json.loads(event.data)["data"] == "still there"

    await streaming(url, stays)  # directly: nothing ends it


async def test_last_event_id_resumes_the_stream(feed, serve):
    for number in range(1, 6):
        feed.publish(number)

    async def body(stream):
        return (await stream.event()).last_event_id

    url = await serve()
    assert await streaming(url, body) == "1"
    assert await streaming(url, body, **{"Last-Event-ID": "3"}) == "4"
    assert await streaming(url + "?since=2", body) == "3"
    assert await streaming(url + "?since=2", body, **{"Last-Event-ID": "4"}) == "5"
    assert await streaming(url, body, **{"Last-Event-ID": ""}) == "1"

    async def next_event(stream):
        feed.publish(6)  # the answer has begun, so the request is there
        return await body(stream)

    assert await streaming(url + "?since=now", next_event) == "6"


@pytest.mark.parametrize("cursor", ["x", "-1", "1.5", "٣".encode()])
async def test_a_last_event_id_that_is_no_cursor_is_400(serve, cursor):
    async with http.connection(read_timeout=20) as client:
        answer = await client.get(await serve(), headers={"Last-Event-ID": cursor})
    assert answer.status_code == 400


async def test_what_is_no_longer_held_comes_as_a_lost_event(serve):
    feed = Feed(capacity=2)
    for number in range(1, 8):
        feed.publish(number)

    async def body(stream):
        lost, first = await stream.event(), await stream.event()
        assert (lost.type, lost.last_event_id) == ("lost", "5")
        assert json.loads(lost.data)["lost"] == [3, 5]
        assert json.loads(lost.data)["resume"] == 5
        assert first.last_event_id == "6"

    await streaming(await serve(feed), body, **{"Last-Event-ID": "2"})


async def test_the_handler_ends_when_the_client_leaves(feed, serve):
    async def body(stream):
        await stream.more()
        await until(lambda: feed._waiters)

    await streaming(await serve(), body)
    await until(lambda: not feed._waiters)


async def test_the_stream_ends_in_order_when_the_feed_closes(feed, serve):
    feed.publish("last words")

    async def body(stream):
        await stream.event()
        feed.close()
        with pytest.raises(StopAsyncIteration):  # and no httpx.RemoteProtocolError
            while True:
                await stream.more()

    await streaming(await serve(), body)


async def test_a_message_published_just_before_the_close_still_comes(feed, serve):
    async def body(stream):
        await stream.more()
        await until(lambda: feed._waiters)
        feed.publish("last words")
        feed.close()
        assert json.loads((await stream.event()).data)["data"] == "last words"

    await streaming(await serve(), body)


async def test_the_server_counts_what_it_has_sent(feed):
    server = await sse.serve(feed, Gate())
    for number in range(3):
        feed.publish(number)

    async def body(stream):
        for _ in range(3):
            await stream.event()

    await streaming(http.address(server.port, sse.PATH, None), body)
    assert server.sent == 3
    feed.close()
    await server.close()


# ── the client ──


def event(seq: int) -> bytes:
    return encode(f'{{"seq":{seq},"published_ns":{seq},"data":"{seq}"}}', id=str(seq))


async def take(url: str, count: int, **options: object) -> list[int]:
    async with aclosing(sse.subscribe(url, **options)) as deliveries:
        return [(await anext(deliveries)).message.seq for _ in range(count)]


async def test_a_reconnect_waits_at_least_as_long_as_the_server_asked(feed, serve):
    url = await serve(retry=7.5)
    feed.publish(1)
    reports = []
    client = sse.subscribe(url, backoff=rtlab.Backoff(0.01), listener=reports.append)
    async with aclosing(client):
        await anext(client)
        waiting = asyncio.ensure_future(anext(client))
        feed.close()
        await until(lambda: reports[-1].state == "reconnecting")
        await give_up(waiting)
    assert 7.5 <= reports[-2].delay <= 7.51


async def test_a_reconnect_says_where_the_last_whole_event_was(quick):
    async with canned(
        answer("200 OK", event(1) + event(2) + event(3)[:-1], **STREAM),
        answer("200 OK", event(3), **STREAM),
    ) as server:
        assert await take(f"http://127.0.0.1:{server.port}/", 3, backoff=quick()) == [1, 2, 3]
    assert server.header(0, "Last-Event-ID") is None
    assert server.header(1, "Last-Event-ID") == b"2"
    assert server.header(0, "Accept") == b"text/event-stream"
    assert server.header(0, "Cache-Control") == b"no-store"


async def test_an_id_travels_back_in_utf_8(quick):
    first = answer("200 OK", encode(":", id="näch\u2028ste")[:-1] + b"\n", **STREAM)
    first = first.replace(b"data: :\n", b"")
    async with canned(first, answer("200 OK", event(1), **STREAM)) as server:
        assert await take(f"http://127.0.0.1:{server.port}/", 1, backoff=quick()) == [1]
    assert server.header(1, "Last-Event-ID") == "näch\u2028ste".encode()


async def test_a_cursor_is_the_first_last_event_id(quick):
    async with canned(answer("200 OK", event(5), **STREAM)) as server:
        await take(f"http://127.0.0.1:{server.port}/", 1, cursor=4, backoff=quick())
    assert server.header(0, "Last-Event-ID") == b"4"


@pytest.mark.parametrize("type", ["text/event-stream;charset=utf-8", "Text/Event-Stream ; x=y"])
async def test_parameters_and_case_of_the_media_type_do_not_matter(type, quick):
    async with canned(answer("200 OK", event(1), Content_Type=type)) as server:
        assert await take(f"http://127.0.0.1:{server.port}/", 1, backoff=quick()) == [1]


@pytest.mark.parametrize(
    "wrong",
    [
        answer("200 OK", event(1), Content_Type="text/plain"),
        answer("200 OK", event(1), Content_Type="text/event-streams"),
        answer("200 OK", event(1)),
        answer("204 No Content", **STREAM),
        answer("206 Partial Content", event(1), **STREAM),
        answer("304 Not Modified", **STREAM),
        answer("403 Forbidden", b'{"error": "no"}'),
        answer("404 Not Found", event(1), **STREAM),
        answer("410 Gone", event(1), **STREAM),
    ],
    ids=lambda wrong: wrong[9:70].decode().replace("\r\nConnection: close\r\n", " "),
)
async def test_another_status_or_type_ends_the_subscription(wrong, quick):
    async with canned(wrong) as server:
        with pytest.raises(Refused) as refused:
            await take(f"http://127.0.0.1:{server.port}/", 1, backoff=quick())
    assert refused.value.code == int(wrong[9:12])
    assert len(server.requests) == 1


async def test_a_server_that_fails_for_a_while_is_asked_again(quick):
    async with canned(
        answer("503 Service Unavailable"),
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
        b"Transfer-Encoding: chunked\r\n\r\nff\r\ndata: x",
        answer("500 Internal Server Error", event(7), **STREAM),
        answer("200 OK", event(1), **STREAM),
    ) as server:
        assert await take(f"http://127.0.0.1:{server.port}/", 1, backoff=quick()) == [1]
    assert len(server.requests) == 5


@pytest.mark.parametrize("data", ["hello", "42", "[]", '{"seq": 1}', ""])
async def test_an_event_that_is_no_message_ends_the_subscription(data, quick):
    async with canned(answer("200 OK", encode(data), **STREAM)) as server:
        with pytest.raises(Refused, match="no message"):
            await take(f"http://127.0.0.1:{server.port}/", 1, backoff=quick())


async def test_a_stream_without_end_of_event_ends_the_subscription(quick, monkeypatch):
    monkeypatch.setattr(sse, "Decoder", lambda id: Decoder(id, max_event=1000))
    async with canned(answer("200 OK", b"data: " + b"x" * 5000, **STREAM)) as server:
        with pytest.raises(rtlab.RtlabError, match="no end"):
            await take(f"http://127.0.0.1:{server.port}/", 1, backoff=quick())


async def test_a_stream_that_was_compressed_on_the_way_is_read_as_it_comes(quick):
    squeeze = zlib.compressobj(wbits=31)  # gzip
    begin = squeeze.compress(event(1)) + squeeze.flush(zlib.Z_SYNC_FLUSH)
    stream = answer("200 OK", begin, **STREAM, Content_Encoding="gzip")
    async with canned(stream) as server:
        assert await take(f"http://127.0.0.1:{server.port}/", 1, backoff=quick()) == [1]


async def test_a_stream_that_cannot_be_decompressed_is_opened_again(quick):
    broken = answer("200 OK", b"no gzip at all", **STREAM, Content_Encoding="gzip")
    async with canned(broken, answer("200 OK", event(1), **STREAM)) as server:
        assert await take(f"http://127.0.0.1:{server.port}/", 1, backoff=quick()) == [1]


async def test_a_redirect_is_followed_and_a_circle_of_them_is_not(quick):
    moved = answer("301 Moved Permanently", Location="/elsewhere")
    async with canned(moved, answer("200 OK", event(1), **STREAM)) as server:
        assert await take(f"http://127.0.0.1:{server.port}/", 1, backoff=quick()) == [1]
        assert server.requests[1].startswith(b"GET /elsewhere ")
    async with canned(moved) as server:
        with pytest.raises(Refused, match="circles"):
            await take(f"http://127.0.0.1:{server.port}/", 1, backoff=quick())
