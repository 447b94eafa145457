"""What middleboxes do to HTTP that they should not, or should not do to a stream.

A kind is how a middlebox is set; it makes a filter for each answer. A filter is given the parts of
the answer as they come from the server (head, pieces of the body, end) and returns those that may
go on. It does no input or output.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from time import perf_counter_ns
from typing import Any, Literal

import h11

from rtlab.arguments import number, one_of, whole, yes_or_no
from rtlab.errors import UsageError
from rtlab.middlebox.headers import request_name, values, without
from rtlab.middlebox.journal import Line

Part = h11.Response | h11.Data | h11.EndOfMessage
Ending = Literal["cut", "reset"]
Write = Callable[[str], Line]
"""Writes a line into the middlebox's log."""

MOST_HELD = 1 << 20
"""Bytes of an answer that are held at the most."""


class Filter:
    """Lets an answer pass as it is."""

    def take(self, part: Part) -> Sequence[Part]:
        """Take a part of the answer and return what may go on now."""
        return [part]

    def rest(self) -> Sequence[Part]:
        """Return what goes on when the server breaks off."""
        return []

    def drop(self) -> None:
        """The answer is through, or will never be."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Forwards as RFC 9110 asks for, and nothing else: how it should be."""

    def filter(self, request: h11.Request, write: Write) -> Filter:
        """Return what the answer to a request goes through."""
        return Filter()


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
                f"threw away {len(self._held):,} bytes of {self._name}: the client has left"
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


@dataclass(frozen=True, slots=True)
class Idle(Kind):
    """Kills a connection on which nothing was said for a while, in either direction.

    So do load balancers and firewalls, most after a minute, some much sooner.

    Attributes:
        seconds: how long it waits.
        ending: ``"cut"`` for an orderly end (FIN), ``"reset"`` for a TCP reset (RST).
    """

    seconds: float = 60.0
    ending: Ending = "cut"

    def __post_init__(self) -> None:
        number("seconds", self.seconds, "seconds", above=True)
        one_of("ending", self.ending, ("cut", "reset"))


@dataclass(frozen=True, slots=True)
class NoUpgrade(Kind):
    """Knows nothing of WebSocket, and so takes ``Upgrade`` out of every request.

    It is right to: the header is for the next hop only (RFC 9110 §7.6.1, §7.8), and a proxy that
    cannot do what it asks for must not forward it. The server sees a plain GET. nginx is like
    this until it is told otherwise.
    """


@dataclass(frozen=True, slots=True)
class Compressing(Kind):
    """Compresses text with gzip for clients that accept it.

    A compressor gives out something when it has enough to work on, or when it is told to flush.

    Attributes:
        flush: whether it flushes after each piece, so that an event is not held.
    """

    flush: bool = False

    def __post_init__(self) -> None:
        yes_or_no("flush", self.flush)

    def filter(self, request: h11.Request, write: Write) -> Filter:
        """Return what compresses the answer to a request."""
        accepted = [
            coding.partition(";")[0].strip() for coding in values(request, b"accept-encoding")
        ]
        if request.method == b"HEAD" or "gzip" not in accepted:
            return Filter()
        return Squeezing(self.flush, request_name(request), write)


class Squeezing(Filter):
    """Compresses one answer, if it is text and nobody forbids it."""

    def __init__(self, flush: bool, name: str, write: Write) -> None:
        self._flush = flush
        self._name = name
        self._write = write
        self._gzip: zlib._Compress | None = None
        self._line: Line | None = None
        self._taken = self._given = 0

    def take(self, part: Part) -> Sequence[Part]:
        """Compress a piece; without a flush, often nothing comes out yet."""
        if isinstance(part, h11.Response):
            return [self._begin(part)]
        if self._gzip is None:
            return [part]
        if isinstance(part, h11.EndOfMessage):
            return [self._give(self._gzip.flush()), part]
        self._taken += len(part.data)
        data = self._gzip.compress(part.data)
        return [self._give(data + self._gzip.flush(zlib.Z_SYNC_FLUSH) if self._flush else data)]

    def _begin(self, head: h11.Response) -> h11.Response:
        kind = ",".join(values(head, b"content-type")).partition(";")[0].strip()
        text = kind.startswith("text/") or kind == "application/json"
        if not text or head.status_code != 200 or values(head, b"content-encoding"):
            return head
        if "no-transform" in values(head, b"cache-control"):  # RFC 9110 §7.7
            self._write(f"{self._name} asks to be left as it is: Cache-Control: no-transform")
            return head
        self._gzip = zlib.compressobj(wbits=31)  # 31: with the header and the checksum of gzip
        more = [(b"Content-Encoding", b"gzip"), (b"Vary", b"Accept-Encoding")]
        # Other bytes under the same strong ETag would be a lie (RFC 9110 §8.8.1).
        tags = [value for name, value in head.headers if name == b"etag"]
        more += [(b"ETag", tag if tag.startswith(b"W/") else b"W/" + tag) for tag in tags]
        return without(head, [b"content-length", b"etag", b"accept-ranges"], more)

    def _give(self, data: bytes) -> h11.Data:
        self._given += len(data)
        if self._line is None:
            self._line = self._write("")
        self._line.text = (
            f"compressed {self._taken:,} bytes of {self._name}; let {self._given:,} bytes go"
        )
        return h11.Data(data=data)


KINDS: dict[str, type[Kind]] = {
    "transparent": Kind,
    "buffering": Buffering,
    "idle": Idle,
    "no-upgrade": NoUpgrade,
    "compressing": Compressing,
}


def make(name: str, settings: dict[str, Any]) -> Kind:
    """Return a kind by its name and settings.

    Raises:
        UsageError: a name is unknown or a value out of bounds; the message says what is known.
    """
    kind = KINDS[one_of("kind of middlebox", name, KINDS)]
    known = [setting.name for setting in fields(kind)]
    for setting in settings:
        if not known:
            raise UsageError(f"A {name} middlebox has no settings: leave out {setting}.")
        one_of(f"setting of a {name} middlebox", setting, known)
    return kind(**settings)
