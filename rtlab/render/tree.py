"""A dissection as text: the bytes left, what they say right."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from rtlab.dissect.field import Dissection, Field
from rtlab.terminal import Paint, Style, plain

HEX_SHOWN = 8
"""Bytes of a field that are shown; of longer ones the first, and how many there are."""

_NAMES = 3 * HEX_SHOWN + 17  # the column in which the names of the outermost fields begin
_LEAST = 40  # columns that a sentence gets, however deep it stands


def as_text(
    dissection: Dissection, *, notes: bool = False, paint: Paint = plain, width: int | None = None
) -> str:
    """Return the tree, a line a field.

    Args:
        dissection: what to show.
        notes: whether to add what a learner should know of each field.
        paint: colours the parts of a line.
        width: columns after which sentences are wrapped; ``None`` leaves each on one line.
    """
    tree = _Tree(notes, paint, width)
    return "\n".join(tree.lines(dissection.root, dissection.data, 0))


@dataclass(frozen=True)
class _Tree:
    notes: bool
    paint: Paint
    width: int | None

    def lines(self, field: Field, data: bytes, depth: int) -> Iterator[str]:
        paint = self.paint
        place = f"{field.start >> 3}" + (f".{field.start & 7}" if field.start % 8 else "")
        value = "" if field.value is None else f" = {paint('value', _shown(field.value))}"
        shown = "" if field.children else _bytes(field, data)
        space = " " * (_NAMES - 9 - len(shown) + 2 * depth)
        yield (
            f"{paint('place', f'{place:>7}')}  {paint('bytes', shown)}{space}"
            f"{paint('name', field.name)}{value}"
        )
        if field.error:
            clause = f" [{field.reference}]" if field.reference else ""
            yield from self._sentence("error", f"!! {_plain(field.error)}{clause}", depth)
        elif self.notes and field.note:
            yield from self._sentence("note", f"{field.note} [{field.reference}]", depth)
        for child in field.children:
            yield from self.lines(child, data, depth + 1)
        if field.buffer is not None:
            derived = f"-- {field.buffer.name}, {len(field.buffer.data)} bytes --"
            yield f"{' ' * (_NAMES + 1 + 2 * depth)}{paint('derived', derived)}"
            yield from self.lines(field.buffer.root, field.buffer.data, depth + 1)

    def _sentence(self, style: Style, text: str, depth: int) -> Iterator[str]:
        indent = _NAMES + 1 + 2 * depth
        if self.width is None:
            yield f"{' ' * indent}{self.paint(style, text)}"
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
            yield f"{' ' * indent}{self.paint(style, line)}"


def _bytes(field: Field, data: bytes) -> str:
    if field.start % 8 or field.stop % 8:
        number = int.from_bytes(data[field.start >> 3 : (field.stop + 7) >> 3], "big")
        number >>= -field.stop % 8
        width = field.stop - field.start
        return f"{number & ((1 << width) - 1):0{width}b}"
    piece = data[field.start >> 3 : field.stop >> 3]
    more = f" +{len(piece) - HEX_SHOWN}" if len(piece) > HEX_SHOWN else ""
    return piece[:HEX_SHOWN].hex(" ") + more


def _shown(value: object) -> str:
    text = repr(value) if isinstance(value, (str, bytes)) else str(value)
    return _plain(text if len(text) <= 60 else text[:59] + "…")


def _plain(text: str) -> str:
    """Keep what came over a wire from taking over a terminal."""
    return "".join(c if c.isprintable() else "·" for c in text)
