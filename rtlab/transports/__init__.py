"""The four transports. Each file has a server and a client side by side: read them."""

from __future__ import annotations

from rtlab.transports import long_polling, polling, sse, websocket

MODULES = {
    "polling": polling,
    "long_polling": long_polling,
    "sse": sse,
    "websocket": websocket,
}
