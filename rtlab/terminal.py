"""What a terminal may be shown: colour where it is wanted, and lines as wide as it is.

Colour only helps the eye: whatever it tells apart stands in another place or has a mark as well.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from typing import Literal, TextIO

from rtlab.arguments import one_of

Style = Literal["place", "bytes", "name", "value", "error", "note", "derived", "heading"]
Paint = Callable[[Style, str], str]
"""Takes what a text is, and the text; returns it as it is to be printed."""

WHEN = ("auto", "always", "never")

# Of the colours that a terminal's own theme sets, so that they can be read on its ground.
_CODES: dict[Style, str] = {
    "place": "2",
    "bytes": "36",
    "name": "1",
    "value": "32",
    "error": "1;31",
    "note": "3",
    "derived": "35",
    "heading": "1;4",
}


def unpainted(style: Style, text: str) -> str:
    """Return the text as it is."""
    return text


def coloured(style: Style, text: str) -> str:
    """Return the text in its colour (ECMA-48 §8.3.117, select graphic rendition)."""
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if text else text


def paint_for(stream: TextIO, when: str = "auto") -> Paint:
    """Return how to print on a stream.

    Args:
        stream: where it goes.
        when: ``"auto"`` colours what goes to a terminal, unless ``NO_COLOR`` is set and not empty
            (https://no-color.org) or ``TERM`` is ``dumb``; ``"always"`` and ``"never"`` do as they
            say.

    Raises:
        UsageError: ``when`` is none of the three.
    """
    if one_of("--color", when, WHEN) == "auto":
        wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        return coloured if wanted and stream.isatty() else unpainted
    return coloured if when == "always" else unpainted


def width_of(stream: TextIO) -> int | None:
    """Return how many columns a stream's terminal has; ``None`` if it is no terminal."""
    return shutil.get_terminal_size().columns if stream.isatty() else None
