"""Plain values as text, for the pipe between the kernel and the process that runs an answer.

What an answer returns is compared in the kernel. If it came there as the object that it is, its own
``__eq__`` would be asked whether it is right; so only what JSON and a few tags can say comes over.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from numbers import Integral, Real
from typing import Any, NamedTuple

MOST = 4 << 20
"""Bytes and characters that a value may have in all: no answer of the course comes near it."""
MOST_PARTS = 200_000
_MOST_BITS = 10_000
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Other:
    """A value that is not plain: equal to no right answer, and no tuple, list or text either.

    Attributes:
        type: the name of its type.
        shown: its ``repr``, cut.
    """

    type: str
    shown: str

    def __repr__(self) -> str:
        return self.shown


class Seeded(NamedTuple):
    """Becomes a ``random.Random`` of this seed on the other side."""

    seed: int


class TooLarge(ValueError):
    """A value is beyond all that an exercise asks for."""


class _Writer:
    def __init__(self) -> None:
        self.left, self.parts = MOST, MOST_PARTS

    def spend(self, size: int) -> None:
        self.left -= size
        self.parts -= 1
        if self.left < 0:
            raise TooLarge(f"a value of more than {MOST:,} bytes")
        if self.parts < 0:
            raise TooLarge(f"a value of more than {MOST_PARTS:,} parts")

    def write(self, value: Any) -> Any:
        match value:
            case None | bool() | float():
                self.spend(8)
                return value
            case Seeded():
                return {"random": value.seed}
            case int() | Integral():  # NumPy's are no int
                value = int(value)
                if value.bit_length() > _MOST_BITS:
                    raise TooLarge(f"a number of more than {_MOST_BITS:,} bits")
                self.spend(8)
                return value
            case str():
                self.spend(len(value))
                return str(value)
            case Real() | Decimal():  # fractions, and NumPy's numbers of 32 bits
                self.spend(8)
                return float(value)
            case bytes() | bytearray() | memoryview():
                self.spend(value.nbytes if isinstance(value, memoryview) else len(value))
                return {"bytes": base64.b64encode(value).decode()}
            case list():
                return self.write_all(value)
            case tuple():
                return {"tuple": self.write_all(value)}
            case set() | frozenset():
                return {"set": self.write_all(value)}
            case Mapping():
                return {"dict": [self.write_all(pair) for pair in value.items()]}
        return {"other": [type(value).__name__, _repr(value)]}

    def write_all(self, values: Any) -> list[Any]:
        self.spend(8)
        return [self.write(value) for value in values]


def _repr(value: object) -> str:
    try:
        text = repr(value)
    except BaseException as error:
        return f"<its repr() raised {type(error).__name__}>"
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def encode(value: Any) -> bytes:
    """Return a value as JSON text in which everything is plain.

    Raises:
        TooLarge: it is larger than anything that is asked for, or nested without end.
    """
    try:
        return json.dumps(_Writer().write(value)).encode()
    except RecursionError:
        raise TooLarge("a value that is nested too deep, or contains itself") from None
    except ValueError as error:
        raise TooLarge(str(error)) from None


def decode(text: bytes) -> Any:
    """Return the value that ``encode`` wrote."""
    return _read(json.loads(text))


def _read(written: Any) -> Any:
    if isinstance(written, list):
        return [_read(part) for part in written]
    if not isinstance(written, dict):
        return written
    [(tag, content)] = written.items()
    match tag:
        case "bytes":
            return base64.b64decode(content)
        case "tuple":
            return tuple(_read(content))
        case "set":
            return {_hashable(part) for part in _read(content)}
        case "dict":
            return {_hashable(_read(key)): _read(value) for key, value in content}
        case "random":
            return random.Random(content)
    return Other(*content)


def _hashable(value: Any) -> Any:
    try:
        hash(value)
    except TypeError:
        return Other(type(value).__name__, _repr(value))
    return value
