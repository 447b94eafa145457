"""What every drawing has in common: an SVG and the same as text, one look, the reader's theme."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from math import atan2, cos, sin
from pathlib import Path

from rtlab.render.folded import folded
from rtlab.render.theme import palette

_STYLE = (
    palette(".NAME", "soft", "blue", "grey", "orange", "fill", "here")
    + """\
.NAME{background:var(--paper);font:11px system-ui,sans-serif}
.NAME text{fill:var(--ink)}.NAME .s{fill:var(--soft)}.NAME .h{font-weight:600;font-size:13px}
"""
)


@dataclass(frozen=True)
class Drawing:
    """A drawing. Show it as a cell's result, or ``save`` it.

    Attributes:
        svg: the drawing, complete in itself.
        text: the same content as lines of text.
        more: the same content as HTML, with more words, to be unfolded below the drawing.
    """

    svg: str
    text: str
    more: str = ""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the drawing to an SVG file."""
        Path(path).write_text(self.svg, encoding="utf-8")

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        below = folded("as a table, with notes", self.more)
        return f"<div style='overflow-x:auto'>{self.svg}{below if self.more else ''}</div>"


def svg(
    kind: str,
    size: tuple[int, int],
    least: int,
    label: str,
    rules: str,
    parts: Iterable[str],
) -> str:
    """Put the parts of a drawing together.

    Args:
        kind: of drawing, for the names of its styles.
        size: width and height in pixels.
        least: the width below which it is scrolled, not shrunk.
        label: what somebody hears who does not see it.
        rules: CSS of its own, with ``NAME`` for the drawing's class: each drawing has another,
            because styles in one page apply to the whole of it; the same drawing has the same.
        parts: what is drawn, already escaped.
    """
    body = "".join(parts)
    width, height = size
    digest = sha256(f"{kind} {size} {rules} {body}".encode()).hexdigest()
    name = f"rtlab-{kind}-{digest[:10]}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{name}" width="{width}" '
        f'height="{height}" viewBox="0 0 {width} {height}" '
        f'style="max-width:100%;min-width:{min(width, least)}px;height:auto" role="img" '
        f'aria-label="{escape(label, quote=True)}">'
        f"<style>{(_STYLE + rules).replace('NAME', name)}</style>{body}</svg>"
    )


def arrow_head(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    """Draw the head of an arrow that comes from the first point, at the second."""
    angle = atan2(y2 - y1, x2 - x1)
    corners = [(x2, y2)]
    for side in (2.75, -2.75):  # radians from the arrow's own direction
        corners.append((x2 + 7 * cos(angle + side), y2 + 7 * sin(angle + side)))
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
    return f'<polygon class="{kind}" points="{points}"/>'
