"""The logic of the views' modules, under node: what needs no browser."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

import rtlab.widgets
from rtlab.arguments import TRANSPORTS
from rtlab.widgets.native import code_of

HERE = Path(__file__).parent
VIEWS = {
    "browser_client": "BrowserClient",
    "ticker": "Ticker",
}
NODE = shutil.which("node")


def node(view: str, folder: Path, *command: str) -> str:
    """Run node, which finds the view's module where ``RTLAB_MODULE`` says; return what it wrote."""
    if NODE is None:
        if os.environ.get("CI"):
            pytest.fail("there is no node on this machine")
        pytest.skip("there is no node on this machine")
    module = folder / f"{view}.mjs"
    module.write_text(getattr(rtlab.widgets, VIEWS[view])._esm, "utf-8")
    done = subprocess.run(
        [NODE, *command],
        env=os.environ | {"RTLAB_MODULE": module.as_uri()},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    return done.stdout


@pytest.mark.parametrize("test", sorted(HERE.glob("*.test.mjs")), ids=lambda path: path.name)
def test_a_module(test: Path, tmp_path: Path) -> None:
    node(test.name.removesuffix(".test.mjs"), tmp_path, "--test", str(test))


def test_the_code_that_is_shown_without_a_script_is_the_code_that_runs(tmp_path: Path) -> None:
    script = "import(process.env.RTLAB_MODULE).then(({ codeOf }) => console.log(JSON.stringify("
    script += f"{json.dumps(TRANSPORTS)}.map(codeOf))))"
    shown = json.loads(node("browser_client", tmp_path, "-e", script))
    assert shown == [code_of(transport) for transport in TRANSPORTS]
    assert "new EventSource(" in code_of("sse")
    assert "new WebSocket(" in code_of("websocket")
