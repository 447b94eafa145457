"""Both directions of a connection: what one side says decides how the other is to be read.

A response has a body or not by the method that it answers (RFC 9112 §6.3), and a 101 ends HTTP in
both directions (RFC 9110 §7.8): after it the lab's connections speak WebSocket. A client that
begins with the preface of HTTP/2 speaks that.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from rtlab.dissect import http1, http2, websocket
from rtlab.dissect.field import Dissection, Dissector, Field, Steps
from rtlab.dissect.http2_conversation import multiplexed


class Conversation(NamedTuple):
    """One connection, taken apart.

    Attributes:
        up: what the client sent.
        down: what the server sent.
        connection: its number in the recording, 0 if it is of none.
    """

    up: Dissection
    down: Dissection
    connection: int = 0

    @property
    def errors(self) -> list[Field]:
        """The fields of both directions with which something is wrong."""
        return self.up.errors + self.down.errors

    def __repr__(self) -> str:
        return f"── client ──\n{self.up!r}\n── server ──\n{self.down!r}"


def converse(up: bytes, down: bytes, connection: int = 0) -> Conversation:
    """Take both directions of a connection apart, and the WebSockets in it if it has any.

    Args:
        up: all bytes from the client, from the first on.
        down: all bytes from the server.
        connection: a number to remember it by.
    """
    if up.startswith(http2.PREFACE):
        return Conversation(*multiplexed(up, down), connection)
    first = _dissected(up, http1.dissector(sender="client"))
    methods = [str(field.value) for field in first.root.walk() if field.name == "method"]
    answers = _dissected(down, http1.dissector(sender="server", methods=methods))
    switched = next(
        (field for field in answers.root.children if str(field.value).startswith("101 ")), None
    )
    if switched is None:
        return Conversation(first, answers, connection)
    # Interim responses (100, 103) answer nothing yet, so they are not counted (RFC 9110 §15.2).
    place = sum(
        field.name == "response" and not str(field.value).startswith(("100 ", "102 ", "103 "))
        for field in answers.root.children[: answers.root.children.index(switched)]
    )
    deflate = _header(switched, "sec-websocket-extensions")
    client = _frames("client", deflate)
    server = _frames("server", deflate)
    return Conversation(
        _dissected(up, http1.dissector(sender="client", upgrade_after=place, after=client)),
        _dissected(down, http1.dissector(sender="server", methods=methods, after=server)),
        connection,
    )


def _frames(sender: str, extensions: str) -> partial[Steps[None]]:
    return partial(websocket.grammar, **websocket.negotiated(sender, extensions))


def _header(message: Field, name: str) -> str:
    for field in message.walk():
        is_header = field.name == "header" and isinstance(field.value, tuple)
        if is_header and str(field.value[0]).lower() == name:
            return str(field.value[1]).lower()
    return ""


def _dissected(data: bytes, dissector: Dissector) -> Dissection:
    dissector.feed(data)
    return Dissection("http1", data, dissector.end())
