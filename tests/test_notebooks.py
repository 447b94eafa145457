"""Every notebook of the course, in a fresh kernel."""

from __future__ import annotations

import ast
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
SETS = sorted(FOLDER.glob("exercises/source/*/*.ipynb"))  # run by tests/classroom
AFTERWARDS = """
import asyncio, gc, threading
gc.collect()
for _ in range(200):
    left = [thread.name for thread in threading.enumerate() if thread.name.startswith("rtlab")]
    if not left:
        break
    await asyncio.sleep(0.1)
assert not left, left
"""
USUAL = "import asyncio; await asyncio.sleep(0); usual = len(asyncio.all_tasks())"
INTERRUPTED = """
import asyncio
soon = asyncio.get_running_loop().call_later(0.25, asyncio.current_task().cancel)
{}
soon.cancel()
"""  # as Jupyter does it with a cell that waits: soon enough for most, and never after its end
LEFT = """
for _ in range(50):  # whoever leaves says goodbye, which takes a moment
    tasks = asyncio.all_tasks()
    if len(tasks) <= usual:
        break
    await asyncio.sleep(0.1)
assert len(tasks) <= usual, tasks
"""


@pytest.mark.timeout(180)
@pytest.mark.filterwarnings("default")  # the kernel's own
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_in_a_fresh_kernel_and_leaves_no_thread(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(AFTERWARDS))
    NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(FOLDER)}}).execute()
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            assert output.output_type != "error"
            if output.output_type == "stream" and output.name == "stderr":
                assert "Error" not in output.text


def waits(source: str) -> bool:
    """Say whether a cell itself waits for something, and not only a function in it."""
    todo: list[ast.AST] = [ast.parse(source)]
    for node in todo:
        if isinstance(node, (ast.Await, ast.AsyncWith, ast.AsyncFor)):
            return True
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            todo += ast.iter_child_nodes(node)
    return False


@pytest.mark.timeout(180)
@pytest.mark.filterwarnings("default")  # the kernel's own
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_cell_that_is_interrupted_leaves_no_task(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    cells = [nbformat.v4.new_code_cell(USUAL)]
    for cell in notebook.cells:
        if cell.cell_type == "code" and waits(cell.source):
            cell.source = INTERRUPTED.format(cell.source)
            cells += [cell, nbformat.v4.new_code_cell(LEFT, metadata={"after": cell.id})]
        elif cell.cell_type == "code" and "rtlab.check(" not in cell.source:
            cells.append(cell)
    notebook.cells = cells
    client = NotebookClient(notebook, timeout=60, allow_errors=True)
    client.execute(cwd=str(FOLDER))
    left = {cell.metadata.after: cell.outputs for cell in cells if "after" in cell.metadata}
    assert {after: outputs for after, outputs in left.items() if outputs} == {}


@pytest.mark.timeout(180)
@pytest.mark.filterwarnings("default")  # the kernel's own
@pytest.mark.parametrize(
    ("name", "counting", "counted"),
    [
        ("07_side_by_side", ["idle", "up-post"], "silence | {'posted': posted}"),
        ("08_choosing", ["say", "chat"], "{name: sum(crossed[name].values()) for name in crossed}"),
    ],
)
def test_a_cell_that_is_run_again_counts_anew(name: str, counting: list[str], counted: str) -> None:
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    source = {cell.id: cell.source for cell in notebook.cells}
    again = [*(source[key] for key in counting), f"print(counts := {counted})"]
    same = "assert all(counts[key] < 1.5 * first[key] for key in first), (first, counts)"
    sources = [source["start"], *again, "first = counts", *again, same, source["stop"]]
    notebook.cells = [nbformat.v4.new_code_cell(source) for source in sources]
    NotebookClient(notebook, timeout=60).execute(cwd=str(FOLDER))


@pytest.mark.parametrize("path", NOTEBOOKS + SETS, ids=lambda path: path.stem)
def test_it_is_committed_without_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


@pytest.mark.parametrize("path", NOTEBOOKS + SETS, ids=lambda path: path.stem)
def test_it_has_one_title_and_no_more_than_two_code_cells_in_a_row(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    lines = [
        line
        for cell in notebook.cells
        if cell.cell_type == "markdown"
        for line in cell.source.splitlines()
    ]
    assert sum(line.startswith("# ") for line in lines) == 1
    kinds = "".join(cell.cell_type[0] for cell in notebook.cells)
    assert "ccc" not in kinds
