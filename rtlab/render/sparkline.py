"""A line of values, small enough to stand in a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT = 480, 80
_MARGIN = 4


def sparkline(values: Sequence[float], title: str) -> str:
    """Return values as an SVG line, oldest left; ``title`` says in words what it shows."""
    low, high = min(values, default=0.0), max(values, default=0.0)
    span = (high - low) or 1.0
    step = (WIDTH - 2 * _MARGIN) / max(1, len(values) - 1)
    points = " ".join(
        f"{_MARGIN + place * step:.1f},"
        f"{HEIGHT - _MARGIN - (value - low) / span * (HEIGHT - 2 * _MARGIN):.1f}"
        for place, value in enumerate(values)
    )
    return (
        f"<svg role='img' viewBox='0 0 {WIDTH} {HEIGHT}' width='{WIDTH}' height='{HEIGHT}' "
        f"style='max-width:100%'><title>{escape(title)}</title>"
        f"<polyline points='{points}' fill='none' stroke='currentColor' stroke-width='1.5'/></svg>"
    )
