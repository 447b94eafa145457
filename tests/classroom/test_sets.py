"""The graded sets say what the exercises of the package say."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from rtlab.exercises import catalogue
from tests.classroom.build import SOURCE, files
from tests.classroom.sets import SETS, Question

TASKS = [task for parts in SETS.values() for part in parts for task in part.tasks]


@pytest.mark.parametrize("path", files(), ids=str)
def test_a_set_is_what_the_exercises_make_it(path: Path) -> None:
    written = (SOURCE / path).read_text(encoding="utf-8")
    assert written == files()[path], "write them anew: python -m tests.classroom.build"


def test_nothing_else_lies_among_them() -> None:
    assert {path.relative_to(SOURCE) for path in SOURCE.rglob("*.ipynb")} == set(files())


def test_every_exercise_is_in_one_set_and_in_the_order_of_the_course() -> None:
    assert [task for task in TASKS if isinstance(task, str)][:8] == list(catalogue.NAMES[:8])
    assert sorted(task for task in TASKS if isinstance(task, str)) == sorted(catalogue.NAMES)
    for parts in SETS.values():
        for part in parts:
            for task in part.tasks:
                if isinstance(task, str):
                    assert catalogue.find(task).notebook == part.number


def test_every_set_has_a_question_whose_text_says_what_each_point_is_for() -> None:
    for name, parts in SETS.items():
        questions = [t for part in parts for t in part.tasks if isinstance(t, Question)]
        assert questions, name
    for task in TASKS:
        if isinstance(task, Question):
            assert "point" in task.text
            assert task.points >= 3
            assert len(task.sample.split()) < 250


def test_the_notebooks_are_named_as_those_of_the_course() -> None:
    for parts in SETS.values():
        for part in parts:
            [path] = SOURCE.parents[1].glob(f"{part.number}_*.ipynb")
            assert part.title in nbformat.read(path, as_version=4).cells[0].source
