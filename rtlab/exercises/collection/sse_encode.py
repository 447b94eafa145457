r"""Events as bytes (notebook 03): the newline that everybody forgets."""

from __future__ import annotations

import random

from rtlab.exercises.answer import Answer
from rtlab.exercises.exercise import Exercise, Wrong
from rtlab.exercises.mistakes import Mistake, Raised, expect
from rtlab.transports.sse import Decoder, Event

EXERCISE = Exercise(
    name="sse-encode",
    notebook="03",
    title="An event as bytes",
    prompt="""\
Write `encode(data, id=None, event=None)`: the bytes of one event of an event stream, from which a
browser gets `data` back as it was, whatever text it is (its line ends may become `\\n`). An `id` or
`event` that the format has no way to write is a `ValueError`. (WHATWG HTML §9.2.5 and §9.2.6)
""",
    stub='''\
def encode(data, id=None, event=None):
    """Return one event as bytes."""
    return f"data: {data}\\n\\n".encode()
''',
    solution='''\
def encode(data, id=None, event=None):
    """Return one event as bytes."""
    lines = []
    for name, value in (("id", id), ("event", event)):
        if value is not None:
            if any(character in value for character in "\\r\\n\\0"):
                raise ValueError(f"{name} cannot hold a line end or a NUL: {value!r}")
            lines.append(f"{name}: {value}")
    text = data.replace("\\r\\n", "\\n").replace("\\r", "\\n")
    lines += [f"data: {line}" for line in text.split("\\n")]
    return ("\\n".join(lines) + "\\n\\n").encode()
''',
    hints=(
        "A line end in the data would end the field. Text of several lines is several data fields.",
        "There are three line ends: LF, CR and CRLF. str.splitlines knows more than the format.",
        "The event is sent only at the blank line: the bytes end with two line ends.",
        "An id with a line end in it would let whoever chooses the id write fields of their own.",
    ),
    wrong=(
        Wrong(
            "unescaped newline",
            "a line end in the data",
            (('[f"data: {line}" for line in text.split("\\n")]', '[f"data: {data}"]'),),
        ),
        Wrong(
            "the last line end dropped",
            "last line end",
            (('text.split("\\n")', '(text.removesuffix("\\n").split("\\n"))'),),
        ),
        Wrong("no blank line", "blank line", (('+ "\\n\\n"', '+ "\\n"'),)),
        Wrong("a bare CR kept", "CR", (('.replace("\\r", "\\n")', ""),)),
        Wrong("splitlines", "U+2028", (('text.split("\\n")', "(text.splitlines() or [''])"),)),
        Wrong("injected fields", "must be refused", (("raise ValueError(f", "print(f"),)),
        Wrong("latin-1", "UTF-8", (("encode()", 'encode("latin-1", "replace")'),)),
    ),
)


async def _round_trip(answer: Answer, data: str, **fields: str) -> None:
    written = await answer(data, **fields)
    if not isinstance(written, bytes):
        expect(written, b"", otherwise="Bytes are due.")
        raise Mistake("It gave no bytes at all.", expected=b"data: \n\n", got=written)
    text = data.replace("\r\n", "\n").replace("\r", "\n")
    right = [Event(text, fields.get("event", "message"), fields.get("id", ""))]
    # Read twice: what is left over of the first event would show in the second.
    decoder = Decoder()
    events = decoder.feed(written)
    spilled = decoder.feed(b"data: next\n\n")
    if events == right and spilled == [Event("next", "message", fields.get("id", ""))]:
        return
    raise Mistake(
        _why(written, data, events, right),
        expected=[tuple(event) for event in right],
        got=[tuple(event) for event in events] or "no event",
    )


def _why(written: bytes, data: str, events: list[Event], right: list[Event]) -> str:
    if not events:
        return "No event came out: it is dispatched only at a blank line, after its data."
    if len(events) > 1:
        return f"{len(events)} events came out of one."
    [event], [wanted] = events, right
    if event.data != wanted.data:
        try:
            written.decode()
        except UnicodeDecodeError:
            return "The data came out as another text: an event stream is UTF-8."
        if len(event.data) < len(wanted.data) and "\r" in data:
            return "The data came out cut short: CR alone is a line end, too."
        if event.data + "\n" == wanted.data:
            return "The last line end is lost: behind it there is one more line, an empty one."
        if len(event.data) < len(wanted.data):
            return "The data came out cut short: a line end in the data ends the field."
        if any(mark in data for mark in "\u2028\u2029\x85\x0b\x0c"):
            return (
                "The data came out changed: only LF, CR and CRLF end a line here; U+2028 and the "
                "others that splitlines knows are ordinary text."
            )
        if "?" in event.data:
            return "The data came out with question marks: an event stream is UTF-8."
        return "The data came out as another text."
    if event.type != wanted.type:
        return "The type of the event is not the one that was asked for."
    return "The last event id is not the one that was asked for."


@EXERCISE.case("a line of JSON")
async def plain(answer: Answer, rng: random.Random) -> None:
    """The lesson's own."""
    await _round_trip(answer, '{"price": 101.2}')


@EXERCISE.case("an id and a type", clause="WHATWG HTML §9.2.6")
async def fields(answer: Answer, rng: random.Random) -> None:
    """Both, and each alone."""
    await _round_trip(answer, "x", id="7", event="price")
    await _round_trip(answer, "y", event="price")
    await _round_trip(answer, "z", id="a b:c")


@EXERCISE.case("several lines, and none", clause="WHATWG HTML §9.2.6")
async def lines(answer: Answer, rng: random.Random) -> None:
    """Blank ones, and at the ends, as well."""
    for data in ("a\nb", "\na\n\nb\n", "a\r\nb", " two spaces", ": no comment", "data: no field"):
        await _round_trip(answer, data)


@EXERCISE.case("CR, and what is no line end", clause="WHATWG HTML §9.2.5")
async def ends(answer: Answer, rng: random.Random) -> None:
    """What str.splitlines gets wrong."""
    await _round_trip(answer, "a\rb")
    await _round_trip(answer, "a\u2028b\x85c\x0bd\x0ce")


@EXERCISE.case("any text", points=2, clause="WHATWG HTML §9.2.5")
async def anything(answer: Answer, rng: random.Random) -> None:
    """From a small alphabet of trouble."""
    for _ in range(20):
        await _round_trip(answer, "".join(rng.choices("a é€🙂:\n\r\u2028", k=rng.randint(1, 12))))


@EXERCISE.case("an id that would write fields of its own", clause="WHATWG HTML §9.2.6")
async def injected(answer: Answer, rng: random.Random) -> None:
    """An injection is refused."""
    for fields in ({"id": "1\ndata: forged"}, {"event": "a\r\rdata: forged"}, {"id": "1\0"}):
        try:
            written = await answer("x", **fields)
        except Raised as error:
            if "ValueError" in error.kinds:
                continue
            raise
        [(name, value)] = fields.items()
        raise Mistake(
            f"{name}={value!r} must be refused with a ValueError: it lets whoever chooses it write "
            "fields of their own, or cannot come back as Last-Event-ID.",
            expected="ValueError",
            got=written,
            protocol="sse",
        )
