"""The headers that end at an intermediary, and those that it adds (RFC 9110 §7.6)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import h11

from rtlab.render.values import cut

Headers = list[tuple[bytes, bytes]]
Head = TypeVar("Head", h11.Request, h11.Response, h11.InformationalResponse)

HOP_BY_HOP = frozenset(
    {
        *(b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer"),
        *(b"transfer-encoding", b"upgrade"),
    }
)
"""What speaks of this connection only, whether ``Connection`` names it or not (§7.6.1)."""

VIA = (b"Via", b"1.1 middlebox")  # whoever forwards says so (§7.6.3)
UPGRADE = [(b"Connection", b"Upgrade"), (b"Upgrade", b"websocket")]


def values(head: h11.Request | h11.Response | h11.InformationalResponse, name: bytes) -> list[str]:
    """Return the members of a header that is a list, in small letters."""
    found = [value for key, value in head.headers if key == name]
    return [part.strip().lower() for v in found for part in v.decode("latin-1").split(",")]


def wants_websocket(request: h11.Request) -> bool:
    """Whether a request asks to go on as WebSocket (RFC 6455 §4.1)."""
    return "upgrade" in values(request, b"connection") and "websocket" in values(
        request, b"upgrade"
    )


def without(head: Head, names: Iterable[bytes], more: Headers | None = None) -> Head:
    """Return a head without headers of these names (in small letters), and with some more."""
    gone = frozenset(names)
    old: Headers = head.headers.raw_items()
    headers = [(name, value) for name, value in old if name.lower() not in gone] + (more or [])
    if isinstance(head, h11.Request):
        return h11.Request(method=head.method, target=head.target, headers=headers)
    return type(head)(status_code=head.status_code, headers=headers, reason=head.reason)


def forwarded(head: Head, more: Headers | None = None) -> Head:
    """Return a head as it goes on: without what was for this connection only, and with ``Via``."""
    gone = HOP_BY_HOP | {name.encode("latin-1") for name in values(head, b"connection")}
    if values(head, b"transfer-encoding"):
        gone |= {b"content-length"}  # it must not be believed, nor forwarded (RFC 9112 §6.3)
    return without(head, gone, [VIA, *(more or [])])


def forwarded_request(request: h11.Request, server: tuple[str, int], upgrade: bool) -> h11.Request:
    """Return a request as it goes on; with ``Upgrade`` anew, if this hop can do it."""
    more: Headers = list(UPGRADE) if upgrade else []
    if values(request, b"transfer-encoding"):
        more.append((b"Transfer-Encoding", b"chunked"))
    if not values(request, b"host"):  # HTTP/1.0 did without
        more.append((b"Host", f"{server[0]}:{server[1]}".encode()))
    return forwarded(request, more)


def request_name(request: h11.Request) -> str:
    """Return method and path, for people: without the query, which may hold a token.

    Both are visible ASCII: *h11* takes nothing else.
    """
    path = request.target.partition(b"?")[0].decode("latin-1")
    return f"{cut(request.method.decode('latin-1'))} {cut(path)}"
