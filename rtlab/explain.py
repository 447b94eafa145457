"""``rtlab explain``: bytes from a file, the command line or a recording, field by field."""

from __future__ import annotations

import argparse
import io
import re
import sys
from pathlib import Path

from rtlab.dissect import PROTOCOLS, dissect
from rtlab.dissect.field import Dissection
from rtlab.errors import RecordingError, UsageError
from rtlab.link import files
from rtlab.link.capture_files import foreign
from rtlab.render.conversation import conversation
from rtlab.render.tree import as_text
from rtlab.render.values import plain
from rtlab.terminal import Paint, paint_for, width_of

# Broken ones as well: who asks what is wrong with a request has one with something wrong.
_HTTP = re.compile(rb"(?:\r?\n)*(?:HTTP/\d|[A-Za-z]{3,10} (?:[/*]|[a-z]+://|[^\r\n]* HTTP/))")
_HTTP2 = b"PRI * HTTP/2.0"  # the client's first bytes
_SETTINGS = re.compile(rb"\0.{2}\x04\0\0{4}", re.DOTALL)  # the server's (RFC 9113 §3.4)
_STREAM = re.compile(rb"(?:\xef\xbb\xbf)?(?:data|event|id|retry)?(?::|\r|\n)")
_NAMES = {
    "http1": "HTTP/1.1",
    "http2": "HTTP/2",
    "sse": "an event stream",
    "websocket": "WebSocket frames",
}


def explain(options: argparse.Namespace) -> int:
    """Print what ``rtlab explain`` was asked for; return 1 if something is wrong with the bytes.

    Raises:
        UsageError: there are no bytes to explain, or they cannot be read.
    """
    paint = paint_for(sys.stdout, options.color)
    if (options.hex is None) == (options.file is None):
        raise UsageError("Name a file (- for standard input), or give the bytes with --hex.")
    if options.hex is None:
        data = _read(options.file)
        if files.is_recording(data) or (options.protocol is None and foreign(data)):
            if options.protocol or options.sender:
                raise UsageError(
                    "--as and --sender are for bytes of one stream; a recording knows what it "
                    "holds, and who sent it."
                )
            return _recording(data, options, paint)
    else:
        data = _from_hex(" ".join(options.hex))
    if options.port is not None:
        raise UsageError("--port picks connections of a capture; these are bytes of one stream.")
    if options.table:
        raise UsageError("--table lists what a recording holds; these are bytes of one stream.")
    protocol, sender = _guess(data)
    if options.protocol not in (None, protocol):
        protocol, sender = options.protocol, None
    sender = options.sender or sender
    if sender is not None and protocol == "sse":
        raise UsageError("--sender means nothing for an event stream: it is always the server's.")
    found = dissect(data, protocol, **({} if sender is None else {"sender": sender}))
    _print(found, options.notes, paint)
    if found.errors and options.protocol is None:
        others = ", ".join(name for name in PROTOCOLS if name != protocol)
        print(paint("note", f"-- read as {_NAMES[protocol]}; if it is none, --as {others}"))
    return int(bool(found.errors))


def _recording(data: bytes, options: argparse.Namespace, paint: Paint) -> int:
    try:
        recording = files.read(io.BytesIO(data), options.file, options.port)
    except RecordingError as error:
        raise UsageError(str(error)) from error
    for note in recording.notes:
        print(paint("note", f"-- {plain(note)}"))
    if options.table:
        print(conversation(recording, count=None))
        return 0
    connections = {connection.number: connection for connection in recording.connections}
    conversations = {talk.connection: talk for talk in recording.dissect()}
    numbers = sorted({segment.connection for segment in recording})
    for number in numbers:
        connection, talk = connections.get(number), conversations.get(number)
        if talk is None:
            print(paint("heading", f"── connection {number} ──"))
            print(paint("error", "!! left out: its beginning is not there"))
            continue
        for who, side in (("client", talk.up), ("server", talk.down)):
            address = f" {_shown(getattr(connection, who))}" if connection else ""
            print(paint("heading", f"── connection {number}, {who}{address} ──"))
            _print(side, options.notes, paint)
        if connection and connection.error:
            print(paint("error", f"!! {plain(connection.error)}"))
    if not numbers:
        where = f" to port {options.port}" if options.port else ""
        print(f"No connection in it carried data{where}.")
    wrong = any(talk.errors for talk in conversations.values())
    return int(wrong or len(conversations) < len(numbers))


def _shown(address: tuple[str, int]) -> str:
    host, port = plain(address[0]), address[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _read(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}.") from error


def _from_hex(text: str) -> bytes:
    digits = re.sub(r"0x|[\s:,]", "", text)
    try:
        return bytes.fromhex(digits)
    except ValueError as error:
        raise UsageError(
            f"--hex takes pairs of digits 0-9 and a-f, as in 81 85 37 fa; this is {text[:40]!r}."
        ) from error


def _guess(data: bytes) -> tuple[str, str | None]:
    """Return what bytes look like: the protocol, and who sent them, where that can be told."""
    if data.startswith(_HTTP2):
        return "http2", "client"
    if _SETTINGS.match(data):
        return "http2", "server"
    if _HTTP.match(data):
        return "http1", None
    return "sse" if _STREAM.match(data) else "websocket", None


def _print(found: Dissection, notes: bool, paint: Paint) -> None:
    print(as_text(found, notes=notes, paint=paint, width=width_of(sys.stdout)))
