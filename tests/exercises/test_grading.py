"""Grading: points for what passes, and nothing kept."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

import rtlab
from rtlab.errors import UsageError
from rtlab.exercises import catalogue
from rtlab.exercises.grading import UNTOUCHED, Parcel, hand_in, judge
from rtlab.exercises.ledger import FILE
from rtlab.exercises.run import run

EXERCISE = catalogue.find("accept-key")
SOLUTION = EXERCISE.load(EXERCISE.solution)
PARTLY = EXERCISE.load(
    next(w for w in EXERCISE.wrong if w.mistake == "spaces kept").apply(EXERCISE.solution)
)
CHOICE = catalogue.find("choose-transport")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_right_answer_gets_all_points_and_its_text_is_their_number():
    grade = rtlab.grade("accept-key", SOLUTION, points=10)
    assert (grade.points, grade.possible, repr(grade), float(grade)) == (10, 10, "10", 10.0)
    assert "10 of 10 points" in grade._repr_html_()
    assert "3 of 3 cases" in grade._repr_html_()


def test_cases_that_pass_get_their_share_which_is_what_a_check_says():
    grade = rtlab.grade("accept-key", PARTLY, seed=5)
    verdict = asyncio.run(run(EXERCISE, PARTLY, 5))
    assert grade.points == verdict.points == 3
    assert grade.possible == verdict.possible == 4
    assert repr(rtlab.grade("accept-key", PARTLY, points=1)) == "0.75"
    assert "spaces" in grade._repr_html_()


def test_a_value_is_graded_too():
    assert rtlab.grade("choose-transport", CHOICE.load(CHOICE.solution)).points == 7


@pytest.mark.parametrize("name", catalogue.NAMES)
def test_the_stub_gets_nothing_whatever_of_it_works(name: str):
    task = catalogue.find(name)
    grade = rtlab.grade(name, task.load(task.stub), points=3)
    assert (repr(grade), grade.verdict) == ("0", None)
    assert UNTOUCHED in grade._repr_html_()


def test_neither_a_try_is_counted_nor_a_file_written(folder: Path):
    rtlab.grade("accept-key", PARTLY)
    rtlab.grade("accept-key", SOLUTION)
    assert not (folder / FILE).exists()
    rtlab.check("accept-key", PARTLY)
    before = (folder / FILE).read_text()
    rtlab.grade("accept-key", SOLUTION)
    assert (folder / FILE).read_text() == before
    assert rtlab.progress().passed == 0


async def test_it_runs_in_a_cell_that_has_a_loop_of_its_own():
    assert rtlab.grade("accept-key", SOLUTION).points == 4


def test_bad_arguments_are_explained():
    with pytest.raises(UsageError, match="accept-key"):
        rtlab.grade("accept-kee", SOLUTION)
    with pytest.raises(UsageError, match="asks for a function"):
        rtlab.grade("accept-key", 5)
    for points in (0, -1, "4"):
        with pytest.raises(UsageError, match="points must be"):
            rtlab.grade("accept-key", SOLUTION, points=points)


def test_a_parcel_survives_its_way_as_text():
    parcel = hand_in("accept-key", SOLUTION)
    assert Parcel.from_text(parcel.as_text()) == parcel
    assert judge(Parcel.from_text(parcel.as_text())).points == 4


@pytest.mark.parametrize(
    "text",
    ["", "4", "[]", "null", '["accept-key", 5, false]', '["accept-key", "??", false]', "[" * 9],
)
def test_what_is_no_parcel_is_refused(text: str):
    with pytest.raises(ValueError):
        Parcel.from_text(text)


def test_a_parcel_is_not_unpacked_here(folder: Path):
    class Trap:
        def __reduce__(self):
            return exec, ("import os; open('who', 'w').write(str(os.getpid()))",)

    import os
    import pickle

    grade = judge(Parcel("accept-key", pickle.dumps(Trap())))
    assert grade.points == 0
    assert (folder / "who").read_text() != str(os.getpid())


def test_a_parcel_of_nonsense_gets_nothing():
    assert judge(Parcel("accept-key", b"nonsense")).points == 0
    assert judge(Parcel("choose-transport", b"nonsense")).points == 0
    deep = json.dumps([0]).encode().replace(b"0", b"[" * 50_000)
    assert judge(Parcel("choose-transport", deep)).points == 0
