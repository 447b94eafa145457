"""What a case of a check can find wrong, and how it says so."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from rtlab.exercises.plain import Other

_NOTHING = object()
_TO_FILL_IN = "There is still a “...” to fill in."

Place = tuple[str, int, str]
"""File, line and function in an answer."""


class Mistake(Exception):
    """A case did not get what it asked for.

    Attributes:
        message: what is wrong, naming the mistake where it is recognised.
        expected: what would have been right, if that can be shown.
        got: what came.
        compared: whether the two were given.
        clause: of the standard that has it; that of the case if empty.
        protocol: how bytes are to be shown: a protocol of ``rtlab.dissect``.
        frame: file, line and function of the answer where it happened, if known.
        waited: whether it was waited for in vain.
    """

    def __init__(
        self,
        message: str,
        *,
        expected: Any = _NOTHING,
        got: Any = None,
        clause: str = "",
        protocol: str = "",
        frame: Place | None = None,
        waited: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.compared = expected is not _NOTHING
        self.expected = expected if self.compared else None
        self.got = got
        self.clause = clause
        self.protocol = protocol
        self.frame = frame
        self.waited = waited


class Raised(Exception):
    """The answer raised something.

    Attributes:
        type: the name of its type.
        kinds: the names of its type and of all that this is derived from.
        text: what it says.
        code: its ``code``, if it has one that is a number.
        frame: file, line and function of the answer where it came from, if known.
    """

    def __init__(self, content: dict[str, Any]) -> None:
        self.type = str(content["type"])
        self.kinds: list[str] = content["kinds"]
        self.text = str(content["text"])
        self.code: int | None = content["code"]
        self.frame: Place | None = content["frame"]
        super().__init__(self.text)

    def __str__(self) -> str:
        match self.type:
            case "SystemExit":
                return "It called sys.exit(). An answer returns; it does not end the program."
            case "TooLarge":
                return f"It gave {self.text}: far more than is asked for."
            case "MemoryError":
                return "It took more memory than a check allows (1 GB)."
            case "EOFError" if "input()" in self.text:
                return f"It asked for input: {self.text}."
            case "NotImplementedError":
                return "It is not written yet: it raised NotImplementedError."
        return f"It raised {self.type}" + (f": {self.text}" if self.text else ".")


@contextmanager
def explained(**messages: str) -> Iterator[None]:
    """Say what it means when an answer raises something.

    Args:
        **messages: what to say, by the name of a type of exception.

    Raises:
        Mistake: in the place of one that has a message.
    """
    try:
        yield
    except Raised as error:
        for name, message in messages.items():
            if name in error.kinds:
                what = f"{message} ({error.type}: {error.text})" if error.text else message
                raise Mistake(what, frame=error.frame) from None
        raise


class Gone(Exception):
    """The process of the answer ended.

    Attributes:
        code: its exit status, if known.
    """

    def __init__(self, code: int | None) -> None:
        self.code = code
        how = "" if code is None else f" (exit status {code})"
        super().__init__(
            f"The process in which your answer ran is gone{how}. Does it end the process itself, "
            "or take more than the system gives?"
        )


class Slip(NamedTuple):
    """What a known mistake would give.

    Attributes:
        value: the result that the mistake has.
        message: what the mistake is.
    """

    value: Any
    message: str


def expect(
    got: Any,
    right: Any,
    *slips: Slip | tuple[Any, str],
    otherwise: str = "",
    clause: str = "",
    protocol: str = "",
) -> None:
    """Compare what came with what is right.

    Args:
        got: what the answer gave.
        right: what it should give. Numbers may differ by rounding; lists and tuples count alike.
        *slips: what known mistakes give, and what to say then; the first that fits is taken.
        otherwise: what to say of any other difference.
        clause: of the standard.
        protocol: how bytes are shown.

    Raises:
        Mistake: it is something else.
    """
    if same(got, right):
        return
    known = next((message for value, message in slips if same(got, value)), "")
    message = known or _kind(got, right) or otherwise or _difference(got, right)
    raise Mistake(message, expected=right, got=got, clause=clause, protocol=protocol)


def same(one: Any, other: Any) -> bool:
    """Whether two plain values are the same: numbers but for rounding, lists and tuples alike."""
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return one == other or _close(one, other)
    return type(one) is type(other) and bool(one == other)


def _close(one: float, other: float) -> bool:
    try:
        # Near 0 no rounding is small beside the number itself.
        return math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-9)
    except OverflowError:  # a whole number that is no float any more
        return False


def _kind(got: Any, right: Any) -> str:
    """Say what is wrong if it is the kind of value alone."""
    if isinstance(got, Other) and got.type == "ellipsis":
        return _TO_FILL_IN
    if isinstance(got, Other):
        return f"It gave {kind(got)} instead of {kind(right)}."
    if got is None:
        return f"It returned nothing (None) instead of {kind(right)}. Is there a return?"
    if isinstance(got, str) and isinstance(right, bytes):
        return "It gave text where bytes are due: text becomes bytes with .encode()."
    if isinstance(got, bytes) and isinstance(right, str):
        return "It gave bytes where text is due: bytes become text with .decode()."
    numbers = (int, float)
    if isinstance(got, numbers) and isinstance(right, numbers):
        return ""
    sequences = (list, tuple)
    if isinstance(got, sequences) and isinstance(right, sequences):
        return ""
    if type(got) is not type(right):
        return f"It gave {kind(got)} instead of {kind(right)}."
    return ""


_KINDS = {
    type(None): "None",
    bool: "True or False",
    int: "a number",
    float: "a number",
    str: "text",
    bytes: "bytes",
    list: "a list",
    tuple: "a tuple",
    dict: "a dict",
    set: "a set",
}


def kind(value: Any) -> str:
    """Return what kind of thing a value is, in words."""
    name = value.type if isinstance(value, Other) else type(value).__name__
    return _KINDS.get(type(value)) or f"something of type {name}"


def _difference(got: Any, right: Any) -> str:
    """Say where two values of one kind part."""
    if isinstance(got, (bytes, str)):
        unit = "byte" if isinstance(got, bytes) else "character"
        if len(got) != len(right) and (got.startswith(right) or right.startswith(got)):
            return f"It gave {len(got):,} {unit}s, where {len(right):,} are due."
        at = next(
            (n for n, (a, b) in enumerate(zip(got, right, strict=False)) if a != b),
            min(len(got), len(right)),
        )
        return f"It differs from {unit} {at} on (counted from 0)."
    if isinstance(got, (list, tuple)):
        if len(got) != len(right):
            return f"It gave {len(got):,} where {len(right):,} are due."
        at = next(n for n, (a, b) in enumerate(zip(got, right, strict=True)) if not same(a, b))
        wrong = _kind(got[at], right[at])
        if wrong == _TO_FILL_IN:
            return wrong
        return f"It differs in item {at} (counted from 0). {wrong}".strip()
    if isinstance(got, dict):
        keys = [key for key in right if key not in got or not same(got[key], right[key])]
        return f"It differs at {keys[0]!r}." if keys else "It has more than was asked for."
    return "That is not it."
