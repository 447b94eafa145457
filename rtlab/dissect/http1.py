"""HTTP/1.1: requests and responses, header by header, chunk by chunk (RFC 9110, RFC 9112).

    GET /events HTTP/1.1\r\n     the start line: what to do, to what, in which version
    Host: localhost:8000\r\n     headers: a name, a colon, a value
    \r\n                         the blank line: the headers end; here a body may follow

All the difficulty is in one question: where does a message end? ``http1_body`` answers it. Where
nobody can know, the dissector says so, and the bytes after that are one field, "rest".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from rtlab.dissect import handshake
from rtlab.dissect.cursor import Cursor, Dissector, Steps
from rtlab.dissect.http1_body import Message, body
from rtlab.dissect.http1_lines import (
    HOST,
    NOT_TARGET,
    NOT_TEXT,
    NOT_TOKEN,
    Faulty,
    explain,
    gap,
    headers,
    line,
    line_end,
    marked,
    until_end,
)
from rtlab.dissect.http1_remarks import REMARKS

__all__ = ["REMARKS", "dissector", "grammar"]

WORD = re.compile(r"[^ \t\v\f\r]+")  # whitespace as RFC 9112 §3 lets a lenient reader see it
VERSION = re.compile(r"(HTTP/)([0-9])(\.)([0-9])")
STATUS = re.compile(r"[0-9]{3}")
After = Callable[[Cursor, Message], Steps[None]]
FORMS = re.compile(r"/|[A-Za-z][-+.A-Za-z0-9]*:")  # RFC 9112 §3.2.1, §3.2.2


def grammar(
    cursor: Cursor,
    *,
    sender: str | None = None,
    methods: Sequence[str] = (),
    upgrade_after: int | None = None,
    after: After | None = None,
    messages: list[Message] | None = None,
) -> Steps[None]:
    """Dissect one direction of a connection: messages, one after another.

    Args:
        cursor: takes the fields.
        sender: ``"client"`` or ``"server"``; ``None`` finds out from the first bytes.
        methods: of the requests that the responses answer, in order; ``"GET"`` after these.
        upgrade_after: which request, counted from 0, ends HTTP.
        after: dissects what follows the end of HTTP, and gets the message that ended it; ``None``
            makes it one field. It may give ``cursor.remarks`` the table of its own protocol.
        messages: gets each message as soon as it begins.
    """
    count = 0
    closed: tuple[str, str] | None = None
    try:
        while (yield from cursor.more()):
            text, end = yield from line(cursor, "start line", "RFC 9112 §3")
            if not WORD.search(text):
                _empty_line(cursor, text + end)
                continue
            if sender is None:
                sender = "server" if text.startswith("HTTP/") else "client"
            method = methods[count] if count < len(methods) else "GET"
            _check_start(text, sender)
            with cursor.group("response" if sender == "server" else "request") as group:
                if closed is not None:
                    group.wrong(*closed)
                message = Message(group, method)
                if messages is not None:
                    messages.append(message)
                yield from _message(cursor, message, text, end)
            if count == upgrade_after if message.request else message.tunnel:
                yield from _upgraded(cursor, message, after)
                return
            if message.faulty:
                raise message.faulty
            if not message.interim:  # a 1xx is not yet the answer (RFC 9110 §15.2)
                count += 1
                closed = closed or message.closes
    except Faulty as fault:
        rest = yield from until_end(cursor, "rest")
        if rest is not None:
            rest.wrong(fault.error, fault.clause)


def dissector(**options: Any) -> Dissector:
    """Return a ``Dissector`` of HTTP/1.1; the options are those of ``grammar``."""
    return Dissector(lambda cursor: grammar(cursor, **options), REMARKS)


def _upgraded(cursor: Cursor, message: Message, after: After | None) -> Steps[None]:
    if after is None:
        yield from until_end(cursor, "upgraded data")
    elif (yield from cursor.more()):
        yield from after(cursor, message)


def _message(cursor: Cursor, message: Message, text: str, end: str) -> Steps[None]:
    """Take a message whose first line is ``text``."""
    if message.request:
        _request_line(cursor, message, text, end)
    else:
        _status_line(cursor, message, text, end)
    message.headers = yield from headers(cursor)
    message.blank = cursor.last
    message.handshake = handshake.judge(message)
    if message.request:
        _check_host(message)
    yield from body(cursor, message)


def _empty_line(cursor: Cursor, text: str) -> None:
    empty = cursor.take("empty line", len(text), text)
    empty.wrong("an empty line where a message should begin", "RFC 9112 §2.2")


# ── start lines ──


def _check_start(text: str, sender: str) -> None:
    """Give up on a line that is no start line, not even a wrong one."""
    words = WORD.findall(text.upper())
    if sender == "server":
        if not words[0].startswith("HTTP"):
            raise Faulty("not HTTP: a response begins with HTTP/", "RFC 9112 §4")
    elif NOT_TOKEN.search(words[0]) and not words[-1].startswith("HTTP"):
        raise Faulty("not HTTP: this is not how a request begins", "RFC 9112 §2.2")


def _request_line(cursor: Cursor, message: Message, text: str, end: str) -> None:
    words = list(WORD.finditer(text))
    # RFC 9112 §3: method SP request-target SP HTTP-version. The first word is the method, and the
    # last one the version, so that a target with spaces in it shows as one target.
    versioned = len(words) > 2 or words[-1].group().upper().startswith("HTTP/")
    first, last = words[0], words[-1] if versioned and len(words) > 1 else None
    inner = words[1 : -1 if last else None]
    target = text[inner[0].start() : inner[-1].end()] if inner else ""
    message.method = first.group()
    message.group.value = f"{message.method} {target}".strip()
    with cursor.group("request line", text):
        gap(cursor, text[: first.start()], "")
        field = marked(cursor, "method", message.method, NOT_TOKEN, "RFC 9110 §9.1")
        explain(cursor, field, f"method: {message.method}")
        if inner:
            gap(cursor, text[first.end() : inner[0].start()])
        _target(cursor, message, target)
        if last:
            gap(cursor, text[inner[-1].end() if inner else first.end() : last.start()])
        message.version = _version(cursor, last.group() if last else "")
        gap(cursor, text[words[-1].end() :], "")
        line_end(cursor, end)


def _target(cursor: Cursor, message: Message, target: str) -> None:
    field = marked(cursor, "target", target, NOT_TARGET, "RFC 9112 §3.2", "the target is missing")
    if message.method == "CONNECT":  # RFC 9112 §3.2.3: host and port, nothing else
        fits = bool(HOST.fullmatch(target)) and target[-1:].isdigit() and ":" in target
    else:  # RFC 9112 §3.2.4: "*" is for OPTIONS alone
        fits = bool(FORMS.match(target)) or (target == "*" and message.method == "OPTIONS")
    if not fits and not any(part.error for part in field.children):
        field.wrong("neither a path nor a URL, nor what its method asks for", "RFC 9112 §3.2")


def _status_line(cursor: Cursor, message: Message, text: str, end: str) -> None:
    words = list(WORD.finditer(text))
    version, status = words[0], words[1] if len(words) > 1 else None
    message.group.value = text[version.end() :].strip()
    with cursor.group("status line", text):
        gap(cursor, text[: version.start()], "")
        message.version = _version(cursor, version.group())
        gap(cursor, text[version.end() : status.start() if status else len(text)])
        message.status = _status(cursor, status.group() if status else "")
        if status:
            # RFC 9112 §4: this space must be there even if no reason follows.
            gap(cursor, text[status.end() : status.end() + 1])
            reason = text[status.end() + 1 :]
            if reason:
                marked(cursor, "reason", reason, NOT_TEXT, "RFC 9112 §4")
        line_end(cursor, end)


def _status(cursor: Cursor, text: str) -> int:
    field = cursor.take("status", len(text), text)
    if not STATUS.fullmatch(text):
        field.wrong("a status code is three digits", "RFC 9112 §4")
        return 0
    field.value = int(text)
    explain(cursor, field, f"status: {text}")
    if not 100 <= field.value <= 599:
        field.wrong("status codes go from 100 to 599; treat this as a 5xx", "RFC 9110 §15")
    return int(text)


def _version(cursor: Cursor, text: str) -> tuple[int, int] | None:
    match = VERSION.fullmatch(text)
    if match is None:
        field = cursor.take("version", len(text), text)
        field.wrong("not a version such as HTTP/1.1" if text else "no version", "RFC 9112 §2.3")
        return None
    with cursor.group("version", text):
        for name, part in zip(("protocol", "major", "dot", "minor"), match.groups(), strict=True):
            cursor.take(name, len(part), int(part) if part.isdigit() else part)
            if name == "major" and part != "1":
                cursor.last.wrong("only HTTP/1 is written in lines of text", "RFC 9110 §2.5")
    return (1, int(match[4])) if match[2] == "1" else None


def _check_host(message: Message) -> None:
    # RFC 9112 §3.2: none, two, or one that is no host are each answered with 400.
    hosts = message.headers.get("host", [])
    required = message.version is not None and message.version >= (1, 1)
    if not hosts and required and message.blank is not None:
        message.blank.wrong("the headers end without a Host", "RFC 9112 §3.2")
    for host in hosts:
        if not HOST.fullmatch(host.value):
            host.place.wrong("not a host and a port", "RFC 9112 §3.2")
