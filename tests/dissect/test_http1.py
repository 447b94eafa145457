"""The HTTP/1.1 dissector: every field, every violation at its byte, and what h11 says."""

import re
from itertools import pairwise

import h11
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from rtlab.dissect import http1, http1_lines
from rtlab.dissect.http1_lines import LIMIT
from tests.dissect.helpers import cut_off
from tests.dissect.timing import EIGHTFOLD, LINEAR, growth

HOST = b"Host: a\r\n"
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def dissect(data, pieces=None, **options):
    """Dissect bytes, whole or in pieces."""
    dissector = http1.dissector(**options)
    for piece in [data] if pieces is None else pieces:
        dissector.feed(piece)
    return dissector.end()


def request(*lines):
    return b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def response(*lines):
    return b"HTTP/1.1 200 OK\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def bytes_of(field):
    return field.start // 8, field.stop // 8


def leaves(field):
    """The name and the value of each field that has no parts."""
    return [(each.name, each.value) for each in field.walk() if not each.children]


def faults(root):
    """Every error: the field, its first byte, one past its last byte, the clause."""
    return [(each.name, *bytes_of(each), each.reference) for each in root.errors]


# ── what is in order ──


def test_every_byte_of_a_request():
    root = dissect(b"GET /a?b HTTP/1.1\r\nHost: x:1\r\nX:\t\r\nY: a b \t\r\n\r\n")
    assert not root.errors
    assert [(child.name, child.value) for child in root.children] == [("request", "GET /a?b")]
    assert leaves(root) == [
        ("method", "GET"),
        ("space", " "),
        ("target", "/a?b"),
        ("space", " "),
        ("protocol", "HTTP/"),
        ("major", 1),
        ("dot", "."),
        ("minor", 1),
        ("CRLF", "\r\n"),
        *[("name", "Host"), ("colon", ":"), ("whitespace", " "), ("value", "x:1")],
        ("CRLF", "\r\n"),
        *[("name", "X"), ("colon", ":"), ("whitespace", "\t"), ("CRLF", "\r\n")],
        *[("name", "Y"), ("colon", ":"), ("whitespace", " "), ("value", "a b")],
        ("trailing whitespace", " \t"),
        ("CRLF", "\r\n"),
        ("blank line", "\r\n"),
    ]
    headers = [child.value for child in root.children[0].children if child.name == "header"]
    assert headers == [("Host", "x:1"), ("X", ""), ("Y", "a b")]


def test_every_byte_of_a_response():
    root = dissect(b"HTTP/1.0 404 Not Found\r\nContent-Length: 2\r\n\r\nhi")
    assert not root.errors
    assert root.children[0].value == "404 Not Found"
    assert leaves(root)[4:9] == [
        ("space", " "),
        ("status", 404),
        ("space", " "),
        ("reason", "Not Found"),
        ("CRLF", "\r\n"),
    ]
    assert leaves(root)[-1] == ("body", b"hi")


def test_a_chunked_body():
    data = CHUNKED + b'1a;x="1"\r\n' + b"d" * 26 + b"\r\n0\r\nETag: 1\r\n\r\n"
    root = dissect(data + GET[:0])
    assert not root.errors
    body = root.find("body")
    assert [child.name for child in body.children] == [
        "chunk",
        "last chunk",
        "trailer",
        "blank line",
    ]
    assert [(each.name, each.value) for each in body.children[0].children] == [
        ("size", 26),
        ("extension", ';x="1"'),
        ("CRLF", "\r\n"),
        ("data", b"d" * 26),
        ("CRLF", "\r\n"),
    ]
    assert body.children[2].value == ("ETag", "1")
    assert (body.buffer.name, body.buffer.data) == ("de-chunked", b"d" * 26)
    assert body.buffer.root.find("content").value == b"d" * 26


def test_pipelined_messages():
    post = b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
    root = dissect(GET + post + GET)
    assert not root.errors
    assert [child.value for child in root.children] == ["GET /", "POST /p", "GET /"]
    edges = [0, len(GET), len(GET + post), len(GET + post + GET)]
    assert [bytes_of(child) for child in root.children] == list(pairwise(edges))


@pytest.mark.parametrize(
    ("methods", "head", "expected"),
    [
        (["HEAD"], b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 0),
        (["GET"], b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 5),
        ([], b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 5),
        (["GET"], b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 0),
        (["HEAD"], b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 0),
        (["GET"], b"HTTP/1.1 204 No Content\r\n\r\n", 0),
        (["HEAD"], b"HTTP/1.1 200 OK\r\n\r\n", 0),
    ],
)
def test_which_responses_have_a_body(methods, head, expected):
    after = b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"
    root = dissect(head + b"12345"[:expected] + after, methods=methods)
    assert not root.errors
    assert [child.value for child in root.children][1:] == ["500 Oops"]
    body = root.children[0].find("body")
    assert (len(body.value) if body else 0) == expected


def test_an_interim_answer_is_not_the_answer():
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    root = dissect(b"HTTP/1.1 100 Continue\r\n\r\n" + head + head + b"12345", methods=["HEAD"])
    assert not root.errors
    assert [child.value for child in root.children] == ["100 Continue", "200 OK", "200 OK"]
    assert root.children[1].find("body") is None


def test_a_body_until_the_close():
    root = dissect(b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 no message")
    assert not root.errors
    assert root.find("body").value == b"HTTP/1.1 no message"


def test_only_1_1_must_have_a_host():
    assert not dissect(b"GET / HTTP/1.0\r\n\r\n").errors
    assert dissect(b"GET / HTTP/1.2\r\n\r\n").errors


def test_no_body_without_a_length_in_a_request():
    assert dissect(b"POST / HTTP/1.1\r\nHost: a\r\n\r\n").find("body") is None


@pytest.mark.parametrize(
    ("data", "options"),
    [
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n", {}),
        (b"HTTP/1.1 200 OK\r\n\r\n", {"methods": ["CONNECT"]}),
        (GET, {"upgrade_after": 0}),
        (GET + GET, {"upgrade_after": 1}),
    ],
)
def test_what_follows_an_upgrade_is_not_http(data, options):
    root = dissect(data + b"\x81\x00\n\n", **options)
    assert not root.errors
    assert (root.children[-1].name, root.children[-1].value) == ("upgraded data", b"\x81\x00\n\n")
    assert dissect(data, **options).children[-1].name in ("request", "response")

    def after(cursor, message):
        assert message.tunnel or message.method == "GET"
        yield from cursor.bits("FIN", 1)

    root = dissect(data + b"\x81", after=after, **options)
    assert [child.name for child in root.children][-2:] == ["FIN", "rest"]


def test_an_upgrade_after_an_interim_answer():
    data = b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 101 Switching Protocols\r\n\r\n\x00"
    assert dissect(data).children[-1].name == "upgraded data"


def test_who_sent_it_shows_in_the_first_bytes():
    assert dissect(b"HTTP/1.1 200 OK\r\n\r\n").children[0].name == "response"
    assert dissect(GET).children[0].name == "request"
    assert dissect(b"HTTP/1.1 200 OK\r\n\r\n", sender="client").children[0].name == "rest"
    assert dissect(GET, sender="server").children[0].name == "rest"


@pytest.mark.parametrize("framing", ["chunks", "length", "close"])
def test_an_event_stream_is_dissected_as_such(framing):
    events = b"data: 1\n\ndata: 2\n\n"
    body, name = events, "event stream"
    if framing == "chunks":
        head, name = b"Transfer-Encoding: Chunked\r\n", "de-chunked"
        body = b"3\r\n" + events[:3] + b"\r\nf\r\n" + events[3:] + b"\r\n0\r\n\r\n"
    else:
        head = b"Content-Length: 18\r\n" if framing == "length" else b""
    root = dissect(STREAM + head + b"\r\n" + body)
    assert not root.errors
    buffer = root.find("body").buffer
    assert (buffer.name, buffer.data) == (name, events)
    from rtlab.dissect import sse

    expected = sse.dissector()
    expected.feed(events)
    assert buffer.root.as_tuple() == expected.end().as_tuple()


def test_a_compressed_event_stream_is_not():
    root = dissect(STREAM + b"Content-Encoding: gzip\r\n\r\ndata: 1\n\n")
    assert root.find("body").buffer is None


def test_the_prose_is_there():
    for name, remark in http1.REMARKS.items():
        assert remark.note.endswith((".", "?")), name
        assert re.fullmatch(r"((RFC \d+|WHATWG \w+) §[\d.]+)?", remark.reference), name
    everything = (
        CHUNKED + b"1;a\r\nx\r\n0\r\nETag: 1\r\n\r\n",
        request(b"X:  y "),
        b"HTTP/1.1 200 OK\r\n\r\nbody",
    )
    for data in everything:
        for field in dissect(data).walk():
            assert field.name == "stream" or field.note, field
    key = dissect(request(b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")).children[0].children[2]
    assert key.reference == "RFC 6455 §11.3.1"


# ── what is wrong, and where ──

BIG = b"9" * 5000
VIOLATIONS = {
    # start lines
    "empty line": (b"\r\n" + GET, [("empty line", 0, 2, "RFC 9112 §2.2")]),
    "two spaces": (b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", [("space", 3, 5, "RFC 9112 §3")]),
    "tab": (b"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", [("space", 3, 4, "RFC 9112 §3")]),
    "space before": (b" GET / HTTP/1.1\r\nHost: a\r\n\r\n", [("whitespace", 0, 1, "RFC 9112 §3")]),
    "space after": (
        b"GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
        [("whitespace", 14, 15, "RFC 9112 §3")],
    ),
    "bare CR after": (
        b"GET / HTTP/1.1\r\r\nHost: a\r\n\r\n",
        [("whitespace", 14, 15, "RFC 9112 §2.2")],
    ),
    "space in target": (
        b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
        [("invalid bytes", 6, 7, "RFC 9112 §3.2")],
    ),
    "target not ASCII": (
        b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
        [("invalid bytes", 5, 6, "RFC 9112 §3.2")],
    ),
    "no such target": (b"GET a HTTP/1.1\r\nHost: a\r\n\r\n", [("target", 4, 5, "RFC 9112 §3.2")]),
    "asterisk": (b"GET * HTTP/1.1\r\nHost: a\r\n\r\n", [("target", 4, 5, "RFC 9112 §3.2")]),
    "CONNECT path": (
        b"CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n",
        [("target", 8, 9, "RFC 9112 §3.2")],
    ),
    "no target": (b"GET HTTP/1.1\r\nHost: a\r\n\r\n", [("target", 3, 3, "RFC 9112 §3.2")]),
    "method": (b"G(T / HTTP/1.1\r\nHost: a\r\n\r\n", [("invalid bytes", 1, 2, "RFC 9110 §9.1")]),
    "no version": (b"GET /\r\nHost: a\r\n\r\n", [("version", 5, 5, "RFC 9112 §2.3")]),
    "version": (b"GET / HTTP/1.10\r\nHost: a\r\n\r\n", [("version", 6, 15, "RFC 9112 §2.3")]),
    "version in small letters": (
        b"GET / http/1.1\r\nHost: a\r\n\r\n",
        [("version", 6, 14, "RFC 9112 §2.3")],
    ),
    "version 2": (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", [("major", 11, 12, "RFC 9110 §2.5")]),
    "no HTTP": (b"\x16\x03\x01\n\n", [("rest", 0, 5, "RFC 9112 §2.2")]),
    "no status": (
        b"HTTP/1.1\r\n\r\n",
        [("space", 8, 8, "RFC 9112 §3"), ("status", 8, 8, "RFC 9112 §4")],
    ),
    "status": (b"HTTP/1.1 2x0 OK\r\n\r\n", [("status", 9, 12, "RFC 9112 §4")]),
    "status 999": (b"HTTP/1.1 999 OK\r\n\r\n", [("status", 9, 12, "RFC 9110 §15")]),
    "status 099": (b"HTTP/1.1 099 OK\r\n\r\n", [("status", 9, 12, "RFC 9110 §15")]),
    "no space after status": (b"HTTP/1.1 200\r\n\r\n", [("space", 12, 12, "RFC 9112 §3")]),
    "NUL in reason": (
        b"HTTP/1.1 200 O\0K\r\n\r\n",
        [("invalid bytes", 14, 15, "RFC 9112 §4")],
    ),
    # headers: the third line begins at byte 25
    "no host": (b"GET / HTTP/1.1\r\n\r\n", [("blank line", 16, 18, "RFC 9112 §3.2")]),
    "two hosts": (request(b"host: a"), [("header", 25, 34, "RFC 9112 §3.2")]),
    "bad host": (
        b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
        [("value", 22, 25, "RFC 9112 §3.2")],
    ),
    "bare LF": (b"GET / HTTP/1.1\nHost: a\r\n\r\n", [("CRLF", 14, 15, "RFC 9112 §2.2")]),
    "blank bare LF": (
        b"GET / HTTP/1.1\r\nHost: a\r\n\n",
        [("blank line", 25, 26, "RFC 9112 §2.2")],
    ),
    "bare CR": (request(b"X: a\rb"), [("bare CR", 29, 30, "RFC 9112 §2.2")]),
    "space before colon": (request(b"X : a"), [("whitespace", 26, 27, "RFC 9112 §5.1")]),
    "folding": (request(b"X: a", b" b"), [("fold", 31, 35, "RFC 9112 §5.2")]),
    "folding first": (
        b"GET / HTTP/1.1\r\n X: a\r\nHost: a\r\n\r\n",
        [("ignored line", 16, 23, "RFC 9112 §2.2")],
    ),
    "no colon": (request(b"Xa"), [("header", 25, 29, "RFC 9112 §5")]),
    "no name": (request(b": a"), [("name", 25, 25, "RFC 9110 §5.1")]),
    "bad name": (request(b"X(\xe9Y: a"), [("invalid bytes", 26, 28, "RFC 9110 §5.1")]),
    "NUL in value": (request(b"X: a\0b"), [("invalid bytes", 29, 30, "RFC 9110 §5.5")]),
    "DEL and BEL in value": (
        request(b"X: \x7fa\x07"),
        [("invalid bytes", 28, 29, "RFC 9110 §5.5"), ("invalid bytes", 30, 31, "RFC 9110 §5.5")],
    ),
    # framing
    "lengths differ": (
        request(b"Content-Length: 1", b"Content-Length: 2") + b"ab",
        [("value", 60, 61, "RFC 9112 §6.3"), ("rest", 65, 67, "RFC 9112 §6.3")],
    ),
    "same length twice": (
        request(b"Content-Length: 1", b"Content-Length: 01") + b"a" + GET,
        [("value", 60, 62, "RFC 9110 §8.6")],
    ),
    "very same length twice": (
        request(b"Content-Length: 1", b"Content-Length: 1") + b"a" + GET,
        [("value", 60, 61, "RFC 9110 §8.6")],
    ),
    "list of lengths": (
        request(b"Content-Length: 1, 1") + b"a" + GET,
        [("value", 41, 45, "RFC 9110 §8.6")],
    ),
    "negative length": (
        request(b"Content-Length: -1") + GET,
        [("value", 41, 43, "RFC 9110 §8.6"), ("rest", 47, 74, "RFC 9112 §6.3")],
    ),
    "superscript length": (
        request(b"Content-Length: \xb2") + b"a",
        [("value", 41, 42, "RFC 9110 §8.6"), ("rest", 46, 47, "RFC 9112 §6.3")],
    ),
    "huge length": (
        request(b"Content-Length: " + BIG) + b"a",
        [("value", 41, 5041, "RFC 9110 §8.6"), ("rest", 5045, 5046, "RFC 9112 §6.3")],
    ),
    "no length": (
        response(b"Content-Length:") + b"a",
        [("header", 17, 34, "RFC 9110 §8.6"), ("rest", 36, 37, "RFC 9112 §6.3")],
    ),
    "length and chunks": (
        request(b"Content-Length: 3", b"Transfer-Encoding: chunked") + b"0\r\n\r\nGET",
        [("header", 25, 44, "RFC 9112 §6.2"), ("rest", 79, 82, "RFC 9112 §6.1")],
    ),
    "chunks in 1.0": (
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nHTTP",
        [("header", 17, 45, "RFC 9112 §6.1"), ("rest", 52, 56, "RFC 9112 §6.1")],
    ),
    "last coding of a request": (
        request(b"Transfer-Encoding: gzip") + b"a",
        [("value", 44, 48, "RFC 9112 §6.3"), ("rest", 52, 53, "RFC 9112 §6.3")],
    ),
    "chunked not last": (
        request(b"Transfer-Encoding: chunked, gzip") + b"a",
        [("value", 44, 57, "RFC 9112 §6.1"), ("rest", 61, 62, "RFC 9112 §6.3")],
    ),
    "chunked twice": (
        request(b"Transfer-Encoding: chunked, chunked") + b"0\r\n\r\n",
        [("value", 44, 60, "RFC 9112 §6.1")],
    ),
    "unknown coding": (
        response(b"Transfer-Encoding: xchunked") + b"a",
        [("value", 36, 44, "RFC 9112 §7")],
    ),
    "chunked with parameters": (
        response(b"Transfer-Encoding: chunked;a=b") + b"0\r\n\r\n",
        [("value", 36, 47, "RFC 9112 §7.1")],
    ),
    "space before the colon of a length": (
        request(b"Content-Length : 1") + b"a",
        [("whitespace", 39, 40, "RFC 9112 §5.1"), ("rest", 47, 48, "RFC 9112 §5.1")],
    ),
    "length of a 204": (
        b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
        [("header", 25, 44, "RFC 9110 §8.6")],
    ),
    "chunks of a 100": (
        b"HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n\r\n",
        [("header", 23, 51, "RFC 9112 §6.1")],
    ),
    # chunks: the body begins at byte 47
    "chunk size": (
        CHUNKED + b"0x1\r\na",
        [("size", 47, 50, "RFC 9112 §7.1"), ("rest", 52, 53, "RFC 9112 §7.1")],
    ),
    "negative chunk size": (
        CHUNKED + b"-1\r\na",
        [("size", 47, 49, "RFC 9112 §7.1"), ("rest", 51, 52, "RFC 9112 §7.1")],
    ),
    "no chunk size": (CHUNKED + b";a\r\n", [("size", 47, 49, "RFC 9112 §7.1")]),
    "huge chunk size": (
        CHUNKED + b"f" * 5000 + b"\r\na",
        [("size", 47, 5047, "RFC 9112 §7.1"), ("rest", 5049, 5050, "RFC 9112 §7.1")],
    ),
    "space after chunk size": (
        CHUNKED + b"0 \r\n\r\n",
        [("whitespace", 48, 49, "RFC 9112 §7.1")],
    ),
    "space before extension": (
        CHUNKED + b"0 ;a\r\n\r\n",
        [("whitespace", 48, 49, "RFC 9110 §5.6.3")],
    ),
    "NUL in extension": (
        CHUNKED + b"0;\0\r\n\r\n",
        [("invalid bytes", 49, 50, "RFC 9112 §7.1.1")],
    ),
    "bare CR in extension": (
        CHUNKED + b"0;\ra\r\n\r\n",
        [("bare CR", 49, 50, "RFC 9112 §2.2")],
    ),
    "no CRLF after data": (
        CHUNKED + b"1\r\nab\r\n",
        [("CRLF", 51, 51, "RFC 9112 §7.1"), ("rest", 51, 54, "RFC 9112 §7.1")],
    ),
    "bare LF after size": (
        CHUNKED + b"0\n\r\nHTTP",
        [("CRLF", 48, 49, "RFC 9112 §7.1"), ("rest", 51, 55, "RFC 9112 §7.1")],
    ),
    "bare LF after data": (CHUNKED + b"1\r\na\n0\r\n\r\n", [("CRLF", 51, 52, "RFC 9112 §7.1")]),
    "trailer": (
        CHUNKED + b"0\r\nHost: a\r\n\r\n",
        [("trailer", 50, 59, "RFC 9110 §6.5.1")],
    ),
    # too long
    "long start line": (b"GET /" + b"a" * LIMIT, [("rest", 0, LIMIT + 5, "RFC 9112 §3")]),
    "long header": (
        b"GET / HTTP/1.1\r\n" + b"a" * (LIMIT + 1) + b"\r\n\r\n",
        [("rest", 16, LIMIT + 21, "RFC 9110 §5.4")],
    ),
    "long chunk line": (
        CHUNKED + b"0" * (LIMIT + 1),
        [("rest", 47, LIMIT + 48, "RFC 9112 §7.1.1")],
    ),
    # cut off
    "cut start line": (b"GET / HT", [("start line", 0, 8, "RFC 9112 §8")]),
    "cut headers": (b"GET / HTTP/1.1\r\nHo", [("header", 16, 18, "RFC 9112 §8")]),
    "cut before a header": (b"GET / HTTP/1.1\r\n", [("header", 16, 16, "RFC 9112 §8")]),
    "cut fold": (GET[:-2] + b" a", [("fold", 25, 27, "RFC 9112 §8")]),
    "cut chunks": (CHUNKED, [("size", 47, 47, "RFC 9112 §8")]),
}


@pytest.mark.parametrize("name", VIOLATIONS)
def test_violation(name):
    data, expected = VIOLATIONS[name]
    root = dissect(data)
    assert faults(root) == expected
    assert_tiles(root, len(data))
    if len(data) < 1000:
        assert dissect(data, (data[i : i + 1] for i in range(len(data)))).as_tuple() == (
            root.as_tuple()
        )


@pytest.mark.parametrize(
    ("data", "name", "missing"),
    [
        (response(b"Content-Length: 5") + b"ab", "body", 24),
        (CHUNKED + b"5\r\nab", "data", 24),
        (CHUNKED + b"2\r\nab", "CRLF", 16),
        (CHUNKED + b"2\r\nab\r", "CRLF", 8),
    ],
)
def test_what_is_cut_off_says_how_much_is_missing(data, name, missing):
    (cut,) = dissect(data).errors
    assert (cut.name, cut.error) == (name, cut_off(missing))


@pytest.mark.parametrize("body", [b"5\r\nab", b"2\r\nab\r\n", b"2\r\nab\r\nzz\r\n", b"2\r\nabX"])
def test_what_came_before_the_cut_is_still_de_chunked(body):
    assert dissect(CHUNKED + body).find("body").buffer.data == b"ab"


def test_what_came_of_a_cut_event_stream_is_still_dissected():
    root = dissect(STREAM + b"Content-Length: 99\r\n\r\ndata: 1\n\nda")
    assert root.find("body").buffer.data == b"data: 1\n\nda"


def test_the_longest_line_is_not_too_long():
    line = b"X: " + b"a" * (LIMIT - 4) + b"\r\n"
    assert len(line) == LIMIT + 1  # the LF comes after LIMIT bytes
    assert not dissect(request(line[:-2])).errors
    assert dissect(request(b"a" + line[:-2])).errors


# ── properties ──

token = st.text("abcXYZ019!#$%&'*+-.^_`|~", min_size=1, max_size=8).map(str.encode)
visible = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_categories=["Cc"]),
    min_size=1,
    max_size=6,
).map(lambda text: text.encode("latin-1"))
value = st.lists(visible, max_size=3).map(b" ".join)
ows = st.sampled_from([b"", b" ", b"\t", b" \t "])
SPECIAL = {b"host", b"content-length", b"transfer-encoding", b"content-type", b"connection"}


@st.composite
def headers(draw):
    lines = []
    for name in draw(st.lists(token, max_size=4)):
        if name.lower() not in SPECIAL:
            lines.append(name + b":" + draw(ows) + draw(value) + draw(ows) + b"\r\n")
    return lines


@st.composite
def framed(draw):
    """Headers and a body that belong together."""
    body = draw(st.binary(max_size=40))
    lines = draw(headers())
    if draw(st.booleans()):
        lines.append(b"Content-Length: %d\r\n" % len(body))
        return b"".join(lines) + b"\r\n" + body
    lines.insert(0, b"Transfer-Encoding: chunked\r\n")
    pieces, at = [], 0
    while at < len(body):
        piece = body[at : at + draw(st.integers(1, 20))]
        extension = draw(st.sampled_from([b"", b";a", b';a="b"']))
        pieces.append(b"%x%b\r\n%b\r\n" % (len(piece), extension, piece))
        at += len(piece)
    trailers = draw(headers())
    return b"".join(lines) + b"\r\n" + b"".join(pieces) + b"0\r\n" + b"".join(trailers) + b"\r\n"


@st.composite
def requests(draw):
    method = draw(st.sampled_from([b"GET", b"POST", b"PUT"]))
    target = b"/" + draw(st.text("abc/?=&%.", max_size=8)).encode()
    rest = draw(framed()) if method != b"GET" else b"".join(draw(headers())) + b"\r\n"
    return b"%b %b HTTP/1.1\r\nHost: a:80\r\n%b" % (method, target, rest)


@st.composite
def responses(draw):
    status = draw(st.sampled_from([b"200", b"404", b"503"]))
    reason = draw(value)
    return b"HTTP/1.1 %b %b\r\n%b" % (status, reason, draw(framed()))


@st.composite
def mutated(draw):
    """Messages that were in order until some bytes of theirs were changed."""
    data = bytearray(b"".join(draw(st.lists(st.one_of(requests(), responses()), max_size=3))))
    splinters = st.sampled_from(
        [
            b"\r",
            b"\n",
            b"\r\n",
            b" ",
            b":",
            b"\0",
            b"\xff",
            b"0",
            b"chunked",
            b"Host:a\r\n",
            b"",
            b"Content-Length: 1\r\n",
            b"Transfer-Encoding: chunked\r\n",
            b"HTTP/1.1 101 \r\n",
        ]
    )
    for _ in range(draw(st.integers(0, 5))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 3))] = draw(splinters)
    return bytes(data)


anything = st.one_of(st.binary(max_size=80), mutated(), requests(), responses())
options = st.fixed_dictionaries(
    {
        "sender": st.sampled_from([None, "client", "server"]),
        "methods": st.lists(st.sampled_from(["GET", "HEAD", "CONNECT"]), max_size=2),
        "upgrade_after": st.sampled_from([None, 0, 1]),
    }
)


def assert_tiles(field, length):
    """The children follow one another without gap or overlap, in every buffer."""
    assert (field.start, field.stop) == (0, length * 8)
    for each in field.walk():
        at = each.start
        for child in each.children:
            assert child.start == at
            at = child.stop
        if each.children:
            assert at == each.stop
        if each.buffer is not None:
            assert_tiles(each.buffer.root, len(each.buffer.data))


@st.composite
def cuts(draw, data):
    places = sorted(draw(st.lists(st.integers(0, len(data)), max_size=6)))
    edges = [0, *places, len(data)]
    return [data[i:j] for i, j in pairwise(edges)]


@settings(max_examples=400, deadline=None)
@given(anything, options)
@example(b"\x85\n", {})
@example(b"\xb2\xdf\r\n\r\n", {})
def test_any_bytes_are_tiled(data, options):
    assert_tiles(dissect(data, **options), len(data))


@settings(max_examples=300, deadline=None)
@given(anything, options, st.data())
def test_however_the_bytes_come_the_tree_is_the_same(data, options, draw):
    whole = dissect(data, **options).as_tuple()
    single = [data[i : i + 1] for i in range(len(data))]
    assert dissect(data, single, **options).as_tuple() == whole
    assert dissect(data, draw.draw(cuts(data)), **options).as_tuple() == whole


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.lists(requests()), st.lists(responses())), st.binary(max_size=40))
def test_what_follows_does_not_change_a_message(messages, trailing):
    data = b"".join(messages)
    root = dissect(data)
    assert not root.errors
    assert len(root.children) == len(messages)
    more = dissect(data + trailing)
    kept = more.children[: len(messages)]
    assert [each.as_tuple() for each in kept] == [each.as_tuple() for each in root.children]


@settings(deadline=None)
@given(anything)
def test_the_quick_way_to_take_a_header_changes_nothing(data):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(http1_lines, "IN_ORDER", re.compile(b"(?!)"))
        slow = dissect(data).as_tuple()
    assert dissect(data).as_tuple() == slow


# ── h11 says ──


def ours(data, role, method="GET"):
    """Return what we read: a verdict, and the values of the one message."""
    root = dissect(data, sender=role, methods=[method])
    if root.errors:
        return "error", None
    message = root.children[0]
    values = [child.value for child in message.children if child.name == "header"]
    body = message.find("body")
    trailers, content = [], b""
    if body is not None:
        trailers = [child.value for child in body.children if child.name == "trailer"]
        content = body.buffer.data if body.children else body.value
    lower = [(name.lower(), value) for name, value in values]
    ended = [(name.lower(), value) for name, value in trailers]
    first = message.children[0]
    what = first.find("method" if role == "client" else "status").value
    return "fine", (what, lower, content, ended)


def theirs(data, role, method="GET"):
    """Return what h11 reads."""
    connection = h11.Connection(h11.SERVER if role == "client" else h11.CLIENT, 10**6)
    if role == "server":  # h11 reads an answer only to a request of its own
        target = "a:1" if method == "CONNECT" else "/"
        connection.send(h11.Request(method=method, target=target, headers=[("Host", "a")]))
        connection.send(h11.EndOfMessage())
    first, content, trailers = None, b"", []
    try:
        connection.receive_data(data)
        connection.receive_data(b"")  # the close
        while True:
            event = connection.next_event()
            if isinstance(event, (h11.Request, h11.Response, h11.InformationalResponse)):
                first = event
            elif isinstance(event, h11.Data):
                content += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                trailers = text_of(event.headers)
                break
            else:
                return "error", None  # the close came before a message
    except h11.RemoteProtocolError:
        return "error", None
    what = first.method.decode() if role == "client" else first.status_code
    return "fine", (what, text_of(first.headers), content, trailers)


def text_of(headers):
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]


@settings(max_examples=300, deadline=None)
@given(requests())
def test_h11_reads_the_same_requests(data):
    assert ours(data, "client") == theirs(data, "client")


@settings(max_examples=300, deadline=None)
@given(responses(), st.sampled_from(["GET", "HEAD"]))
def test_h11_reads_the_same_responses(data, method):
    data = data if method == "GET" else data[: data.index(b"\r\n\r\n") + 4]
    assert ours(data, "server", method) == theirs(data, "server", method)


LENIENT = {
    "no such target": "RFC 9112 §3.2: a target has one of four forms, and a word is none of them",
    "asterisk": "RFC 9112 §3.2.4: * is for OPTIONS alone",
    "CONNECT path": "RFC 9112 §3.2.3: CONNECT takes a host and a port, nothing else",
    "version 2": "RFC 9110 §2.5: another major version has another syntax",
    "status 999": "RFC 9110 §15: codes outside 100 to 599 are invalid",
    "no space after status": "RFC 9112 §4: the server must send this space",
    "bad host": "RFC 9112 §3.2: an invalid Host is answered with 400",
    "bare LF": "RFC 9112 §2.2: a reader may accept it (we do as well), nobody may send it",
    "blank bare LF": "RFC 9112 §2.2: as above",
    "folding": "RFC 9112 §5.2: a server refuses it or replaces it; nobody may send it",
    "DEL and BEL in value": "RFC 9110 §5.5: invalid, though a reader may keep what is not CR, "
    "LF or NUL",
    "very same length twice": "RFC 9110 §8.6: a reader refuses it or takes one of them; nobody "
    "may send it",
    "list of lengths": "RFC 9110 §8.6: as above",
    "length and chunks": "RFC 9112 §6.2: nobody may send both; §6.1: the connection must close",
    "chunks in 1.0": "RFC 9112 §6.1: to be treated as faulty framing",
    "length of a 204": "RFC 9110 §8.6: must not be sent",
    "space after chunk size": "RFC 9112 §7.1: only an extension may follow the size",
    "NUL in extension": "RFC 9112 §7.1.1: tokens and quoted strings have no NUL",
    "bare CR in extension": "RFC 9112 §2.2: invalid in everything but the content",
    "trailer": "RFC 9110 §6.5.1: what routes the message may not come after it",
}
"""What h11 lets pass and we do not, and the clause that decides."""

STRICT = {
    "two codings": (
        request(b"Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n",
        "RFC 9112 §6.1: a list of codings; a server that lacks one answers 501, not 400",
    ),
    "two codings in two headers": (
        request(b"Transfer-Encoding: gzip", b"Transfer-Encoding: chunked") + b"0\r\n\r\n",
        "RFC 9110 §5.3: two headers of a list are one list",
    ),
    "a coding until the close": (
        response(b"Transfer-Encoding: gzip") + b"abc",
        "RFC 9112 §6.3: the body of such a response runs until the close",
    ),
    "zeros before a length": (
        request(b"Content-Length: " + b"0" * 20 + b"1") + b"a",
        "RFC 9110 §8.6: any number of digits",
    ),
    "zeros before a chunk size": (
        CHUNKED + b"0" * 20 + b"1\r\na\r\n0\r\n\r\n",
        "RFC 9112 §7.1: any number of digits",
    ),
}
"""What h11 refuses and we do not: the message, and the clause that decides."""


@pytest.mark.parametrize("name", VIOLATIONS)
def test_h11_refuses_what_is_wrong(name):
    data, _ = VIOLATIONS[name]
    verdict, _ = theirs(data, "server" if data.startswith(b"HTTP/") else "client")
    assert verdict == ("fine" if name in LENIENT else "error")


NEXT = {
    # headers of the first message, its version: our clause, or none; whether h11 objects
    "nothing said": (b"", b"1.1", "", False),
    "close": (b"Connection: close\r\n", b"1.1", "RFC 9112 §9.6", True),
    "close in a list": (
        b"Connection: x\r\nConnection: y, CLOSE\r\n",
        b"1.1",
        "RFC 9112 §9.6",
        True,
    ),
    "close in another word": (b"Connection: closely\r\n", b"1.1", "", False),
    "1.0": (b"", b"1.0", "RFC 9112 §9.3", True),
    # §9.3: such a connection persists if the recipient likes; h11 does not.
    "1.0 with keep-alive": (b"Connection: Keep-Alive\r\n", b"1.0", "", True),
}


@pytest.mark.parametrize("name", NEXT)
@pytest.mark.parametrize("role", ["client", "server"])
def test_nothing_follows_a_message_that_closes_the_connection(name, role):
    headers, version, clause, objects = NEXT[name]
    start = b"HTTP/%b 200 OK\r\nContent-Length: 0\r\n"
    if role == "client":
        start = b"GET / HTTP/%b\r\nHost: a\r\n"
    first, later = start % version + headers + b"\r\n", start % b"1.1" + b"\r\n"
    root = dissect(first + later * 2)
    errors = [[field.reference for field in each.errors] for each in root.children]
    assert errors == [[], [clause] * bool(clause), [clause] * bool(clause)]
    connection = h11.Connection(h11.SERVER if role == "client" else h11.CLIENT)
    if role == "server":
        connection.send(h11.Request(method="GET", target="/", headers=[("Host", "a")]))
        connection.send(h11.EndOfMessage())
    connection.receive_data(first + later)
    assert isinstance(connection.next_event(), (h11.Request, h11.Response))
    assert isinstance(connection.next_event(), h11.EndOfMessage)
    if objects:
        with pytest.raises(h11.RemoteProtocolError):
            connection.next_event()
    else:
        assert connection.next_event() is h11.PAUSED


def test_an_interim_answer_closes_nothing():
    early = b"HTTP/1.1 103 Early Hints\r\nConnection: close\r\n\r\n"
    assert dissect(early + b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").errors == []


@pytest.mark.parametrize("name", STRICT)
def test_h11_refuses_more(name):
    data, _ = STRICT[name]
    role = "server" if data.startswith(b"HTTP/") else "client"
    assert (ours(data, role)[0], theirs(data, role)[0]) == ("fine", "error")


# What h11 lets pass, as our errors name it.
PASSED = {
    (fault[0], fault[3]) for name in LENIENT for fault in faults(dissect(VIOLATIONS[name][0]))
}


@settings(max_examples=300, deadline=None)
@given(mutated())
def test_h11_and_hostile_messages(data):
    """What we find in order, h11 reads in the same way; what it lets pass is in the table."""
    role = "server" if data.startswith(b"HTTP/") else "client"
    root = dissect(data, sender=role)
    assume(root.children)
    message = root.children[0]
    assume(message.name in ("request", "response"))
    assume(not (role == "server" and message.value[:1] == "1"))  # h11 wants the final answer
    verdict, values = theirs(data, role)
    first = data[: message.stop // 8]
    mine = [(fault[0], fault[3]) for fault in faults(dissect(first, sender=role))]
    if not mine:
        assert ours(first, role) == (verdict, values)
    elif verdict == "fine":
        assert set(mine) <= PASSED


# ── time ──

MANY_FIELDS = {
    "headers": (b"GET / HTTP/1.1\r\n", b"X: a\r\n"),
    "folds": (b"GET / HTTP/1.1\r\nX: a\r\n", b" a\r\n"),
    "lengths": (b"GET / HTTP/1.1\r\n", b"Content-Length: 5\r\n"),
    "small chunks": (CHUNKED, b"3\r\nabc\r\n"),
    "events": (
        STREAM + b"Transfer-Encoding: chunked\r\n\r\n",
        b"9\r\ndata: 1\n\n\r\n",
    ),
    "messages": (b"", GET),
    "bare CRs": (b"GET / HTTP/1.1\r\nX:", b"a\r"),
}
FEW_FIELDS = {
    "one line": (b"", b"a" * 1000),
    "large chunks": (CHUNKED, b"3e8\r\n" + b"a" * 1000 + b"\r\n"),
    "until the close": (b"HTTP/1.1 200 OK\r\n\r\n", b"a" * 1000),
    "one body": (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", b"a" * 1000),
    "one chunk": (CHUNKED + b"fffffff\r\n", b"a" * 1000),
    "rest": (b"\0\n", b"a" * 1000),
}


def slowdown(head, unit, count, size):
    few, many = (
        [data[i : i + size] for i in range(0, len(data), size)]
        for data in (head + unit * count, head + unit * count * EIGHTFOLD)
    )
    return growth(http1.dissector, few, many)


@pytest.mark.parametrize("name", MANY_FIELDS)
@pytest.mark.parametrize("size", [1, 1000])
def test_time_is_linear_in_the_fields(name, size):
    assert slowdown(*MANY_FIELDS[name], 800, size) < LINEAR


@pytest.mark.parametrize("name", FEW_FIELDS)
@pytest.mark.parametrize(("size", "count"), [(1, 15), (1000, 250)])
def test_time_is_linear_in_the_bytes(name, size, count):
    assert slowdown(*FEW_FIELDS[name], count, size) < LINEAR
