"""What students do to cells without meaning it costs nothing that they did."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from tests.classroom.course import SOLVED, Course

pytestmark = [
    pytest.mark.filterwarnings("default", "ignore::sqlalchemy.exc.SAWarning"),
    pytest.mark.timeout(300),
]
ANSWERS = {"crossover-answer": SOLVED["crossover-answer"], "which-and-why": "Polling, for once."}
EVERYTHING = {"crossover": 5, "which-and-why": None}  # None waits for a teacher
STUB = "*Your answer.*"


def at(notebook: NotebookNode, name: str) -> int:
    return next(place for place, cell in enumerate(notebook.cells) if cell.id == name)


def paste(notebook: NotebookNode, name: str, place: int) -> NotebookNode:
    """As JupyterLab pastes a cell that was copied: with its metadata, and an id of its own."""
    pasted = copy.deepcopy(notebook.cells[at(notebook, name)])
    pasted.id = f"pasted-{place}"
    notebook.cells.insert(place, pasted)
    return pasted


def copies_an_answer(notebook: NotebookNode) -> None:
    place = at(notebook, "crossover-answer")
    paste(notebook, "crossover-answer", place).source = "def crossover(*given):\n    return 0"


def copies_a_test(notebook: NotebookNode) -> None:
    paste(notebook, "crossover", 0)
    paste(notebook, "crossover", len(notebook.cells))


def copies_ids_as_well(notebook: NotebookNode) -> None:
    for name in ("crossover", "which-and-why"):
        paste(notebook, name, len(notebook.cells)).id = name


def writes_into_a_copy(notebook: NotebookNode) -> None:
    paste(notebook, "which-and-why", len(notebook.cells))
    notebook.cells[at(notebook, "which-and-why")].source = STUB


def deletes_what_was_copied(notebook: NotebookNode) -> None:
    for name in ("crossover-answer", "crossover", "which-and-why"):
        place = at(notebook, name)
        paste(notebook, name, place + 1)
        del notebook.cells[place]


def changes_marks(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        if marks := cell.metadata.get("nbgrader"):
            marks |= {"schema_version": 1, "points": 400, "grade": False, "locked": False}
    notebook.cells[at(notebook, "crossover")].metadata.nbgrader.grade_id = "other"
    notebook.cells[at(notebook, "crossover-answer")].metadata.nbgrader.grade_id = "crossover"
    notebook.cells[at(notebook, "which-and-why")].metadata.nbgrader = "gone"


def removes_marks(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        cell.metadata.clear()


def deletes_what_is_graded(notebook: NotebookNode) -> None:
    marks = [cell.metadata.get("nbgrader", {}) for cell in notebook.cells]
    cells = zip(notebook.cells, marks, strict=True)
    notebook.cells = [cell for cell, mark in cells if not mark.get("grade")]


def answers_elsewhere(notebook: NotebookNode) -> None:
    place = at(notebook, "crossover-answer")
    notebook.cells[place : place + 2] = [new_code_cell(SOLVED["crossover-answer"])]


def brings_cells_of_another_notebook(notebook: NotebookNode) -> None:
    strange = new_code_cell("1")
    strange.metadata["nbgrader"] = {"grade_id": "polling-cost", "grade": True, "points": 4}
    notebook.cells.append(strange)


def changes_kinds(notebook: NotebookNode) -> None:
    notebook.cells[at(notebook, "which-and-why")].cell_type = "raw"
    notebook.cells[at(notebook, "crossover")] |= {"cell_type": "markdown"}
    for key in ("outputs", "execution_count"):
        del notebook.cells[at(notebook, "crossover")][key]


KINDS: dict[Callable[[NotebookNode], None], dict[str, float | None]] = {
    copies_an_answer: EVERYTHING,
    copies_a_test: EVERYTHING,
    copies_ids_as_well: EVERYTHING,
    writes_into_a_copy: EVERYTHING,
    deletes_what_was_copied: EVERYTHING,
    changes_marks: EVERYTHING,
    removes_marks: EVERYTHING,
    deletes_what_is_graded: EVERYTHING | {"which-and-why": 0},
    answers_elsewhere: EVERYTHING,
    brings_cells_of_another_notebook: EVERYTHING,
    changes_kinds: EVERYTHING,
}


def test_what_was_done_to_cells_costs_no_more_than_what_is_gone(tmp_path: Path) -> None:
    course = Course(tmp_path / "course")
    course.generate("polling")
    for edit in KINDS:
        course.submit(edit.__name__, "polling", ANSWERS, edit)
    course.autograde("polling")
    got = {edit.__name__: course.scores(edit.__name__, "polling") for edit in KINDS}
    expected = {edit.__name__: points for edit, points in KINDS.items()}
    assert {who: {name: scores[name] for name in EVERYTHING} for who, scores in got.items()} == (
        expected
    )

    names = [cell.id for cell in course.graded("removes_marks", "polling", "long_polling").cells]
    marked = course.graded("deletes_what_is_graded", "polling", "long_polling")
    assert [cell.id for cell in marked.cells] == names  # all of them, and in their places
    for edit in KINDS:
        notebook = course.graded(edit.__name__, "polling", "long_polling")
        marks = [cell.metadata.nbgrader for cell in notebook.cells if cell.metadata]
        assert len({mark.grade_id for mark in marks}) == len(marks), edit
        assert sum(mark.get("points", 0) for mark in marks) <= 17, edit

    def counts(edit: Callable[[NotebookNode], None], name: str) -> NotebookNode:
        notebook = course.graded(edit.__name__, "polling", "long_polling")
        marked = [cell for cell in notebook.cells if cell.metadata]
        return next(cell for cell in marked if cell.metadata.nbgrader.grade_id == name)

    assert counts(copies_an_answer, "crossover-answer").id == "crossover-answer"
    assert counts(copies_a_test, "crossover").id == "crossover"
    assert "for once" in counts(writes_into_a_copy, "which-and-why").source
