"""A dissection as text: the bytes left, what they say right."""

from __future__ import annotations

import textwrap

from rtlab.dissect.field import Dissection, Field, in_bytes
from rtlab.render.values import cut, plain, shown
from rtlab.terminal import Paint, Style, unpainted

HEX_SHOWN = 8
"""Bytes of a field that are shown; of longer ones the first, and how many there are."""

_NAMES = 3 * HEX_SHOWN + 17  # the column in which the names of the outermost fields begin
_LEAST = 40  # columns that a sentence gets, however deep it stands


def as_text(
    dissection: Dissection,
    *,
    first: int = 0,
    count: int | None = None,
    notes: bool = False,
    paint: Paint = unpainted,
    width: int | None = None,
) -> str:
    """Return the tree, a line a field.

    Args:
        dissection: what to show.
        first: of the parts of its root, the first that is shown.
        count: how many are shown; ``None`` shows all.
        notes: whether to add what a learner should know of each field.
        paint: colours the parts of a line.
        width: columns after which sentences are wrapped; ``None`` leaves each on one line.
    """
    tree = _Tree(notes, paint, width)
    root, parts = dissection.root, dissection.root.children
    stop = len(parts) if count is None else first + count
    tree.head(root, dissection.data, 0)
    for part in parts[first:stop]:
        tree.add(part, dissection.data, 1)
    if left_out := len(parts) - len(parts[first:stop]):
        tree.rows.append(f"{left_out:,} of {len(parts):,} parts left out".rjust(_NAMES))
    return "\n".join(tree.rows)


class _Tree:
    def __init__(self, notes: bool, paint: Paint, width: int | None) -> None:
        self.rows: list[str] = []
        self.notes, self.paint, self.width = notes, paint, width

    def add(self, field: Field, data: bytes, depth: int) -> None:
        """Write a field and all below it."""
        self.head(field, data, depth)
        for child in field.children:
            self.add(child, data, depth + 1)
        if field.buffer is not None:
            derived = f"-- {field.buffer.name}, {in_bytes(len(field.buffer.data))} --"
            self.rows.append(f"{' ' * (_NAMES + 1 + 2 * depth)}{self.paint('derived', derived)}")
            self.add(field.buffer.root, field.buffer.data, depth + 1)

    def head(self, field: Field, data: bytes, depth: int) -> None:
        """Write a field alone."""
        paint = self.paint
        place = f"{field.start >> 3}" + (f".{field.start & 7}" if field.start % 8 else "")
        value = "" if field.value is None else f" = {paint('value', _value(field.value))}"
        hexes = "" if field.children else _bytes(field, data)
        space = " " * (_NAMES - 9 - len(hexes) + 2 * depth)
        self.rows.append(
            f"{paint('place', f'{place:>7}')}  {paint('bytes', hexes)}{space}"
            f"{paint('name', field.name)}{value}"
        )
        if field.error:
            clause = f" [{field.reference}]" if field.reference else ""
            self._sentence("error", f"!! {plain(field.error)}{clause}", depth)
        elif self.notes and field.note:
            self._sentence("note", f"{field.note} [{field.reference}]", depth)

    def _sentence(self, style: Style, text: str, depth: int) -> None:
        indent = _NAMES + 1 + 2 * depth
        if self.width is None:
            self.rows.append(f"{' ' * indent}{self.paint(style, text)}")
            return
        room = max(_LEAST, self.width - indent)
        indent = max(0, min(indent, self.width - room))
        hanging = "   " if style == "error" else ""
        for line in textwrap.wrap(
            text,
            room,
            subsequent_indent=hanging,
            break_on_hyphens=False,
            break_long_words=False,
        ):
            self.rows.append(f"{' ' * indent}{self.paint(style, line)}")


def _bytes(field: Field, data: bytes) -> str:
    if field.start % 8 or field.stop % 8:
        number = int.from_bytes(data[field.start >> 3 : (field.stop + 7) >> 3], "big")
        number >>= -field.stop % 8
        width = field.stop - field.start
        return f"{number & ((1 << width) - 1):0{width}b}"
    piece = data[field.start >> 3 : field.stop >> 3]
    more = f" +{len(piece) - HEX_SHOWN}" if len(piece) > HEX_SHOWN else ""
    return piece[:HEX_SHOWN].hex(" ") + more


def _value(value: object) -> str:
    # The digits of bytes stand on the left already.
    return cut(plain(repr(value))) if isinstance(value, bytes) else shown(value)
