"""Lanes at 1,000 messages a second in each: what the page does, and what the kernel does for it.

A real JupyterLab in a headless Chromium without a GPU, so all is drawn by the processor: frames and
long tasks are those of the page, beside an empty notebook in the same run. What drawing costs the
kernel is the difference between its processor time with the view shown and, while the same messages
travel on, with it not shown, taking turns; and beside it the time that its thread spends in beats.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from playwright.sync_api import CDPSession, Page

from tests.benchmarks.report import at_least, at_most, line
from tests.browser.jupyterlab import browser, chromium, jupyterlab
from tests.browser.views import write_notebook

SECONDS = 6.0
ROUNDS = 3
RATE = 1000

CELL = f"""
import time, ipywidgets, rtlab
from rtlab.widgets.lanes import Lanes

class Timed(Lanes, module="lanes", uses=("motion", "controls", "lanes_drawing")):
    spent = 0.0
    def _beat(self):
        begin = time.thread_time()
        super()._beat()
        Timed.spent += time.thread_time() - begin

lab = rtlab.start()
lab.impair(latency=0.08)
lanes = Timed(lab, rate={RATE})
lab.thread.soon(lanes._traffic.join, "benchmark")  # goes on when the view is not shown
holder = ipywidgets.VBox([lanes])
holder
"""

WATCH = """(seconds) => new Promise((done) => {
  const gaps = [], tasks = []
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) tasks.push(entry.duration)
  })
  observer.observe({ type: 'longtask' })
  const begin = performance.now()
  let last = begin
  const look = (now) => {
    gaps.push(now - last)
    last = now
    if (now < begin + seconds * 1000) return requestAnimationFrame(look)
    observer.disconnect()
    done({ gaps: gaps.slice(1), tasks })
  }
  requestAnimationFrame(look)
})"""


def _watch(page: Page, what: str, hold: bool = True) -> None:
    """Print frames and long tasks of a page; with ``hold`` hold them against the goals."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    before = _busy(session)
    seen = page.evaluate(WATCH, SECONDS)
    busy = (_busy(session) - before) / SECONDS
    session.detach()
    gaps = sorted(seen["gaps"])
    rate = 1000 * len(gaps) / sum(gaps)
    slow = gaps[int(0.99 * len(gaps))]
    longest = max(seen["tasks"], default=0.0)
    if hold:
        at_least(f"{what}: frames a second", rate, "/s", 50)
        at_most(f"{what}: long tasks (over 50 ms)", len(seen["tasks"]), "", 0)
    else:
        line(f"{what}: frames a second", rate, "/s")
        line(f"{what}: long tasks (over 50 ms)", len(seen["tasks"]), "")
    line(f"{what}: 99 of 100 frames come within", slow, "ms")
    line(f"{what}: the page's thread is busy for", busy, "")
    if longest:
        line(f"{what}: the longest task", longest, "ms")


def _busy(session: CDPSession) -> float:
    """Return the seconds for which the page's own thread has worked."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return float(next(m["value"] for m in metrics if m["name"] == "TaskDuration"))


class Kernel:
    """The kernel behind a notebook, asked past the page."""

    def __init__(self, runtime: Path) -> None:
        newest = max(runtime.glob("kernel-*.json"), key=lambda path: path.stat().st_mtime)
        self.client: Any = BlockingKernelClient(connection_file=str(newest))
        self.client.load_connection_file()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def value(self, code: str, expression: str = "None") -> Any:
        """Run code in it and return the value of an expression."""
        reply = self.client.execute_interactive(
            code, timeout=60, user_expressions={"it": expression}, output_hook=lambda _: None
        )
        return eval(reply["content"]["user_expressions"]["it"]["data"]["text/plain"])

    def spend(self) -> tuple[float, float, int]:
        """Let it work: what share of a core all takes, and beats, and deliveries a second."""
        now = (
            "(time.process_time(), time.perf_counter(), Timed.spent,"
            " sum(count.delivered for count in lanes.counts()))"
        )
        before = self.value("pass", now)
        time.sleep(SECONDS)
        after = self.value("pass", now)
        cpu, wall, beats, delivered = (b - a for a, b in zip(before, after, strict=True))
        return cpu / wall, beats / wall, round(delivered / wall)


def _lanes(page: Page, kernel: Kernel) -> None:
    for latency in (0.08, 0.5, 0.0):
        kernel.value(f"lab.impair(latency={latency})")
        page.wait_for_timeout(4000)
        _watch(page, f"Lanes, {RATE}/s in each, {latency * 1000:g} ms")
    kernel.value("lab.impair(latency=0.08)")
    shown, hidden, beats = [], [], []
    for _ in range(ROUNDS):
        for children, shares in (("(lanes,)", shown), ("()", hidden)):
            kernel.value(f"holder.children = {children}")
            page.wait_for_timeout(2000)
            share, in_beats, delivered = kernel.spend()
            shares.append(share)
            if shares is shown:
                beats.append(in_beats)
            at_least("  deliveries a second in all lanes", delivered, "/s", 3.6 * RATE)
    line("kernel, view shown: share of a core", statistics.median(shown), "")
    line("kernel, view not shown: share of a core", statistics.median(hidden), "")
    added = statistics.median(a - b for a, b in zip(shown, hidden, strict=True))
    at_most("kernel: what drawing adds", added, "", 0.3)
    line("kernel: share of a core spent in beats", statistics.median(beats), "")


def main() -> None:
    """Print all of it."""
    if chromium() is None:
        print("  (no Chromium here: the views are left out)", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as settings:
        empty = write_notebook(Path(folder), "empty.ipynb", "pass")
        lanes = write_notebook(Path(folder), "lanes.ipynb", CELL.strip())
        runtime = Path(settings, "runtime")
        with jupyterlab(Path(folder), Path(settings)) as lab, browser() as chrome:
            line("processes that want a core before it begins", os.getloadavg()[0], "")
            chrome.run_all(lab.notebook(empty))
            chrome.page.wait_for_timeout(3000)
            _watch(chrome.page, "an empty notebook", hold=False)
            chrome.run_all(lab.notebook(lanes))
            chrome.page.wait_for_selector(".rtlab-lanes canvas")
            _lanes(chrome.page, Kernel(runtime))
