"""What the fields of an HTTP/2 message must keep to (RFC 9113 §8.2, §8.3, §8.5; RFC 8441 §4)."""

from __future__ import annotations

import re

from rtlab.dissect.field import Field
from rtlab.dissect.http1_lines import NOT_TEXT
from rtlab.dissect.http2_hpack import Line

NAME = re.compile(r":?[!#$%&'*+\-.^_`|~0-9a-z]+")  # RFC 9110 §5.1, less the upper case
STATUS = re.compile(r"[1-5][0-9]{2}")
DIGITS = re.compile(r"[0-9]+")
NUMBER = 19
"""Digits of the largest length that is believed, as in HTTP/1.1."""

REQUEST = {":method", ":scheme", ":authority", ":path", ":protocol"}
RESPONSE = {":status"}
HTTP = {"http", "https"}
CONNECTION = {"connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade"}
NOT_TO_PUSH = {"POST", "PUT", "DELETE", "PATCH", "CONNECT", "OPTIONS", "TRACE"}
"""Methods that are not safe, or whose answer is not cacheable (RFC 9110 §9.2)."""


class Section:
    """The fields of one block: a request's, a response's, trailers, or a promised request's.

    Attributes:
        kind: ``"request"``, ``"response"``, ``"trailers"`` or ``"promise"``.
        root: the block that they came in.
        complete: all of them could be decoded.
    """

    def __init__(self, kind: str, root: Field, lines: list[Line]) -> None:
        self.kind = kind
        self.root = root
        self.complete = len(lines) == len(root.children) and all(
            line.name is not None or line.field.name == "table size update" for line in lines
        )
        self._first: dict[str, Line] = {}
        self._lines = lines

    def value(self, name: str) -> str:
        """Return the value of the first field of a name, empty if there is none."""
        line = self._first.get(name)
        return (line.value or "") if line else ""

    @property
    def status(self) -> int:
        """The status code, 0 if there is none that can be read."""
        text = self.value(":status")
        return int(text) if STATUS.fullmatch(text) else 0

    @property
    def length(self) -> int | None:
        """What content-length says, unless it says nothing that can be read."""
        text = self.value("content-length").lstrip("0") or self.value("content-length")[:1]
        return int(text) if DIGITS.fullmatch(text) and len(text) <= NUMBER else None

    @property
    def brief(self) -> str:
        """The request or the response in a few words."""
        words = [self.value(name)[:60] for name in (":method", ":path", ":status")]
        if not words[1] and words[0]:
            words[1] = self.value(":authority")[:60]
        return " ".join(filter(None, words)) or self.kind

    def judge(self) -> None:
        """Put what is wrong with the fields where it is."""
        regular = False
        for line in self._lines:
            if line.name is None or line.value is None:
                continue
            again = self._first.setdefault(line.name, line) is not line
            _judge_text(line, line.name, line.value)
            if line.name.startswith(":"):
                self._judge_pseudo(line, line.name, again, regular)
            else:
                regular = True
                self._judge_regular(line, line.name, line.value, again)
        if self.complete and self.kind != "trailers":
            self._judge_missing()
            self._judge_values()

    def _judge_pseudo(self, line: Line, name: str, again: bool, regular: bool) -> None:
        known = {"response": RESPONSE, "trailers": set()}.get(self.kind, REQUEST)
        if self.kind == "trailers":
            line.field.wrong("no field with a colon may come after the body", "RFC 9113 §8.1")
        elif name not in known:
            line.field.wrong(f"{name[:40]} has no meaning in a {self.kind}", "RFC 9113 §8.3")
        elif again:
            line.field.wrong(f"a second {name}: which one is meant?", "RFC 9113 §8.3")
        elif regular:
            line.field.wrong("fields with a colon must come first", "RFC 9113 §8.3")

    def _judge_regular(self, line: Line, name: str, value: str, again: bool) -> None:
        if name in CONNECTION:
            error = f"{name} belongs to HTTP/1.1: frames do its work here"
            line.field.wrong(error, "RFC 9113 §8.2.2")
        elif name == "te" and (self.kind == "response" or value.lower() != "trailers"):
            line.field.wrong("te may say `trailers` in a request, nothing else", "RFC 9113 §8.2.2")
        elif name == "content-length":
            if not DIGITS.fullmatch(value):
                line.field.wrong("not a number: digits and nothing else", "RFC 9110 §8.6")
            elif len(value.lstrip("0")) > NUMBER:
                line.field.wrong("more bytes than 64 bits can count", "RFC 9110 §8.6")
            elif again and value != self.value(name):
                line.field.wrong(f"another one said {self.value(name)[:20]}", "RFC 9110 §8.6")
        elif name == "host" and again:
            line.field.wrong("a second host: which one is meant?", "RFC 9110 §7.2")

    def _judge_missing(self) -> None:
        if self.kind == "response":
            needed, clause = [":status"], "RFC 9113 §8.3.2"
        elif self.value(":method") != "CONNECT":
            needed, clause = [":method", ":scheme", ":path"], "RFC 9113 §8.3.1"
        elif ":protocol" in self._first:
            needed, clause = [":scheme", ":path"], "RFC 8441 §4"
        else:
            needed, clause = [":authority"], "RFC 9113 §8.5"
        missing = [name for name in needed if name not in self._first]
        if missing:
            self.root.wrong(f"without {' and '.join(missing)}", clause)
        elif self.kind != "response" and not {":authority", "host"} & self._first.keys():
            self.root.wrong("neither :authority nor host says which site", "RFC 9113 §8.3.1")

    def _judge_values(self) -> None:
        method = self.value(":method")
        connect = method == "CONNECT" and ":protocol" not in self._first
        if connect:
            for name in (":scheme", ":path"):
                self._wrong(name, f"a CONNECT has no {name}", "RFC 9113 §8.5")
        elif not _is_path(self.value(":path"), method) and self.value(":scheme") in HTTP:
            self._wrong(":path", "a path begins with /", "RFC 9113 §8.3.1")
        if method != "CONNECT":
            self._wrong(":protocol", "only an extended CONNECT has it", "RFC 8441 §4")
        if self.kind == "promise" and method in NOT_TO_PUSH:
            self._wrong(":method", "only what is safe and cacheable is pushed", "RFC 9113 §8.4.1")
        if self.value(":status") == "101":
            self._wrong(":status", "HTTP/2 has no 101: streams do not switch", "RFC 9113 §8.6")
        elif not STATUS.fullmatch(self.value(":status")):
            self._wrong(":status", "a status code is three digits", "RFC 9110 §15")
        if {":authority", "host"} <= self._first.keys():
            authority, host = (self.value(name).lower() for name in (":authority", "host"))
            if authority != host:
                self._wrong("host", ":authority says something else", "RFC 9113 §8.3.1")

    def _wrong(self, name: str, error: str, clause: str) -> None:
        if name in self._first:
            self._first[name].field.wrong(error, clause)


def _is_path(path: str, method: str) -> bool:
    return path.startswith("/") or (path == "*" and method == "OPTIONS")


def _judge_text(line: Line, name: str, value: str) -> None:
    if not NAME.fullmatch(name):
        upper = name != name.lower() and NAME.fullmatch(name.lower())
        error = "field names are in lower case" if upper else "no name of a field looks like this"
        line.field.wrong(error, "RFC 9113 §8.2.1")
    elif NOT_TEXT.search(value):
        line.field.wrong("a control character in a value", "RFC 9113 §8.2.1")
    elif value != value.strip(" \t"):
        line.field.wrong("whitespace around a value", "RFC 9113 §8.2.1")
