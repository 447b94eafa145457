"""The opening handshake: what each message has wrong, what both have, how a key is answered."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rtlab
from rtlab import examples
from rtlab.dissect import http1
from rtlab.dissect.accept_key import accept
from rtlab.dissect.conversation import converse
from rtlab.dissect.handshake_remarks import REMARKS
from tests.dissect.handshakes import (
    ANSWER_DEFECTS,
    CHOICE,
    END,
    OFFERING,
    OFFERS,
    REQUEST_DEFECTS,
    ask,
    reply,
    value_of,
)
from tests.dissect.helpers import assert_tiled, cut, one_by_one
from tests.dissect.timing import EIGHTFOLD, LINEAR, growth

H2C = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"


def faults(found):
    """Every error: the field, the bytes it covers, the clause."""
    return [
        (field.name, found.data[field.start // 8 : field.stop // 8].decode(), field.reference)
        for field in found.errors
    ]


def alone(data):
    return rtlab.dissect(data, "http1")


# ── in order ──


@pytest.mark.parametrize(
    "changes",
    [
        {"Upgrade": "WebSocket"},
        {"Upgrade": "h2c, websocket"},
        {"Upgrade": ["h2c", "websocket"]},
        {"Connection": "keep-alive, upgrade"},
        {"Connection": ["keep-alive", "UPGRADE"]},
        {"Host": "[::1]:8080"},
        {"Content-Length": "0"},
        {"Content-Length": "00"},
        {"start": "GET /chat HTTP/1.2"},
        {"Origin": "https://a.example"},
        {CHOICE: ["chat", "v2,Chat"]},
        {OFFERS: "permessage-deflate"},
        {OFFERS: "permessage-deflate; client_max_window_bits, permessage-deflate"},
        {OFFERS: ["x;y = 1 ;z", 'permessage-deflate ; server_max_window_bits="9"']},
    ],
    ids=str,
)
def test_requests_that_are_in_order(changes):
    found = alone(ask(changes))
    assert faults(found) == []
    assert_tiled(found.root, len(found.data))


@pytest.mark.parametrize(
    ("offered", "agreed"),
    [
        ({}, {"Connection": "keep-alive, upgrade", "Upgrade": "WebSocket"}),
        ({CHOICE: "chat, v2"}, {CHOICE: "v2"}),
        ({CHOICE: "chat, v2"}, {}),
        ({OFFERS: "permessage-deflate"}, {}),
        ({OFFERS: "permessage-deflate"}, {OFFERS: "permessage-deflate"}),
        # RFC 6455 §11.3.2 forbids two; erratum 3433 follows §4.2.2, which allows them.
        ({OFFERS: "x, permessage-deflate"}, {OFFERS: ["x", "permessage-deflate"]}),
        (
            {OFFERS: "permessage-deflate"},
            {
                OFFERS: "permessage-deflate; server_no_context_takeover; "
                "client_no_context_takeover; server_max_window_bits=8"
            },
        ),
        (
            {OFFERS: "permessage-deflate; client_max_window_bits; server_max_window_bits=12"},
            {OFFERS: "permessage-deflate; client_max_window_bits=15; server_max_window_bits=12"},
        ),
        # What a parameter means, each extension says for itself.
        ({OFFERS: "x; server_max_window_bits=9"}, {OFFERS: "x"}),
        (  # the second offer fits, the first does not
            {OFFERS: "permessage-deflate; server_max_window_bits=8, permessage-deflate"},
            {OFFERS: "permessage-deflate"},
        ),
    ],
    ids=str,
)
def test_answers_that_are_in_order(offered, agreed):
    assert converse(ask(offered), reply(agreed)).errors == []


# ── a request alone ──


@pytest.mark.parametrize("name", REQUEST_DEFECTS)
def test_what_is_wrong_with_a_request_is_found_where_it_lies(name):
    changes, fault = REQUEST_DEFECTS[name]
    found = alone(ask(changes))
    assert faults(found) == [fault]
    assert_tiled(found.root, len(found.data))


def test_all_that_is_missing_is_named_at_once():
    found = alone(b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n")
    [blank] = found.errors
    assert blank.error == (
        "the headers end without Host, Connection, Sec-WebSocket-Key, Sec-WebSocket-Version"
    )


def test_what_is_missing_is_said_even_where_the_blank_line_is_wrong_itself():
    data = ask({"Sec-WebSocket-Key": None})
    found = alone(data[:-2] + b"\n")
    assert [(field.name, field.reference) for field in found.errors] == [
        ("request", "RFC 6455 §4.1"),
        ("blank line", "RFC 9112 §2.2"),
    ]


def test_a_sloppy_key_is_told_how_it_would_be_right():
    changes, _ = REQUEST_DEFECTS["sloppy key"]
    [value] = alone(ask(changes)).errors
    assert "AQIDBAUGBwgJCgsMDQ4PEA==" in value.error
    assert value.buffer.data == bytes(range(1, 17))


def test_an_empty_key_is_not_decoded():
    found = alone(ask({"Sec-WebSocket-Key": ""}))
    assert all(field.buffer is None for field in found.root.walk())


def test_what_may_have_a_body_is_told_what_else_is_wrong_with_it():
    found = alone(ask({"start": "POST /chat HTTP/1.1", "Content-Length": "1", "body": "a"}))
    assert faults(found) == [("method", "POST", "RFC 6455 §4.1")]


@pytest.mark.parametrize("digits", ["x", "9" * 5000, "²"])
def test_a_length_that_is_none_has_its_own_error(digits):
    found = alone(ask({"Content-Length": digits}))
    assert found.errors
    assert all(field.reference != "RFC 9110 §9.3.1" for field in found.errors) or digits[0] == "9"


@pytest.mark.parametrize(
    "data",
    [
        H2C,
        H2C.replace(b"h2c", b"TLS/1.0"),
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_other_messages_are_not_judged(data):
    assert faults(alone(data)) == []


# ── an answer alone ──


@pytest.mark.parametrize("name", ANSWER_DEFECTS)
def test_what_an_answer_alone_shows_is_found_where_it_lies(name):
    changes, fault = ANSWER_DEFECTS[name]
    found = faults(alone(reply(changes)))
    if name in NEEDS_BOTH:
        assert found == []
    else:
        assert found == [fault]


NEEDS_BOTH = {
    "accept of another key",
    "subprotocol not offered",
    "subprotocol in other letters",
    "extension not offered",
    "accept in small letters",  # it is the hash of something, but not of this key
}


def test_a_101_says_what_it_switches_to():
    found = alone(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
    assert faults(found) == [(*END, "RFC 9110 §15.2.2")]


# ── both together ──


@pytest.mark.parametrize("name", ANSWER_DEFECTS)
def test_what_is_wrong_with_an_answer_to_this_request_is_found_where_it_lies(name):
    changes, fault = ANSWER_DEFECTS[name]
    found = converse(ask(OFFERING), reply(changes))
    assert found.up.errors == []
    assert fault in faults(found.down)
    assert_tiled(found.down.root, len(found.down.data))


@pytest.mark.parametrize("wrong", ["0" * 27 + "=", examples.KEY, "?", "", examples.ACCEPT.lower()])
def test_a_wrong_accept_is_told_what_it_should_be(wrong):
    [value] = converse(ask(), reply({"Sec-WebSocket-Accept": wrong})).errors
    assert examples.ACCEPT in value.error


def test_without_a_key_no_accept_can_be_right_or_wrong():
    found = converse(ask({"Sec-WebSocket-Key": None}), reply())
    assert [field.name for field in found.errors] == ["blank line"]


DEFLATE = "permessage-deflate"
MISFITS = {
    "forgetting was asked for": (
        f"{DEFLATE}; server_no_context_takeover",
        DEFLATE,
        ("extension", DEFLATE, "RFC 7692 §7.1.1.1"),
    ),
    "a limit was asked for": (
        f"{DEFLATE}; server_max_window_bits=10",
        DEFLATE,
        ("extension", DEFLATE, "RFC 7692 §7.1.2.1"),
    ),
    "a larger window": (
        f"{DEFLATE}; server_max_window_bits=9",
        f"{DEFLATE}; server_max_window_bits=10",
        ("parameter", "server_max_window_bits=10", "RFC 7692 §7.1.2.1"),
    ),
    "a larger window for the client": (
        f"{DEFLATE}; client_max_window_bits=9",
        f"{DEFLATE}; client_max_window_bits=10",
        ("parameter", "client_max_window_bits=10", "RFC 7692 §7.1.2.2"),
    ),
    "a window that the client cannot limit": (
        DEFLATE,
        f"{DEFLATE}; client_max_window_bits=10",
        ("parameter", "client_max_window_bits=10", "RFC 7692 §7.1.2.2"),
    ),
    "none of two offers": (
        f"{DEFLATE}; server_max_window_bits=9, {DEFLATE}; server_no_context_takeover",
        DEFLATE,
        ("extension", DEFLATE, "RFC 7692 §7.1.2.1"),
    ),
}


@pytest.mark.parametrize("name", MISFITS)
def test_deflate_is_agreed_to_as_it_was_offered(name):
    offered, agreed, fault = MISFITS[name]
    found = converse(ask({OFFERS: offered}), reply({OFFERS: agreed}))
    assert found.up.errors == []
    assert faults(found.down) == [fault]


def test_an_answer_with_an_error_of_its_own_is_not_measured_by_the_offer():
    offered, agreed = (f"{DEFLATE}; server_max_window_bits={bits}" for bits in ("9", "ten"))
    found = converse(ask({OFFERS: offered}), reply({OFFERS: agreed}))
    assert faults(found.down) == [
        ("parameter", "server_max_window_bits=ten", "RFC 7692 §7.1.2.1"),
    ]


def test_an_offer_with_an_error_must_be_declined():
    found = converse(ask({OFFERS: f"{DEFLATE}; level=9"}), reply({OFFERS: DEFLATE}))
    assert [field.name for field in found.up.errors] == ["parameter"]
    assert faults(found.down) == [("extension", DEFLATE, "RFC 7692 §7")]


@pytest.mark.parametrize(
    ("request_", "place"),
    [
        (b"GET /chat HTTP/1.1\r\nHost: a\r\n\r\n", ("status", "101")),
        (H2C, ("value", "websocket")),
        (ask({"Upgrade": None}), ("status", "101")),
    ],
)
def test_a_101_to_a_request_that_never_asked(request_, place):
    found = converse(request_, reply())
    assert (*place, "RFC 9110 §7.8") in faults(found.down)


def test_a_bare_101_to_a_request_for_a_websocket_lacks_everything():
    found = converse(ask(), b"HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x00")
    assert [field.error for field in found.down.errors] == [
        "the headers end without Upgrade, Connection, Sec-WebSocket-Accept",
        "the headers end without Upgrade",
    ]
    assert found.down.root.children[1].name == "frame"


@pytest.mark.parametrize("status", ["426 Upgrade Required", "400 Bad Request"])
def test_a_refused_version_is_told_which_one_there_is(status):
    changes = {"Sec-WebSocket-Version": "12"}
    refusal = f"HTTP/1.1 {status}\r\nUpgrade: websocket\r\nContent-Length: 0\r\n"
    found = converse(ask(changes), f"{refusal}\r\n".encode())
    assert faults(found.down) == [(*END, "RFC 6455 §4.2.2, §4.4")]
    told = f"{refusal}Sec-WebSocket-Version: 13, 8\r\n\r\n".encode()
    assert converse(ask(changes), told).down.errors == []
    # These were refused for something else.
    assert converse(ask(), f"{refusal}\r\n".encode()).down.errors == []
    plain = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    for other in (ask({"Sec-WebSocket-Version": None}), plain):
        assert converse(other, f"{refusal}\r\n".encode()).down.errors == []
    forbidden = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
    assert converse(ask(changes), forbidden).down.errors == []


def test_each_answer_is_compared_with_its_own_request():
    refusal = b"HTTP/1.1 426 x\r\nSec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n"
    again = ask({"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="})
    found = converse(
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" + ask({"Sec-WebSocket-Version": "8"}) + again,
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        + refusal
        + b"HTTP/1.1 103 Early Hints\r\n\r\n"
        + reply({"Sec-WebSocket-Accept": accept("AAAAAAAAAAAAAAAAAAAAAA==")}),
    )
    assert found.down.errors == []


def test_headers_that_are_cut_off_are_not_judged():
    for data in (ask()[:-2], reply()[:-2]):
        assert [field.name for field in alone(data).errors] == ["header"]
    assert len(converse(ask()[:-2], reply()).errors) == 1
    assert len(converse(ask(), reply()[:-2]).errors) == 1


def test_the_parameters_are_explained():
    found = alone(ask({OFFERS: "permessage-deflate; client_max_window_bits=10, x; y"}))
    extension, comma, other = value_of(found, OFFERS).children
    assert (extension.value, comma.value, other.value) == ("permessage-deflate", ",", "x")
    assert extension.reference == "RFC 7692 §7"
    assert extension.children[-1].value == "client_max_window_bits=10"
    assert extension.children[-1].reference == "RFC 7692 §7.1.2.2"
    assert other.children[-1].reference == "RFC 6455 §9.1"


def test_the_prose_is_there():
    for name, remark in REMARKS.items():
        assert remark.note.endswith((".", "?")), name
        assert re.fullmatch(r"RFC \d+ §[\d.]+(, §[\d.]+)?", remark.reference), name
    offering = ask({OFFERS: "x;y, permessage-deflate"})
    for side in converse(offering, reply())[:2]:
        for field in side.root.walk():
            assert field.name == "stream" or field.note, field
            while field.buffer is not None:
                field = field.buffer.root
                assert all(part.note for part in field.walk()), field


# ── properties ──


@st.composite
def mutated(draw, good):
    """Handshakes that were in order until some bytes of theirs were changed."""
    data = bytearray(good)
    splinters = [
        *(b"", b"\r\n", b"\n", b" ", b",", b";", b"=", b'"', b"\\", b"\0", b"\xff", b"\r\n "),
        *(b"Sec-WebSocket-Key: x\r\n", b"Upgrade: h2c\r\n", b"permessage-deflate", b"websocket"),
        *(b"Sec-WebSocket-Extensions:;\r\n", b"Sec-WebSocket-Accept:\r\n", b"HTTP/1.1 101 x\r\n"),
    ]
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 12))] = draw(st.sampled_from(splinters))
    return bytes(data)


ASKED = ask({**OFFERING, "Content-Length": "0"})
ANSWERED = reply({CHOICE: "chat", OFFERS: 'permessage-deflate; client_max_window_bits="9"'})
requests = mutated(ASKED + examples.MASKED_HELLO)
answers = mutated(ANSWERED + examples.HELLO)


@settings(max_examples=300, deadline=None)
@given(requests, answers)
def test_whatever_the_bytes_both_sides_are_tiled(up, down):
    found = converse(up, down)
    assert_tiled(found.up.root, len(up))
    assert_tiled(found.down.root, len(down))
    assert repr(found)


@settings(max_examples=300, deadline=None)
@given(st.one_of(requests, answers), st.lists(st.integers(0, 500), max_size=6))
def test_however_the_bytes_come_the_tree_is_the_same(data, places):
    whole = alone(data).root.as_tuple()
    for pieces in (one_by_one(data), cut(data, places)):
        dissector = http1.dissector()
        for piece in pieces:
            dissector.feed(piece)
        assert dissector.end().as_tuple() == whole


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from(' \t,;="\\ab'), max_size=30))
def test_whatever_the_list_of_extensions_says_it_is_tiled(text):
    found = alone(ask({OFFERS: text}))
    assert_tiled(found.root, len(found.data))


# ── time ──


class Both:
    """Answers with what it is fed to a request that offers the same: driven as a dissector is."""

    def feed(self, header):
        self.header = header

    def end(self):
        return converse(ask(self.header), reply(self.header))


LISTS = {
    "extensions": (OFFERS, "a,"),
    "parameters": (OFFERS, "a;"),
    "one after another": (OFFERS, f"{DEFLATE},"),
    "parameters of deflate": (OFFERS, f"{DEFLATE};a;"),
    "spaces": (OFFERS, "a "),
    "quotes": (OFFERS, '"'),
    "quotes that stay open": (OFFERS, 'a"\\"'),
    "subprotocols": (CHOICE, "a,"),
    "many subprotocols": (CHOICE, [f"a{n}" for n in range(99_999)]),
    "upgrades": ("Upgrade", "websocket, "),
    "keys": ("Sec-WebSocket-Key", ["a"] * 99_999),
}


@pytest.mark.parametrize("name", LISTS)
def test_time_is_linear_in_a_list(name):
    header, unit = LISTS[name]
    few, many = ([{header: unit * n if isinstance(unit, str) else unit[:n]}] for n in (300, 2400))
    assert 300 * EIGHTFOLD == 2400
    assert growth(Both, few, many) < LINEAR
