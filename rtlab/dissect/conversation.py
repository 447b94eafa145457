"""Both directions of a connection: what one side says decides how the other is to be read.

A response has a body or not by the method that it answers (RFC 9112 §6.3), and a 101 ends HTTP in
both directions (RFC 9110 §7.8): after it the lab's connections speak WebSocket. A client that
begins with the preface of HTTP/2 speaks that.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from rtlab.dissect import extensions, handshake, http1, http2, websocket
from rtlab.dissect.cursor import Cursor, Dissector, Steps
from rtlab.dissect.field import Dissection, Field
from rtlab.dissect.http1_body import Message
from rtlab.dissect.http1_lines import until_end
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


def converse(
    up: bytes, down: bytes, connection: int = 0, missing: tuple[str, str] = ("", "")
) -> Conversation:
    """Take both directions of a connection apart, and the WebSockets in it if it has any.

    Args:
        up: all bytes from the client, from the first on.
        down: all bytes from the server.
        connection: a number to remember it by.
        missing: what is missing after these bytes, in words, up and down: it becomes the last
            field. Answers to requests that are missing are read as answers to GET. Where nothing
            is missing up, an answer that nobody asked for is an error.
    """
    if up.startswith(http2.PREFACE):
        client, server = multiplexed(up, down, complete=not missing[0])
        _note_missing(client.root, missing[0])
        _note_missing(server.root, missing[1])
        return Conversation(client, server, connection)
    requests: list[Message] = []
    messages: list[Message] = []
    asked = _dissected(up, http1.dissector(sender="client", messages=requests), missing[0])
    methods = [request.method for request in requests]
    after = partial(_switched, "server")
    answered = _dissected(
        down,
        http1.dissector(sender="server", methods=methods, messages=messages, after=after),
        missing[1],
    )
    # Interim responses (100, 103) answer nothing yet, so they are not counted (RFC 9110 §15.2).
    answers = [message for message in messages if message.tunnel or not message.interim]
    if answers and answers[-1].tunnel:
        # Only the answer says where the client's HTTP ends; so far, all was read as requests.
        asked, requests = _until_switch(up, len(answers) - 1, answers[-1], missing[0])
    for request, answer in zip(requests, answers, strict=False):
        handshake.compare(request, answer)
    if _all_read(asked):
        _judge_unasked(answers[len(requests) :])
    return Conversation(asked, answered, connection)


def _all_read(asked: Dissection) -> bool:
    """Whether it is known how many requests there are: bytes are there, and all could be read."""
    fields = asked.root.children
    return bool(fields) and fields[-1].name not in ("start line", "rest", "missing")


def _judge_unasked(answers: list[Message]) -> None:
    for answer in answers:
        # RFC 9110 §15.5.9: who gives up on a client may say so before it closes the connection.
        if answer.status not in (400, 408):
            answer.group.wrong("no request asks for this answer", "RFC 9112 §9.2")


def _until_switch(
    up: bytes, place: int, switch: Message, missing: str
) -> tuple[Dissection, list[Message]]:
    """Take apart what a client sent whose request number ``place`` was answered with a switch."""
    requests: list[Message] = []
    dissector = http1.dissector(
        sender="client",
        upgrade_after=place,
        messages=requests,
        after=lambda cursor, _: _switched("client", cursor, switch),
    )
    return _dissected(up, dissector, missing), requests


def _switched(sender: str, cursor: Cursor, switch: Message) -> Steps[None]:
    """Take what follows an answer that ended HTTP."""
    if not handshake.switches_to_websocket(switch):
        yield from until_end(cursor, "upgraded data")
        return
    agreed = switch.handshake.extensions if switch.handshake else []
    yield from websocket.grammar(cursor, **extensions.negotiated(sender, agreed))


def _dissected(data: bytes, dissector: Dissector, missing: str) -> Dissection:
    dissector.feed(data)
    root = dissector.end()
    _note_missing(root, missing)
    return Dissection("http1", data, root)


def _note_missing(root: Field, missing: str) -> None:
    if missing:
        root.add(Field("missing", root.stop, root.stop, error=missing))
