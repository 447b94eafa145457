"""Where the parts of a state diagram stand: the states in a column, the moves beside and between.

The rule, from the inside out. Moves to the next or the last state are arrows in the gap between the
two; longer ones go along a lane, down at the left, up at the right; moves that stay are loops at a
box's side. The same move from several neighbours leaves from a frame around them. Every label has a
place that is kept free for it, and gaps grow with what they have to hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from rtlab.render.arrows import BETWEEN, SIDES, Arrow, Point, Side, arrows_of, label, set_levels
from rtlab.states.table import Machine, State

BOX_WIDTH, BOX_HEIGHT = 124, 44  # pixels, as everything here
_ROOM = 126  # beside the boxes, for loops, labels and one lane
_FURTHER = 92  # for each more lane
_EDGE, _PAD, _LOOP = 9, 6, 18  # of the drawing to a lane, of a line to its label, of a loop
_HEAD, _ENTRY, _GAP, _FRAME = 24, 40, 36, 12  # title, gap above the first box, least gap, frame


class Box(NamedTuple):
    """A state's box."""

    state: State
    x: float
    y: float


class Frame(NamedTuple):
    """A frame around neighbours."""

    x: float
    y: float
    width: float
    height: float


@dataclass
class Layout:
    """A diagram, laid out. Sizes are pixels."""

    width: int
    height: int
    boxes: list[Box]
    arrows: list[Arrow]
    frames: list[Frame]


def layout(machine: Machine) -> Layout:
    """Lay out the diagram of a machine."""
    return _Column(machine).build()


class _Column:
    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        arrows = list(arrows_of(machine))
        self.entry = next(arrow for arrow in arrows if arrow.first < 0)
        arrows.remove(self.entry)
        self.arrows = arrows
        self.loops = {arrow.first: arrow for arrow in arrows if arrow.loop}
        self.gaps: dict[int, list[Arrow]] = {n: [] for n in range(len(machine.states))}
        for arrow in arrows:
            if not arrow.loop and arrow.gap is not None:
                self.gaps[arrow.gap].append(arrow)
        self.lanes = [arrow for arrow in arrows if not arrow.loop and arrow.gap is None]
        set_levels(self.lanes)
        left, right = (_ROOM + _FURTHER * self._further(side) for side in SIDES)
        self.left = left
        self.right = left + BOX_WIDTH
        self.middle = left + BOX_WIDTH / 2
        self.width = self.right + right
        self.frames = sorted({(a.first, a.last) for a in arrows if a.framed})
        self.stacks: dict[tuple[int, Side], list[Arrow]] = {}

    def build(self) -> Layout:
        """Place everything: labels into gaps first, because they say how high a gap is."""
        self._stack_labels()
        height = self._place_rows()
        self._draw_entry()
        for number in self.gaps:
            self._draw_gap(number)
        for lane in self.lanes:
            self._draw_lane(lane)
        for row, loop in self.loops.items():
            self._draw_loop(row, loop)
        boxes = [
            Box(state, self.left, self.tops[row]) for row, state in enumerate(self.machine.states)
        ]
        frames = [
            Frame(1, self.tops[a] - _FRAME, self.width - 2, self._bottom(b) - self.tops[a] + _FRAME)
            for a, b in self.frames
        ]
        return Layout(self.width, height, boxes, [self.entry, *self.arrows], frames)

    # ── how much room there is ──

    def _further(self, side: Side) -> int:
        return max((lane.level for lane in self.lanes if lane.side == side), default=0)

    def _lane(self, arrow: Arrow) -> float:
        away = _ROOM - _EDGE + _FURTHER * arrow.level
        return self.left - away if arrow.side == "left" else self.right + away

    def _bound(self, side: Side, rows: tuple[int, int]) -> float:
        """Where the room at a side ends, between two rows or beside one."""
        lanes = [
            self._lane(lane)
            for lane in self.lanes
            if lane.side == side and lane.rows[0] <= rows[1] and lane.rows[1] >= rows[0]
        ]
        if side == "left":
            return max(lanes, default=0.0) + _PAD
        return min(lanes, default=float(self.width)) - _PAD

    def _columns(self, number: int) -> list[float]:
        """Where the arrows of a gap stand."""
        most = len(self.gaps[number])
        return [self.middle + (n - (most - 1) / 2) * 44 for n in range(most)]

    def _label_room(self, arrow: Arrow, number: int, side: Side) -> float:
        if arrow.level:
            return _FURTHER - 2 * _PAD
        columns = self._columns(number) or [self.middle]
        bound = self._bound(side, (number - 1, number))
        return columns[0] - _PAD - bound if side == "left" else bound - columns[-1] - _PAD

    # ── labels into gaps ──

    def _stack_labels(self) -> None:
        for number, arrows in self.gaps.items():
            arrows.sort(key=lambda arrow: arrow.target < number)  # down left, up right
            self.stacks[number, "left"] = arrows[:-1] if len(arrows) > 1 else []
            self.stacks[number, "right"] = arrows[-1:] if len(arrows) > 1 else []
        for lane in self.lanes:
            top, bottom = lane.rows
            number = min(range(top + 1, bottom + 1), key=lambda n: self._load(n, lane.side))
            self.stacks[number, lane.side].append(lane)
        for number, arrows in self.gaps.items():
            if len(arrows) == 1:
                fuller = len(self.stacks[number, "right"]) > len(self.stacks[number, "left"])
                side: Side = "left" if fuller else "right"
                self.stacks[number, side].insert(0, arrows[0])
        for (number, side), stack in self.stacks.items():
            for arrow in stack:
                arrow.lines = label(self.machine, arrow, self._label_room(arrow, number, side))

    def _load(self, number: int, side: Side) -> tuple[int, int]:
        other: Side = "right" if side == "left" else "left"
        return len(self.stacks[number, side]), len(self.stacks[number, other])

    # ── rows and gaps, from the top ──

    def _place_rows(self) -> int:
        self.tops: list[float] = []
        self.label_tops: dict[int, float] = {}
        self.label_heights: dict[int, float] = {}
        y = float(_HEAD)
        for row in self.gaps:
            y += _FRAME if any(last == row - 1 for _, last in self.frames) else 0
            stacks = [_height(self.stacks[row, side]) for side in SIDES]
            self.label_tops[row] = y
            self.label_heights[row] = max(_GAP, *(height + 10 for height in stacks))
            y += self.label_heights[row] if row else _ENTRY
            y += _FRAME if any(first == row for first, _ in self.frames) else 0
            above, below = self._loop_room(row)
            self.tops.append(y + above)
            y += above + BOX_HEIGHT + below
        return round(y + 4)

    def _bottom(self, row: int) -> float:
        """Where a row ends, and the frame around it if it is the last in one."""
        end = self.tops[row] + BOX_HEIGHT
        return end + (_FRAME if any(last == row for _, last in self.frames) else 0)

    def _loop_side(self, row: int) -> tuple[Side, float, float]:
        """The side of a row's loop, and how much of it lanes' ends take, above and below."""
        options: list[tuple[Side, float, float]] = []
        for side in ("right", "left"):
            lanes = [lane for lane in self.lanes if lane.side == side]
            upper = [_aside(lane) + 7 for lane in lanes if lane.rows[1] == row]
            lower = [_aside(lane) + 7 for lane in lanes if lane.rows[0] == row and not lane.framed]
            options.append((side, max(upper, default=0), max(lower, default=0)))
        return min(options, key=lambda option: option[1] + option[2])

    def _loop_room(self, row: int) -> tuple[float, float]:
        """What a loop's label needs above and below the box."""
        if row not in self.loops:
            return 0, 0
        side, upper, lower = self._loop_side(row)
        loop = self.loops[row]
        edge = self.left if side == "left" else self.right
        room = abs(self._bound(side, (row, row)) - edge) - _LOOP - 3
        loop.lines = label(self.machine, loop, room)
        need = max(0.0, loop.height + upper + lower - BOX_HEIGHT)
        if upper or lower:
            return (0, need) if upper else (need, 0)
        return need / 2, need / 2

    # ── drawing ──

    def _draw_entry(self) -> None:
        top = self.label_tops[0]
        self.entry.points = [Point(self.middle, top + 5), Point(self.middle, self.tops[0])]
        self.entry.lines = label(self.machine, self.entry, self.width - self.middle - 2 * _PAD)
        self.entry.at = Point(self.middle + 2 * _PAD, top + 9)

    def _draw_gap(self, number: int) -> None:
        for x, arrow in zip(self._columns(number), self.gaps[number], strict=True):
            top = self.tops[number - 1] + BOX_HEIGHT
            start = self._bottom(arrow.last) if arrow.framed else top
            ends = [Point(x, start), Point(x, self.tops[number])]
            arrow.points = ends if arrow.target == number else ends[::-1]
        for side in SIDES:
            stack = self.stacks[number, side]
            free = self.label_heights[number] - _height(stack)
            y = self.label_tops[number] + free / 2 + 10
            for arrow in stack:
                arrow.at, arrow.anchor = self._label_place(arrow, number, side, y)
                y += arrow.height + BETWEEN

    def _label_place(
        self, arrow: Arrow, number: int, side: Side, y: float
    ) -> tuple[Point, Literal["start", "end"]]:
        """A label stands at its line: an arrow's outside of it, a lane's inside."""
        if arrow in self.gaps[number]:
            x = self._columns(number)[self.gaps[number].index(arrow)]
            return (Point(x - _PAD, y), "end") if side == "left" else (Point(x + _PAD, y), "start")
        x = self._lane(arrow)
        return (Point(x + _PAD, y), "start") if side == "left" else (Point(x - _PAD, y), "end")

    def _draw_lane(self, lane: Arrow) -> None:
        x = self._lane(lane)
        edge = self.left if lane.side == "left" else self.right
        top, bottom = lane.rows
        upper = Point(edge, self.tops[top] + BOX_HEIGHT - _aside(lane))
        lower = Point(edge, self.tops[bottom] + _aside(lane))
        points = [upper, Point(x, upper.y), Point(x, lower.y), lower]
        if lane.framed:
            points = [Point(x, self._bottom(lane.last)), Point(x, lower.y), lower]
        lane.points = points if lane.side == "left" else points[::-1]

    def _draw_loop(self, row: int, loop: Arrow) -> None:
        side, upper, lower = self._loop_side(row)
        out = -1 if side == "left" else 1
        edge = self.left if side == "left" else self.right
        top, bottom = self.tops[row] + upper, self.tops[row] + BOX_HEIGHT - lower
        middle = self.tops[row] + BOX_HEIGHT / 2
        start = middle - loop.height / 2
        if upper:
            middle, start = max(middle, top + 10), max(start, top)
        elif lower:
            middle, start = min(middle, bottom - 10), min(start, bottom - loop.height)
        high, low = Point(edge, middle - 9), Point(edge, middle + 9)
        turn = edge + out * _LOOP * 0.8
        loop.points = [high, Point(turn, high.y), Point(turn, low.y), low]
        loop.at = Point(edge + out * (_LOOP + 3), start + 10)
        loop.anchor = "end" if side == "left" else "start"


def _aside(lane: Arrow) -> float:
    """How far from a box's corner a lane ends: those further out pass the ends of the others."""
    return 9 + 7 * lane.level


def _height(stack: list[Arrow]) -> float:
    return sum(arrow.height + BETWEEN for arrow in stack)
