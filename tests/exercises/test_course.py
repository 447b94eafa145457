"""What the notebooks set is what the checks check."""

from __future__ import annotations

import ast
import dis
import re
from pathlib import Path

import nbformat
import pytest

from rtlab.exercises import catalogue
from rtlab.exercises.exercise import entry
from rtlab.exercises.quiz import notebooks

FOLDER = Path(__file__).parents[2] / "notebooks"
PATHS = sorted(FOLDER.glob("[0-9][0-9]_*.ipynb"))
CHECK = re.compile(r'rtlab\.check\("([^"]+)", (\w+)\)')


def sources(path: Path) -> list[str]:
    return [cell.source for cell in nbformat.read(path, as_version=4).cells]


def shape(source: str) -> str:
    """What a source defines last, without what is in it."""
    name = entry(source)
    for statement in ast.parse(source).body:
        match statement:
            case ast.ClassDef(name=found) if found == name:
                methods = [part for part in statement.body if isinstance(part, ast.FunctionDef)]
                return f"class {name}: {[(m.name, ast.unparse(m.args)) for m in methods]}"
            case ast.FunctionDef(name=found) | ast.AsyncFunctionDef(name=found) if found == name:
                return f"{type(statement).__name__} {name}({ast.unparse(statement.args)})"
    return name


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_notebook_begins_where_the_stub_does(path: Path) -> None:
    for source in sources(path):
        for name, answer in CHECK.findall(source):
            exercise = catalogue.find(name)
            assert exercise.notebook == path.name[:2]
            assert exercise.entry == answer
            if f"def {answer}" in source or f"class {answer}" in source:
                assert shape(source) == shape(exercise.stub)


def bindings(source: str) -> dict[str, str]:
    """The names that a cell gives to something, each with the statement that does so last.

    Those of loops are left out: nobody relies on them afterwards.
    """
    found = {}
    for statement in ast.parse(source).body:  # which takes an await outside of functions as well
        alone = ast.Module([statement], [])
        code = compile(alone, "cell", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        named = {step.argval for step in dis.get_instructions(code) if step.opname == "STORE_NAME"}
        if isinstance(statement, ast.For | ast.AsyncFor):
            named -= {part.id for part in ast.walk(statement.target) if isinstance(part, ast.Name)}
        found.update(dict.fromkeys(named, ast.unparse(statement)))
    return found


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_an_exercise_takes_no_name_that_another_cell_has(path: Path) -> None:
    """Every cell can be run again, also after the exercises."""
    cells = [
        cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"
    ]
    taken = [
        name
        for mine in filter(CHECK.search, cells)
        for other in cells
        if other is not mine
        for name, statement in bindings(mine).items()
        if bindings(other).get(name, statement) != statement
    ]
    assert taken == []


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_notebook_names_all_its_exercises_and_its_quiz(path: Path) -> None:
    text = "\n".join(sources(path))
    number = path.name[:2]
    mine = [name for name in catalogue.NAMES if catalogue.find(name).notebook == number]
    assert [name for name in mine if name not in text] == []
    asked = set(re.findall(r'rtlab\.quiz\("(\d+)"\)', text))
    assert asked <= {number} <= set(notebooks())
