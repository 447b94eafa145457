"""An answer as bytes: functions of a notebook travel by value, with what they use of it."""

from __future__ import annotations

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


def fingerprint(answer: Any) -> str:
    """Return a short text that is the same for the same code, wherever and whenever it was run.

    Names of files and numbers of lines do not count, so that a cell which is only run again, or
    moved, is not taken for another try.
    """
    digest = hashlib.sha256()
    seen: set[int] = set()

    def add(value: Any) -> None:
        if isinstance(value, CodeType):
            digest.update(value.co_code)
            digest.update(repr((value.co_names, value.co_varnames)).encode())
            for constant in value.co_consts:
                add(constant)
            return
        if isinstance(value, frozenset):  # its order is another in every process
            value = sorted(map(repr, value))
        functions = _functions(value)
        if not functions:
            digest.update(repr(value)[:10_000].encode(errors="replace"))
        for function in functions:
            if id(function) in seen:
                continue
            seen.add(id(function))
            add(function.__code__)
            for name in function.__code__.co_names:  # helpers of the same notebook
                helper = function.__globals__.get(name)
                if getattr(helper, "__module__", None) == function.__module__:
                    add(helper)

    add(answer)
    return digest.hexdigest()[:16]
