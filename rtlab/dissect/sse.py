r"""Event streams (Server-Sent Events), line by line, and the events that come out of them.

    id: 4\n                  a field: its name, a colon, one optional space, a value, a line end
    data: {"seq":4,...}\n    another one; a line that begins with a colon is a comment
    \n                       the blank line: only now is the event dispatched

The format is that of the WHATWG HTML standard, §9.2 "Server-sent events". The standard decodes the
stream and then looks for lines; here lines are told apart as bytes, and decoded part by part. That
comes to the same: CR, LF, colon and space never belong to a longer sequence of UTF-8.
"""

from __future__ import annotations

from functools import partial

from rtlab.dissect.cursor import Cursor, Dissector, Fold, Steps
from rtlab.dissect.field import Buffer, Field, Remark

FORMAT = "WHATWG HTML §9.2.5"  # Parsing an event stream
MEANING = "WHATWG HTML §9.2.6"  # Interpreting an event stream
ADVICE = "WHATWG HTML §9.2.7"  # Authoring notes

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
FIELDS = ("event", "data", "id", "retry")
LF = 0x0A
LINE_ENDS = {b"\n": "LF", b"\r": "CR", b"\r\n": "CRLF"}
QUOTED = 40
"""Characters of a text that the summary of a block quotes: an id is repeated in every block."""

_NOTES = {
    FORMAT: {
        "byte order mark": "Says “this is UTF-8”, which an event stream always is, so it is "
        "skipped. A second one would be taken for the beginning of a field name.",
        "line": "A field or a comment. Only CR, LF and CRLF end it: U+2028 and U+0085, at which "
        "some libraries split lines, are ordinary text here.",
        "line end": "LF, CR or CRLF, as the server likes. After a CR only the next byte shows "
        "which: an LF belongs to it, anything else does not.",
    },
    MEANING: {
        "block": "The lines up to a blank one. Its data fields become one event; without any, "
        "nothing is dispatched.",
        "line without colon": "There is no colon, so the whole line is the field's name, and its "
        "value is empty.",
        "colon": "The first colon ends the field's name; any other belongs to the value. At the "
        "beginning of a line it makes the line a comment.",
        "space": "One space after the colon is skipped: it only helps the eye. A second one would "
        "belong to the value.",
        "value": "The rest of the line, as text. A line end within it would cut it short, and "
        "what follows would be read as another field.",
        "blank line": "Dispatches the event. If it were forgotten, the event would not come out: "
        "the lines of the next one would be added to it.",
        # Of a field name, by what it asks for.
        "data field": "Adds a line to the data of the event. Text of several lines takes one such "
        "field for each of them.",
        "event field": "The type of this event, and of no other. Listeners for “message” do not "
        "hear it unless that is its type.",
        "id field": "What the browser sends as Last-Event-ID when it reconnects, so that it "
        "misses nothing. It stands for later events too, until another id comes.",
        "retry field": "Milliseconds that the browser waits before it reconnects. It holds from "
        "here on, even if no event is dispatched.",
        "unknown field": "Ignored: only data, event, id and retry mean something, written exactly "
        "so. “Data”, or a space before the colon, makes it another name.",
        # What comes out.
        "event": "What the application gets, as a MessageEvent.",
        "type": "Decides which listeners hear it: “message” if no event field says otherwise.",
        "last event id": "Where the browser would go on after this event: its own id, or the last "
        "one before it.",
        "data": "The values of the data fields, joined with LF; after the last one there is none.",
    },
    ADVICE: {
        "comment": "Ignored, but a sign of life: one every 15 seconds or so keeps old proxies "
        "from dropping a quiet connection.",
    },
}
REMARKS = {
    name: Remark(note, clause) for clause, notes in _NOTES.items() for name, note in notes.items()
}
"""What a learner should know of each field, by its name; of field names, by what they ask for."""


def dissector(*, last_event_id: str = "") -> Dissector:
    """Return a dissector of an event stream.

    Args:
        last_event_id: the ``Last-Event-ID`` that the client sent; it stands until an id comes.
    """
    return Dissector(partial(grammar, last_event_id=last_event_id), REMARKS)


def grammar(cursor: Cursor, *, last_event_id: str = "") -> Steps[None]:
    """Take an event stream: ``stream = [ bom ] *event`` (§9.2.5)."""
    cursor.remarks = REMARKS  # a dissector of HTTP may have handed over
    if (yield from cursor.ahead(len(BYTE_ORDER_MARK))) == BYTE_ORDER_MARK:
        yield from cursor.raw("byte order mark", len(BYTE_ORDER_MARK))
    buffers = _Buffers(last_event_id)
    fold = _fold(cursor, last_event_id)
    while (yield from cursor.more()):
        if not _in_order(cursor, buffers, fold):
            yield from _block(cursor, buffers)


class _Buffers:
    """What a browser keeps while it reads a stream (§9.2.6).

    Attributes:
        id: the last event id: it stands from block to block.
        data: the values of this block's data fields.
        type: the value of this block's event field.
        said: what this block has: ``"comment"``, ``"field"``, a new ``"id"``.
        retry: the reconnection time that this block asked for: digits, milliseconds.
    """

    def __init__(self, last_event_id: str) -> None:
        self.begin(last_event_id)

    def begin(self, last_event_id: str) -> None:
        """Begin a block."""
        self.id = last_event_id
        self.data: list[str] = []
        self.type = ""
        self.said: set[str] = set()
        self.retry = ""

    def summary(self) -> str:
        """Say in one line what comes out of the block."""
        parts = ["nothing dispatched"]
        if self.data:
            parts = [f"event {_quoted(self.type or 'message')}"]
        elif self.said == {"comment"}:
            parts = ["comment"]
        if "id" in self.said or (self.data and self.id):
            parts.append(f"id {_quoted(self.id)}")
        if self.retry:
            parts.append(f"reconnection time {self.retry} ms")
        return ", ".join(parts)

    def event(self) -> Buffer:
        """Return the event: its data as bytes, of which type and id are no part: they take none."""
        # The standard has an LF after each value, and removes the last one: that is a join.
        text = "\n".join(self.data)
        data = text.encode()
        size = len(data) * 8
        root = Field("event", 0, size, None, *REMARKS["event"])
        root.add(
            Field("type", 0, 0, self.type or "message", *REMARKS["type"]),
            Field("last event id", 0, 0, self.id, *REMARKS["last event id"]),
            Field("data", 0, size, text, *REMARKS["data"]),
        )
        return Buffer("event", data, root)


def _fold(cursor: Cursor, last_event_id: str) -> Fold:
    return Fold(cursor, lambda again: _block(again, _Buffers(last_event_id)))


def _in_order(cursor: Cursor, buffers: _Buffers, fold: Fold) -> bool:
    """Take the next block folded, if it is all there, with nothing wrong in it.

    Args:
        cursor: at the beginning of a block.
        buffers: what came before, and then what comes after it.
        fold: of a block that has an id of its own, whatever the one before.
    """
    start, count = cursor.at >> 3, cursor.seen(b"\n\n")
    if count < 0 or cursor.data[start] == LF or 0 <= cursor.seen(b"\r") < count:
        return False  # a line may also end with CR, but hardly any does
    try:
        lines = cursor.data[start : start + count].decode().split("\n")
    except UnicodeDecodeError:
        return False
    last_event_id = buffers.id
    for line in lines:
        name, _, value = line.partition(":")
        if _process(name, value.removeprefix(" "), buffers):
            buffers.begin(last_event_id)
            return False
    if "id" not in buffers.said:
        fold = _fold(cursor, last_event_id)
    cursor.fold("block", count + 2, buffers.summary(), fold)
    buffers.begin(buffers.id)
    return True


def _block(cursor: Cursor, buffers: _Buffers) -> Steps[None]:
    """Take lines up to a blank one: ``event = *( comment / field ) end-of-line``."""
    with cursor.group("block", "nothing dispatched") as block:
        while (yield from cursor.more()):
            count = yield from cursor.find(b"\r", b"\n")
            if count == 0:
                yield from _blank_line(cursor, block, buffers)
                return
            yield from _line(cursor, cursor.left if count < 0 else count, buffers)
        # "Once the end of the file is reached, any pending data must be discarded."
        block.wrong("never dispatched: the stream ends before the blank line", MEANING)


def _blank_line(cursor: Cursor, block: Field, buffers: _Buffers) -> Steps[None]:
    yield from _line_end(cursor, "blank line")
    if buffers.data:  # "If the data buffer is an empty string, … return": an id alone is no event
        cursor.last.buffer = buffers.event()
    block.value = buffers.summary()
    buffers.begin(buffers.id)


def _line(cursor: Cursor, count: int, buffers: _Buffers) -> Steps[None]:
    """Take a line that has ``count`` bytes before its end."""
    with cursor.group("line") as line:
        before, colon, after = (yield from cursor.ahead(count)).partition(b":")
        name = _text(cursor, "field name", before)
        if name:
            asks = f"{name} field" if name in FIELDS else "unknown field"
            cursor.last.note, cursor.last.reference = REMARKS[asks]
        if colon:
            cursor.take("colon", 1, ":")
        else:
            line.note, line.reference = REMARKS["line without colon"]
        if name and after.startswith(b" "):  # in a comment, a space is as good as any character
            cursor.take("space", 1, " ")
            after = after[1:]
        value = _text(cursor, "value" if name else "comment", after)
        yield from _line_end(cursor, "line end")
        line.value = name or "comment"
        if error := _process(name, value, buffers):
            line.wrong(error, MEANING)


def _process(name: str, value: str, buffers: _Buffers) -> str:
    """Do what a line asks for: "the steps to process the field", in the words of the standard.

    Returns:
        What is wrong with it; empty if nothing is.
    """
    buffers.said.add("field" if name else "comment")
    match name:
        case "event":
            buffers.type = value
        case "data":
            buffers.data.append(value)
        case "id" if "\0" not in value:
            buffers.id = value
            buffers.said.add("id")
        case "id":  # a header cannot hold a NUL, so Last-Event-ID could not send it back
            return "ignored: the id holds a NUL"
        case "retry" if value.isascii() and value.isdigit():
            buffers.retry = value
        case "retry":
            return "ignored: the time is not made of the digits 0 to 9 alone"
    return ""


def _line_end(cursor: Cursor, name: str) -> Steps[None]:
    """Take a line end, if the stream does not end without."""
    end = yield from cursor.ahead(1)
    if end == b"\r" and (yield from cursor.ahead(2)) == b"\r\n":  # not to be taken for two
        end = b"\r\n"
    if end:
        cursor.take(name, len(end), LINE_ENDS[end])


def _text(cursor: Cursor, name: str, data: bytes) -> str:
    """Take the next bytes, which are ``data``, as text; no field if there are none."""
    if not data:
        return ""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = data.decode(errors="replace")  # the standard's "UTF-8 decode" never fails either
        cursor.take(name, len(data), text).wrong("not UTF-8: read as U+FFFD where wrong", FORMAT)
    else:
        cursor.take(name, len(data), text)
    return text


def _quoted(text: str) -> str:
    return f'"{text}"' if len(text) <= QUOTED else f'"{text[:QUOTED]}…"'
