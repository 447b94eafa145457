"""The recording counts what the kernel counts: TCP_INFO is the witness, no byte more or less."""

import asyncio
import socket
import struct
import sys
from contextlib import aclosing

import pytest
from peers import HANG, eventually, stage

import rtlab
from rtlab.arguments import TRANSPORTS

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="the byte counts of TCP_INFO are Linux's"
)
HTTP = [name for name in TRANSPORTS if name != "websocket"]
OPTIONS = {"polling": {"period": 0.001}}


def kernel(sock):
    """Return how many bytes the other end has acknowledged, and how many it has sent.

    In Linux's ``struct tcp_info`` the two counts follow 8 one-byte fields, 24 of four bytes and two
    of eight. Both count sequence numbers, and SYN and FIN take one each (RFC 9293 §3.4): the
    acknowledged ones of who opened the connection include its SYN (of who accepted it they do not),
    and a FIN is in both once it has come.
    """
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    if len(info) < 136:
        pytest.skip("this kernel's TCP_INFO has no byte counts")
    return struct.unpack_from("=QQ", info, 120)


def client_socket(port):
    """The one socket in the running loop that is connected to a port: our client's."""
    found = [
        transport.get_extra_info("socket")
        for transport in asyncio.get_running_loop()._transports.values()
        if transport.get_extra_info("peername") == ("127.0.0.1", port)
    ]
    (sock,) = found
    return sock


async def same(read, expected):
    """Wait until the kernel's counts are these: the last acknowledgement may be on its way."""
    try:
        await eventually(lambda: read() == expected())
    except TimeoutError:
        assert read() == expected()


async def test_the_kernel_counts_syn_and_fin_as_we_think():
    async with stage() as s:
        client, server = await s.connection()
        await same(lambda: (kernel(client.sock), kernel(server.sock)), lambda: ((1, 0), (0, 0)))
        await client.send(b"0123456789")
        await server.read(10)
        await same(lambda: (kernel(client.sock)[0], kernel(server.sock)[1]), lambda: (11, 10))
        client.end()
        assert await server.rest() == (b"", "eof")
        await same(lambda: (kernel(client.sock)[0], kernel(server.sock)[1]), lambda: (12, 11))


@pytest.mark.parametrize("impairment", [{}, {"latency": 0.002, "jitter": 0.002, "slicing": 50}])
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_the_recording_of_our_own_client_is_the_kernels_count(transport, impairment):
    with rtlab.Lab(transport) as lab:
        lab.impair(**impairment)
        url, link = lab.url(transport), lab.link(transport)
        stream = rtlab.subscribe(url, transport, **OPTIONS.get(transport, {}))
        async with asyncio.timeout(HANG), aclosing(stream):
            for number in range(20):
                lab.publish({"number": number, "text": "ü" * number * 10})
                assert (await anext(stream)).message.data["number"] == number
            # The client rests in its yield: nothing more is on the way.
            sock, recording = client_socket(link.port), link.recording
            await same(
                lambda: kernel(sock),
                lambda: (recording.up.received + 1, recording.down.forwarded),  # 1: its SYN
            )
            (pair,) = link._pairs
            to_client = pair.client.transport.get_extra_info("socket")
            to_server = pair.server.transport.get_extra_info("socket")
            await same(
                lambda: kernel(to_client),
                lambda: (recording.down.forwarded, recording.up.received),
            )
            await same(
                lambda: kernel(to_server),
                lambda: (recording.up.forwarded + 1, recording.down.received),  # 1: the link's SYN
            )
            assert recording.accepted == 1
            assert recording.up.received == recording.up.forwarded > 0
            assert recording.down.received == recording.down.forwarded > 0


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_what_is_sent_up_is_counted_too(transport):
    with rtlab.Lab(transport) as lab:
        url, link = lab.url(transport), lab.link(transport)
        if transport == "websocket":
            from rtlab.transports.websocket import dial

            async with dial(url) as connection:
                await connection.send('{"since": null}')
                await connection.send('"' + "x" * 5000 + '"')
                while "ack" not in await connection.recv():
                    pass
                sock = connection.transport.get_extra_info("socket")
                recording = link.recording
                await same(
                    lambda: kernel(sock),
                    lambda: (recording.up.received + 1, recording.down.forwarded),
                )
                assert recording.up.received > 5000
        else:
            from rtlab.transports.http import connection

            async with connection(read_timeout=HANG) as client:
                for _ in range(5):
                    answer = await client.post(url, json="x" * 5000)
                    assert answer.status_code == 201
                sock = answer.extensions["network_stream"].get_extra_info("socket")
                recording = link.recording
                await same(
                    lambda: kernel(sock),
                    lambda: (recording.up.received + 1, recording.down.forwarded),
                )
                assert recording.up.received > 25_000


@pytest.mark.parametrize("transport", HTTP)
async def test_a_whole_connection_from_syn_to_fin_is_the_kernels_count(transport):
    with rtlab.Lab(transport) as lab:
        lab.publish("the one and only")
        link = lab.link(transport)
        path = lab.url(transport).partition(str(link.port))[2]
        loop, sock = asyncio.get_running_loop(), socket.socket()
        sock.setblocking(False)
        with sock:
            await loop.sock_connect(sock, ("127.0.0.1", link.port))
            request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
            await loop.sock_sendall(sock, request.encode())
            received = await loop.sock_recv(sock, 65_536)
            if transport == "sse":
                sock.shutdown(socket.SHUT_WR)  # the stream has no end of its own
            while data := await loop.sock_recv(sock, 65_536):
                received += data
            if transport != "sse":
                sock.shutdown(socket.SHUT_WR)
            recording = link.recording
            await same(
                lambda: kernel(sock),
                lambda: (recording.up.received + 2, recording.down.forwarded + 1),  # SYN, FIN; FIN
            )
            assert recording.up.received == len(request)
            assert recording.down.forwarded == len(received)
            assert recording.stream(1, "down") == received
            assert b"the one and only" in received
