"""Whether time grows with the bytes or with their square, on a machine that is busy as well."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence

from rtlab.dissect.cursor import Dissector

EIGHTFOLD = 8
LINEAR = 24.0
"""Eight times the bytes take 8 times as long if time is linear, 64 if it is quadratic."""


def growth(make: Callable[[], Dissector], few: Sequence[bytes], many: Sequence[bytes]) -> float:
    """Return how many times longer ``many`` pieces take than ``few``: the best of five, each.

    It is processor time of this thread, and the two take turns, so that whatever else this machine
    does falls on both.
    """
    best = [float("inf"), float("inf")]
    gc.collect()
    gc.disable()
    try:
        for _ in range(5):
            for place, pieces in enumerate((few, many)):
                dissector = make()
                begin = time.thread_time()
                for piece in pieces:
                    dissector.feed(piece)
                dissector.end()
                best[place] = min(best[place], time.thread_time() - begin)
                del dissector
    finally:
        gc.enable()
    return best[1] / best[0]
