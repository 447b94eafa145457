"""Runs a submission: a kernel that dies is replaced, and answers are graded outside of it.

nbgrader runs a submission, students' cells and tests alike, in one kernel, and takes a score from
what the last line of a test shows. So a student's code may change the tests; and one cell that
ends the kernel ends the grading of all. ``GradeApart`` takes the place of that step: a kernel that
dies or hangs is replaced, and what ``rtlab.grade`` grades leaves the kernel as bytes and is graded
outside of it.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
from tempfile import TemporaryDirectory
from typing import Any

from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbgrader.preprocessors import Execute
from traitlets import Bool, Enum, Integer

from rtlab.classroom.calls import Call, call_in
from rtlab.classroom.outputs import failure, harmless, node, notice, number, result
from rtlab.exercises.grading import Parcel, judge

SHOWN = 4 << 20
"""Characters that a cell may show; more would fill the disk and the memory of who grades it."""
TOO_MUCH = f"More than {SHOWN >> 20} MB was shown; the rest is left out."
HANDED_IN = 2 * SHOWN
"""Characters of an answer on its way from a kernel: ``pack.MOST`` in Base64, with room to spare."""


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
        self._graded: dict[int, list[NotebookNode]] = {}
        self._prepared = False
        self._apart = False
        self._left = SHOWN
        with TemporaryDirectory(prefix="rtlab-", ignore_cleanup_errors=True) as self._elsewhere:
            nb, resources = super().preprocess(nb, *args, **options)
        # Not before the last kernel is gone, which may change what any cell shows: also points.
        for index, cell in enumerate(nb.cells):
            if cell.cell_type == "code":
                cell.execution_count = number(cell.get("execution_count"))
                cell.outputs = self._graded.get(index) or list(map(harmless, cell.outputs))
        return nb, resources

    def preprocess_cell(self, cell: NotebookNode, resources: Any, index: int) -> Any:
        """Run a cell, or grade the answer that it asks for."""
        self._check_assign_resources(resources)
        if cell.cell_type != "code":
            return cell, resources
        if not self._prepared:
            self._prepare(index)
        call = call_in(cell)
        try:
            if call is None:
                self._left = SHOWN
                self.execute_cell(cell, index, store_history=True)
                self._harmless.append(cell.source)
            else:
                self._graded[index] = self._grade(call, index)
        except Exception as error:  # whatever it was, the next exercise is not to pay for it
            if call is None:
                cell.outputs = [*cell.outputs[:20], _output(error)]
            else:
                self._graded[index] = [_output(error)]
            self.log.warning("%s: a new kernel is started", _said(error))
            self._begin_again(index)
        return cell, resources

    def _grade(self, call: Call, index: int) -> list[NotebookNode]:
        """Fetch an answer from the kernel, grade it here, and return what the cell is to show."""
        grading = "__import__('rtlab.exercises.grading', fromlist=['hand_in'])"
        handing_in = f"{grading}.hand_in({call.exercise!r}, {call.answer}).as_text()"
        outputs = self._run(handing_in, index, HANDED_IN)
        for output in outputs:
            if output.output_type == "error":
                return [_not_handed_in(str(output.ename), str(output.evalue))]
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
        return [result(judge(parcel, points=call.points))]

    def _run(self, source: str, index: int, most: int = SHOWN) -> list[NotebookNode]:
        """Run code that is in no cell, and return its outputs: ``most`` characters of them."""
        cell = node(cell_type="code", source=source, metadata={}, outputs=[])
        aside = self.nb.cells[index]
        self._left = most
        self._apart = True
        try:
            self.execute_cell(cell, index, store_history=False)
        finally:
            self._apart = False
            self.nb.cells[index] = aside  # execute_cell puts there what it runs
        return list(cell.outputs)

    def process_message(self, msg: Any, cell: NotebookNode, cell_index: int) -> Any:
        """Take what a kernel says; what is shown beyond what a cell may show is dropped."""
        if msg["msg_type"] != "status":
            before = self._left
            self._left -= _size(msg["content"]) + sum(map(len, msg.get("buffers", ())))
            if self._left < 0:
                if before >= 0:
                    cell.outputs.append(notice(TOO_MUCH))
                return None
        if self._apart:  # what is shown in no cell cannot be updated later
            msg["content"].pop("transient", None)
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

    def _prepare(self, index: int) -> None:
        self._prepared = True
        preparing = "__import__('rtlab.exercises.grading', fromlist=['prepare'])"
        self._run(f"{preparing}.prepare({self.memory}, {self._elsewhere!r})", index)

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
        self._prepare(index)


def _output(error: Exception) -> NotebookNode:
    return failure(type(error).__name__, _said(error))


def _not_handed_in(name: str, said: str) -> NotebookNode:
    """Say why there is no answer; the lines that ask a kernel for it are nothing to a student."""
    said = said[:2000]
    missing = re.match(r"name '(\w+)' is not defined", said) if name == "NameError" else None
    if missing:
        return failure(name, f"There is no `{missing[1]}`: its cell did not run to its end.")
    return failure(name, f"{name}: {said}")


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


def _said(error: Exception) -> str:
    match error:
        case CellTimeoutError():
            return "This cell was not through in time, and its kernel was ended"
        case DeadKernelError():
            return "This cell ended its kernel"
    return f"This cell could not be run ({type(error).__name__}: {str(error)[:500]})"
