"""The call of ``rtlab.grade`` in which a graded cell ends, read without running it."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from nbformat import NotebookNode


@dataclass(frozen=True, slots=True)
class Call:
    """The call of ``rtlab.grade`` in which a graded cell ends.

    Attributes:
        exercise: its name.
        answer: the expression of the answer.
        points: for all of it.
    """

    exercise: str
    answer: str
    points: float | None


def call_in(cell: NotebookNode) -> Call | None:
    """Return the call of ``rtlab.grade`` that is all there is to a graded cell.

    Imports and calls of ``rtlab.check`` may stand before it: they are for the student. ``None`` if
    the cell is not graded, or has tests of its own, which need the kernel.
    """
    if cell.cell_type != "code" or not cell.metadata.get("nbgrader", {}).get("grade"):
        return None
    try:
        *before, last = ast.parse(cell.source).body
    except (SyntaxError, ValueError):
        return None
    if not all(isinstance(part, ast.Import) or _is(part, "rtlab.check") for part in before):
        return None
    match last:
        case ast.Expr(ast.Call(args=[ast.Constant(str(name)), answer], keywords=options)) if _is(
            last, "rtlab.grade"
        ):
            match options:
                case []:
                    return Call(name, ast.unparse(answer), None)
                case [ast.keyword("points", ast.Constant(int() | float() as points))]:
                    return Call(name, ast.unparse(answer), points)
    return None


def _is(statement: ast.stmt, function: str) -> bool:
    match statement:
        case ast.Expr(ast.Call(func=called)):
            return ast.unparse(called) == function
    return False
