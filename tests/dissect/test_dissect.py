from __future__ import annotations

from importlib import import_module
from inspect import signature

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rtlab
from rtlab.dissect import PROTOCOLS
from rtlab.dissect.options import CHECKS
from rtlab.errors import UsageError
from tests.dissect.helpers import assert_tiled, one_by_one


def test_the_masked_hello_of_rfc_6455():
    found = rtlab.dissect(bytes.fromhex("818537fa213d7f9f4d5158"), "websocket", sender="client")
    assert found.errors == []
    payload = found.root.find("payload")
    assert payload.buffer.data == b"Hello"
    assert (payload.start, payload.stop) == (48, 88)
    assert rtlab.dissect(found.data, "websocket", sender="server").errors != []


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: rtlab.dissect(b"", "websockets"), "Did you mean 'websocket'"),
        (lambda: rtlab.dissect(b"", "http"), "Did you mean 'http1'"),
        (lambda: rtlab.dissect(b"", "h2"), "Did you mean 'http2'"),
        (lambda: rtlab.dissect(b"", "http2", tunnel=[1]), "Did you mean 'tunnels'"),
        (lambda: rtlab.dissect("text", "sse"), "data must be bytes"),
        (lambda: rtlab.dissect(b"", "websocket", sendr="client"), "Did you mean 'sender'"),
        (lambda: rtlab.dissect(b"", "websocket", sender="klient"), "Did you mean 'client'"),
        (lambda: rtlab.dissect(b"", "sse", cursor=1), "option of sse"),
    ],
)
def test_bad_arguments_are_named(call, words):
    with pytest.raises(UsageError, match=words):
        call()


@pytest.mark.parametrize(
    ("protocol", "option", "value", "words"),
    [
        ("http1", "methods", "HEAD", "list of methods such as"),
        ("http1", "methods", 5, "list of methods such as"),
        ("http1", "methods", None, "list of methods such as"),
        ("http1", "methods", [b"HEAD"], "list of methods such as"),
        ("http1", "sender", 1, "no sender 1"),
        ("http1", "upgrade_after", -1, "whole number, 0 or more"),
        ("http1", "upgrade_after", "0", "whole number, 0 or more"),
        ("http2", "tunnels", 5, "list of stream numbers"),
        ("http2", "tunnels", "1", "list of stream numbers"),
        ("http2", "tunnels", {"1": ""}, "list of stream numbers"),
        ("http2", "tunnels", {1: None}, "list of stream numbers"),
        ("http2", "client_streams", "1", "list or set of stream numbers"),
        ("http2", "max_frame_size", "x", "16384 to 16777215, not 'x'"),
        ("http2", "header_table_size", -1, "0 to 4294967295, not -1"),
        ("http2", "push", "no", "True or False"),
        ("websocket", "deflate", 1, "True or False"),
        ("websocket", "takeover", None, "True or False"),
        ("websocket", "window_bits", 16, "8 to 15, not 16"),
        ("sse", "last_event_id", 5, "must be a text, not 5"),
    ],
)
def test_an_option_of_a_wrong_type_is_named(protocol, option, value, words):
    with pytest.raises(UsageError, match=words):
        rtlab.dissect(b"", protocol, **{option: value})


@pytest.mark.parametrize(
    ("protocol", "options"),
    [
        ("http1", {"methods": ("HEAD",), "sender": None, "upgrade_after": None}),
        ("http1", {"methods": [], "sender": "server", "upgrade_after": 0}),
        ("http2", {"tunnels": [1], "push": False, "client_streams": {1, 3}}),
        ("http2", {"tunnels": {1: "permessage-deflate"}, "client_streams": None}),
        ("http2", {"tunnels": (), "max_frame_size": 2**14, "header_table_size": 0}),
        ("websocket", {"deflate": True, "takeover": False, "window_bits": 8}),
        ("sse", {"last_event_id": "5"}),
    ],
)
def test_the_options_that_there_are(protocol, options):
    assert rtlab.dissect(b"", protocol, **options).errors == []


def test_every_option_is_checked():
    wiring = {"cursor", "after", "messages"}  # for what drives a grammar, not for who calls it
    for protocol in PROTOCOLS:
        grammar = import_module(f"rtlab.dissect.{protocol}").grammar
        assert set(signature(grammar).parameters) <= set(CHECKS) | wiring


def test_a_bytearray_and_a_view_are_bytes_too():
    for data in (bytearray(b"data: x\n\n"), memoryview(b"data: x\n\n")):
        assert rtlab.dissect(data, "sse").data == b"data: x\n\n"


# ── folded fields ──

IN_ORDER = {
    "http1": b"POST /x?since=3 HTTP/1.1\r\nHost: a:80\r\nAccept: text/x; q=1\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0B\r\n-----------\r\n0\r\n\r\n" * 3,
    "sse": b": hi\nretry: 10\n\nid: 4\ndata: {}\n\ndata: a\ndata:b\n\ndata: \xc3\xa4\n\n" * 3,
    "websocket": bytes.fromhex("818537fa213d7f9f4d5158 8900 8202ffff 8104f09f9880") * 3,
}


@pytest.mark.parametrize("protocol", IN_ORDER)
def test_what_is_in_order_stays_folded_until_somebody_looks(protocol):
    root = rtlab.dissect(IN_ORDER[protocol], protocol).root
    assert root.errors == []
    kept = list(fields(root))
    assert any(field.folded for field in kept)
    everything = list(root.walk())
    assert len(everything) > len(kept)
    assert not any(field.folded for field in everything)
    assert_tiled(root, len(IN_ORDER[protocol]))


def unfolded(field):
    return () if field.folded else field.children


def fields(field):
    """The fields that are there without unfolding any."""
    yield field
    for child in unfolded(field):
        yield from fields(child)


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from(sorted(IN_ORDER)),
    st.lists(st.tuples(st.integers(0, 200), st.binary(min_size=1, max_size=3)), max_size=3),
)
def test_a_folded_field_is_the_one_that_is_taken_part_by_part(protocol, changes):
    data = bytearray(IN_ORDER[protocol])
    for place, new in changes:
        data[place : place + len(new)] = new
    whole = rtlab.dissect(data, protocol).root
    # Byte by byte, nothing is all there when it begins, so nothing is folded.
    dissector = import_module(f"rtlab.dissect.{protocol}").dissector()
    for byte in one_by_one(bytes(data)):
        dissector.feed(byte)
    parts = dissector.end()
    assert not any(field.folded for field in fields(parts))
    assert whole.as_tuple() == parts.as_tuple()


def test_an_error_put_into_a_folded_field_is_found():
    root = rtlab.dissect(IN_ORDER["http1"], "http1").root
    header = root.children[0].children[1]
    assert header.folded
    header.children[-2].wrong("not this host", "RFC 9112 §3.2")
    assert [field.error for field in root.errors] == ["not this host"]
