"""The arrows of a state diagram: which moves each stands for, and which way it takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from textwrap import wrap
from typing import Literal, NamedTuple

from rtlab.states.table import START, Machine, Transition

Side = Literal["left", "right"]
SIDES: tuple[Side, Side] = ("left", "right")
LINE, BETWEEN = 13, 4  # pixels from one line of a label to the next, and more between two labels
_CHAR = 6.0  # pixels, a wide guess: which font the reader has, nobody knows
_COUNT = "\u00a0×00"  # room for how often a move was made, on the line of its last word


class Point(NamedTuple):
    """A place in the drawing."""

    x: float
    y: float


class Line(NamedTuple):
    """A line of a label.

    Attributes:
        text: what it says.
        y: of its foot, from that of the label's first line.
        move: whose words end here, for their count; ``None`` on other lines.
        soft: whether it is an addition.
    """

    text: str
    y: int
    move: Transition | None = None
    soft: bool = False


@dataclass
class Arrow:
    """Moves that are drawn as one.

    Attributes:
        moves: one; or the same from several neighbours; or all loops of a state.
        first: the row of the upmost state that it leaves; -1 is the dot above all.
        last: the row of the lowest.
        target: the row at which it ends.
        level: how far out its lane goes, if it takes one.
        points: the corners of its way, its head at the last.
        lines: of its label.
        at: where the label's first line begins, or ends if ``anchor`` is ``"end"``.
        anchor: as in SVG.
    """

    moves: tuple[Transition, ...]
    first: int
    last: int
    target: int
    level: int = 0
    points: list[Point] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    at: Point = field(default=Point(0, 0))
    anchor: Literal["start", "end"] = "start"

    @property
    def loop(self) -> bool:
        """Whether it stays where it is."""
        return self.first == self.last == self.target

    @property
    def framed(self) -> bool:
        """Whether it leaves from several states."""
        return self.first < self.last

    @property
    def height(self) -> float:
        """Of its label."""
        return self.lines[-1].y + LINE

    @property
    def gap(self) -> int | None:
        """The gap that it crosses, numbered like the state below it, if it crosses just one."""
        if self.target == self.last + 1:
            return self.target
        return self.first if self.target == self.first - 1 else None

    @property
    def side(self) -> Side:
        """The side of its lane."""
        return "left" if self.target > self.last else "right"

    @property
    def rows(self) -> tuple[int, int]:
        """The states between which its lane goes, the upper one first."""
        return (self.last, self.target) if self.side == "left" else (self.target, self.first)


def arrows_of(machine: Machine) -> Iterable[Arrow]:
    """Put the moves together that are drawn as one."""
    rows = {state.name: row for row, state in enumerate(machine.states)} | {START: -1}
    groups: dict[str | Transition, list[Transition]] = {}
    for move in machine.transitions:
        same = move.source if move.source == move.target else replace(move, source="")
        groups.setdefault(same, []).append(move)
    for moves in groups.values():
        sources = sorted({rows[move.source] for move in moves})
        target = rows[moves[0].target]
        neighbours = sources == list(range(sources[0], sources[-1] + 1)) and target > sources[-1]
        if len(sources) == 1 or neighbours:
            yield Arrow(tuple(moves), sources[0], sources[-1], target)
        else:
            yield from (Arrow((m,), rows[m.source], rows[m.source], target) for m in moves)


def set_levels(lanes: list[Arrow]) -> None:
    """Say how far out each lane goes: the short ones inside, and none on another."""
    done: list[Arrow] = []
    for lane in sorted(lanes, key=lambda lane: lane.rows[1] - lane.rows[0]):
        (top, bottom), beside = lane.rows, [other for other in done if other.side == lane.side]
        taken = {o.level for o in beside if o.rows[0] <= bottom and o.rows[1] >= top}
        lane.level = next(n for n in range(len(lanes)) if n not in taken)
        done.append(lane)


def label(machine: Machine, arrow: Arrow, room: float) -> list[Line]:
    """Return the lines of an arrow's label, broken where the room ends (pixels)."""
    lines: list[Line] = []
    most = max(int(room / _CHAR), 8)
    for move in arrow.moves if arrow.loop else arrow.moves[:1]:
        texts = wrap(move.event + _COUNT, most, break_long_words=False, break_on_hyphens=False)
        y = lines[-1].y + LINE + BETWEEN if lines else 0
        lines += [Line(text, y + LINE * n) for n, text in enumerate(texts)]
        lines[-1] = Line(texts[-1].removesuffix(_COUNT), lines[-1].y, move)
        if machine.verb == "fires" and move.action:
            lines.append(Line(f"fires {move.action}", lines[-1].y + LINE, soft=True))
    if arrow.framed:
        lines.append(Line("from any in the frame", lines[-1].y + LINE, soft=True))
    return lines
