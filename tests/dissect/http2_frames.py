"""Frames of HTTP/2 for the tests, written by hand, so that they may also be wrong."""

from __future__ import annotations

import hpack

from rtlab.dissect.field import Field
from rtlab.dissect.http2 import PREFACE, dissector

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE = range(6)
PING, GOAWAY, WINDOW_UPDATE, CONTINUATION, PRIORITY_UPDATE = 6, 7, 8, 9, 16
ACK = END_STREAM = 1
END_HEADERS, PADDED, WITH_PRIORITY = 4, 8, 32

GET = [(":method", "GET"), (":scheme", "http"), (":authority", "a.example"), (":path", "/")]
POST = [(":method", "POST"), *GET[1:]]
OK = [(":status", "200")]
CONNECT = [
    (":method", "CONNECT"),
    (":protocol", "websocket"),
    (":scheme", "http"),
    (":path", "/chat"),
    (":authority", "a.example"),
]


def frame(kind, payload=b"", *, stream=0, flags=0, length=None, reserved=0):
    length = len(payload) if length is None else length
    head = length.to_bytes(3, "big") + bytes([kind, flags])
    return head + (reserved << 31 | stream).to_bytes(4, "big") + payload


def block(fields, encoder=None):
    """Return fields as a field block; without an encoder one that leaves no trace in a table."""
    if encoder is not None:
        return encoder.encode(fields)
    data = b""
    for name, value in fields:
        data += b"\x00"
        for text in (name.encode(), value.encode()):
            data += hpack.hpack.encode_integer(len(text), 7) + text
    return bytes(data)


def headers(fields, *, stream=1, flags=END_HEADERS, encoder=None):
    return frame(HEADERS, block(fields, encoder), stream=stream, flags=flags)


def data(content=b"", *, stream=1, flags=0):
    return frame(DATA, content, stream=stream, flags=flags)


def settings(*pairs, flags=0):
    payload = b"".join(a.to_bytes(2, "big") + b.to_bytes(4, "big") for a, b in pairs)
    return frame(SETTINGS, payload, flags=flags)


def client(*frames):
    """Return what a client sends: the preface and its SETTINGS, then these."""
    return PREFACE + settings() + b"".join(frames)


def server(*frames):
    """Return what a server sends: its SETTINGS, then these."""
    return settings() + b"".join(frames)


def tree(data, pieces=None, **options) -> Field:
    dissecting = dissector(**options)
    for piece in [data] if pieces is None else pieces:
        dissecting.feed(piece)
    return dissecting.end()
