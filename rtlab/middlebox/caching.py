"""A middlebox that answers from memory (RFC 9111)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic

import h11

from rtlab.arguments import number, yes_or_no
from rtlab.middlebox.headers import request_name, values, without
from rtlab.middlebox.kind import Filter, Kind, Part, Write

MOST_KEPT = 64
"""Answers that are kept, the newest."""
LARGEST = 1 << 16
"""Bytes of an answer that is kept."""

FORBIDS = {"no-store", "no-cache", "private"}


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer in memory: its parts, when it came, and until when it is fresh."""

    parts: Sequence[Part]
    came: float
    fresh_until: float


@dataclass(frozen=True, slots=True)
class Caching(Kind):
    """Keeps whole answers to GET, and gives them to whoever asks for the same URL later.

    A shared cache in the way of RFC 9111, but that it never asks the server whether what it has is
    still good: what may be used only after such a question (``no-cache``) it does not keep.

    Attributes:
        seconds: for how long it keeps what does not say itself for how long (§4.2.2).
        respect: whether it does what ``Cache-Control`` and ``Vary`` ask for. Caches can be told
            not to ("cache everything"), and then every answer is kept for ``seconds``.
    """

    seconds: float = 60.0
    respect: bool = True
    _kept: dict[bytes, Kept] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        number("seconds", self.seconds, "seconds", above=True)
        yes_or_no("respect", self.respect)

    def answer(self, request: h11.Request, write: Write) -> Sequence[Part] | None:
        """Return what is in memory for a request, if it is fresh and may be used."""
        kept = self._kept.get(request.target)
        now = monotonic()
        if kept is None or now >= kept.fresh_until or not self._may_answer(request):
            return None
        age = int(now - kept.came)
        write(f"answered {request_name(request)} from memory, {now - kept.came:.1f} s old")
        head, *rest = kept.parts
        assert isinstance(head, h11.Response)
        return [without(head, [b"age"], [(b"Age", str(age).encode())]), *rest]

    def filter(self, request: h11.Request, write: Write) -> Filter:
        """Return what keeps the answer to a request, if it may be kept."""
        return Keeping(self, request) if self._may_answer(request) else Filter()

    def _may_answer(self, request: h11.Request) -> bool:
        if request.method != b"GET":
            return False
        wishes = values(request, b"cache-control")
        private = FORBIDS.intersection(wishes) or values(request, b"authorization")
        return not (self.respect and private)

    def lifetime(self, head: h11.Response) -> float | None:
        """Return for how many seconds an answer is fresh; ``None`` if it must not be kept."""
        if head.status_code != 200:
            return None
        if not self.respect:
            return self.seconds
        directives = values(head, b"cache-control")
        if FORBIDS.intersection(directives) or values(head, b"vary"):
            return None
        for name in ("s-maxage=", "max-age="):  # the first is for shared caches (§5.2.2.10)
            for directive in directives:
                if directive.startswith(name) and directive[len(name) :].isdecimal():
                    return float(directive[len(name) :])
        return self.seconds

    def keep(self, request: h11.Request, parts: Sequence[Part], lifetime: float) -> None:
        """Keep an answer, and forget the oldest where there are too many."""
        now = monotonic()
        self._kept.pop(request.target, None)
        self._kept[request.target] = Kept(parts, now, now + lifetime)
        if len(self._kept) > MOST_KEPT:
            del self._kept[next(iter(self._kept))]


class Keeping(Filter):
    """Passes an answer on, and keeps a copy if it is whole, small, and may be kept."""

    def __init__(self, kind: Caching, request: h11.Request) -> None:
        self._kind = kind
        self._request = request
        self._lifetime: float | None = None
        self._parts: list[Part] = []
        self._size = 0

    def take(self, part: Part) -> Sequence[Part]:
        """Pass a part on, and note it."""
        if isinstance(part, h11.Response):
            self._lifetime = self._kind.lifetime(part)
        elif isinstance(part, h11.Data):
            self._size += len(part.data)
            if self._size > LARGEST:
                self._lifetime = None
        if self._lifetime is not None:
            self._parts.append(part)
            if isinstance(part, h11.EndOfMessage):
                self._kind.keep(self._request, self._parts, self._lifetime)
        else:
            self._parts.clear()
        return [part]
