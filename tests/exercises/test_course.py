"""What the notebooks set is what the checks check."""

from __future__ import annotations

import ast
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


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_notebook_names_all_its_exercises_and_its_quiz(path: Path) -> None:
    text = "\n".join(sources(path))
    number = path.name[:2]
    mine = [name for name in catalogue.NAMES if catalogue.find(name).notebook == number]
    assert [name for name in mine if name not in text] == []
    asked = set(re.findall(r'rtlab\.quiz\("(\d+)"\)', text))
    assert asked <= {number} <= set(notebooks())
