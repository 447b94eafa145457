"""What is said in a message, an event or a frame: its name in a few words, and its content."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rtlab.compare.arrivals import HEAD
from rtlab.dissect.field import Buffer, Field
from rtlab.link.redaction import blotted
from rtlab.render.values import plain


def what(field: Field, data: bytes | bytearray, *, news: bool) -> str:
    """Return in a few words what a part of a conversation is.

    Args:
        field: the part.
        data: the buffer in which the field's positions count.
        news: whether it may carry messages of a feed, which only a server's may.
    """
    if is_of_http2(field):
        return plain(_of_http2(field, data, news))
    name = _name(field)
    numbers = carried(field, data) if news else []
    if numbers and name in ("text", f"event {numbers[0]}"):
        return name if name != "text" else messages(numbers)
    return plain(", ".join(filter(None, [name, messages(numbers)])))


def content(field: Field, data: bytes | bytearray) -> bytes:
    """Return what the application gets of it: a body, the data of an event, a payload."""
    if is_of_http2(field):
        return _content_of_http2(field, data)
    inner = _part(field, _CONTENTS.get(field.name, ""))
    if inner is None or (field.name == "block" and inner.buffer is None):
        return b""
    while inner.buffer is not None:  # unmasked, then joined, then inflated
        data, inner = inner.buffer.data, inner.buffer.root
    if str(field.value).startswith("close"):
        inner = _part(inner, "reason") or Field("", 0, 0)
    return bytes(data[inner.start >> 3 : inner.stop >> 3])


_CONTENTS = {"request": "body", "response": "body", "frame": "payload", "block": "blank line"}
"""Which part of what is said the application gets."""


def carried(field: Field, data: bytes | bytearray) -> list[int]:
    """Return the sequence numbers of a feed's messages in it."""
    inner = content(field, data)
    if is_of_http2(field) and _inside(field) is None and not inner.startswith(b"["):
        return []  # half an event or half a frame: what completes it is named after it
    return [int(seq) for seq in HEAD.findall(inner)]


def messages(numbers: Sequence[int]) -> str:
    """Name messages of a feed by their sequence numbers."""
    if not numbers:
        return ""
    first, last = numbers[0], numbers[-1]
    return f"message {first}" if first == last else f"messages {first}–{last}"


def _name(field: Field) -> str:
    value = field.value if isinstance(field.value, str) else ""
    match field.name:
        case "request" | "response":
            return _blotted(value) or field.name
        case "block":
            return _event(field)
        case "frame":
            return value.partition(",")[0] or field.name
    return field.name


def _event(block: Field) -> str:
    """Name a block by what comes out of it."""
    event = block.children[-1].buffer if block.children else None
    if event is None:
        outcome, _, more = str(block.value).partition(", ")
        return more or outcome
    kind, number, _ = (part.value for part in event.root.children)
    words = ["event", "" if kind == "message" else kind, number]
    return " ".join(word for word in words if word)


def _blotted(text: str) -> str:
    return blotted(text.encode("latin-1", "replace")).decode("latin-1")


def _part(field: Field, name: str) -> Field | None:
    return next((part for part in field.children if part.name == name), None)


# ── frames of HTTP/2 ──

_BRIEF = re.compile(
    r"(?P<kind>[A-Z_]+|unknown type 0x[0-9a-f]+)(?:, stream (?P<stream>\d+))?(?:, \d+ bytes?)?"
    r"(?:, (?P<flag>END_STREAM|ACK))?(?:, (?P<more>.*))?",
    re.DOTALL,
)
"""A frame in brief, as its dissector has it."""


def is_of_http2(field: Field) -> bool:
    """Whether a field is a frame of HTTP/2: those of a WebSocket have that name as well."""
    return field.name == "frame" and _part(field, "stream identifier") is not None


def _of_http2(frame: Field, data: bytes | bytearray, news: bool) -> str:
    """Name a frame by what it carries, and say on which stream."""
    brief = _BRIEF.fullmatch(str(frame.value))
    if brief is None:
        return frame.name
    kind, stream, flag, more = (brief[part] or "" for part in ("kind", "stream", "flag", "more"))
    match kind:
        case "DATA":
            words = ", ".join(filter(None, [*_completed(frame, data, news), flag]))
        case "HEADERS":
            words = f"HEADERS {_blotted(more)}"
        case "GOAWAY":
            words = f"GOAWAY {more.rpartition(', ')[2]}"  # the error code, after the last stream
        case _:
            words = " ".join(filter(None, [kind, flag, more]))
    return f"{words.strip()} (stream {stream})" if stream else words.strip()


def _completed(frame: Field, data: bytes | bytearray, news: bool) -> list[str]:
    """Name the events or the WebSocket frames that end in a frame's data."""
    inside = _inside(frame)
    if inside is not None:
        return [what(field, inside.data, news=news) for field in inside.root.children]
    return ["DATA", messages(carried(frame, data) if news else [])]


def _content_of_http2(frame: Field, data: bytes | bytearray) -> bytes:
    inside, part = _inside(frame), _part(frame, "data")
    if inside is not None:
        contents = [content(field, inside.data) for field in inside.root.children]
        return b"\n".join(filter(None, contents))
    return b"" if part is None else bytes(data[part.start >> 3 : part.stop >> 3])


def _inside(frame: Field) -> Buffer | None:
    part = _part(frame, "data")
    return None if part is None else part.buffer
