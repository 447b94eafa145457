"""What it costs to explain: our dissectors beside parsers that explain nothing, scapy and tshark.

The pure parsers read the same bytes to the end, and throw away what they find: no field, no place,
no note. ``websockets`` is run with its C extension for masks and without. "Unfolded" is the time
that it takes to look at every single part of the tree as well, which no reader does.
"""

from __future__ import annotations

import gc
import importlib
import shutil
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from statistics import median

import h11
import httpx
import httpx_sse
import wsproto
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.settings import Settings
from scapy.config import conf
from scapy.contrib.http2 import H2Seq
from scapy.layers.http import HTTPRequest, HTTPResponse
from websockets.frames import Frame, Opcode, apply_mask
from websockets.protocol import CLIENT, SERVER, Protocol, State
from websockets.utils import apply_mask as python_mask

from rtlab.dissect import dissect
from rtlab.link.recording import Recording
from rtlab.link.segment import Connection, Direction, Segment
from rtlab.render.ladder import ladder
from rtlab.render.tree import as_text
from rtlab.transports.sse import Decoder, encode
from tests.benchmarks.report import at_most, line

ROUNDS = 9
conf.max_list_count = 10_000  # scapy would stop after 100 frames
MEGABYTE = 1_000_000

REQUEST = (
    b"GET /messages?since=3 HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nAccept: */*\r\n"
    b"Accept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\n"
    b"User-Agent: python-httpx/0.28.1\r\n"
    b'If-None-Match: "3"\r\nCache-Control: no-store\r\nAccept-Language: en\r\n\r\n'
)
RESPONSE = (
    b'HTTP/1.1 200 OK\r\nETag: "5"\r\nCache-Control: no-cache\r\nContent-Type: application/json; '
    b"charset=utf-8\r\nContent-Length: 100\r\nDate: Thu, 26 Nov 2026 20:00:00 GMT\r\n"
    b"Server: Python/3.11 aiohttp/3.14\r\n\r\n" + b"x" * 100
)


HANDSHAKE: list[tuple[Direction, bytes]] = [
    (
        "up",
        b"GET /chat HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    ),
    (
        "down",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
    ),
]


STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def frames(size: int, count: int, *, masked: bool, opcode: Opcode = Opcode.TEXT) -> bytes:
    """Return frames of one size, one after another."""
    return b"".join(Frame(opcode, b"x" * size).serialize(mask=masked) for _ in range(count))


def ratio(ours: Callable[[], object], theirs: Callable[[], object]) -> tuple[float, float]:
    """Return our time over theirs, and our seconds: medians of runs that take turns."""
    mine, other = [], []
    ours(), theirs()
    gc.collect()
    gc.disable()  # trees are garbage with many parts, and a peer that keeps none would not pay
    try:
        for _ in range(ROUNDS):
            for function, times in ((ours, mine), (theirs, other)):
                begin = time.perf_counter()
                function()
                times.append(time.perf_counter() - begin)
    finally:
        gc.enable()
    return median(a / b for a, b in zip(mine, other, strict=True)), median(mine)


# ── peers ──


def by_websockets(data: bytes, side: object, mask: Callable[..., bytes]) -> None:
    module = importlib.import_module("websockets.frames")
    module.apply_mask = mask
    protocol = Protocol(side, max_size=None)
    protocol.state = State.OPEN
    protocol.receive_data(data)
    protocol.events_received()
    module.apply_mask = apply_mask


def by_wsproto(data: bytes, side: object) -> None:
    connection = wsproto.Connection(side)
    connection.receive_data(data)
    for _ in connection.events():
        pass


def by_h11(data: bytes, role: object, count: int) -> None:
    for _ in range(count):
        connection = h11.Connection(role)
        if role is h11.CLIENT:
            connection.send(h11.Request(method="GET", target="/", headers=[("host", "x")]))
            connection.send(h11.EndOfMessage())
        connection.receive_data(data)
        while type(connection.next_event()) is not h11.EndOfMessage:
            pass


def by_httpx_sse(stream: bytes) -> None:
    answer = httpx.Response(200, headers={"Content-Type": "text/event-stream"}, content=stream)
    for _ in httpx_sse.EventSource(answer).iter_sse():
        pass


def by_scapy(data: bytes, count: int) -> None:
    for _ in range(count):
        (HTTPRequest if data.startswith(b"GET") else HTTPResponse)(data)


def http2(count: int) -> bytes:
    """Return what a client sends that asks so many times on one connection."""
    client = H2Connection()
    client.initiate_connection()
    for number in range(count):
        where = [(":scheme", "http"), (":authority", "a"), (":path", f"/x?since={number}")]
        headers = [(":method", "GET"), *where, ("accept", "*/*")]
        client.send_headers(2 * number + 1, headers, end_stream=True)
    return client.data_to_send()


def by_h2(data: bytes) -> None:
    server = H2Connection(H2Configuration(client_side=False))
    server.local_settings = Settings(client=False, initial_values={3: 1_000_000})
    server.initiate_connection()
    server.receive_data(data)


def by_scapy_http2(data: bytes) -> None:
    _ = H2Seq(data[24:]).frames  # it takes no preface


# ── figures ──


def main() -> None:
    """Print every figure."""
    for what, data, protocol, peers in cases():
        for who, peer in peers:
            value, seconds = ratio(partial(dissect, data, protocol), peer)
            at_most(f"{what} / {who}", value, "x", 1 if who == "scapy" else 3)
        line(f"{what}, alone", len(data) / seconds / MEGABYTE, "MB/s")
        value, _ = ratio(partial(_unfolded, data, protocol), partial(dissect, data, protocol))
        line(f"{what}, unfolded / folded", value, "x")
    _tshark()
    _first_screen()


def _unfolded(data: bytes, protocol: str) -> None:
    for field in dissect(data, protocol).root.walk():
        if field.buffer is not None:
            deque(field.buffer.root.walk(), maxlen=0)


def cases() -> Iterator[tuple[str, bytes, str, list[tuple[str, Callable[[], object]]]]]:
    """Yield what is dissected, its bytes, as what, and the peers that read them."""
    for size, count in ((100, 2000), (65_000, 40)):
        for masked in (False, True):
            data = frames(size, count, masked=masked)
            side = SERVER if masked else CLIENT
            role = wsproto.ConnectionType.SERVER if masked else wsproto.ConnectionType.CLIENT
            yield (
                f"{count:,} frames of {size:,} B{', masked' if masked else ''}",
                data,
                "websocket",
                [
                    ("websockets", partial(by_websockets, data, side, apply_mask)),
                    ("websockets, no C", partial(by_websockets, data, side, python_mask)),
                    (
                        "wsproto",
                        partial(by_wsproto, data, role),
                    ),
                ],
            )
    for what, message, role in (("GET", REQUEST, h11.SERVER), ("200", RESPONSE, h11.CLIENT)):
        peers = [
            ("h11", partial(by_h11, message, role, 300)),
            ("scapy", partial(by_scapy, message, 300)),
        ]
        yield f"300 HTTP messages, {what}", message * 300, "http1", peers
    stream = b"".join(encode('{"seq":4,"data":{"price":101.2}}', id=str(n)) for n in range(2000))
    peers = [
        ("httpx-sse", partial(by_httpx_sse, stream)),
        ("our decoder", lambda: Decoder().feed(stream)),
    ]
    yield "2,000 events", stream, "sse", peers
    connection = http2(500)
    peers = [("h2", partial(by_h2, connection)), ("scapy", partial(by_scapy_http2, connection))]
    yield "500 HTTP/2 requests", connection, "http2", peers


def _tshark() -> None:
    """Explain a recorded chat in full, as text, and have ``tshark -V`` do the same."""
    if shutil.which("tshark") is None:
        print("  tshark is not installed")
        return
    with tempfile.TemporaryDirectory() as folder:
        recordings = [_chat(count) for count in (1, 4000)]
        for number, recording in enumerate(recordings):
            recording.to_pcapng(f"{folder}/{number}.pcapng")
        mine, other = [], []
        for _ in range(ROUNDS):
            begin = time.perf_counter()
            for side in recordings[1].dissect()[0][:2]:
                as_text(side)
            mine.append(time.perf_counter() - begin)
            # What it takes to start does not count.
            other.append(-_seconds(f"{folder}/0.pcapng") + _seconds(f"{folder}/1.pcapng"))
        value = median(a / b for a, b in zip(mine, other, strict=True))
        at_most("4,000 frames of 100 B, as text / tshark -V", value, "x", 1)


def _first_screen() -> None:
    """Show the beginning of recordings of 50 MB, and draw the end of their ladder diagrams."""
    event = encode("x" * 80, id="5")
    chunk = b"%x\r\n%s\r\n" % (len(event), event)
    for what, head, unit in (
        ("frames", HANDSHAKE, frames(100, 1, masked=False)),
        ("events", [("up", REQUEST), ("down", STREAM)], chunk),
    ):
        recording = _recorded(head, 10 * unit, 50 * MEGABYTE // len(unit) // 10)
        begin = time.perf_counter()
        size = len(recording.conversation().html)
        at_most(f"50 MB of {what}: first screen, {size:,} B", time.perf_counter() - begin, "s", 1)
        begin = time.perf_counter()
        ladder({what: recording})
        line(f"50 MB of {what}: the newest of the ladder", time.perf_counter() - begin, "s")


def _chat(count: int) -> Recording:
    """Return a recording of a handshake and so many frames from the server, each sent alone."""
    return _recorded(HANDSHAKE, frames(100, 1, masked=False), count)


def _recorded(head: list[tuple[Direction, bytes]], unit: bytes, count: int) -> Recording:
    recording = Recording(limit=1 << 40)
    recording.add_connection(Connection(1, ("127.0.0.1", 40_000), ("127.0.0.1", 80), 10))
    sent = {"up": 0, "down": 0}
    for number, (direction, data) in enumerate([*head, *[("down", unit)] * count]):
        at = 1_000_000 * (number + 1)
        recording.add(Segment(1, direction, sent[direction], at, at, data))
        sent[direction] += len(data)
    return recording


def _seconds(path: str) -> float:
    begin = time.perf_counter()
    subprocess.run(["tshark", "-V", "-r", path], capture_output=True, check=True)
    return time.perf_counter() - begin
