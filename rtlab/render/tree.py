"""A dissection as text: the bytes left, what they say right."""

from __future__ import annotations

from collections.abc import Iterator

from rtlab.dissect.field import Dissection, Field

HEX_SHOWN = 8
"""Bytes of a field that are shown; of longer ones the first, and how many there are."""


def as_text(dissection: Dissection, *, notes: bool = False) -> str:
    """Return the tree, a line a field.

    Args:
        dissection: what to show.
        notes: whether to add what a learner should know of each field.
    """
    return "\n".join(_lines(dissection.root, dissection.data, 0, notes))


def _lines(field: Field, data: bytes, depth: int, notes: bool) -> Iterator[str]:
    place = f"{field.start >> 3}" + (f".{field.start & 7}" if field.start % 8 else "")
    value = "" if field.value is None else f" = {_shown(field.value)}"
    shown = "" if field.children else _bytes(field, data)
    yield f"{place:>7}  {shown:<{3 * HEX_SHOWN + 7}} {'  ' * depth}{field.name}{value}"
    indent = " " * (3 * HEX_SHOWN + 18 + 2 * depth)
    if field.error:
        clause = f" [{field.reference}]" if field.reference else ""
        yield f"{indent}!! {_plain(field.error)}{clause}"
    elif notes and field.note:
        yield f"{indent}{field.note} [{field.reference}]"
    for child in field.children:
        yield from _lines(child, data, depth + 1, notes)
    if field.buffer is not None:
        yield f"{indent}-- {field.buffer.name}, {len(field.buffer.data)} bytes --"
        yield from _lines(field.buffer.root, field.buffer.data, depth + 1, notes)


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
