"""Small things to read: a hint, a solution, how far a learner has come."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from rtlab.exercises.exercise import Exercise
from rtlab.exercises.ledger import Entry


@dataclass(frozen=True, slots=True)
class Sheet:
    """A text, or code, under a title.

    Attributes:
        title: what it is.
        text: in sentences.
        code: Python.
        note: what else there is to say.
    """

    title: str
    text: str = ""
    code: str = ""
    note: str = ""

    def __str__(self) -> str:
        return self.code or self.text

    def __repr__(self) -> str:
        return "\n".join(filter(None, (self.title, "", self.text, self.code, self.note)))

    def _repr_html_(self) -> str:
        paragraphs = "".join(f"<p>{escape(line)}</p>" for line in self.text.splitlines())
        code = f"<pre>{escape(self.code)}</pre>" if self.code else ""
        note = f"<p><em>{escape(self.note)}</em></p>" if self.note else ""
        return f"<p><b>{escape(self.title)}</b></p>{paragraphs}{code}{note}"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a learner has come.

    Attributes:
        rows: every exercise, and what was done of it.
        note: what is wrong with the file, if something is.
    """

    rows: tuple[tuple[Exercise, Entry], ...]
    note: str = ""

    @property
    def passed(self) -> int:
        """How many exercises passed."""
        return sum(entry.passed for _, entry in self.rows)

    @property
    def points(self) -> int:
        """Points over all exercises."""
        return sum(min(entry.points, exercise.points) for exercise, entry in self.rows)

    @property
    def possible(self) -> int:
        """Points that all exercises are worth."""
        return sum(exercise.points for exercise, _ in self.rows)

    def _cells(self) -> list[list[str | int]]:
        return [
            [
                exercise.name,
                exercise.notebook,
                _state(entry),
                f"{min(entry.points, exercise.points)} of {exercise.points}",
                len(entry.tries),
                entry.hints,
            ]
            for exercise, entry in self.rows
        ]

    def _title(self) -> str:
        return (
            f"{self.passed} of {len(self.rows)} exercises passed, "
            f"{self.points} of {self.possible} points"
        )

    def __repr__(self) -> str:
        from rtlab.render.table import text_table

        table = text_table(_COLUMNS, self._cells())
        return "\n".join(filter(None, (self._title(), "", table, self.note)))

    def _repr_html_(self) -> str:
        from rtlab.render.table import html_table

        bar = (
            f"<progress value='{self.points}' max='{self.possible}' aria-label='points'></progress>"
        )
        note = f"<p><em>{escape(self.note)}</em></p>" if self.note else ""
        title = self._title()
        return f"<p><b>{title}</b> {bar}</p>{html_table(_COLUMNS, self._cells())}{note}"


_COLUMNS = ("exercise", "notebook", "state", "points", "failed tries", "hints")


def _state(entry: Entry) -> str:
    if entry.passed:
        return "✓ passed, solution seen" if entry.seen else "✓ passed"
    if entry.seen:
        return "solution seen"
    return "begun" if entry.tries or entry.points or entry.hints else "–"
