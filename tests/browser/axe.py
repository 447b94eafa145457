"""axe-core, which looks for what keeps people out of a page."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

VERSION = "4.10.3"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "rtlab-tests"

_RUN = """async selector => (await axe.run(selector, {resultTypes: ['violations']})).violations
    .filter(found => ['serious', 'critical'].includes(found.impact))
    .map(found => `${found.id}: ${found.help}: ${found.nodes.map(node => node.html).join(' ')}`)"""


@cache
def source() -> str:
    """Return axe-core's script, fetched once; without npm or a network the test is skipped."""
    script = CACHE / f"axe-core-{VERSION}" / "node_modules" / "axe-core" / "axe.min.js"
    if not script.exists():
        npm = shutil.which("npm")
        if npm is None:
            return _absent("there is no npm on this machine")
        folder = script.parents[2]
        folder.mkdir(parents=True, exist_ok=True)
        command = [npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder)]
        done = subprocess.run(
            [*command, f"axe-core@{VERSION}"], capture_output=True, text=True, timeout=100
        )
        if done.returncode:
            return _absent(f"npm could not fetch axe-core: {done.stderr.strip()[:200]}")
    return script.read_text("utf-8")


def _absent(why: str) -> str:
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)


def violations(page: Page, selector: str) -> list[str]:
    """Return the serious and critical violations in what a selector finds."""
    page.evaluate(source())
    found: Any = page.evaluate(_RUN, selector)
    return list(found)
