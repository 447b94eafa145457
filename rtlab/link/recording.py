"""What crossed a link."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING

from rtlab.arguments import whole
from rtlab.link.segment import Connection, Direction, Segment, Totals

if TYPE_CHECKING:
    import os

    from rtlab.dissect.conversation import Conversation
    from rtlab.render.conversation import View

_BOOKKEEPING = 200  # bytes of memory a segment takes beside its data


@dataclass(eq=False)
class Recording:
    """Everything that crossed a link: the newest segments, and exact counts of all of them.

    A link writes it; everybody may read it, from any thread, at any time.

    Args:
        limit: bytes of memory for segments; the oldest go first.
        notes: what there is to say of the file that it was loaded from, a sentence each.
    """

    limit: int = 16 << 20
    up: Totals = field(default_factory=Totals)
    down: Totals = field(default_factory=Totals)
    epoch_ns: int = field(default_factory=lambda: time.time_ns() - time.perf_counter_ns())
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        whole("limit", self.limit, "bytes", least=1)
        self._segments: deque[Segment] = deque()
        self._connections: dict[int, Connection] = {}
        self._accepted = 0
        self._added = 0
        self._dropped = 0
        self._bytes = 0
        self._lock = threading.Lock()

    # ── reading ──

    @property
    def segments(self) -> list[Segment]:
        """The segments that are held, in the order in which the link received them."""
        with self._lock:
            return list(self._segments)

    @property
    def connections(self) -> list[Connection]:
        """The connections, oldest first; of closed ones the newest 10,000."""
        with self._lock:
            return list(self._connections.values())

    def since(self, count: int, most: int | None = None) -> tuple[int, list[Segment]]:
        """Return the segments that came after the first ``count`` ever, without copying the rest.

        ``first, new = recording.since(seen)`` and then ``seen = first + len(new)`` reads a growing
        recording to its end, again and again.

        Args:
            count: how many segments the reader has seen; those held no more count as well.
            most: return only so many, the oldest ones.

        Returns:
            How many segments came before the first one returned, which is more than ``count`` if
            some are held no more; and the segments, in the order in which the link received them.
        """
        whole("count", count, "segments")
        with self._lock:
            held = len(self._segments)
            first = max(min(count, self._added), self._added - held)
            start = held - (self._added - first)
            if most is not None:
                return first, list(islice(self._segments, start, start + most))
            newest = islice(reversed(self._segments), held - start)
            return first, list(newest)[::-1]

    def connection(self, number: int) -> Connection | None:
        """Return a connection by its number; ``None`` if it is held no more."""
        with self._lock:
            return self._connections.get(number)

    @property
    def added(self) -> int:
        """How many segments were recorded, ever."""
        return self._added

    @property
    def accepted(self) -> int:
        """How many connections were opened, ever."""
        return self._accepted

    @property
    def open_connections(self) -> int:
        """How many connections are open now."""
        with self._lock:
            return sum(connection.closed_ns is None for connection in self._connections.values())

    @property
    def dropped(self) -> int:
        """How many segments are held no more because the recording was full."""
        return self._dropped

    def totals(self, direction: Direction) -> Totals:
        """The exact counts of one direction."""
        return self.up if direction == "up" else self.down

    def stream(self, connection: int, direction: Direction) -> bytes:
        """The bytes held of one direction of one connection, in order, joined.

        Where some are missing in between they are joined all the same: see ``gaps``.
        """
        segments = self.streams().get((connection, direction), [])
        return b"".join(segment.data for segment in segments)

    def gaps(self, connection: int, direction: Direction) -> list[range]:
        """Which offsets of a stream are missing before, between and after the bytes held.

        A link misses only what it had no memory for, at the beginning. A capture may have missed
        any byte; where its beginning was not captured, ``range(0, 1)`` stands for what came before.
        """
        from rtlab.link.gaps import gaps

        return gaps(self.streams().get((connection, direction), []))

    def streams(self) -> dict[tuple[int, Direction], list[Segment]]:
        """The segments that are held, apart by connection and direction."""
        streams: dict[tuple[int, Direction], list[Segment]] = {}
        for segment in self.segments:
            streams.setdefault((segment.connection, segment.direction), []).append(segment)
        return streams

    def __iter__(self) -> Iterator[Segment]:
        return iter(self.segments)

    def __len__(self) -> int:
        return len(self._segments)

    def __repr__(self) -> str:
        return (
            f"<Recording: {self._accepted} connections, {self.up.received:,} bytes up, "
            f"{self.down.received:,} bytes down, {len(self)} segments held"
            + (f", {self._dropped} dropped" if self._dropped else "")
            + (f", {len(self.notes)} notes>" if self.notes else ">")
        )

    def clear(self) -> None:
        """Forget the segments and closed connections; the counts go on."""
        with self._lock:
            self._segments.clear()
            self._bytes = 0
            self._connections = {
                number: connection
                for number, connection in self._connections.items()
                if connection.closed_ns is None
            }

    def copy(self, most: int | None = None) -> Recording:
        """Return a recording of what is held now, which a running link writes no further.

        Args:
            most: take only so many segments, the oldest ones.
        """
        with self._lock:
            copy = Recording(
                self.limit, replace(self.up), replace(self.down), self.epoch_ns, list(self.notes)
            )
            copy.restore(
                [replace(connection) for connection in self._connections.values()],
                list(islice(self._segments, most)),
                self._accepted,
                self._dropped,
            )
        return copy

    def dissect(self) -> list[Conversation]:
        """Take every connection apart, both directions, a WebSocket after its upgrade included.

        Connections whose beginning is not held are left out: what comes later cannot be read
        without it. Where bytes are missing later, the dissection of that direction ends, with a
        field that says so. Each says which connection it is.
        """
        from rtlab.dissect.conversation import converse
        from rtlab.link.gaps import unbroken

        streams = self.streams()
        conversations = []
        for number in sorted({number for number, _ in streams}):
            up, down = streams.get((number, "up"), []), streams.get((number, "down"), [])
            if all(stream[0].offset == 0 for stream in (up, down) if stream):
                sent, answered = unbroken(up), unbroken(down)
                conversations.append(
                    converse(sent.data, answered.data, number, (sent.missing, answered.missing))
                )
        return conversations

    def conversation(self, first: int = 0, count: int | None = 50) -> View:
        """Show who said what and when: a line a request, response, event or frame, and its bytes.

        Args:
            first: the first line that is shown, counted from 0.
            count: how many are shown; ``None`` shows all that follow.
        """
        from rtlab.render.conversation import conversation

        return conversation(self, first=first, count=count)

    def _repr_html_(self) -> str:
        return self.conversation().html

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it to a file as JSON lines; ``Cookie`` and ``Authorization`` are blotted out."""
        from rtlab.link.files import save

        save(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str], port: int | None = None) -> Recording:
        """Read what ``save`` wrote, or a capture: pcapng or pcap, by Wireshark, tshark or tcpdump.

        Of a capture, every TCP connection that carried data is put together from its packets;
        ``rtlab.link.capture`` says how. The recording's ``notes`` say what was left out, and what
        is missing.

        Args:
            path: of the file.
            port: takes of a capture only the connections of servers with this port.

        Raises:
            RecordingError: the file is neither, or damaged; the message names the line or byte.
            UsageError: ``port`` is no port, or the file is no capture.
        """
        from rtlab.link.files import load

        return load(path, port)

    def to_pcapng(self, path: str | os.PathLike[str]) -> None:
        """Write it as a capture file that Wireshark opens, seen from the client's side."""
        from rtlab.link.pcapng import export

        export(self, path)

    # ── writing: for the link and for files ──

    def add_connection(self, connection: Connection) -> None:
        """Note a new connection."""
        with self._lock:
            self._accepted += 1
            self._connections[connection.number] = connection
            if len(self._connections) > 10_000:
                closed = (n for n, c in self._connections.items() if c.closed_ns is not None)
                oldest = next(closed, None)
                if oldest is not None:
                    del self._connections[oldest]

    def add(self, segment: Segment) -> None:
        """Note a segment that the link received."""
        size = len(segment.data)
        totals = self.up if segment.direction == "up" else self.down
        with self._lock:
            if size:
                totals.segments += 1
                totals.received += size
            self._segments.append(segment)
            self._added += 1
            self._bytes += size + _BOOKKEEPING
            while self._bytes > self.limit:
                self._bytes -= len(self._segments.popleft().data) + _BOOKKEEPING
                self._dropped += 1

    def forwarded(self, segment: Segment, now_ns: int) -> None:
        """Note that a segment was given on."""
        segment.forwarded_ns = now_ns
        totals = self.up if segment.direction == "up" else self.down
        totals.forwarded += len(segment.data)

    def restore(
        self, connections: list[Connection], segments: list[Segment], accepted: int, dropped: int
    ) -> None:
        """Take over what a file holds."""
        with self._lock:
            self._connections = {connection.number: connection for connection in connections}
            self._segments = deque(segments)
            self._bytes = sum(len(segment.data) + _BOOKKEEPING for segment in segments)
            self._accepted, self._dropped = accepted, dropped
            self._added = dropped + len(segments)
