"""The lines of HTTP/1.1: how they end, what may be in them, and headers (RFC 9112 §2.2, §5)."""

from __future__ import annotations

import re
from functools import partial
from typing import NamedTuple

from rtlab.dissect.cursor import Cursor, Cut, Fold, Steps
from rtlab.dissect.field import Field

LIMIT = 65_536
"""The longest line, in bytes. RFC 9112 §3 asks for 8,000 at least; without any limit a peer that
never ends its line would fill the memory."""

NOT_TOKEN = re.compile(r"\r+|[^!#$%&'*+\-.^_`|~0-9A-Za-z\r]+")  # RFC 9110 §5.6.2
NOT_TARGET = re.compile(r"\r+|[^\x21-\x7e\r]+")  # RFC 3986 has visible ASCII only
NOT_TEXT = re.compile(r"\r+|[\x00-\x08\n-\x0c\x0e-\x1f\x7f]+")  # RFC 9110 §5.5
# A header with which nothing is wrong, and which the next line does not continue.
WORDS = rb"[\x21-\x7e\x80-\xff]+(?: [\x21-\x7e\x80-\xff]+)*"
IN_ORDER = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+): ?(" + WORDS + rb")\r\n(?=[^ \t])")
HOST = re.compile(r"(\[[0-9A-Za-z:.]+\]|[-\w.~!$&'()*+,;=%]*)(:[0-9]*)?", re.ASCII)


class Faulty(Exception):
    """Nobody can know where the message ends; what follows cannot be read."""

    def __init__(self, error: str, clause: str) -> None:
        super().__init__(error)
        self.error, self.clause = error, clause


class Header(NamedTuple):
    """A header as it was read; ``spaced`` if whitespace stands before its colon."""

    value: str
    group: Field
    spaced: bool = False

    @property
    def place(self) -> Field:
        """The field of its value, for errors; that of all of it if it has none."""
        parts = (part for part in self.group.children if part.name == "value")
        return next(parts, self.group)


# ── lines ──


def line(cursor: Cursor, name: str, clause: str) -> Steps[tuple[str, str]]:
    """Look at the next line, without taking it: the text, and the CRLF or LF that ends it."""
    # RFC 9112 §2.2: a single LF may be recognized as the end; a single CR never.
    length = yield from cursor.find(b"\n", limit=LIMIT)
    if length < 0 and cursor.left > LIMIT:
        raise Faulty(f"a line of more than {LIMIT:,} bytes; a reader has to stop somewhere", clause)
    if length < 0:
        yield from cursor.text(name, cursor.left)
        cursor.last.wrong("cut off: the line and its CRLF are not complete", "RFC 9112 §8")
        raise Cut
    text = (yield from cursor.ahead(length + 1)).decode("latin-1")
    return (text[:-2], "\r\n") if text.endswith("\r\n") else (text[:-1], "\n")


def line_end(cursor: Cursor, end: str, name: str = "CRLF", clause: str = "RFC 9112 §2.2") -> Field:
    """Take the end of a line."""
    field = cursor.take(name, len(end), end)
    if end == "\n":
        field.wrong("bare LF: the CR before it is missing", clause)
    return field


def until_end(cursor: Cursor, name: str) -> Steps[Field | None]:
    """Wait for the end of the bytes, and take them all."""
    while not cursor.ended:
        yield
    if not cursor.left:
        return None
    yield from cursor.raw(name, cursor.left)
    return cursor.last


def marked(
    cursor: Cursor, name: str, text: str, wrong: re.Pattern[str], clause: str, missing: str = ""
) -> Field:
    """Take text; what may not be in it becomes a part of its own, with the error."""
    if not wrong.search(text):
        field = cursor.take(name, len(text), text)
        if missing and not text:
            field.wrong(missing, clause)
        return field
    with cursor.group(name, text) as field:
        at = 0
        for match in wrong.finditer(text):
            _plain(cursor, text[at : match.start()])
            bad, at = match.group(), match.end()
            if "\r" in bad:
                part = cursor.take("bare CR", len(bad), bad)
                part.wrong("a CR that no LF follows", "RFC 9112 §2.2")
            else:
                part = cursor.take("invalid bytes", len(bad), bad)
                part.wrong(f"{bad[:8]!r} may not stand in a {name}", clause)
        _plain(cursor, text[at:])
    return field


def is_token(text: str) -> bool:
    """Whether a text is a token (RFC 9110 §5.6.2)."""
    return bool(text) and not NOT_TOKEN.search(text)


def _plain(cursor: Cursor, text: str) -> None:
    if text:
        cursor.take("text", len(text), text)


def explain(cursor: Cursor, field: Field, key: str) -> None:
    """Give a field the remark on its very value, if there is one."""
    remark = cursor.remarks.get(key)
    if remark is not None and not field.error:
        field.note, field.reference = remark


def gap(cursor: Cursor, text: str, right: str = " ") -> None:
    """Take the whitespace between two words of a start line: one space, and none outside."""
    if text or right:
        field = cursor.take("space" if right else "whitespace", len(text), text)
        if "\r" in text:
            field.wrong("a CR that no LF follows", "RFC 9112 §2.2")
        elif text != right:
            field.wrong("one space between the words, and none around them", "RFC 9112 §3")


# ── headers ──


def headers(cursor: Cursor, kind: str = "header") -> Steps[dict[str, list[Header]]]:
    """Take headers and the blank line that ends them; return them by name, in lower case."""
    found: dict[str, list[Header]] = {}
    first = kind == "header"
    fold = Fold(cursor, partial(_header, kind=kind))
    while True:
        header = _in_order(cursor, kind, fold)
        if header is None:
            text, end = yield from line(cursor, kind, "RFC 9110 §5.4")
            if not text:
                line_end(cursor, end, "blank line")
                return found
            if first and text[0] in " \t":
                ignored = cursor.take("ignored line", len(text + end), text + end)
                ignored.wrong("whitespace before the first header", "RFC 9112 §2.2")
                continue
            header = yield from _header(cursor, kind)
        first = False
        name = header.group.value[0].lower()
        earlier = found.setdefault(name, [])
        earlier.append(header)
        if name == "host" and len(earlier) > 1:
            header.group.wrong("a second Host: which one is meant?", "RFC 9112 §3.2")


def _in_order(cursor: Cursor, kind: str, fold: Fold) -> Header | None:
    """Take the next line folded, if it is all there, and a header with nothing wrong in it."""
    start = cursor.at >> 3
    match = IN_ORDER.match(cursor.data, start)
    if match is None or match.end() - start > LIMIT:
        return None
    name, value = match[1].decode("latin-1"), match[2].decode("latin-1")
    group = cursor.fold(kind, match.end() - start, (name, value), fold)
    explain(cursor, group, "header: " + name.lower())
    return Header(value, group)


def _header(cursor: Cursor, kind: str) -> Steps[Header]:
    text, end = yield from line(cursor, kind, "RFC 9110 §5.4")
    with cursor.group(kind) as group:
        name, value, spaced = _line_of_header(cursor, group, text, end)
        explain(cursor, group, "header: " + name.lower())
        # RFC 9112 §5.2: a line that begins with whitespace goes on with the value.
        folds = []
        while (yield from cursor.ahead(1)) in (b" ", b"\t"):
            text, end = yield from line(cursor, "fold", "RFC 9110 §5.4")
            with cursor.group("fold", text) as fold:
                fold.wrong("obsolete line folding", "RFC 9112 §5.2")
                _value(cursor, text)
                line_end(cursor, end)
            folds.append(text.strip(" \t"))
        if folds:
            value = " ".join(filter(None, [value, *folds]))
        group.value = (name, value)
    return Header(value, group, spaced)


def _line_of_header(cursor: Cursor, group: Field, text: str, end: str) -> tuple[str, str, bool]:
    """Take the first line of a header; return name, value, and whether space precedes the colon."""
    name, colon, rest = text.partition(":")
    bare = name.rstrip(" \t")
    if colon:
        marked(cursor, "name", bare, NOT_TOKEN, "RFC 9110 §5.1", "the name is missing")
        if bare != name:
            space = cursor.take("whitespace", len(name) - len(bare), name[len(bare) :])
            space.wrong("whitespace between the name and the colon", "RFC 9112 §5.1")
        cursor.take("colon", 1, ":")
    else:
        bare, rest = "", text
        group.wrong("no colon: this is not a header", "RFC 9112 §5")
    _value(cursor, rest)
    line_end(cursor, end)
    return bare, rest.strip(" \t"), bool(colon) and bare != name


def _value(cursor: Cursor, text: str) -> None:
    """Take a value, if it is not empty, and the whitespace around it."""
    content = text.lstrip(" \t")
    if content != text:
        cursor.take("whitespace", len(text) - len(content), text[: len(text) - len(content)])
    value = content.rstrip(" \t")
    if value:
        marked(cursor, "value", value, NOT_TEXT, "RFC 9110 §5.5")
    if value != content:
        cursor.take("trailing whitespace", len(content) - len(value), content[len(value) :])
