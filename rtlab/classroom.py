"""Grading with nbgrader: a submission runs, and what it does to its kernel costs its own points.

    from rtlab.classroom import configure     # in nbgrader_config.py

    configure(get_config())

nbgrader runs a submission, students' cells and tests alike, in one kernel, and takes a score from
what the last line of a test shows. So a student's code may change the tests; and one cell that
ends the kernel ends the grading of all. ``GradeApart`` takes the place of that step: a kernel that
dies or hangs is replaced, and what ``rtlab.grade`` grades leaves the kernel as bytes and is graded
outside of it. Students' code can still do what the user can who runs nbgrader: read files, write
them, end processes. Grade strangers in a container.
"""

from __future__ import annotations

import ast
import contextlib
import os
import signal
from dataclasses import dataclass
from typing import Any

from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode, from_dict
from nbgrader.converters import Autograde
from nbgrader.preprocessors import Execute
from traitlets import Bool, Enum, Integer
from traitlets.config import Config

from rtlab.exercises.grading import Grade, Parcel, judge

SHOWN = 4 << 20
"""Characters that a cell may show; more would fill the disk and the memory of who grades it."""
HANDED_IN = 2 * SHOWN
"""Characters of an answer on its way from a kernel: ``pack.MOST`` in Base64, with room to spare."""


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


class GradeApart(Execute):  # type: ignore[misc]  # nbgrader has no types
    """Runs a submission; a kernel that dies or hangs is replaced, and answers are graded outside.

    A new kernel runs the cells again that were harmless, so that only what did the harm is missing.
    """

    memory = Integer(4 << 30, help="Bytes of memory that a kernel may take; 0 sets no limit.").tag(
        config=True
    )
    timeout = Integer(60, allow_none=True, help="Seconds that a cell may take.").tag(config=True)
    # Code that catches an interrupt would go on: its kernel is ended instead.
    interrupt_on_timeout = Bool(False).tag(config=True)
    shutdown_kernel = Enum(["graceful", "immediate"], "immediate").tag(config=True)

    def preprocess(self, nb: NotebookNode, *args: Any, **options: Any) -> Any:
        """Run a notebook."""
        self._harmless: list[str] = []
        self._limited = False
        self._left = SHOWN
        return super().preprocess(nb, *args, **options)

    def preprocess_cell(self, cell: NotebookNode, resources: Any, index: int) -> Any:
        """Run a cell, or grade the answer that it asks for."""
        self._check_assign_resources(resources)
        if cell.cell_type != "code":
            return cell, resources
        if not self._limited:
            self._limit(index)
        call = call_in(cell)
        try:
            if call is None:
                self._left = SHOWN
                self.execute_cell(cell, index, store_history=True)
                self._harmless.append(cell.source)
            else:
                cell.outputs = self._grade(call, index)
        except Exception as error:  # whatever it was, the next exercise is not to pay for it
            cell.outputs = [*cell.outputs[:20], _output(error)]
            self.log.warning("%s: a new kernel is started", _said(error))
            self._begin_again(index)
        return cell, resources

    def _grade(self, call: Call, index: int) -> list[NotebookNode]:
        """Fetch an answer from the kernel, grade it here, and return what the cell is to show."""
        grading = "__import__('rtlab.exercises.grading', fromlist=['hand_in'])"
        handing_in = f"{grading}.hand_in({call.exercise!r}, {call.answer}).as_text()"
        outputs = self._run(handing_in, index, HANDED_IN)
        if errors := [output for output in outputs if output.output_type == "error"]:
            return errors
        texts = [output for output in outputs if output.output_type == "execute_result"]
        try:
            if not texts:
                raise ValueError("nothing came, or far too much")
            # What a kernel says is a text, whatever it says: nothing of it is run here.
            parcel = Parcel.from_text(texts[0]["data"]["text/plain"].strip("'"))
            if parcel.exercise != call.exercise:
                raise ValueError("the answer to another exercise")
        except Exception as error:
            return [_output(ValueError(f"what its kernel handed in is no answer: {error}"))]
        return [_shown(judge(parcel, points=call.points))]

    def _run(self, source: str, index: int, most: int = SHOWN) -> list[NotebookNode]:
        """Run code that is in no cell, and return its outputs: ``most`` characters of them."""
        cell = _node(cell_type="code", source=source, metadata={}, outputs=[])
        aside = self.nb.cells[index]
        self._left = most
        try:
            self.execute_cell(cell, index, store_history=False)
        finally:
            self.nb.cells[index] = aside  # execute_cell puts there what it runs
        return list(cell.outputs)

    def process_message(self, msg: Any, cell: NotebookNode, cell_index: int) -> Any:
        """Take what a kernel says; what is shown beyond what a cell may show is dropped."""
        if msg["msg_type"] != "status":
            self._left -= _size(msg["content"]) + sum(map(len, msg.get("buffers", ())))
            if self._left < 0:
                return None
        return super().process_message(msg, cell, cell_index)

    def on_cell_executed(self, **told: Any) -> None:
        """Take the reply to a cell, from which nbgrader shows an error that was not shown."""
        reply = told["execute_reply"]["content"]
        if reply["status"] == "error" and _size(reply) > SHOWN:
            name, said = reply["ename"][:100], reply["evalue"][:500]
            reply |= {"ename": name, "evalue": said, "traceback": [f"{name}: {said}…"]}
        super().on_cell_executed(**told)

    def _cleanup_kernel(self) -> None:
        """End the kernel, and what a submission started in it."""
        group = getattr(self.km.provisioner, "pgid", None)
        super()._cleanup_kernel()
        if group and os.name == "posix":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)

    def _limit(self, index: int) -> None:
        self._limited = True
        if self.memory:
            limiting = "__import__('rtlab.exercises.worker', fromlist=['limit'])"
            self._run(f"{limiting}.limit({self.memory})", index)

    def _begin_again(self, index: int) -> None:
        """Replace the kernel, and run again what did no harm."""
        sources, self._harmless = self._harmless, []
        self._new_kernel(index)
        try:
            for source in sources:
                self._run(source, index)
        except Exception as error:
            self.log.warning("%s: the next exercise begins with nothing", _said(error))
            self._new_kernel(index)
        else:
            self._harmless = sources

    def _new_kernel(self, index: int) -> None:
        self._cleanup_kernel()
        self.km = self.create_kernel_manager()
        self.start_new_kernel()
        self.start_new_kernel_client()
        self._limit(index)


def _shown(grade: Grade) -> NotebookNode:
    data = {"text/plain": repr(grade), "text/html": grade._repr_html_()}
    return _node(output_type="execute_result", data=data, metadata={}, execution_count=None)


def _output(error: Exception) -> NotebookNode:
    said = _said(error)
    return _node(output_type="error", ename=type(error).__name__, evalue=said, traceback=[said])


def _size(content: Any) -> int:
    """About how many characters a part of a message has; to count in ``repr`` would copy it."""
    size, waiting = 0, [content]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            waiting += [*part.keys(), *part.values()]
        elif isinstance(part, list):
            waiting += part
        size += len(part) if isinstance(part, str) else 8
    return size


def _node(**content: Any) -> NotebookNode:
    node: NotebookNode = from_dict(content)  # type: ignore[no-untyped-call]
    return node


def _said(error: Exception) -> str:
    match error:
        case CellTimeoutError():
            return "This cell was not through in time, and its kernel was ended"
        case DeadKernelError():
            return "This cell ended its kernel"
    return f"This cell could not be run ({type(error).__name__}: {str(error)[:500]})"


def configure(config: Config) -> None:
    """Set what the graded sets need: call it in ``nbgrader_config.py``.

    Args:
        config: from ``get_config()``; what is set there afterwards comes on top.
    """
    # Above each solution stands the stub, so that nothing need be put in its place.
    config.ClearSolutions.code_stub = {"python": ""}
    config.ClearSolutions.text_stub = "*Your answer.*"
    config.OverwriteCells.add_missing_cells = True  # a test that was deleted is worth no less
    config.Autograde.autograde_preprocessors = [
        GradeApart if step is Execute else step for step in Autograde().autograde_preprocessors
    ]
