"""The logic of the views' modules, in node: ``NAME.test.mjs`` here tests ``static/NAME.js``."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from rtlab.widgets import base, chat_room, feel_it

TESTS = sorted(Path(__file__).parent.glob("*.test.mjs"))

# What a module is tested with: the parts of its view that come before it.
VIEWS = ((*chat_room.USES, "chat_room"), (*feel_it.USES, "feel_it"))
USES = {part: parts[:place] for parts in VIEWS for place, part in enumerate(parts)}

if shutil.which("node") is None and not os.environ.get("CI"):
    pytest.skip("there is no node on this machine", allow_module_level=True)


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name.removesuffix(".test.mjs"))
def test_a_module(path: Path, tmp_path: Path) -> None:
    module = tmp_path / "module.mjs"
    name = path.name.removesuffix(".test.mjs")
    module.write_text(base._read(f"{name}.js", USES.get(name, ())), "utf-8")
    done = subprocess.run(
        ["node", "--test", str(path)],
        env={**os.environ, "MODULE": module.as_uri()},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
