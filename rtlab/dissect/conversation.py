"""Both directions of a connection: what one side says decides how the other is to be read.

A response has a body or not by the method that it answers (RFC 9112 §6.3), and a 101 ends HTTP in
both directions (RFC 9110 §7.8): after it the lab's connections speak WebSocket.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from rtlab.dissect import http1, websocket
from rtlab.dissect.field import Dissection, Dissector, Field, Steps


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


def converse(
    up: bytes, down: bytes, connection: int = 0, missing: tuple[str, str] = ("", "")
) -> Conversation:
    """Take both directions of an HTTP/1.1 connection apart, and the WebSocket in it if it has one.

    Args:
        up: all bytes from the client, from the first on.
        down: all bytes from the server.
        connection: a number to remember it by.
        missing: what is missing after these bytes, in words, up and down: it becomes the last
            field. Answers to requests that are missing are read as answers to GET.
    """
    first = _dissected(up, http1.dissector(sender="client"), missing[0])
    methods = [str(field.value) for field in first.root.walk() if field.name == "method"]
    answers = _dissected(down, http1.dissector(sender="server", methods=methods), missing[1])
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
    requests = http1.dissector(sender="client", upgrade_after=place, after=client)
    responses = http1.dissector(sender="server", methods=methods, after=server)
    return Conversation(
        _dissected(up, requests, missing[0]),
        _dissected(down, responses, missing[1]),
        connection,
    )


def _frames(sender: str, extensions: str) -> partial[Steps[None]]:
    return partial(
        websocket.grammar,
        sender=sender,
        deflate="permessage-deflate" in extensions,
        takeover=f"{sender}_no_context_takeover" not in extensions,
    )


def _header(message: Field, name: str) -> str:
    for field in message.walk():
        is_header = field.name == "header" and isinstance(field.value, tuple)
        if is_header and str(field.value[0]).lower() == name:
            return str(field.value[1]).lower()
    return ""


def _dissected(data: bytes, dissector: Dissector, missing: str) -> Dissection:
    dissector.feed(data)
    root = dissector.end()
    if missing:
        root.children.append(Field("missing", root.stop, root.stop, error=missing))
    return Dissection("http1", data, root)
