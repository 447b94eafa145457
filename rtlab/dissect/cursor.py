"""How fields are taken from bytes: one after another, with a cursor.

A dissector is a generator that takes its fields from a ``Cursor``, and waits where bytes are still
to come; ``Dissector`` drives it. So nobody types a position, and the tree is the same whether the
bytes come whole or one by one. It does no input or output.

    def dissect_frame(cursor):
        with cursor.group("frame"):
            opcode = yield from cursor.bits("opcode", 4)
            ...
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from types import TracebackType
from typing import Any, TypeVar

from rtlab.dissect.field import Field, Remark, Unfold

T = TypeVar("T")
Steps = Generator[None, None, T]
"""What a dissector is: it yields where it needs more bytes, and returns a ``T``."""

_NO_REMARK = Remark("", "")


class Cut(Exception):
    """The bytes ended within a field."""


class Row:
    """Fields of a few bits side by side, worked out once so that a cursor takes them quickly.

    Args:
        remarks: field name to what a learner should know of it; the cursor's own.
        layout: name and number of bits of each field, in order.
    """

    def __init__(self, remarks: Mapping[str, Remark], *layout: tuple[str, int]) -> None:
        self.layout = layout
        self.count = sum(count for _, count in layout)
        self.plan = []
        start = 0
        for name, count in layout:
            stop, remark = start + count, remarks.get(name, _NO_REMARK)
            self.plan.append((name, start, stop, self.count - stop, (1 << count) - 1, *remark))
            start = stop


class Cursor:
    """Takes fields from bytes, one after another, and hangs them into the tree.

    Args:
        remarks: field name to what a learner should know of it; a grammar that hands over to
            another protocol puts that one's table here.
    """

    def __init__(self, remarks: Mapping[str, Remark]) -> None:
        self.remarks = remarks
        self.data = bytearray()
        self.at = 0  # bits
        self.ended = False
        self.root = Field("stream", 0, 0)
        self._here: list[Field] = []  # the children of the innermost open group
        self.root._parts = self._here
        self._open = [(self.root, self._here)]
        self._searched: dict[bytes, int] = {}  # delimiter to the byte before which none begins

    # ── taking ──

    def bits(self, name: str, count: int) -> Steps[int]:
        """Take ``count`` bits as a field, and return them as an unsigned number, big end first."""
        yield from self._need(name, count)
        value = self._peek(count)
        self._add(name, count, value)
        return value

    def row(self, row: Row) -> Steps[list[Field]]:
        """Take the fields of a row, and return them: ``bits`` for each, but faster."""
        if len(self.data) * 8 - self.at < row.count:  # those that are there stand at once
            for name, count in row.layout:
                yield from self.bits(name, count)
            return self._here[-len(row.layout) :]
        at, number = self.at, self._peek(row.count)
        fields = [
            Field(name, at + start, at + stop, number >> shift & mask, note, reference)
            for name, start, stop, shift, mask, note, reference in row.plan
        ]
        self._here += fields
        self.at += row.count
        return fields

    def raw(self, name: str, count: int) -> Steps[bytes]:
        """Take ``count`` bytes as a field, and return them."""
        if len(self.data) * 8 - self.at < count * 8:
            yield from self._need(name, count * 8)
        start = self.at >> 3
        value = bytes(self.data[start : start + count])
        self._add(name, count * 8, value)
        return value

    def text(self, name: str, count: int) -> Steps[str]:
        """Take ``count`` bytes as a field whose value is text, one character a byte."""
        yield from self._need(name, count * 8)
        start = self.at >> 3
        value = self.data[start : start + count].decode("latin-1")
        self._add(name, count * 8, value)
        return value

    def rest(self, name: str) -> None:
        """Take all that is there: bytes, or a number if it begins within a byte."""
        count = len(self.data) * 8 - self.at
        start = self.at >> 3
        self._add(name, count, self._peek(count) if self.at % 8 else bytes(self.data[start:]))

    def take(self, name: str, count: int, value: Any = None) -> Field:
        """Take ``count`` bytes that are there, as ``find`` or ``ahead`` have shown; no waiting."""
        return self._add(name, count * 8, value)

    def fold(self, name: str, count: int, value: Any, unfold: Unfold) -> Field:
        """Take ``count`` bytes that are there and in order, as a field that unfolds when asked."""
        field = self._add(name, count * 8, value)
        field.fold(unfold)
        return field

    # ── looking ahead ──

    def find(self, *delimiters: bytes, limit: int | None = None) -> Steps[int]:
        """Return how many bytes come before the first of the delimiters; -1 if there is none.

        None is there when the bytes have ended, or after ``limit`` bytes without one. The time it
        takes is linear in the bytes, however they come.
        """
        while True:
            place, missing = min(map(self._next, delimiters))
            before = place - (self.at >> 3)
            if limit is not None and before > limit:
                return -1
            if not missing:
                return before
            if self.ended:
                return -1
            yield

    def _next(self, delimiter: bytes) -> tuple[int, bool]:
        """Return the first place where a delimiter may be, and whether bytes of it are missing.

        No byte is searched twice: one that is far ahead, or nowhere, is looked for only once.
        """
        start = max(self.at >> 3, self._searched.get(delimiter, 0))
        place = self.data.find(delimiter, start)
        missing = place < 0
        if missing:  # it may have begun, cut in two by the end of what is there
            end = len(self.data)
            place = end if self.ended else max(start, end - len(delimiter) + 1)
            while place < end and not delimiter.startswith(self.data[place:]):
                place += 1
        self._searched[delimiter] = place
        return place, missing

    def seen(self, delimiter: bytes) -> int:
        """Return how many bytes come before a delimiter; -1 if it is not there, or not yet."""
        place, missing = self._next(delimiter)
        return -1 if missing else place - (self.at >> 3)

    def ahead(self, count: int) -> Steps[bytes]:
        """Return the next ``count`` bytes without taking them; fewer if the bytes have ended."""
        while self.left < count and not self.ended:
            yield
        start = self.at >> 3
        return bytes(self.data[start : start + count])

    def more(self) -> Steps[bool]:
        """Wait until there is a byte to take; false if the bytes have ended instead."""
        while self.at >> 3 >= len(self.data) and not self.ended:
            yield
        return self.at >> 3 < len(self.data)

    @property
    def left(self) -> int:
        """Whole bytes that are there and not taken yet."""
        return len(self.data) - (self.at >> 3)

    # ── the tree ──

    def group(self, name: str, value: Any = None) -> Group:
        """Open a field whose children are taken in the ``with`` block that this is for."""
        field = self._field(name, self.at, self.at, value)
        return Group(self, field)

    @property
    def last(self) -> Field:
        """The field that was taken last, of the innermost open group."""
        return self._here[-1]

    def push(self, field: Field) -> None:
        """Open a group; for ``Group``."""
        self._here.append(field)
        self._here = field._parts = []
        self._open.append((field, self._here))

    def pop(self) -> None:
        """Close the innermost group; for ``Group``."""
        self._open.pop()[0].stop = self.at
        self._here = self._open[-1][1]

    def _need(self, name: str, count: int) -> Steps[None]:
        while len(self.data) * 8 - self.at < count:
            if self.ended:
                missing = self.at + count - len(self.data) * 8
                self.rest(name)
                bits = "bit is" if missing == 1 else "bits are"
                self.last.wrong(f"cut off: {missing} {bits} missing", "")
                raise Cut
            yield

    def _peek(self, count: int) -> int:
        first, last = self.at >> 3, (self.at + count + 7) >> 3
        number = int.from_bytes(self.data[first:last], "big")
        return (number >> (last * 8 - self.at - count)) & ((1 << count) - 1)

    def _add(self, name: str, count: int, value: Any) -> Field:
        start, stop = self.at, self.at + count
        note, reference = self.remarks.get(name, _NO_REMARK)
        field = Field(name, start, stop, value, note, reference)
        self._here.append(field)
        self.at = stop
        return field

    def _field(self, name: str, start: int, stop: int, value: Any) -> Field:
        return Field(name, start, stop, value, *self.remarks.get(name, _NO_REMARK))


class Group:
    """A field that is open: what is taken meanwhile becomes its children."""

    __slots__ = ("_cursor", "_field")

    def __init__(self, cursor: Cursor, field: Field) -> None:
        self._cursor = cursor
        self._field = field

    def __enter__(self) -> Field:
        self._cursor.push(self._field)
        return self._field

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._cursor.pop()


class Fold:
    """How folded fields are unfolded: by the grammar that would have taken them one by one.

    Args:
        cursor: of the dissector that takes the fields.
        grammar: takes one such field, with all its parts, from a cursor that stands before it.
    """

    def __init__(self, cursor: Cursor, grammar: Callable[[Cursor], Steps[Any]]) -> None:
        self._data = cursor.data  # the same, not a copy: a cursor only ever appends to it
        self._remarks = cursor.remarks
        self._grammar = grammar

    def __call__(self, field: Field) -> Sequence[Field]:
        """Return the parts of a folded field."""
        cursor = Cursor(self._remarks)
        cursor.data, cursor.at = self._data, field.start
        next(self._grammar(cursor), None)
        return cursor.root.children[0].children


class Dissector:
    """Drives a dissector over bytes that come in pieces.

    Attributes:
        root: the tree so far; what is taken stands, the open groups still grow.

    Args:
        grammar: called with the cursor; returns the generator that takes the fields.
        remarks: field name to what a learner should know of it.
    """

    def __init__(
        self, grammar: Callable[[Cursor], Steps[None]], remarks: Mapping[str, Remark]
    ) -> None:
        self._cursor = Cursor(remarks)
        self._steps: Steps[None] | None = grammar(self._cursor)
        self.root = self._cursor.root

    @property
    def data(self) -> bytes:
        """The bytes so far."""
        return bytes(self._cursor.data)

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        self._cursor.data += data
        self._advance()

    def completed(self) -> list[Field]:
        """Take the children of the root that are complete out of the tree, and return them."""
        _, children = self._cursor._open[0]
        count = len(children) - (len(self._cursor._open) > 1)  # the open one still grows
        taken = children[:count]
        del children[:count]
        return taken

    def end(self) -> Field:
        """Say that no more bytes come, and return the tree."""
        self._cursor.ended = True
        self._advance()
        cursor = self._cursor
        if cursor.at < len(cursor.data) * 8:  # whatever a grammar leaves is shown as well
            cursor.rest("rest")
        cursor.root.stop = cursor.at
        return cursor.root

    def _advance(self) -> None:
        if self._steps is None:
            return
        try:
            next(self._steps)
        except (StopIteration, Cut):
            self._steps = None
