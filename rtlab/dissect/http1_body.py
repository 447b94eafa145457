"""The body of an HTTP/1.1 message: where it ends, and what it carries (RFC 9112 §6, §7).

``framing`` answers the first question in the order of RFC 9112 §6.3. Where two careful readers
could answer differently, which is how requests get smuggled, it does not guess: ``Faulty``.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from rtlab.dissect.cursor import Cursor, Cut, Dissector, Fold, Steps
from rtlab.dissect.field import Buffer, Field
from rtlab.dissect.http1_lines import (
    NOT_TEXT,
    Faulty,
    Header,
    explain,
    headers,
    line,
    line_end,
    marked,
    until_end,
)
from rtlab.dissect.http1_remarks import REMARKS

if TYPE_CHECKING:
    from rtlab.dissect.handshake import Handshake

LARGEST = 2**63 - 1
"""The largest length that is believed: what signed 64-bit counters hold."""
CHUNKED, CLOSE = "chunked", "close"
NUMBER = re.compile(r"[0-9]+")
IN_ORDER = re.compile(rb"(?!0+\r)([0-9A-Fa-f]{1,8})\r\n")
SIZE = re.compile(r"([0-9A-Fa-f]*)([ \t]*)(.*)", re.DOTALL)
CODINGS = {"chunked", "gzip", "x-gzip", "deflate", "compress", "x-compress"}  # RFC 9112 §7
NO_TRAILERS = ("content-encoding", "content-length", "host", "trailer", "transfer-encoding")


class Message:
    """What the parts of a message must know of each other."""

    def __init__(self, group: Field, method: str) -> None:
        self.group = group
        self.request = group.name == "request"
        self.method = method  # of a response: that of the request it answers
        self.version: tuple[int, int] | None = None  # None if it is no HTTP/1 version
        self.status = 0
        self.headers: dict[str, list[Header]] = {}
        self.blank: Field | None = None  # the line that ends the headers, once it is there
        self.handshake: Handshake | None = None  # what it says about a WebSocket
        self.faulty: Faulty | None = None  # why nothing can be trusted after its body

    def first(self, name: str) -> str:
        """Return the value of the first header of this name, in lower case."""
        return self.headers[name][0].value.lower() if name in self.headers else ""

    def words(self, name: str) -> list[str]:
        """Return the elements of a list, over all headers of this name (RFC 9110 §5.6.1)."""
        values = ",".join(header.value for header in self.headers.get(name, []))
        return [word for each in values.split(",") if (word := each.strip(" \t"))]

    def part(self, name: str) -> Field:
        """Return a part of the first line, such as its version."""
        return self.group.children[0].find(name) or self.group

    @property
    def interim(self) -> bool:
        """A 1xx: the real answer is still to come."""
        return 100 <= self.status < 200

    @property
    def closes(self) -> tuple[str, str] | None:
        """How it ends the connection, and by which clause; ``None`` if another may follow."""
        options = self.words("connection") if "connection" in self.headers else []
        named = {option.lower() for option in options}
        if "close" in named:
            return "the message before said close: nothing may follow", "RFC 9112 §9.6"
        if self.version == (1, 0) and "keep-alive" not in named:
            return "nothing follows a message of HTTP/1.0 without keep-alive", "RFC 9112 §9.3"
        return None

    @property
    def tunnel(self) -> bool:
        """After it the connection does not speak HTTP any more."""
        return self.status == 101 or (self.method == "CONNECT" and 200 <= self.status < 300)


def body(cursor: Cursor, message: Message) -> Steps[None]:
    """Take the body of a message whose headers are taken."""
    framing = _framing(message)
    if framing == CHUNKED:
        yield from _chunked(cursor, message)
    elif framing == CLOSE:
        field = yield from until_end(cursor, "body")
        if field is not None:
            _derive(field, message)
    elif isinstance(framing, int) and framing:
        try:
            yield from cursor.raw("body", framing)
        except Cut:
            _derive(cursor.last, message)  # what is there is shown
            raise
        _derive(cursor.last, message)


# ── where the body ends ──


def _framing(message: Message) -> int | str:
    """Return the length of the body, or how its end is found, in the order of RFC 9112 §6.3."""
    codings = message.headers.get("transfer-encoding", [])
    lengths = message.headers.get("content-length", [])
    chunked = _check_codings(codings)
    length = _check_lengths(lengths)
    if not message.request and (message.interim or message.status == 204 or message.tunnel):
        # 1 and 2: the blank line ends these, and neither header should be there at all.
        for header in codings:
            header.group.wrong("not in an answer without a body", "RFC 9112 §6.1")
        for header in lengths:
            header.group.wrong("not in an answer without a body", "RFC 9110 §8.6")
        return 0
    if not message.request and (message.method == "HEAD" or message.status == 304):
        return 0  # 1: here both headers tell what the body of a GET would have
    if message.request and any(header.spaced for header in codings + lengths):
        raise Faulty("who sees the header before that space reads on elsewhere", "RFC 9112 §5.1")
    if codings:
        return _coded(message, codings, lengths, chunked)
    if lengths and length is None:  # 5
        raise Faulty("no valid Content-Length, so the body may end anywhere", "RFC 9112 §6.3")
    if length is not None:  # 6
        return length
    return 0 if message.request else CLOSE  # 7 and 8


def _coded(message: Message, codings: list[Header], lengths: list[Header], chunked: bool) -> str:
    """Return the framing of a message with Transfer-Encoding, which overrides Content-Length."""
    for header in lengths:  # 3
        header.group.wrong("Content-Length beside Transfer-Encoding", "RFC 9112 §6.2")
        message.faulty = Faulty(
            "who trusted Content-Length reads on elsewhere: the connection must be closed",
            "RFC 9112 §6.1",
        )
    if message.version == (1, 0):
        codings[0].group.wrong("HTTP/1.0 has no transfer codings", "RFC 9112 §6.1")
        message.faulty = Faulty("after faulty framing the connection must close", "RFC 9112 §6.1")
    if chunked:
        return CHUNKED
    if message.request:  # 4: it cannot be read until the close, for then there is no answer
        codings[-1].place.wrong("chunked must come last in a request", "RFC 9112 §6.3")
        raise Faulty("the end of this body cannot be known", "RFC 9112 §6.3")
    return CLOSE  # 4


def _check_codings(headers: list[Header]) -> bool:
    """Check Transfer-Encoding; return whether its last coding is chunked."""
    last, chunked = "", 0
    for header in headers:
        # A comma could also stand in quotes, but no registered coding has such a parameter.
        for coding in header.value.split(","):
            last, _, parameters = (part.strip(" \t") for part in coding.lower().partition(";"))
            chunked += last == "chunked"
            if last not in CODINGS:
                header.place.wrong(f"{last[:40]!r} is not a transfer coding", "RFC 9112 §7")
            elif last == "chunked" and parameters:
                header.place.wrong("chunked has no parameters", "RFC 9112 §7.1")
            elif chunked > (last == "chunked"):
                header.place.wrong("chunked comes once, and last", "RFC 9112 §6.1")
    return last == "chunked"


def _check_lengths(headers: list[Header]) -> int | None:
    """Check Content-Length; return its value, unless there is no single valid one."""
    length, valid = None, True
    for header in headers:
        for part in header.value.split(","):
            digits = part.strip(" \t").lstrip("0") or "0"
            if not NUMBER.fullmatch(part.strip(" \t")):
                header.place.wrong("not a number: digits and nothing else", "RFC 9110 §8.6")
                valid = False
            elif len(digits) > 19 or int(digits) > LARGEST:
                header.place.wrong("more bytes than 64 bits can count", "RFC 9110 §8.6")
                valid = False
            elif length is not None and length != int(digits):
                header.place.wrong(f"another Content-Length said {length}", "RFC 9112 §6.3")
                valid = False
            elif length is not None:
                header.place.wrong("the same Content-Length twice", "RFC 9110 §8.6")
            else:
                length = int(digits)
    return length if valid else None


# ── bodies ──


def _chunked(cursor: Cursor, message: Message) -> Steps[None]:
    """Take chunks, and what they carry in a buffer of its own."""
    inner = _inner(message)
    fold = Fold(cursor, partial(_chunk, message=message, inner=Dissector(_content, REMARKS)))
    with cursor.group("body") as field:
        try:
            inner.feed(_chunks_in_order(cursor, fold))
            while (yield from _chunk(cursor, message, inner)):
                inner.feed(_chunks_in_order(cursor, fold))
            yield from _trailers(cursor)
        finally:  # also if it is cut off or faulty: what is there is shown
            root = inner.end()
            field.buffer = Buffer("de-chunked", inner.data, root)


def _chunks_in_order(cursor: Cursor, fold: Fold) -> bytes:
    """Take chunks folded, as long as they are all there and in order; return their data."""
    content = []
    while match := IN_ORDER.match(cursor.data, cursor.at >> 3):
        start, size = match.end(), int(match[1], 16)
        if cursor.data[start + size : start + size + 2] != b"\r\n":
            break
        content.append(cursor.data[start : start + size])
        cursor.fold("chunk", start + size + 2 - match.start(), size, fold)
    return b"".join(content)


def _chunk(cursor: Cursor, message: Message, inner: Dissector) -> Steps[bool]:
    """Take a chunk; return whether another one follows."""
    text, end = yield from line(cursor, "size", "RFC 9112 §7.1.1")
    with cursor.group("chunk") as chunk:
        chunk.value = size = _size(cursor, message, text, end)
        if not size:
            chunk.name = "last chunk"
            explain(cursor, chunk, "last chunk")
            return False
        try:
            inner.feed((yield from cursor.raw("data", size)))
        except Cut:
            inner.feed(cursor.last.value)
            raise
        yield from _after_data(cursor, message)
    return True


def _size(cursor: Cursor, message: Message, text: str, end: str) -> int:
    match = SIZE.fullmatch(text)
    digits, gap, extension = match.groups() if match else ("", "", text)
    if not digits or (extension and extension[0] != ";"):
        cursor.take("size", len(text), text).wrong("not a hexadecimal number", "RFC 9112 §7.1")
        line_end(cursor, end)
        raise Faulty("without the size of a chunk its end is unknown", "RFC 9112 §7.1")
    size = int(digits, 16)
    field = cursor.take("size", len(digits), size)
    if gap:  # a reader lets it pass before an extension, but nobody may send it
        clause = "RFC 9110 §5.6.3" if extension else "RFC 9112 §7.1"
        cursor.take("whitespace", len(gap), gap).wrong("whitespace after the size", clause)
    if extension:
        marked(cursor, "extension", extension, NOT_TEXT, "RFC 9112 §7.1.1")
    _chunk_end(cursor, message, end)
    if size > LARGEST:
        field.wrong("more bytes than 64 bits can count", "RFC 9112 §7.1")
        raise Faulty("nobody can wait for the end of this chunk", "RFC 9112 §7.1")
    return size


def _after_data(cursor: Cursor, message: Message) -> Steps[None]:
    end = yield from cursor.ahead(2)
    if b"\r\n".startswith(end):
        yield from cursor.text("CRLF", 2)
    elif end[:1] == b"\n":
        _chunk_end(cursor, message, "\n")
    else:
        cursor.take("CRLF", 0, "").wrong(
            "no CRLF after the data: the size is wrong", "RFC 9112 §7.1"
        )
        raise Faulty("the size of a chunk is wrong, so its end is unknown", "RFC 9112 §7.1")


def _chunk_end(cursor: Cursor, message: Message, end: str) -> None:
    # RFC 9112 §2.2 lets a bare LF end start lines and headers, not the lines between chunks.
    if line_end(cursor, end, clause="RFC 9112 §7.1").error:
        message.faulty = Faulty("who reads on for a CRLF finds other chunks", "RFC 9112 §7.1")


def _trailers(cursor: Cursor) -> Steps[None]:
    found = yield from headers(cursor, "trailer")
    for name in NO_TRAILERS:
        for trailer in found.get(name, []):
            trailer.group.wrong(f"{name} may not come after the body", "RFC 9110 §6.5.1")


def _derive(field: Field, message: Message) -> None:
    """Hang the events of a body that is an event stream as it stands to its field."""
    if _is_event_stream(message):
        inner = _inner(message)
        inner.feed(field.value)
        field.buffer = Buffer("event stream", field.value, inner.end())


def _inner(message: Message) -> Dissector:
    """Return the dissector of what the body carries."""
    if _is_event_stream(message):
        from rtlab.dissect import sse

        return sse.dissector()
    return Dissector(_content, REMARKS)


def _is_event_stream(message: Message) -> bool:
    media = message.first("content-type").partition(";")[0].strip(" \t")
    packed = message.first("content-encoding") not in ("", "identity")
    packed = packed or message.first("transfer-encoding") not in ("", "chunked")
    return media == "text/event-stream" and not packed


def _content(cursor: Cursor) -> Steps[None]:
    yield from until_end(cursor, "content")
