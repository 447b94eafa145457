"""The kernel of a notebook that is open in a browser, as a second client sees it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from jupyter_client.blocking import BlockingKernelClient

from tests.browser.jupyterlab import JupyterLab

GUARD = 60.0  # seconds after which something hangs; no assertion on speed


class Kernel:
    """Runs code beside the cells; nothing of it shows in the notebook."""

    def __init__(self, client: BlockingKernelClient) -> None:
        self._client = client

    def run(self, code: str) -> str:
        """Run code and return what it printed."""
        printed: list[str] = []

        def take(message: dict[str, Any]) -> None:
            if message["msg_type"] == "stream":
                printed.append(message["content"]["text"])

        reply = self._client.execute_interactive(
            code, store_history=False, output_hook=take, timeout=GUARD
        )
        assert reply["content"]["status"] == "ok", reply["content"]
        return "".join(printed)

    def send(self, code: str) -> None:
        """Run code and do not wait for its end."""
        self._client.execute(code, store_history=False)

    def ask(self, expression: str) -> Any:
        """Return the value of an expression that JSON can hold."""
        return json.loads(self.run(f"import json; print(json.dumps({expression}))"))

    def until(self, expression: str, condition: Callable[[Any], object] = bool) -> Any:
        """Wait until the value of an expression is as it shall be, and return it."""
        end = time.monotonic() + GUARD
        while True:
            value = self.ask(expression)
            if condition(value):
                return value
            assert time.monotonic() < end, f"it never happened; {expression} is {value!r}"
            time.sleep(0.1)


@contextmanager
def kernel_of(lab: JupyterLab, notebook: str) -> Iterator[Kernel]:
    """Connect to the kernel of a notebook that is open."""
    [session] = [it for it in lab.ask("GET", "sessions") if it["path"] == notebook]
    number = session["kernel"]["id"]
    client = BlockingKernelClient(connection_file=str(lab.runtime / f"kernel-{number}.json"))
    client.load_connection_file()
    client.start_channels(hb=False)  # by its heartbeat, one that is still starting seems dead
    try:
        client.wait_for_ready(GUARD)
        yield Kernel(client)
    finally:
        client.stop_channels()
