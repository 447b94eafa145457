"""Small tables, as text and as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

Cell = str | int


def text_table(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """Return rows under columns; columns of numbers stand right, others left."""
    lines = [list(columns), *([_show(cell) for cell in row] for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(columns))]
    left = [not all(_is_number(row[place]) for row in rows) for place in range(len(columns))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if left[place] else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def html_table(columns: Sequence[str], rows: Sequence[Sequence[Cell]], caption: str = "") -> str:
    """Return the same as an HTML table; every cell is escaped, the first names its row."""
    head = "".join(f"<th scope='col'>{escape(name)}</th>" for name in columns)
    body = "".join(
        f"<tr><th scope='row'>{escape(_show(first))}</th>"
        + "".join(
            f"<td style='text-align:{'right' if _is_number(cell) else 'left'}'>"
            f"{escape(_show(cell))}</td>"
            for cell in rest
        )
        + "</tr>"
        for first, *rest in rows
    )
    above = f"<caption style='text-align:left'>{escape(caption)}</caption>" if caption else ""
    return f"<table>{above}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _show(cell: Cell) -> str:
    return f"{cell:,}" if isinstance(cell, int) else cell


def _is_number(cell: Cell) -> bool:
    return isinstance(cell, int) or cell[:1].isdigit() or cell in ("-", "?")
