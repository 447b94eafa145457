"""Values and bits of fields, as text that can do no harm where it is shown."""

from __future__ import annotations

from rtlab.dissect.field import Field

LONGEST = 60
"""Characters of a value that are shown."""
MOST_BITS = 16
"""Fields with more bits than this are shown by their value alone."""


def shown(value: object) -> str:
    """Return a value in one line, cut to a length that can be read at a glance."""
    if value is None:
        return ""
    if isinstance(value, int):
        return str(value)
    if isinstance(value, bytes):
        more = "…" if len(value) > LONGEST // 6 else ""
        return value[: LONGEST // 6].hex(" ") + more
    if isinstance(value, tuple):
        return cut(plain(": ".join(str(part) for part in value)))
    return cut(plain(repr(value) if isinstance(value, str) else str(value)))


def plain(text: str) -> str:
    """Keep what came over a wire from taking over a terminal."""
    if text.isprintable():  # as nearly all is
        return text
    return "".join(c if c.isprintable() else "·" for c in text)


def bit_pattern(field: Field, data: bytes | bytearray) -> str:
    """Return the bits of a field in their bytes, those of others as dots; empty for whole bytes.

    >>> bit_pattern(opcode, b"\\x81")
    '···· 0001'
    """
    if not (field.start % 8 or field.stop % 8) or field.stop - field.start > MOST_BITS:
        return ""
    first, last = field.start >> 3, (field.stop + 7) >> 3
    bits = "".join(f"{byte:08b}" for byte in data[first:last])
    low, high = field.start - first * 8, field.stop - first * 8
    bits = "·" * low + bits[low:high] + "·" * (len(bits) - high)
    return " ".join(bits[at : at + 4] for at in range(0, len(bits), 4))


def cut(text: str) -> str:
    """Return a text cut to a length that can be read at a glance."""
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
