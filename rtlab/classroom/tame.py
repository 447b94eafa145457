"""What a submission says, as text and pictures: nothing runs where somebody reads it.

Formgrader shows a submission on a page that may do whatever the teacher may, and a feedback page
opens where its reader is at home. nbconvert passes on the HTML in Markdown and in outputs as it is.
"""

from __future__ import annotations

import html
import re
from typing import Any

import bleach
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_locked

from rtlab.classroom.outputs import node

TAGS = bleach.ALLOWED_TAGS | {
    *("br", "dd", "del", "div", "dl", "dt", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "img", "kbd"),
    *("p", "pre", "s", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr"),
}
"""What Markdown comes to, and a little more; no class, id or style, which belong to the page."""
_PICTURE = re.compile(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]*")
_LINK = re.compile(r"https?://|mailto:", re.IGNORECASE)


class Tame(NbGraderPreprocessor):  # type: ignore[misc]  # nbgrader has no types
    """Rewrites a graded notebook so that it can be shown. Of outputs ``GradeApart`` takes care."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> Any:
        """Tame a notebook."""
        kept = ("kernelspec", "language_info")
        nb.metadata = node(**{key: nb.metadata[key] for key in kept if key in nb.metadata})
        return super().preprocess(nb, resources)

    def preprocess_cell(self, cell: NotebookNode, resources: Any, index: int) -> Any:
        """Tame a cell."""
        cell.metadata = {key: mark for key, mark in cell.metadata.items() if key == "nbgrader"}
        attachments = cell.pop("attachments", {})
        if cell.cell_type == "raw":
            cell.source = _clean(cell.source)
        elif cell.cell_type == "markdown" and not is_locked(cell):  # what is locked is a teacher's
            cell.source = _written(cell.source, attachments)
        return cell, resources


def _written(source: str, attachments: Any) -> str:
    """Return Markdown as the HTML that it comes to, cleaned: Markdown, too, has ``javascript:``.

    All of it is one block of HTML, which ends at an empty line and has none, so that whoever takes
    it for Markdown again leaves it as it is.
    """
    try:
        renderer = IPythonRenderer(escape=False, attachments=attachments, exclude_anchor_links=True)
        shown = _clean(MarkdownWithMath(renderer).render(source))
    except Exception:  # a picture that is not there, for one
        shown = f"<pre>{html.escape(source)}</pre>"
    lines = re.sub(r"\n(?=\s*\n)", "&#10;", shown.strip())
    return f"<div>\n{lines}\n</div>"


def _clean(markup: str) -> str:
    """Return HTML in which everything that may do something is text.

    Pictures bring their bytes along: one that is fetched tells who reads when, and where. If there
    is one of those, pictures are text as well, so that it is seen what they were.
    """
    try:
        return _with(TAGS, markup)
    except _FetchedError:
        return _with(TAGS - {"img"}, markup)


def _with(tags: frozenset[str], markup: str) -> str:
    rules = {"a": _attribute, "img": _attribute}
    schemes = {"http", "https", "mailto", "data"}  # data in pictures alone: see _attribute
    cleaned: str = bleach.clean(markup, tags=tags, attributes=rules, protocols=schemes)
    return cleaned


class _FetchedError(Exception):
    """There is a picture that would be fetched."""


def _attribute(tag: str, name: str, value: str) -> bool:
    """Whether an attribute may stay; a link to where the page is would be followed as its user."""
    match tag, name:
        case "a", "href":
            return _LINK.match(value) is not None
        case "img", "src":
            if not _PICTURE.fullmatch(value):
                raise _FetchedError
            return True
    return name in ("alt", "title")
