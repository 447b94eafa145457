"""What happened to the cells of a submission, set right before nbgrader looks at them.

nbgrader knows a cell by the ``grade_id`` in its metadata. JupyterLab copies that along with a cell,
and one that is there twice, unknown or gone ends the grading of the whole submission, or of the
whole class. Here a cell is known by its own ``id`` as well, which in the graded sets is the
``grade_id``: a copy gets another one, and nobody changes it by accident.
"""

from __future__ import annotations

from typing import Any

from nbformat import NotebookNode
from nbgrader.api import Gradebook, Notebook, SourceCell
from nbgrader.nbgraderformat import SCHEMA_VERSION
from nbgrader.preprocessors import NbGraderPreprocessor

from rtlab.classroom.outputs import node


class Mend(NbGraderPreprocessor):  # type: ignore[misc]  # nbgrader has no types
    """Gives each cell of an assignment the marks it was released with, once, and no other cell any.

    A graded cell that is gone is put back, as is a text. An answer that is gone stays gone: its
    stub would undo what was written in another cell.
    """

    def preprocess(self, nb: NotebookNode, resources: Any) -> Any:
        """Mend a notebook."""
        told = resources["nbgrader"]
        with Gradebook(told["db_url"]) as gradebook:
            known = gradebook.find_notebook(told["notebook"], told["assignment"])
            marks = _marks(known)
            sources = list(known.source_cells)
        copies: dict[str, list[NotebookNode]] = {name: [] for name in marks}
        for cell in nb.cells:
            name = _name(cell, marks)
            if cell.metadata.pop("nbgrader", None) and name is None:
                self.log.warning("A cell has marks that no cell of this notebook was given")
            if name is not None:
                copies[name].append(cell)

        following = len(nb.cells)
        for source in reversed(sources):
            mark, found = marks[source.name], copies[source.name]
            if len(found) > 1:
                self.log.warning("There are %d cells %r: one counts", len(found), source.name)
            if found:
                cell = _counting(found, source)
                following = next(at for at, other in enumerate(nb.cells) if other is cell)
            elif mark["solution"] and not mark["grade"]:
                self.log.warning("The answer %r is gone", source.name)
                continue
            else:
                self.log.warning("The cell %r was gone, and is put back", source.name)
                cell = _cell(source, nb)
                # As late as may be: what a test asks for may be in a cell of the student's own.
                nb.cells.insert(following, cell)
            cell.metadata["nbgrader"] = mark
        return nb, resources


def _marks(known: Notebook) -> dict[str, NotebookNode]:
    """Return what nbgrader is to know of each cell, by its name."""
    graded = {cell.name: cell.max_score for cell in known.grade_cells}
    tasks = {cell.name: cell.max_score for cell in known.task_cells}
    points = graded | tasks
    solutions = {cell.name for cell in known.solution_cells}
    marks = {}
    for source in known.source_cells:
        name = source.name
        mark = {
            "grade_id": name,
            "schema_version": SCHEMA_VERSION,
            "grade": name in graded,
            "solution": name in solutions,
            "locked": source.locked,
            "task": name in tasks,
            "cell_type": source.cell_type,
            "checksum": source.checksum,
        }
        if name in points:
            mark["points"] = points[name]
        marks[name] = node(**mark)
    return marks


def _name(cell: NotebookNode, known: dict[str, NotebookNode]) -> str | None:
    """Return which cell of an assignment this is, or was copied from; ``None`` if none."""
    match cell.metadata.get("nbgrader"):
        case {"grade_id": str(marked)}:
            pass
        case _:
            marked = ""
    return next((name for name in (cell.get("id"), marked) if name in known), None)


def _counting(copies: list[NotebookNode], source: SourceCell) -> NotebookNode:
    """Return the one of several cells that is looked at and graded.

    It is the one that was there from the beginning, which a student who tries something in a copy
    goes on to think of as the answer; but if nothing was written there, the first that has
    something. (Of code all copies run, and what is defined last is what the check sees.)
    """

    def worth(cell: NotebookNode) -> tuple[bool, bool]:
        written = not source.locked and cell.source.strip() != source.source.strip()
        return written, cell.get("id") == source.name

    return max(copies, key=worth)


def _cell(source: SourceCell, nb: NotebookNode) -> NotebookNode:
    """Return a cell as it was released."""
    cell = node(cell_type=source.cell_type, source=source.source, metadata={})
    if source.cell_type == "code":
        cell |= {"execution_count": None, "outputs": []}
    if (nb.nbformat, nb.nbformat_minor) >= (4, 5):  # before that cells had no ids
        cell["id"] = source.name
    return cell
