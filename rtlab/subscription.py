"""One way to subscribe and to send, whatever the transport."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from rtlab.arguments import TRANSPORTS, one_of
from rtlab.errors import UsageError
from rtlab.transports import MODULES
from rtlab.transports.delivery import Delivery


def subscribe(
    url: str, transport: str, cursor: int | None = None, **options: Any
) -> AsyncGenerator[Delivery, None]:
    """Yield the messages of a feed through one transport, for ever, reconnecting when needed.

    Args:
        url: from ``lab.url(transport)``.
        transport: ``polling``, ``long_polling``, ``sse`` or ``websocket``.
        cursor: the last message already seen; ``None`` begins with the oldest one held.
        **options: of the transport's own ``subscribe``: ``listener``, ``backoff``; ``period`` for
            polling, ``timeout`` for long polling, ``deflate`` for WebSocket.

    Raises:
        UsageError: there is no such transport, or the URL is not one of its kind.
    """
    client = MODULES[one_of("transport", transport, TRANSPORTS)]
    _check_scheme(url, transport)
    deliveries: AsyncGenerator[Delivery, None] = client.subscribe(url, cursor, **options)
    return deliveries


async def send(url: str, transport: str, data: Any) -> int:
    """Publish a message from the client's side and return its sequence number.

    HTTP transports POST it; WebSocket sends it up the connection.

    Args:
        url: from ``lab.url(transport)``.
        transport: which one.
        data: whatever JSON can hold.
    """
    client = MODULES[one_of("transport", transport, TRANSPORTS)]
    _check_scheme(url, transport)
    seq: int = await client.send(url, data)
    return seq


def _check_scheme(url: str, transport: str) -> None:
    scheme = "ws" if transport == "websocket" else "http"
    if not isinstance(url, str) or not url.startswith((f"{scheme}://", f"{scheme}s://")):
        raise UsageError(
            f"{url!r} is no URL for {transport}: it begins with {scheme}://, as "
            f"lab.url({transport!r}) does."
        )
