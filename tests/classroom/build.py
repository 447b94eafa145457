"""Writes the graded sets anew, after an exercise or ``sets.py`` has changed.

    python -m tests.classroom.build

Prompts, stubs, solutions and points are those of the package, so that nothing is written twice.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from rtlab.exercises import catalogue
from rtlab.exercises.exercise import Exercise
from tests.classroom.sets import SETS, Part, Question

SOURCE = Path(__file__).parents[2] / "notebooks" / "exercises" / "source"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}

INTRODUCTION = """\
# {title}: graded exercises

They belong to notebook {number} of the course. Each has a cell that is yours, and below it one that
checks what you wrote, at once and as often as you like: that is for you, and counts for nothing.
`rtlab.hint("{first}")` helps, a hint at a time. The points are given when you have handed in, by
the same check on fresh inputs; a part of the cases gets a part of the points.

Add cells where you need them, but leave the locked ones where they are, and let each answer work
with what is in this notebook. Before you hand in: **Kernel → Restart Kernel and Run All Cells**.
"""
ANSWER = """\
{stub}### BEGIN SOLUTION
{solution}### END SOLUTION
"""
GRADED = """\
rtlab.check("{name}", {entry})
### BEGIN HIDDEN TESTS
rtlab.grade("{name}", {entry}, points={points})
### END HIDDEN TESTS
"""
SAMPLE = """\
### BEGIN SOLUTION
{sample}### END SOLUTION
"""


def notebook(part: Part) -> NotebookNode:
    """Return a notebook of a set, as nbgrader takes it for a source."""
    first = next(task for task in part.tasks if isinstance(task, str))
    text = INTRODUCTION.format(title=part.title, number=part.number, first=first)
    cells = [_markdown("introduction", text), _code("import", "import rtlab")]
    for place, task in enumerate(part.tasks, 1):
        if isinstance(task, Question):
            cells += _question(place, task)
        else:
            cells += _exercise(place, catalogue.find(task))
    language = {"name": "python"}
    return new_notebook(cells=cells, metadata={"kernelspec": KERNEL, "language_info": language})


def _exercise(place: int, task: Exercise) -> list[NotebookNode]:
    name, entry, points = task.name, task.entry, task.points
    answer = ANSWER.format(stub=task.stub, solution=task.solution)
    graded = GRADED.format(name=name, entry=entry, points=points)
    return [
        _markdown(f"{name}-task", _heading(place, task.title, points, task.prompt), locked=True),
        _code(f"{name}-answer", answer, solution=True),
        _code(name, graded, grade=True, locked=True, points=points),
    ]


def _question(place: int, task: Question) -> list[NotebookNode]:
    text = _heading(place, task.title, task.points, task.text)
    sample = SAMPLE.format(sample=task.sample)
    return [
        _markdown(f"{task.name}-task", text, locked=True),
        _markdown(task.name, sample, grade=True, solution=True, points=task.points),
    ]


def _heading(place: int, title: str, points: int, text: str) -> str:
    return f"## {place}. {title} ({points} points)\n\n{text}"


def _markdown(name: str, source: str, **marks: Any) -> NotebookNode:
    return new_markdown_cell(source.rstrip(), id=name, metadata=_marks(name, marks))


def _code(name: str, source: str, **marks: Any) -> NotebookNode:
    return new_code_cell(source.rstrip(), id=name, metadata=_marks(name, marks))


def _marks(name: str, marks: dict[str, Any]) -> dict[str, Any]:
    """What nbgrader is to know of a cell; nothing of one that it does not mind."""
    if not marks:
        return {}
    plain = {"grade": False, "solution": False, "locked": False, "task": False}
    return {"nbgrader": {"grade_id": name, "schema_version": 3, **plain, **marks}}


def files() -> dict[Path, str]:
    """Return the text of each notebook of each set, by its place below ``SOURCE``."""
    return {
        Path(name) / f"{part.name}.ipynb": nbformat.writes(notebook(part)) + "\n"
        for name, parts in SETS.items()
        for part in parts
    }


if __name__ == "__main__":
    for path, text in files().items():
        (SOURCE / path).parent.mkdir(parents=True, exist_ok=True)
        (SOURCE / path).write_text(text, encoding="utf-8")
