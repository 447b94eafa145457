"""What a recording is made of: segments of connections, and counts of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Direction = Literal["up", "down"]
"""``up`` is from the client to the server, ``down`` the way back."""

Ending = Literal["eof", "reset", "cut"]
"""How a stream ended: its sender finished, its sender reset it, or the link was told to end it."""


@dataclass(slots=True, eq=False)
class Segment:
    """The bytes of one read or write on a socket, or the end of a stream.

    Attributes:
        connection: the number of the connection, 1 for the first.
        direction: ``"up"`` or ``"down"``.
        offset: how many bytes of this direction came before.
        received_ns: when the link had it (``time.perf_counter_ns``).
        forwarded_ns: when the link gave it on; ``None`` while it is under way, or if it never was.
        data: the bytes; empty at the end of a stream.
        end: how the stream ended; ``None`` for bytes.
    """

    connection: int
    direction: Direction
    offset: int
    received_ns: int
    forwarded_ns: int | None
    data: bytes
    end: Ending | None = None


@dataclass(slots=True)
class Connection:
    """One connection through the link.

    Attributes:
        number: 1 for the first.
        client: the client's address.
        server: the server's address, as the link was told it.
        opened_ns: when the client's connection was accepted.
        closed_ns: when its last socket was closed; ``None`` while one is open.
        error: why the server could not be reached, if it could not.
    """

    number: int
    client: tuple[str, int]
    server: tuple[str, int]
    opened_ns: int
    closed_ns: int | None = None
    error: str | None = None


@dataclass(slots=True)
class Totals:
    """Exact counts of one direction, which go on when the memory of a recording is full.

    Attributes:
        segments: how many pieces of data the link received.
        received: bytes that the link received.
        forwarded: bytes that it gave on.
    """

    segments: int = 0
    received: int = 0
    forwarded: int = 0
