"""The logic of the views' modules, in node: ``NAME.test.mjs`` here tests ``static/NAME.js``."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from rtlab.widgets import base

TESTS = sorted(Path(__file__).parent.glob("*.test.mjs"))

if shutil.which("node") is None and not os.environ.get("CI"):
    pytest.skip("there is no node on this machine", allow_module_level=True)


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name.removesuffix(".test.mjs"))
def test_a_module(path: Path, tmp_path: Path) -> None:
    module = tmp_path / "module.mjs"
    module.write_text(base._read(f"{path.name.removesuffix('.test.mjs')}.js"), "utf-8")
    done = subprocess.run(
        ["node", "--test", str(path)],
        env={**os.environ, "MODULE": module.as_uri()},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
