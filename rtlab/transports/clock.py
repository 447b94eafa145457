"""What the server's clock says, for clients that have another one.

A message says when it was published, on this process's ``time.perf_counter_ns``. A Python client on
this machine reads the same clock; a browser's ``performance.now()`` began to count elsewhere. It
asks every server of a lab, and puts the answer half way between question and answer (Cristian's
algorithm; NTP does the same, RFC 5905 §8). The mistake is at most half the round trip.

    GET /clock                   200: {"perf_counter_ns": 812345678901234}
"""

from __future__ import annotations

import time

PATH = "/clock"
HEADERS = {"Cache-Control": "no-store"}


def reading() -> str:
    """Return what the clock says now, as JSON."""
    return f'{{"perf_counter_ns":{time.perf_counter_ns()}}}'
