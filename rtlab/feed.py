"""The feed: one bounded log of messages, of which every transport is a view.

A reader keeps a *cursor*, the last sequence number it has seen, and asks for what came after.
That is all there is to resuming, in every transport: ``?since=`` in polling, the held request in
long polling, ``Last-Event-ID`` in Server-Sent Events, the first message in WebSocket.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from rtlab.arguments import whole
from rtlab.errors import CursorOutOfRange, NotRunning, UsageError

MAX_MESSAGE = 1 << 20
"""The largest message, in bytes of its JSON text; every transport holds to it."""


@dataclass(frozen=True, slots=True)
class Message:
    """What the application published.

    Attributes:
        seq: its place in the feed, 1 for the first.
        data: whatever JSON can hold.
        published_ns: when, in nanoseconds of ``time.perf_counter_ns``.
        wire: its text, made once when it is published; ``None`` for one that was received.
    """

    seq: int
    data: Any
    published_ns: int
    wire: str | None = field(default=None, repr=False, compare=False)

    @property
    def json(self) -> str:
        """Its text on the wire, the same in every transport."""
        return self.wire or self._text(self.seq, self.published_ns, to_json(self.data))

    @classmethod
    def make(cls, seq: int, data: Any, data_json: str) -> Message:
        """Stamp a message with the time; ``data_json`` is ``data`` as JSON text."""
        now = time.perf_counter_ns()
        return cls(seq, data, now, cls._text(seq, now, data_json))

    @classmethod
    def from_wire(cls, value: Any) -> Message:
        """Read one message from its parsed JSON.

        Raises:
            UsageError: the object is not a message.
        """
        try:
            return cls(int(value["seq"]), value["data"], int(value["published_ns"]))
        except (TypeError, KeyError, IndexError, ValueError, OverflowError) as error:
            raise UsageError(f"Not a message of a feed: {str(value)[:80]!r}.") from error

    @staticmethod
    def _text(seq: int, published_ns: int, data_json: str) -> str:
        return f'{{"seq":{seq},"published_ns":{published_ns},"data":{data_json}}}'


def to_json(data: Any) -> str:
    """Return ``data`` as compact JSON text.

    Raises:
        UsageError: JSON cannot hold it, or it is over ``MAX_MESSAGE``.
    """
    try:
        text = json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(
            f"This cannot travel as JSON: {error}. Use dicts, lists, strings, finite numbers, "
            "True, False and None."
        ) from error
    if size > MAX_MESSAGE:
        raise UsageError(f"A message may have {MAX_MESSAGE:,} bytes of JSON; this has {size:,}.")
    return text


def parse_json(text: str | bytes) -> Any:
    """Parse JSON text, NaN and Infinity excluded as RFC 8259 §6 has it.

    Raises:
        UsageError: it is no JSON; the message says where.
    """

    try:
        return _DECODER.decode(text if isinstance(text, str) else text.decode())
    except (ValueError, RecursionError) as error:
        raise UsageError(f"Not JSON: {error}.") from error


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)


class Feed:
    """An append-only log of messages, bounded, safe to publish to from any thread.

    Args:
        capacity: how many messages are held; the oldest go first.
        max_bytes: how many bytes of JSON text are held.
    """

    def __init__(self, capacity: int = 10_000, max_bytes: int = 32 << 20) -> None:
        self._capacity = whole("capacity", capacity, "messages", least=1)
        self._max_bytes = whole("max_bytes", max_bytes, "bytes", least=1)
        self._log: deque[Message] = deque()
        self._bytes = 0
        self._last = 0
        self._closed = False
        self._lock = threading.Lock()
        self._waiters: dict[asyncio.AbstractEventLoop, set[asyncio.Future[bool]]] = {}

    @property
    def last(self) -> int:
        """The newest sequence number, 0 before the first message."""
        return self._last

    @property
    def oldest(self) -> int:
        """The oldest sequence number that is still held (``last + 1`` when none is)."""
        return self._last - len(self._log) + 1

    @property
    def closed(self) -> bool:
        """Whether ``close`` was called: nothing more will come."""
        return self._closed

    def publish(self, data: Any) -> Message:
        """Append a message and wake who waits. Any thread may call it.

        Raises:
            UsageError: ``data`` cannot travel as JSON or is larger than ``MAX_MESSAGE``.
            NotRunning: the feed is closed.
        """
        text = to_json(data)
        with self._lock:
            if self._closed:
                raise NotRunning("This feed is closed: its lab was stopped. rtlab.start() anew.")
            message = Message.make(self._last + 1, data, text)
            self._last = message.seq
            self._log.append(message)
            self._bytes += len(message.json.encode())
            while len(self._log) > self._capacity or (
                self._bytes > self._max_bytes and len(self._log) > 1
            ):
                self._bytes -= len(self._log.popleft().json.encode())
        self._wake()
        return message

    def since(self, cursor: int | None) -> list[Message]:
        """Return the messages after ``cursor``, oldest first; ``None`` means all that are held.

        Raises:
            CursorOutOfRange: messages after the cursor are gone, or it lies ahead of the feed;
                the error names what was lost and where to go on.
        """
        with self._lock:
            return self._since(cursor)

    async def wait(self, cursor: int | None, timeout: float | None = None) -> list[Message]:
        """Return the messages after ``cursor`` as soon as there are any.

        Args:
            cursor: as in ``since``.
            timeout: seconds to wait at the most; ``None`` waits until the feed is closed.

        Returns:
            The messages; an empty list after the timeout or when the feed is closed.

        Raises:
            CursorOutOfRange: as in ``since``.
        """
        loop = asyncio.get_running_loop()
        with self._lock:  # looking and registering at once leaves no gap for a message to slip by
            messages = self._since(cursor)
            if messages or self._closed:
                return messages
            waiter: asyncio.Future[bool] = loop.create_future()
            self._waiters.setdefault(loop, set()).add(waiter)
        # A bare timer, not asyncio.timeout(): a thousand clients wait here, and it costs a third.
        timer = None if timeout is None else loop.call_later(timeout, _release, [waiter], False)
        woken = False
        try:
            woken = await waiter
        finally:
            if timer is not None:
                timer.cancel()
            if not woken:
                self._forget(loop, waiter)
        return self.since(cursor)

    def close(self) -> None:
        """End the feed: waiters return, ``publish`` raises, what is held can still be read."""
        with self._lock:
            self._closed = True
        self._wake()

    def _since(self, cursor: int | None) -> list[Message]:
        if cursor is None:
            return list(self._log)
        oldest = self.oldest
        if not oldest - 1 <= cursor <= self._last:
            raise CursorOutOfRange(cursor, oldest, self._last)
        return [self._log[place] for place in range(cursor - self._last, 0)]

    def _wake(self) -> None:
        with self._lock:
            waiting, self._waiters = self._waiters, {}
        for loop, waiters in waiting.items():
            try:
                loop.call_soon_threadsafe(_release, waiters, True)
            except RuntimeError:
                continue  # that loop was closed with its waiters

    def _forget(self, loop: asyncio.AbstractEventLoop, waiter: asyncio.Future[bool]) -> None:
        with self._lock:
            waiters = self._waiters.get(loop, set())
            waiters.discard(waiter)
            if not waiters:
                self._waiters.pop(loop, None)


def _release(waiters: Iterable[asyncio.Future[bool]], news: bool) -> None:
    for waiter in waiters:
        if not waiter.done():
            waiter.set_result(news)
