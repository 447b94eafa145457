"""nbgrader itself, from the source of the sets to the grades."""

from __future__ import annotations

import csv
import io
import tomllib
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell
from traitlets.config import Config

from rtlab.classroom.apart import SHOWN, TOO_MUCH
from rtlab.classroom.calls import call_in
from rtlab.exercises import catalogue
from rtlab.exercises.exercise import Exercise
from rtlab.exercises.ledger import FILE
from tests.classroom.course import SOLVED, Course
from tests.classroom.sets import SETS, Question
from tests.processes import wait_until_gone

pytestmark = [
    # Those of nbgrader and jupyter_client, and what SQLAlchemy says of nbgrader.
    pytest.mark.filterwarnings("default", "ignore::sqlalchemy.exc.SAWarning"),
    pytest.mark.timeout(300),
]
PARTS = tomllib.loads((Path(__file__).parents[1] / "exercises" / "parts.toml").read_text("utf-8"))


def exercises(name: str) -> list[Exercise]:
    """Those of a set."""
    tasks = [task for part in SETS[name] for task in part.tasks]
    return [catalogue.find(task) for task in tasks if isinstance(task, str)]


def questions(name: str) -> list[Question]:
    """Those of a set."""
    tasks = [task for part in SETS[name] for task in part.tasks]
    return [task for task in tasks if isinstance(task, Question)]


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
    "polling-cost-answer": "import os, pathlib, subprocess, sys\n"
    "left = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    "pathlib.Path('left').write_text(str(left.pid))\n"
    "os._exit(1)",
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
FLOODS = {
    "polling-cost-answer": "\n'x' * 30_000_000",
    "choose-period-answer": "\nraise Exception('x' * 30_000_000)",
    "staleness-answer": "\nfrom comm import create_comm\n"
    "create_comm('jupyter.widget', data={'state': {'text': 'x' * 30_000_000}})",
    "long-poll-client-answer": "\nfrom IPython.display import display\n"
    "for _ in range(30): display('x' * 1_000_000)\n"
    "raise KeyError('said all the same')",
    "crossover-answer": """
class Parcel:
    def as_text(self):
        return "x" * 30_000_000
import rtlab.exercises.grading
rtlab.exercises.grading.hand_in = lambda name, answer: Parcel()
""",
}
"""What follows the right answers."""


@pytest.mark.parametrize("name", SETS)
def test_a_set_from_its_source_to_its_grades(name: str, tmp_path: Path) -> None:
    course = Course(tmp_path / "course")
    course.generate(name)
    nothing_is_given_away(course, name)
    course.submit("solves", name, SOLVED | {task.name: task.sample for task in questions(name)})
    course.submit("touches-nothing", name, {})
    course.autograde(name)

    expected: dict[str, float | None] = {task.name: task.points for task in exercises(name)}
    expected |= dict.fromkeys(task.name for task in questions(name))  # they wait for a teacher
    if course.scores("solves", name) != expected:
        course.autograde(name, "solves")  # an answer that dials can be late on a busy machine
    assert course.scores("solves", name) == expected
    assert set(course.scores("touches-nothing", name).values()) == {0}
    rows = {row["student_id"]: row for row in csv.DictReader(io.StringIO(course.export()))}
    automatic = sum(task.points for task in exercises(name))
    assert {who: float(row["score"]) for who, row in rows.items()} == {
        "solves": automatic,
        "touches-nothing": 0,
    }
    possible = automatic + sum(task.points for task in questions(name))
    assert {float(row["max_score"]) for row in rows.values()} == {possible}


def nothing_is_given_away(course: Course, name: str) -> None:
    """What is released has stubs, and neither solutions nor hidden tests."""
    cells = {}
    for part in SETS[name]:
        notebook = nbformat.read(course.released(name, part.name), as_version=4)
        nbformat.validate(notebook)
        cells |= {cell.id: cell for cell in notebook.cells}
    text = "\n".join(cell.source for cell in cells.values())
    for word in ("BEGIN", "END", "SOLUTION", "HIDDEN", "rtlab.grade"):
        assert word not in text
    for task in questions(name):
        assert cells[task.name].source == "*Your answer.*"
        assert task.sample not in text
    for exercise in exercises(name):
        assert cells[f"{exercise.name}-answer"].source.strip() == exercise.stub.strip()
        assert cells[exercise.name].source == exercise.call
        assert cells[exercise.name].metadata.editable is False
        assert exercise.prompt.strip() in cells[f"{exercise.name}-task"].source


def asks(notebook: NotebookNode) -> None:
    """Add a cell that asks for what is counted in a student's progress."""
    notebook.cells.append(new_code_cell("rtlab.check('crossover', crossover)"))
    notebook.cells.append(new_code_cell("rtlab.hint('crossover')"))


def test_what_is_wrong_costs_its_own_points(tmp_path: Path) -> None:
    options = Config()
    options.GradeApart.timeout = 3
    course = Course(tmp_path / "course", options)
    course.generate("polling")
    course.submit("partly", "polling", partly(), asks)
    ledger = course.root / "submitted/partly/polling" / FILE
    ledger.write_text('{"version": 1, "exercises": {"crossover": {"hints": 1}}}')
    course.submit("harms", "polling", HARMS)
    course.submit("fails", "polling", FAILS)
    course.submit("cheats", "polling", CHEATS)
    course.autograde("polling")

    def graded(student: str) -> dict[str, float]:
        scores = course.scores(student, "polling")
        return {name: scores[name] for name in PARTLY}

    full = {task.name: float(task.points) for task in exercises("polling")}
    stated = {name: PARTS[name][mistake] for name, mistake in PARTLY.items()}
    got = graded("partly")
    assert 0 <= got["long-poll-client"] <= stated["long-poll-client"]  # it dials
    assert got | {"long-poll-client": 2} == stated
    assert all(0 < part < full[name] for name, part in stated.items())

    harmless = {name: points * (name in HARMLESS) for name, points in full.items()}
    assert graded("harms") == harmless
    left = (course.root / "autograded/harms/polling/left").read_text()
    wait_until_gone(int(left))
    assert set(graded("fails").values()) == {0}
    assert set(graded("cheats").values()) == {0}

    page = course.feedback("polling", "partly", "polling")
    assert "3 of 4 points" in page
    assert "None is due" in page
    page = (course.root / "feedback/harms/polling/polling.html").read_text("utf-8")
    assert "This cell ended its kernel" in page
    assert "not through in time" in page
    handed_in = [path for path in (course.root / "submitted").rglob("*") if path.is_file()]
    assert {path.suffix for path in handed_in} == {".ipynb", ".json"}
    assert list(course.root.rglob(f"{FILE}*")) == [ledger]
    assert "hint 1 of" in (course.root / "feedback/partly/polling/long_polling.html").read_text()
    pages = (course.root / "feedback/fails/polling").glob("*.html")
    text = "".join(page.read_text("utf-8") for page in pages)
    assert "There is no `polling_cost`: its cell did not run to its end." in text
    assert "SystemExit" in text
    for word in ("UserWarning", "To exit", "__import__", "hand_in"):
        assert word not in text


def test_what_a_submission_shows_is_bounded_in_every_way_of_showing_it(tmp_path: Path) -> None:
    course = Course(tmp_path / "course")
    course.generate("polling")
    flooding = {name: SOLVED[name] + flood for name, flood in FLOODS.items()}
    course.submit("floods", "polling", flooding)
    course.autograde("polling")
    full = {task.name: float(task.points) for task in exercises("polling")}
    scores = course.scores("floods", "polling")
    got = {name: scores[name] for name in full}
    dialled = "long-poll-client"  # it may be late on a busy machine
    assert got | {dialled: 0} == full | {dialled: 0, "crossover": 0}

    notebooks = list((course.root / "autograded/floods/polling").glob("*.ipynb"))
    assert all(file.stat().st_size < 3 * SHOWN for file in notebooks)
    text = "".join(file.read_text("utf-8") for file in notebooks)
    assert "Exception: xxx" in text
    assert "said all the same" in text
    assert "nothing came, or far too much" in text
    assert text.count(TOO_MUCH) >= 4


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
