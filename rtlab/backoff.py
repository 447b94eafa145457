"""How long to wait before the next attempt."""

from __future__ import annotations

import random

from rtlab.arguments import number


class Backoff:
    """Exponential backoff with jitter.

    The ceiling doubles with every failure, ``base``, ``2 * base``, ``4 * base``, ... up to ``cap``;
    the delay is drawn between half the ceiling and the ceiling, so that a thousand clients that
    were cut together do not come back together. ``reset`` it on success: the lesson's
    ``Math.min(1000 * 2 ** retries, 30000)`` is right only if somebody counts ``retries`` up *and*
    back to zero.

    Args:
        base: the first ceiling, in seconds.
        cap: the longest delay, in seconds.
        least: what is added to every delay, in seconds: a server may ask for it.
        rng: where the jitter comes from; pass a seeded one to repeat a run.
    """

    def __init__(
        self,
        base: float = 0.5,
        cap: float = 30.0,
        least: float = 0.0,
        rng: random.Random | None = None,
    ) -> None:
        self.base = number("base", base, "seconds", above=True)
        self.cap = number("cap", cap, "seconds", above=True)
        self.least = number("least", least, "seconds")
        self.failures = 0
        self._rng = rng or random.Random()

    def next(self) -> float:
        """Count a failure and return the seconds to wait."""
        # The exponent is bounded because 2.0 ** 1024 overflows after a night without a server.
        ceiling = min(self.cap, self.base * 2.0 ** min(self.failures, 60))
        self.failures += 1
        return min(self.cap, self.least + self._rng.uniform(ceiling / 2, ceiling))

    def reset(self) -> None:
        """Note a success: the next failure starts at ``base`` again."""
        self.failures = 0
