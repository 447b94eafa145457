"""A figure of matplotlib as a drawing, with words for whoever does not see it."""

from __future__ import annotations

import re
from html import escape
from io import StringIO
from typing import TYPE_CHECKING

from rtlab.render.drawing import Drawing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ABOUT = ("Creator", "Date", "Format", "Type")
_LEAST = 0.6
"""Of its size: a figure that would have to shrink further is scrolled, or nobody could read it."""
_STYLE = "max-width:100%;height:auto;fill:currentColor;stroke-linejoin:round;stroke-linecap:butt"


def picture(figure: Figure, words: str) -> Drawing:
    """Draw a figure so that everybody gets something of it. Make it the last line of a cell.

    Black becomes the colour of the text around it, and the paper is left out, so a dark page stays
    dark. Jupyter shows a figure without the words, whatever they are given with.

    Args:
        figure: of matplotlib; it is closed, or Jupyter would show it once more.
        words: what somebody reads or hears who does not see it: what is drawn, and what it shows.
    """
    from matplotlib import pyplot, rc_context

    paper = StringIO()
    # Text as text can be searched and scales with the page; the salt makes equal figures equal.
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "rtlab"}):
        figure.savefig(paper, format="svg", transparent=True, metadata=dict.fromkeys(_ABOUT))
    pyplot.close(figure)
    style = f"{_STYLE};min-width:{_LEAST * figure.get_figwidth():.1f}in"
    return Drawing(_alone(paper.getvalue(), words, style), words)


def _alone(drawn: str, words: str, style: str) -> str:
    """Return an SVG file of matplotlib as a part of a page, which it leaves as it is."""
    drawn = drawn[drawn.index("<svg") :].replace("#000000", "currentColor")
    drawn = drawn.replace("fill: #ffffff", "fill: none")  # the paper of a legend
    drawn = re.sub("<style.*?</style>", "", drawn, flags=re.DOTALL)  # it is for all of the page
    used = set(re.findall(r"#([\w-]+)", drawn))
    # Other figures of the page have an axes_1 as well.
    drawn = re.sub(r' id="([^"]*)"', lambda name: name[0] if name[1] in used else "", drawn)
    label = escape(words, quote=True)
    return drawn.replace("<svg", f'<svg role="img" aria-label="{label}" style="{style}"', 1)
