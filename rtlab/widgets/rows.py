"""Rows of numbers that a page draws: thousands a second in a message, and no object for each."""

from __future__ import annotations

from array import array
from collections.abc import Iterator


class Rows:
    """The newest rows of numbers; a reader says which it has, counted from the first one ever.

    Args:
        width: numbers in a row.
        most: how many rows are surely held.
    """

    def __init__(self, width: int, most: int) -> None:
        self._width = width
        self._most = most
        self._numbers = array("d")
        self._dropped = 0

    def __len__(self) -> int:
        """How many there were, ever."""
        return self._dropped + len(self._numbers) // self._width

    def __iter__(self) -> Iterator[tuple[float, ...]]:
        numbers = iter(self._numbers)
        return zip(*[numbers] * self._width, strict=True)

    def add(self, *row: float) -> None:
        """Append a row."""
        self._numbers.extend(row)
        held = len(self._numbers) // self._width
        if held > 2 * self._most:
            del self._numbers[: (held - self._most) * self._width]
            self._dropped += held - self._most

    def between(self, first: int, stop: int) -> bytes:
        """Return rows ``first`` to ``stop`` (not included) as 64-bit floats, as far as held."""
        start, end = (max(0, row - self._dropped) * self._width for row in (first, stop))
        return self._numbers[start:end].tobytes()
