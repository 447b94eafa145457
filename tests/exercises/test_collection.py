"""Every exercise: its solution passes; its stub and every wrong answer fail, and are told why."""

from __future__ import annotations

import asyncio
import re
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

from rtlab.exercises import catalogue
from rtlab.exercises.exercise import SOON, Exercise, Wrong
from rtlab.exercises.pack import fingerprint
from rtlab.exercises.run import run
from rtlab.exercises.verdict import Verdict
from tests.exercises.helpers import said

PARTS = tomllib.loads(Path(__file__).with_name("parts.toml").read_text("utf-8"))
"""The points of each wrong answer."""
EXERCISES = catalogue.everything()
AT_ONCE = 8  # wrong answers wait for what does not come: together they wait as long as one

each = pytest.mark.parametrize("exercise", EXERCISES, ids=catalogue.NAMES)


async def judge(exercise: Exercise, source: str, seed: int = 5) -> Verdict:
    return await run(exercise, exercise.load(source), seed)


def in_time(exercise: Exercise, verdict: Verdict) -> None:
    """No case takes longer than it may; what is beyond is the killing of a worker."""
    limits = {case.name: case.timeout for case in exercise.cases}
    for case in verdict.cases:
        assert case.seconds < limits[case.name] + 3, case


def as_stated(exercise: Exercise, wrong: Wrong, points: int) -> bool:
    """Whether a wrong answer got the points that are stated; at most those, where it dials."""
    stated = PARTS[exercise.name][wrong.mistake]
    dials = any(case.timeout > SOON for case in exercise.cases)
    return points <= stated if dials else points == stated


@each
async def test_the_solution_passes_whatever_the_inputs(exercise: Exercise) -> None:
    for verdict in await asyncio.gather(
        *(judge(exercise, exercise.solution, seed) for seed in range(3))
    ):
        assert verdict.passed, verdict
        assert verdict.points == verdict.possible == exercise.points
        in_time(exercise, verdict)


@each
async def test_stub_and_wrong_answers_fail_and_are_told_their_mistakes(exercise: Exercise) -> None:
    stub = Wrong("the stub", says="", source=exercise.stub)
    turn = asyncio.Semaphore(AT_ONCE)

    async def told(wrong: Wrong) -> str:
        async with turn:
            verdict = await judge(exercise, wrong.apply(exercise.solution))
        in_time(exercise, verdict)
        if verdict.first is None or not verdict.first.message:
            return f"{wrong.mistake}: passed"
        if wrong is not stub and not as_stated(exercise, wrong, verdict.points):
            return f"{wrong.mistake}: parts.toml states other points:\n{verdict}"
        return "" if wrong.says in said(verdict) else f"{wrong.mistake}:\n{verdict}"

    found = await asyncio.gather(*map(told, (stub, *exercise.wrong)))
    assert not any(found), "\n\n".join(filter(None, found))


@each
def test_it_is_all_there(exercise: Exercise) -> None:
    assert exercise.cases
    assert len(exercise.hints) >= 2
    assert len(exercise.wrong) >= 3
    assert len({wrong.mistake for wrong in exercise.wrong}) == len(exercise.wrong)
    assert len({case.name for case in exercise.cases}) == len(exercise.cases)
    assert exercise.load(exercise.solution) is not None  # the name that the stub has
    assert fingerprint(exercise.load(exercise.stub)) != fingerprint(
        exercise.load(exercise.solution)
    )
    assert exercise.title and exercise.prompt
    for source in (exercise.stub, exercise.solution):
        assert max(map(len, source.splitlines())) <= 100


@each
def test_levels_go_up_without_a_gap(exercise: Exercise) -> None:
    levels = [case.level for case in exercise.cases]
    assert levels == sorted(levels)
    if any(levels):
        assert set(levels) == set(range(1, exercise.levels + 1))
        assert exercise.levels >= 5
        for case in exercise.cases:
            assert re.search(r"§\d", case.clause), case.name


def test_there_are_twenty_and_more_over_all_notebooks() -> None:
    assert len(EXERCISES) >= 20
    notebooks = [exercise.notebook for exercise in EXERCISES]
    assert set(notebooks) == {f"{number:02}" for number in range(1, 9)}
    assert notebooks == sorted(notebooks)
    assert [exercise.name for exercise in EXERCISES] == list(catalogue.NAMES)


def test_points_are_stated_of_every_wrong_answer_and_none_gets_all() -> None:
    for exercise in EXERCISES:
        assert list(PARTS[exercise.name]) == [wrong.mistake for wrong in exercise.wrong]
        assert max(PARTS[exercise.name].values()) < exercise.points
    assert list(PARTS) == list(catalogue.NAMES)


def test_every_module_is_in_the_catalogue() -> None:
    folder = files("rtlab.exercises").joinpath("collection")
    modules = {path.name for path in folder.iterdir() if path.name.endswith(".py")}
    known = {f"{name.replace('-', '_')}.py" for name in catalogue.NAMES}
    assert modules - {"__init__.py"} == known


def test_an_edit_that_edits_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="not in the solution"):
        Wrong("x", "y", (("nothing like it", ""),)).apply("pass")
    assert Wrong("x", "y", source="whole").apply("pass") == "whole"
