"""What a subscription yields, and what it reports on the way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from rtlab.backoff import Backoff
from rtlab.feed import Message
from rtlab.log import logger

State = Literal["connecting", "open", "waiting", "lost", "reconnecting", "closed"]


class Delivery(NamedTuple):
    """A message that arrived at a client.

    Attributes:
        message: the message.
        received_ns: when the client had its bytes, in nanoseconds of ``time.perf_counter_ns``.
    """

    message: Message
    received_ns: int

    @property
    def latency(self) -> float:
        """Seconds from publish to receive, one way, on this machine's one clock.

        Of a message that was published before the client subscribed, the waiting counts as well.
        """
        return (self.received_ns - self.message.published_ns) / 1e9


@dataclass(frozen=True, slots=True)
class Report:
    """What a client is doing. ``rtlab.states`` has the moves from one report to the next.

    Attributes:
        state: ``connecting``, ``open`` (an answer or stream is there), ``waiting`` (polling: until
            the next question; long polling: for the answer to the one that is held), ``lost``
            (news, the client stays open: messages that the feed no longer had), ``reconnecting``,
            ``closed`` (the subscription has ended: the last report, always).
        detail: why, in a few words.
        delay: for ``waiting`` and ``reconnecting``: for how many seconds.
        at_ns: when (``time.perf_counter_ns``).
    """

    state: State
    detail: str = ""
    delay: float | None = None
    at_ns: int = field(default_factory=time.perf_counter_ns)

    def __str__(self) -> str:
        after = "" if self.delay is None else f" in {self.delay:.1f} s"
        return f"{self.state}{after}" + (f" ({self.detail})" if self.detail else "")


_log = logger("client")

Listener = Callable[[Report], object]


def ignore(report: Report) -> None:
    """The listener of a client that nobody watches."""


@asynccontextmanager
async def last_report(listener: Listener) -> AsyncIterator[None]:
    """Report ``closed`` when a subscription ends, whatever ends it."""
    try:
        yield
    except (GeneratorExit, asyncio.CancelledError):
        listener(Report("closed", "the client left"))
        raise
    except BaseException as error:
        listener(Report("closed", str(error) or type(error).__name__))
        raise


async def wait_before_retry(backoff: Backoff, listener: Listener, why: object) -> None:
    """Count a failure, say so, and wait as long as the backoff asks."""
    delay = backoff.next()
    _log.info("a client reconnects in %.1f s: %s", delay, why)
    listener(Report("reconnecting", str(why) or type(why).__name__, delay))
    await asyncio.sleep(delay)
