"""The logic of the views' modules, in node: ``NAME.test.mjs`` here tests ``static/NAME.js``."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from rtlab.arguments import TRANSPORTS
from rtlab.widgets import base, chat_room, feel_it, live_ladder
from rtlab.widgets.native import PARTS, code_of

TESTS = sorted(Path(__file__).parent.glob("*.test.mjs"))

# What a module is tested with: the parts of its view that come before it.
VIEWS = (
    (*chat_room.USES, "chat_room"),
    (*feel_it.USES, "feel_it"),
    (*live_ladder.USES, "live_ladder"),
)
USES = {part: parts[:place] for parts in VIEWS for place, part in enumerate(parts)}
USES |= dict.fromkeys(("journal", "client", "browser_client", "ticker"), PARTS)

if shutil.which("node") is None and not os.environ.get("CI"):
    pytest.skip("there is no node on this machine", allow_module_level=True)


def node(name: str, folder: Path, *command: str) -> str:
    """Run node, which finds the module where ``MODULE`` says; return what it wrote."""
    module = folder / "module.mjs"
    module.write_text(base._read(f"{name}.js", USES.get(name, ())), "utf-8")
    done = subprocess.run(
        ["node", *command],
        env={**os.environ, "MODULE": module.as_uri()},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name.removesuffix(".test.mjs"))
def test_a_module(path: Path, tmp_path: Path) -> None:
    node(path.name.removesuffix(".test.mjs"), tmp_path, "--test", str(path))


def test_the_code_that_is_shown_without_a_script_is_the_code_that_runs(tmp_path: Path) -> None:
    names = json.dumps(TRANSPORTS)
    script = f"const {{ codeOf }} = await import(process.env.MODULE);\
console.log(JSON.stringify({names}.map(codeOf)));"
    shown = json.loads(node("lesson", tmp_path, "--input-type=module", "-e", script))
    assert shown == [code_of(transport) for transport in TRANSPORTS]
    assert "new EventSource(" in code_of("sse")
    assert "new WebSocket(" in code_of("websocket")
