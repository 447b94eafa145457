r"""An event-stream parser to the letter of the standard (notebook 03): a ladder."""

from __future__ import annotations

import random
from typing import Any

from rtlab.exercises.answer import Answer
from rtlab.exercises.exercise import Exercise, Wrong
from rtlab.exercises.mistakes import Mistake, Slip, kind
from rtlab.exercises.mistakes import same as alike
from rtlab.transports.sse import Decoder

EXERCISE = Exercise(
    name="sse-parser",
    notebook="03",
    title="An event-stream parser to the letter",
    takes="class",
    prompt="""\
Write a class `Parser` with one method, `feed(data)`: it takes the next bytes of an event stream,
cut anywhere, and returns a list of the events that they complete, each a tuple
`(type, data, last_event_id)`. Six levels, from a plain event to the corners of WHATWG HTML §9.2.5
and §9.2.6, which are worth reading beside it: they are short.
""",
    stub='''\
class Parser:
    """Turns the bytes of an event stream into events."""

    def __init__(self):
        self.buffer = ""

    def feed(self, data):
        """Take bytes and return the events (type, data, last_event_id) that they complete."""
        events = []
        self.buffer += data.decode()
        while "\\n\\n" in self.buffer:
            block, self.buffer = self.buffer.split("\\n\\n", 1)
            for line in block.splitlines():
                name, value = line.split(": ")
                if name == "data":
                    events.append(("message", value, ""))
        return events
''',
    solution='''\
import codecs
import re


class Parser:
    """Turns the bytes of an event stream into events."""

    def __init__(self):
        self.decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self.started = False
        self.after_cr = False
        self.rest = ""
        self.id = ""
        self.clear()

    def clear(self):
        self.type = ""
        self.data = []

    def feed(self, data):
        """Take bytes and return the events (type, data, last_event_id) that they complete."""
        text = self.decoder.decode(data)
        if text and not self.started:
            text = text.removeprefix("\\ufeff")
            self.started = True
        if text and self.after_cr:
            text = text.removeprefix("\\n")
            self.after_cr = False
        if text.endswith("\\r"):
            self.after_cr = True
        *lines, self.rest = re.split("\\r\\n|\\r|\\n", self.rest + text)
        events = []
        for line in lines:
            if line:
                self.take(line)
            else:
                if self.data:
                    events.append((self.type or "message", "\\n".join(self.data), self.id))
                self.clear()
        return events

    def take(self, line):
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self.type = value
        elif name == "data":
            self.data.append(value)
        elif name == "id" and "\\0" not in value:
            self.id = value
''',
    hints=(
        "Separate three jobs: bytes to text, text to lines, lines to events. Each needs to "
        "remember what is not complete yet.",
        "Bytes to text: codecs.getincrementaldecoder('utf-8') waits for the rest of a character.",
        "A field has a name up to the first colon, and a value; one space after the colon, and no "
        "more, is dropped. Without any colon the whole line is the name.",
        "At the blank line: no data, no event. Type and data begin anew; the id stays.",
        "A CR at the end of a piece is a line end already; if the next piece begins with LF, that "
        "belongs to it.",
    ),
    wrong=(
        Wrong("values stripped", "one space", (('value.removeprefix(" ")', "value.strip()"),)),
        Wrong(
            "the last data wins", "joined", (("self.data.append(value)", "self.data = [value]"),)
        ),
        Wrong(
            "event without data",
            "without data",
            (("if self.data:", "if self.data or self.type or self.id:"),),
        ),
        Wrong(
            "id forgotten",
            "stands for later events",
            (('self.type = ""\n', 'self.type = ""\n        self.id = ""\n'),),
        ),
        Wrong(
            "each piece decoded alone",
            "cut within a character",
            (("self.decoder.decode(data)", 'data.decode(errors="replace")'),),
        ),
        Wrong("CRLF cut in two", "CR and LF", (("if text and self.after_cr:", "if False:"),)),
        Wrong(
            "splitlines",
            "U+2028",
            (
                (
                    're.split("\\r\\n|\\r|\\n", self.rest + text)',
                    '(self.rest + text + "*").splitlines()',
                ),
                ("events = []", "self.rest = self.rest[:-1]\n        events = []"),
            ),
        ),
        Wrong(
            "objects for tuples",
            "Each event is a tuple (type, data, last_event_id) of three texts; this is something "
            "of type Event",
            (
                ("class Parser:", "class Event:\n    pass\n\n\nclass Parser:"),
                ("events.append((self.type or", "events.append(Event())\n                    (("),
            ),
        ),
        Wrong("BOM kept", "byte order mark", (('text.removeprefix("\\ufeff")', "text"),)),
        Wrong("id with NUL", "NUL", ((' and "\\0" not in value', ""),)),
        Wrong(
            "only after a colon",
            "without a colon",
            (
                (
                    'name, _, value = line.partition(":")',
                    'if ":" not in line:\n            return\n        name, _, value = '
                    'line.partition(":")',
                ),
            ),
        ),
        Wrong(
            "type kept",
            "type of one event",
            (
                (
                    'self.type = ""\n        self.data',
                    'self.type = getattr(self, "type", "")\n        self.data',
                ),
            ),
        ),
    ),
)

Said = tuple[str, str, str]
LINES = "WHATWG HTML §9.2.5"
MEANING = "WHATWG HTML §9.2.6"


def _message(data: str, id: str = "", type: str = "message") -> Said:
    return type, data, id


async def _expect(
    answer: Answer, pieces: list[bytes], right: list[Said], otherwise: str, *slips: Slip
) -> None:
    parser = await answer.make()
    got: list[Any] = []
    for piece in pieces:
        events = await parser.call("feed", piece)
        if not isinstance(events, (list, tuple)):
            raise Mistake(
                "feed() returns a list of events, an empty one if there is none.",
                expected=[],
                got=events,
            )
        for event in events:
            if not isinstance(event, (list, tuple)):
                raise Mistake(
                    "Each event is a tuple (type, data, last_event_id) of three texts; this is "
                    f"{kind(event)}.",
                    expected=right,
                    got=events,
                )
        got += events
    if alike(got, right):
        return
    for value, message in slips:
        if alike(got, value):
            otherwise = message
    stream = b" | ".join(pieces) if len(pieces) > 1 else pieces[0]
    raise Mistake(f"{otherwise} The stream was {stream[:120]!r}.", expected=right, got=got)


@EXERCISE.case("an event", level=1, clause=MEANING)
async def one(answer: Answer, rng: random.Random) -> None:
    """One line of data."""
    await _expect(answer, [b"data: x\n\n"], [_message("x")], "This is one event of type message.")
    stream = b"data: a\n\ndata: b\n\n"
    await _expect(answer, [stream], [_message("a"), _message("b")], "These are two events.")


@EXERCISE.case("type, id, several lines", level=1, clause=MEANING)
async def fields(answer: Answer, rng: random.Random) -> None:
    """The three fields that an event has."""
    await _expect(
        answer,
        [b"event: price\nid: 7\ndata: 1\ndata: 2\n\n"],
        [_message("1\n2", "7", "price")],
        "Several data fields of one event are joined with LF; its type and id go with it.",
    )


@EXERCISE.case("comments, unknown fields, and an end that never comes", level=2, clause=MEANING)
async def ignored(answer: Answer, rng: random.Random) -> None:
    """What must not be seen."""
    await _expect(
        answer,
        [b": hello\nretry: 10\nfoo: bar\ndata: x\n\n:\n\ndata: never\n"],
        [_message("x")],
        "Comments and unknown fields are ignored; what has no blank line after it is not sent.",
    )
    await _expect(
        answer,
        [b"data: a\nData: b\n data: c\n\n"],
        [_message("a")],
        "Only “data”, written exactly so, is the data field.",
    )


@EXERCISE.case("colons and spaces", level=2, clause=MEANING)
async def colons(answer: Answer, rng: random.Random) -> None:
    """One space, and the first colon."""
    one_space = "After the colon one space is dropped, and no more: the rest is data."
    await _expect(answer, [b"data:x\n\n"], [_message("x")], "The space after the colon may lack.")
    await _expect(answer, [b"data:  x \n\n"], [_message(" x ")], one_space)
    await _expect(
        answer, [b"data: a: b:c\n\n"], [_message("a: b:c")], "Only the first colon counts."
    )
    await _expect(
        answer,
        [b"data\ndata\n\n"],
        [_message("\n")],
        "A line without a colon is a field name, and its value is empty: here twice “data”.",
    )


@EXERCISE.case("what stays from event to event", level=3, clause=MEANING)
async def kept(answer: Answer, rng: random.Random) -> None:
    """The id does, the type does not."""
    await _expect(
        answer,
        [b"id: 1\nevent: a\ndata: x\n\ndata: y\n\nid\ndata: z\n\n"],
        [_message("x", "1", "a"), _message("y", "1"), _message("z")],
        "Look at what stays from one event to the next.",
        Slip(
            [_message("x", "1", "a"), _message("y"), _message("z")],
            "The id was forgotten: it stands for later events too, until another one comes.",
        ),
        Slip(
            [_message("x", "1", "a"), _message("y", "1", "a"), _message("z", "", "a")],
            "The event field is the type of one event, and of no other.",
        ),
    )


@EXERCISE.case("no data, no event", level=3, clause=MEANING)
async def nothing(answer: Answer, rng: random.Random) -> None:
    """But its id counts."""
    await _expect(
        answer,
        [b"event: a\nid: 5\n\ndata: x\n\n"],
        [_message("x", "5")],
        "A block without data is no event: nothing is sent, but its id counts.",
    )
    await _expect(answer, [b"data:\n\n"], [_message("")], "A data field that is empty is data.")


@EXERCISE.case("three line ends", level=4, clause=LINES)
async def ends(answer: Answer, rng: random.Random) -> None:
    """LF, CR, CRLF; and nothing else."""
    for end in (b"\n", b"\r", b"\r\n"):
        stream = b"data: a" + end + b"data: b" + end + end
        await _expect(answer, [stream], [_message("a\nb")], "LF, CR and CRLF all end a line.")
    await _expect(
        answer,
        ["data: a\u2028b\x85c\x0bd\x1ce\n\n".encode()],
        [_message("a\u2028b\x85c\x0bd\x1ce")],
        "Only LF, CR and CRLF end a line: U+2028 and the others that splitlines knows do not.",
    )


@EXERCISE.case("cut anywhere", level=5, points=2, clause=LINES)
async def cut(answer: Answer, rng: random.Random) -> None:
    """Lines, characters and CRLF are cut in two; a network knows none of them."""
    word = "data: h\u00e9\u20ac\U0001f642\n\n".encode()
    for at in range(1, len(word)):
        await _expect(
            answer,
            [word[:at], word[at:]],
            [_message("h\u00e9\u20ac\U0001f642")],
            "The bytes were cut within a line, or cut within a character: the rest comes later.",
        )
    await _expect(
        answer,
        [b"data: a\r", b"\ndata: b\r", b"\n\r", b"\n"],
        [_message("a\nb")],
        "CR and LF were taken for two line ends because they came in two pieces.",
    )
    await _expect(
        answer,
        [b"data: x\r\r", b""],
        [_message("x")],
        "A CR ends a line at once: to wait for an LF that may never come would hold the event "
        "back.",
    )


@EXERCISE.case("byte order mark, NUL, bytes that are no text", level=6, clause=LINES)
async def corners(answer: Answer, rng: random.Random) -> None:
    """What hardly any server sends, and every browser must know."""
    mark = b"\xef\xbb\xbf"
    await _expect(
        answer,
        [mark + b"data: x\n\n"],
        [_message("x")],
        "One byte order mark is skipped at the start.",
    )
    await _expect(
        answer,
        [mark[:1], mark[1:] + mark + b"data: x\ndata: y\n\n"],
        [_message("y")],
        "Only one byte order mark is skipped: a second one belongs to the field name.",
    )
    await _expect(
        answer,
        [b"id: 1\ndata: x\n\nid: 2\0\ndata: y\n\n"],
        [_message("x", "1"), _message("y", "1")],
        "An id with a NUL is ignored: it could not be sent back in a header.",
    )
    await _expect(
        answer,
        [b"data: \xff\xc3\n\n"],
        [_message("\ufffd\ufffd")],
        "Bytes that are no UTF-8 become U+FFFD: a stream never fails because of them.",
    )


@EXERCISE.case("streams made of trouble", level=6, points=2, clause=MEANING)
async def anything(answer: Answer, rng: random.Random) -> None:
    """Against the reader of the lab, which is itself held to the text."""
    parts = [
        b"data",
        b"id",
        b"event",
        b":",
        b" ",
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b"x",
        "é".encode(),
    ]
    for _ in range(60):
        stream = b"".join(rng.choices([*parts, b"data: a\n"], k=rng.randint(3, 25)))
        at = rng.randrange(len(stream) + 1)
        decoder = Decoder()
        right = [
            _message(event.data, event.last_event_id, event.type) for event in decoder.feed(stream)
        ]
        await _expect(
            answer, [stream[:at], stream[at:]], right, "These are the events of a random stream."
        )
