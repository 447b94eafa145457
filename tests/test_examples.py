from __future__ import annotations

from base64 import b64encode

import rtlab
from rtlab import examples
from rtlab.dissect.accept_key import accept
from rtlab.dissect.conversation import converse
from tests.dissect.handshakes import ask, reply


def test_the_values_of_the_rfc_belong_together():
    assert b64encode(examples.NONCE).decode() == examples.KEY
    assert accept(examples.KEY) == examples.ACCEPT
    assert rtlab.dissect(examples.HELLO, "websocket", sender="server").errors == []
    masked = rtlab.dissect(examples.MASKED_HELLO, "websocket", sender="client")
    assert masked.errors == []
    assert masked.root.find("masking key").value == examples.MASK
    assert masked.root.find("payload").buffer.data == b"Hello"


def test_the_messages_of_the_lesson_have_nothing_wrong_with_them():
    assert rtlab.dissect(examples.LESSON_REQUEST, "http1").errors == []
    assert rtlab.dissect(examples.LESSON_RESPONSE, "http1").errors == []
    both = converse(
        examples.LESSON_REQUEST + examples.MASKED_HELLO, examples.LESSON_RESPONSE + examples.HELLO
    )
    assert both.errors == []
    assert [side.root.children[1].value for side in both[:2]] == ["text, 5 bytes"] * 2


def test_they_are_the_handshake_that_the_tests_change():
    assert (ask(), reply()) == (examples.LESSON_REQUEST, examples.LESSON_RESPONSE)
