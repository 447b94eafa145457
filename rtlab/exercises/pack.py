"""An answer as bytes: functions of a notebook travel by value, with what they use of it."""

from __future__ import annotations

import dis
import functools
import hashlib
import io
import sys
from collections.abc import Callable, Iterable
from operator import attrgetter
from types import CodeType, FunctionType, MethodType
from typing import Any

import cloudpickle

from rtlab.errors import UsageError

MOST = 3 << 20
"""Bytes that an answer may take with all that it uses."""


class _Bounded(io.BytesIO):
    def write(self, data: Any) -> int:
        if self.tell() + len(data) > MOST:
            raise UsageError(
                f"Your answer takes more than {MOST >> 20} MB along with it. Does it use something "
                "large of this notebook? It should work with what it is given alone."
            )
        return super().write(data)


def pack(answer: Any) -> bytes:
    """Return an answer as bytes that another process can make it from.

    Raises:
        UsageError: it uses what exists in this kernel only, such as a running lab; or is too large.
    """
    try:
        return _pickled(answer)
    except UsageError:
        raise
    except Exception as error:
        culprit = _culprit(answer)
        uses = f"uses {culprit!r}, which" if culprit else f"has something in it that ({error})"
        raise UsageError(
            f"Your answer {uses} cannot leave this kernel. It is checked in a process of its own: "
            "let it work with its arguments and with what it imports or makes itself."
        ) from error


def _pickled(value: Any) -> bytes:
    file = _Bounded()
    _Pickler(file).dump(value)
    return file.getvalue()


class _Pickler(cloudpickle.CloudPickler):  # type: ignore[misc]  # it has no types
    """Sends a notebook's functions under ``functools.cache`` by value too, not by their names."""

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, functools._lru_cache_wrapper) and not _importable(value):
            return _cached, (value.__wrapped__, value.cache_parameters())
        return super().reducer_override(value)


def _cached(function: Callable[..., Any], parameters: dict[str, Any]) -> Any:
    return functools.lru_cache(**parameters)(function)


def _importable(value: Any) -> bool:
    """Whether another process finds a value by its name."""
    try:
        home = sys.modules[value.__module__]
        return home.__name__ != "__main__" and attrgetter(value.__qualname__)(home) is value
    except (AttributeError, KeyError):
        return False


def _culprit(answer: Any) -> str:
    """A global or enclosing name, the deepest, that an answer uses and that cannot be pickled."""
    for function in reversed(_parts(answer)):
        if not isinstance(function, FunctionType):
            continue
        used = {name: function.__globals__.get(name) for name in _globals(function.__code__)}
        used |= zip(function.__code__.co_freevars, _cells(function), strict=True)
        for name, value in used.items():
            try:
                _pickled(value)
            except Exception:
                return name
    return ""


def codes(answer: Any) -> list[CodeType]:
    """Return the code that an answer consists of: its own, and that of its notebook's helpers."""
    return [part for part in _parts(answer) if isinstance(part, CodeType)]


def _parts(answer: Any) -> list[Any]:
    """All that an answer is made of, as far as it was written where the answer was."""
    first = answer.func if isinstance(answer, functools.partial) else answer
    home = getattr(first, "__module__", None)
    found: list[Any] = []
    waiting: list[Any] = [answer]
    seen: set[int] = set()
    while waiting:
        value = waiting.pop(0)
        if id(value) not in seen:
            seen.add(id(value))
            found.append(value)
            waiting += _inside(value, home)
    return found


def _inside(value: Any, home: str | None) -> list[Any]:
    """What a value is made of, one step down."""
    match value:
        case CodeType():
            return [part for part in value.co_consts if isinstance(part, CodeType)]
        case FunctionType():
            used = [value.__globals__.get(name) for name in _globals(value.__code__)]
            used += [*_cells(value), getattr(value, "__wrapped__", None)]
            return [value.__code__, *_at_home(used, home)]
        case type():
            return [*vars(value).values(), *_at_home(value.__bases__, home)]
        case property():
            return [value.fget, value.fset, value.fdel]
        case MethodType():
            return [value.__func__, *_at_home([value.__self__], home)]
        case functools.partial():
            return [value.func]
        case staticmethod() | classmethod() | functools._lru_cache_wrapper():
            return [value.__wrapped__]
    if _at_home([type(value)], home):  # an object of a class of the notebook's
        return [type(value), *getattr(value, "__dict__", {}).values()]
    return []


def _cells(function: FunctionType) -> list[Any]:
    """What a function holds of those around it; ``None`` for what is not there yet."""
    held = []
    for cell in function.__closure__ or ():
        try:
            held.append(cell.cell_contents)
        except ValueError:
            held.append(None)
    return held


def _at_home(values: Iterable[Any], home: str | None) -> list[Any]:
    return [value for value in values if getattr(value, "__module__", None) == home]


def _globals(code: CodeType) -> list[str]:
    """The global names that a code reads; ``co_names`` has those of attributes as well."""
    names = [step.argval for step in dis.get_instructions(code) if step.opname == "LOAD_GLOBAL"]
    within = [part for part in code.co_consts if isinstance(part, CodeType)]
    return names + [name for part in within for name in _globals(part)]


def file_of(answer: Any, line: int, function: str) -> str:
    """Return the file, or cell, in which a line of an answer is; empty if that is not known.

    Names of files do not travel with what travels by value.
    """
    for code in codes(answer):
        if code.co_name == function and any(line == known for *_, known in code.co_lines()):
            return code.co_filename
    return ""


def fingerprint(answer: Any) -> str:
    """Return a short text that is the same for the same code, wherever and whenever it was run.

    Names of files and numbers of lines do not count, so that a cell which is only run again, or
    moved, is not taken for another try.
    """
    digest = hashlib.sha256()
    found = codes(answer)
    for code in found:
        constants = [_constant(value) for value in code.co_consts]
        digest.update(code.co_code)
        digest.update(repr((code.co_names, code.co_varnames, constants)).encode())
    if not found:
        digest.update(repr(answer)[:10_000].encode(errors="replace"))
    return digest.hexdigest()[:16]


def _constant(value: object) -> str:
    if isinstance(value, CodeType):
        return ""  # it is among the code
    # The order of a set is another in every process.
    return repr(sorted(map(repr, value)) if isinstance(value, frozenset) else value)
