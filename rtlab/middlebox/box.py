"""A middlebox that one puts in front of a server."""

from __future__ import annotations

import asyncio
import socket
from html import escape
from typing import Any
from urllib.parse import SplitResult, urlsplit

from rtlab.errors import UsageError
from rtlab.hosted import Hosted
from rtlab.middlebox.forwarding import Passage, Task
from rtlab.middlebox.journal import Journal
from rtlab.middlebox.kinds import describe, make
from rtlab.sockets import LOOPBACK

_USUAL_PORT = {"http": 80, "ws": 80}


class Middlebox(Hosted):
    """An HTTP/1.1 intermediary on a port of its own, with one bad habit of those in the wild.

    It stands in front of any server, a link, or another middlebox. Use it as a context manager in a
    cell (``with rtlab.Middlebox(lab.url("sse"), "buffering") as box``), or with ``start`` and
    ``stop``: it then runs in the lab's thread. Inside an event loop of your own,
    ``await box.open()`` and ``await box.close()`` run it there.

    Args:
        url: of what stands behind it, such as ``lab.url("sse")``; ``http://`` or ``ws://``.
        kind: ``buffering``, ``idle``, ``no-upgrade``, ``compressing``, ``caching``, or
            ``transparent`` for one that behaves. ``rtlab.middlebox.KINDS`` has them.
        listen: its own port on 127.0.0.1; 0 takes a free one.
        **settings: of the kind: ``size`` and ``respect`` of buffering, ``seconds`` and ``ending``
            of idle, ``flush`` of compressing, ``seconds`` and ``respect`` of caching.

    Attributes:
        log: what it did, as a table; it can be read on after ``stop``.

    Raises:
        UsageError: an argument cannot be used; the message says what can.
    """

    _name = "middlebox"

    def __init__(self, url: str, kind: str, *, listen: int = 0, **settings: Any) -> None:
        super().__init__(listen)
        self._target = _split(url)
        self._kind = make(kind, settings)
        self._described = describe(kind, settings)
        self.log = Journal()
        self.accepted = 0
        self._passages: set[asyncio.Task[None]] = set()

    # ── starting and stopping ──

    async def _serve(self, sock: socket.socket) -> asyncio.Server:
        return await asyncio.start_server(self._accept, sock=sock, backlog=1024)

    async def _hang_up(self) -> None:
        for passage in self._passages:
            passage.cancel()
        await asyncio.gather(*self._passages, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        task = Task((self._target.hostname or "", _port(self._target)), self._kind, self.log)
        passage = asyncio.create_task(Passage(task, self.accepted, reader, writer).run())
        self._passages.add(passage)
        passage.add_done_callback(self._passages.discard)

    # ── using ──

    @property
    def url(self) -> str:
        """What a client dials instead of the server's URL.

        Raises:
            NotRunning: the middlebox is not open.
        """
        return self._target._replace(netloc=f"{LOOPBACK}:{self.port}").geturl()

    @property
    def open_connections(self) -> int:
        """How many clients are connected."""
        return len(self._passages)

    def _headline(self) -> str:
        state = f"on port {self._port}" if self.running else "not open"
        before = f"{self._target.scheme}://{self._target.netloc}"
        counts = f"{self.accepted} connections, {self.open_connections} open"
        return f"Middlebox ({self._described}) {state}, in front of {before}; {counts}"

    def __repr__(self) -> str:
        return "\n".join([f"<{self._headline()}>", *([repr(self.log)] if self.log else [])])

    def _repr_html_(self) -> str:
        return f"<p>{escape(self._headline())}</p>{self.log._repr_html_() if self.log else ''}"


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        fits = bool(parts.scheme in _USUAL_PORT and parts.hostname and parts.port != 0)
    except (ValueError, AttributeError, TypeError):  # a port out of range, no text at all, ...
        parts, fits = None, False
    if parts is not None and parts.scheme in ("https", "wss"):
        raise UsageError(
            f"{url!r} is encrypted: no middlebox can read it, or meddle with it. That is the best "
            "remedy there is; here, take a URL with http:// or ws://."
        )
    if parts is None or not fits:
        shown = repr(url) if isinstance(url, str) else f"Something of {type(url)}"
        raise UsageError(f"{shown} is no URL of a server: take lab.url('sse'), for instance.")
    return parts


def _port(target: SplitResult) -> int:
    return target.port or _USUAL_PORT[target.scheme]
