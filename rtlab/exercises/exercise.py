"""What an exercise is made of.

EXERCISE = Exercise(
    "accept-key", notebook="04", title="The accept key", prompt=…, stub=…, solution=…, hints=…,
    wrong=(Wrong("…", says="…", edits=(("digest()", "hexdigest().encode()"),)), …),
)

@EXERCISE.case("the key of the standard", clause="RFC 6455 §1.3")
async def sample(answer, rng):
    expect(await answer("dGhl…"), "s3pP…", Slip(…))
"""

from __future__ import annotations

import ast
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from rtlab.exercises.answer import Answer

Run = Callable[[Answer, random.Random], Awaitable[None]]
Takes = Literal["function", "async function", "async generator", "class", "value"]

SOON = 5.0
"""Seconds for a case that only computes: a thousand times what it takes, so that a busy machine is
no reason to fail."""
LATER = 15.0
"""Seconds for a case that dials, waits or is cut."""


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that a check looks at.

    Attributes:
        name: what it looks at.
        run: does it; raises ``Mistake`` if something is wrong.
        points: what it is worth.
        level: its rung, in an exercise that is a ladder; 0 in others.
        clause: of the standard.
        timeout: seconds.
    """

    name: str
    run: Run
    points: int = 1
    level: int = 0
    clause: str = ""
    timeout: float = SOON


@dataclass(frozen=True, slots=True)
class Wrong:
    """A plausible wrong answer.

    Attributes:
        mistake: what is wrong with it.
        says: words that the verdict on it must contain.
        edits: what to replace in the solution, and with what.
        source: the whole of it, where edits would not do.
    """

    mistake: str
    says: str
    edits: tuple[tuple[str, str], ...] = ()
    source: str = ""

    def apply(self, solution: str) -> str:
        """Return its source.

        Raises:
            ValueError: an edit replaces nothing: the solution was changed, and the edit was not.
        """
        if self.source:
            return self.source
        for old, new in self.edits:
            if old not in solution:
                raise ValueError(f"{self.mistake}: {old!r} is not in the solution")
            solution = solution.replace(old, new)
        return solution


@dataclass(frozen=True, slots=True, repr=False)
class Exercise:
    """A task for the learner.

    Attributes:
        name: how it is called in ``rtlab.check``.
        notebook: the one that it ends, such as ``"04"``.
        title: in a few words.
        prompt: what to do, in Markdown.
        stub: where the learner begins.
        solution: a good answer.
        hints: from a nudge to nearly all.
        wrong: mistakes that people make.
        takes: what kind of answer is due.
        cases: what the check looks at.
    """

    name: str
    notebook: str
    title: str
    prompt: str
    stub: str
    solution: str
    hints: tuple[str, ...]
    wrong: tuple[Wrong, ...]
    takes: Takes = "function"
    cases: list[Case] = field(default_factory=list)

    def case(
        self,
        name: str,
        *,
        points: int = 1,
        level: int = 0,
        clause: str = "",
        timeout: float = SOON,
    ) -> Callable[[Run], Run]:
        """Add a case: a decorator of the function that runs it."""

        def add(run: Run) -> Run:
            self.cases.append(Case(name, run, points, level, clause, timeout))
            return run

        return add

    @property
    def points(self) -> int:
        """What all its cases are worth."""
        return sum(case.points for case in self.cases)

    @property
    def levels(self) -> int:
        """How many rungs its ladder has; 0 if it is none."""
        return max((case.level for case in self.cases), default=0)

    @property
    def entry(self) -> str:
        """The name of the function, class or value that the stub defines."""
        return entry(self.stub)

    def __str__(self) -> str:
        return f"{self.title}\n\n{self.prompt}\n{self.stub}\n\n{self.call}"

    def __repr__(self) -> str:
        return str(self)

    def _repr_markdown_(self) -> str:
        stub = f"```python\n{self.stub}\n\n{self.call}\n```"
        return f"**{self.title}** ({self.points} points)\n\n{self.prompt}\n{stub}\n"

    @property
    def call(self) -> str:
        """How it is checked."""
        return f'rtlab.check("{self.name}", {self.entry})'

    def load(self, source: str) -> Any:
        """Return what a source defines under the name that the exercise asks for."""
        # No module of this name exists, so it travels by value, as what a notebook defines.
        namespace: dict[str, Any] = {"__name__": "answer"}
        file = f"<answer to {self.name}>"
        # A statement at a time, as in a cell: Python makes other code of a function that it sees
        # together with the import of what the function uses.
        for statement in ast.parse(source, file).body:
            exec(compile(ast.Module([statement], []), file, "exec"), namespace)
        return namespace[self.entry]


def entry(source: str) -> str:
    """Return the last name that a source defines at its top level."""
    for statement in reversed(ast.parse(source).body):
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                return statement.name
            case ast.Assign(targets=[ast.Name(name)]):
                return name
    raise ValueError("the source defines nothing")
