"""An answer as bytes: functions of a notebook travel by value, with what they use of it."""

from __future__ import annotations

import dis
import hashlib
import inspect
import io
from types import CodeType, FunctionType
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
    cloudpickle.CloudPickler(file).dump(value)
    return file.getvalue()


def _culprit(answer: Any) -> str:
    """The first global or enclosing name that an answer uses and that cannot be pickled."""
    for function in _functions(answer):
        closure = inspect.getclosurevars(function)
        for name, value in {**closure.globals, **closure.nonlocals}.items():
            try:
                _pickled(value)
            except Exception:
                return name
    return ""


def _functions(answer: Any) -> list[FunctionType]:
    """The functions that an answer consists of."""
    if isinstance(answer, FunctionType):
        return [answer]
    if inspect.isclass(answer):
        return [value for value in vars(answer).values() if isinstance(value, FunctionType)]
    return []


def codes(answer: Any) -> list[CodeType]:
    """Return the code that an answer consists of: its own, and that of its notebook's helpers."""
    found: list[CodeType] = []
    waiting: list[Any] = [answer]
    seen: set[int] = set()
    while waiting:
        value = waiting.pop(0)
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, CodeType):
            found.append(value)
            waiting += [part for part in value.co_consts if isinstance(part, CodeType)]
            continue
        for function in _functions(value):
            waiting.append(function.__code__)
            for name in _globals(function.__code__):
                helper = function.__globals__.get(name)
                if getattr(helper, "__module__", None) == function.__module__:
                    waiting.append(helper)
    return found


def _globals(code: CodeType) -> list[str]:
    """The global names that a code reads; ``co_names`` has those of attributes as well."""
    return [step.argval for step in dis.get_instructions(code) if step.opname == "LOAD_GLOBAL"]


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
