"""Who may come in.

The servers listen on the loopback interface only, but every page in the reader's browser can reach
that. Two headers tell such a page from the reader's own programs:

- ``Origin`` (RFC 6454 §7) names the page that makes a request. Browsers let *any* page open a
  WebSocket to any server, so a server that does not look is open to cross-site WebSocket hijacking
  (RFC 6455 §10.2).
- ``Host`` (RFC 9110 §7.2) names whom the client meant. A page of ``evil.example`` whose DNS entry
  was changed to 127.0.0.1 is of the same origin as our server, but its requests still say
  ``Host: evil.example`` (DNS rebinding).

A token helps where several people share a machine: there the loopback interface is shared as well.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Iterable
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import urlsplit

from rtlab.errors import UsageError
from rtlab.jupyter import own_server

_TOKEN = re.compile(r"[A-Za-z0-9._~-]+")
_USUAL_PORT = {"http": 80, "https": 443}
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class Refusal(NamedTuple):
    """The answer to somebody who may not come in."""

    status: HTTPStatus
    reason: str


class Gate:
    """Decides who may come in.

    Args:
        origins: further origins that may, such as ``"https://hub.example.org"``.
        token: what every URL must carry as ``?token=``; ``True`` makes one up.
    """

    def __init__(self, origins: Iterable[str] = (), token: str | bool | None = None) -> None:
        if token is True:
            token = secrets.token_urlsafe(24)
        if token is None or token is False:
            self.token: str | None = None
        elif isinstance(token, str) and _TOKEN.fullmatch(token):
            self.token = token
        else:
            raise UsageError(
                "token must be True, for a made-up one, or a string of letters, digits and -._~ "
                "(what a URL carries as it is, RFC 3986 §2.3)."
            )
        self.origins: set[str] = set()
        given = [origins] if isinstance(origins, str) else origins
        for origin in given:
            self.allow(origin)
        server = own_server()
        if server is not None:
            self.allow(server.origin)

    def allow(self, origin: str) -> None:
        """Let pages of one more origin in, and requests that name its host.

        Raises:
            UsageError: this is no origin (scheme, host and, if it is unusual, port).
        """
        try:
            parts = urlsplit(origin) if isinstance(origin, str) else None
        except ValueError:  # such as a bracket without its partner
            parts = None
        if parts is None or not parts.scheme or not parts.netloc or parts.path not in ("", "/"):
            raise UsageError(
                f"{origin!r} is no origin. Write scheme and host, as in 'https://hub.example.org'."
            )
        scheme, host = parts.scheme.lower(), parts.netloc.lower()
        usual = _USUAL_PORT.get(scheme)  # browsers leave it out
        self.origins.add(f"{scheme}://{host.removesuffix(f':{usual}')}")

    def refusal(
        self, hosts: Iterable[str], origins: Iterable[str], token: str | None
    ) -> Refusal | None:
        """Return why a request may not come in, or ``None`` if it may.

        Args:
            hosts: every ``Host`` header of the request; there must be exactly one (RFC 9112 §3.2).
            origins: every ``Origin`` header; programs that are no browser send none.
            token: the ``token`` parameter of its URL.
        """
        hosts, origins = list(hosts), list(origins)
        if len(hosts) != 1 or len(origins) > 1:
            return Refusal(
                HTTPStatus.BAD_REQUEST, "A request has one Host header and one Origin at most."
            )
        if not self._host_passes(hosts[0]):
            return Refusal(
                HTTPStatus.FORBIDDEN,
                f"Host {hosts[0]!r} is not this machine. A page whose name was pointed at "
                "127.0.0.1 asks like this (DNS rebinding). Use http://127.0.0.1, or "
                "lab.allow('https://the.name') if the name is yours.",
            )
        if origins and not self.origin_passes(origins[0]):
            return Refusal(
                HTTPStatus.FORBIDDEN,
                f"Origin {origins[0]!r} may not connect: any page in your browser could, and "
                "read along. lab.allow(origin) lets one in.",
            )
        # A URL can have bytes that are no UTF-8; websockets hands them over as lone surrogates.
        given = (token or "").encode(errors="surrogatepass")
        if self.token and not hmac.compare_digest(given, self.token.encode()):
            return Refusal(
                HTTPStatus.FORBIDDEN,
                "This lab has a token. lab.url(...) has it too: use the whole URL.",
            )
        return None

    def origin_passes(self, origin: str) -> bool:
        """Whether pages of this origin may connect."""
        if origin.lower() in self.origins:
            return True
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        return parts.scheme in ("http", "https") and _host_name(parts.netloc) in LOOPBACK_NAMES

    def _host_passes(self, host: str) -> bool:
        named = {urlsplit(origin).netloc for origin in self.origins}
        return _host_name(host) in LOOPBACK_NAMES or host.lower() in named


def _host_name(netloc: str) -> str | None:
    try:
        return urlsplit(f"//{netloc}").hostname
    except ValueError:
        return None
