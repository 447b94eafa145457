"""``asyncio.run`` in a cell, in a real kernel beside a running lab."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

ROOT = Path(__file__).parents[1]

SCRIPT = """
import asyncio, rtlab

async def main():
    async for delivery in rtlab.subscribe(lab.url("{transport}"), "{transport}"):
        return delivery.message.data

print(asyncio.run(main()))
"""


class Cells:
    """Runs cells in a kernel of its own."""

    def __init__(self, client: BlockingKernelClient) -> None:
        self._client = client

    def run(self, code: str) -> str:
        """Run a cell and return what it printed, or how it failed."""
        printed = []

        def keep(message: dict) -> None:
            content = message["content"]
            if message["msg_type"] == "stream":
                printed.append(content["text"])
            elif message["msg_type"] == "error":
                printed.append(f"{content['ename']}: {content['evalue']}")

        self._client.execute_interactive(code, timeout=60, output_hook=keep)
        return "".join(printed).strip()


@pytest.fixture(scope="module")
def cells() -> Iterator[Cells]:
    manager, client = start_new_kernel(env={**os.environ, "PYTHONPATH": str(ROOT)})
    try:
        cells = Cells(client)
        assert cells.run("import rtlab\nlab = rtlab.start()\n_ = lab.publish('hello')") == ""
        yield cells
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()


def test_asyncio_run_fails_before_the_opt_in_and_await_works(cells):
    failed = cells.run(SCRIPT.format(transport="sse").replace("asyncio.run(main())", "run()"))
    assert "NameError" in failed  # the cells do report errors
    failed = cells.run("import asyncio\nasync def f(): pass\nc = f()\nasyncio.run(c)")
    assert "RuntimeError: asyncio.run() cannot be called from a running event loop" in failed
    assert cells.run("c.close()\nimport sys\nprint('nest_asyncio' in sys.modules)") == "False"
    awaited = SCRIPT.format(transport="sse").replace("asyncio.run(main())", "await main()")
    assert cells.run(awaited).endswith("hello")


def test_asyncio_run_works_after_the_opt_in_beside_the_running_lab(cells):
    assert cells.run("rtlab.enable_asyncio_run()") == ""
    for transport in ("polling", "long_polling", "sse", "websocket"):
        assert cells.run(SCRIPT.format(transport=transport)) == "hello"
    assert cells.run("rtlab.enable_asyncio_run()") == ""
    assert cells.run(SCRIPT.format(transport="sse")) == "hello"


def test_await_and_the_lab_go_on_after_the_opt_in(cells):
    cells.run("rtlab.enable_asyncio_run()")
    awaited = SCRIPT.format(transport="websocket").replace("asyncio.run(main())", "await main()")
    assert cells.run(awaited) == "hello"
    assert cells.run("print(lab.running, lab.publish('more').seq)") == "True 2"
    assert cells.run("lab = rtlab.start('sse')\nprint(lab.running)") == "True"
    assert cells.run("rtlab.stop()\nprint(lab.running)") == "False"
