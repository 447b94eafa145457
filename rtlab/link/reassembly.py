"""One direction of a TCP connection, put together from packets as somebody captured them.

Packets come late, twice, in other pieces or not at all; a sequence number says of each where in the
stream its bytes belong (RFC 9293 §3.4). Nothing is decided before the last packet is there, so the
order in which they came does not matter for what the stream is, only for when it was whole up to a
byte. What was never captured stays a gap.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import NamedTuple

from rtlab.link.segment import Ending

FIN, SYN, RST, ACK = 1, 2, 4, 16

UNKNOWN = 1
"""The offset at which a stream begins whose beginning was not captured: something came before, and
nobody knows how much."""

FAR = 1 << 30
"""A packet that is further away than the largest window (RFC 7323 §2.3) is of something else."""


class Moment(NamedTuple):
    """When a packet was captured: its place in the file, and its time."""

    place: int
    time_ns: int


class Piece(NamedTuple):
    """The bytes of one packet.

    Attributes:
        at: when it was captured.
        start: where in the stream its first byte belongs.
        data: the bytes.
    """

    at: Moment
    start: int
    data: bytes

    @property
    def stop(self) -> int:
        """Where in the stream they end."""
        return self.start + len(self.data)


class Part(NamedTuple):
    """A part of the stream, as the packet brought it that was captured first.

    Attributes:
        offset: how many bytes of the stream came before.
        at: when its packet was captured.
        whole: when all that came before it was there too; later than ``at``, if it had to wait.
        data: the bytes; none at the end of the stream, or where it is only known to have got to.
        end: how the stream ended.
    """

    offset: int
    at: Moment
    whole: Moment
    data: bytes
    end: Ending | None = None


@dataclass(eq=False)
class HalfStream:
    """What was captured of one direction.

    Attributes:
        begin: the number of the first byte; ``None`` if the beginning was not captured.
        pieces: what packets brought, in the order of the file.
        sent: whether anything was sent, captured or not.
        fin: the number after the last byte, and when that was said.
        reset: when the sender reset the connection.
        strays: packets whose number is nowhere near the others.
    """

    begin: int | None = None
    pieces: list[Piece] = field(default_factory=list)
    sent: bool = False
    fin: tuple[int, Moment] | None = None
    reset: Moment | None = None
    strays: int = 0

    def __post_init__(self) -> None:
        self._near: int | None = None  # a number that others are close to
        self._least: int | None = None  # the lowest number that was seen
        self._reached: int | None = None  # the highest one that was sent, as packets say
        self._acknowledged: tuple[int, Moment] | None = None

    def add(self, seq: int, data: bytes, size: int, flags: int, at: Moment) -> None:
        """Note a packet of this direction."""
        if flags & SYN:
            seq += 1  # the SYN takes a number, as if it were a byte
        if flags & RST and self._near is None:
            self.reset = at  # to a SYN: its number is 0 (RFC 9293 §3.10.7.1)
            return
        start = self._absolute(seq)
        if start is None:
            self.strays += 1
            return
        if flags & SYN:
            self.begin = start
        if flags & RST:
            self.reset = self.reset or at
            return  # what it carries is no part of the stream (RFC 9293 §3.5.3)
        if size and not self._keeps_alive(start, data, size):
            self.sent = True
            self.pieces.append(Piece(at, start, data))
            self._seen(start, start + size)
        if flags & FIN and self.fin is None:
            self.fin = start + size, at
            self._seen(start + size, start + size)

    def acknowledge(self, ack: int, at: Moment, *, first: bool) -> None:
        """Note what the other side says to have received; ``first`` in its SYN."""
        number = self._absolute(ack)
        if number is None:
            return
        if first and self.begin is None:
            self.begin = number  # its answer to our SYN, which itself was not captured
        self._seen(number, None)
        if self._acknowledged is None or number > self._acknowledged[0]:
            self._acknowledged = number, at

    def begins(self, seq: int) -> bool:
        """Whether a SYN of this number may be the one that this stream began with."""
        number = self._absolute(seq + 1)
        if self.begin is None and number is not None:
            return self._least is None or number <= self._least
        return number == self.begin

    def parts(self) -> Iterator[Part]:
        """Yield the stream, in order; an offset that jumps leaves out what was not captured."""
        base, origin = self.begin, 0
        if base is None:
            base, origin = self._least or 0, UNKNOWN
        last = self.fin[0] if self.fin else None
        whole, reached = Moment(-1, 0), base
        for start, stop, piece in first_come(self.pieces):
            start, stop = max(start, base), stop if last is None else min(stop, last)
            if start >= stop:
                continue
            data = piece.data[start - piece.start : stop - piece.start]
            whole = max(whole, piece.at)
            yield Part(start - base + origin, piece.at, whole, data)
            reached = stop
        if self.fin is not None:
            reached, at = max(self.fin[0], base), self.fin[1]
            whole = max(whole, at)
            yield Part(reached - base + origin, at, whole, b"", "eof")
        elif (known := self._known(base)) and known[0] > reached:
            reached, at = known
            whole = max(whole, at)
            yield Part(reached - base + origin, at, whole, b"")
        if self.reset is not None:
            yield Part(reached - base + origin, self.reset, max(whole, self.reset), b"", "reset")

    def _known(self, base: int) -> tuple[int, Moment] | None:
        """How far the stream is known to have got, and by which packet, if that was not its FIN."""
        reached = base if self._reached is None else max(self._reached, base)
        if self._acknowledged is not None and self._acknowledged[0] > reached + 1:
            return self._acknowledged  # one more may be for a FIN that was not captured
        return (reached, self.pieces[-1].at) if self.pieces else None

    def _keeps_alive(self, start: int, data: bytes, size: int) -> bool:
        """Whether it is a byte that says nothing, sent to hear an answer (RFC 9293 §3.8.4)."""
        acknowledged = self._acknowledged[0] if self._acknowledged else start
        return size == 1 and start < acknowledged and data in (b"", b"\0")

    def _absolute(self, number: int) -> int | None:
        """Return a number that does not wrap at 2**32, or ``None`` if it is far from the others."""
        if self._near is None:
            self._near = number
        number = self._near + (number - self._near + (1 << 31)) % (1 << 32) - (1 << 31)
        return number if abs(number - self._near) < FAR else None

    def _seen(self, start: int, stop: int | None) -> None:
        self._least = start if self._least is None else min(self._least, start)
        if stop is not None:
            self._reached = stop if self._reached is None else max(self._reached, stop)
        farthest = start if stop is None else stop
        self._near = farthest if self._near is None else max(self._near, farthest)


def first_come(pieces: list[Piece]) -> Iterator[tuple[int, int, Piece]]:
    """Yield what covers the stream: from where, to where, and by which piece.

    Where pieces overlap, the one that comes first in the list stands, as it does with a receiver
    that has handed it to its application. It takes the time of sorting, however they overlap.
    """
    waiting = sorted(range(len(pieces)), key=lambda index: pieces[index].start, reverse=True)
    here: list[int] = []  # a heap of the pieces that have begun
    place = began = pieces[waiting[-1]].start if waiting else 0
    current = None
    while True:
        while waiting and pieces[waiting[-1]].start <= place:
            heappush(here, waiting.pop())
        while here and pieces[here[0]].stop <= place:
            heappop(here)
        best = here[0] if here else None
        if best != current:
            if current is not None:
                yield began, place, pieces[current]
            began, current = place, best
        starts = [pieces[waiting[-1]].start] if waiting else []
        if best is not None:
            place = min([pieces[best].stop, *starts])
        elif starts:
            place = began = starts[0]
        else:
            return
