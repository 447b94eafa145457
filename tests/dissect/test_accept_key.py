from __future__ import annotations

from base64 import b64decode, b64encode

from hypothesis import example, given
from hypothesis import strategies as st
from websockets.utils import accept_key

import rtlab
from rtlab import examples
from rtlab.dissect.accept_key import accept
from rtlab.dissect.conversation import converse
from tests.dissect.handshakes import ask, reply, value_of


def test_the_accept_of_the_rfc():
    assert accept(examples.KEY) == examples.ACCEPT


def derivations(field):
    """The buffers that hang on a field, one on the other: how, what, which bytes."""
    found = []
    while field.buffer is not None:
        found.append((field.buffer.name, field.buffer.root.name, field.buffer.data))
        field = field.buffer.root
    return found


def test_a_key_and_an_accept_alone_are_decoded():
    key = value_of(rtlab.dissect(ask(), "http1"), "Sec-WebSocket-Key")
    assert derivations(key) == [("decoded", "nonce", b"the sample nonce")]
    value = value_of(rtlab.dissect(reply(), "http1"), "Sec-WebSocket-Accept")
    [(how, what, data)] = derivations(value)
    assert (how, what) == ("decoded", "SHA-1")
    assert data.hex() == "b37a4f2cc0624f1690f64606cf385945b2bec4ea"  # RFC 6455 §4.2.2


def test_beside_its_request_an_accept_shows_how_it_was_made():
    value = value_of(converse(ask(), reply()).down, "Sec-WebSocket-Accept")
    [both, hashed, encoded] = derivations(value)
    assert both == (
        "key and GUID",
        "key and GUID",
        b"dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
    )
    assert hashed[:2] == ("hashed", "SHA-1")
    assert hashed[2].hex() == "b37a4f2cc0624f1690f64606cf385945b2bec4ea"
    assert encoded == ("encoded", "accept", examples.ACCEPT.encode())
    assert [part.name for part in value.buffer.root.children] == ["key", "GUID"]


@given(st.text(st.characters(max_codepoint=0x7F)))
def test_websockets_makes_the_same_of_a_key(key):
    assert accept(key) == accept_key(key)


@given(st.text(st.sampled_from("AQgw+/=-_ "), min_size=1, max_size=28))
@example("AQIDBAUGBwgJCgsMDQ4PEC==")
def test_only_16_bytes_in_the_one_right_way_are_a_key(text):
    text = text.strip() or "="
    value = value_of(rtlab.dissect(ask({"Sec-WebSocket-Key": text}), "http1"), "Sec-WebSocket-Key")
    try:
        data = b64decode(text, validate=True)
    except ValueError:
        data = b""
    right = len(data) == 16 and b64encode(data).decode() == text
    assert (value.error == "") == right
    if right:
        assert value.buffer.data == data
