"""What the tests of the dissectors share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise

from rtlab.dissect.cursor import Cursor, Dissector, Steps
from rtlab.dissect.field import Field, Remark


def tree_of(
    grammar: Callable[[Cursor], Steps[None]],
    *pieces: bytes,
    remarks: Mapping[str, Remark] | None = None,
) -> Field:
    """Return what a grammar makes of bytes that come in pieces."""
    dissector = Dissector(grammar, remarks or {})
    for piece in pieces:
        dissector.feed(piece)
    return dissector.end()


def one_by_one(data: bytes) -> list[bytes]:
    return [data[place : place + 1] for place in range(len(data))]


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """Return the data in pieces, empty ones among them."""
    edges = sorted([0, *(min(place, len(data)) for place in places), len(data)])
    return [data[start:stop] for start, stop in pairwise(edges)]


def cut_off(missing: int) -> str:
    """Return the error of a field of which so many bits are missing."""
    return f"cut off: {missing} bit{' is' if missing == 1 else 's are'} missing"


def assert_tiled(root: Field, size: int) -> None:
    """Everywhere, children lie side by side from where their parent begins to where it stops."""
    assert (root.start, root.stop) == (0, size * 8)
    for field in root.walk():
        assert field.start <= field.stop
        if field.children:
            edges = [field.start, *(child.stop for child in field.children)]
            assert [child.start for child in field.children] == edges[:-1]
            assert edges[-1] == field.stop
        if field.buffer is not None:
            assert_tiled(field.buffer.root, len(field.buffer.data))
