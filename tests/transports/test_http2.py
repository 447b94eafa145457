"""HTTP/2: the same streams as over HTTP/1.1, many on one connection, none in another's way."""

import asyncio
import gc
import json
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager

import httpx
import pytest
from h2 import events
from h2.errors import ErrorCodes
from h2.settings import SettingCodes
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

import rtlab
from rtlab.access import Gate
from rtlab.sockets import listen
from rtlab.transports import http, http2, websocket
from rtlab.transports.http2_connection import Connection
from rtlab.transports.http2_stream import Stream
from rtlab.transports.http2_websocket import WebSocket

from .helpers import GUARD, dial, port_of, until
from .http2_peer import Peer, asked, peer, web_socket
from .test_exactly_once import other_end

WINDOW = 65_535  # bytes, unless SETTINGS say otherwise (RFC 9113 §6.9.2)
NO_TIMEOUT_IS_SO_SHORT = 5.0  # seconds; the limits are 10 and more


@pytest.fixture
async def server(feed) -> AsyncIterator[http2.Http2Server]:
    served = await http2.serve(feed, Gate(), heartbeat=15.0)
    yield served
    feed.close()
    await served.close()


def url(server: http2.Http2Server, path: str = "/events") -> str:
    return f"http://127.0.0.1:{server.port}{path}"


def client(**options: object) -> httpx.AsyncClient:
    """Return httpx with its own HTTP/2, from the first byte on."""
    return httpx.AsyncClient(http1=False, http2=True, timeout=20, **options)


async def pieces(answer: httpx.Response, size: int) -> bytes:
    """Return the first so many bytes of a stream."""
    got = b""
    async for data in answer.aiter_raw():
        got += data
        if len(got) >= size:
            return got[:size]
    raise AssertionError(f"the stream ended: {got!r}")


# ── requests and answers ──


async def test_an_event_stream_is_the_same_as_over_http1_byte_by_byte(quick):
    with rtlab.Lab(["sse", "http2"]) as lab:
        for number in range(20):
            lab.publish({"n": number, "text": "é" * number})
        bodies = []
        for name in ("sse", "http2"):
            options = {"http1": name == "sse", "http2": name == "http2"}
            async with httpx.AsyncClient(**options) as asking:
                headers = {"Last-Event-ID": "5"}
                async with asking.stream("GET", lab.url(name), headers=headers) as answer:
                    assert answer.http_version == ("HTTP/2" if name == "http2" else "HTTP/1.1")
                    assert answer.headers["content-type"] == "text/event-stream"
                    assert answer.headers["cache-control"] == "no-cache"
                    bodies.append(await pieces(answer, 1500))
    assert bodies[0] == bodies[1]
    assert bodies[0].startswith(b": welcome\nretry: 1000\n\nid: 6\ndata: ")


async def test_a_quiet_stream_has_heartbeats_and_ends_with_the_feed(feed):
    served = await http2.serve(feed, Gate(), heartbeat=0.02, retry=2.5)
    async with client() as asking, asking.stream("GET", url(served)) as answer:
        got = b""
        async for data in answer.aiter_raw():
            got += data
            if got.count(b": heartbeat\n\n") >= 2 and not feed.closed:
                feed.publish("last words")
                feed.close()
    await served.close()
    assert got.startswith(b": welcome\nretry: 2500\n\n")
    assert b'"last words"' in got


@pytest.mark.parametrize("path", ["/events", "/messages"])
async def test_a_post_is_published_and_the_answer_says_which_message_it_is(feed, server, path):
    async with client() as asking:
        answer = await asking.post(url(server, path), json={"x": 1})
        assert (answer.status_code, answer.json()) == (201, {"seq": 1})
        answer = await asking.get(url(server, "/messages"))
    assert answer.json() == [json.loads(feed.since(None)[0].json)]
    assert feed.since(None)[0].data == {"x": 1}


async def test_a_body_larger_than_a_window_arrives(feed, server):
    largest = "x" * ((1 << 20) - 2)
    async with client() as asking:
        assert (await asking.post(url(server), json=largest)).status_code == 201
        assert feed.since(None)[0].data == largest
        answer = await asking.post(url(server), content=b'"' + largest.encode() + b'xx"')
        assert answer.status_code == 413
        assert "1,048,576" in answer.json()["error"]
        answer = await asking.get(url(server, "/messages"))  # the connection goes on
    assert answer.json()[0]["data"] == largest


async def test_what_cannot_be_answered_is_refused_with_the_reason(feed, server):
    feed.publish(1)
    async with peer(server.port) as one:
        for fields, status, words in [
            (asked("/messages?since=x"), 400, "whole number"),
            (asked("/events", ("last-event-id", "-1")), 400, "whole number"),
            (asked("/messages?since=9"), 410, "only reached 1"),
            (asked("/nothing"), 404, "/events, /messages, /chat"),
            (asked("//["), 400, "no URL"),
            (asked("/events", method="PUT"), 405, "GET and POST"),
            (asked("/chat"), 405, "CONNECT"),
            (asked("/chat", method="POST"), 405, "CONNECT"),
            (web_socket("/events"), 405, "GET and POST"),
            (web_socket("/nothing"), 404, "/chat"),
        ]:
            got, answer, body = await one.ask(fields)
            assert (got, words in json.loads(body)["error"]) == (status, True), body
            assert answer["content-type"] == "application/json"
            assert ("allow" in answer) == (status == 405)
        fields = [*web_socket()[:1], (":protocol", "connect-udp"), *web_socket()[2:]]
        assert (await one.ask(fields))[0] == 501
        plain = [(":method", "CONNECT"), (":authority", "127.0.0.1")]
        assert (await one.ask(plain))[0] == 404
        status, _, body = await one.ask(asked("/messages", method="POST"), b"{")
        assert (status, "Not JSON" in body.decode()) == (400, True)
        feed.close()
        assert (await one.ask(asked("/messages", method="POST"), b"1"))[0] == 503
        assert one.of(events.StreamReset) == []
    assert feed.last == 1


async def test_who_may_not_come_in_is_told_why(feed):
    served = await http2.serve(feed, Gate(token="s3cret"))
    async with peer(served.port) as one:
        token = "?token=s3cret"
        for fields, status, words in [
            (asked("/messages"), 403, "token"),
            (asked("/messages?token=wrong"), 403, "token"),
            (web_socket("/chat"), 403, "token"),
            (asked("/messages" + token, host="evil.example"), 403, "DNS rebinding"),
            (web_socket("/chat" + token, host="evil.example"), 403, "DNS rebinding"),
            (asked("/messages" + token, ("origin", "https://evil.example")), 403, "lab.allow"),
            (web_socket("/chat" + token, ("origin", "https://evil.example")), 403, "lab.allow"),
            (asked("/messages" + token, ("origin", "a"), ("origin", "b")), 400, "one Origin"),
        ]:
            got, answer, body = await one.ask(fields)
            assert (got, words in json.loads(body)["error"]) == (status, True), body
            assert "s3cret" not in body.decode()
            assert "access-control-allow-origin" not in answer
        assert (await one.ask(asked("/messages" + token)))[0] == 200
        page = ("origin", "http://localhost:8888")
        assert (await one.ask(asked("/messages" + token, page)))[0] == 200
    feed.close()
    await served.close()


def test_who_speaks_another_protocol_is_told_which_one_this_is(lab_with_http2):
    answer = httpx.get(lab_with_http2.url("http2"))
    assert answer.status_code == 505
    assert "curl --http2-prior-knowledge" in answer.text
    for data in (b"\x16\x03\x01\x02\x00\x01", b"PRI * HTTP/1.1\r\n"):
        with dial(port_of(lab_with_http2.url("http2", direct=True))) as sock:
            sock.sendall(data)
            got = b"".join(iter(lambda: sock.recv(4096), b""))
            assert got.startswith(b"HTTP/1.1 505 ")


@pytest.fixture
def lab_with_http2():
    with rtlab.Lab(["sse", "websocket", "http2"]) as lab:
        yield lab


async def test_the_settings_say_what_the_server_allows(server):
    async with peer(server.port) as one:
        await one.until(lambda: one.of(events.RemoteSettingsChanged))
        said = one.h2.remote_settings
        assert said.enable_connect_protocol == 1
        assert said.max_concurrent_streams == 100
        assert said.max_header_list_size == 32 * 1024
        assert said.enable_push == 0
        # Room for all streams at once: none can use up what the others need.
        assert one.h2.outbound_flow_control_window == 100 * WINDOW


def test_small_answers_leave_at_once(lab_with_http2):
    with dial(port_of(lab_with_http2.url("http2", direct=True))) as sock:
        sock.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
        assert sock.recv(9)
        with other_end(sock) as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


# ── WebSockets ──


def masked(text: str | bytes, opcode: Opcode = Opcode.TEXT, *, fin: bool = True) -> bytes:
    data = text.encode() if isinstance(text, str) else text
    return Frame(opcode, data, fin).serialize(mask=True, extensions=[])


def frames(data: bytes) -> list[tuple[Opcode, bytes]]:
    """Take a server's small frames apart."""
    found = []
    while data:
        length, start = data[1], 2
        if length == 126:
            length, start = int.from_bytes(data[2:4], "big"), 4
        found.append((Opcode(data[0] & 15), data[start : start + length]))
        data = data[start + length :]
    return found


@asynccontextmanager
async def chatting(port: int, since: object = None) -> AsyncIterator[tuple[Peer, int]]:
    """Open a WebSocket and say hello."""
    async with peer(port) as one:
        number = await one.request(web_socket(), end=False)
        await one.until(lambda: one.answer(number))
        assert one.answer(number) == {":status": "200"}
        await one.send(number, masked(json.dumps({"since": since})))
        await one.until(lambda: one.data[number])
        yield one, number


def said(one: Peer, number: int) -> list[object]:
    return [json.loads(data) for kind, data in frames(one.data[number]) if kind is Opcode.TEXT]


async def test_a_message_reaches_every_other_client_and_is_acknowledged(feed, server):
    feed.publish("before")
    async with chatting(server.port) as (one, first), chatting(server.port, "now") as (two, second):
        await one.until(lambda: len(said(one, first)) == 2)
        assert said(one, first) == [{"hello": {"last": 1}}, json.loads(feed.since(None)[0].json)]
        await one.send(first, masked('{"text": "hi"}'))
        await one.until(lambda: len(said(one, first)) == 3)
        await two.until(lambda: len(said(two, second)) == 2)
        assert said(one, first)[2] == {"ack": 2}
        assert said(two, second)[1]["data"] == {"text": "hi"}
        feed.publish("after")
        await one.until(lambda: len(said(one, first)) == 4)
        assert said(one, first)[3]["data"] == "after"  # and its own message did not come


async def test_two_websockets_and_a_stream_of_one_connection_are_told_apart(feed, server):
    async with peer(server.port) as one:
        first = await one.request(web_socket(), end=False)
        events_ = await one.request(asked())
        second = await one.request(web_socket(), end=False)
        for number in (first, second):
            await one.send(number, masked('{"since": null}'))
        await one.until(lambda: one.data[first] and one.data[second] and one.data[events_])
        await one.send(first, masked('"from the first"'))
        await one.until(lambda: len(said(one, second)) == 2 and b"from the first" in one.data[5])
        await one.until(lambda: b"from the first" in one.data[events_])
        assert said(one, first)[1] == {"ack": 1}


async def test_a_ping_is_answered_and_a_close_as_well(server):
    async with chatting(server.port) as (one, number):
        await one.send(number, masked(b"are you?", Opcode.PING))
        await one.until(lambda: frames(one.data[number])[-1] == (Opcode.PONG, b"are you?"))
        await one.send(number, masked(b"\x03\xe8bye", Opcode.CLOSE), end=True)
        await one.until(lambda: one.ended(number))
        assert frames(one.data[number])[-1] == (Opcode.CLOSE, b"\x03\xe8bye")
        assert one.of(events.StreamReset) == []


@pytest.mark.parametrize("pieces", [1, 7], ids=["a byte at a time", "pieces"])
async def test_a_frame_may_be_cut_anywhere_and_a_message_too(feed, server, pieces):
    parts = [masked('"h', fin=False), masked("", Opcode.PING), masked('ello"', Opcode.CONT)]
    async with chatting(server.port) as (one, number):
        data = b"".join(parts)
        for start in range(0, len(data), pieces):
            await one.send(number, data[start : start + pieces])
        await one.until(lambda: len(said(one, number)) == 2)
    assert feed.since(None)[0].data == "hello"


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (masked(b"\x00", Opcode.BINARY), 1003, "text"),
        (masked("{"), 1007, "Not JSON"),
        (masked(b"\xff"), 1007, "UTF-8"),
        (Frame(Opcode.TEXT, b"1").serialize(mask=False, extensions=[]), 1002, ""),
        (masked(b"x", Opcode.CONT), 1002, ""),
        (b"\x81\xff" + (1 << 40).to_bytes(8, "big"), 1009, ""),
    ],
    ids=["binary", "not-json", "not-utf-8", "unmasked", "nothing-to-continue", "too-long"],
)
async def test_what_cannot_be_published_closes_with_its_code(feed, server, data, code, words):
    async with chatting(server.port) as (one, number):
        await one.send(number, data)
        await one.until(lambda: frames(one.data[number])[-1][0] is Opcode.CLOSE)
        closing = frames(one.data[number])[-1][1]
        assert int.from_bytes(closing[:2], "big") == code
        assert words in closing[2:].decode()
        assert (await one.ask(asked("/messages")))[0] == 200  # the connection goes on
    assert feed.last == 0


@pytest.mark.parametrize("hello", ["1", "{}", '{"since": -1}', '{"since": "then"}', "x", b"\x00"])
async def test_without_a_hello_a_websocket_is_closed_and_told_how(server, hello):
    async with peer(server.port) as one:
        number = await one.request(web_socket(), end=False)
        kind = Opcode.BINARY if isinstance(hello, bytes) else Opcode.TEXT
        await one.send(number, masked(hello, kind))
        await one.until(lambda: one.data[number])
        (closing,) = frames(one.data[number])
        assert int.from_bytes(closing[1][:2], "big") == (1003 if kind is Opcode.BINARY else 1008)
        assert (b'{"since": cursor}' in closing[1]) == (kind is Opcode.TEXT)


async def test_another_version_is_told_which_one_there_is(server):
    async with peer(server.port) as one:
        for version in [(), (("sec-websocket-version", "8"),)]:
            status, answer, _ = await one.ask([*web_socket()[:-1], *version])
            assert (status, answer["sec-websocket-version"]) == (400, "13")


# ── many streams, one connection ──


async def test_twenty_streams_share_a_connection_where_a_seventh_connection_waits():
    """The browser's limit of six connections a host, modelled by httpx's."""
    with rtlab.Lab(["sse", "http2"]) as lab:
        lab.publish("x")
        limits = httpx.Limits(max_connections=6)
        timeout = httpx.Timeout(20, pool=0.2)
        async with AsyncExitStack() as stack:
            old = await stack.enter_async_context(httpx.AsyncClient(limits=limits, timeout=timeout))
            for _ in range(6):
                await stack.enter_async_context(old.stream("GET", lab.url("sse")))
            with pytest.raises(httpx.PoolTimeout):
                await stack.enter_async_context(old.stream("GET", lab.url("sse")))
            new = await stack.enter_async_context(client(limits=httpx.Limits(max_connections=1)))
            for _ in range(20):
                answer = await stack.enter_async_context(new.stream("GET", lab.url("http2")))
                assert b"data: " in await pieces(answer, 60)
        assert lab.recording("sse").accepted == 6
        assert lab.recording("http2").accepted == 1
        assert len(lab.recording("http2").dissect()[0].errors) == 0


async def test_a_session_carries_twenty_subscriptions_and_comes_back_from_a_cut(quick):
    async def collect(stream) -> list[int]:
        numbers = []
        async with aclosing(stream):
            async for delivery in stream:
                numbers.append(delivery.message.seq)
                if delivery.message.seq == 30:
                    return numbers

    with rtlab.Lab("http2") as lab:
        reports: list[rtlab.Report] = []
        async with http2.session(lab.url("http2")) as session, asyncio.TaskGroup() as group:
            tasks = []
            for over in ("sse", "websocket") * 10:
                stream = session.subscribe(over=over, listener=reports.append, backoff=quick())
                tasks.append(group.create_task(collect(stream)))
            await until(lambda: sum(report.state == "open" for report in reports) == 20)
            assert lab.recording("http2").accepted == 1
            for number in range(1, 31):
                lab.publish(number)
                if number == 15:
                    lab.cut("http2")
                await asyncio.sleep(0.002)
        assert {tuple(task.result()) for task in tasks} == {tuple(range(1, 31))}
        assert lab.recording("http2").accepted == 2
        for conversation in lab.recording("http2").dissect():
            assert conversation.errors == []


async def test_who_leaves_a_session_resets_its_stream_and_no_other(feed, server):
    async with http2.session(url(server)) as session:
        first, second = session.subscribe(), session.subscribe()
        third = session.subscribe(over="websocket")
        feed.publish(1)
        for stream in (first, second, third):
            assert (await anext(stream)).message.seq == 1
        assert len(only(server).streams) == 3
        await first.aclose()
        await third.aclose()
        await until(lambda: len(only(server).streams) == 1)
        await until(lambda: sum(len(w) for w in feed._waiters.values()) == 1)
        assert session._connection is not None
        assert len(session._connection.streams) == 1
        for number in range(2, 200):
            feed.publish("x" * 2000)  # all in all more than a connection's first window
            assert (await anext(second)).message.seq == number
        await second.aclose()
    await until(lambda: not server._connections)


def narrow(connection: Connection) -> None:
    """Keep the system from taking megabytes that nobody reads."""
    assert connection._transport is not None
    sock = connection._transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)


def only(server: http2.Http2Server) -> Connection:
    (connection,) = server._connections
    return connection


async def test_a_session_asks_and_sends_whatever_else_on_the_same_connection(feed, server):
    async with http2.session(url(server)) as session:
        assert await session.send({"n": 1}) == 1
        assert await session.send({"n": 2}, over="websocket") == 2
        answer = await session.client.get("/messages?since=1")
        assert [message["data"] for message in answer.json()] == [{"n": 2}]
        assert answer.http_version == "HTTP/2"
        with pytest.raises(rtlab.UsageError, match="JSON"):
            await session.send(object())
        with pytest.raises(rtlab.UsageError, match="over HTTP/2"):
            session.subscribe(over="polling")
        with pytest.raises(httpx.UnsupportedProtocol, match="is not on the connection"):
            await session.client.get("http://127.0.0.2/")
        assert len(server._connections) == 1
    with pytest.raises(rtlab.NotRunning, match="session is over"):
        await anext(session.subscribe())


async def test_a_session_that_ends_ends_its_subscriptions(feed, server, quick):
    waiting = []
    async with http2.session(url(server)) as session:
        feed.publish(1)
        for over in ("sse", "websocket"):
            stream = session.subscribe(over=over, backoff=quick())
            await anext(stream)
            waiting.append(asyncio.ensure_future(anext(stream)))
    for task in waiting:
        with pytest.raises(rtlab.NotRunning, match="session is over"):
            await task


async def test_a_session_that_ends_while_it_dials_keeps_no_connection(server, quick):
    async with http2.session(url(server)) as session:
        waiting = asyncio.ensure_future(anext(session.subscribe(backoff=quick())))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert session._dialling.locked()
    with pytest.raises(rtlab.NotRunning, match="session is over"):
        await waiting
    await until(lambda: server._connections == set())


async def test_connections_that_are_over_are_forgotten(feed, server):
    feed.publish(1)
    for over in ("sse", "websocket"):
        await rtlab.receive(url(server), "http2", 1, over=over)
    async with peer(server.port) as one:
        await one.request(asked())
    await until(lambda: not server._connections)
    await asyncio.sleep(0)
    gc.collect()
    assert not [thing for thing in gc.get_objects() if isinstance(thing, Connection)]


async def test_who_says_goodbye_and_does_not_end_is_not_waited_for(feed, server, monkeypatch):
    monkeypatch.setattr(websocket, "CLOSE_LIMIT", 0.1)
    async with chatting(server.port) as (one, number):
        await one.send(number, masked(b"\x03\xe8", Opcode.CLOSE))
        await one.until(lambda: one.of(events.StreamReset))
        assert one.ended(number)
        assert one.of(events.StreamReset)[0].error_code is ErrorCodes.NO_ERROR
        await until(lambda: not only(server).streams)


async def test_more_streams_than_there_may_be_wait_and_say_so(feed, server, quick):
    feed.publish(1)
    async with http2.session(url(server)) as session:
        taken = [session.subscribe() for _ in range(100)]
        for stream in taken:
            await anext(stream)
        for over in ("sse", "websocket"):
            reports: list[rtlab.Report] = []
            late = session.subscribe(over=over, listener=reports.append, backoff=quick())
            waiting = asyncio.ensure_future(anext(late))
            await until(lambda reports=reports: len(reports) > 3)
            assert {report.state for report in reports} == {"connecting", "reconnecting"}
            assert "no stream is free" in reports[1].detail
            await taken.pop().aclose()
            assert (await waiting).message.seq == 1
            taken.append(late)
        assert len(server._connections) == 1
        for stream in taken:
            await stream.aclose()


async def test_a_server_without_websockets_over_http2_is_told_from_one_that_has_them(feed):
    async def handle(stream: Stream) -> None: ...

    class Without(Connection):
        def _settle(self) -> None:
            super()._settle()
            self.h2.local_settings[SettingCodes.ENABLE_CONNECT_PROTOCOL] = 0
            self.h2.local_settings.acknowledge()
            self.h2.clear_outbound_data_buffer()
            self.h2.initiate_connection()

    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: Without(handle), sock=listen())
    port = listening.sockets[0].getsockname()[1]
    with pytest.raises(rtlab.Refused, match="RFC 8441") as refused:
        await anext(http2.subscribe(f"http://127.0.0.1:{port}/events", over="websocket"))
    assert refused.value.code == 501
    listening.close()


# ── flow control ──


async def test_a_reader_that_stops_stops_the_writer_and_no_other_stream(feed, server):
    feed.publish("x" * 200_000)
    async with peer(server.port) as one:
        one.opens = False
        slow = await one.request(asked())
        chat = await one.request(web_socket(), end=False)
        await one.send(chat, masked('{"since": null}'))
        await one.until(lambda: len(one.data[slow]) + len(one.data[chat]) == WINDOW)
        one.h2.increment_flow_control_window(10 * WINDOW)  # of the connection, not of these two
        await one.flush()
        await one.until(lambda: len(one.data[slow]) == len(one.data[chat]) == WINDOW)
        quick = await one.request(asked("/events?since=1"))
        for number in range(2, 40):
            feed.publish(number)
            await one.until(lambda number=number: b"id: %d\n" % number in one.data[quick])
        assert len(one.data[slow]) == len(one.data[chat]) == WINDOW
        for number in (slow, chat):
            one.h2.increment_flow_control_window(8 * WINDOW, number)
        await one.flush()
        await one.until(lambda: b"id: 39\n" in one.data[slow])
        await one.until(lambda: b'"data":39}' in one.data[chat])
        assert one.data[slow].count(b"\nid: ") == 39


async def test_with_windows_of_one_byte_everything_arrives_all_the_same(feed, server):
    feed.publish("hello")
    async with peer(server.port, begin=False) as one:
        one.h2.local_settings = type(one.h2.local_settings)(
            client=True, initial_values={SettingCodes.INITIAL_WINDOW_SIZE: 1}
        )
        one.h2.initiate_connection()
        one.opens = False
        number = await one.request(asked())
        while b"\n\n" not in one.data[number].partition(b"data: ")[2]:
            before = len(one.data[number])
            await one.until(lambda before=before: len(one.data[number]) > before)
            assert len(one.data[number]) == before + 1
            one.h2.increment_flow_control_window(1, number)
            await one.flush()
    assert b'"data":"hello"}' in one.data[number]


async def test_a_window_that_became_negative_is_waited_for(feed, server):
    feed.publish("x" * 100_000)
    async with peer(server.port) as one:
        one.opens = False
        number = await one.request(asked())
        await one.until(lambda: len(one.data[number]) == WINDOW)
        one.h2.increment_flow_control_window(WINDOW)
        one.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 0})  # RFC 9113 §6.9.2
        await one.flush()
        await one.until(lambda: len(one.of(events.SettingsAcknowledged)) == 2)
        one.h2.increment_flow_control_window(WINDOW, number)  # from -65,535 to 0
        one.h2.ping(b"anything")
        await one.flush()
        await one.until(lambda: one.of(events.PingAckReceived))
        assert len(one.data[number]) == WINDOW
        one.h2.increment_flow_control_window(10, number)
        await one.flush()
        await one.until(lambda: len(one.data[number]) == WINDOW + 10)
        one.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 10})
        await one.flush()
        await one.until(lambda: len(one.data[number]) == WINDOW + 20)


async def test_a_connection_that_takes_no_more_bytes_is_waited_for(feed, server):
    """Windows are wide open, but nobody reads the socket: then TCP says stop, to all streams."""
    async with peer(server.port, begin=False, window=4096) as one:
        one.h2.initiate_connection()
        one.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 2**30})
        one.h2.increment_flow_control_window(2**30)
        number = await one.request(asked())
        await one.until(lambda: one.data[number])
        narrow(only(server))
        for _ in range(2):
            feed.publish("x" * 1_000_000)
        await until(lambda: server._connections and only(server).paused)
        for _ in range(50):
            await asyncio.sleep(0.002)
            assert only(server)._transport.get_write_buffer_size() < 200_000
        await one.until(lambda: one.data[number].count(b'x"}\n\n') == 2)


async def test_who_does_not_take_stops_who_sends_and_no_other_stream():
    """The same the other way round: a server that does not read, and our own client."""
    hungry = asyncio.Event()
    taken: dict[int, int] = {}

    async def handle(stream: Stream) -> None:
        stream.send_headers([(":status", "200")])
        if stream.value(":path") == "/slow":
            await hungry.wait()
        taken[stream.number] = 0
        while data := await stream.receive():
            taken[stream.number] += len(data)
        await stream.send(b"%d" % taken[stream.number], end=True)

    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: Connection(handle), sock=listen())
    _, connection = await loop.create_connection(
        Connection, "127.0.0.1", listening.sockets[0].getsockname()[1]
    )
    slow = connection.open(asked("/slow", method="POST"))
    sending = asyncio.create_task(slow.send(bytes(500_000), end=True))
    await slow.answer()
    await until(lambda: connection.h2.streams[1].outbound_flow_control_window == 0)
    for _ in range(3):
        stream = connection.open(asked("/quick", method="POST"))
        await stream.send(bytes(300_000), end=True)
        assert await stream.receive() == b"300000"
        stream.finish()
    assert not sending.done()
    assert connection.h2.streams[1].outbound_flow_control_window == 0
    hungry.set()
    await sending
    assert await slow.receive() == b"500000"
    slow.finish()
    assert connection.streams == {}
    connection.end()
    await connection.closed.wait()
    listening.close()


async def test_who_leaves_with_bytes_untaken_gives_back_their_room():
    """Otherwise the window of the connection would run dry, one stream after another."""

    async def handle(stream: Stream) -> None:
        stream.send_headers([(":status", "200")])
        await stream.send(bytes(WINDOW))
        await stream.send(b"!", end=True)

    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: Connection(handle), sock=listen())
    _, connection = await loop.create_connection(
        Connection, "127.0.0.1", listening.sockets[0].getsockname()[1]
    )
    for _ in range(110):
        stream = connection.open(asked(), end=True)
        await until(lambda stream=stream: stream._untaken == WINDOW)
        stream.finish(ErrorCodes.CANCEL)
    stream = connection.open(asked(), end=True)
    got = b"".join([data async for data in taken(stream)])
    assert got == bytes(WINDOW) + b"!"
    connection.end()
    await connection.closed.wait()
    listening.close()


async def taken(stream: Stream) -> AsyncIterator[bytes]:
    while data := await stream.receive():
        yield data


async def test_half_a_websocket_frame_is_not_followed_by_another():
    hungry = asyncio.Event()

    async def handle(stream: Stream) -> None:
        stream.send_headers([(":status", "200")])
        await hungry.wait()
        while await stream.receive():
            pass

    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: Connection(handle), sock=listen())
    port = listening.sockets[0].getsockname()[1]
    _, connection = await loop.create_connection(Connection, "127.0.0.1", port)
    stream = connection.open(web_socket())
    await stream.answer()
    socket_ = WebSocket(stream, server=False, max_size=100)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await socket_.send("x" * 100_000)
    hungry.set()
    await until(lambda: connection.h2.local_flow_control_window(stream.number) > 1000)
    with pytest.raises(ConnectionClosed):
        await socket_.send("and now?")
    connection.end()
    await connection.closed.wait()
    listening.close()


async def test_large_messages_take_turns(feed, server):
    """Of two streams with much to send none waits until the other is through."""
    feed.publish("x" * 1_000_000)
    async with peer(server.port, begin=False) as one:
        one.h2.initiate_connection()
        one.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 1 << 22})
        one.h2.increment_flow_control_window(1 << 23)
        first, second = await one.request(asked()), await one.request(asked())
        await one.until(lambda: b"\n\n" in one.data[first][-2:] and len(one.data[first]) > 10**6)
        assert len(one.data[second]) > 500_000
        order = [e.stream_id for e in one.of(events.DataReceived)]
        assert order[10:20].count(first) in range(3, 8)


# ── the end ──


async def test_stopping_ends_the_streams_and_then_the_connection(monkeypatch):
    monkeypatch.setattr(http2, "GOODBYE", GUARD)
    with rtlab.Lab("http2") as lab:
        async with chatting(lab.link("http2").port) as (one, chat):
            stream = await one.request(asked())
            await one.until(lambda: one.data[stream])
            stopping = asyncio.create_task(asyncio.to_thread(lab.stop))
            await one.until(lambda: one.ended(stream))
            await one.until(lambda: frames(one.data[chat])[-1][0] is Opcode.CLOSE)
            assert frames(one.data[chat])[-1][1] == b"\x03\xe9the lab is stopped"
            assert not one.of(events.ConnectionTerminated)
            await one.send(chat, masked(b"\x03\xe9", Opcode.CLOSE), end=True)
            await one.until_over()
            assert one.ended(chat)
            await one.hang_up()
            await stopping
            (goodbye,) = one.of(events.ConnectionTerminated)
            assert goodbye.error_code is ErrorCodes.NO_ERROR
            assert goodbye.additional_data == b"the lab is stopped"
            assert goodbye.last_stream_id == stream


async def test_stopping_does_not_wait_for_who_does_not_answer():
    loop = asyncio.get_running_loop()
    with rtlab.Lab("http2") as lab:
        async with AsyncExitStack() as stack:
            for _ in range(10):
                one, _ = await stack.enter_async_context(
                    chatting(port_of(lab.url("http2", direct=True)))
                )
                stream = await one.request(asked())
                await one.until(lambda one=one, stream=stream: one.data[stream])
            begin = loop.time()
            await asyncio.to_thread(lab.stop)
            assert loop.time() - begin < NO_TIMEOUT_IS_SO_SHORT


async def test_a_client_learns_that_a_session_with_it_is_over(feed, server, quick):
    reports: list[rtlab.Report] = []
    stream = http2.subscribe(url(server), listener=reports.append, backoff=quick())
    feed.publish(1)
    await anext(stream)
    only(server).end(why="time for tea")
    waiting = asyncio.ensure_future(anext(stream))
    await until(lambda: [report.state for report in reports].count("open") == 2)
    (why,) = [report.detail for report in reports if report.state == "reconnecting"]
    assert "time for tea" in why
    feed.publish(2)
    assert (await waiting).message.seq == 2
    await stream.aclose()


async def test_a_connection_without_requests_is_let_go(feed, monkeypatch):
    monkeypatch.setattr(http, "IDLE_LIMIT", 0.2)
    served = await http2.serve(feed, Gate())
    async with peer(served.port) as one:
        assert (await one.ask(asked("/messages")))[0] == 200
        await one.until_over()
        assert one.of(events.ConnectionTerminated)[0].error_code is ErrorCodes.NO_ERROR
    await until(lambda: not served._connections)
    feed.close()
    await served.close()


async def test_who_is_silent_is_asked_and_let_go_if_it_does_not_answer(feed, server, monkeypatch):
    monkeypatch.setattr("rtlab.transports.http2_connection.SILENCE", 0.1)
    async with peer(server.port) as awake, peer(server.port) as asleep:
        await asleep.request(asked())
        stream = await awake.request(asked())
        await until(lambda: len(server._connections) == 2)
        reading = asyncio.create_task(awake.until(lambda: b'"still here"' in awake.data[stream]))
        await until(lambda: len(server._connections) == 1)
        await until(lambda: awake.of(events.PingReceived))
        feed.publish("still here")
        await reading


async def test_a_client_notices_that_its_link_is_dead(quick, monkeypatch):
    monkeypatch.setattr("rtlab.transports.http2_connection.SILENCE", 0.1)
    with rtlab.Lab("http2") as lab:
        lab.publish(1)
        reports: list[rtlab.Report] = []
        stream = http2.subscribe(
            lab.url("http2"), over="websocket", listener=reports.append, backoff=quick()
        )
        assert (await anext(stream)).message.seq == 1
        lab.impair("http2", stalled=True)
        waiting = asyncio.ensure_future(anext(stream))
        await until(lambda: "reconnecting" in [report.state for report in reports])
        lab.impair("http2")
        lab.publish(2)
        assert (await waiting).message.seq == 2
        await stream.aclose()


async def test_the_server_counts_requests_and_messages(feed, server):
    for number in range(3):
        feed.publish(number)
    await rtlab.receive(url(server), "http2", 3)
    await rtlab.receive(url(server), "http2", 3, over="websocket")
    async with client() as asking:
        await asking.get(url(server, "/messages"))
    assert (server.requests, server.sent) == (3, 9)


@pytest.mark.parametrize("over", ["sse", "websocket"])
async def test_a_client_is_refused_where_coming_back_would_not_help(over):
    with rtlab.Lab("http2", token=True) as lab:
        bare = lab.url("http2").partition("?")[0]
        with pytest.raises(rtlab.Refused, match=r"403.*token"):
            await anext(rtlab.subscribe(bare, "http2", over=over))
        with pytest.raises(rtlab.Refused, match=r"403.*token"):
            await rtlab.send(bare, "http2", 1, over=over)
        assert await rtlab.send(lab.url("http2"), "http2", 1, over=over) == 1
