"""What it costs to import, to start and to stop, and what is left behind."""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import threading
import time

import rtlab
from tests.benchmarks.report import at_most, line

FIRST_START = """
import time, rtlab
begin = time.perf_counter(); lab = rtlab.start(); print(time.perf_counter() - begin); rtlab.stop()
"""


def _process(code: str) -> float:
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - begin) * 1e3


def _first_start() -> float:
    shown = subprocess.run(
        [sys.executable, "-c", FIRST_START], check=True, capture_output=True, text=True
    )
    return float(shown.stdout)


def main() -> None:
    """Print all of it."""
    nothing, ours = [], []
    for _ in range(15):
        nothing.append(_process("pass"))
        ours.append(_process("import rtlab"))
    added = statistics.median(b - a for a, b in zip(nothing, ours, strict=True))
    line("python -c pass", statistics.median(nothing), "ms")
    at_most("import rtlab, on top of that", added, "ms", 80)
    at_most("first start()", statistics.median(_first_start() for _ in range(5)), "s", 1)

    rtlab.start()
    rtlab.stop()
    starts, stops = [], []
    files, threads = _files(), threading.active_count()
    for _ in range(100):
        begin = time.perf_counter()
        rtlab.start()
        middle = time.perf_counter()
        rtlab.stop()
        starts.append((middle - begin) * 1e3)
        stops.append((time.perf_counter() - middle) * 1e3)
    at_most("warm start()", statistics.median(starts), "ms", 50)
    at_most("stop(), nobody connected", statistics.median(stops), "ms", 100)
    at_most("after 100 cycles: file descriptors left", _files() - files, "", 0)
    at_most("after 100 cycles: threads left", threading.active_count() - threads, "", 0)
    at_most("stop(), ten clients on each transport", asyncio.run(_busy_stop()), "ms", 100)


def _files() -> int:
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0


async def _busy_stop() -> float:
    lab = rtlab.start()
    got = 0

    async def follow(transport: str) -> None:
        nonlocal got
        async for _ in rtlab.subscribe(lab.url(transport), transport):
            got += 1

    tasks = [asyncio.create_task(follow(name)) for name in rtlab.TRANSPORTS for _ in range(10)]
    lab.publish("hello")
    while got < 40:
        await asyncio.sleep(0.01)
    begin = time.perf_counter()
    await asyncio.to_thread(rtlab.stop)
    seconds = time.perf_counter() - begin
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return seconds * 1e3
