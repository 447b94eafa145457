"""Which versions are installed here, and which are asked for."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterator

from rtlab.diagnosis.finding import Finding


def packages() -> Iterator[Finding]:
    """Hold what is installed against what rtlab requires."""
    try:
        requirements = importlib.metadata.requires("rtlab") or []
    except importlib.metadata.PackageNotFoundError:
        yield Finding("bad", "rtlab is not installed", "pip install -e . in the checkout.")
        return
    for requirement in requirements:
        match = re.match(r"([A-Za-z0-9_.-]+)(?:>=([0-9.]+))?$", requirement)
        if match is None:
            continue  # it belongs to an extra
        name, least = match[1], match[2]
        remedy = f"pip install '{requirement}'"
        try:
            found = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield Finding("bad", f"{name} is missing", remedy)
            continue
        old = least is not None and numbers(found) < numbers(least)
        what = f"{name} {found}"
        yield (
            Finding("bad", f"{what} is older than {least}", remedy) if old else Finding("ok", what)
        )


def numbers(version: str) -> list[int]:
    """Return the first three numbers of a version, which can be compared."""
    return [int(part) for part in re.findall(r"\d+", version)[:3]]
