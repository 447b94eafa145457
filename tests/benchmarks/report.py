"""How a figure is printed: what was measured, what it is held against, whether it holds."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any


def line(what: str, value: float, unit: str, goal: str = "", holds: bool | None = None) -> None:
    """Print one figure."""
    mark = {True: "holds", False: "MISSED", None: ""}[holds]
    print(f"  {what:58} {value:10,.3f} {unit:9} {goal:22} {mark}".rstrip(), flush=True)


def at_most(what: str, value: float, unit: str, bound: float) -> None:
    """Print a figure that should not be larger than a bound."""
    line(what, value, unit, f"goal <= {bound:g}", value <= bound)


def at_least(what: str, value: float, unit: str, bound: float) -> None:
    """Print a figure that should not be smaller than a bound."""
    line(what, value, unit, f"goal >= {bound:g}", value >= bound)


def elsewhere(function: str, **arguments: Any) -> Any:
    """Run ``tests.benchmarks.load.function`` in a process of its own and return its result."""
    return collect(begin(function, **arguments))


def begin(function: str, **arguments: Any) -> subprocess.Popen[str]:
    """Begin it without waiting."""
    command = [sys.executable, "-m", "tests.benchmarks.load", function, json.dumps(arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def collect(process: subprocess.Popen[str]) -> Any:
    """Wait for its result."""
    assert process.stdin is not None and process.stdout is not None
    with process.stdin, process.stdout:  # not communicate(): it loses what readline() has buffered
        output = process.stdout.read()
    if process.wait():
        raise RuntimeError(f"the load generator failed with status {process.returncode}")
    return json.loads(output.splitlines()[-1])
