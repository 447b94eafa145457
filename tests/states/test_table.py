"""The state machines as tables, and whoever follows one."""

from __future__ import annotations

import importlib
import re
from collections import Counter

import pytest

import rtlab
from rtlab.states import DELIVERY, MACHINES, START, Follower, Machine, State, Transition
from rtlab.states.table import from_each

EACH = pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
CLIENTS = [machine for machine in MACHINES.values() if machine.name in rtlab.TRANSPORTS]
STATES = {"connecting", "open", "waiting", "reconnecting", "closed"}  # of a Report, but for "lost"

# ── tables ──


def test_there_is_a_machine_for_each_client_and_for_the_browser_s_own():
    assert list(MACHINES) == [*rtlab.TRANSPORTS, "EventSource", "WebSocket"]
    assert rtlab.machine("sse") is MACHINES["sse"]
    with pytest.raises(rtlab.UsageError, match="Did you mean 'EventSource'"):
        rtlab.machine("eventsource")


@EACH
def test_the_names_in_a_table_exist_and_are_unique(machine):
    names = [state.name for state in machine.states]
    assert len(set(names)) == len(names)
    assert {move.source for move in machine.transitions} <= {START, *names}
    assert {move.target for move in machine.transitions} <= set(names)


@EACH
def test_there_is_one_start_and_it_leads_to_the_first_state(machine):
    (first,) = [move for move in machine.transitions if move.source == START]
    assert first.target == machine.start == machine.states[0].name


@EACH
def test_every_state_can_be_reached_and_left_or_is_final(machine):
    reached, before = {START}, set()
    while reached != before:
        before = set(reached)
        reached |= {move.target for move in machine.transitions if move.source in reached}
    assert reached == {START, *(state.name for state in machine.states)}
    assert [state.name for state in machine.states if machine.final(state.name)] == [
        machine.states[-1].name
    ]


@EACH
def test_what_is_seen_tells_the_moves_of_a_state_apart(machine):
    seen = Counter((move.source, move.sign, move.target) for move in machine.transitions)
    assert set(seen.values()) == {1}


@pytest.mark.parametrize("machine", CLIENTS, ids=rtlab.TRANSPORTS)
def test_a_report_alone_says_where_a_client_goes(machine):
    seen = Counter((move.source, move.sign) for move in machine.transitions)
    assert set(seen.values()) == {1}
    for move in machine.transitions:
        if move.action in STATES:
            assert move.action == move.target
        else:
            assert (move.action in ("lost", DELIVERY)) and move.source == move.target == "open"


REFERENCE = re.compile(r"RFC \d{4} §[\d.]+|WHATWG (HTML|WebSockets) §[\d.]+|rtlab(\.\w+)+")


@EACH
def test_every_state_and_move_has_a_note_and_a_reference(machine):
    for part in (*machine.states, *machine.transitions):
        assert not part.note[0].islower() and part.note[-1] in ".)"
        assert REFERENCE.fullmatch(part.reference), part
        if part.reference.startswith("rtlab"):
            importlib.import_module(part.reference)


@pytest.mark.parametrize("name", ["EventSource", "WebSocket"])
def test_the_states_of_a_browser_s_object_are_in_the_order_of_their_numbers(name):
    assert [state.ready_state for state in MACHINES[name].states] == list(
        range(len(MACHINES[name].states))
    )


@pytest.mark.parametrize("name", ["sse", "websocket"])
def test_a_client_is_a_finer_view_of_the_browser_s_machine(name):
    """Each of its moves leaves ``readyState`` as it is, or changes it as a browser would."""
    machine = MACHINES[name]
    assert machine.browser is not None
    numbers = {state.name: state.ready_state for state in machine.browser.states}
    changes = {
        (numbers[move.source], numbers[move.target])
        for move in machine.browser.transitions
        if move.source != START
    }
    for move in machine.transitions:
        if move.source != START:
            change = tuple(machine.state(end).ready_state for end in (move.source, move.target))
            assert change[0] == change[1] or change in changes, move


def test_reconnecting_is_connecting_to_an_event_source_and_closed_to_a_websocket():
    assert MACHINES["sse"].state("reconnecting").ready_state == 0
    assert MACHINES["websocket"].state("reconnecting").ready_state == 3
    by_hand = [move for move in MACHINES["WebSocket"].transitions if move.by_hand]
    assert [(move.source, move.target) for move in by_hand] == [("CLOSED", "CONNECTING")]
    assert not any(move.by_hand for move in MACHINES["EventSource"].transitions)


# ── following ──


def report(state: str) -> rtlab.Report:
    return rtlab.Report(state)  # type: ignore[arg-type]


def test_a_follower_is_where_the_reports_lead():
    follower = rtlab.machine("sse").follow()
    assert follower.state == START
    for state in ("connecting", "open", "lost", "reconnecting", "connecting"):
        follower(report(state))
    assert follower.state == "connecting"
    follower(report("open"))
    assert follower.see(DELIVERY).event == "a message"
    assert follower.state == "open"
    assert follower.taken[rtlab.machine("sse").move("connecting", "open")] == 2
    assert not follower.violations


def test_a_message_that_the_table_does_not_have_is_kept_as_well():
    follower = rtlab.machine("sse").follow()
    follower.delivered()
    assert [violation.sign for violation in follower.violations] == ["delivery"]
    assert follower.state == START


def test_a_move_that_the_table_does_not_have_is_raised_with_what_can_come():
    follower = rtlab.machine("sse").follow()
    follower.see("connecting")
    with pytest.raises(rtlab.UnexpectedMove) as caught:
        follower.see("waiting")
    assert (caught.value.state, caught.value.sign) == ("connecting", "waiting")
    for word in ("sse", "'waiting'", "'open' (to open)", "'reconnecting' (to reconnecting)"):
        assert word in str(caught.value)
    assert follower.state == "connecting"


def test_a_listener_keeps_what_is_wrong_and_goes_where_the_client_is():
    follower = Follower(rtlab.machine("sse"))
    for state in ("open", "nonsense", "closed", "open"):
        follower(report(state))
    assert [violation.sign for violation in follower.violations] == ["open", "nonsense", "open"]
    assert "nothing at all" in str(follower.violations[-1])
    assert follower.state == "open"


def test_of_many_violations_the_newest_are_kept():
    follower = Follower(rtlab.machine("sse"))
    for number in range(1000):
        follower(report(f"nonsense {number}"))
    assert len(follower.violations) < 1000
    assert follower.violations[-1].sign == "nonsense 999"


def test_an_event_that_may_mean_two_things_needs_the_state_after_it():
    machine = rtlab.machine("EventSource")
    again = machine.move("CONNECTING", "error", "CONNECTING")
    never = machine.move("CONNECTING", "error", "CLOSED")
    assert (again.event, never.event) == ("network error", "another status or type")
    with pytest.raises(rtlab.UnexpectedMove, match="with OPEN after it"):
        machine.move("CONNECTING", "error", "OPEN")


def test_what_fires_nothing_is_known_by_what_happens():
    assert rtlab.machine("WebSocket").move("OPEN", "close()").target == "CLOSING"


def test_an_unknown_state_is_answered_with_the_known_ones():
    with pytest.raises(rtlab.UsageError, match="reconnecting"):
        rtlab.machine("sse").state("reconecting")
    with pytest.raises(rtlab.UsageError):
        rtlab.machine("sse").diagram(current="sleeping")


def test_a_machine_of_ones_own_is_a_table_like_any_other():
    states = tuple(State(name, "Note.", "RFC 9110 §9") for name in ("a", "b", "c"))
    moves = (
        Transition(START, "go", "a", "Note.", "RFC 9110 §9"),
        Transition("a", "on", "b", "Note.", "RFC 9110 §9"),
        *from_each(("a", "b"), "stop", "c", "Note.", "RFC 9110 §9"),
    )
    follower = Machine("mine", "My own", states, moves).follow()
    for sign in ("go", "on", "stop"):
        follower.see(sign)
    assert follower.state == "c"
    assert "My own" in repr(follower) and "▶ c" in repr(follower)
    assert "<svg" in follower._repr_html_() and "<svg" in follower.machine._repr_html_()
