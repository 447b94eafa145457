"""What a state machine is: states, the moves between them, and somebody who follows."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from rtlab.arguments import one_of
from rtlab.errors import UnexpectedMove

if TYPE_CHECKING:
    from rtlab.render.drawing import Drawing

START = "●"
"""Where every machine begins, before its first state (the same dot as in the diagram)."""
DELIVERY = "delivery"
"""What is seen of a Python client when it yields a message."""
KEPT = 100
"""Violations that a follower remembers; of more, the newest."""


@dataclass(frozen=True, slots=True)
class State:
    """A state of a machine.

    Attributes:
        name: as the reports or the standard have it.
        note: what is the case in it.
        reference: the clause, or the module of ours, that says so.
        ready_state: the ``readyState`` that a browser's object has in it, or would have; ``None``
            where browsers have no such object.
    """

    name: str
    note: str
    reference: str
    ready_state: int | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """A move from one state to the next, or back to the same.

    Attributes:
        source: where it begins; ``START`` for the first of all.
        event: what happens.
        target: where it ends.
        note: what there is to know of it.
        reference: the clause, or the module of ours, that says so.
        action: what is seen of it from outside: the state of a ``Report``, ``"delivery"``, or the
            name of the event that a page gets. Empty if nothing is.
        by_hand: whether the standard has no such move, so that a program must make it itself.
    """

    source: str
    event: str
    target: str
    note: str
    reference: str
    action: str = ""
    by_hand: bool = False

    @property
    def sign(self) -> str:
        """How a follower knows it: the action, or what happens itself if no action follows."""
        return self.action or self.event


def from_each(
    sources: Iterable[str], event: str, target: str, note: str, reference: str, action: str = ""
) -> tuple[Transition, ...]:
    """Return the same move from several states; a diagram draws one arrow for all."""
    return tuple(Transition(source, event, target, note, reference, action) for source in sources)


@dataclass(frozen=True, repr=False)
class Machine:
    """A state machine, as a table.

    In a notebook it shows itself as a diagram, in a terminal as a table.

    Attributes:
        name: ``"sse"``, ``"EventSource"``, ...
        title: what it is the machine of.
        states: the first is that in which it starts.
        transitions: every move there is.
        browser: of a Python client: the machine of the browser's object for the same transport.
        verb: how actions come to be seen: a client ``reports`` them, a browser ``fires`` them.
    """

    name: str
    title: str
    states: tuple[State, ...]
    transitions: tuple[Transition, ...]
    browser: Machine | None = None
    verb: str = "reports"

    @property
    def start(self) -> str:
        """The name of the state in which it starts."""
        return self.states[0].name

    def state(self, name: str) -> State:
        """Return a state by its name.

        Raises:
            UsageError: there is no such state.
        """
        names = [state.name for state in self.states]
        return self.states[names.index(one_of(f"state of {self.name}", name, names))]

    def final(self, name: str) -> bool:
        """Whether no move leads out of a state, but for those made by hand."""
        return not any(move.source == name and not move.by_hand for move in self.transitions)

    def move(self, state: str, sign: str, target: str | None = None) -> Transition:
        """Return the move that is made from a state.

        Args:
            state: where the machine is; ``START`` before the first move.
            sign: what was seen, as in ``Transition.sign``.
            target: where the machine is now, if that was seen as well. Some browser events need it:
                ``error`` may mean that an EventSource tries again, or that it has given up.

        Raises:
            UnexpectedMove: the table has no such move; the message says which there are.
        """
        possible = [move for move in self.transitions if move.source == state]
        for move in possible:
            if move.sign == sign and target in (None, move.target):
                return move
        raise UnexpectedMove(self.name, state, sign, target, {m.sign: m.target for m in possible})

    def follow(self) -> Follower:
        """Return somebody who follows one client through this machine."""
        return Follower(self)

    def diagram(self, current: str | None = None, trail: Iterable[Transition] = ()) -> Drawing:
        """Draw it.

        Args:
            current: the state to light up.
            trail: moves that were made, each as often as it was, in any order or in a ``Counter``.

        Raises:
            UsageError: there is no such state.
        """
        from rtlab.render.states import diagram

        return diagram(self, current, trail)

    def __repr__(self) -> str:
        return self.diagram().text

    def _repr_html_(self) -> str:
        return self.diagram()._repr_html_()


class Reported(Protocol):
    """What a follower reads of a ``Report``."""

    @property
    def state(self) -> str:
        """What the client is doing."""


class Follower:
    """Follows one client through its machine.

    It is a listener, ``rtlab.subscribe(..., listener=follower)``, which is told of messages as
    well. In a notebook it shows where the client is.

    Attributes:
        machine: the table that it reads.
        state: where the client is; ``START`` before its first report.
        taken: how often each move was made.
        violations: what was reported and is no move of the table.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.state = START
        self.taken: Counter[Transition] = Counter()
        self.violations: deque[UnexpectedMove] = deque(maxlen=KEPT)

    def see(self, sign: str, target: str | None = None) -> Transition:
        """Make the move that was seen, and return it.

        Args:
            sign: as in ``Machine.move``.
            target: as in ``Machine.move``.

        Raises:
            UnexpectedMove: the table has no such move; the follower stays where it is.
        """
        move = self.machine.move(self.state, sign, target)
        self.taken[move] += 1
        self.state = move.target
        return move

    def __call__(self, report: Reported) -> None:
        """Take a report. What the table does not have is kept, and does not disturb the client."""
        try:
            self.see(report.state)
        except UnexpectedMove as violation:
            self.violations.append(violation)
            if any(state.name == report.state for state in self.machine.states):
                self.state = report.state

    def delivered(self) -> None:
        """Count a message. Like a report, it does not disturb the client."""
        try:
            self.see(DELIVERY)
        except UnexpectedMove as violation:
            self.violations.append(violation)

    def diagram(self) -> Drawing:
        """Draw the machine, the client's state lit up and the moves that it made counted."""
        current = None if self.state == START else self.state
        return self.machine.diagram(current, self.taken)

    def __repr__(self) -> str:
        return self.diagram().text

    def _repr_html_(self) -> str:
        return self.diagram()._repr_html_()
