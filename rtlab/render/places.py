"""Where the labels of a drawing stand, so that none stands on another."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import wrap

CHARACTER = 0.54
"""Width of a character of a sans-serif font, on average, as a share of its size."""


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


def width(text: str, size: float) -> float:
    """Return about how many pixels a text takes in a font of ``size`` pixels."""
    return len(text) * size * CHARACTER


def lines(text: str, pixels: float, size: float) -> list[str]:
    """Break a text into lines that fit into so many pixels."""
    return wrap(text, max(1, int(pixels / (size * CHARACTER)))) or [""]
