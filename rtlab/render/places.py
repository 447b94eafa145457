"""Where the labels of a drawing stand, so that none stands on another."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import wrap

CHARACTER = 0.54
"""Width of a character of a sans-serif font, on average, as a share of its size."""


Line = tuple[float, float, float, float]
"""From x and y to x and y."""


class Places:
    """The places that are taken.

    Args:
        line: pixels from one line of text to the next.
    """

    def __init__(self, line: float) -> None:
        self._line = line
        self._taken: list[tuple[float, float, float]] = []

    def take(self, left: float, right: float, heights: Iterable[float]) -> float | None:
        """Take a place from ``left`` to ``right`` at the first of some heights that is free.

        Returns:
            The height in pixels; ``None`` if all are taken.
        """
        for height in heights:
            if not any(
                abs(height - other) < self._line and left < stop and start < right
                for start, stop, other in self._taken
            ):
                self._taken.append((left, right, height))
                return height
        return None


class Words(Places):
    """The same among lines, of which as few as may be go through the words.

    Args:
        size: of the font, in pixels.
        among: the lines.

    Attributes:
        spoiled: how many lines go through words, and how many words found no place.
    """

    def __init__(self, size: float, among: Iterable[Line]) -> None:
        super().__init__(size + 1)
        self._size = size
        self._among = list(among)
        self.spoiled = 0

    def take(self, left: float, right: float, heights: Iterable[float]) -> float | None:
        """Take a place as in ``Places``, where the fewest lines are; the first of equals."""
        crossed = {
            at: sum(self._goes_through(line, left, right, at) for line in self._among)
            for at in heights
        }
        place = super().take(left, right, sorted(crossed, key=lambda at: crossed[at]))
        self.spoiled += 1 if place is None else crossed[place]
        return place

    def _goes_through(self, line: Line, left: float, right: float, foot: float) -> bool:
        x1, y1, x2, y2 = line
        if min(x1, x2) > right or max(x1, x2) < left:
            return False
        ys = [
            y1 + (y2 - y1) * (x - x1) / (x2 - x1) if x1 != x2 else y1
            for x in (max(left, min(x1, x2)), min(right, max(x1, x2)))
        ]
        return min(ys) < foot + 1 and max(ys) > foot - 0.7 * self._size


def width(text: str, size: float) -> float:
    """Return about how many pixels a text takes in a font of ``size`` pixels."""
    return len(text) * size * CHARACTER


def lines(text: str, pixels: float, size: float) -> list[str]:
    """Break a text into lines that fit into so many pixels."""
    return wrap(text, max(1, int(pixels / (size * CHARACTER)))) or [""]
