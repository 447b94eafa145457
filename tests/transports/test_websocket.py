import asyncio
import json
import threading
from contextlib import AsyncExitStack, aclosing

import pytest
import websockets
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import Opcode

import rtlab
from rtlab.access import Gate
from rtlab.errors import Refused
from rtlab.feed import MAX_MESSAGE, Feed
from rtlab.sockets import listen
from rtlab.transports import websocket
from rtlab.transports.http import Unavailable

from .helpers import ask, dial, give_up, read_answer, request, until


@pytest.fixture
async def serve(feed):
    servers = []

    async def serve(feed=feed, **options):
        servers.append((feed, await websocket.serve(feed, Gate(), **options)))
        return websocket.address(servers[-1][1].port, None)

    yield serve
    for served, server in servers:
        served.close()
        await server.close()


async def hello(connection: ClientConnection, since: object = "now") -> int:
    """Say hello and return where the server's feed is."""
    await connection.send(json.dumps({"since": since}))
    return (await receive(connection))["hello"]["last"]


async def receive(connection: ClientConnection) -> dict:
    async with asyncio.timeout(20):
        return json.loads(await connection.recv())


async def closed(connection: ClientConnection) -> tuple[int, str]:
    """Read on to the end and return the close code and reason that the server sent."""
    with pytest.raises(ConnectionClosed) as end:
        async with asyncio.timeout(20):
            while True:
                await connection.recv()
    assert end.value.rcvd is not None, "the connection ended without a Close frame"
    return end.value.rcvd.code, end.value.rcvd.reason


# ── hello and catching up ──


@pytest.mark.parametrize(
    ("since", "seqs"), [(None, [1, 2, 3]), (0, [1, 2, 3]), (2, [3]), (3, []), ("now", [])]
)
async def test_the_hello_says_where_to_begin(feed, serve, since, seqs):
    for number in range(3):
        feed.publish(number)
    async with websocket.dial(await serve()) as connection:
        assert await hello(connection, since) == 3
        feed.publish("live")
        got = [(await receive(connection))["seq"] for _ in range(len(seqs) + 1)]
    assert got == [*seqs, 4]


async def test_the_cursor_0_of_an_empty_feed_is_a_good_hello(feed, serve):
    async with websocket.dial(await serve()) as connection:
        assert await hello(connection, 0) == 0
        feed.publish("first")
        assert (await receive(connection))["data"] == "first"


@pytest.mark.parametrize("since", [2, 99])
async def test_a_cursor_out_of_range_is_answered_with_what_was_lost(serve, since):
    feed = Feed(capacity=2)
    for number in range(6):
        feed.publish(number)
    async with websocket.dial(await serve(feed)) as connection:
        await hello(connection, since)
        lost = (await receive(connection))["lost"]
        assert (lost["lost"], lost["resume"]) == ([3, 4] if since == 2 else None, 4)
        assert [(await receive(connection))["seq"] for _ in range(2)] == [5, 6]


async def test_joining_while_others_publish_loses_and_doubles_nothing(feed, serve):
    url = await serve()
    total = 3000

    def publish() -> None:
        for number in range(total):
            feed.publish(number)

    async def join() -> list[int]:
        async with websocket.dial(url) as connection:
            await hello(connection, None)
            return [(await receive(connection))["seq"] for _ in range(total)]

    thread = threading.Thread(target=publish)
    async with asyncio.TaskGroup() as group:
        clients = [group.create_task(join())]
        thread.start()
        for _ in range(6):
            await asyncio.sleep(0.005)
            clients.append(group.create_task(join()))
    thread.join()
    assert all(client.result() == list(range(1, total + 1)) for client in clients)


async def test_now_is_never_the_past(feed, serve):
    url = await serve()
    stop = threading.Event()

    def publish() -> None:
        while not stop.wait(0.0005):
            for _ in range(20):
                feed.publish("x")

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        for _ in range(15):
            async with websocket.dial(url) as connection:
                before = feed.last
                await connection.send('{"since": "now"}')
                await receive(connection)
                seqs = [(await receive(connection))["seq"] for _ in range(20)]
                assert seqs[0] > before
                assert seqs == list(range(seqs[0], seqs[0] + 20))
                connection.transport.abort()
    finally:
        stop.set()
        thread.join()


# ── both ways ──


async def test_a_clients_message_reaches_every_other_client_and_is_acknowledged(feed, serve):
    url = await serve()
    async with AsyncExitStack() as stack:
        author, *others = [await stack.enter_async_context(websocket.dial(url)) for _ in range(4)]
        for connection in (author, *others):
            await hello(connection)
        await author.send('{"say": "hi"}')
        assert await receive(author) == {"ack": 1}
        for other in others:
            assert (await receive(other))["data"] == {"say": "hi"}
        feed.publish("from the lab")
        for connection in (author, *others):
            assert (await receive(connection))["seq"] == 2
    assert feed.since(0)[0].data == {"say": "hi"}


async def test_an_author_gets_its_own_message_when_it_comes_back(feed, serve):
    url = await serve()
    async with websocket.dial(url) as connection:
        await hello(connection)
        await connection.send('"mine"')
        await receive(connection)
    async with websocket.dial(url) as connection:
        await hello(connection, 0)
        assert (await receive(connection))["data"] == "mine"


async def test_a_hundred_messages_of_two_clients_are_all_acknowledged_once(feed, serve):
    url = await serve()

    async def chat(connection: ClientConnection) -> tuple[list[int], list[int]]:
        for number in range(100):
            await connection.send(json.dumps(number))
        acks, news = [], []
        while len(acks) + len(news) < 200:
            value = await receive(connection)
            acks.append(value["ack"]) if "ack" in value else news.append(value["seq"])
        return acks, news

    async with websocket.dial(url) as first, websocket.dial(url) as second:
        await hello(first)
        await hello(second)
        results = await asyncio.gather(chat(first), chat(second))
    (acks1, news1), (acks2, news2) = results
    assert (acks1, acks2) == (news2, news1)
    assert sorted(acks1 + acks2) == list(range(1, 201))


async def test_a_ping_is_answered_with_a_pong(serve):
    async with websocket.dial(await serve()) as connection:
        await hello(connection)
        assert await (await connection.ping(b"rtlab")) >= 0


async def test_the_server_pings_as_often_as_the_lab_is_told():
    with rtlab.Lab("websocket", heartbeat=0.02) as lab:
        async with websocket.dial(lab.url("websocket")) as connection:
            await hello(connection)
            recording = lab.recording("websocket")
            await until(lambda: recording.stream(1, "down").count(b"\x89\x04") >= 3)


async def test_a_ping_is_answered_before_any_hello(serve):
    async with websocket.dial(await serve()) as connection:
        assert await (await connection.ping()) >= 0


# ── close codes ──


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x00\x01", 1003),
        (b"", 1003),
        ("nope", 1007),
        ("", 1007),
        ("NaN", 1007),
        ("1e999", 1007),
        ('"\\ud800"', 1007),
        ("[" * 100_000, 1007),
        ('"' + "x" * (MAX_MESSAGE - 1) + '"', 1009),
        (b"x" * (MAX_MESSAGE + 1), 1009),
    ],
    ids=lambda value: repr(value)[:20],
)
async def test_what_cannot_be_published_closes_with_its_code(feed, serve, data, code):
    async with websocket.dial(await serve()) as connection:
        await hello(connection)
        await connection.send(data)
        assert (await closed(connection))[0] == code
    assert feed.last == 0


async def test_text_that_is_no_utf_8_closes_with_1007(feed, serve):
    async with websocket.dial(await serve()) as connection:
        await hello(connection)
        await connection.send(b'"\xff\xfe"', text=True)
        assert (await closed(connection))[0] == 1007
    assert feed.last == 0


@pytest.mark.parametrize(
    "data",
    [
        *("42", "nope", "[]", "null", '{"cursor": 1}', '{"since": -1}', '{"since": true}'),
        *('{"since": "later"}', '{"since": 1.5}', '{"since": 1e999}', '{"since": [1]}'),
        json.dumps({"since": "é" * 500}, ensure_ascii=False),
        '{"since": "\\ud800"}',
    ],
    ids=lambda value: value[:20],
)
async def test_without_a_hello_the_connection_is_closed_with_1008_and_told_how(serve, data):
    async with websocket.dial(await serve()) as connection:
        await connection.send(data)
        code, reason = await closed(connection)
    assert code == 1008
    assert "since" in reason or len(reason.encode()) > 110


async def test_a_binary_hello_closes_with_1003(serve):
    async with websocket.dial(await serve()) as connection:
        await connection.send(b'{"since": null}')
        assert await closed(connection) == (1003, "send text, not binary data")


async def test_a_client_that_says_nothing_is_closed_with_1008(serve, monkeypatch):
    url = await serve()
    monkeypatch.setattr(websocket, "OPEN_LIMIT", 0.05)
    async with websocket.dial(url, False) as connection:
        code, reason = await closed(connection)
    assert code == 1008
    assert reason.startswith("No hello within 0.05 s")


async def test_the_largest_message_is_taken(feed, serve):
    async with websocket.dial(await serve()) as connection:
        await hello(connection)
        await connection.send('"' + "x" * (MAX_MESSAGE - 2) + '"')
        assert await receive(connection) == {"ack": 1}


async def test_a_slow_reader_is_dropped_with_1013_and_others_get_everything(feed, serve):
    url = await serve()
    big, total = "x" * 100_000, 250
    async with websocket.dial(url) as slow, websocket.dial(url) as good:
        await hello(slow)
        await hello(good)
        for number in range(1, total + 1):
            feed.publish(big)
            assert (await receive(good))["seq"] == number
        got = []
        with pytest.raises(ConnectionClosed) as end:
            while True:
                got.append((await receive(slow))["seq"])
        assert (await receive_after(feed, good)) == total + 1
    assert end.value.rcvd.code == 1013
    assert "too slow" in end.value.rcvd.reason
    assert got == list(range(1, len(got) + 1))
    assert 0 < len(got) < total


async def receive_after(feed: Feed, connection: ClientConnection) -> int:
    feed.publish("and on")
    return (await receive(connection))["seq"]


async def test_a_reader_too_slow_for_catching_up_holds_up_nobody(feed, serve):
    url = await serve()
    for _ in range(100):
        feed.publish("x" * 200_000)
    async with websocket.dial(url) as slow, websocket.dial(url) as good:
        await hello(slow, None)
        await hello(good)
        assert await receive_after(feed, good) == 101
        slow.transport.abort()


async def test_stopping_the_lab_closes_with_1001():
    with rtlab.Lab("websocket") as lab:
        async with websocket.dial(lab.url("websocket")) as connection:
            await hello(connection)
            lab.publish("last words")
            await asyncio.to_thread(lab.stop)
            assert (await receive(connection))["data"] == "last words"
            assert await closed(connection) == (1001, "the lab is stopped")


async def test_stopping_the_lab_from_the_clients_own_loop_closes_with_1001_as_well():
    with rtlab.Lab("websocket") as lab:
        async with websocket.dial(lab.url("websocket")) as connection:
            await hello(connection)
            lab.stop()  # the client cannot answer meanwhile: its loop is busy with this
            assert await closed(connection) == (1001, "the lab is stopped")


async def test_stopping_the_lab_before_the_hello_closes_with_1001():
    with rtlab.Lab("websocket") as lab:
        async with websocket.dial(lab.url("websocket")) as connection:
            await asyncio.to_thread(lab.stop)
            assert (await closed(connection))[0] == 1001


async def test_connections_that_are_gone_are_forgotten(feed):
    server = await websocket.serve(feed, Gate())
    url = websocket.address(server.port, None)
    for number in range(5):
        async with websocket.dial(url) as connection:
            await hello(connection)
            await connection.send(str(number))
            await receive(connection)
    await until(lambda: not server._live and not server._authors)
    feed.close()
    await server.close()


# ── the opening handshake ──


def test_a_plain_get_is_told_to_upgrade(lab):
    with dial(lab.link("websocket").port) as sock:
        sock.sendall(b"GET /chat HTTP/1.1\r\nHost: localhost\r\n\r\n")
        status, headers, body = read_answer(sock)
    assert (status, headers["upgrade"]) == (426, "websocket")
    assert b"Upgrade: websocket" in body


@pytest.mark.parametrize("version", ["12", "14", "x", ""])
def test_another_version_is_told_which_one_there_is(lab, version):
    wrong = request("websocket").replace(b"Version: 13", b"Version: " + version.encode())
    status, headers, _ = ask(lab.link("websocket").port, wrong)
    assert (status, headers.get("sec-websocket-version")) == (426, "13")


def test_another_path_is_404_and_the_answer_names_the_one_there_is(lab):
    status, _, body = ask(
        lab.link("websocket").port, request("websocket").replace(b"/chat", b"/nothing")
    )
    assert status == 404
    assert b"/chat" in body


@pytest.mark.parametrize("target", [b"//[", b"http://[/chat"])
def test_a_target_that_is_no_url_is_400(lab, target):
    wrong = request("websocket").replace(b"/chat", target)
    assert ask(lab.link("websocket").port, wrong)[0] == 400


@pytest.mark.parametrize("missing", [b"Sec-WebSocket-Key", b"Connection"])
def test_a_handshake_that_lacks_a_header_is_refused(lab, missing):
    wrong = request("websocket").replace(missing, b"X-" + missing)
    assert ask(lab.link("websocket").port, wrong)[0] in (400, 426)


@pytest.mark.parametrize("server", [False, True])
@pytest.mark.parametrize("client", [False, True])
async def test_messages_are_compressed_if_both_sides_want_it(server, client):
    with rtlab.Lab("websocket", deflate=server) as lab:
        async with websocket.dial(lab.url("websocket"), deflate=client) as connection:
            await hello(connection)
            text = "compressible " * 200
            lab.publish(text)
            assert (await receive(connection))["data"] == text
            offered = "Sec-WebSocket-Extensions" in connection.request.headers
            agreed = "Sec-WebSocket-Extensions" in connection.response.headers
            on_the_wire = lab.recording("websocket").down.received
    assert offered == client
    assert agreed == (server and client)
    assert (on_the_wire < len(text)) == (server and client)


# ── the client ──


async def test_a_client_is_refused_where_coming_back_would_not_help(lab, quick):
    url = lab.url("websocket")
    with pytest.raises(Refused, match="/chat") as refused:
        await anext(websocket.subscribe(url.replace("chat", "x"), backoff=quick()))
    assert refused.value.code == 404
    with pytest.raises(Refused) as refused:
        await anext(websocket.subscribe(url, "nonsense", backoff=quick()))
    assert refused.value.code == 1008


async def test_a_client_that_was_dropped_comes_back_and_misses_nothing(feed, quick):
    server = await websocket.serve(feed, Gate())
    reports = []
    client = websocket.subscribe(
        websocket.address(server.port, None), backoff=quick(), listener=reports.append
    )
    async with aclosing(client):
        feed.publish("small")
        await anext(client)
        for _ in range(200):
            feed.publish("x" * 100_000)
            await asyncio.sleep(0)
        got = [(await anext(client)).message.seq for _ in range(200)]
        assert got == list(range(2, 202))
        assert any("1013: too slow" in report.detail for report in reports)
    feed.close()
    await server.close()


@pytest.mark.parametrize("code", [1000, 1001, 1011, 1012, 1013])
async def test_after_a_close_that_may_pass_a_client_comes_back(quick, code):
    handshakes = 0

    async def handler(connection):
        nonlocal handshakes
        handshakes += 1
        await connection.recv()
        if handshakes == 1:
            await connection.close(code)
        await connection.send('{"seq": 1, "published_ns": 1, "data": null}')

    async with websockets.serve(handler, sock=listen()) as server:
        port = server.sockets[0].getsockname()[1]
        url = f"ws://127.0.0.1:{port}/"
        async with aclosing(websocket.subscribe(url, backoff=quick())) as client:
            assert (await anext(client)).message.seq == 1
    assert handshakes == 2


@pytest.mark.parametrize("code", [1002, 1003, 1007, 1008, 1009, 1010, 4000])
async def test_after_a_close_that_blames_the_client_it_stays_away(quick, code):
    async def handler(connection):
        await connection.recv()
        await connection.close(code, "because")

    async with websockets.serve(handler, sock=listen()) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Refused, match="because") as refused:
            await anext(websocket.subscribe(f"ws://127.0.0.1:{port}/", backoff=quick()))
    assert refused.value.code == code


@pytest.mark.parametrize(("code", "error"), [(1013, Unavailable), (1001, Unavailable)])
async def test_a_message_that_was_not_taken_for_a_passing_reason_may_be_sent_again(code, error):
    async def handler(connection):
        await connection.close(code)

    async with websockets.serve(handler, sock=listen()) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(error, match=str(code)):
            await websocket.send(f"ws://127.0.0.1:{port}/", 1)


async def test_a_client_in_the_middle_of_a_fragmented_message_gets_it_whole(quick):
    async def handler(connection):
        await connection.recv()
        await connection.send(iter(['{"seq": 1, "publi', 'shed_ns": 1, ', '"data": "a"}']))
        await connection.wait_closed()

    async with websockets.serve(handler, sock=listen()) as server:
        port = server.sockets[0].getsockname()[1]
        async with aclosing(websocket.subscribe(f"ws://127.0.0.1:{port}/")) as client:
            assert (await anext(client)).message.data == "a"


async def test_a_client_reports_what_it_does(lab, quick):
    lab.publish("a")
    reports = []
    client = websocket.subscribe(lab.url("websocket"), backoff=quick(), listener=reports.append)
    async with aclosing(client):
        await anext(client)
        waiting = asyncio.ensure_future(anext(client))
        lab.cut("websocket")
        await until(lambda: sum(report.state == "open" for report in reports) == 2)
        await give_up(waiting)
    assert [report.state for report in reports] == [
        "connecting", "open", "reconnecting", "connecting", "open", "closed",
    ]  # fmt: skip
    assert reports[2].detail == "closed with 1006: no reason given"


async def test_every_frame_of_a_client_is_masked(lab):
    await rtlab.send(lab.url("websocket"), "websocket", {"secret": "in clear"})
    up = lab.recording("websocket").stream(1, "up")
    frames = up.partition(b"\r\n\r\n")[2]
    assert frames[0] == 0x80 | Opcode.TEXT
    assert frames[1] & 0x80
    assert b"in clear" not in frames


# ── servers that are not ours ──


@pytest.mark.parametrize("said", ["no JSON", "[1]", "7", '{"seq":1}', '{"hello":1}', '{"lost":{}}'])
async def test_a_server_that_speaks_of_something_else_ends_the_subscription(said, quick):
    async def serve(connection):
        await connection.send(said)
        await connection.wait_closed()

    async with websockets.serve(serve, sock=listen()) as server:
        port = server.sockets[0].getsockname()[1]
        async with aclosing(websocket.subscribe(f"ws://127.0.0.1:{port}/", backoff=quick())) as it:
            with pytest.raises(Refused, match="something else"):
                await anext(it)


async def test_a_client_that_leaves_unread_messages_behind_does_not_wait_for_its_timeout(quick):
    feed = Feed()
    server = await websocket.serve(feed, Gate())
    for number in range(2000):
        feed.publish(number)
    url = websocket.address(server.port, None)
    async with asyncio.timeout(websocket.CLOSE_LIMIT / 2):
        async with aclosing(websocket.subscribe(url, backoff=quick())) as stream:
            await anext(stream)
            await asyncio.sleep(0.1)  # until more is there than the client takes unasked
    feed.close()
    await server.close()


async def test_a_client_that_leaves_closes_with_1000(feed, quick):
    closed = asyncio.get_running_loop().create_future()

    async def serve(connection):
        await connection.recv()
        await connection.send(feed.publish("x").json)
        await connection.wait_closed()
        closed.set_result(connection.close_code)

    async with websockets.serve(serve, sock=listen()) as server:
        port = server.sockets[0].getsockname()[1]
        async with aclosing(websocket.subscribe(f"ws://127.0.0.1:{port}/", backoff=quick())) as it:
            await anext(it)
        assert await closed == 1000


async def test_leaving_does_not_wait_for_messages_that_nobody_reads_any_more(feed, serve):
    for number in range(500):
        feed.publish(number)
    async with websocket.dial(await serve()) as connection:
        await connection.send('{"since": null}')
        await until(lambda: connection.recv_messages.paused)
        await websocket.leave(connection)
        assert connection.close_code == 1000  # 1006 would be the end of the library's patience
