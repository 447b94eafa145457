"""``python -m tests.benchmarks [NAME ...]``: all of ``NAMES`` if none is named."""

from __future__ import annotations

import os
import platform
import sys
from importlib import import_module

NAMES = ["startup", "polling", "link", "fan_out", "dissect", "widgets"]


def main() -> int:
    """Run what was named."""
    chosen = sys.argv[1:] or NAMES
    for name in chosen:
        if name not in NAMES:
            print(f"There is no benchmark {name!r}. Known: {', '.join(NAMES)}.", file=sys.stderr)
            return 2
    print(f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores")
    for name in chosen:
        print(f"\n{name}", flush=True)
        import_module(f"tests.benchmarks.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
