"""What a cell shows: what a kernel sent, made harmless, and what we say ourselves.

A kernel in which a student's code ran may send anything. nbconvert puts HTML and scripts on a page
as they are, and rejects a whole notebook for one number that is none.
"""

from __future__ import annotations

import re
from typing import Any

from nbformat import NotebookNode, from_dict

from rtlab.exercises.grading import Grade

_KEPT = ("text/plain", "image/png", "image/jpeg")
NOT_SHOWN = "(Of what a cell shows, text and pictures in PNG or JPEG are kept.)"


def node(**content: Any) -> NotebookNode:
    """Return a cell, an output or another part of a notebook, with all that is in it."""
    made: NotebookNode = from_dict(content)  # type: ignore[no-untyped-call]
    return made


def harmless(output: NotebookNode) -> NotebookNode:
    """Return an output of a kernel anew: as the text that goes with it, and pictures of dots."""
    match output.output_type:
        case "stream":
            return node(output_type="stream", name=str(output.name), text=str(output.text))
        case "error":
            lines = [str(line) for line in output.traceback]
            return failure(str(output.ename), str(output.evalue), lines)
        case "execute_result":
            count = number(output.get("execution_count"))
            return node(**_shown(output.data), output_type="execute_result", execution_count=count)
    return node(**_shown(output.data), output_type="display_data")


def _shown(data: dict[str, Any]) -> dict[str, Any]:
    kept = {kind: str(data[kind]) for kind in _KEPT if kind in data}
    for kind in kept.keys() - {"text/plain"}:
        kept[kind] = re.sub(r"[^A-Za-z0-9+/=]", "", kept[kind])  # Base64, and nothing beside it
    return {"data": kept or {"text/plain": NOT_SHOWN}, "metadata": {}}


def number(count: Any) -> int | None:
    """Return the number of an execution, if it is one."""
    return count if isinstance(count, int) else None


def failure(name: str, said: str, lines: list[str] | None = None) -> NotebookNode:
    """Return an output that says what went wrong."""
    return node(output_type="error", ename=name, evalue=said, traceback=lines or [said])


def notice(said: str) -> NotebookNode:
    """Return an output of text that a limit on lines lets through."""
    return node(output_type="display_data", data={"text/plain": said}, metadata={})


def result(grade: Grade) -> NotebookNode:
    """Return an output that nbgrader reads the points from, and a student what they are for."""
    data = {"text/plain": repr(grade), "text/html": grade._repr_html_()}
    return node(output_type="execute_result", data=data, metadata={}, execution_count=None)
