"""The ladder diagram: client left, server right, time down, an arrow for each segment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from rtlab.arguments import number
from rtlab.link.recording import Recording
from rtlab.link.segment import Segment
from rtlab.render.drawing import Drawing, arrow_head, svg
from rtlab.render.labels import Label, Labels
from rtlab.render.places import Line, Places, Words, lines, width

MOST = 300
"""Arrows per panel; of a longer recording the newest are drawn, and the drawing says so."""

_PANEL, _GAP, _AXIS, _TOP, _BOTTOM = 216, 28, 50, 82, 22  # pixels
_LOWEST, _HIGHEST = 300, 1000  # pixels, of the time axis
_TITLED = 540  # pixels: a title is not broken into many lines because there is but one panel
_HEAD, _LABEL, _NUMBER = 13, 10, 9  # pixels: sizes of the title, of labels, of messages' numbers


def ladder(
    recordings: Mapping[str, Recording],
    *,
    published: Mapping[str, Sequence[tuple[int, int]]] | None = None,
    title: str | None = None,
    last: float | None = None,
) -> Drawing:
    """Draw recordings side by side, on one axis of time.

    Args:
        recordings: name to recording.
        published: name to the messages of that server, each as sequence number and
            ``perf_counter_ns``; drawn as diamonds at the server.
        title: a line above the drawing.
        last: only the last so many seconds.

    Raises:
        UsageError: ``last`` is no positive number.
    """
    newest = max((_end(s) for r in recordings.values() for s in r.segments), default=0)
    since = 0 if last is None else newest - round(number("last", last, "seconds", above=True) * 1e9)
    marks = published or {}
    panels = [
        _Panel(name, recording, since, marks.get(name, ()))
        for name, recording in recordings.items()
    ]
    begin = min((s.received_ns for p in panels for s in p.segments), default=0)
    finish = max((_end(s) for p in panels for s in p.segments), default=begin)
    busiest = max((len(panel.segments) for panel in panels), default=0)
    for panel in panels:
        panel.marks = [(seq, at) for seq, at in panel.marks if begin <= at <= finish]
    drawn = []
    for share in (1, 1.25, 1.5):  # the least height at which the fewest arrows go through words
        height = round(min(_HIGHEST, max(_LOWEST, share * 32 * busiest)))
        scale = _Scale(begin, max(finish, begin + 1), height)
        spoiled, svg = _svg(panels, scale, title)
        drawn.append((spoiled, height, svg))
        if spoiled == 0 or height == _HIGHEST:
            break
    return Drawing(min(drawn)[-1], _text(panels, begin))


class _Panel:
    def __init__(
        self, name: str, recording: Recording, since: int, marks: Sequence[tuple[int, int]]
    ) -> None:
        self.name = name
        self.marks = list(marks)
        held = [s for s in recording.segments if _end(s) >= since]
        self.segments = held[-MOST:]
        self.left_out = recording.dropped + len(held) - len(self.segments)
        self.labels = Labels(recording, self.segments)
        connections = len({segment.connection for segment in held})
        self.note = (
            f"{connections} connection{'' if connections == 1 else 's'}, "
            f"{_size(_bytes(held, 'up'))} up, {_size(_bytes(held, 'down'))} down"
        )


@dataclass(frozen=True)
class _Scale:
    begin: int
    finish: int
    height: int

    def y(self, at_ns: int) -> float:
        return _TOP + (at_ns - self.begin) / (self.finish - self.begin) * self.height

    def ticks(self) -> list[tuple[float, str]]:
        span = (self.finish - self.begin) / 1e9
        step = next(
            base * 10.0**power
            for power in range(-6, 6)
            for base in (1, 2, 5)
            if span / (base * 10.0**power) <= 8
        )
        unit, factor = ("ms", 1000) if span < 2 else ("s", 1)
        return [
            (self.y(self.begin + round(i * step * 1e9)), f"{i * step * factor:g} {unit}")
            for i in range(int(span / step) + 1)
        ]


def _end(segment: Segment) -> int:
    return segment.forwarded_ns or segment.received_ns


def _bytes(segments: Sequence[Segment], direction: str) -> int:
    return sum(len(segment.data) for segment in segments if segment.direction == direction)


def _size(size: int) -> str:
    return f"{size} B" if size < 10_000 else f"{size / 1000:.1f} kB"


# ── SVG ──

_RULES = """
.NAME .l{stroke:var(--soft);stroke-width:1.5}.NAME .g{stroke:var(--soft);opacity:.25}
.NAME .up{stroke:var(--blue);fill:var(--blue)}.NAME .down{stroke:var(--grey);fill:var(--grey)}
.NAME .news{stroke:var(--orange);fill:var(--orange);stroke-width:2}.NAME .p{fill:var(--orange)}
.NAME text.up,.NAME text.down,.NAME text.news{stroke:var(--paper);stroke-width:3px;
paint-order:stroke;font-size:10px}
"""


def _svg(panels: list[_Panel], scale: _Scale, title: str | None) -> tuple[int, str]:
    """Return how many labels are spoiled, and the drawing."""
    end = _AXIS + len(panels) * (_PANEL + _GAP)
    across = max(end, _TITLED if title else 0)
    down = _TOP + scale.height + _BOTTOM
    summary = "; ".join(f"{p.name}: {len(p.segments)} segments, {p.note}" for p in panels)
    parts, spoiled = [], 0
    for y, label in scale.ticks():
        parts.append(
            f'<line class="g" x1="{_AXIS}" x2="{end - _GAP}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text class="s" x="{_AXIS - 8}" y="{y + 4:.1f}" text-anchor="end">{label}</text>'
        )
    for place, panel in enumerate(panels):
        left = _AXIS + 6 + place * (_PANEL + _GAP)
        right = left + _PANEL - 12
        words = Words(_LABEL, [_line_of(s, left, right, scale) for s in panel.segments])
        parts += _draw_panel(panel, left, right, scale, words)
        spoiled += words.spoiled
    titles = lines(title, across, _HEAD * 1.15) if title else []  # bold letters are wider
    more = 16 * max(0, len(titles) - 1)
    if more:
        parts = [f'<g transform="translate(0 {more})">', *parts, "</g>"]
    for place, line in enumerate(titles):
        parts.append(f'<text class="h" x="0" y="{14 + 16 * place}">{escape(line)}</text>')
    label = f"Ladder diagram. {summary}"
    return spoiled, svg("ladder", (across, down + more), 760, label, _RULES, parts)


def _draw_panel(panel: _Panel, left: int, right: int, scale: _Scale, words: Words) -> list[str]:
    bottom = _TOP + scale.height
    parts = [
        f'<text class="h" x="{left}" y="32">{escape(panel.name)}</text>',
        f'<text class="s" x="{left}" y="47">{escape(panel.note)}</text>',
        f'<text class="s" x="{left}" y="{_TOP - 14}">client</text>',
        f'<text class="s" x="{right}" y="{_TOP - 14}" text-anchor="end">server</text>',
        f'<line class="l" x1="{left}" x2="{left}" y1="{_TOP - 4}" y2="{bottom}"/>',
        f'<line class="l" x1="{right}" x2="{right}" y1="{_TOP - 4}" y2="{bottom}"/>',
    ]
    if not panel.segments:
        parts.append(f'<text class="s" x="{left + 10}" y="{_TOP + 20}">nothing yet</text>')
    if panel.left_out:
        parts.append(
            f'<text class="s" x="{left}" y="{bottom + 16}">'
            f"the newest {len(panel.segments)} segments; {panel.left_out} earlier ones left out"
            "</text>"
        )
    numbers = Places(_NUMBER)
    for seq, at in panel.marks:
        y = scale.y(at)
        parts.append(
            f'<path class="p" d="M{right} {y - 4:.1f}l4 4l-4 4l-4 -4z">'
            f"<title>message {seq} published</title></path>"
        )
        if numbers.take(right, right + _GAP, [y]) is not None:
            parts.append(
                f'<text class="s" x="{right + 7}" y="{y + 3.5:.1f}" '
                f'font-size="{_NUMBER}">{seq}</text>'
            )
    labels = []
    for segment in panel.segments:
        carries = panel.labels.of(segment)
        parts += _draw_segment(segment, carries, left, right, scale)
        labels += _draw_label(segment, carries, left, right, scale, words)
    return [*parts, *labels]  # words on top: no arrow goes through them


def _draw_segment(
    segment: Segment, carries: Label, left: int, right: int, scale: _Scale
) -> list[str]:
    kind = _kind(segment, carries)
    x1, y1, x2, y2 = _line_of(segment, left, right, scale)
    lost = segment.forwarded_ns is None
    parts = [f"<g>{_tip(segment, carries)}"]
    if lost:
        parts.append(f'<text class="{kind}" x="{x2 - 3}" y="{y2 + 4:.1f}">✕</text>')
    dash = ' stroke-dasharray="3 3"' if segment.end else ""
    parts.append(
        f'<line class="{kind}" x1="{x1}" y1="{y1:.1f}" x2="{x2}" y2="{y2:.1f}"{dash}/>'
        + ("" if lost else arrow_head(kind, x1, y1, x2, y2))
    )
    return [*parts, "</g>"]


def _draw_label(
    segment: Segment, carries: Label, left: int, right: int, scale: _Scale, words: Words
) -> list[str]:
    """Put a label over or under the arrow, at its sender's side, if there is room."""
    text = _short(carries.words, _bytes_of(segment))
    up = segment.direction == "up"
    x, anchor = (left + 8, "start") if up else (right - 12, "end")
    room = width(text, _LABEL)
    start, stop = (x, x + room) if up else (x - room, x)
    y1, y2 = scale.y(segment.received_ns), scale.y(_end(segment))
    sunk = (y2 - y1) * min(1.0, (room + 12) / (right - left))  # the arrow, where the words end
    at = words.take(start, stop, [y1 - 3, y1 + sunk + _LABEL])
    if at is None:
        return []
    return [
        f'<text class="{_kind(segment, carries)}" x="{x}" y="{at:.1f}" text-anchor="{anchor}">'
        f"{_tip(segment, carries)}{escape(text)}</text>"
    ]


def _line_of(segment: Segment, left: int, right: int, scale: _Scale) -> Line:
    """Return where its arrow begins and ends; one that was lost ends half-way."""
    x1, x2 = (left, right) if segment.direction == "up" else (right, left)
    if segment.forwarded_ns is None:
        x2 = (x1 + x2) // 2
    return x1, scale.y(segment.received_ns), x2, scale.y(_end(segment))


def _kind(segment: Segment, carries: Label) -> str:
    return "up" if segment.direction == "up" else "news" if carries.news else "down"


def _bytes_of(segment: Segment) -> str:
    return "" if segment.end else f"{len(segment.data)} B"


def _tip(segment: Segment, carries: Label) -> str:
    label = ", ".join(part for part in (carries.words, _bytes_of(segment)) if part)
    return f"<title>{escape(f'{label}; {_fate(segment)}')}</title>"


def _short(words: str, size: str) -> str:
    room = 33 - len(size)
    short = words if len(words) <= room else words[: room - 1] + "…"
    return ", ".join(part for part in (short, size) if part)


# ── text ──


def _text(panels: list[_Panel], begin: int) -> str:
    lines = []
    for panel in panels:
        lines.append(f"{panel.name} ({panel.note})")
        if panel.left_out:
            lines.append(f"  ... {panel.left_out} earlier segments left out")
        rows = [(s.received_ns, _line(s, panel.labels.of(s), begin)) for s in panel.segments]
        rows += [
            (at, f"{(at - begin) / 1e6:10.2f} ms   ◆  message {seq} published")
            for seq, at in panel.marks
        ]
        lines += [line for _, line in sorted(rows)] or ["  nothing yet"]
    return "\n".join(lines)


def _line(segment: Segment, carries: Label, begin: int) -> str:
    arrow = "-->" if segment.direction == "up" else "<--"
    return (
        f"{(segment.received_ns - begin) / 1e6:10.2f} ms  {arrow} "
        f"{len(segment.data):6d} B  {_fate(segment):>24}  {carries.words}"
    )


def _fate(segment: Segment) -> str:
    if segment.forwarded_ns is None:
        return "never arrived"
    return f"{(segment.forwarded_ns - segment.received_ns) / 1e6:.2f} ms on the link"
