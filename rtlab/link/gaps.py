"""What is missing of a stream: bytes that were sent, and that a recording does not hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rtlab.link.segment import Segment


class Unbroken(NamedTuple):
    """A stream as far as nothing is missing.

    Attributes:
        data: the bytes up to the first gap.
        missing: what is missing after them, in words; empty if nothing is.
    """

    data: bytes
    missing: str


def gaps(segments: Iterable[Segment]) -> list[range]:
    """Return which offsets are missing between the segments of one direction of a connection."""
    found, reached = [], 0
    for segment in segments:
        if segment.offset > reached:
            found.append(range(reached, segment.offset))
        reached = max(reached, segment.offset + len(segment.data))
    return found


def unbroken(segments: Sequence[Segment]) -> Unbroken:
    """Return the bytes of one direction of a connection up to the first that is missing."""
    missing = gaps(segments)
    if not missing:
        return Unbroken(b"".join(segment.data for segment in segments), "")
    gap = missing[0]
    after = sum(len(segment.data) for segment in segments if segment.offset >= gap.stop)
    return Unbroken(
        b"".join(segment.data for segment in segments if segment.offset < gap.start),
        f"{len(gap):,} bytes are missing here: sent, but not captured"
        + (f"; the {after:,} after them are not dissected" if after else ""),
    )
