"""A terminal without a window: what a program writes to it, as a person would see it arrive."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator

HANG = 30.0
"""Seconds after which a program that says nothing has failed."""


# Ctrl+C reaches a program only from the terminal that it has for its own.
_OWN = """
import fcntl, runpy, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
runpy.run_module("rtlab", run_name="__main__", alter_sys=True)
"""


class Terminal:
    """A program that runs on a pseudo-terminal of its own."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        self._screen, inner = os.openpty()
        env = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
        self.program = subprocess.Popen(
            [sys.executable, "-c", _OWN, *arguments],
            stdin=inner,
            stdout=inner,
            stderr=inner,
            env=env | {"TERM": "xterm-256color", "COLUMNS": "100"} | environment,
            start_new_session=True,
        )
        os.close(inner)
        self.seen = ""

    def until(self, words: str) -> str:
        """Read until these words were seen, and return all that was."""
        deadline = time.monotonic() + HANG
        while words not in self.seen:
            assert time.monotonic() < deadline, f"{words!r} never came: {self.seen!r}"
            if not self._read():
                raise AssertionError(f"{words!r} never came: {self.seen!r}")
        return self.seen

    def press(self, keys: str) -> None:
        """Type; ``"\\x03"`` is Ctrl+C."""
        os.write(self._screen, keys.encode())

    def rest(self) -> str:
        """Read to the end, and return all that was seen."""
        while self._read():
            pass
        self.program.wait(HANG)
        return self.seen

    def _read(self) -> bool:
        ready, _, _ = select.select([self._screen], [], [], HANG)
        assert ready, f"nothing more came: {self.seen!r}"
        with contextlib.suppress(OSError):  # Linux' way to say that the program is gone
            data = os.read(self._screen, 1 << 16)
            self.seen += data.decode()
            return bool(data)
        return False

    def close(self) -> None:
        self.program.kill()
        self.program.wait(HANG)
        os.close(self._screen)


@contextlib.contextmanager
def terminal(*arguments: str, **environment: str) -> Iterator[Terminal]:
    """Run ``rtlab`` with these arguments on a terminal."""
    running = Terminal(*arguments, **environment)
    try:
        yield running
    finally:
        running.close()
