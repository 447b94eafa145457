"""The four transports, and HTTP/2. Each has a server and a client side by side: read them."""

from __future__ import annotations

from typing import Any

from rtlab.transports import http, http2, long_polling, polling, sse, websocket

MODULES: dict[str, Any] = {
    "polling": polling,
    "long_polling": long_polling,
    "sse": sse,
    "websocket": websocket,
    "http2": http2,
}


def address(transport: str, port: int, token: str | None = None) -> str:
    """Return the URL of a transport's server, or of the link before it, on this machine."""
    if transport == "websocket":
        return websocket.address(port, token)
    path: str = MODULES[transport].PATH
    return http.address(port, path, token)
