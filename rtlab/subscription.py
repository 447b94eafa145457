"""One way to subscribe and to send, whatever the transport."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any
from urllib.parse import urlsplit

from rtlab.arguments import KNOWN, one_of
from rtlab.errors import UsageError
from rtlab.transports import MODULES
from rtlab.transports.delivery import Delivery


def subscribe(
    url: str, transport: str, cursor: int | None = None, **options: Any
) -> AsyncGenerator[Delivery, None]:
    """Yield the messages of a feed through one transport, for ever, reconnecting when needed.

    Args:
        url: from ``lab.url(transport)``.
        transport: ``polling``, ``long_polling``, ``sse`` or ``websocket``; or ``http2``.
        cursor: the last message already seen; ``None`` begins with the oldest one held.
        **options: of the transport's own ``subscribe``: ``listener``, ``backoff``; ``period`` for
            polling, ``hold`` for long polling, ``deflate`` and ``randbytes`` for WebSocket,
            ``over="sse"`` or ``"websocket"`` for HTTP/2. A listener that has ``delivered``, as
            those that follow a state machine do, is told of every message as well.

    Raises:
        UsageError: there is no such transport, or the URL is not one of its kind.
    """
    client = MODULES[one_of("transport", transport, KNOWN)]
    _check_url(url, transport)
    deliveries: AsyncGenerator[Delivery, None] = client.subscribe(url, cursor, **options)
    delivered = getattr(options.get("listener"), "delivered", None)
    return deliveries if delivered is None else _telling(delivered, deliveries)


async def send(url: str, transport: str, data: Any, **options: Any) -> int:
    """Publish a message from the client's side and return its sequence number.

    HTTP transports POST it; WebSocket sends it up the connection.

    Args:
        url: from ``lab.url(transport)``.
        transport: which one.
        data: whatever JSON can hold.
        **options: of the transport's own ``send``: ``over`` for HTTP/2.
    """
    client = MODULES[one_of("transport", transport, KNOWN)]
    _check_url(url, transport)
    seq: int = await client.send(url, data, **options)
    return seq


async def receive(
    url: str,
    transport: str,
    count: int,
    cursor: int | None = None,
    *,
    timeout: float | None = None,
    **options: Any,
) -> list[Delivery]:
    """Subscribe, take so many messages, and leave.

    Args:
        url: from ``lab.url(transport)``.
        transport: which one.
        count: how many messages to wait for.
        cursor: the last message already seen; ``None`` begins with the oldest one held.
        timeout: seconds after which to give up.
        **options: as in ``subscribe``.

    Raises:
        TimeoutError: they did not come in time.
    """
    received: list[Delivery] = []
    async with (
        asyncio.timeout(timeout),
        aclosing(subscribe(url, transport, cursor, **options)) as stream,
    ):
        async for delivery in stream:
            received.append(delivery)
            if len(received) >= count:
                break
    return received


async def _telling(
    delivered: Callable[[], object], deliveries: AsyncGenerator[Delivery, None]
) -> AsyncGenerator[Delivery, None]:
    async with aclosing(deliveries):
        async for delivery in deliveries:
            delivered()
            yield delivery


def _check_url(url: str, transport: str) -> None:
    scheme = "ws" if transport == "websocket" else "http"
    try:
        parts = urlsplit(url)
        fits = parts.scheme in (scheme, f"{scheme}s") and parts.hostname and parts.port != 0
    except (ValueError, AttributeError, TypeError):  # a port out of range, no text at all, ...
        fits = False
    if not fits:
        shown = repr(url) if isinstance(url, str) else f"Something of {type(url)}"
        raise UsageError(
            f"{shown} is no URL for {transport}: take lab.url({transport!r}), which begins with "
            f"{scheme}://."
        )
