"""A middlebox that holds answers back until enough has gathered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter_ns

import h11

from rtlab.arguments import whole, yes_or_no
from rtlab.middlebox.headers import request_name, values, without
from rtlab.middlebox.journal import Line
from rtlab.middlebox.kind import Filter, Kind, Part, Write

MOST_HELD = 1 << 20
"""Bytes of an answer that are held at the most."""


@dataclass(frozen=True, slots=True)
class Buffering(Kind):
    """Holds an answer until ``size`` bytes of its body are there, or its end.

    So do nginx with ``proxy_buffering on``, its default, with one memory page, and virus scanners,
    which want to see all of it first. It is good for short answers: the server is free at once,
    however slow the client is.

    Attributes:
        size: bytes that go on together; ``None`` waits for the end (or for ``MOST_HELD`` bytes).
        respect: whether ``X-Accel-Buffering: no`` in an answer switches it off, as nginx does.
    """

    size: int | None = 4096
    respect: bool = False

    def __post_init__(self) -> None:
        if self.size is not None:
            whole("size", self.size, "bytes", least=1, most=MOST_HELD)
        yes_or_no("respect", self.respect)

    def filter(self, request: h11.Request, write: Write) -> Filter:
        """Return what holds the answer to a request."""
        return Holding(self, request_name(request), write)


class Holding(Filter):
    """Holds one answer. Its line in the log counts the bytes that it holds."""

    def __init__(self, kind: Buffering, name: str, write: Write) -> None:
        self._size = kind.size or MOST_HELD
        self._respect = kind.respect
        self._name = name
        self._write = write
        self._passes = False
        self._head: list[Part] = []
        self._held = bytearray()
        self._line: Line | None = None

    def take(self, part: Part) -> Sequence[Part]:
        """Hold what is no whole ``size``; at the end, let go of everything."""
        if isinstance(part, h11.Response):
            if self._respect and values(part, b"x-accel-buffering") == ["no"]:
                self._passes = True
                self._write(f"{self._name} asks not to be held: X-Accel-Buffering: no")
                return [without(part, [b"x-accel-buffering"])]  # it was for us: nginx takes it out
            self._head = [part]
        elif isinstance(part, h11.EndOfMessage):
            return [*self._let_go(len(self._held)), part]
        elif self._passes:
            return [part]
        else:
            self._hold(part.data)
            if len(self._held) >= self._size:
                return self._let_go(len(self._held) // self._size * self._size)
        return []

    def rest(self) -> Sequence[Part]:
        """Let go of what there is."""
        return self._let_go(len(self._held))

    def drop(self) -> None:
        """Throw away what is still held."""
        if self._line is not None:
            self._line.text = (
                f"threw away {len(self._held):,} bytes of {self._name}: the connection ended"
            )

    def _hold(self, data: bytes) -> None:
        self._held += data
        if self._line is None:
            self._line = self._write("")
        self._line.text = f"holds {len(self._held):,} bytes of {self._name}"

    def _let_go(self, size: int) -> list[Part]:
        parts, self._head = self._head, []
        if size and self._line is not None:
            parts.append(h11.Data(data=bytes(self._held[:size])))
            del self._held[:size]
            milliseconds = (perf_counter_ns() - self._line.at_ns) / 1e6
            self._line.text = f"held {size:,} bytes of {self._name} for {milliseconds:,.1f} ms"
            self._line = None
            if self._held:
                self._hold(b"")
        return parts
