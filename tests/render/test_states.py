from __future__ import annotations

from collections import Counter
from dataclasses import replace
from xml.etree import ElementTree

import pytest

import rtlab
from rtlab.render.column import BOX_HEIGHT, BOX_WIDTH, layout
from rtlab.render.states import diagram
from rtlab.states import MACHINES, Machine, State, Transition

SVG = "{http://www.w3.org/2000/svg}"
EACH = pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)


def groups(svg: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(svg).iter(f"{SVG}g"))


def state(svg: str, name: str) -> ElementTree.Element:
    (found,) = [group for group in groups(svg) if group.get("data-state") == name]
    return found


def arrows(svg: str, event: str) -> list[ElementTree.Element]:
    """The arrows whose title begins with an event, or has it on a further line."""
    moves = [group for group in groups(svg) if group.get("data-state") is None]
    return [
        group
        for group in moves
        if any(line.startswith(f"{event}: ") for line in title(group).splitlines())
    ]


def title(group: ElementTree.Element) -> str:
    return group.findtext(f"{SVG}title") or ""


def words(element: ElementTree.Element) -> str:
    """Everything that can be read, without the broken lines."""
    texts = ["".join(text.itertext()) for text in element.iter(f"{SVG}text")]
    return " ".join(" ".join(texts).split())


@EACH
def test_every_state_and_every_move_of_the_table_is_drawn(machine: Machine) -> None:
    svg = diagram(machine).svg
    for part in machine.states:
        assert words(state(svg, part.name)).startswith(part.name)
        assert part.note in title(state(svg, part.name))
        assert part.reference in title(state(svg, part.name))
    for move in machine.transitions:
        found = [arrow for arrow in arrows(svg, move.event) if move.note in title(arrow)]
        assert found, move
        assert all(move.event in words(a) and move.reference in title(a) for a in found)


@EACH
def test_every_move_is_part_of_one_arrow_that_ends_at_its_target(machine: Machine) -> None:
    plan = layout(machine)
    drawn = [move for arrow in plan.arrows for move in arrow.moves]
    assert sorted(map(repr, drawn)) == sorted(map(repr, machine.transitions))
    boxes = {box.state.name: box for box in plan.boxes}
    for arrow in plan.arrows:
        for move in arrow.moves:
            tip, box = arrow.points[-1], boxes[move.target]
            assert tip.x in (box.x, box.x + BOX_WIDTH) or tip.y in (box.y, box.y + BOX_HEIGHT)
            assert box.x <= tip.x <= box.x + BOX_WIDTH
            assert box.y <= tip.y <= box.y + BOX_HEIGHT


@EACH
def test_it_is_drawn_the_same_each_time(machine: Machine) -> None:
    assert layout(machine) == layout(machine)


def test_the_same_move_from_neighbours_is_one_arrow_from_a_frame() -> None:
    (leave,) = [a for a in layout(rtlab.machine("sse")).arrows if a.target == 3]
    assert [move.source for move in leave.moves] == ["connecting", "open", "reconnecting"]
    (frame,) = layout(rtlab.machine("sse")).frames
    boxes = {box.state.name: box for box in layout(rtlab.machine("sse")).boxes}
    for name, box in boxes.items():
        assert (frame.y < box.y < frame.y + frame.height) == (name != "closed")
    assert leave.points[0].y == frame.y + frame.height


def test_the_current_state_has_a_mark_and_the_others_have_none() -> None:
    svg = diagram(rtlab.machine("sse"), "open").svg
    assert state(svg, "open").get("class") == "now"
    assert words(state(svg, "open")).startswith("▶ open")
    assert words(ElementTree.fromstring(svg)).count("▶") == 1
    assert "▶ open" in (ElementTree.fromstring(svg).get("aria-label") or "")
    assert "▶" not in diagram(rtlab.machine("sse")).svg


def test_an_unknown_current_state_is_answered_with_the_known_ones() -> None:
    with pytest.raises(rtlab.UsageError, match="reconnecting"):
        diagram(rtlab.machine("sse"), "asleep")


def test_moves_that_were_made_are_counted_and_drawn_thicker() -> None:
    machine = rtlab.machine("sse")
    first, second, *_ = machine.transitions
    drawn = diagram(machine, "open", [first, second, second])
    (once,), (twice,) = arrows(drawn.svg, first.event), arrows(drawn.svg, second.event)
    assert words(once).endswith("×1") and words(twice).endswith("×2")
    assert all("made" in (arrow.get("class") or "").split() for arrow in (once, twice))
    (never,) = arrows(drawn.svg, "the delay is over")
    assert "×" not in words(never) and "made" not in (never.get("class") or "")
    row = next(line for line in drawn.text.splitlines() if "200, text/event-stream" in line)
    assert row.split()[-1] == "2"
    assert "times" not in diagram(machine).text


def test_what_leaves_a_frame_is_counted_for_all_states_in_it() -> None:
    machine = rtlab.machine("sse")
    leaves = [move for move in machine.transitions if move.target == "closed"]
    (arrow,) = arrows(diagram(machine, None, leaves).svg, leaves[0].event)
    assert "×3" in words(arrow)


def test_of_very_many_moves_the_drawing_says_so_and_the_table_how_many() -> None:
    machine = rtlab.machine("sse")
    drawn = diagram(machine, None, Counter({machine.transitions[3]: 1234}))
    assert "≥99" in words(*arrows(drawn.svg, "a message"))
    assert "1,234" in drawn.text and "1,234" in drawn.more


def test_moves_by_hand_are_dashed_and_say_so() -> None:
    dashed = [g for g in groups(diagram(MACHINES["WebSocket"]).svg) if "hand" in g.get("class", "")]
    (by_hand,) = dashed
    assert words(by_hand).startswith("by hand")


def test_a_final_state_has_a_second_border() -> None:
    svg = diagram(rtlab.machine("sse")).svg
    borders = {name: len(list(state(svg, name).iter(f"{SVG}rect"))) for name in ("open", "closed")}
    assert borders == {"open": 1, "closed": 2}


def test_a_client_s_states_name_what_a_browser_would_say() -> None:
    svg = diagram(rtlab.machine("websocket")).svg
    assert "browser: CLOSED" in words(state(svg, "reconnecting"))
    assert "browser: CONNECTING" in words(state(diagram(rtlab.machine("sse")).svg, "reconnecting"))
    assert "browser" not in diagram(rtlab.machine("polling")).text


def test_a_browser_s_moves_name_the_events_that_they_fire() -> None:
    (arrow,) = arrows(diagram(MACHINES["EventSource"]).svg, "network error")
    assert "fires error" in words(arrow)


@EACH
def test_text_and_table_have_every_move_and_the_notes_follow(machine: Machine) -> None:
    drawn = diagram(machine)
    for move in machine.transitions:
        line = f"{move.source} {move.event} {move.target} {move.action or '-'}"
        assert line in "\n".join(" ".join(row.split()) for row in drawn.text.splitlines())
    more = ElementTree.fromstring(f"<div>{drawn.more}</div>")
    rows = [["".join(cell.itertext()) for cell in row] for row in more.iter("tr")]
    assert [row[:3] for row in rows[1:]] == [
        [move.source, move.event, move.target] for move in machine.transitions
    ]
    notes = ["".join(item.itertext()) for item in more.iter("li")]
    parts = [(state.name, state) for state in machine.states]
    parts += [(move.event, move) for move in machine.transitions]
    for name, part in parts:
        assert f"{name}: {part.note} [{part.reference}]" in notes
    assert len(set(notes)) == len(notes)


def test_what_a_table_says_is_escaped() -> None:
    hostile = "</text><script>alert('&\"')</script>"
    machine = replace(
        rtlab.machine("sse"),
        title=hostile,
        states=(State(hostile, hostile, hostile), State("end", hostile, hostile)),
        transitions=(
            Transition("●", hostile, hostile, hostile, hostile),
            Transition(hostile, hostile, "end", hostile, hostile, hostile),
        ),
        browser=None,
    )
    drawn = diagram(machine, hostile, machine.transitions)
    assert "<script>" not in drawn.svg + drawn.more
    ElementTree.fromstring(drawn.svg)
    ElementTree.fromstring(f"<div>{drawn.more}</div>")


@EACH
def test_each_move_is_found_and_counted_by_its_row_in_the_table(machine: Machine) -> None:
    svg = ElementTree.fromstring(diagram(machine).svg)
    for kind in ("g", "text"):
        rows = " ".join(part.get("data-moves", "") for part in svg.iter(f"{SVG}{kind}")).split()
        assert sorted(map(int, rows)) == list(range(len(machine.transitions))), kind
