"""What opens at a click, without a script."""

from __future__ import annotations

from html import escape


def folded(title: str, html: str) -> str:
    """Return HTML under a title that opens it.

    Args:
        title: a few words.
        html: what is shown then.
    """
    # Pages with Bootstrap, such as nbgrader's, would take away the mark that says it opens.
    return f"<details><summary style='display:list-item'>{escape(title)}</summary>{html}</details>"
