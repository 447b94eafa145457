"""What a middlebox did, line by line."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter_ns

from rtlab.render.table import html_table, text_table
from rtlab.render.values import plain

COLUMNS = ("after", "connection", "what it did")
MOST = 500
"""Lines that are kept, the newest."""


@dataclass(slots=True)
class Line:
    """One thing that was done.

    Attributes:
        at_ns: when it began (``time.perf_counter_ns``).
        connection: the number of the client's connection, from 1.
        text: what it is; it changes for as long as it goes on.
    """

    at_ns: int
    connection: int
    text: str

    def __str__(self) -> str:
        return f"connection {self.connection}: {self.text}"


class Journal:
    """The newest lines of a middlebox. It shows itself as a table, and can be read as a list."""

    def __init__(self) -> None:
        self._began_ns = perf_counter_ns()
        self._lines: deque[Line] = deque(maxlen=MOST)

    def add(self, connection: int, text: str) -> Line:
        """Write a line, and return it for who has to change it later."""
        line = Line(perf_counter_ns(), connection, plain(text))
        self._lines.append(line)
        return line

    def clear(self) -> None:
        """Forget the lines, and count the time anew."""
        self._began_ns = perf_counter_ns()
        self._lines.clear()

    def __iter__(self) -> Iterator[Line]:
        return iter(list(self._lines))  # a copy: the lab's thread goes on writing

    def __len__(self) -> int:
        return len(self._lines)

    def __getitem__(self, place: int) -> Line:
        return self._lines[place]

    def __contains__(self, text: str) -> bool:
        return any(text in line.text for line in self)

    def rows(self) -> list[tuple[str, int, str]]:
        """Return the lines as what the table shows: seconds, connection, what was done."""
        return [
            (f"{(line.at_ns - self._began_ns) / 1e9:.3f} s", line.connection, line.text)
            for line in self
        ]

    def __repr__(self) -> str:
        return text_table(COLUMNS, self.rows()) if self._lines else "<nothing was done to anybody>"

    def _repr_html_(self) -> str:
        return html_table(COLUMNS, self.rows())
