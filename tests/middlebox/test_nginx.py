"""A real nginx beside our middlebox, before the same servers: they do the same."""

import asyncio
import mmap
import os
import socket
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

import rtlab
from tests.link.peers import HANG, Peer, eventually
from tests.middlebox import nginx
from tests.middlebox.helpers import read_answer, read_head
from tests.transports.helpers import request

pytestmark = pytest.mark.skipif(
    nginx.HERE is None and not os.environ.get("CI"), reason="there is no nginx"
)
PAGE = mmap.PAGESIZE  # bytes of one of nginx's buffers, if it is not told otherwise
SETTINGS = {
    ("buffering", False): "proxy_ignore_headers X-Accel-Buffering;",
    ("buffering", True): "",
    ("no-upgrade", False): "",
    ("caching", True): "proxy_cache memory; proxy_cache_valid 200 60s;",
    ("caching", False): """proxy_cache memory; proxy_cache_valid 200 60s;
                           proxy_ignore_headers Cache-Control;""",
}


@asynccontextmanager
async def nginx_before(url, kind, **settings):
    """Nginx, set as our middlebox of this kind is. Yields its port."""
    chosen = SETTINGS[kind, settings.get("respect", False)]
    async with nginx.nginx(urlsplit(url).port, chosen) as port:
        yield port


@asynccontextmanager
async def ours_before(url, kind, **settings):
    async with rtlab.Middlebox(url, kind, **settings) as box:
        yield box.port


@pytest.fixture(params=[nginx_before, ours_before], ids=["nginx", "ours"])
def before(request):
    """Puts one of the two before a server."""
    return request.param


@asynccontextmanager
async def client(port, data):
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(HANG):
        with socket.socket() as sock:
            peer = Peer(sock)
            await loop.sock_connect(sock, ("127.0.0.1", port))
            await peer.send(data)
            yield peer


async def chunk(peer):
    """Return the next chunk of a body."""
    line = b""
    while not line.endswith(b"\r\n"):
        line += await peer.read(1)
    data = await peer.read(int(line, 16))
    assert await peer.read(2) == b"\r\n"
    return data


async def test_a_stream_is_held_until_a_buffer_is_full_and_then_comes_all_at_once(before):
    with rtlab.Lab("sse") as lab:
        url = lab.url("sse")
        async with (
            before(url, "buffering", size=PAGE) as port,
            client(port, request("sse")) as peer,
        ):
            crossed = lab.recording("sse").down
            while crossed.forwarded < PAGE - 500:  # nginx's first buffer has the head in it, too
                seen = crossed.forwarded
                lab.publish("x" * 100)
                await eventually(lambda seen=seen: crossed.forwarded > seen)
            held = lab.feed.last
            first = asyncio.create_task(peer.read(1))
            done, _ = await asyncio.wait({first}, timeout=0.5)
            assert not done  # not even a head: a browser does not know that it is connected
            for _ in range(10):
                lab.publish("x" * 100)
            assert await first == b"H"
            assert b"200 OK" in await read_head(peer)
            data = await chunk(peer)
            assert f"id: {held}\n".encode() in data  # all at once
            assert f"id: {lab.feed.last}\n".encode() not in data  # but for what begins a new buffer


async def test_a_stream_that_asks_not_to_be_held_comes_event_by_event(before):
    with rtlab.Lab("sse") as lab:
        async with (
            before(lab.url("sse"), "buffering", respect=True) as port,
            client(port, request("sse")) as peer,
        ):
            head = await read_head(peer)
            assert b"X-Accel-Buffering" not in head  # it was for the middlebox
            assert b": welcome" in await chunk(peer)
            for number in range(1, 6):
                lab.publish(number)
                assert f"id: {number}\n".encode() in await chunk(peer)


async def test_a_short_answer_is_not_held(before):
    with rtlab.Lab("long_polling") as lab:
        async with (
            before(lab.url("long_polling"), "buffering") as port,
            client(port, request("long_polling")) as peer,
        ):
            lab.publish("news")
            _, body = await read_answer(peer)
            assert b"news" in body


async def test_a_handshake_arrives_as_a_plain_get_and_is_answered_with_426(before):
    with rtlab.Lab("websocket") as lab:
        async with (
            before(lab.url("websocket"), "no-upgrade") as port,
            client(port, request("websocket")) as peer,
        ):
            head, _ = await read_answer(peer)
            assert head.startswith(b"HTTP/1.1 426 ")
        arrived = lab.recording("websocket").stream(1, "up").lower()
        assert arrived.startswith(b"get /chat http/1.")
        assert b"sec-websocket-key" in arrived and b"upgrade" not in arrived


async def test_what_is_held_when_the_server_breaks_off_goes_on(before):
    with rtlab.Lab("sse") as lab:
        lab.publish("the last one")
        async with (
            before(lab.url("sse"), "buffering") as port,
            client(port, request("sse")) as peer,
        ):
            await eventually(lambda: b"the last one" in lab.recording("sse").stream(1, "down"))
            lab.cut("sse")
            assert b"200 OK" in await read_head(peer)
            assert b"the last one" in await chunk(peer)


@pytest.mark.parametrize("respect", [True, False])
async def test_a_cache_that_is_told_to_serves_old_news(before, respect):
    async def ask(port):
        async with client(port, request("polling")) as peer:
            return (await read_answer(peer))[1]

    with rtlab.Lab("polling") as lab:  # its answers say no-cache
        async with before(lab.url("polling"), "caching", respect=respect) as port:
            assert await ask(port) == b"[]"
            lab.publish("news")
            assert (b"news" in await ask(port)) is respect
