from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from peers import recorded

from rtlab.link import Segment
from rtlab.link.redaction import redacted

REQUEST = (
    b"GET /events?since=1&token=SECRET-1 HTTP/1.1\r\n"
    b"Host: 127.0.0.1\r\n"
    b"Cookie: session=SECRET-2; b=SECRET-3\r\n"
    b"Accept: */*\r\n"
    b"authorization:Bearer SECRET-4\r\n"
    b"Proxy-Authorization \t:  SECRET-5\r\n"
    b"Referer: http://127.0.0.1/lab?token=SECRET-6#top\r\n"
    b"COOKIE: folded=SECRET-7;\r\n  and=SECRET-8\r\n\tand=SECRET-9\r\n"
    b"Accept-Language: de\r\n"
    b"\r\n"
    b"body"
)
KEPT = [
    b"GET /events?since=1&token=",
    b" HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: ",
    b"\r\nAccept: */*\r\nauthorization:",
    b"\r\nProxy-Authorization \t:  ",
    b"\r\nReferer: http://127.0.0.1/lab?token=",
    b"#top\r\nCOOKIE: ",
    b"\r\nAccept-Language: de\r\n\r\nbody",
]


def sliced(data, places):
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


def blotted(pieces, **options):
    return b"".join(redacted(recorded(pieces, **options).segments))


def test_every_secret_is_blotted_out_and_everything_else_is_kept():
    result = blotted([REQUEST])
    assert b"SECRET" not in result
    assert len(result) == len(REQUEST)
    for text in KEPT:
        assert result.count(text) == REQUEST.count(text) == 1


def test_set_cookie_in_an_answer_is_blotted_out():
    answer = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=SECRET; Path=/\r\nX: y\r\n\r\n"
    assert blotted([answer], direction="down") == (
        b"HTTP/1.1 200 OK\r\nSet-Cookie: " + b"*" * 16 + b"\r\nX: y\r\n\r\n"
    )


@given(st.lists(st.integers(0, len(REQUEST)), max_size=40))
def test_it_does_not_matter_how_the_bytes_were_cut(places):
    pieces = sliced(REQUEST, places)
    result = redacted(recorded(pieces).segments)
    assert [len(data) for data in result] == [len(data) for data in pieces]
    assert b"".join(result) == blotted([REQUEST])


def test_byte_by_byte_no_secret_comes_through_either():
    assert b"SECRET" not in blotted([bytes([byte]) for byte in REQUEST])


def test_streams_are_looked_at_one_by_one():
    secret = b"GET / HTTP/1.1\r\nCookie: SECRET-A\r\n\r\n"
    words = b"plain words, no header at all\r\n"
    segments = []
    for start in range(0, len(secret), 5):
        for number, direction, stream in ((1, "up", secret), (2, "up", words), (1, "down", words)):
            piece = stream[start : start + 5]
            segments.append(Segment(number, direction, start, 0, None, piece))
    result = redacted(segments)
    assert b"".join(result[0::3]) == b"GET / HTTP/1.1\r\nCookie: ********\r\n\r\n"
    assert b"".join(result[1::3]) == b"".join(result[2::3]) == words


def test_ends_of_streams_pass_untouched():
    segments = [*recorded([REQUEST]).segments, Segment(1, "up", len(REQUEST), 9, 9, b"", "eof")]
    assert redacted(segments)[-1] == b""
    assert redacted([]) == []


@pytest.mark.parametrize(
    "text",
    [
        b"GET /cookie?tokens=3 HTTP/1.1\r\nX-Cookie-Count: 3\r\nCookies: 2\r\n\r\n",
        b"data: Cookie: is a word here\n\n",
        b"\x81\x05hello",
        bytes(range(256)),
        b"",
    ],
)
def test_what_is_no_secret_stays(text):
    assert blotted([text]) == text


def test_a_value_without_an_end_is_blotted_out_as_far_as_it_goes():
    assert blotted([b"GET / HTTP/1.1\r\nCookie: SECR"]) == b"GET / HTTP/1.1\r\nCookie: ****"


@given(st.integers(1, len(REQUEST) - 1), st.lists(st.integers(0, len(REQUEST)), max_size=10))
def test_half_a_secret_whose_beginning_is_no_longer_held_is_blotted_out(dropped, places):
    rest = REQUEST[dropped:]
    result = blotted(sliced(rest, places), offset=dropped)
    assert len(result) == len(rest)
    assert b"RET-" not in result
    if b"\r\n\r\n" in rest:
        assert result.endswith(b"\r\n\r\nbody")


def test_half_a_secret_of_which_neither_end_is_held_is_blotted_out():
    assert b"SECRET" not in blotted([b"beginning=SECRET; more=SECR"], offset=5000)


@pytest.mark.parametrize(
    "text",
    [
        b"GET /messages?since=3 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nServer: b\r\n\r\n",
        b'\x81\x0e{"seq":1,"a":2}\x81\x02{}',
        b"\x81\x85\x01\x02\x03\x04\r\n123",
    ],
)
def test_what_follows_a_cleared_recording_is_kept_where_it_can_be_no_half_secret(text):
    assert blotted([text], offset=5000) == text


@given(st.integers(1, len(REQUEST) - 2), st.integers(1, 60))
def test_half_a_secret_after_bytes_that_were_not_captured_is_blotted_out(start, length):
    stop = min(start + length, len(REQUEST) - 1)
    first = Segment(1, "up", 0, 1, 1, REQUEST[:start])
    second = Segment(1, "up", stop, 2, 2, REQUEST[stop:])
    result = redacted([first, second])
    assert [len(data) for data in result] == [start, len(REQUEST) - stop]
    assert b"RET-" not in b"".join(result)
