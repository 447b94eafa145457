"""What the servers and links have to say, kept in memory instead of printed into a cell."""

from __future__ import annotations

import logging
from collections import deque


class RingLog(logging.Handler):
    """Keeps the newest lines of the ``rtlab`` loggers."""

    def __init__(self, lines: int = 500) -> None:
        super().__init__(logging.INFO)
        self.lines: deque[str] = deque(maxlen=lines)
        self.setFormatter(logging.Formatter("%(asctime)s %(name)s: %(message)s", "%H:%M:%S"))

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line, without its traceback: that is for the debugger's eyes."""
        message = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            message += f" ({record.exc_info[1]!r})"
        plain = logging.makeLogRecord(
            {**record.__dict__, "msg": message, "args": None, "exc_info": None, "exc_text": None}
        )
        self.lines.append(self.format(plain))


ring = RingLog()


def logger(name: str) -> logging.Logger:
    """Return a logger whose lines go to the ring and, by default, nowhere else."""
    root = logging.getLogger("rtlab")
    if ring not in root.handlers:
        root.addHandler(ring)
        root.propagate = False
        root.setLevel(logging.INFO)
    return root.getChild(name)
