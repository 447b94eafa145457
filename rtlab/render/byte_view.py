"""The byte view: bytes beside the tree of what they mean, as HTML that folds.

It reads without any script, down to plain paper. Where scripts run, pointing at a byte shows its
field and pointing at a field its bytes, with the mouse and with the keyboard.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from importlib.resources import files
from typing import NamedTuple

from rtlab.dissect.field import Buffer, Dissection, Field
from rtlab.render.theme import palette
from rtlab.render.values import bit_pattern, plain, shown

ROW = 8
"""Bytes in a row: with their text beside them they leave half of a notebook's width to the tree."""
MOST_BYTES = 512
"""Bytes of a part that are shown; of longer ones the first, and how many there are."""
MOST_PARTS = 200
"""Parts of a field that are shown; of more the first, and how many there are."""
OPEN_BYTES = 400
"""Parts of the whole are shown open as long as they have no more bytes than this together."""

_FILES = files("rtlab.render")
_COLOURS = palette(".rtlab-bytes", "soft", "rule", "tint", "lit", "bad")


class Part(NamedTuple):
    """A part of a whole that is shown as one: a message, a frame, a block.

    Attributes:
        field: what it is.
        data: the buffer in which its positions count.
        label: HTML that says what it is; its name, value and place if empty.
    """

    field: Field
    data: bytes | bytearray
    label: str = ""


def as_html(dissection: Dissection, *, first: int = 0, count: int = 20) -> str:
    """Return the byte view of a dissection.

    Args:
        dissection: what to show.
        first: of the parts of its root, the first that is shown.
        count: how many are shown.
    """
    children = dissection.root.children
    parts = [Part(field, dissection.data) for field in children[first : first + count]]
    left_out = len(children) - first - len(parts)
    more = f"<p class='more'>… and {left_out:,} more</p>" if left_out > 0 else ""
    if not children:
        more = "<p class='more'>no bytes</p>"
    return page(parts_html(parts) + more)


def page(body: str) -> str:
    """Return HTML with the style and the script that it needs."""
    style, script = (
        _FILES.joinpath(f"byte_view.{kind}").read_text("utf-8") for kind in ("css", "js")
    )
    return (
        f"<div class='rtlab-bytes'><style>{_COLOURS}{style}</style>{body}"
        f"<p class='said' aria-live='polite'></p></div><script>{script}</script>"
    )


def parts_html(parts: Iterable[Part | str], open_bytes: int = OPEN_BYTES) -> str:
    """Return parts one below the other, each a line that says what it is and, folded, its bytes.

    Args:
        parts: what to show, or HTML that stands in its place.
        open_bytes: parts are open as long as they have no more bytes than this together, and where
            something is wrong. The first of a kind has a note on the kind.
    """
    size, kinds, html = 0, set(), []
    for part in parts:
        if isinstance(part, str):
            html.append(part)
            continue
        field = part.field
        size += field.stop - field.start >> 3
        is_open = size <= open_bytes or bool(field.errors)
        html.append(_part(part, is_open, explained=field.name not in kinds))
        kinds.add(field.name)
    return "".join(html)


def _part(part: Part, is_open: bool, explained: bool) -> str:
    field = part.field
    label = part.label or f"<b>{escape(field.name)}</b> {_value(field)} {_place(field)}"
    errors = len(field.errors)
    wrong = f" <strong class='wrong'>✗ {errors}</strong>" if errors else ""
    return (
        f"<details class='part'{' open' if is_open else ''}><summary>{label}{wrong}</summary>"
        f"{_scope(field, part.data, explained)}</details>"
    )


def _place(field: Field) -> str:
    first, last = field.start >> 3, max(field.stop - 1, field.start) >> 3
    place = "no bytes" if field.start == field.stop else f"bytes {first:,}–{last:,}"
    return f"<small>{place}</small>"


def _scope(field: Field, data: bytes | bytearray, explained: bool = True) -> str:
    """Return bytes and, beside them, the parts of what they are, and a note on the whole or not."""
    inner = field.children or (field,)
    note = _note(field) if field.children and explained else ""
    made = _derived(field.buffer) if field.children and field.buffer is not None else ""
    return (
        f"<div class='scope' data-start='{field.start >> 3}'>{_hex(field, data)}"
        f"<div class='tree'>{note}{_list(inner, data)}{made}</div></div>"
    )


# ── bytes ──


def _hex(field: Field, data: bytes | bytearray) -> str:
    start, stop = field.start >> 3, (field.stop + 7) >> 3
    end = min(stop, start + MOST_BYTES)
    classes = list(_classes(field, start, end))
    lines = []
    for at in range(start, end, ROW):
        row = range(at, min(at + ROW, end))
        cells = "".join(f"<i{classes[n - start]}>{data[n]:02x}</i> " for n in row)
        text = "".join(f"<b{classes[n - start]}>{escape(_character(data[n]))}</b>" for n in row)
        lines.append(f"<s>{at:>5}</s>  {cells}{'   ' * (ROW - len(row))} {text}")
    if stop > end:
        lines.append(f"<s>    …</s>  {stop - end:,} more bytes")
    return (
        f"<pre class='hex' tabindex='0' data-row='{ROW}' aria-label='bytes {start} to {stop - 1}'>"
        + ("\n".join(lines) + "</pre>")
    )


def _classes(field: Field, start: int, end: int) -> Iterator[str]:
    """Yield, byte by byte, how it is set apart from the field beside it, and from what is wrong."""
    at, number = start, 0
    for leaf in _leaves(field):
        stop = min((leaf.stop + 7) >> 3, end)
        if stop > at:
            kinds = (["odd"] if number % 2 else []) + (["wrong"] if leaf.error else [])
            kind = f" class='{' '.join(kinds)}'" if kinds else ""
            yield from [kind] * (stop - at)
            at, number = stop, number + 1
        if at >= end:
            return
    yield from [""] * (end - at)


def _leaves(field: Field) -> Iterator[Field]:
    return (part for part in field.walk() if not part.children)


def _character(byte: int) -> str:
    return chr(byte) if 0x20 <= byte < 0x7F else "·"


# ── the tree ──


def _list(fields: Sequence[Field], data: bytes | bytearray) -> str:
    items = "".join(_item(field, data) for field in fields[:MOST_PARTS])
    left_out = len(fields) - MOST_PARTS
    more = f"<li>… and {left_out:,} more</li>" if left_out > 0 else ""
    return f"<ul>{items}{more}</ul>"


def _item(field: Field, data: bytes | bytearray) -> str:
    place = f" data-from='{field.start}' data-to='{field.stop}'"
    bits = bit_pattern(field, data)
    shown_bits = f" <code>{bits}</code>" if bits else ""
    name = f"<span class='name'>{escape(field.name)}</span>{shown_bits} {_value(field)}"
    error = (
        f"<p class='wrong'>✗ {escape(plain(field.error))}{_cite(field)}</p>" if field.error else ""
    )
    parts = _list(field.children, data) if field.children else ""
    derived = "" if field.buffer is None else _derived(field.buffer)
    is_open = " open" if field.errors or field.buffer is not None else ""
    return (
        f"<li><details{is_open}><summary{place}>{name}</summary>"
        f"{error}{_note(field)}{parts}{derived}</details></li>"
    )


def _note(field: Field) -> str:
    if not field.note:
        return ""
    cite = "" if field.error else _cite(field)
    return f"<p class='note'>{escape(field.note)}{cite}</p>"


def _cite(field: Field) -> str:
    return f" <cite>{escape(field.reference)}</cite>" if field.reference else ""


def _value(field: Field) -> str:
    # A whole says of itself what it is; only what came over the wire is quoted.
    whole = isinstance(field.value, str) and field.children
    value = plain(field.value) if whole else shown(field.value)
    return f"<span class='value'>{escape(value)}</span>" if value else ""


def _derived(buffer: Buffer) -> str:
    size = len(buffer.data)
    return (
        f"<details class='derived' open><summary>{escape(buffer.name)}: not on the wire, but made "
        f"from it <small>{size:,} byte{'' if size == 1 else 's'}</small></summary>"
        f"{_scope(buffer.root, buffer.data)}</details>"
    )
