"""The lab: one thread, one loop, one feed, and for each transport a server behind a link."""

from __future__ import annotations

import html
import threading
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

from rtlab.access import Gate
from rtlab.arguments import number, one_of, transports, whole
from rtlab.errors import UsageError
from rtlab.feed import Feed, Message
from rtlab.hosted import InThread
from rtlab.link.impairment import PROFILES, make
from rtlab.link.recording import Recording
from rtlab.link.relay import Link
from rtlab.link.segment import Direction
from rtlab.log import ring
from rtlab.render.table import html_table, text_table

if TYPE_CHECKING:
    from rtlab.render.drawing import Drawing
    from rtlab.transports.http import HttpServer
    from rtlab.transports.http2 import Http2Server
    from rtlab.transports.websocket import WebSocketServer


class Row(NamedTuple):
    """What a lab says of one of its transports.

    Attributes:
        transport: its name.
        address: what a client dials, without a token.
        clients: connections that are open now.
        requests: how many its server has received, over all clients; of WebSocket, handshakes.
        messages: how many messages its server has sent, over all clients.
        bytes_up: bytes that clients sent.
        bytes_down: bytes that the server sent.
    """

    transport: str
    address: str
    clients: int
    requests: int
    messages: int
    bytes_up: int
    bytes_down: int


class Lab(InThread):
    """Servers for the chosen transports, each behind a link, all views of one feed.

    Use it as a context manager, or with ``start`` and ``stop``. ``rtlab.start()`` does it for a
    notebook. Everything runs in one daemon thread; every method may be called from any other.

    Args:
        transports: which ones; all four if not given. ``[*rtlab.TRANSPORTS, "http2"]`` adds a fifth
            server, for event streams and WebSockets on one connection.
        ports: for each transport that needs one, the port that its clients dial.
        token: a secret that every URL must carry; ``True`` makes one up. For shared machines.
        origins: web origins that may connect, beside those of this machine and its Jupyter server.
        deflate: whether the WebSocket server compresses for clients that offer it.
        heartbeat: seconds between signs of life on quiet connections: comments in SSE, pings in
            WebSocket; 15 and 20 if not given.
        capacity: messages that the feed holds.
        memory: bytes that the recording of each link may hold.
        seed: of everything random in the links.

    Raises:
        UsageError: an argument cannot be used; the message says what can.
    """

    _not_running = (
        "This lab is stopped, or was never started. rtlab.start() gives you a new one; its own "
        "start() begins anew."
    )

    def __init__(
        self,
        transports: str | Iterable[str] | None = None,
        *,
        ports: Mapping[str, int] | None = None,
        token: str | bool | None = None,
        origins: Iterable[str] = (),
        deflate: bool = False,
        heartbeat: float | None = None,
        capacity: int = 10_000,
        memory: int = 16 << 20,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.transports = _names(transports)
        if ports is not None and not isinstance(ports, Mapping):
            raise UsageError(f"ports must be a dict such as {{'sse': 8001}}, not {ports!r}.")
        self._ports = {
            one_of("transport of this lab", name, self.transports): whole("port", port, most=65_535)
            for name, port in (ports or {}).items()
        }
        self._gate = Gate(origins, token)
        beat = {}
        if heartbeat is not None:
            beat["heartbeat"] = number("heartbeat", heartbeat, "seconds", above=True)
        self._options: dict[str, dict[str, Any]] = {
            "sse": beat,
            "websocket": {**beat, "deflate": deflate},
        }
        self._capacity = capacity
        self._memory = memory
        self._seed = seed
        self._feed = Feed(capacity)
        self._servers: dict[str, HttpServer | Http2Server | WebSocketServer] = {}
        self._links: dict[str, Link] = {}

    # ── starting and stopping ──

    async def _begin(self) -> None:
        # Imports the libraries of servers and clients: half a second, once.
        from rtlab.transports import MODULES, http

        http.warm_up()
        self._feed = Feed(self._capacity)
        self._servers.clear()
        self._links.clear()
        for name in self.transports:
            options = self._options.get(name, {})
            server = await MODULES[name].serve(self._feed, self._gate, **options)
            self._servers[name] = server
            link = Link(
                "127.0.0.1",
                server.port,
                listen=self._ports.get(name, 0),
                seed=self._seed,
                memory=self._memory,
            )
            self._links[name] = await link.open()

    async def _end(self) -> None:
        self._feed.close()
        for name, server in self._servers.items():
            # The goodbyes cross the link without delay, or a slow link would slow down the stop.
            if name in self._links and self._links[name].running:
                self._links[name].impair()
            await server.close()
        for link in self._links.values():
            await link.close()

    # ── using ──

    @property
    def feed(self) -> Feed:
        """The log of messages that every transport is a view of."""
        return self._feed

    @property
    def gate(self) -> Gate:
        """Who may come in."""
        return self._gate

    @property
    def token(self) -> str | None:
        """The secret that the URLs carry, if there is one."""
        return self._gate.token

    def publish(self, data: Any) -> Message:
        """Publish a message to every transport.

        Raises:
            UsageError: ``data`` cannot travel as JSON, or is too large.
            NotRunning: the lab is stopped.
        """
        self._need_running()
        return self._feed.publish(data)

    def url(self, transport: str, *, direct: bool = False) -> str:
        """Return what a client dials.

        Args:
            transport: which one.
            direct: past the link, neither recorded nor impaired.

        Raises:
            UsageError: this lab has no such transport.
            NotRunning: the lab is stopped.
        """
        from rtlab.transports import address

        name = self._known(transport)
        self._need_running()
        port = self._servers[name].port if direct else self._links[name].port
        return address(name, port, self.token)

    def link(self, transport: str) -> Link:
        """Return the link in front of a transport's server."""
        name = self._known(transport)
        self._need_running()
        return self._links[name]

    def impair(
        self,
        transport: str | None = None,
        direction: Direction | None = None,
        *,
        profile: str | None = None,
        **settings: object,
    ) -> None:
        """Say anew what the links do to their bytes; what is not named is off.

        ``lab.impair()`` makes everything well again.

        Args:
            transport: one of them; all if not given.
            direction: ``"up"`` or ``"down"``; both if not given.
            profile: ``lan``, ``broadband``, ``4g`` or ``satellite``, instead of single settings.
            **settings: ``latency`` and ``jitter`` in seconds each way, ``bandwidth`` in bytes per
                second, ``slicing`` in bytes, ``stalled``, ``cut_after`` and ``reset_after`` in
                bytes: the fields of ``rtlab.Impairment``.

        Raises:
            UsageError: a name is unknown or a value out of bounds; nothing is changed.
        """
        make(profile, settings)
        if isinstance(transport, (int, float)):
            raise UsageError(f"Name what is to be {transport}: lab.impair(latency={transport}).")
        if transport in PROFILES:
            raise UsageError(f"{transport!r} is a profile: lab.impair(profile={transport!r}).")
        for link in self._chosen(transport):
            link.impair(direction, profile=profile, **settings)

    def cut(self, transport: str | None = None, seconds: float = 0.0) -> int:
        """Close the connections of one transport, or of all, now. Returns how many there were.

        Args:
            transport: one of them; all if not given.
            seconds: for how long new connections are turned away.
        """
        return sum(link.cut(seconds) for link in self._chosen(transport))

    def reset(self, transport: str | None = None, seconds: float = 0.0) -> int:
        """Like ``cut``, but with a TCP reset."""
        return sum(link.reset(seconds) for link in self._chosen(transport))

    def recording(self, transport: str) -> Recording:
        """Return what crossed a transport's link; it can be read after ``stop``, too."""
        name = self._known(transport)
        if name not in self._links:
            self._need_running()
        return self._links[name].recording

    def clear(self) -> None:
        """Forget the segments that crossed the links so far; the lab's table counts on."""
        for link in self._links.values():
            link.recording.clear()

    def ladder(
        self, *transports: str, title: str | None = None, last: float | None = None
    ) -> Drawing:
        """Draw what crossed the links: client left, server right, time down.

        Args:
            *transports: which ones, side by side; all of the lab's if none is given.
            title: a line above the drawing.
            last: only the last so many seconds.
        """
        from rtlab.render.ladder import ladder

        chosen = [self._known(name) for name in transports] or list(self.transports)
        marks = [(message.seq, message.published_ns) for message in self._feed.since(None)]
        return ladder(
            {name: self.recording(name) for name in chosen},
            published=dict.fromkeys(chosen, marks),
            title=title,
            last=last,
        )

    def allow(self, origin: str) -> None:
        """Let pages of one more web origin connect, such as ``"https://hub.example.org"``."""
        self._gate.allow(origin)

    def log(self) -> list[str]:
        """Return the newest lines that servers and links had to say."""
        return list(ring.lines)

    def rows(self) -> list[Row]:
        """Return what the lab's table shows."""
        result = []
        for name, link in self._links.items():
            recording = link.recording
            result.append(
                Row(
                    name,
                    self.url(name).partition("?")[0] if self.running else "stopped",
                    recording.open_connections,
                    self._servers[name].requests,
                    self._servers[name].sent,
                    recording.up.received,
                    recording.down.received,
                )
            )
        return result

    def __repr__(self) -> str:
        if not self._links:
            return "<Lab: not started; start() it, or use it in a with block>"
        return text_table(Row._fields, self.rows())

    def _repr_html_(self) -> str:
        if not self._links:
            return f"<p>{html.escape(repr(self))}</p>"
        return html_table(Row._fields, self.rows())

    def _known(self, transport: str) -> str:
        return one_of("transport of this lab", transport, self.transports)

    def _chosen(self, transport: str | None) -> list[Link]:
        names = self.transports if transport is None else [self._known(transport)]
        self._need_running()
        return [self._links[name] for name in names]

    def _need_running(self) -> None:
        _ = self.thread


_names = transports  # the parameter of that name hides the function in Lab.__init__

_kernels: WeakKeyDictionary[Lab, str] = WeakKeyDictionary()
"""The labs that ``start`` made, stopped ones included, and their names."""
_kernels_lock = threading.Lock()


def start(transports: str | Iterable[str] | None = None, *, name: str = "", **options: Any) -> Lab:
    """Start the kernel's lab. If one runs already it is replaced, so a cell can be run again.

    Args:
        transports: which ones, as in ``Lab``; all four if not given.
        name: of a lab beside the others: only one of the same name is replaced.
        **options: of ``Lab``.
    """
    lab = Lab(transports, **options)  # before the old one goes: a bad argument changes nothing
    with _kernels_lock:
        for old, its_name in list(_kernels.items()):
            if its_name == name:
                old.stop()
        _kernels[lab] = name
        return lab.start()


def stop() -> None:
    """Stop the kernel's lab, if there is one, and those that were given a name."""
    with _kernels_lock:
        for lab in list(_kernels):
            lab.stop()
