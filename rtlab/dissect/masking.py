"""Masks (RFC 6455 §5.3): every byte XORed with one of four, in turn; twice, and it is as it was."""

from __future__ import annotations

_OTHER_FIRST_BIT = bytes(byte ^ 0x80 for byte in range(256))
_PIECE = 4096  # numbers of this size stay in the processor's cache


def unmask(data: bytes | bytearray | memoryview, key: bytes | bytearray) -> bytes:
    """Return bytes XORed with a key of 4 bytes, over and over (RFC 6455 §5.3); masks as well.

    Python has no XOR of bytes, but one of numbers of any size.
    """
    size = len(data)
    if size <= _PIECE:
        keys = int.from_bytes((key * (size // 4 + 1))[:size], "little")
        return (int.from_bytes(data, "little") ^ keys).to_bytes(size, "little")
    keys = int.from_bytes(key * (_PIECE // 4), "little")
    view, end = memoryview(data), size - size % _PIECE
    pieces = [
        (int.from_bytes(view[at : at + _PIECE], "little") ^ keys).to_bytes(_PIECE, "little")
        for at in range(0, end, _PIECE)
    ]
    return b"".join((*pieces, unmask(view[end:], key)))


def is_text(data: bytearray, start: int, stop: int, key: bytes | bytearray) -> bool:
    """Whether the bytes from ``start`` to ``stop``, masked with ``key`` if any, are UTF-8."""
    if key and stop - start > _PIECE and _is_ascii(data, start, stop, key):
        return True
    text = data[start:stop]
    try:
        (unmask(text, key) if key else text).decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_ascii(data: bytearray, start: int, stop: int, key: bytes | bytearray) -> bool:
    """The same for ASCII, in half the time: the first bit of each byte tells it."""
    for place, part in enumerate(key, start):
        every_fourth = data[place:stop:4]
        if part & 0x80:
            every_fourth = every_fourth.translate(_OTHER_FIRST_BIT)
        if not every_fourth.isascii():
            return False
    return True
