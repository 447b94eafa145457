"""The four transports, and HTTP/2. Each has a server and a client side by side: read them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from rtlab.transports import http, long_polling, polling, sse, websocket


class _Modules(dict[str, Any]):
    """Loads HTTP/2 when it is first asked for: it would make every start a sixth longer."""

    def __missing__(self, name: str) -> Any:
        if name != "http2":
            raise KeyError(name)
        self[name] = import_module(f"rtlab.transports.{name}")
        return self[name]


MODULES = _Modules(polling=polling, long_polling=long_polling, sse=sse, websocket=websocket)


def __getattr__(name: str) -> Any:
    if name == "http2":
        return MODULES[name]
    raise AttributeError(f"module 'rtlab.transports' has no attribute {name!r}")


def address(transport: str, port: int, token: str | None = None) -> str:
    """Return the URL of a transport's server, or of the link before it, on this machine."""
    if transport == "websocket":
        return websocket.address(port, token)
    path: str = MODULES[transport].PATH
    return http.address(port, path, token)
