"""What becomes of processes that a test has others start."""

from __future__ import annotations

import time

import psutil


def wait_until_gone(pid: int) -> None:
    """Wait for a process that was killed: its entry stays until somebody has taken note."""
    for _ in range(100):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return
        time.sleep(0.1)
    raise AssertionError(f"process {pid} is still running")
