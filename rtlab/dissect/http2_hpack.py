"""Field blocks: header fields as HPACK writes them (RFC 7541).

A block is a list of instructions for a table that both sides keep. Where each begins and ends is
found here; what it says, the ``hpack`` library works out, one instruction at a time, and keeps the
table: so an error stays with the instruction that has it, and the others can still be read.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from rtlab.dissect.cursor import Cursor, Cut, Dissector, Row, Steps
from rtlab.dissect.field import Field, Remark
from rtlab.dissect.http2_remarks import BLOCK_REMARKS, FIELDS

if TYPE_CHECKING:
    from hpack import Decoder, HPACKError

LIST_LIMIT = 64 * 2**10
"""The largest list of fields that is shown, in bytes, each field counted as RFC 9113 §6.5.2 does: a
reference to a large field takes one byte, so a small block could fill the memory."""

DEFAULT_TABLE_SIZE = 4096
_STATIC = 61  # entries that every table has (RFC 7541 Appendix A); the dynamic ones come after
_LONGEST = 5  # bytes after a prefix: they hold 35 bits, more than any length or index needs
_TEXTS = 1024


class Line(NamedTuple):
    """An instruction of a block; name and value are ``None`` where it adds no field to the list."""

    field: Field
    name: str | None = None
    value: str | None = None


class _Instruction(NamedTuple):
    name: str
    pattern: int  # the bits that tell it
    number: str  # what the number after them is
    row: Row
    literal: bool = True


def _instruction(
    name: str, pattern: int, number: str = "index", *, literal: bool = True
) -> _Instruction:
    row = Row(BLOCK_REMARKS, ("pattern", pattern), (number, 8 - pattern))
    return _Instruction(name, pattern, number, row, literal)


_INDEXED = _instruction("indexed field", 1, literal=False)
_ADDED = _instruction("literal, to be indexed", 2)
_SIZE = _instruction("table size update", 3, "size", literal=False)
_NEVER = _instruction("literal, never indexed", 4)
_NOT = _instruction("literal, not indexed", 4)
_STRING = Row(BLOCK_REMARKS, ("Huffman", 1), ("string length", 7))
_MORE = Row(BLOCK_REMARKS, ("more", 1), ("low bits", 7))


class FieldBlocks:
    """The field blocks of one direction of a connection, and the table that they share.

    Args:
        table_size: the receiver's SETTINGS_HEADER_TABLE_SIZE.

    Attributes:
        lost: the table is not known any more, since a block could not be decoded.
    """

    def __init__(self, table_size: int) -> None:
        from hpack import Decoder  # its tables take a while to load

        self.lost = False
        self._decoder: Decoder = Decoder(max_header_list_size=sys.maxsize)
        # Nobody can see here when a smaller table was acknowledged, and until then the first holds.
        self._decoder.max_allowed_table_size = max(table_size, DEFAULT_TABLE_SIZE)
        # The same entry is the same text, however often it is referred to.
        self._text: Callable[[bytes], str] = lru_cache(_TEXTS)(lambda data: data.decode("latin-1"))
        self._size = 0

    def dissect(self, data: bytes) -> tuple[Field, list[Line]]:
        """Take a block apart; return its tree, and its instructions in order."""
        self._size = 0
        lines: list[Line] = []
        dissector = Dissector(lambda cursor: self._block(cursor, lines), BLOCK_REMARKS)
        dissector.feed(data)
        root = dissector.end()
        root.name = "field block"
        root.note, root.reference = BLOCK_REMARKS[root.name]
        return root, lines

    def _block(self, cursor: Cursor, lines: list[Line]) -> Steps[None]:
        try:
            while (yield from cursor.more()):
                lines.append((yield from self._line(cursor, lines)))
        except Cut:  # what was to be added to the table is not known
            self.lost = True
            raise

    def _line(self, cursor: Cursor, before: list[Line]) -> Steps[Line]:
        start = cursor.at >> 3
        first = cursor.data[start]
        instruction = _told_by(first)
        with cursor.group(instruction.name) as field:
            index = yield from _number(cursor, instruction, first)
            texts = []
            if instruction.literal:
                if not index:
                    texts.append((yield from _string(cursor, "name")))
                texts.append((yield from _string(cursor, "value")))
        if instruction is _SIZE:
            field.value = index
            if any(line.name is not None for line in before):
                field.wrong("a change of size must begin the block", "RFC 7541 §4.2")
        elif self.lost and index > _STATIC:
            field.wrong(
                "not decoded: it refers to an earlier field, and an earlier block could not be",
                "RFC 9113 §4.3",
            )
            return Line(field)
        return self._decoded(field, instruction, texts, bytes(cursor.data[start : cursor.at >> 3]))

    def _decoded(
        self, field: Field, instruction: _Instruction, texts: list[Field], data: bytes
    ) -> Line:
        from hpack import HPACKError

        try:
            fields = list(self._decoder.decode(data, raw=True))
        except HPACKError as error:
            self.lost = True
            _explain(error, field, texts)
            return Line(field)
        if not fields:
            return Line(field)
        name, value = fields[0]
        before, self._size = self._size, self._size + len(name) + len(value) + 32
        if self._size > LIST_LIMIT:
            if before <= LIST_LIMIT:
                over = f"more than {LIST_LIMIT:,} bytes of fields; they are not shown any further"
                field.wrong(over, "RFC 9113 §10.5.1")
            return Line(field)
        line = Line(field, self._text(name), self._text(value))
        field.value = line[1:]
        for group, text in zip(reversed(texts), reversed(line[1:]), strict=False):
            group.value = group.children[-1].value = text
        if line.name in FIELDS:
            field.note, field.reference = _remark(instruction.name, line.name)
        return line


def _told_by(first: int) -> _Instruction:
    """Return the instruction that begins with a byte (RFC 7541 §6)."""
    if first & 0x80:
        return _INDEXED
    if first & 0x40:
        return _ADDED
    if first & 0x20:
        return _SIZE
    return _NEVER if first & 0x10 else _NOT


@cache
def _remark(instruction: str, name: str) -> Remark:
    how, what = BLOCK_REMARKS[instruction], FIELDS[name]
    return Remark(f"{what.note} {how.note}", f"{what.reference}, {how.reference}")


def _explain(error: HPACKError, field: Field, texts: list[Field]) -> None:
    """Put an error of the decoder's where it belongs."""
    from hpack import HPACKError, InvalidTableIndexError, InvalidTableSizeError
    from hpack.huffman_table import decode_huffman

    number = field.children[1]
    if isinstance(error, InvalidTableIndexError):
        clause = "RFC 7541 §2.3.3" if number.value else "RFC 7541 §6.1"
        number.wrong(f"the table has no entry {number.value}", clause)
        return
    if isinstance(error, InvalidTableSizeError):
        number.wrong("larger than the receiver's SETTINGS allow", "RFC 7541 §6.3")
        return
    for group in texts:
        if group.children[0].value:
            string = group.children[-1]
            try:
                decode_huffman(string.value)
            except HPACKError:
                string.wrong("this is not how Huffman's code goes, or ends", "RFC 7541 §5.2")
                return
    field.wrong(str(error), "RFC 7541 §3")


# ── numbers and strings ──


def _number(cursor: Cursor, instruction: _Instruction, first: int) -> Steps[int]:
    """Take a pattern and the number that begins in the same byte."""
    rest = (0xFF >> instruction.pattern) & first
    if rest != 0xFF >> instruction.pattern:
        yield from cursor.row(instruction.row)
        return rest
    yield from cursor.bits("pattern", instruction.pattern)
    return (yield from _long(cursor, instruction.number, 8 - instruction.pattern))


def _long(cursor: Cursor, name: str, prefix: int) -> Steps[int]:
    """Take a number that does not fit into its prefix (RFC 7541 §5.1)."""
    with cursor.group(name) as field:
        value = yield from cursor.bits("prefix", prefix)
        for place in range(_LONGEST):
            more, low = yield from cursor.row(_MORE)
            value += int(low.value) << (7 * place)
            if not more.value:
                break
        else:
            field.wrong(f"a number of more than {_LONGEST} bytes after its prefix", "RFC 7541 §5.1")
            raise Cut  # nobody knows where it ends, nor what comes after
        field.value = value
    return value


def _string(cursor: Cursor, name: str) -> Steps[Field]:
    """Take a string: whether it is in Huffman's code, its length, its bytes (RFC 7541 §5.2)."""
    with cursor.group(name) as group:
        first = yield from cursor.ahead(1)
        if first and first[0] & 0x7F == 0x7F:
            yield from cursor.bits("Huffman", 1)
            length = yield from _long(cursor, "string length", 7)
        else:
            _, size = yield from cursor.row(_STRING)
            length = int(size.value)
        yield from cursor.raw("string", length)
    return group
