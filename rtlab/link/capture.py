"""Captures that Wireshark, tshark and tcpdump wrote, as recordings.

A capture has packets of many connections, seen at one place of the network. Each TCP connection is
put together on its own, both directions, and becomes a connection of the recording:

- The client is who sent the SYN. Where none was captured, the lower port is the server's: clients
  get theirs from the upper range (RFC 6335 §6).
- A segment is the bytes of one packet. ``received_ns`` is when that was captured, ``forwarded_ns``
  when all bytes before it were there too and a receiver could read it.
- A FIN ends a stream with ``"eof"``, a RST with ``"reset"``.
- Bytes that were not captured leave a gap: the next offset jumps. After the last bytes a segment
  without data says how far the stream is known to have got. Where the beginning was not captured,
  offsets begin at 1, for nobody knows what came before.
- Connections without data, and packets that are not TCP, are left out; the recording's notes count
  them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from operator import itemgetter
from typing import BinaryIO

from rtlab.link.capture_files import frames
from rtlab.link.capture_packets import Address, Other, Packet, packet
from rtlab.link.gaps import gaps
from rtlab.link.reassembly import ACK, SYN, HalfStream, Moment, Part
from rtlab.link.recording import Recording
from rtlab.link.segment import Connection, Direction, Segment, Totals

_ROOM = 16 << 20  # bytes of memory that a loaded recording has beyond what it holds
_NAMED = 8  # connections that a note names; of more it says how many


def read(file: BinaryIO, name: str, port: int | None = None) -> Recording:
    """Read a capture.

    Args:
        file: pcap or pcapng, from its beginning.
        name: of the file, for messages.
        port: of the server whose connections are wanted; ``None`` takes all.

    Raises:
        RecordingError: the file is no capture, or damaged; the message says where.
    """
    notes: list[str] = []
    sessions = _Sessions()
    others: Counter[str] = Counter()
    start_ns: int | None = None
    cut = 0
    packets: list[tuple[int, Packet]] = []
    for frame in frames(file, name, notes):
        start_ns = frame.time_ns if start_ns is None else min(start_ns, frame.time_ns)
        try:
            found = packet(frame)
        except Other as other:
            others[str(other)] += 1
            continue
        cut += found.size > len(found.data)
        packets.append((frame.time_ns, found))
    # A port is used again when a connection is over: what came first has to be known. Files that
    # were merged, or captured on several interfaces, need not have it in order.
    packets.sort(key=itemgetter(0))
    for place, (time_ns, found) in enumerate(packets):
        sessions.add(found, Moment(place, time_ns - (start_ns or 0)))
    chosen = [s for s in sessions.all if port is None or s.roles(port)[1][1] == port]
    talking = [s for s in chosen if any(half.sent for half in s.halves.values())]
    recording = _recording(talking, start_ns or 0, port)
    notes += _left_out(others, sum(s.strays for s in sessions.all), len(chosen) - len(talking))
    notes += _missing(recording, cut)
    recording.notes = notes
    return recording


# ── telling connections apart ──


@dataclass(eq=False)
class _Session:
    """The packets of one connection."""

    opened_ns: int
    client: Address | None = None
    halves: dict[Address, HalfStream] = field(default_factory=dict)  # by sender

    @property
    def over(self) -> bool:
        halves = self.halves.values()
        return any(half.reset for half in halves) or all(half.fin for half in halves)

    @property
    def strays(self) -> int:
        return sum(half.strays for half in self.halves.values())

    def roles(self, port: int | None) -> tuple[Address, Address]:
        """Return client and server; ``port`` is one that the server is thought to have."""
        first, second = self.halves
        if self.client is None:
            one, other = first[1] == port, second[1] == port
            lower = first[1] < second[1] if one == other else one
            self.client = second if lower else first
        return (first, second) if self.client == first else (second, first)


class _Sessions:
    """All connections, in the order in which they began."""

    def __init__(self) -> None:
        self.all: list[_Session] = []
        self._now: dict[frozenset[Address], _Session] = {}  # by the two addresses

    def add(self, found: Packet, at: Moment) -> None:
        source, target, flags = found.source, found.target, found.flags
        key = frozenset((source, target))
        session = self._now.get(key)
        if session is None or (
            flags & SYN and (session.over or not session.halves[source].begins(found.seq))
        ):
            session = _Session(at.time_ns, halves={source: HalfStream(), target: HalfStream()})
            self._now[key] = session
            self.all.append(session)
        if flags & SYN and session.client is None:
            session.client = target if flags & ACK else source
        session.halves[source].add(found.seq, found.data, found.size, flags, at)
        if flags & ACK:
            session.halves[target].acknowledge(found.ack, at, first=bool(flags & SYN))


# ── the recording ──


def _recording(sessions: list[_Session], epoch_ns: int, port: int | None) -> Recording:
    connections: list[Connection] = []
    placed: list[tuple[int, Segment]] = []
    totals = {"up": Totals(), "down": Totals()}
    for number, session in enumerate(sessions, 1):
        client, server = session.roles(port)
        connection = Connection(number, client, server, session.opened_ns)
        connections.append(connection)
        ends = []
        ways: tuple[tuple[Direction, Address], ...] = (("up", client), ("down", server))
        for direction, sender in ways:
            for part in session.halves[sender].parts():
                placed.append((part.whole.place, _segment(number, direction, part)))
                _count(totals[direction], part)
                if part.end is not None:
                    ends.append(part.whole.time_ns)
        if session.over:
            connection.closed_ns = max(ends)
    placed.sort(key=lambda item: item[0])
    segments = [segment for _, segment in placed]
    held = sum(len(segment.data) for segment in segments)
    recording = Recording(held + _ROOM, totals["up"], totals["down"], epoch_ns)
    recording.restore(connections, segments, len(connections), 0)
    return recording


def _segment(number: int, direction: Direction, part: Part) -> Segment:
    return Segment(
        number,
        direction,
        part.offset,
        part.at.time_ns,
        max(part.at.time_ns, part.whole.time_ns),
        part.data,
        part.end,
    )


def _count(totals: Totals, part: Part) -> None:
    if part.data:
        totals.segments += 1
        totals.received += len(part.data)
        totals.forwarded += len(part.data)


# ── notes ──


def _left_out(others: Counter[str], strays: int, silent: int) -> Iterator[str]:
    if others:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in others.most_common())
        yield f"{_count_of(others.total(), 'packet')} without TCP left out: {kinds}."
    if strays:
        yield f"{_count_of(strays, 'packet')} left out: their numbers fit to no stream."
    if silent:
        yield f"{_count_of(silent, 'connection')} without data left out."


def _missing(recording: Recording, cut: int) -> Iterator[str]:
    late: set[int] = set()
    broken: set[int] = set()
    for (number, _), segments in recording.streams().items():
        for gap in gaps(segments):
            (broken if gap.start else late).add(number)
    if late:
        yield (
            f"The beginning is missing of {_named(late)}: begin to capture before the client "
            "connects."
        )
    if broken:
        yield f"Bytes are missing in {_named(broken)}: they were sent, but not captured."
    if cut:
        yield (
            f"{_count_of(cut, 'packet')} captured in part, up to a snapshot length: capture whole "
            "ones, with -s 0."
        )


def _named(numbers: Iterable[int]) -> str:
    ordered = sorted(numbers)
    words = ", ".join(map(str, ordered[:_NAMED]))
    more = f" and {len(ordered) - _NAMED:,} more" if len(ordered) > _NAMED else ""
    return f"connection{'' if len(ordered) == 1 else 's'} {words}{more}"


def _count_of(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
