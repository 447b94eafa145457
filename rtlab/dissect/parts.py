"""Parts and buffers that are added to a field after it was taken: what a value means, in detail."""

from __future__ import annotations

from collections.abc import Mapping

from rtlab.dissect.field import Buffer, Field, Remark

_NO_REMARK = Remark("", "")


def part(
    field: Field, name: str, count: int, value: object, remarks: Mapping[str, Remark]
) -> Field:
    """Add a part of ``count`` bytes to a field, behind those it has."""
    start = field.children[-1].stop if field.children else field.start
    added = Field(name, start, start + count * 8, value, *remarks.get(name, _NO_REMARK))
    field.add(added)
    return added


def derived(field: Field, how: str, name: str, data: bytes, remarks: Mapping[str, Remark]) -> Field:
    """Hang bytes that are derived from a field onto it, and return what describes them.

    Args:
        field: what they are derived from.
        how: the name of the buffer, such as ``"decoded"``.
        name: what they are, such as ``"nonce"``.
        data: the bytes.
        remarks: where ``name`` has its remark.
    """
    root = Field(name, 0, len(data) * 8, data, *remarks.get(name, _NO_REMARK))
    field.buffer = Buffer(how, data, root)
    return root
