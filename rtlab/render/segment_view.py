"""One segment, explained: what it carries, as the byte view of everything that lies in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from html import escape

from rtlab.dissect.field import Field
from rtlab.link.recording import Recording
from rtlab.link.redaction import redacted
from rtlab.link.segment import Segment
from rtlab.render.byte_view import Part, page, parts_html
from rtlab.render.turns import ENDINGS, Turn, turns

MOST_READ = 4 << 20
"""Bytes of a connection that are read to explain a segment; of more, it is shown as it is."""
MOST_TURNS = 50
"""Turns in a segment that are shown; of more the first, and how many there are."""


def segment_html(recording: Recording, segment: Segment) -> str:
    """Return HTML with the bytes of a segment and what they mean.

    What begins before it or goes on after it is shown whole, because it means nothing in parts.
    Logins and tokens are blotted out.

    Args:
        recording: that it is of: the connection is read from its beginning.
        segment: which one.
    """
    if segment.end is not None:
        return page(f"<p class='more'>{escape(_ending(segment))}</p>")
    held = [other for other in recording.segments if other.connection == segment.connection]
    if segment not in held:
        held = [segment]
    bare = [replace(s, data=data) for s, data in zip(held, redacted(held), strict=True)]
    itself = bare[held.index(segment)]
    said = _overlapping(bare, itself) if sum(len(s.data) for s in bare) <= MOST_READ else []
    if not said:
        return page(_remark(held) + parts_html([_raw(itself)]))
    shown = [_part(turn, itself) for turn in said[:MOST_TURNS]]
    left_out = len(said) - len(shown)
    more = f"<p class='more'>… and {left_out:,} more</p>" if left_out else ""
    return page(parts_html(shown) + more)


def _overlapping(held: Sequence[Segment], segment: Segment) -> list[Turn]:
    """Return what was said in a segment, at least in part."""
    alone = Recording()
    alone.restore([], list(held), 1, 0)
    stop = segment.offset + len(segment.data)
    return [
        turn
        for turn in turns(alone, {(segment.connection, segment.direction): segment.offset})
        if turn.field is not None and turn.start < stop and turn.start + turn.size > segment.offset
    ]


def _part(turn: Turn, segment: Segment) -> Part:
    assert turn.field is not None
    stop = segment.offset + len(segment.data)
    places = []
    if turn.start < segment.offset:
        places.append("began in an earlier segment")
    if turn.start + turn.size > stop:
        places.append("goes on in a later one")
    where = f" ({', '.join(places)})" if places else ""
    label = f"<b>{escape(turn.what)}</b> <small>{turn.size:,} B{where}</small>"
    return Part(turn.field, turn.data, label)


def _raw(segment: Segment) -> Part:
    field = Field("bytes", 0, len(segment.data) * 8, segment.data)
    return Part(field, segment.data, f"<b>bytes</b> <small>{len(segment.data):,} B</small>")


def _remark(held: Sequence[Segment]) -> str:
    first = {segment.direction: segment.offset for segment in reversed(held)}
    if any(first.values()):
        why = "The beginning of this connection is held no more, so nobody can say what they mean."
    else:
        why = "This connection has said too much to be read again at a click."
    return f"<p class='more'>These are the bytes. {why}</p>"


def _ending(segment: Segment) -> str:
    who = "client" if segment.direction == "up" else "server"
    how = {
        "eof": f"The {who} has said all: its side of the connection is closed (FIN), and no byte "
        "of this direction follows.",
        "reset": f"The {who} broke the connection off (RST): what was on its way is thrown away.",
        "cut": "The link was told to cut the connection. Nothing that was on its way arrives.",
    }
    assert segment.end is not None
    return f"{ENDINGS[segment.end]}: {how[segment.end]}"
