"""The diagram of a state machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from html import escape

from rtlab.render.arrows import Arrow, Line, Point
from rtlab.render.column import BOX_HEIGHT, BOX_WIDTH, Box, layout
from rtlab.render.drawing import Drawing, arrow_head, svg
from rtlab.render.table import Cell, html_table, text_table
from rtlab.states.table import Machine, Transition

_NOW = "▶"  # told apart by a mark and a thicker border, not by colour alone
_RULES = """
.NAME .f{fill:none;stroke:var(--soft);stroke-dasharray:1 3;stroke-linecap:round}
.NAME .b{fill:var(--fill);stroke:var(--soft);stroke-width:1.2}
.NAME .i{fill:none;stroke:var(--soft)}.NAME .n{font-size:13px;font-weight:600}
.NAME .now .b{fill:var(--here);stroke:var(--blue);stroke-width:3}
.NAME path{fill:none;stroke:var(--grey);stroke-width:1.4}
.NAME polygon{fill:var(--grey)}.NAME .dot{fill:var(--ink)}
.NAME .hand path{stroke-dasharray:6 4}
.NAME .made path{stroke:var(--blue);stroke-width:2.6}.NAME .made polygon{fill:var(--blue)}
.NAME text{stroke:var(--paper);stroke-width:3px;paint-order:stroke;stroke-linejoin:round}
.NAME .n,.NAME .r{stroke:none;text-anchor:middle}.NAME .r{font-size:9.5px}
.NAME .c{fill:var(--blue);font-weight:600}
"""


def diagram(
    machine: Machine, current: str | None = None, trail: Iterable[Transition] = ()
) -> Drawing:
    """Draw a state machine.

    Args:
        machine: which one.
        current: the state to light up.
        trail: moves that were made, each as often as it was, in any order or in a ``Counter``.

    Raises:
        UsageError: the machine has no such state.
    """
    now = None if current is None else machine.state(current).name
    made = Counter(trail)
    columns, rows = _rows(machine, made)
    caption = machine.title + ("" if now is None else f": {now}")
    return Drawing(
        _svg(machine, now, made),
        f"{_states(machine, now)}\n\n{text_table(columns, rows)}",
        html_table(columns, rows, caption) + _notes(machine),
    )


# ── SVG ──


def _svg(machine: Machine, now: str | None, made: Counter[Transition]) -> str:
    plan = layout(machine)
    entry = plan.arrows[0].points[0]
    parts = [f'<text class="h" x="1" y="14">{escape(machine.title)}</text>']
    parts += [
        f'<rect class="f" x="{f.x}" y="{f.y:.1f}" width="{f.width}" height="{f.height:.1f}" '
        'rx="10"/>'
        for f in plan.frames
    ]
    parts += [_arrow(machine, arrow, made) for arrow in plan.arrows]
    parts.append(f'<circle class="dot" cx="{entry.x}" cy="{entry.y:.1f}" r="5"/>')
    parts += [_box(machine, box, now) for box in plan.boxes]
    said = f"State machine. {_states(machine, now)}"
    return svg("states", (plan.width, plan.height), 300, said, _RULES, parts)


def _box(machine: Machine, box: Box, now: str | None) -> str:
    state = box.state
    lit = state.name == now
    size = f'width="{BOX_WIDTH}" height="{BOX_HEIGHT}"'
    inner = f'width="{BOX_WIDTH - 7}" height="{BOX_HEIGHT - 7}"'
    middle = box.x + BOX_WIDTH / 2
    small = _ready_state(machine, state.name)
    name = f"{_NOW} {state.name}" if lit else state.name
    return "".join(
        [
            f'<g class="{"now" if lit else "state"}" data-state="{escape(state.name)}">',
            f"<title>{escape(f'{state.name}: {state.note} [{state.reference}]')}</title>",
            f'<rect class="b" x="{box.x}" y="{box.y:.1f}" {size} rx="9"/>',
            f'<rect class="i" x="{box.x + 3.5}" y="{box.y + 3.5:.1f}" {inner} rx="6"/>'
            if machine.final(state.name)
            else "",
            f'<text class="n" x="{middle}" y="{box.y + (20 if small else 27):.1f}">'
            f"{escape(name)}</text>",
            f'<text class="r s" x="{middle}" y="{box.y + 34:.1f}">{escape(small)}</text>'
            if small
            else "",
            "</g>",
        ]
    )


def _arrow(machine: Machine, arrow: Arrow, made: Counter[Transition]) -> str:
    taken = any(made[move] for move in arrow.moves)
    kinds = "move" + (" made" if taken else "") + (" hand" if arrow.moves[0].by_hand else "")
    notes = dict.fromkeys(f"{m.event}: {m.note} [{m.reference}]" for m in arrow.moves)
    tip, before = arrow.points[-1], arrow.points[-2]
    return "".join(
        [
            f'<g class="{kinds}"{_numbers(machine, arrow.moves)}>',
            f"<title>{escape(chr(10).join(notes))}</title>",
            f'<path d="{_way(arrow.points)}"/>',
            arrow_head("", before.x, before.y, tip.x, tip.y),
            *(_label(machine, arrow, line, made) for line in arrow.lines),
            "</g>",
        ]
    )


def _label(machine: Machine, arrow: Arrow, line: Line, made: Counter[Transition]) -> str:
    # A frame's arrow counts for all states in it.
    event = line.move.event if line.move is not None else None
    counted = [move for move in arrow.moves if move.event == event]
    times = sum(made[move] for move in counted)
    count = f'<tspan class="c"> {f"×{times}" if times < 100 else "≥99"}</tspan>' if times else ""
    return (
        f'<text{_soft(line)}{_numbers(machine, counted)} x="{arrow.at.x:.1f}" '
        f'y="{arrow.at.y + line.y:.1f}" text-anchor="{arrow.anchor}">'
        f"{escape(line.text)}{count}</text>"
    )


def _numbers(machine: Machine, moves: Iterable[Transition]) -> str:
    """Say which moves these are, by their rows in the table: a live view counts them there."""
    rows = " ".join(str(machine.transitions.index(move)) for move in moves)
    return f' data-moves="{rows}"' if rows else ""


def _soft(line: Line) -> str:
    return ' class="s"' if line.soft else ""


def _way(points: list[Point], radius: float = 8) -> str:
    """Return an SVG path along the points, its corners rounded."""
    parts = [f"M{points[0].x:.1f} {points[0].y:.1f}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        start, end = _towards(corner, before, radius), _towards(corner, after, radius)
        parts.append(f"L{start.x:.1f} {start.y:.1f}Q{corner.x:.1f} {corner.y:.1f}")
        parts.append(f" {end.x:.1f} {end.y:.1f}")
    return "".join([*parts, f"L{points[-1].x:.1f} {points[-1].y:.1f}"])


def _towards(corner: Point, other: Point, radius: float) -> Point:
    """The point so far from a corner; half way to the next one if that is nearer."""
    dx, dy = other.x - corner.x, other.y - corner.y
    length = max(abs(dx), abs(dy)) or 1  # ways are level or upright
    share = min(radius / length, 0.5)
    return Point(corner.x + dx * share, corner.y + dy * share)


# ── words ──


def _ready_state(machine: Machine, name: str) -> str:
    """What stands below a state's name."""
    number = machine.state(name).ready_state
    if number is None:
        return ""
    if machine.browser is None:
        return f"readyState {number}"
    shown = next(state for state in machine.browser.states if state.ready_state == number)
    return f"browser: {shown.name}"


def _states(machine: Machine, now: str | None) -> str:
    words = []
    for state in machine.states:
        more = [text for text in (_ready_state(machine, state.name),) if text]
        more += ["final"] if machine.final(state.name) else []
        mark = f"{_NOW} " if state.name == now else ""
        words.append(mark + state.name + (f" ({', '.join(more)})" if more else ""))
    return f"{machine.title}. States: {', '.join(words)}."


def _rows(machine: Machine, made: Counter[Transition]) -> tuple[list[str], list[list[Cell]]]:
    columns = ["from", "what happens", "to", machine.verb]
    rows: list[list[Cell]] = [
        [move.source, move.event, move.target, move.action or "-"] for move in machine.transitions
    ]
    if made:
        columns.append("times")
        for row, move in zip(rows, machine.transitions, strict=True):
            row.append(made[move])
    return columns, rows


def _notes(machine: Machine) -> str:
    known = [(state.name, state.note, state.reference) for state in machine.states]
    known += [(move.event, move.note, move.reference) for move in machine.transitions]
    items = "".join(
        f"<li><b>{escape(name)}</b>: {escape(f'{note} [{reference}]')}</li>"
        for name, note, reference in dict.fromkeys(known)
    )
    return f"<ul>{items}</ul>"
