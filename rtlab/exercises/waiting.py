"""A line under a cell that says how far a check is, until the verdict takes its place."""

from __future__ import annotations

import asyncio
import sys
from types import TracebackType
from typing import Any

PATIENCE = 1.0
"""Seconds after which a check is worth a line: who waits no longer than that sees nothing."""


class Waiting:
    """Says in the notebook which case is being checked, while somebody waits for it there.

    with waiting:                       # in the loop of the check
        waiting.say("case 2 of 4")
    waiting.give_place(verdict)         # at the end of the cell

    Elsewhere it says nothing: in a terminal, and where a notebook is run with nobody before it, as
    by nbconvert and nbgrader.
    """

    def __init__(self) -> None:
        self._cell = _cell()
        self._text = ""
        self._timer: asyncio.TimerHandle | None = None
        self._line: Any = None  # a handle of IPython's, once there is a line

    def __enter__(self) -> Waiting:
        if self._cell:
            self._timer = asyncio.get_running_loop().call_later(PATIENCE, self._show)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._line is not None:
            self._line.update({}, raw=True)  # nothing of it is to be seen, or saved

    def say(self, text: str) -> None:
        """Say how far it is now."""
        self._text = text
        if self._line is not None:
            self._show()

    def _show(self) -> None:
        from IPython.display import display

        said = {"text/plain": self._text}
        if self._line is None:
            self._line = display(  # type: ignore[no-untyped-call]  # it has no types
                said, raw=True, display_id=True
            )
        else:
            self._line.update(said, raw=True)

    def give_place(self, verdict: object) -> bool:
        """Show the verdict where the line was, once, in the cell that has it.

        Returns:
            Whether there was such a place.
        """
        line, self._line = self._line, None
        if line is None or self._cell != _cell():
            return False
        line.update(verdict)
        return True


def _cell() -> str:
    """Return an id of the cell that runs; none where nobody sees what it shows.

    A front end that has somebody before it lets a cell ask for input.
    """
    ipython: Any = sys.modules.get("IPython")
    kernel = getattr(ipython and ipython.get_ipython(), "kernel", None)
    match kernel and kernel.get_parent():
        case {"header": {"msg_id": str(cell)}, "content": {"allow_stdin": True}}:
            return cell
    return ""
