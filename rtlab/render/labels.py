"""What a segment carries, in a few words: the labels of a ladder diagram."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from rtlab.compare.arrivals import HEAD
from rtlab.link.recording import Recording
from rtlab.link.segment import Segment
from rtlab.render.names import messages
from rtlab.render.turns import ENDINGS, Stream, Turn, turns

MOST = 3
"""Of more that begins in one segment, the first ones and the last are named."""


class Label(NamedTuple):
    """What a segment carries.

    Attributes:
        words: such as ``"200 OK, event 3"``; empty if nothing begins in it.
        news: whether it brings the client a message of the feed.
    """

    words: str
    news: bool


class Labels:
    """Names what begins in segments of a recording.

    Args:
        recording: what crossed a link.
        segments: those that will be asked for.
    """

    def __init__(self, recording: Recording, segments: Sequence[Segment]) -> None:
        since: dict[Stream, int] = {}
        for segment in segments:
            since.setdefault((segment.connection, segment.direction), segment.offset)
        self._turns: dict[Stream, list[Turn]] = defaultdict(list)
        for turn in turns(recording, since):
            if turn.ending is None:
                self._turns[turn.connection, turn.direction].append(turn)

    def of(self, segment: Segment) -> Label:
        """Return the label of a segment."""
        said = self._turns.get((segment.connection, segment.direction))
        if said is None:  # its beginning is held no more
            return glance(segment)
        low = bisect_left(said, segment.offset, key=lambda turn: turn.start)
        high = bisect_left(said, segment.offset + len(segment.data), key=lambda turn: turn.start)
        return label(segment, said[low:high])


def label(segment: Segment, begun: Sequence[Turn]) -> Label:
    """Return the label of a segment in which these turns begin."""
    if not segment.data:
        return _empty(segment)
    if len(begun) > MOST:
        words = [*(turn.what for turn in begun[: MOST - 1]), f"… {begun[-1].what}"]
    else:
        words = [turn.what for turn in begun]
    return Label(", ".join(words), any(turn.carried for turn in begun))


def glance(segment: Segment) -> Label:
    """Return what can be said of a segment alone: what the feed's messages look like is known."""
    if not segment.data:
        return _empty(segment)
    found = HEAD.findall(segment.data) if segment.direction == "down" else []
    return Label(messages([int(seq) for seq in found]), bool(found))


def _empty(segment: Segment) -> Label:
    return Label("not captured" if segment.end is None else ENDINGS[segment.end], False)
