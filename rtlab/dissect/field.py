"""Fields: bytes as a tree of named parts that tile them exactly, to the bit.

Most of what crosses a wire is in order, and most of that nobody looks at. Where a dissector sees at
a glance that a frame or a line is in order, it takes it *folded*: one field, whose parts are worked
out when they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple


class Remark(NamedTuple):
    """What a learner should know of a field, and where it is written.

    Attributes:
        note: why this field, and what if it were different.
        reference: the clause, such as ``"RFC 6455 §5.2"``.
    """

    note: str
    reference: str


class Field:
    """A named part of a buffer.

    Attributes:
        name: what it is.
        start: where it begins, in bits from the beginning of its buffer.
        stop: where it ends; the children, if there are any, tile ``start`` to ``stop``.
        value: what it says: an int, text, bytes, or ``None``.
        note: what a learner should know of it.
        reference: the clause of the standard that has it, or that an error violates.
        error: what is wrong with it; empty if nothing is.
        children: its parts, in order.
        buffer: bytes that are derived from it (unmasked, inflated, de-chunked), with a tree of
            their own.
    """

    __slots__ = (
        "_parts",
        "buffer",
        "error",
        "name",
        "note",
        "reference",
        "start",
        "stop",
        "value",
    )

    def __init__(
        self,
        name: str,
        start: int,
        stop: int,
        value: Any = None,
        note: str = "",
        reference: str = "",
        error: str = "",
    ) -> None:
        self.name = name
        self.start = start
        self.stop = stop
        self.value = value
        self.note = note
        self.reference = reference
        self.error = error
        self.buffer: Buffer | None = None
        self._parts: Sequence[Field] | Unfold = ()

    @property
    def children(self) -> Sequence[Field]:
        """Its parts, in order, which tile ``start`` to ``stop``; empty if it has none."""
        parts = self._parts
        if callable(parts):
            self._parts = parts = parts(self)
        return parts

    @property
    def folded(self) -> bool:
        """Whether its parts are still to be worked out; nothing is wrong with any of them."""
        return callable(self._parts)

    def fold(self, unfold: Unfold) -> None:
        """Let its parts be worked out when they are asked for."""
        self._parts = unfold

    def add(self, *parts: Field) -> None:
        """Append parts."""
        self._parts = [*self.children, *parts]

    def wrong(self, error: str, reference: str) -> None:
        """Say what is wrong with the field, and which clause says so; the first word stands."""
        if not self.error:
            self.error, self.reference = error, reference or self.reference

    def shift(self, bits: int) -> None:
        """Move the field and all below it; derived buffers count from their own beginning."""
        for field in list(self.walk()):  # unfolded first, where the bytes are
            field.start += bits
            field.stop += bits

    def walk(self) -> Iterator[Field]:
        """Yield the field and all below it, in the order of the bytes; derived buffers apart."""
        waiting = [self]
        while waiting:
            field = waiting.pop()
            yield field
            waiting.extend(reversed(field.children))

    def find(self, name: str) -> Field | None:
        """Return the first field of a name, here or below."""
        return next((field for field in self.walk() if field.name == name), None)

    @property
    def errors(self) -> list[Field]:
        """The fields here and below, derived buffers included, with which something is wrong."""
        found = []
        waiting = [self]
        while waiting:
            field = waiting.pop()
            if field.error:
                found.append(field)
            if field.buffer is not None:
                found += field.buffer.root.errors
            if not field.folded:
                waiting.extend(reversed(field.children))
        return found

    def as_tuple(self) -> tuple[Any, ...]:
        """Return everything in it, and below it, for comparing."""
        return (
            self.name,
            self.start,
            self.stop,
            self.value,
            self.note,
            self.reference,
            self.error,
            tuple(child.as_tuple() for child in self.children),
            None
            if self.buffer is None
            else (self.buffer.name, self.buffer.data, *self.buffer.root.as_tuple()),
        )

    def __repr__(self) -> str:
        wrong = f", error={self.error!r}" if self.error else ""
        parts = f", {len(self.children)} children" if self.children else ""
        return f"<Field {self.name} {self.start}:{self.stop} {self.value!r}{parts}{wrong}>"


Unfold = Callable[[Field], Sequence[Field]]
"""Works out the parts of a folded field."""


class Buffer(NamedTuple):
    """Bytes that are not on the wire but derived from it.

    Attributes:
        name: how they were derived, such as ``"unmasked"``.
        data: the bytes.
        root: their own tree; its positions count from the beginning of ``data``.
    """

    name: str
    data: bytes
    root: Field


def in_bytes(count: int) -> str:
    """Return a number of bytes in words."""
    return "1 byte" if count == 1 else f"{count:,} bytes"


SHOWN = 20
"""Parts of a dissection that it shows of itself; ``rtlab.render`` shows others."""


class Dissection(NamedTuple):
    """Bytes and their tree.

    Attributes:
        protocol: as which they were taken apart.
        data: the bytes.
        root: the tree; its positions count bits from the beginning of ``data``.
    """

    protocol: str
    data: bytes
    root: Field

    @property
    def errors(self) -> list[Field]:
        """The fields with which something is wrong."""
        return self.root.errors

    def __repr__(self) -> str:
        from rtlab.render.tree import as_text

        return as_text(self, count=SHOWN)

    def _repr_html_(self) -> str:
        from rtlab.render.byte_view import as_html

        return as_html(self, count=SHOWN)
