"""Grading an answer: what a check says of it, as points, and nothing kept of it.

    rtlab.grade("accept-key", accept_key, points=4)     # at the end of a cell of nbgrader

It has two halves, so that they can run in two processes. ``hand_in`` makes a ``Parcel`` of an
answer, in the kernel where it was written. ``judge`` grades a parcel and never unpacks it: only the
process that runs the answer does. ``rtlab.classroom`` lets a kernel do the first half alone, which
a student's code may have changed as it liked; ``prepare`` comes before all of that code.
"""

from __future__ import annotations

import base64
import json
import random
import warnings
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from rtlab.arguments import number, whole
from rtlab.exercises import catalogue, ledger
from rtlab.exercises.pack import fingerprint
from rtlab.exercises.run import at_once, packed, run_packed
from rtlab.exercises.verdict import Verdict
from rtlab.exercises.worker import limit

UNTOUCHED = "This is the stub as it was given."


@dataclass(frozen=True, slots=True)
class Grade:
    """The points of an answer. Its text is their number, which is what nbgrader takes for a score.

    Attributes:
        points: what it gets.
        possible: what it could have got.
        verdict: what the check said; ``None`` if the answer is the untouched stub.
    """

    points: float
    possible: float
    verdict: Verdict | None = None

    def __float__(self) -> float:
        return self.points

    def __repr__(self) -> str:
        return f"{self.points:g}"

    def _repr_html_(self) -> str:
        said = f"<p>{escape(UNTOUCHED)}</p>" if self.verdict is None else self.verdict._repr_html_()
        return f"<p><b>{self.points:g} of {self.possible:g} points</b></p>{said}"


@dataclass(frozen=True, slots=True)
class Parcel:
    """An answer on its way to be graded.

    Attributes:
        exercise: its name.
        content: the answer as bytes, from ``run.packed``.
        untouched: whether it is the stub.
    """

    exercise: str
    content: bytes
    untouched: bool = False

    def as_text(self) -> str:
        """Return it as text in one line."""
        content = base64.b64encode(self.content).decode()
        return json.dumps([self.exercise, content, self.untouched])

    @classmethod
    def from_text(cls, text: str) -> Parcel:
        """Return the parcel that ``as_text`` wrote.

        Raises:
            ValueError: it is none.
        """
        match json.loads(text):
            case [str(exercise), str(content), bool(untouched)]:
                return cls(exercise, base64.b64decode(content, validate=True), untouched)
        raise ValueError("not a parcel")


def grade(name: str, answer: Any, *, points: float | None = None, seed: int | None = None) -> Grade:
    """Grade an answer: run it as ``rtlab.check`` does, and return its points.

    It gets the share of ``points`` that its passed cases have in all of them; the stub, as it was
    given, gets none. Nothing is counted as a try, nor written down.

    Args:
        name: of the exercise, such as ``"accept-key"``.
        answer: the function, coroutine function, class or value that the exercise asks for.
        points: for an answer that passes every case; ``None`` takes the exercise's own.
        seed: of the inputs, to repeat a grading; ``None`` takes fresh ones.

    Returns:
        The points; as the last value of a cell that nbgrader grades, they are its score.

    Raises:
        UsageError: there is no such exercise, the answer is not of the kind that it asks for, or
            the points make no sense.
    """
    return judge(hand_in(name, answer), points=points, seed=seed)


def prepare(memory: int, folder: str) -> None:
    """Make a kernel ready for a submission.

    Args:
        memory: bytes that it may take; 0 sets no limit.
        folder: where checks that the submission runs keep their ledger, which is nobody's.
    """
    if memory:
        limit(memory)
    ledger.keep_in(Path(folder))
    # What IPython says after sys.exit() begins with a path of who grades.
    warnings.filterwarnings("ignore", "To exit: use")


def hand_in(name: str, answer: Any) -> Parcel:
    """Make a parcel of an answer.

    Raises:
        UsageError: there is no such exercise, or the answer is not of the kind that it asks for.
    """
    task = catalogue.find(name)
    content = packed(task, answer)
    return Parcel(task.name, content, fingerprint(answer) == fingerprint(task.load(task.stub)))


def judge(parcel: Parcel, *, points: float | None = None, seed: int | None = None) -> Grade:
    """Grade a parcel, which may come from anybody.

    Args:
        parcel: from ``hand_in``.
        points: for an answer that passes every case; ``None`` takes the exercise's own.
        seed: of the inputs; ``None`` takes fresh ones.

    Raises:
        UsageError: there is no such exercise, or the points make no sense.
    """
    task = catalogue.find(parcel.exercise)
    most = task.points if points is None else number("points", points, "points", above=True)
    if parcel.untouched:
        return Grade(0.0, most)
    chosen = random.randrange(10**6) if seed is None else whole("seed", seed)
    verdict = at_once(run_packed(task, parcel.content, chosen))
    return Grade(round(most * verdict.points / verdict.possible, 2), most, verdict)
