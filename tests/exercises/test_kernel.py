"""Checks in a real kernel: in a cell, beside a running lab, and interrupted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import KernelManager

pytestmark = [
    pytest.mark.filterwarnings("default"),  # jupyter_client's own
    pytest.mark.timeout(300),
]


class Kernel:
    """A kernel that runs cells."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self.manager, self.client = manager, client

    def run(self, cell: str, interrupt_after: float | None = None) -> str:
        """Run a cell and return everything that it shows."""
        return "".join(self.outputs(cell, interrupt_after))

    def outputs(
        self,
        cell: str,
        interrupt_after: float | None = None,
        looked_at: bool = True,
        interrupt_at: str = "",
    ) -> list[str]:
        """Run a cell and return its outputs as they are in the end.

        ``history`` has what was shown, in its order, also what something else took the place of.
        """
        shown: list[str] = []
        places: dict[str, int] = {}
        self.history: list[str] = []

        def show(message: dict[str, Any]) -> None:
            content = message["content"]
            name = content.get("transient", {}).get("display_id", "")
            match message["msg_type"]:
                case "stream":
                    shown.append(content["text"])
                case "execute_result" | "display_data":
                    places[name] = len(shown)
                    shown.append(content["data"].get("text/plain", ""))
                case "update_display_data":
                    shown[places[name]] = content["data"].get("text/plain", "")
                case "error":
                    shown.append(f"{content['ename']}: {content['evalue']}")
                case _:
                    return
            self.history.append(shown[places.get(name, -1)])

        if interrupt_after is None and not interrupt_at:
            self.client.execute_interactive(
                cell, timeout=120, output_hook=show, allow_stdin=looked_at
            )
        else:
            self.client.execute(cell)
            if interrupt_after is not None:
                time.sleep(interrupt_after)
                self.manager.interrupt_kernel()
            while True:
                message = self.client.get_iopub_msg(timeout=60)
                show(message)
                if interrupt_at and self.history and interrupt_at in self.history[-1]:
                    interrupt_at = ""
                    self.manager.interrupt_kernel()
                state = message["content"].get("execution_state")
                if message["msg_type"] == "status" and state == "idle":
                    break
        return shown


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    folder: Path = tmp_path_factory.mktemp("course")
    manager = KernelManager()
    manager.start_kernel(cwd=str(folder))
    client = manager.blocking_client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    kernel = Kernel(manager, client)
    kernel.run("import rtlab, time")  # any of these tests may be the first in its process
    yield kernel
    client.stop_channels()
    manager.shutdown_kernel(now=True)


SOLVED = """
import base64, hashlib
import rtlab
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

def accept_key(key):
    digest = hashlib.sha1((key.strip() + GUID).encode()).digest()
    return base64.b64encode(digest).decode()

rtlab.check("accept-key", accept_key)
"""
STUCK = """
def accept_key(key):
    while True:
        pass

rtlab.check("accept-key", accept_key)
"""
SLOW = """
import time, rtlab, rtlab.exercises.waiting
rtlab.exercises.waiting.PATIENCE = {patience}

def accept_key(key):
    time.sleep(0.2)

{show}rtlab.check("accept-key", accept_key)
"""
LEFT = """
import threading, subprocess, os
threads = [t.name for t in threading.enumerate() if t.name.startswith("rtlab")]
path = f"/proc/{os.getpid()}/task/{os.getpid()}/children"
kids = open(path).read().split() if os.path.exists(path) else []
busy = [k for k in kids if b"rtlab.exercises" in open(f"/proc/{k}/cmdline", "rb").read()]
print(threads, busy)
"""


def test_a_check_in_a_cell_shows_its_verdict(kernel: Kernel) -> None:
    shown = kernel.run(SOLVED)
    assert "✓ accept-key: 3 of 3 cases, 4 of 4 points" in shown


def test_a_failing_line_of_a_cell_is_quoted(kernel: Kernel) -> None:
    cell = "def accept_key(key):\n    return key['room']\n\nrtlab.check('accept-key', accept_key)"
    assert "return key['room']" in kernel.run(cell)


def test_an_interrupt_ends_a_check_at_once_and_leaves_nothing(kernel: Kernel) -> None:
    began = time.monotonic()
    shown = kernel.run(STUCK, interrupt_after=2.0)
    assert "KeyboardInterrupt" in shown
    assert time.monotonic() - began < 15  # three cases alone would take as long
    assert kernel.run(LEFT).strip() == "[] []"
    assert "3 of 3 cases" in kernel.run(SOLVED)


def test_a_line_says_which_case_is_checked_until_the_verdict_takes_its_place(
    kernel: Kernel,
) -> None:
    [verdict] = kernel.outputs(SLOW.format(patience=0.0, show=""))
    assert "0 of 3 cases" in verdict
    line, *_, nothing, last = kernel.history
    assert line.startswith("accept-key: checking case 1 of 3, ")
    assert any("checking case 3 of 3" in shown for shown in kernel.history)
    assert (nothing, last) == ("", verdict)
    assert kernel.outputs("_") == [verdict]  # in a cell of its own it has a place of its own


def test_of_a_verdict_that_is_not_shown_nothing_is_left(kernel: Kernel) -> None:
    assert kernel.outputs(SLOW.format(patience=0.0, show="kept = ")) == [""]
    assert "checking case" in kernel.history[0]
    [verdict] = kernel.outputs("kept")
    assert "0 of 3 cases" in verdict


def test_an_interrupt_takes_the_line_away(kernel: Kernel) -> None:
    kernel.run("import rtlab.exercises.waiting; rtlab.exercises.waiting.PATIENCE = 0.0")
    line, *more = kernel.outputs(STUCK, interrupt_at="checking case")
    assert line == ""
    assert any("KeyboardInterrupt" in shown for shown in more)


def test_no_line_where_it_is_soon_over_or_nobody_looks(kernel: Kernel) -> None:
    for patience, looked_at in ((3600.0, True), (0.0, False)):
        kernel.outputs(SLOW.format(patience=patience, show=""), looked_at=looked_at)
        [verdict] = kernel.history
        assert "0 of 3 cases" in verdict


def test_the_lab_goes_on_while_an_answer_loops(kernel: Kernel) -> None:
    kernel.run("lab = rtlab.start()")
    kernel.run(
        "import threading, urllib.request\n"
        "times = []\n"
        "def ask():\n"
        "    for _ in range(40):\n"
        "        urllib.request.urlopen(lab.url('polling')).read()\n"
        "        times.append(time.monotonic()); time.sleep(0.05)\n"
        "asking = threading.Thread(target=ask); asking.start()"
    )
    kernel.run(STUCK)
    shown = kernel.run("asking.join(); print(len(times)); rtlab.stop()")
    assert "40" in shown
    assert kernel.run(LEFT).strip() == "[] []"


def test_a_coroutine_function_of_a_cell_is_checked_and_a_coroutine_refused(kernel: Kernel) -> None:
    cell = "async def accept_key(key):\n    return key\n\nrtlab.check('accept-key', accept_key)"
    assert "0 of 3 cases" in kernel.run(cell)
    assert "was called already" in kernel.run("rtlab.check('accept-key', accept_key('x'))")


def test_names_that_a_notebook_covers_do_no_harm(kernel: Kernel) -> None:
    kernel.run("list = len = max = None")
    shown = kernel.run(SOLVED)
    kernel.run("del list, len, max")
    assert "3 of 3 cases" in shown


def test_a_kernel_whose_standard_library_was_replaced_is_told(kernel: Kernel) -> None:
    kernel.run("import hashlib; hashlib.sha1 = None")
    shown = kernel.run(SOLVED.replace("accept_key(key):", "accept_key(key, *more):"))
    kernel.run("import importlib; importlib.reload(hashlib)")
    assert "Restart the kernel" in shown
