"""Small tables, as text and as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

Cell = str | int


def text_table(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """Return rows under columns; a column of numbers stands right, one with words left."""
    lines = [list(columns), *([_show(cell) for cell in row] for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(columns))]
    left = _left(rows, len(columns))
    return "\n".join(
        "  ".join(
            cell.ljust(width) if left[place] else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def html_table(columns: Sequence[str], rows: Sequence[Sequence[Cell]], caption: str = "") -> str:
    """Return the same as an HTML table that scrolls in a column too narrow for it.

    Every cell is escaped; the first names its row.
    """
    # JupyterLab stands headers right and the first column too, whatever is below and in them;
    # pages with Bootstrap, such as nbgrader's, leave nothing between cells.
    styles = [
        f"style='padding:2px 8px;text-align:{'left' if left else 'right'}'"
        for left in _left(rows, len(columns))
    ]
    head = "".join(
        f"<th scope='col' {style}>{escape(name)}</th>"
        for style, name in zip(styles, columns, strict=True)
    )
    body = "".join(
        f"<tr><th scope='row' {styles[0]}>{escape(_show(first))}</th>"
        + "".join(
            f"<td {style}>{escape(_show(cell))}</td>"
            for style, cell in zip(styles[1:], rest, strict=True)
        )
        + "</tr>"
        for first, *rest in rows
    )
    above = f"<caption style='text-align:left'>{escape(caption)}</caption>" if caption else ""
    table = f"<table>{above}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f"<div style='overflow-x:auto'>{table}</div>"


def _left(rows: Sequence[Sequence[Cell]], columns: int) -> list[bool]:
    return [any(not _is_number(row[place]) for row in rows) for place in range(columns)]


def _show(cell: Cell) -> str:
    return f"{cell:,}" if isinstance(cell, int) else cell


def _is_number(cell: Cell) -> bool:
    return isinstance(cell, int) or cell[:1].isdigit() or cell in ("-", "?")
