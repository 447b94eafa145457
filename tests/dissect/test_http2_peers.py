"""HTTP/2 as others see it: h2 talks and judges, hyperframe reads frames, tshark reads all of it."""

import asyncio
import shutil
import subprocess
from contextlib import nullcontext

import h2.events
import h2.settings
import hpack
import httpx
import pytest
from h2.stream import StreamState
from hyperframe import frame as hyperframe
from hypothesis import given, settings
from hypothesis import strategies as st

import rtlab
from rtlab.dissect.conversation import converse
from rtlab.dissect.http2 import PREFACE
from rtlab.sockets import listen
from tests.dissect import http2_frames as h
from tests.dissect.helpers import assert_tiled
from tests.dissect.http2_frames import CONNECT, GET, OK, POST, block, client, server
from tests.dissect.http2_peers import connection, frames
from tests.dissect.test_websocket import deflated
from tests.dissect.test_websocket import frame as ws_frame

# ── traffic that h2 writes, both sides ──


class Pair:
    """Two ends of a connection, and what each has said."""

    def __init__(self, offered=None):
        self.client, self.server = connection(True), connection(False)
        self.up = self.down = b""
        self.events = []
        self.client.initiate_connection()
        self.server.initiate_connection()
        self.server.update_settings(offered or {})
        self.pump()

    def pump(self):
        while True:
            up, down = self.client.data_to_send(), self.server.data_to_send()
            if not up and not down:
                return
            self.up, self.down = self.up + up, self.down + down
            self.events += self.server.receive_data(up)
            self.events += self.client.receive_data(down)


NAMES = st.sampled_from(["a", "x-token", "accept", "user-agent"])
VALUES = st.sampled_from(["", "1", "text/event-stream", "v" * 200]) | st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=9
)
EXTRA = st.lists(st.tuples(NAMES, VALUES), max_size=3)
ANSWER = st.tuples(st.just("answer"), EXTRA, st.sampled_from([False, False, False, True]))
BODY = st.tuples(st.just("body"), st.binary(max_size=50), st.none() | st.integers(0, 255))
ACTIONS = st.one_of(
    *([ANSWER] * 3),
    *([BODY] * 5),
    st.tuples(st.just("request"), EXTRA, st.booleans()),
    st.just(("big request",)),
    st.tuples(st.just("interim"), EXTRA),
    st.tuples(st.just("trailers"), EXTRA),
    st.tuples(st.just("upload"), st.binary(max_size=50), st.booleans()),
    st.tuples(st.just("push"), EXTRA),
    st.tuples(st.just("ping"), st.binary(min_size=8, max_size=8)),
    st.tuples(st.just("window"), st.integers(1, 1000), st.booleans()),
    st.tuples(st.just("reset"), st.integers(0, 15)),
    st.tuples(st.just("priority"), st.integers(1, 256)),
    st.tuples(st.just("settings"), st.sampled_from([(1, 8_192), (4, 70_000), (5, 20_000), (8, 1)])),
)


def act(pair, action):
    """Do one thing, if it can be done now: h2 gives up a connection that is asked for more."""
    client_, server_ = pair.client, pair.server
    last = client_.highest_outbound_stream_id
    asking, answering = client_.streams.get(last), server_.streams.get(last)
    gone = asking is None or asking.closed or answering is None or answering.closed
    ends = (StreamState.OPEN, StreamState.HALF_CLOSED_REMOTE)
    going_on = not gone and answering.state_machine.state in ends
    answered = going_on and answering.state_machine.headers_sent
    match action:
        case "request", extra, end:
            number = client_.get_next_available_stream_id()
            client_.send_headers(number, GET + extra, end_stream=end)
        case ("big request",):  # in Huffman's code a backslash takes 19 bits
            number = client_.get_next_available_stream_id()
            client_.send_headers(number, [*GET, ("x-big", "\\" * 7_000)], end_stream=True)
        case "ping", data:
            client_.ping(data)
        case "settings", (identifier, value) if server_.local_settings.get(identifier) != value:
            server_.update_settings({identifier: value})
        case _ if gone:
            pass
        case "answer", extra, end if going_on and not answered:
            server_.send_headers(last, OK + extra, end_stream=end)
        case "interim", extra if going_on and not answered:
            server_.send_headers(last, [(":status", "103"), *extra])
        case "body", data, pad if answered:
            server_.send_data(last, data, pad_length=pad)
        case "trailers", extra if answered:
            server_.send_headers(last, extra or [("a", "b")], end_stream=True)
        case "upload", data, end if asking.state_machine.state == StreamState.OPEN:
            client_.send_data(last, data, end_stream=end)
        case "push", extra if going_on:
            number = server_.get_next_available_stream_id()
            server_.push_stream(last, number, GET + extra)
            server_.send_headers(number, OK)
            server_.send_data(number, b"pushed", end_stream=True)
        case "window", count, whole:
            server_.increment_flow_control_window(count, None if whole else last)
        case "reset", code:
            client_.reset_stream(last, code)
        case "priority", weight:
            client_.prioritize(last, weight, depends_on=0)


def talk(actions):
    pair = Pair()
    for action in actions:
        act(pair, action)
        pair.pump()
    return pair


def value(field, name):
    found = [child for child in field.children if child.name == name]
    return found[0].value if found else None


def assert_alike(dissection):
    """Every frame has the values that hyperframe finds, every block the fields that hpack finds."""
    decoder, fragments = hpack.Decoder(), b""
    decoder.max_allowed_table_size = 8_192
    ours = [field for field in dissection.root.children if field.name == "frame"]
    for field, (theirs, length) in zip(ours, frames(dissection.data), strict=True):
        assert value(field, "type") == theirs.type
        assert value(field, "length") == length
        assert value(field, "stream identifier") == theirs.stream_id
        assert {f.name for f in field.children[2:-1] if f.value and f.stop - f.start == 1} >= set(
            theirs.flags
        )
        match theirs:
            case hyperframe.DataFrame():
                assert value(field, "data") == theirs.data
                assert (value(field, "pad length") or 0) == theirs.pad_length
            case hyperframe.SettingsFrame():
                settings_ = [f.children for f in field.children if f.name == "setting"]
                assert {a.value: b.value for a, b in settings_} == theirs.settings
            case hyperframe.PriorityFrame():
                assert value(field, "weight") == theirs.stream_weight + 1
                assert value(field, "stream dependency") == theirs.depends_on
            case hyperframe.RstStreamFrame():
                assert value(field, "error code") == theirs.error_code
            case hyperframe.PingFrame():
                assert value(field, "opaque data") == theirs.opaque_data
            case hyperframe.GoAwayFrame():
                assert value(field, "last stream") == theirs.last_stream_id
                assert value(field, "error code") == theirs.error_code
                assert (value(field, "debug data") or b"") == theirs.additional_data
            case hyperframe.WindowUpdateFrame():
                assert value(field, "window size increment") == theirs.window_increment
            case hyperframe.PushPromiseFrame():
                assert value(field, "promised stream") == theirs.promised_stream_id
        if isinstance(
            theirs,
            (hyperframe.HeadersFrame, hyperframe.PushPromiseFrame, hyperframe.ContinuationFrame),
        ):
            assert value(field, "field block fragment") == theirs.data
            fragments += theirs.data
            if "END_HEADERS" in theirs.flags:
                fragment = field.find("field block fragment")
                shown = [
                    f.value for f in fragment.buffer.root.children if isinstance(f.value, tuple)
                ]
                assert shown == [
                    (n.decode("latin-1"), v.decode("latin-1"))
                    for n, v in decoder.decode(fragments, raw=True)
                ]
                fragments = b""


@settings(deadline=None)
@given(EXTRA, st.lists(ACTIONS, max_size=15))
def test_what_h2_writes_is_in_order_and_read_alike_by_hyperframe_and_hpack(extra, actions):
    pair = talk([("request", extra, False), *actions])
    conversation = converse(pair.up, pair.down)
    assert conversation.errors == []
    for side in (conversation.up, conversation.down):
        assert_tiled(side.root, len(side.data))
        assert_alike(side)


def test_the_events_that_h2_delivers_are_those_of_the_tree():
    pair = Pair()
    pair.client.send_headers(1, GET, end_stream=True)
    pair.pump()
    pair.server.send_headers(1, [*OK, ("content-type", "text/event-stream")])
    for piece in (b"id: 1\nda", b"ta: x\n", b"\ndata: y\n\n"):
        pair.server.send_data(1, piece)
    pair.server.end_stream(1)
    pair.pump()
    received = b"".join(e.data for e in pair.events if isinstance(e, h2.events.DataReceived))
    conversation = converse(pair.up, pair.down)
    buffers = [f.buffer for f in conversation.down.root.walk() if f.name == "data" and f.buffer]
    assert b"".join(buffer.data for buffer in buffers) == received
    assert [f.value for b in buffers for f in b.root.children] == [
        'event "message", id "1"',
        'event "message", id "1"',
    ]
    assert conversation.errors == []


@pytest.mark.parametrize("extensions", ["", "permessage-deflate; server_no_context_takeover"])
def test_a_web_socket_over_http2_in_both_directions(extensions):
    pair = Pair({h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL: 1})
    asked = [*CONNECT, ("sec-websocket-version", "13"), ("sec-websocket-extensions", extensions)]
    pair.client.send_headers(1, asked)
    pair.client.send_headers(3, GET, end_stream=True)
    pair.pump()
    pair.server.send_headers(1, [*OK, ("sec-websocket-extensions", extensions)])
    pair.server.send_headers(3, OK)
    hello, rsv = (deflated(b"Hello"), 4) if extensions else (b"Hello", 0)
    pair.client.send_data(1, ws_frame(1, hello, rsv=rsv, key=b"abcd"))
    pair.server.send_data(3, b"\x81\x05Hello", end_stream=True)
    for _ in range(2):
        pair.server.send_data(1, ws_frame(1, hello, rsv=rsv))
    pair.pump()
    conversation = converse(pair.up, pair.down)
    assert conversation.errors == []
    for side, count in ((conversation.up, 1), (conversation.down, 2)):
        tunnels = [f.buffer for f in side.root.walk() if f.name == "data" and f.buffer]
        assert [buffer.name for buffer in tunnels] == ["WebSocket"] * count
        for buffer in tunnels:
            assert buffer.root.children[0].value.startswith("text")
            assert "Hello" in repr(rtlab.Dissection("http2", side.data, side.root))


def test_a_refused_web_socket_carries_none():
    up = client(h.headers(CONNECT), h.data(ws_frame(1, deflated(b"hi"), rsv=4, key=b"abcd")))
    offer = ("sec-websocket-extensions", "permessage-deflate")
    down = server(h.headers([(":status", "403"), offer]), h.data(b"no", flags=h.END_STREAM))
    conversation = converse(up, down)
    assert [f.name for f in conversation.errors] == ["RSV1"]  # nothing was agreed to
    assert conversation.down.root.find("data").buffer is None
    agreed = converse(up, server(h.headers([*OK, offer])))
    assert agreed.errors == []
    assert "'hi'" in repr(agreed.up)


def test_each_side_is_judged_by_what_the_other_allows():
    large = h.headers(POST) + h.data(bytes(20_000), flags=1)
    small, wide = server(), h.settings((5, 20_000)) + server()
    assert [f.name for f in converse(client(large), small).errors] == ["length"]
    assert converse(client(large), wide).errors == []
    narrowed = wide + h.settings((5, 16_384))  # who knows which frames came before
    assert converse(client(large), narrowed).errors == []
    table = h.frame(h.HEADERS, bytes.fromhex("3fe1ff0388"), stream=1, flags=5)  # 65,536
    assert [f.name for f in converse(client(h.headers(GET)), server(table)).errors] == ["size"]
    allowed = client(h.settings((1, 65_536)), h.headers(GET))
    assert converse(allowed, server(table)).errors == []
    promise = h.frame(h.PUSH_PROMISE, b"\0\0\0\2" + block(GET), stream=1, flags=4)
    assert converse(client(h.headers(GET)), server(promise)).errors == []
    no_push = client(h.settings((2, 0)), h.headers(GET))
    assert [f.name for f in converse(no_push, server(promise)).errors] == ["type"]


@pytest.mark.parametrize(
    ("frame", "wrong", "refused"),
    [
        (h.headers(OK, stream=1), False, False),
        (h.headers(OK, stream=7), True, True),
        (h.headers(OK, stream=3), True, True),  # skipped
        (h.data(b"a", stream=7), True, True),
        (h.frame(h.RST_STREAM, bytes(4), stream=7), True, False),  # §6.4 has it refused as well
        (h.frame(h.WINDOW_UPDATE, b"\0\0\0\1", stream=7), True, True),
        (h.frame(h.PUSH_PROMISE, b"\0\0\0\2" + block(GET), stream=7, flags=4), True, True),
        (h.frame(h.PRIORITY, bytes(5), stream=7), False, False),
    ],
)
def test_a_server_uses_no_stream_that_the_client_has_not_opened(frame, wrong, refused):
    peer = connection(True)
    peer.initiate_connection()
    for stream in (1, 5):
        peer.send_headers(stream, GET, end_stream=True)
    up = peer.data_to_send()
    clause = [("stream identifier", "RFC 9113 §5.1.1")] * wrong
    assert [(f.name, f.reference) for f in converse(up, server(frame)).errors] == clause
    # Where bytes up are missing, and where the server is alone, the stream may well be there.
    gap = converse(up, server(frame), missing=("a gap", ""))
    assert not any(f.reference == "RFC 9113 §5.1.1" for f in gap.errors)
    with pytest.raises(h2.exceptions.ProtocolError) if refused else nullcontext():
        peer.receive_data(server(frame))


@pytest.mark.parametrize("up", [PREFACE, PREFACE + b"\0", client(h.headers(GET))[:-3]])
@pytest.mark.parametrize("down", [b"", b"\0\0", h.settings((5, 1))[:-1], b"HTTP/1.1 400 x\r\n\r\n"])
def test_nonsense_raises_nothing(up, down):
    conversation = converse(up, down)
    assert (conversation.up.protocol, conversation.down.protocol) == ("http2", "http2")
    assert conversation.down.root.stop == len(down) * 8


# ── a real client and a real server, and tshark beside us ──


class Events(asyncio.Protocol):
    """A server that answers with two events and trailers, or says what was posted to it."""

    def connection_made(self, transport):
        self.transport, self.end, self.asked = transport, connection(False), {}
        self.end.initiate_connection()
        self.transport.write(self.end.data_to_send())

    def data_received(self, data):
        for event in self.end.receive_data(data):
            match event:
                case h2.events.RequestReceived():
                    self.asked[event.stream_id] = (dict(event.headers), b"")
                case h2.events.DataReceived():
                    fields, body = self.asked[event.stream_id]
                    self.asked[event.stream_id] = (fields, body + event.data)
                case h2.events.StreamEnded():
                    self.answer(event.stream_id, *self.asked[event.stream_id])
        self.transport.write(self.end.data_to_send())

    def answer(self, number, fields, body):
        stream = fields[b":method"] == b"GET"
        kind = "text/event-stream" if stream else "text/plain"
        self.end.send_headers(number, [*OK, ("content-type", kind), ("x-big", "\\" * 7_000)])
        for piece in (b"data: o", b"ne\n\ndata: two\n\n") if stream else (body,):
            self.end.send_data(number, piece, pad_length=3)
        self.end.send_headers(number, [("x-sum", "7")], end_stream=True)


@pytest.fixture
async def recording():
    """What crossed a link between httpx and that server."""
    server_ = await asyncio.get_running_loop().create_server(Events, sock=listen())
    port = server_.sockets[0].getsockname()[1]
    link = rtlab.Link("127.0.0.1", port, slicing=700).start()
    try:
        async with httpx.AsyncClient(http1=False, http2=True, timeout=20) as client_:
            base = f"http://127.0.0.1:{link.port}"
            first, second = await asyncio.gather(
                client_.get(f"{base}/events?a=1"), client_.post(f"{base}/say", content=b"hello")
            )
        assert (first.http_version, second.text) == ("HTTP/2", "hello")
        async with asyncio.timeout(20):
            while link.recording.open_connections:
                await asyncio.sleep(0.01)
        yield link.recording
    finally:
        link.stop()
        server_.close()


async def test_a_recording_is_dissected_as_http2_in_both_directions(recording):
    (conversation,) = recording.dissect()
    assert (conversation.up.protocol, conversation.down.protocol) == ("http2", "http2")
    assert conversation.errors == []
    for side in (conversation.up, conversation.down):
        assert_tiled(side.root, len(side.data))
        assert_alike(side)
    assert "GET /events?a=1" in repr(conversation.up)
    events = [f.value for f in blocks(conversation.down)]
    assert events == ['event "message"', 'event "message"']


def blocks(dissection):
    buffers = [f.buffer for f in dissection.root.walk() if f.name == "data" and f.buffer]
    return [part for buffer in buffers for part in buffer.root.children]


@pytest.mark.skipif(shutil.which("tshark") is None, reason="there is no tshark")
async def test_tshark_finds_the_same_frames_and_fields(recording, tmp_path):
    path = tmp_path / "http2.pcapng"
    recording.to_pcapng(path)
    port = recording.connections[0].server[1]
    command = ["tshark", "-r", path, "-d", f"tcp.port=={port},http2", "-T", "fields"]
    names = ("type", "streamid", "length", "header.name", "header.value")
    for name in ("tcp.srcport", "_ws.malformed", *(f"http2.{name}" for name in names)):
        command += ["-e", name]
    command += ["-E", "aggregator=\x1f", "-E", "separator=\x1e"]
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, check=True, timeout=60
    )
    theirs = {"up": [[] for _ in range(5)], "down": [[] for _ in range(5)]}
    for line in done.stdout.decode().rstrip("\n").split("\n"):
        source, malformed, *columns = line.split("\x1e")
        assert not malformed
        direction = "down" if source == str(port) else "up"
        for found, column in zip(theirs[direction], columns, strict=True):
            found += column.split("\x1f") if column else []
    (conversation,) = recording.dissect()
    for direction, side in (("up", conversation.up), ("down", conversation.down)):
        ours = [field for field in side.root.children if field.name == "frame"]
        kinds, streams, lengths, field_names, values = theirs[direction]
        assert [int(kind) for kind in kinds] == [value(frame, "type") for frame in ours]
        assert [int(number) for number in streams] == [
            value(frame, "stream identifier") for frame in ours
        ]
        assert [int(length) for length in lengths] == [value(frame, "length") for frame in ours]
        fragments = [f for f in side.root.walk() if f.name == "field block fragment" and f.buffer]
        lines = [line.value for f in fragments for line in f.buffer.root.children]
        fields = [line for line in lines if isinstance(line, tuple)]
        assert list(zip(field_names, values, strict=True)) == fields
