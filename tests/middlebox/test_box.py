"""A middlebox between real sockets: what passes, what ends, what is refused, what is left."""

import asyncio
import gc
import random
import socket
import threading

import pytest

import rtlab
from rtlab import loops
from rtlab.errors import NotRunning, PortInUse, UsageError
from rtlab.log import ring
from rtlab.middlebox import KINDS, forwarding
from tests.ports import free_port
from tests.transports.helpers import dial, reset, wait_until
from tests.transports.helpers import request as ask_for

from .helpers import eventually, read_answer, read_head, request, response, scene

WEBSOCKET = ["Connection: keep-alive, Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"]
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


async def rest(peer):
    data, _ = await peer.rest()
    return data


# ── what passes ──


async def test_a_request_and_its_answer_pass_with_their_headers():
    async with scene() as s:
        client, server = await s.both(request("X-Up: 1", "Connection: x-hop", "X-Hop: 1"))
        assert await read_head(server) == (
            b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Up: 1\r\nVia: 1.1 middlebox\r\n\r\n"
        )
        await server.send(response(b"hello", "X-Down: 1", "Keep-Alive: timeout=5"))
        assert await read_answer(client) == (
            b"HTTP/1.1 200 OK\r\nX-Down: 1\r\nContent-Length: 5\r\nVia: 1.1 middlebox\r\n\r\n",
            b"hello",
        )


async def test_requests_share_one_connection_on_either_side():
    async with scene() as s:
        client, server = await s.both(request(target="/1"))
        for number in range(1, 6):
            assert f"GET /{number} ".encode() in await read_head(server)
            await server.send(response(b"%d" % number))
            assert (await read_answer(client))[1] == b"%d" % number
            await client.send(request(target=f"/{number + 1}"))
        assert s.box.accepted == 1


async def test_requests_that_are_sent_ahead_are_answered_one_by_one():
    async with scene() as s:
        client, server = await s.both(request(target="/1") + request(target="/2"))
        for number in (1, 2):
            assert f"GET /{number} ".encode() in await read_head(server)
            await server.send(response(b"%d" % number))
        assert (await read_answer(client))[1] == b"1"
        assert (await read_answer(client))[1] == b"2"


async def test_each_piece_of_a_stream_passes_as_it_comes():
    async with scene() as s:
        client, server = await s.both(request())
        await read_head(server)
        await server.send(response(b"", "Transfer-Encoding: chunked", length=False))
        head = await read_head(client)
        assert head.lower().count(b"transfer-encoding: chunked") == 1
        for _ in range(5):
            await server.send(b"5\r\nhello\r\n")
            assert await client.read(10) == b"5\r\nhello\r\n"
        await server.send(b"0\r\nX-Trailer: 1\r\n\r\n")
        assert await client.read(5) == b"0\r\n\r\n"


async def test_a_body_that_ends_with_its_connection_gets_chunks():
    async with scene() as s:
        client, server = await s.both(request())
        await read_head(server)
        await server.send(response(b"all", length=False))
        server.end()
        assert b"Transfer-Encoding: chunked" in await read_head(client)
        assert await client.read(13) == b"3\r\nall\r\n0\r\n\r\n"
        await client.send(request())  # the server's end was not the client's
        await read_head(await s.server())


@pytest.mark.parametrize("chunked", [False, True])
async def test_the_body_of_a_request_passes(chunked):
    body = bytes(range(256)) * 2000
    headers = ["Transfer-Encoding: chunked"] if chunked else [f"Content-Length: {len(body)}"]
    async with scene() as s:
        client, server = await s.both(request(*headers, method="POST"))
        assert headers[0].encode() in await read_head(server)
        framed = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if chunked else body
        sending = asyncio.create_task(client.send(framed))
        if chunked:  # cut anew, as this hop likes it
            got = b""
            while (size := int((await read_line(server)), 16)) != 0:
                got += await server.read(size)
                assert await server.read(2) == b"\r\n"
        else:
            got = await server.read(len(body))
        assert got == body
        await sending
        await server.send(response(b"thanks"))
        assert (await read_answer(client))[1] == b"thanks"


async def read_line(peer):
    line = b""
    while not line.endswith(b"\r\n"):
        line += await peer.read(1)
    return line


async def test_who_waits_for_100_continue_gets_it_from_the_server():
    async with scene() as s:
        client, server = await s.both(
            request("Content-Length: 2", "Expect: 100-continue", method="POST")
        )
        assert b"Expect: 100-continue" in await read_head(server)
        await server.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert b"100 Continue" in await read_head(client)
        await client.send(b"42")
        assert await server.read(2) == b"42"


@pytest.mark.parametrize(
    ("method", "status", "body"),
    [("HEAD", "200 OK", b""), ("GET", "204 No Content", b""), ("GET", "304 Not Modified", b"")],
)
async def test_an_answer_without_a_body_has_none_whatever_its_length_says(method, status, body):
    async with scene() as s:
        client, server = await s.both(request(method=method))
        await read_head(server)
        await server.send(response(status=status, length=False)[:-2] + b"Content-Length: 9\r\n\r\n")
        assert status.encode() in await read_head(client)
        await client.send(request(target="/next"))
        assert b"/next" in await read_head(server)


async def test_after_101_bytes_pass_both_ways_whatever_they_are():
    async with scene() as s:
        client, server = await s.both(request(*WEBSOCKET) + b"\x81\x00early")
        head = await read_head(server)
        assert b"Upgrade: websocket" in head and b"Connection: Upgrade" in head
        await server.send(SWITCHING + b"\x81\x00at once")
        head = await read_head(client)
        assert b"101 Switching Protocols" in head and b"Upgrade: websocket" in head
        assert await client.read(9) == b"\x81\x00at once"
        assert await server.read(7) == b"\x81\x00early"
        await client.send(b"GET / HTTP/1.1\r\n\r\n\x00")
        assert await server.read(19) == b"GET / HTTP/1.1\r\n\r\n\x00"
        client.end()
        assert await server.rest() == (b"", "eof")
        await server.send(b"last words")
        server.end()
        assert await rest(client) == b"last words"


async def test_a_server_that_will_not_switch_is_heard_and_http_goes_on():
    async with scene() as s:
        client, server = await s.both(request(*WEBSOCKET))
        await read_head(server)
        await server.send(response(b"no", status="403 Forbidden"))
        assert (await read_answer(client))[1] == b"no"
        await client.send(request())
        await read_head(server)


async def test_one_without_upgrade_makes_of_a_handshake_a_plain_get():
    async with scene("no-upgrade") as s:
        client, server = await s.both(request(*WEBSOCKET, target="/chat?token=x"))
        head = (await read_head(server)).lower()
        assert b"upgrade" not in head and b"connection" not in head
        assert b"sec-websocket-version: 13" in head  # of which it knows nothing
        await server.send(response(status="426 Upgrade Required"))
        assert b"426" in await read_head(client)
        assert s.texts() == ["dropped Upgrade: websocket from GET /chat"]


async def test_http_1_0_gets_a_close_and_no_chunks():
    async with scene() as s:
        client, server = await s.both(request(version="1.0"))
        await read_head(server)
        await server.send(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
        )
        head, _, body = (await rest(client)).partition(b"\r\n\r\n")
        assert body == b"hi"
        assert b"Connection: close" in head and b"chunked" not in head


# ── who leaves, and who is slow ──


async def test_when_the_client_leaves_a_held_request_is_given_up():
    async with scene() as s:
        for leave in ("close", "end", "reset"):
            client, server = await s.both(request())
            await read_head(server)
            getattr(client, leave)()
            assert await rest(server) == b""
        await eventually(lambda: s.box.open_connections == 0)


async def test_when_the_client_leaves_while_its_body_is_under_way_the_server_is_told():
    async with scene() as s:
        client, server = await s.both(request("Content-Length: 10", method="POST", body=b"12"))
        await read_head(server)
        client.close()
        assert await rest(server) == b"12"


async def test_a_server_that_breaks_off_in_the_middle_leaves_no_answer_that_looks_whole():
    async with scene() as s:
        client, server = await s.both(request())
        await read_head(server)
        await server.send(
            response(b"", "Transfer-Encoding: chunked", length=False) + b"2\r\nhi\r\n"
        )
        await read_head(client)
        assert await client.read(7) == b"2\r\nhi\r\n"
        server.close()
        assert await client.rest() == (b"", "eof")
        assert "the server broke off" in s.box.log


async def test_what_is_held_goes_on_when_the_server_breaks_off_and_nowhere_when_the_client_does():
    async with scene("buffering") as s:
        for leaver in ("server", "client"):
            client, server = await s.both(request())
            await read_head(server)
            await server.send(response(b"", "Transfer-Encoding: chunked", length=False))
            await server.send(b"2\r\nhi\r\n")
            await eventually(lambda: "holds 2 bytes" in s.box.log)
            if leaver == "server":
                server.close()
                assert (await rest(client)).endswith(b"2\r\nhi\r\n")
                assert "held 2 bytes" in s.box.log
            else:
                client.close()
                await eventually(lambda: "threw away 2 bytes" in s.box.log)


async def test_an_answer_that_comes_before_the_whole_request_is_heard():
    async with scene() as s:
        client, server = await s.both(
            request("Content-Length: 5000000", method="POST", body=bytes(100_000))
        )
        await server.send(response(b"too large", status="413 Content Too Large"))
        server.close()
        assert (await read_answer(client))[1] == b"too large"


@pytest.mark.parametrize("kind", ["transparent", "buffering"])
async def test_a_client_that_stops_reading_stops_the_server(kind):
    async with scene(kind) as s:
        client, server = await s.both(request())
        await read_head(server)
        size = 64 << 20
        await server.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        written = 0

        async def write():
            nonlocal written
            while written < size:
                await server.send(bytes(1 << 16))
                written += 1 << 16

        writing = asyncio.create_task(write())
        before = -1
        while before != written:  # as far as it goes
            before = written
            await asyncio.sleep(0.3)
        assert written < size // 2
        await read_head(client)
        assert len(await client.read(size)) == size
        await writing


async def test_a_server_that_stops_reading_stops_the_client():
    async with scene() as s:
        size = 64 << 20
        client, server = await s.both(request(f"Content-Length: {size}", method="POST"))
        written = 0

        async def write():
            nonlocal written
            while written < size:
                await client.send(bytes(1 << 16))
                written += 1 << 16

        writing = asyncio.create_task(write())
        before = -1
        while before != written:
            before = written
            await asyncio.sleep(0.3)
        assert written < size // 2
        await read_head(server)
        assert len(await server.read(size)) == size
        await writing


async def test_a_client_that_talks_far_ahead_waits_its_turn():
    async with scene() as s:
        client, server = await s.both(request())
        await read_head(server)
        written = 0

        async def write():
            nonlocal written
            while True:
                await client.send(bytes(1 << 16))
                written += 1 << 16

        writing = asyncio.create_task(write())
        before = -1
        while before != written:
            before = written
            await asyncio.sleep(0.3)
        assert written < 32 << 20
        writing.cancel()
        await server.send(response(b"still here"))
        assert (await read_answer(client))[1] == b"still here"


async def test_many_connections_do_not_mix():
    async with scene() as s:
        clients = {}
        for number in range(100):
            clients[number] = await s.client(request(target=f"/{number}"))
        for _ in clients:
            server = await s.server()
            number = int((await read_head(server)).split()[1][1:])
            await server.send(response(b"%d" % number))
            assert (await read_answer(clients[number]))[1] == b"%d" % number
        assert s.box.open_connections == 100


# ── silence ──


@pytest.mark.parametrize(("ending", "how"), [("cut", "eof"), ("reset", "reset")])
async def test_a_silent_connection_is_killed_on_both_sides_in_the_way_that_is_meant(ending, how):
    async with scene("idle", seconds=0.05, ending=ending) as s:
        client, server = await s.both(request())
        await read_head(server)
        assert (await client.rest())[1] == how
        assert (await server.rest())[1] == how
        assert s.texts() == [f"killed it with a {ending}: silent for 0.05 s"]
        await eventually(lambda: s.box.open_connections == 0)


async def test_a_connection_that_is_kept_for_later_is_killed_as_well():
    async with scene("idle", seconds=0.1) as s:
        client, server = await s.both(request())
        await read_head(server)
        await server.send(response(b"x"))
        await read_answer(client)
        assert await client.rest() == (b"", "eof")


async def test_a_byte_now_and_then_in_either_direction_keeps_it_alive():
    async with scene("idle", seconds=0.5) as s:
        client, server = await s.both(request(*WEBSOCKET))
        await read_head(server)
        await server.send(SWITCHING)
        await read_head(client)
        clock = asyncio.get_running_loop().time
        began = before = clock()
        longest = 0.0  # silence: a busy machine can be silent as well
        for number in range(1_000_000):
            source, target = (client, server) if number % 2 else (server, client)
            await source.send(b"x")
            if not await target.read(1):
                break
            await asyncio.sleep(0.01)
            longest, before = max(longest, clock() - before), clock()
            if before - began > 1.2:
                break
        assert s.texts() == [] or longest > 0.4


# ── who breaks the rules ──

GARBAGE = {
    "noise": b"\x00\xff\x16\x03 nonsense\r\n\r\n",
    "a TLS hello": bytes.fromhex("1603010200010001fc0303") + bytes(500) + b"\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "a space before the colon": b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
    "a NUL": b"GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n",
    "two lengths": b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "another coding": b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
    "a head without end": b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 200_000,
    "a tunnel": b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
async def test_garbage_gets_an_error_and_never_reaches_the_server(garbage):
    async with scene() as s:
        client = await s.client(garbage)
        head, _ = await read_answer(client)
        assert head.split()[1] in (b"400", b"431", b"501", b"505")
        assert b"Connection: close" in head
        client.end()
        assert await rest(client) == b""
        await eventually(lambda: s.box.open_connections == 0)
        assert s.texts()[0].startswith(f"answered {head.split()[1].decode()}: ")


async def test_a_body_that_breaks_the_rules_is_400_and_the_server_does_not_take_it_for_whole():
    async with scene() as s:
        client, server = await s.both(request("Transfer-Encoding: chunked", method="POST"))
        await read_head(server)
        await client.send(b"2\r\nhi\r\nnonsense\r\n")
        assert (await read_head(client)).startswith(b"HTTP/1.1 400")
        assert await rest(server) == b"2\r\nhi\r\n"


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nX", SWITCHING])
async def test_a_server_that_speaks_no_http_is_a_bad_gateway(answer):
    async with scene() as s:
        client, server = await s.both(request())
        await read_head(server)
        await server.send(answer)
        server.close()
        head, body = await read_answer(client)
        assert head.startswith(b"HTTP/1.1 502 Bad Gateway")
        assert b"broke off" in body


async def test_a_server_that_is_not_there_is_a_bad_gateway():
    port = free_port()
    async with rtlab.Middlebox(f"http://127.0.0.1:{port}", "transparent") as box:
        reader, writer = await asyncio.open_connection("127.0.0.1", box.port)
        writer.write(request(method="HEAD"))
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        assert answer.startswith(b"HTTP/1.1 502") and answer.endswith(b"\r\n\r\n")
        assert f"No server answers at 127.0.0.1:{port}" in box.log


async def test_who_never_ends_its_head_is_given_up(monkeypatch):
    monkeypatch.setattr(forwarding, "IDLE_LIMIT", 0.1)
    monkeypatch.setattr(forwarding, "LINGER", 0.1)
    async with scene() as s:
        client = await s.client(b"GET / HTTP/1.1\r\n")
        assert await client.rest() == (b"", "eof")
        await eventually(lambda: s.box.open_connections == 0)


async def test_who_never_reads_to_the_end_is_given_up(monkeypatch):
    monkeypatch.setattr(forwarding, "LINGER", 0.1)
    async with scene() as s:
        client, server = await s.both(request("Connection: close"))
        await read_head(server)
        await server.send(response(b"x"))
        await read_answer(client)  # and stays
        await eventually(lambda: s.box.open_connections == 0)


@pytest.mark.parametrize("kind", KINDS)
def test_damage_and_resets_leave_no_trace(kind, capfd):
    chance = random.Random(kind)
    ring.lines.clear()
    with rtlab.Lab() as lab:
        for transport in rtlab.TRANSPORTS:
            with rtlab.Middlebox(lab.url(transport), kind) as box:
                for _ in range(40):
                    data = bytearray(ask_for(transport, headers=["Accept-Encoding: gzip"]))
                    for _ in range(chance.randrange(4)):
                        data[chance.randrange(len(data))] = chance.randrange(256)
                    sock = dial(box.port)
                    sock.sendall(data[: chance.choice([len(data), chance.randrange(len(data))])])
                    chance.choice([sock.close, lambda sock=sock: reset(sock)])()
                wait_until(lambda box=box: box.open_connections == 0)
        gc.collect()  # a task whose error nobody looked at says so when it goes
        bad = ("rtlab.loops", "closing transport")
        assert not [line for line in ring.lines if any(words in line for words in bad)]
    assert capfd.readouterr() == ("", "")


# ── starting and stopping ──


def test_it_runs_in_the_thread_of_the_lab_and_leaves_nothing(recwarn):
    with rtlab.Lab("sse") as lab:
        threads = threading.active_count()
        box = rtlab.Middlebox(lab.url("sse"), "buffering")
        with box:
            assert threading.active_count() == threads
            assert box.start() is box
            with socket.create_connection(("127.0.0.1", box.port)) as sock:
                sock.sendall(request(target="/events"))
                while not box.log:
                    pass
        assert not box.running
        box.stop()
    assert loops._shared is None
    gc.collect()
    assert not recwarn.list


async def test_closing_ends_every_connection_at_once():
    async with scene() as s:
        pairs = [await s.both(request()) for _ in range(20)]
        for _, server in pairs:
            await read_head(server)
        await s.box.close()
        for client, server in pairs:
            assert await client.rest() == (b"", "eof")
            assert await server.rest() == (b"", "eof")
        assert s.box.open_connections == 0
        await s.box.close()


async def test_it_can_be_opened_again_and_its_log_goes_on():
    async with scene("no-upgrade") as s:
        for count in (1, 2):
            client, server = await s.both(request(*WEBSOCKET))
            await read_head(server)
            assert len(s.box.log) == count
            client.close()
            await s.box.close()
            await s.box.open()


def test_the_url_is_that_of_the_server_but_for_the_port():
    with rtlab.Middlebox("ws://localhost:9/chat?token=x", "idle") as box:
        assert box.url == f"ws://127.0.0.1:{box.port}/chat?token=x"


def test_one_that_is_not_open_says_what_to_do():
    box = rtlab.Middlebox("http://localhost:9", "idle", seconds=2)
    for attribute in ("url", "port", "thread"):
        with pytest.raises(NotRunning, match="start"):
            getattr(box, attribute)
    assert "not open" in repr(box) and "idle, seconds=2" in repr(box)


def test_a_port_that_is_taken_is_said_so():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        box = rtlab.Middlebox("http://localhost:9", "idle", listen=taken.getsockname()[1])
        with pytest.raises(PortInUse):
            box.start()
    assert loops._users == 0


@pytest.mark.parametrize("url", ["", "127.0.0.1:80", "ftp://a/", "http://", "http://a:x/", None, 5])
def test_what_is_no_url_of_a_server_is_refused(url):
    with pytest.raises(UsageError, match="no URL of a server"):
        rtlab.Middlebox(url, "idle")


@pytest.mark.parametrize("url", ["https://a/", "wss://a/"])
def test_what_is_encrypted_cannot_be_meddled_with_and_that_is_said(url):
    with pytest.raises(UsageError, match="encrypted"):
        rtlab.Middlebox(url, "idle")


# ── what it says ──


async def test_it_shows_itself_with_its_log_as_text_and_as_a_table_and_escapes_what_came():
    async with scene("buffering") as s:
        assert repr(s.box.log) == "<nothing was done to anybody>"
        _, server = await s.both(request(target="/<b>"))
        await read_head(server)
        await server.send(response(b"", "Transfer-Encoding: chunked", length=False))
        await server.send(b"5\r\nhello\r\n")
        await eventually(lambda: "holds 5 bytes" in s.box.log)
        assert "holds 5 bytes of GET /<b>" in repr(s.box)
        assert "1 connections, 1 open" in repr(s.box)
        page = s.box._repr_html_()
        assert "holds 5 bytes of GET /&lt;b&gt;" in page and "<b>" not in page
        s.box.log.clear()
        assert len(s.box.log) == 0


async def test_the_log_is_bounded(monkeypatch):
    async with scene("no-upgrade") as s:
        for number in range(600):
            s.box.log.add(1, str(number))
        assert len(s.box.log) == 500
        assert s.box.log[-1].text == "599"
