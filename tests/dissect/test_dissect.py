from __future__ import annotations

import pytest

import rtlab
from rtlab.errors import UsageError


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


def test_a_bytearray_and_a_view_are_bytes_too():
    for data in (bytearray(b"data: x\n\n"), memoryview(b"data: x\n\n")):
        assert rtlab.dissect(data, "sse").data == b"data: x\n\n"
