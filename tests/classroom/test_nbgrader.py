"""nbgrader itself, from the source of the sets to the grades."""

from __future__ import annotations

import csv
import io
import tomllib
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell
from traitlets.config import Config

from rtlab.classroom import call_in
from rtlab.exercises import catalogue
from tests.classroom.course import Course
from tests.classroom.sets import SETS, Question

pytestmark = [
    pytest.mark.filterwarnings("default"),  # nbgrader's own, and jupyter_client's
    pytest.mark.timeout(300),
]
PARTS = tomllib.loads((Path(__file__).parents[1] / "exercises" / "parts.toml").read_text("utf-8"))
SOLVED = {f"{task.name}-answer": task.solution for task in catalogue.everything()}
QUESTIONS = [
    task
    for parts in SETS.values()
    for part in parts
    for task in part.tasks
    if isinstance(task, Question)
]
PARTLY = {
    "polling-cost": "multiplied by the period",
    "choose-period": "never None",
    "staleness": "before the first",
    "long-poll-client": "a cut ends it",
    "crossover": "always a crossing",
}
"""A wrong answer for each exercise of a set."""


def partly() -> dict[str, str]:
    answers = {}
    for name, mistake in PARTLY.items():
        task = catalogue.find(name)
        [wrong] = [wrong for wrong in task.wrong if wrong.mistake == mistake]
        answers[f"{name}-answer"] = wrong.apply(task.solution)
    return answers


HARMS = {
    "polling-cost-answer": "import os\nos._exit(1)",
    "choose-period-answer": "while True:\n    try:\n        while True: print('x' * 1000)\n"
    "    except BaseException: pass",
    "staleness-answer": SOLVED["staleness-answer"],
    "long-poll-client-answer": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
    "crossover-answer": SOLVED["crossover-answer"],
}
HARMLESS = {"staleness", "crossover"}
FAILS = {
    "polling-cost-answer": "this is no Python",
    "choose-period-answer": "input('how long?')",
    "staleness-answer": "exit()",
    "long-poll-client-answer": "import sys\nsys.exit()",
    "crossover-answer": "def crossover(*given):\n    return bytearray(1 << 40)",
}
CHEATS = {
    "polling-cost-answer": """
import sys
import rtlab, rtlab.exercises.grading, rtlab.exercises.run, rtlab.exercises.verdict
class Full(float):
    verdict = None
full = lambda *given, **options: Full(4)
for module in (rtlab, rtlab.exercises.grading, rtlab.exercises.run):
    for name in ("grade", "check", "judge", "at_once"):
        setattr(module, name, full)
rtlab.exercises.verdict.Verdict.points = rtlab.exercises.verdict.Verdict.possible = 4
polling_cost = lambda *given: None
""",
    "choose-period-answer": """
class Parcel:
    def as_text(self):
        return "4"
rtlab.exercises.grading.hand_in = lambda name, answer: Parcel()
choose_period = lambda *given: None
""",
    "staleness-answer": """
get_ipython().display_formatter.format = lambda *given, **options: ({"text/plain": "4"}, {})
staleness = lambda *given: None
""",
}


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A course in which all sets are released, handed in by students of all kinds, and graded."""
    options = Config()
    options.GradeApart.timeout = 3
    course = Course(tmp_path_factory.mktemp("course"), options)
    written = {question.name: question.sample for question in QUESTIONS}
    for name in SETS:
        course.generate(name)
        course.submit("solves", name, SOLVED | written)
        course.submit("touches-nothing", name, {})
    course.submit("partly", "polling", partly())
    course.submit("harms", "polling", HARMS)
    course.submit("fails", "polling", FAILS)
    course.submit("cheats", "polling", CHEATS)
    for name in SETS:
        course.autograde(name)
    return course


each_set = pytest.mark.parametrize("name", SETS)


@each_set
def test_what_is_released_has_stubs_and_no_solutions_or_hidden_tests(
    course: Course, name: str
) -> None:
    for part in SETS[name]:
        notebook = nbformat.read(course.released(name, part.name), as_version=4)
        nbformat.validate(notebook)
        cells = {cell.id: cell for cell in notebook.cells}
        text = "\n".join(cell.source for cell in notebook.cells)
        for word in ("BEGIN", "END", "SOLUTION", "HIDDEN", "rtlab.grade"):
            assert word not in text
        for task in part.tasks:
            if isinstance(task, Question):
                assert cells[task.name].source == "*Your answer.*"
                assert task.sample not in text
                continue
            exercise = catalogue.find(task)
            assert cells[f"{task}-answer"].source.strip() == exercise.stub.strip()
            assert cells[task].source == exercise.call
            assert cells[task].metadata.editable is False
            assert exercise.prompt.strip() in cells[f"{task}-task"].source


@each_set
def test_solutions_get_all_points_and_written_answers_wait_for_a_teacher(
    course: Course, name: str
) -> None:
    scores = course.scores("solves", name)
    for part in SETS[name]:
        for task in part.tasks:
            if isinstance(task, Question):
                assert scores.pop(task.name) is None
            else:
                assert scores.pop(task) == catalogue.find(task).points, task
    assert scores == {}


@each_set
def test_who_touches_nothing_gets_nothing(course: Course, name: str) -> None:
    assert set(course.scores("touches-nothing", name).values()) == {0}


def graded(course: Course, student: str) -> dict[str, float]:
    """The scores of the polling set, without its question."""
    scores = course.scores(student, "polling")
    return {name: scores[name] for name in PARTLY}


FULL = {name: float(catalogue.find(name).points) for name in PARTLY}


def test_a_wrong_answer_gets_the_part_that_the_table_states(course: Course) -> None:
    stated = {name: PARTS[name][mistake] for name, mistake in PARTLY.items()}
    assert graded(course, "partly") == stated
    assert all(0 < part < FULL[name] for name, part in stated.items())


def test_what_ends_or_hangs_its_kernel_costs_its_own_points(course: Course) -> None:
    expected = {name: points * (name in HARMLESS) for name, points in FULL.items()}
    assert graded(course, "harms") == expected


def test_what_fails_gets_nothing(course: Course) -> None:
    assert set(graded(course, "fails").values()) == {0}


def test_replacing_the_grading_in_the_kernel_gets_nothing(course: Course) -> None:
    assert set(graded(course, "cheats").values()) == {0}


def test_the_grades_are_exported(course: Course) -> None:
    rows = list(csv.DictReader(io.StringIO(course.export())))
    scores = {(row["student_id"], row["assignment"]): row for row in rows}
    for name, parts in SETS.items():
        automatic = sum(
            catalogue.find(t).points for part in parts for t in part.tasks if isinstance(t, str)
        )
        manual = sum(t.points for part in parts for t in part.tasks if isinstance(t, Question))
        row = scores["solves", name]
        assert float(row["max_score"]) == automatic + manual
        assert float(row["score"]) == automatic
        assert float(scores["touches-nothing", name]["score"]) == 0


def test_the_page_for_the_student_says_what_is_wrong(course: Course) -> None:
    page = course.feedback("polling", "partly", "polling")
    assert "3 of 4 points" in page
    assert "None is due" in page
    page = (course.root / "feedback/harms/polling/polling.html").read_text("utf-8")
    assert "This cell ended its kernel" in page
    assert "not through in time" in page


def test_nothing_is_written_beside_what_was_handed_in(course: Course) -> None:
    found = {path.suffix for path in (course.root / "submitted").rglob("*") if path.is_file()}
    assert found == {".ipynb"}
    assert not list(course.root.rglob(".rtlab-progress.json*"))


MARKS = {"nbgrader": {"grade": True}}


def test_a_call_is_found_only_where_it_is_all_there_is() -> None:
    cell = new_code_cell("import rtlab\nrtlab.check('x', f)\nrtlab.grade('x', f.g, points=2)")
    assert call_in(cell) is None  # it is not graded
    cell.metadata = nbformat.from_dict(MARKS)
    call = call_in(cell)
    assert call is not None
    assert (call.exercise, call.answer, call.points) == ("x", "f.g", 2)
    for source in (
        "",
        "this is no Python",
        "rtlab.check('x', f)",
        "assert f(1) == 2\nrtlab.grade('x', f)",
        "rtlab.grade('x', f)\nassert f(1) == 2",
        "rtlab.grade(name, f)",
        "rtlab.grade('x', f, seed=3)",
        "rtlab.grade('x', f, points=len('1234'))",
        "grade('x', f)",
    ):
        cell.source = source
        assert call_in(cell) is None, source
