"""Sec-WebSocket-Extensions as we read it, and as websockets does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import InvalidHeaderFormat
from websockets.headers import parse_extension

from rtlab.dissect import http1
from tests.dissect.handshakes import OFFERS, ask


def read(*values):
    """Return what a request offers, and what is wrong with it."""
    messages = []
    dissector = http1.dissector(messages=messages)
    dissector.feed(ask({OFFERS: list(values)}))
    root = dissector.end()
    [message] = messages
    offered = [
        (each.name, [(parameter.name, parameter.value) for parameter in each.parameters])
        for each in message.handshake.extensions
    ]
    return offered, root.errors


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("foo", [("foo", [])]),
        ("foo, bar; baz=2", [("foo", []), ("bar", [("baz", "2")])]),
        (
            "mux; max-channels=4; flow-control, deflate-stream",
            [("mux", [("max-channels", "4"), ("flow-control", None)]), ("deflate-stream", [])],
        ),
        ('a ;\tb = "c" ;d= "\\e"', [("a", [("b", "c"), ("d", "e")])]),
    ],
)
def test_the_examples_of_the_rfc_and_quotes(value, expected):
    assert read(value) == (expected, [])


def test_separators_in_quotes_part_nothing():
    offered, [parameter] = read('a;b="c,d;e"')
    assert offered == [("a", [("b", "c,d;e")])]
    assert parameter.name == "parameter"  # for the value is no token


def test_two_headers_are_one_list():
    assert read("foo", "bar; baz=2") == read("foo, bar; baz=2")


def test_a_line_that_is_folded_or_has_invalid_bytes_is_read_but_not_taken_apart():
    for value in ("foo;\r\n bar=1", "foo\0; bar"):
        offered, errors = read(value)
        assert len(offered) == 1
        assert {field.name for field in errors} <= {"fold", "invalid bytes"}
        assert errors


words = st.text(st.sampled_from("ab-!9"), min_size=1, max_size=3)
space = st.sampled_from(["", " ", "\t", "  "])


@st.composite
def lists(draw):
    elements = []
    for name in draw(st.lists(words, min_size=1, max_size=3)):
        element = name
        for parameter, value in draw(st.lists(st.tuples(words, st.none() | words), max_size=3)):
            element += draw(space) + ";" + draw(space) + parameter
            if value is not None:
                quoted = draw(st.sampled_from([value, f'"{value}"', f'"\\{value}"']))
                element += draw(space) + "=" + draw(space) + quoted
        elements.append(element)
    text = elements[0]
    for element in elements[1:]:
        text += draw(space) + "," + draw(space) + element
    return text


@given(lists())
def test_websockets_reads_the_same_from_what_is_in_order(text):
    offered, errors = read(text)
    assert errors == []
    assert offered == parse_extension(text)


@given(st.text(st.sampled_from(' \t,;="\\ab'), min_size=1, max_size=15))
def test_websockets_refuses_what_has_an_error(text):
    offered, errors = read(text)
    try:
        theirs = parse_extension(text.strip(" \t"))
    except InvalidHeaderFormat:
        theirs = None
    if errors and theirs is not None:  # an empty element: nobody may send it, and it skips it
        assert all(field.name == "extension name" and not field.value for field in errors)
        assert [each for each in offered if each[0]] == theirs
    elif theirs is None:
        assert errors
    else:
        assert offered == theirs
