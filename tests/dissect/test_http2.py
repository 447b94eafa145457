"""HTTP/2 frames: what the tree says, what is wrong with them, and that nothing else matters."""

import itertools
import tracemalloc

import hpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rtlab
from rtlab.dissect.http2 import PREFACE, dissector
from rtlab.dissect.http2_frames import KINDS
from rtlab.dissect.http2_remarks import BLOCK_REMARKS, ERROR_CODES, FIELDS, REMARKS, SETTINGS
from tests.dissect import http2_frames as h
from tests.dissect.helpers import assert_tiled, cut, cut_off, one_by_one
from tests.dissect.http2_frames import CONNECT, GET, OK, POST, block, client, server, tree
from tests.dissect.test_websocket import frame as ws_frame
from tests.dissect.timing import LINEAR, growth


def leaves(field):
    return [(f.name, f.stop - f.start, f.value) for f in field.walk() if not f.children]


def briefs(root):
    return [field.value for field in root.children if field.name == "frame"]


def wrongs(root):
    return [(field.name, field.reference) for field in root.errors]


def only(root, name):
    (field,) = [field for field in root.walk() if field.name == name]
    return field


def derived(root):
    """The buffers that hang on the fields of a tree, not those within them."""
    return [field.buffer for field in root.walk() if field.buffer is not None]


# ── what the tree says ──


def test_a_frame_header_bit_by_bit():
    root = tree(h.server(h.headers(OK), h.data(b"hi", flags=h.END_STREAM)), sender="server")
    assert leaves(root.children[-1]) == [
        ("length", 24, 2),
        ("type", 8, 0),
        ("unused flags", 4, 0),
        ("PADDED", 1, 0),
        ("unused flags", 2, 0),
        ("END_STREAM", 1, 1),
        ("reserved", 1, 0),
        ("stream identifier", 31, 1),
        ("data", 16, b"hi"),
    ]
    assert root.errors == []


FLAGS = {  # RFC 9113 §6, RFC 9218 §7.1: the flags of each type, by their bit
    h.DATA: {"END_STREAM": 0x1, "PADDED": 0x8},
    h.HEADERS: {"END_STREAM": 0x1, "END_HEADERS": 0x4, "PADDED": 0x8, "PRIORITY": 0x20},
    h.PRIORITY: {},
    h.RST_STREAM: {},
    h.SETTINGS: {"ACK": 0x1},
    h.PUSH_PROMISE: {"END_HEADERS": 0x4, "PADDED": 0x8},
    h.PING: {"ACK": 0x1},
    h.GOAWAY: {},
    h.WINDOW_UPDATE: {},
    h.CONTINUATION: {"END_HEADERS": 0x4},
    h.PRIORITY_UPDATE: {},
}


@pytest.mark.parametrize("kind", FLAGS)
def test_each_flag_lies_at_its_bit(kind):
    assert FLAGS.keys() == KINDS.keys()
    for bit in range(8):
        fields = tree(h.frame(kind, flags=1 << bit)).children[0].children[2:-2]
        (field,) = [field for field in fields if field.value]
        assert 40 - field.stop == bit or field.name == "unused flags"
        named = [name for name, mask in FLAGS[kind].items() if mask == 1 << bit]
        assert field.name == (named[0] if named else "unused flags")


def test_a_client_s_connection():
    root = tree(
        client(
            h.settings((5, 16_384), (8, 1)),
            h.settings(flags=h.ACK),
            h.headers(GET, flags=5),
            h.frame(h.WINDOW_UPDATE, b"\0\0\1\0"),
            h.frame(h.PING, b"12345678"),
            h.frame(h.RST_STREAM, b"\0\0\0\x08", stream=1),
            h.frame(h.PRIORITY_UPDATE, b"\0\0\0\1u=1, i"),
            h.frame(h.PRIORITY, b"\x80\0\0\3\x0f", stream=1),
            h.frame(66, b"abc", stream=5, flags=0xFF),
            h.frame(h.GOAWAY, bytes(8)),
            h.frame(h.GOAWAY, bytes(8) + b"bye"),
        )
    )
    assert root.errors == []
    assert root.children[0].name == "connection preface"
    assert briefs(root) == [
        "SETTINGS",
        "SETTINGS",
        "SETTINGS, ACK",
        "HEADERS, stream 1, END_STREAM, GET /",
        "WINDOW_UPDATE, +256",
        "PING",
        "RST_STREAM, stream 1, CANCEL",
        "PRIORITY_UPDATE, for 1",
        "PRIORITY, stream 1",
        "unknown type 0x42, stream 5, 3 bytes",
        "GOAWAY, last stream 0, NO_ERROR",
        "GOAWAY, last stream 0, NO_ERROR",
    ]
    assert only(root, "priority").value == "u=1, i"
    assert only(root, "weight").value == 16
    assert only(root, "debug data").value == b"bye"
    assert only(root, "payload").value == b"abc"


def test_a_promise_and_the_stream_that_it_promises():
    root = tree(
        server(
            h.frame(h.PUSH_PROMISE, b"\0\0\0\2" + block(GET), stream=1, flags=h.END_HEADERS),
            h.headers(OK, stream=2),
            h.data(b"pushed", stream=2, flags=h.END_STREAM),
            h.headers(OK, stream=1, flags=5),
        )
    )
    assert root.errors == []
    assert briefs(root)[1] == "PUSH_PROMISE, stream 1, promises 2, GET /"


def test_settings_and_error_codes_are_named():
    every = client(*(h.settings((number, 1)) for number in (1, 2, 3, 4, 6, 8, 9, 0x4242)))
    values = [f.value for f in tree(every).walk() if f.name == "setting"]
    assert values[:-1] == [f"{SETTINGS[n][0]} = 1" for n in (1, 2, 3, 4, 6, 8, 9)]
    assert values[-1] == "unknown setting 0x4242 = 1"
    assert tree(every).errors == []
    for code, (name, meaning) in ERROR_CODES.items():
        root = tree(server(h.frame(h.GOAWAY, bytes(4) + code.to_bytes(4, "big"))))
        assert briefs(root)[-1].endswith(name)
        assert only(root, "error code").note == meaning
    assert briefs(tree(server(h.frame(h.GOAWAY, b"\0\0\0\0\1\0\0\0"))))[-1].endswith("0x1000000")


def test_padding_and_priority_lie_around_what_they_are_the_padding_of():
    fields = block(GET)
    payload = b"\x03" + b"\0\0\0\0\x10" + fields + bytes(3)
    root = tree(client(h.frame(h.HEADERS, payload, stream=1, flags=0x2D)))
    names = [name for name, _, _ in leaves(root.children[-1])]
    assert names[-6:] == [
        "pad length",
        "exclusive",
        "stream dependency",
        "weight",
        "field block fragment",
        "padding",
    ]
    assert only(root, "field block fragment").value == fields
    assert root.errors == []


def test_fragments_are_joined_where_the_last_one_ends():
    fields = block(GET)
    for first, second in ((1, 2), (9, 9), (0, 0), (len(fields), len(fields))):
        root = tree(
            client(
                h.frame(h.HEADERS, fields[:first], stream=1, flags=h.END_STREAM),
                h.frame(h.CONTINUATION, fields[first:second], stream=1),
                h.frame(h.CONTINUATION, fields[second:], stream=1, flags=h.END_HEADERS),
                h.headers(GET, stream=3, flags=5, encoder=hpack.Encoder()),
            )
        )
        assert root.errors == []
        assert derived(root)[0].data == fields
        assert only(root.children[4], "field block fragment").buffer.name == "field block"
        assert briefs(root)[1:4] == [
            "HEADERS, stream 1, END_STREAM",
            "CONTINUATION, stream 1",
            "CONTINUATION, stream 1, GET /",
        ]


def test_every_field_has_a_note_and_a_clause():
    fields = [*GET, ("x-more", "1" * 200), ("cookie", "a"), ("te", "trailers")]
    event = b"data: x\n\n"
    roots = [
        tree(client(h.headers(fields), h.data(b"x"), h.frame(99, b"x"), h.settings((99, 1)))),
        tree(client(h.headers(CONNECT), h.data(ws_frame(1, b"hi", key=b"abcd")))),
        tree(server(h.headers([*OK, ("content-type", "text/event-stream")]), h.data(event))),
        tree(client(h.frame(h.PRIORITY, bytes(4) + b"\1", stream=3), h.frame(h.PING, bytes(8)))),
    ]
    waiting = list(roots)
    while waiting:
        for field in waiting.pop().walk():
            if field.name != "stream":
                assert field.note and field.reference, field
            if field.buffer is not None:
                waiting.append(field.buffer.root)
    for table in (REMARKS, BLOCK_REMARKS, FIELDS):
        for note, clause in table.values():
            assert note and clause.startswith(("RFC ", "WHATWG "))


# ── what DATA carry ──

EVENTS = [*OK, ("content-type", "Text/Event-Stream; charset=utf-8")]


def test_each_data_frame_has_the_events_that_it_completes():
    root = tree(
        server(
            h.headers(EVENTS),
            h.headers(EVENTS, stream=3),
            h.data(b"id: 1\ndata: one\n\ndata: tw"),
            h.data(b"data: other\n\n", stream=3),
            h.data(b"o"),
            h.data(b"\n\n: ping\n\ndata: three\n\n"),
            h.data(b"data: four"),
        )
    )
    frames = [only(frame, "data").buffer for frame in root.children[3:]]
    assert [buffer and buffer.data for buffer in frames] == [
        b"id: 1\ndata: one\n\n",
        b"data: other\n\n",
        None,
        b"data: two\n\n: ping\n\ndata: three\n\n",
        b"data: four",
    ]
    assert [block.value for block in frames[3].root.children] == [
        'event "message", id "1"',
        "comment",
        'event "message", id "1"',
    ]
    (never,) = root.errors
    assert "never dispatched" in never.error
    assert_tiled(root, len(root_bytes(root)))


def root_bytes(root):
    return bytes(root.stop // 8)


def test_the_end_of_a_stream_is_the_end_of_its_events():
    start, begun = h.headers(EVENTS), h.data(b"data: x\n\ndata: y")
    for end in (
        h.data(flags=h.END_STREAM),
        h.headers([("x-sum", "1")], flags=5),
        h.frame(h.RST_STREAM, bytes(4), stream=1),
    ):
        root = tree(server(start, begun, end, h.headers(OK, stream=3, flags=5)))
        assert wrongs(root) == [("block", "WHATWG HTML §9.2.6")]
        rest = [buffer.data for buffer in derived(root) if buffer.name == "event stream"]
        assert b"".join(rest) == b"data: x\n\ndata: y"


def test_the_end_of_a_stream_shows_at_once():
    dissecting = dissector()
    dissecting.feed(server(h.headers(EVENTS), h.data(b"data: x", flags=h.END_STREAM)))
    assert only(dissecting.root, "data").buffer.data == b"data: x"


@pytest.mark.parametrize("more", [[("content-encoding", "gzip")], [("content-type", "text/html")]])
def test_other_bodies_are_bytes(more):
    fields = [*OK, *more] if more[0][0] == "content-type" else [*EVENTS, *more]
    root = tree(server(h.headers(fields), h.data(b"data: x\n\n")))
    assert only(root, "data").buffer is None


def test_a_web_socket_in_a_stream():
    frames = ws_frame(1, b"Hello", key=b"abcd") + ws_frame(8, b"\x03\xe8", key=b"abcd")
    asking = client(h.headers(CONNECT), h.data(frames[:5]), h.data(frames[5:], flags=1))
    root = tree(asking)
    assert root.errors == []
    first, second = (only(frame, "data").buffer for frame in root.children[3:])
    assert first is None and second.data == frames and second.name == "WebSocket"
    assert [field.value for field in second.root.children] == ["text, 5 bytes", "close 1000"]
    answer = server(h.headers(OK), h.data(ws_frame(1, b"Hello")))
    assert only(tree(answer), "data").buffer is None
    for tunnels in ([1], {1: ""}):
        buffer = only(tree(answer, tunnels=tunnels), "data").buffer
        assert [field.value for field in buffer.root.children] == ["text, 5 bytes"]
    refused = server(h.headers([(":status", "403")]), h.data(b"no"))
    assert only(tree(refused, tunnels=[1]), "data").buffer is None
    # A tunnel ends at no length, and a masked frame from the server is wrong within it.
    wrong = server(h.headers(OK), h.data(ws_frame(1, b"", key=b"abcd")))
    assert wrongs(tree(wrong, tunnels=[1])) == [("MASK", "RFC 6455 §5.1")]


# ── violations ──

LAST = ("stream identifier", 95)  # where a frame's stream lies


PROMISED = b"\0\0\0\2" + block(GET)


def pushed(*more, payload=PROMISED, stream=1):
    return h.frame(h.PUSH_PROMISE, payload, stream=stream, flags=4), *more


LONG = bytes(16_385)
# Name to: who sends it, frames after the SETTINGS, the field and clause, options.
VIOLATIONS = {
    # frames
    "too large": ("client", [h.headers(POST), h.data(LONG)], "length", "9113 §4.2"),
    "a flag without a meaning": (
        "client", [h.frame(h.PING, bytes(8), flags=2)], "unused flags", "9113 §4.1",
    ),
    "flags that mean something for other types": (
        "client", [h.frame(h.SETTINGS, flags=0x28)], "unused flags", "9113 §4.1",
    ),
    "the reserved bit": (
        "client", [h.frame(h.PING, bytes(8), reserved=1)], "reserved", "9113 §4.1",
    ),
    "the reserved bit of an increment": (
        "client", [h.frame(h.WINDOW_UPDATE, b"\x80\0\0\1")], "reserved", "9113 §4.1",
    ),
    **{
        f"{KINDS[kind].name} on stream 0": (
            "client", [h.frame(kind, payload, flags=flags)], "stream identifier", f"9113 {clause}",
        )
        for kind, payload, flags, clause in [
            (h.DATA, b"", 0, "§6.1"),
            (h.HEADERS, block(GET), 4, "§6.2"),
            (h.PRIORITY, b"\0\0\0\1\0", 0, "§6.3"),
            (h.RST_STREAM, bytes(4), 0, "§6.4"),
        ]
    },
    "PUSH_PROMISE on stream 0": ("server", pushed(stream=0), "stream identifier", "9113 §6.6"),
    **{
        f"{KINDS[kind].name} on stream 1": (
            "client", [h.frame(kind, payload, stream=1)], "stream identifier", clause,
        )
        for kind, payload, clause in [
            (h.SETTINGS, b"", "9113 §6.5"),
            (h.PING, bytes(8), "9113 §6.7"),
            (h.GOAWAY, bytes(8), "9113 §6.8"),
            (h.PRIORITY_UPDATE, b"\0\0\0\1", "9218 §7.1"),
        ]
    },
    **{
        f"{KINDS[kind].name} of {size}": (
            "client",
            [h.headers(GET), h.frame(kind, bytes(size), stream=stream, flags=flags)],
            "length",
            clause,
        )
        for kind, size, stream, flags, clause in [
            (h.PRIORITY, 4, 1, 0, "9113 §6.3"), (h.PRIORITY, 6, 1, 0, "9113 §6.3"),
            (h.RST_STREAM, 3, 1, 0, "9113 §6.4"), (h.RST_STREAM, 5, 1, 0, "9113 §6.4"),
            (h.SETTINGS, 5, 0, 0, "9113 §6.5"), (h.SETTINGS, 1, 0, 0, "9113 §6.5"),
            (h.SETTINGS, 6, 0, 1, "9113 §6.5"),
            (h.PING, 7, 0, 0, "9113 §6.7"), (h.PING, 9, 0, 1, "9113 §6.7"),
            (h.GOAWAY, 7, 0, 0, "9113 §4.2"),
            (h.WINDOW_UPDATE, 3, 0, 0, "9113 §6.9"), (h.WINDOW_UPDATE, 5, 1, 0, "9113 §6.9"),
            (h.PRIORITY_UPDATE, 3, 0, 0, "9113 §4.2"),
            (h.DATA, 0, 1, 8, "9113 §4.2"),
        ]
    },
    "HEADERS too short for their priority": (
        "client", [h.frame(h.HEADERS, b"1234", stream=1, flags=0x24)], "length", "9113 §4.2",
    ),
    "PUSH_PROMISE of 3": ("server", pushed(payload=b"123"), "length", "9113 §4.2"),
    "padding longer than DATA": (
        "client", [h.headers(POST), h.data(b"\x04abc", flags=8)], "pad length", "9113 §6.1",
    ),
    "padding longer than HEADERS": (
        "client", [h.frame(h.HEADERS, b"\x04abc", stream=1, flags=12)], "pad length", "9113 §6.2",
    ),
    "padding longer than a promise": (
        "server",
        [h.frame(h.PUSH_PROMISE, b"\x04\0\0\0\2abc", stream=1, flags=12)],
        "pad length",
        "9113 §6.6",
    ),
    "padding that is no zeros": (
        "client", [h.headers(POST), h.data(b"\x01ab", flags=8)], "padding", "9113 §6.1",
    ),
    # SETTINGS and others of the connection
    "push 2": ("client", [h.settings((2, 2))], "value", "9113 §6.5.2"),
    "push from a server": ("server", [h.settings((2, 1))], "value", "9113 §6.5.2"),
    "a window of 2^31": ("client", [h.settings((4, 2**31))], "value", "9113 §6.5.2"),
    "frames of 16,383": ("client", [h.settings((5, 16_383))], "value", "9113 §6.5.2"),
    "frames of 2^24": ("client", [h.settings((5, 2**24))], "value", "9113 §6.5.2"),
    "extended CONNECT 2": ("server", [h.settings((8, 2))], "value", "8441 §3"),
    "extended CONNECT taken back": ("server", [h.settings((8, 1), (8, 0))], "value", "8441 §3"),
    "old priorities 2": ("client", [h.settings((9, 2))], "value", "9218 §2.1"),
    "old priorities changed": (
        "client", [h.settings((9, 1)), h.settings((9, 0))], "value", "9218 §2.1",
    ),
    "a last stream that goes up": (
        "server",
        [h.frame(h.GOAWAY, b"\0\0\0\1" + bytes(4)), h.frame(h.GOAWAY, b"\0\0\0\3" + bytes(4))],
        "last stream",
        "9113 §6.8",
    ),
    "an increment of 0": (
        "client", [h.frame(h.WINDOW_UPDATE, bytes(4))], "window size increment", "9113 §6.9",
    ),
    "PRIORITY_UPDATE for stream 0": (
        "client", [h.frame(h.PRIORITY_UPDATE, bytes(4))], "prioritized stream", "9218 §7.1",
    ),
    "PRIORITY_UPDATE from a server": (
        "server", [h.frame(h.PRIORITY_UPDATE, b"\0\0\0\1")], "type", "9218 §7.1",
    ),
    "PRIORITY on itself": (
        "client",
        [h.frame(h.PRIORITY, b"\0\0\0\3\0", stream=3)],
        "stream dependency",
        "7540 §5.3.1",
    ),
    # field blocks
    "CONTINUATION of nothing": (
        "client",
        [h.headers(GET, flags=5), h.frame(h.CONTINUATION, b"", stream=1, flags=4)],
        "type",
        "9113 §6.10",
    ),
    "CONTINUATION of another stream": (
        "client",
        [
            h.headers(GET, flags=0),
            h.frame(h.CONTINUATION, b"", stream=3, flags=4),
            h.frame(h.CONTINUATION, b"", stream=1, flags=4),
        ],
        "stream identifier",
        "9113 §6.10",
    ),
    **{
        f"{KINDS.get(kind, KINDS[h.PING]).name} {kind} within a field block": (
            "client",
            [
                h.headers(GET, flags=0),
                h.frame(kind, payload, stream=stream),
                h.frame(h.CONTINUATION, b"", stream=1, flags=4),
            ],
            "type",
            "9113 §4.3",
        )
        for kind, payload, stream in [
            (h.PING, bytes(8), 0), (99, b"", 1), (h.PRIORITY, b"\0\0\0\5\0", 1),
            (h.SETTINGS, b"", 0),
        ]
    },
    # streams
    "a client's even stream": (
        "client", [h.headers(GET, stream=2)], "stream identifier", "9113 §5.1.1",
    ),
    "a stream that goes down": (
        "client",
        [h.headers(GET, stream=5), h.headers(GET, stream=3)],
        "stream identifier",
        "9113 §5.1.1",
    ),
    "a stream that was not promised": (
        "server", [h.headers(OK, stream=2)], "stream identifier", "9113 §5.1",
    ),
    "DATA after END_STREAM": (
        "client", [h.headers(GET, flags=5), h.data()], "stream identifier", "9113 §5.1",
    ),
    "HEADERS after END_STREAM": (
        "server",
        [h.headers(OK), h.data(flags=1), h.headers(OK, flags=5)],
        "stream identifier",
        "9113 §5.1",
    ),
    "DATA after RST_STREAM": (
        "client",
        [h.headers(GET), h.frame(h.RST_STREAM, bytes(4), stream=1), h.data()],
        "stream identifier",
        "9113 §5.1",
    ),
    "HEADERS after RST_STREAM": (
        "server",
        [h.frame(h.RST_STREAM, bytes(4), stream=1), h.headers(OK)],
        "stream identifier",
        "9113 §5.1",
    ),
    "WINDOW_UPDATE after RST_STREAM": (
        "client",
        [
            h.headers(GET),
            h.frame(h.RST_STREAM, bytes(4), stream=1),
            h.frame(h.WINDOW_UPDATE, b"\0\0\0\1", stream=1),
        ],
        "stream identifier",
        "9113 §5.1",
    ),
    "RST_STREAM twice": (
        "client",
        [h.headers(GET), *[h.frame(h.RST_STREAM, bytes(4), stream=1)] * 2],
        "stream identifier",
        "9113 §5.1",
    ),
    "DATA on an idle stream": ("client", [h.data(stream=3)], "stream identifier", "9113 §5.1"),
    "RST_STREAM on a skipped stream": (
        "client",
        [h.headers(GET, stream=5), h.frame(h.RST_STREAM, bytes(4), stream=3)],
        "stream identifier",
        "9113 §5.1",
    ),
    "DATA on a skipped stream": (
        "client", [h.headers(GET, stream=5), h.data(stream=3)], "stream identifier", "9113 §5.1",
    ),
    "DATA on a pushed stream": ("client", [h.data(stream=2)], "stream identifier", "9113 §5.1"),
    "RST_STREAM on an idle stream": (
        "client",
        [h.frame(h.RST_STREAM, bytes(4), stream=1)],
        "stream identifier",
        "9113 §6.4",
    ),
    "WINDOW_UPDATE on an idle stream": (
        "client",
        [h.frame(h.WINDOW_UPDATE, b"\0\0\0\1", stream=1)],
        "stream identifier",
        "9113 §5.1",
    ),
    "WINDOW_UPDATE on a promised stream": (
        "server",
        pushed(h.frame(h.WINDOW_UPDATE, b"\0\0\0\1", stream=2)),
        "stream identifier",
        "9113 §5.1",
    ),
    "DATA before HEADERS": ("server", [h.data()], "stream identifier", "9113 §8.1"),
    "DATA after an interim response": (
        "server", [h.headers([(":status", "103")]), h.data()], "stream identifier", "9113 §8.1",
    ),
    "DATA on a promised stream before HEADERS": (
        "server", pushed(h.data(stream=2)), "stream identifier", "9113 §8.1",
    ),
    "trailers that end nothing": (
        "client", [h.headers(POST), h.headers([("a", "b")])], "END_STREAM", "9113 §8.1",
    ),
    "an interim response that ends": (
        "server", [h.headers([(":status", "103")], flags=5)], "END_STREAM", "9113 §8.1",
    ),
    "HEADERS in a tunnel": (
        "client",
        [h.headers(CONNECT), h.headers([("a", "b")], flags=5)],
        "stream identifier",
        "9113 §8.5",
    ),
    # pushes
    "a client's push": ("client", pushed(), "type", "9113 §8.4"),
    "a push on a pushed stream": (
        "server",
        [
            *pushed(),
            *pushed(h.headers(OK, stream=2), payload=b"\0\0\0\4" + block(GET), stream=2)[::-1],
        ],
        "stream identifier",
        "9113 §6.6",
    ),
    "a push after the end": (
        "server", [h.headers(OK, flags=5), *pushed()], "stream identifier", "9113 §5.1",
    ),
    "an odd promise": (
        "server", pushed(payload=b"\0\0\0\3" + block(GET)), "promised stream", "9113 §5.1.1",
    ),
    "a promise of 0": (
        "server", pushed(payload=bytes(4) + block(GET)), "promised stream", "9113 §5.1.1",
    ),
    "a promise that goes down": (
        "server",
        [*pushed(payload=b"\0\0\0\4" + block(GET)), *pushed()],
        "promised stream",
        "9113 §5.1.1",
    ),
    "the same promise twice": (
        "server", [*pushed(), *pushed()], "promised stream", "9113 §5.1.1",
    ),
    "a promised POST": (
        "server",
        pushed(payload=b"\0\0\0\2" + block(POST)),
        "literal, not indexed",
        "9113 §8.4.1",
    ),
    # content-length
    "more than content-length": (
        "client",
        [h.headers([*POST, ("content-length", "2")]), h.data(b"abc", flags=1)],
        "data",
        "9113 §8.1.1",
    ),
    "less than content-length": (
        "server",
        [h.headers([*OK, ("content-length", "4")]), h.data(b"abc", flags=1)],
        "END_STREAM",
        "9113 §8.1.1",
    ),
    "nothing at all of content-length": (
        "client",
        [h.headers([*POST, ("content-length", "4")], flags=5)],
        "END_STREAM",
        "9113 §8.1.1",
    ),
    "less, and trailers": (
        "client",
        [
            h.headers([*POST, ("content-length", "4")]),
            h.data(b"abc"),
            h.headers([("a", "b")], flags=5),
        ],
        "END_STREAM",
        "9113 §8.1.1",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", VIOLATIONS)
def test_a_violation_lies_where_it_is_and_parsing_goes_on(name):
    sender, frames, field, clause = VIOLATIONS[name]
    data = {"client": client, "server": server}[sender](*frames)
    assert wrongs(tree(data, sender=sender)) == [(field, "RFC " + clause)]
    root = tree(data + h.frame(h.PING, b"12345678"), sender=sender)
    assert wrongs(root) == [(field, "RFC " + clause)]
    assert root.children[-1].value == "PING"
    assert_tiled(root, len(data) + 17)


FIELDS_WRONG = {
    "upper case": ([*GET, ("Accept", "a")], "9113 §8.2.1"),
    "a space in a name": ([*GET, ("a b", "a")], "9113 §8.2.1"),
    "a colon in a name": ([*GET, ("a:b", "a")], "9113 §8.2.1"),
    "no name": ([*GET, ("", "a")], "9113 §8.2.1"),
    "a NUL in a value": ([*GET, ("a", "a\0b")], "9113 §8.2.1"),
    "a line end in a value": ([*GET, ("a", "a\r\nb")], "9113 §8.2.1"),
    "a space before a value": ([*GET, ("a", " a")], "9113 §8.2.1"),
    "a tab after a value": ([*GET, ("a", "a\t")], "9113 §8.2.1"),
    **{
        name: ([*GET, (name, "a")], "9113 §8.2.2")
        for name in ("connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade")
    },
    "te": ([*GET, ("te", "gzip")], "9113 §8.2.2"),
    "unknown with a colon": ([*GET, (":when", "now")], "9113 §8.3"),
    "a status that is asked for": ([*GET, (":status", "200")], "9113 §8.3"),
    "twice": ([*GET, (":path", "/b")], "9113 §8.3"),
    "too late": ([*GET[:3], ("a", "b"), GET[3]], "9113 §8.3"),
    "an empty path": ([*GET[:3], (":path", "")], "9113 §8.3.1"),
    "a path without /": ([*GET[:3], (":path", "index")], "9113 §8.3.1"),
    "* for GET": ([*GET[:3], (":path", "*")], "9113 §8.3.1"),
    "another host": ([*GET, ("host", "b.example")], "9113 §8.3.1"),
    "two hosts": ([*GET, ("host", "a.example"), ("host", "a.example")], "9110 §7.2"),
    "a protocol for GET": ([*GET, (":protocol", "websocket")], "8441 §4"),
    "a length that is none": ([*GET, ("content-length", "-1")], "9110 §8.6"),
    "a length beyond all": ([*GET, ("content-length", "9" * 5_000)], "9110 §8.6"),
    "two lengths": ([*GET, ("content-length", "0"), ("content-length", "1")], "9110 §8.6"),
}


@pytest.mark.parametrize("name", FIELDS_WRONG)
def test_a_field_that_may_not_be_there(name):
    fields, clause = FIELDS_WRONG[name]
    root = tree(client(h.headers(fields)))
    assert wrongs(root) == [("literal, not indexed", "RFC " + clause)]
    last = only(root.children[-1], "field block fragment").buffer.root.children[-1]
    assert root.errors == [last]


@pytest.mark.parametrize(
    ("fields", "error", "clause"),
    [
        (GET[1:], "without :method", "9113 §8.3.1"),
        ([GET[0], GET[2]], "without :scheme and :path", "9113 §8.3.1"),
        ([GET[0], GET[1], GET[3]], "neither :authority nor host says which site", "9113 §8.3.1"),
        (CONNECT[:2] + CONNECT[4:], "without :scheme and :path", "8441 §4"),
        ([CONNECT[0]], "without :authority", "9113 §8.5"),
    ],
)
def test_a_field_that_is_missing(fields, error, clause):
    (wrong,) = tree(client(h.headers(fields))).errors
    assert (wrong.name, wrong.error, wrong.reference) == ("field block", error, "RFC " + clause)


@pytest.mark.parametrize(
    ("fields", "clause"),
    [
        ([], "9113 §8.3.2"),
        ([(":status", "20")], "9110 §15"),
        ([(":status", "666")], "9110 §15"),
        ([(":status", "101")], "9113 §8.6"),
        ([*OK, (":path", "/")], "9113 §8.3"),
        ([*OK, ("te", "trailers")], "9113 §8.2.2"),
        ([*OK, *OK], "9113 §8.3"),
    ],
)
def test_responses_have_rules_of_their_own(fields, clause):
    assert wrongs(tree(server(h.headers(fields))))[0][1] == "RFC " + clause


@pytest.mark.parametrize("method", ["CONNECT", "OPTIONS", "GET", "FTP"])
def test_requests_that_are_in_order(method):
    fields = {
        "CONNECT": [(":method", "CONNECT"), (":authority", "a.example:80")],
        "OPTIONS": [(":method", "OPTIONS"), *GET[1:3], (":path", "*")],
        "FTP": [GET[0], (":scheme", "ftp"), GET[2], (":path", "file")],
        "GET": [GET[0], GET[1], GET[3], ("host", "a.example"), ("te", "trailers"), ("a", "")],
    }[method]
    assert tree(client(h.headers(fields))).errors == []
    with_path = [*fields, (":path", "/")] if method == "CONNECT" else fields
    expected = [("literal, not indexed", "RFC 9113 §8.5")] if method == "CONNECT" else []
    assert wrongs(tree(client(h.headers(with_path)))) == expected


def test_trailers_have_no_fields_with_a_colon():
    root = tree(client(h.headers(POST), h.data(b"x"), h.headers([(":path", "/")], flags=5)))
    assert wrongs(root) == [("literal, not indexed", "RFC 9113 §8.1")]


@pytest.mark.parametrize("status", ["304", "204", "200"])
def test_a_response_without_content_may_say_how_long_it_would_be(status):
    fields = [(":status", status), ("content-length", "4")]
    assert tree(server(h.headers(fields, flags=5))).errors == []


def test_after_the_end_of_its_stream_a_side_may_still_open_windows_and_reset():
    root = tree(
        client(
            h.headers(GET, flags=5),
            h.frame(h.WINDOW_UPDATE, b"\0\0\0\1", stream=1),
            h.frame(h.PRIORITY, bytes(5), stream=1),
            h.frame(h.RST_STREAM, bytes(4), stream=1),
            h.frame(h.PRIORITY, bytes(5), stream=1),
        )
    )
    assert root.errors == []


@pytest.mark.parametrize(
    ("data", "options", "field", "clause"),
    [
        (b"PRI * HTTP/2.1\r\n\r\nSM\r\n\r\n" + h.settings(), {}, "connection preface", "§3.4"),
        (h.settings(), {"sender": "client"}, "connection preface", "§3.4"),
        (PREFACE + h.settings(), {"sender": "server"}, "connection preface", "§3.4"),
        (PREFACE + h.frame(h.PING, bytes(8)), {}, "type", "§3.4"),
        (h.frame(h.GOAWAY, bytes(8)), {}, "type", "§3.4"),
        (h.settings(flags=1), {}, "ACK", "§3.4"),
    ],
)
def test_a_wrong_beginning(data, options, field, clause):
    root = tree(data + h.settings(), **options)
    assert wrongs(root) == [(field, "RFC 9113 " + clause)]
    assert root.children[-1].value == "SETTINGS"


def test_what_the_receiver_allows_is_not_wrong():
    large = client(h.headers(POST), h.data(bytes(20_000)))
    assert wrongs(tree(large)) == [("length", "RFC 9113 §4.2")]
    assert tree(large, max_frame_size=20_000).errors == []
    assert tree(server(*pushed())).errors == []
    assert wrongs(tree(server(*pushed()), push=False)) == [("type", "RFC 9113 §6.6")]


def test_a_number_that_went_down_does_not_count():
    root = tree(client(*(h.headers(GET, stream=number) for number in (7, 3, 5, 9))))
    assert [(f.name, f.error[-18:]) for f in root.errors] == [
        ("stream identifier", "7 was there before"),
    ] * 2


def test_what_cannot_be_read_is_not_judged_further():
    for wrong, name in (
        (h.frame(h.HEADERS, b"\x09abc", stream=1, flags=12), "pad length"),
        (h.frame(h.HEADERS, b"", stream=1, flags=12), "length"),
        (h.frame(h.HEADERS, b"\x80", stream=1, flags=4), "index"),
    ):
        root = tree(server(wrong, h.data(b"x"), h.data(flags=h.END_STREAM)))
        assert [field for field, _ in wrongs(root)] == [name]


@pytest.mark.parametrize(
    "frames",
    [
        [h.headers(GET, flags=0)],  # never finished
        [h.frame(h.HEADERS, b"\x40\x01a", stream=1, flags=4)],  # ends too early
        [h.frame(h.HEADERS, b"\x09abc", stream=1, flags=12)],  # padding
        [h.headers(GET), h.frame(h.CONTINUATION, b"\x82", stream=1, flags=4)],
    ],
)
def test_after_a_block_that_was_not_decoded_the_table_is_not_known(frames):
    fields = hpack.Encoder().encode([*GET, ("x", "y")]) + b"\xbe"
    root = tree(client(*frames, h.frame(h.HEADERS, fields, stream=3, flags=5)))
    (wrong,) = root.children[-1].errors[-1:]
    assert (wrong.name, wrong.reference) == ("indexed field", "RFC 9113 §4.3")
    assert root.children[-1].value.endswith("GET /")


def test_several_violations_in_one_frame_are_all_found():
    root = tree(client(h.frame(h.PING, bytes(7), stream=3, flags=0xFF, reserved=1)))
    assert [name for name, _ in wrongs(root)] == [
        "length", "unused flags", "reserved", "stream identifier",
    ]  # fmt: skip


# ── cut off ──


@pytest.mark.parametrize(
    ("count", "name", "missing"),
    [
        (1, "length", 16),
        (3, "type", 8),
        (4, "unused flags", 4),
        (5, "reserved", 1),
        (10, "data", 8),
    ],
)
def test_cut_off_input_says_how_many_bits_are_missing(count, name, missing):
    data = server(h.headers(OK))
    root = tree(data + h.data(b"ab")[:count], sender="server")
    (wrong,) = root.errors
    assert (wrong.name, wrong.error) == (name, cut_off(missing))
    assert_tiled(root, len(data) + count)


def test_what_came_of_a_payload_is_shown():
    cut_event = server(h.headers(EVENTS), h.data(b"data: x\n\ndata: y\n\n"))[:-2]
    data = tree(cut_event).find("data")
    assert data.buffer.data == b"data: x\n\ndata: y"
    whole = client(h.headers(GET))
    fragment = only(tree(whole[:-5]), "field block fragment")
    names = [line.value[0] for line in fragment.buffer.root.children if line.value]
    assert names == [":method", ":scheme", ":authority"]
    unfinished = only(tree(client(h.headers(GET, flags=0))), "field block fragment")
    assert [line.value for line in unfinished.buffer.root.children] == GET


def test_a_cut_preface():
    (wrong,) = tree(PREFACE[:10]).errors
    assert (wrong.name, wrong.error) == ("connection preface", "cut off: 112 bits are missing")
    assert [field.name for field in tree(b"PR").children] == ["connection preface"]
    for sender in (None, "client", "server"):
        assert tree(b"", sender=sender).children == []


def test_one_byte_is_no_bytes():
    sent = [h.headers([*POST, ("content-length", "1")]), h.data(b"ab", flags=1)]
    (wrong,) = tree(client(*sent)).errors
    assert wrong.error == "content-length said 1 byte"


def test_an_absurd_length_costs_nothing():
    data = client(h.headers(POST), h.frame(h.DATA, bytes(10), stream=1, length=2**24 - 1))
    tracemalloc.start()
    root = tree(data, one_by_one(data))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 500_000
    assert [name for name, _ in wrongs(root)] == ["length", "data"]


# ── properties ──

PAYLOADS = st.sampled_from(
    [
        b"",
        block(GET),
        block(EVENTS),
        block(CONNECT),
        block([("A", "b"), ("connection", "x")]),
        b"data: x\n\nid: 1\nda",
        b"ta: y\r\n\r",
        ws_frame(1, b"Hello", key=b"abcd"),
        ws_frame(2, bytes(200))[:100],
        b"\0\0\0\4",
        bytes(8),
        b"\x82\xbe\x3f\xe1\x1f\x40\x81\xff\x01\xff",
        b"\x7f\x80\x80\x80\x80\x80\x80\x01",
    ]
) | st.binary(max_size=20)


@st.composite
def framed(draw):
    """Frames that may be right or wrong, of few streams, so that they meet."""
    kind = draw(st.sampled_from([0, 0, 0, 1, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 16, 99]))
    payload = draw(PAYLOADS)
    return h.frame(
        kind,
        payload,
        stream=draw(st.sampled_from([0, 1, 1, 1, 2, 3])),
        flags=draw(st.sampled_from([0, 1, 4, 4, 5, 5]) | st.integers(0, 255)),
        length=draw(st.none() | st.integers(0, 20)) if draw(st.integers(0, 9)) == 0 else None,
        reserved=draw(st.sampled_from([0, 0, 0, 0, 1])),
    )


@st.composite
def streams(draw):
    start = draw(st.sampled_from([PREFACE + h.settings(), h.settings(), b""]))
    data = bytearray(start + b"".join(draw(st.lists(framed(), max_size=6))))
    changes = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=3)
    for place, byte in draw(changes):
        if data:
            data[place % len(data)] = byte
    return bytes(data[: draw(st.integers(0, 600))])


ANY = st.binary(max_size=200) | streams()
OPTIONS = st.fixed_dictionaries(
    {
        "sender": st.sampled_from([None, "client", "server"]),
        "push": st.booleans(),
        "max_frame_size": st.sampled_from([16_384, 10]),
        "header_table_size": st.sampled_from([4_096, 0, 100_000]),
        "tunnels": st.sampled_from([(), (1,), {1: "permessage-deflate"}]),
    }
)


@settings(deadline=None)
@given(ANY, OPTIONS)
def test_any_bytes_give_a_tree_that_tiles_them(data, options):
    assert_tiled(tree(data, **options), len(data))


@settings(deadline=None)
@given(ANY, OPTIONS, st.lists(st.integers(0, 500), max_size=8))
def test_the_tree_is_the_same_however_the_bytes_come(data, options, cuts):
    whole = tree(data, **options).as_tuple()
    assert tree(data, one_by_one(data), **options).as_tuple() == whole
    assert tree(data, cut(data, cuts), **options).as_tuple() == whole


@settings(deadline=None)
@given(ANY)
def test_a_tree_can_be_shown_and_rests_alone(data):
    rtlab.dissect(data, "http2")
    repr(rtlab.dissect(data, "http2"))
    unfinished = dissector()
    unfinished.feed(data)
    del unfinished


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([b"data: x\n\n", b"\r", b"\n", b"id: 7\r\n", b"\xef\xbb\xbf", b"a"]))
)
def test_events_are_the_same_as_of_the_joined_stream(pieces):
    """Whatever the DATA frames cut, their blocks are those of the stream in one piece."""
    data = [h.data(piece) for piece in pieces]
    root = tree(server(h.headers(EVENTS), *data, h.data(flags=h.END_STREAM)))
    buffers = [b for b in derived(root) if b.name == "event stream"]
    assert b"".join(buffer.data for buffer in buffers) == b"".join(pieces)
    found = [part for buffer in buffers for part in buffer.root.children]
    joined = rtlab.dissect(b"".join(pieces), "sse").root.children
    assert [(f.name, f.value, f.error) for f in found] == [
        (f.name, f.value, f.error) for f in joined
    ]
    assert [f.stop - f.start for f in found] == [f.stop - f.start for f in joined]


# ── time and memory ──


def interleaved(n, make):
    """Frames of 50 streams in turn."""
    numbers = range(1, 101, 2)
    start = [h.headers(EVENTS, stream=number) for number in numbers]
    return server(*start, *(make(i) for i in itertools.islice(itertools.cycle(numbers), n)))


MADE = {
    "one frame by bytes": (lambda n: client(h.headers(POST), h.data(bytes(n))), 1),
    "pings by bytes": (lambda n: client(h.frame(h.PING, bytes(8)) * (n // 17)), 1),
    "requests": (
        lambda n: client(*(h.headers(GET, stream=2 * i + 1, flags=5) for i in range(n // 90))),
        2**20,
    ),
    "a block in many pieces": (
        lambda n: client(
            h.headers(GET, flags=0), h.frame(h.CONTINUATION, b"", stream=1) * (n // 9)
        ),
        2**20,
    ),
    "a block of many instructions": (
        lambda n: client(h.frame(h.HEADERS, b"\x82" * n, stream=1, flags=4)),
        2**20,
    ),
    "a block of many literals": (
        lambda n: client(h.frame(h.HEADERS, b"\x40\x01a\x01b" * (n // 5), stream=1, flags=4)),
        2**20,
    ),
    "a block that never ends": (
        lambda n: client(
            h.headers(GET, flags=0), *([h.frame(h.CONTINUATION, b"\x82" * 9, stream=1)] * (n // 18))
        ),
        2**20,
    ),
    "blocks given up": (
        lambda n: client(h.headers(GET, flags=0) * (n // 80)),
        2**20,
    ),
    "events in turn": (
        lambda n: interleaved(n // 20, lambda number: h.data(b"data: x\n\n", stream=number)),
        2**20,
    ),
    "events in bytes": (lambda n: interleaved(n // 10, lambda i: h.data(b"a", stream=i)), 2**20),
    "one endless event": (
        lambda n: server(h.headers(EVENTS), h.data(b"data: x\n") * (n // 17)),
        2**20,
    ),
    "settings": (lambda n: client(h.settings(*[(1, 1)] * (n // 6))), 2**20),
}


@pytest.mark.parametrize("name", MADE)
def test_time_is_linear_in_the_bytes(name):
    make, size = MADE[name]
    few, many = make(5_000), make(40_000)
    pieces = [[data[i : i + size] for i in range(0, len(data), size)] for data in (few, many)]
    assert growth(lambda: dissector(max_frame_size=2**24), *pieces) < LINEAR


def test_a_field_in_the_table_is_there_once_however_often_it_is_referred_to():
    value = bytes(3_900)
    first = b"\x40\x01a" + b"\x7f" + bytes([(len(value) - 127) & 127 | 128, (3_900 - 127) >> 7])
    blocks = [first + value, *[b"\xbe" * 15] * 400]
    frames = [h.frame(h.HEADERS, data, stream=2 * i + 1, flags=5) for i, data in enumerate(blocks)]
    data = client(*frames)
    tracemalloc.start()
    root = tree(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    shown = sum(
        field.value == ("a", value.decode()) for b in derived(root) for field in b.root.walk()
    )
    assert shown > 5_000
    assert peak < 20_000_000 < shown * len(value)


def test_a_list_of_fields_is_shown_up_to_a_limit():
    value = "v" * 4_000
    encoder = hpack.Encoder()
    data = client(
        h.headers([("a", value)], encoder=encoder),
        h.frame(h.HEADERS, b"\xbe" * 100, stream=3, flags=5),
        h.headers(GET, stream=5, flags=5, encoder=encoder),
    )
    first, second, third = [b.root for b in derived(tree(data))]
    lines = [field.value for field in second.children]
    assert lines.count(("a", value)) == 16 and lines.count(None) == 84
    (wrong,) = [field for field in second.children if field.error]
    assert wrong.reference == "RFC 9113 §10.5.1"
    assert [field.value for field in third.children] == GET
    assert first.children[0].value == ("a", value)
