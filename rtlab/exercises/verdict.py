"""What a check says of an answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from rtlab.exercises.waiting import Waiting

State = Literal["passed", "failed", "not tried"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one case.

    Attributes:
        name: of the case.
        state: ``passed``, ``failed`` or ``not tried``.
        points: what it is worth.
        level: its rung, in an exercise that is a ladder; 0 in others.
        message: what is wrong, or why it was not tried.
        expected: what would have been right; ``None`` if that cannot be shown.
        got: what came; ``None`` if nothing can be shown.
        compared: whether ``expected`` and ``got`` mean something.
        place: where in the answer to look.
        clause: of the standard.
        protocol: how bytes are to be shown.
        seconds: how long it took.
    """

    name: str
    state: State
    points: int
    level: int = 0
    message: str = ""
    expected: Any = None
    got: Any = None
    compared: bool = False
    place: str = ""
    clause: str = ""
    protocol: str = ""
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether the answer did what the case asks for."""
        return self.state == "passed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check says of an answer: print it, or let a cell end with it.

    Attributes:
        exercise: its name.
        cases: what became of each.
        seed: of the inputs: ``rtlab.check(name, answer, seed=…)`` repeats them.
        printed: the beginning of what the answer printed.
        left_out: how many more characters it printed.
        notes: what else there is to say, such as how many tries are left.
        seconds: how long it took.
        waiting: what told of the check while it ran; its place in the notebook is the verdict's.
    """

    exercise: str
    cases: tuple[Outcome, ...]
    seed: int
    printed: str = ""
    left_out: int = 0
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    waiting: Waiting | None = field(default=None, compare=False)

    @property
    def passed(self) -> bool:
        """Whether every case passed."""
        return all(case.passed for case in self.cases)

    @property
    def points(self) -> int:
        """What the cases that passed are worth."""
        return sum(case.points for case in self.cases if case.passed)

    @property
    def possible(self) -> int:
        """What all cases are worth."""
        return sum(case.points for case in self.cases)

    @property
    def levels(self) -> int:
        """How many rungs the ladder has; 0 if the exercise is none."""
        return max((case.level for case in self.cases), default=0)

    @property
    def level(self) -> int:
        """The highest rung up to which every case passed."""
        failed = [case.level for case in self.cases if not case.passed]
        return min(failed) - 1 if failed else self.levels

    @property
    def first(self) -> Outcome | None:
        """The first case that failed; ``None`` if none did."""
        return next((case for case in self.cases if case.state == "failed"), None)

    def _ipython_display_(self) -> None:
        if self.waiting is None or not self.waiting.give_place(self):
            raise NotImplementedError  # so IPython shows it as it shows everything

    def __repr__(self) -> str:
        from rtlab.render import verdict

        return verdict.as_text(self)

    def _repr_html_(self) -> str:
        from rtlab.render import verdict

        return verdict.as_html(self)
