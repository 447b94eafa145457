"""Bytes that the lessons and the tests talk about: those of the standard, and of the lesson itself.

>>> rtlab.dissect(rtlab.examples.LESSON_REQUEST, "http1")
"""

from __future__ import annotations

NONCE = b"the sample nonce"
"""The 16 bytes that RFC 6455 §1.3 takes for random ones."""
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
"""The nonce in Base64: its Sec-WebSocket-Key."""
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
"""The Sec-WebSocket-Accept that answers it."""

MASK = bytes.fromhex("37fa213d")
HELLO = bytes.fromhex("810548656c6c6f")
"""“Hello” as a text message from a server (RFC 6455 §5.7)."""
MASKED_HELLO = bytes.fromhex("818537fa213d7f9f4d5158")
"""“Hello” as a text message from a client, masked with ``MASK`` (RFC 6455 §5.7)."""


def _lines(*lines: str) -> bytes:
    return "".join(line + "\r\n" for line in (*lines, "")).encode()


LESSON_REQUEST = _lines(
    "GET /chat HTTP/1.1",
    "Host: server.example.com",
    "Upgrade: websocket",
    "Connection: Upgrade",
    f"Sec-WebSocket-Key: {KEY}",
    "Sec-WebSocket-Version: 13",
)
"""The opening handshake of the lesson, from the client."""
LESSON_RESPONSE = _lines(
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    f"Sec-WebSocket-Accept: {ACCEPT}",
)
"""And from the server."""
