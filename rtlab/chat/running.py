"""A chat in a lab: the server in the lab's thread, behind a link of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any
from weakref import WeakValueDictionary

from rtlab.chat.client import Room, join
from rtlab.chat.server import MAX_MESSAGE, ChatServer, Listener
from rtlab.errors import UsageError
from rtlab.hosted import InThread
from rtlab.lab import Lab
from rtlab.link.recording import Recording
from rtlab.link.relay import Link
from rtlab.link.segment import Direction
from rtlab.loops import LoopThread
from rtlab.render.table import html_table, text_table
from rtlab.transports import websocket
from rtlab.transports.endpoint import Endpoint, Handler

COLUMNS = ("room", "here")


class Chat(InThread):
    """A chat that runs in a lab's thread, behind a link of its own; it ends with the lab.

    Use it as a context manager, or with ``start`` and ``stop``; ``rtlab.chat.start(lab)`` does it
    for a notebook. Every method may be called from any thread but the lab's own.

    Args:
        lab: in whose thread it runs.
        handler: a server of your own instead of the lesson's, to see what becomes of it: an async
            function that is called with each connection of *websockets*.
        memory: bytes that the recording of its link may hold.

    Raises:
        UsageError: the handler is none, or the lab.
    """

    _not_running = "This chat is stopped, or was never started: rtlab.chat.start(lab)."

    def __init__(self, lab: Lab, handler: Handler | None = None, *, memory: int = 16 << 20) -> None:
        if not isinstance(lab, Lab):
            raise UsageError(f"A chat runs in a lab: lab = rtlab.start(), and not {lab!r}.")
        if handler is not None and not callable(handler):
            raise UsageError(f"handler must be an async function of a connection, not {handler!r}.")
        super().__init__()
        self.lab = lab
        self._handler = handler
        self._memory = memory
        self._listeners: list[Listener] = []
        self._server = ChatServer()
        self._endpoint: Endpoint | None = None
        self._link: Link | None = None
        self._forget: Callable[[], object] = lambda: None

    # ── starting and stopping ──

    def _enter_thread(self) -> LoopThread:
        self._forget = self.lab.when_stopped(self._stop)
        return self.lab.thread

    def _leave_thread(self) -> None:
        self._forget()

    async def _begin(self) -> None:
        self._server = ChatServer(self._tell)
        handle = self._handler or self._server.handle
        self._endpoint = await Endpoint(websocket.PATH, handle, self.lab.gate, MAX_MESSAGE).open()
        link = Link("127.0.0.1", self._endpoint.port, memory=self._memory)
        self._link = await link.open()

    async def _end(self) -> None:
        if self._link is not None and self._link.running:
            self._link.impair()  # the goodbyes cross it without delay
        if self._endpoint is not None:
            await self._endpoint.close("the chat is stopped")
        if self._link is not None:
            await self._link.close()

    # ── using ──

    @property
    def url(self) -> str:
        """What a client dials, through the link.

        Raises:
            NotRunning: the chat is stopped.
        """
        return websocket.address(self._running_link().port, self.lab.token)

    @property
    def direct_url(self) -> str:
        """What a client dials past the link, neither recorded nor impaired.

        Raises:
            NotRunning: the chat is stopped.
        """
        self._running_link()
        assert self._endpoint is not None
        return websocket.address(self._endpoint.port, self.lab.token)

    @property
    def link(self) -> Link:
        """The link in front of the server.

        Raises:
            NotRunning: the chat is stopped.
        """
        return self._running_link()

    @property
    def recording(self) -> Recording:
        """What crossed the link; ``.conversation()`` shows it line by line. Works after ``stop``.

        Raises:
            NotRunning: the chat was never started.
        """
        return self._running_link().recording if self._link is None else self._link.recording

    def impair(self, direction: Direction | None = None, **settings: Any) -> None:
        """Say anew what the link does to its bytes, as in ``lab.impair``; nothing if not named."""
        self._running_link().impair(direction, **settings)

    def cut(self, seconds: float = 0.0) -> int:
        """Close every connection now, without a goodbye. Returns how many there were.

        Args:
            seconds: for how long new connections are turned away.
        """
        return self._running_link().cut(seconds)

    def join(self, name: str = "guest", room: str = "general") -> AbstractAsyncContextManager[Room]:
        """Join a room from Python: ``async with chat.join("Ada") as room: ...``.

        Args:
            name: what to be called.
            room: which one; it begins to exist with the first who joins it.
        """
        return join(self.url, name, room)

    def rooms(self) -> dict[str, list[str]]:
        """Return for each room the names of who is there."""
        # Copied at once, each in one step of the interpreter: the lab's thread writes them.
        rooms = list(self._server.rooms.items()) if self.running else []
        return {room: list(members.values()) for room, members in rooms}

    def listen(self, listener: Listener) -> Callable[[], object]:
        """Call a function, in the lab's thread, with the room and each message said to it.

        Returns a function that takes this back.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def __repr__(self) -> str:
        if not self.running:
            return "<Chat: stopped; rtlab.chat.start(lab) begins anew>"
        return f"{self._heading()}\n{text_table(COLUMNS, self._rows())}"

    def _repr_html_(self) -> str:
        if not self.running:
            return html_table(COLUMNS, [], caption="the chat is stopped")
        return html_table(COLUMNS, self._rows(), caption=self._heading())

    # ── inside ──

    def _heading(self) -> str:
        count = self.recording.open_connections
        connections = f"{count} connection" + ("" if count == 1 else "s")
        return f"{self.url.partition('?')[0]}: {connections}"

    def _rows(self) -> list[tuple[str, str]]:
        return [(room, ", ".join(here)) for room, here in self.rooms().items()]

    def _tell(self, room: str, message: dict[str, Any]) -> None:
        for listener in list(self._listeners):
            listener(room, message)

    def _running_link(self) -> Link:
        _ = self.thread
        assert self._link is not None
        return self._link


_chats: WeakValueDictionary[tuple[int, str], Chat] = WeakValueDictionary()
_chats_lock = threading.Lock()


def start(lab: Lab, handler: Handler | None = None, **options: Any) -> Chat:
    """Start the lesson's chat server in a lab. If it runs there it is replaced.

    Args:
        lab: a lab that runs.
        handler: a server of your own instead: an async function of a connection. It replaces the
            one of the same name, so that its cell can be run again.
        **options: of ``Chat``.

    Raises:
        UsageError: an argument cannot be used; nothing is changed.
        NotRunning: the lab is stopped.
    """
    chat = Chat(lab, handler, **options)
    place = (id(lab), getattr(handler, "__qualname__", ""))
    with _chats_lock:
        old = _chats.get(place)
        if old is not None:
            old.stop()
        _chats[place] = chat
        return chat.start()
