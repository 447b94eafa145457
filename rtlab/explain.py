"""``rtlab explain``: bytes from a file, the command line or a recording, field by field."""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path

from rtlab.dissect import dissect
from rtlab.dissect.field import Dissection
from rtlab.errors import RecordingError, UsageError
from rtlab.link.recording import Recording
from rtlab.render.tree import as_text

_HTTP = re.compile(rb"HTTP/1\.|[A-Z]{3,10} [^\r\n]* HTTP/1\.")
_HTTP2 = b"PRI * HTTP/2.0"  # the client's first bytes; nothing tells a server's
_STREAM = re.compile(rb"(?:\xef\xbb\xbf)?(?:data|event|id|retry)?:|\r?\n")
_RED, _PLAIN = "\x1b[31m", "\x1b[0m"


def explain(options: argparse.Namespace) -> int:
    """Print what ``rtlab explain`` was asked for; return 1 if something is wrong with the bytes.

    Raises:
        UsageError: there are no bytes to explain, or they cannot be read.
    """
    if (options.hex is None) == (options.file is None):
        raise UsageError("Name a file (- for standard input), or give the bytes with --hex.")
    if options.hex is None:
        data = _read(options.file)
        if data.startswith(b'{"format": "rtlab-recording"'):
            return _recording(options)
    else:
        data = _from_hex(" ".join(options.hex))
    protocol = options.protocol or _guess(data)
    sender = {} if options.sender is None else {"sender": options.sender}
    found = dissect(data, protocol, **sender)
    _print(found, options.notes)
    return int(bool(found.errors))


def _recording(options: argparse.Namespace) -> int:
    try:
        conversations = Recording.load(options.file).dissect()
    except RecordingError as error:
        raise UsageError(str(error)) from error
    for conversation in conversations:
        for who, side in (("client", conversation.up), ("server", conversation.down)):
            print(f"── connection {conversation.connection}, {who} ──")
            _print(side, options.notes)
    return int(any(conversation.errors for conversation in conversations))


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


def _guess(data: bytes) -> str:
    """Return the protocol that bytes look like; WebSocket, if like nothing else."""
    if _HTTP.match(data):
        return "http1"
    if data.startswith(_HTTP2):
        return "http2"
    return "sse" if _STREAM.match(data) else "websocket"


def _print(found: Dissection, notes: bool) -> None:
    text = as_text(found, notes=notes)
    if sys.stdout.isatty() and "NO_COLOR" not in os.environ:
        text = re.sub(r"(?m)^( *)(!! .*)$", rf"\1{_RED}\2{_PLAIN}", text)
    print(text)
