"""Random bytes of one's own, for a WebSocket client that is to send the same bytes again.

A client draws 16 random bytes for its key (RFC 6455 §4.1) and 4 for the mask of every frame (§5.3).
Nobody may be able to predict them, so the library takes them from the operating system. A lesson
wants the very bytes of the RFC, and a test the same ones twice; both name another source:

    random.Random(7).randbytes         seeded: the same in every run
    io.BytesIO(nonce + mask).read      these; when they are used up, the library's own
"""

from __future__ import annotations

import secrets
from base64 import b64encode
from collections.abc import Callable
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.client import ClientProtocol
from websockets.frames import Frame

from rtlab.errors import UsageError

Randbytes = Callable[[int], bytes]
"""Returns so many bytes."""


def connection_with(randbytes: Randbytes) -> Callable[..., ClientConnection]:
    """Return a factory of connections with one key, and masks, from a source of random bytes.

    Raises:
        UsageError: the source gives something else than the 16 bytes of the key.
    """
    key = b64encode(_take(randbytes, 16)).decode()

    def connection(protocol: ClientProtocol, **settings: Any) -> ClientConnection:
        def send_frame(frame: Frame) -> None:
            data = frame.serialize(mask=False, extensions=protocol.extensions)
            protocol.writes.append(masked(data, _take(randbytes, 4)))

        protocol.key = key
        # There is no setting for it; tests/transports/test_randomness.py sees if this changes.
        protocol.send_frame = send_frame  # type: ignore[method-assign]
        return ClientConnection(protocol, **settings)

    return connection


def masked(frame: bytes, mask: bytes) -> bytes:
    """Return a frame masked that was not: the bit, the mask, and every byte XORed (§5.3)."""
    start = {126: 4, 127: 10}.get(frame[1], 2)  # where the payload begins: §5.2
    payload = bytes(byte ^ mask[place % 4] for place, byte in enumerate(frame[start:]))
    return bytes([frame[0], frame[1] | 0x80]) + frame[2:start] + mask + payload


def _take(randbytes: Randbytes, count: int) -> bytes:
    given = randbytes(count) if callable(randbytes) else None
    if not isinstance(given, bytes) or len(given) not in (0, count):
        raise UsageError(
            "randbytes must be a function that returns so many bytes, such as "
            f"random.Random(7).randbytes; for {count} it returned {given!r:.40}."
        )
    return given or secrets.token_bytes(count)
